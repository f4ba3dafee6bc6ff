// The live screen sends what has changed, and the bundle for supporters says nothing of persons.
#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <vector>

#include "tools/lienthong/bundle_file.h"
#include "tools/lienthong/live_screen.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

// What a terminal shows after these bytes, as far as Screen uses it.
class Shown {
 public:
  Shown(std::size_t rows, std::size_t columns)
      : cells_(rows, std::vector<std::string>(columns, " ")) {}
  void take(const std::string& bytes) {
    for (std::size_t i = 0; i < bytes.size();) {
      if (bytes[i] != '\x1b') {
        const auto until = bytes.find('\x1b', i);
        const std::size_t end =
            i + tools::prefix_of(std::string_view(bytes).substr(i, until - i), 1);
        ASSERT_LT(column_, cells_[row_].size()) << "beyond the edge";
        cells_[row_][column_++] = bytes.substr(i, end - i);
        i = end;
        continue;
      }
      std::size_t end = i + 2;
      while (std::isalpha(static_cast<unsigned char>(bytes[end])) == 0) ++end;
      const std::string words = bytes.substr(i + 2, end - i - 2);
      if (bytes[end] == 'H') {
        row_ = std::stoul(words) - 1;
        column_ = std::stoul(words.substr(words.find(';') + 1)) - 1;
      } else if (bytes[end] == 'K') {
        for (std::size_t at = column_; at < cells_[row_].size(); ++at) cells_[row_][at] = " ";
      } else if (bytes[end] == 'J') {
        for (auto& row : cells_) row.assign(row.size(), " ");
      }
      i = end + 1;
    }
  }
  std::string row(std::size_t at) const {
    std::string out;
    for (const std::string& cell : cells_[at]) out += cell;
    return out.substr(0, out.find_last_not_of(' ') + 1);
  }

 private:
  std::vector<std::vector<std::string>> cells_;
  std::size_t row_ = 0, column_ = 0;
};

TEST(ScreenTest, SendsOnlyTheCellsThatHaveChanged) {
  Screen screen(24, 80);
  Shown shown(24, 80);
  screen.clear();
  screen.put(0, 0, "Huyện Phú Ninh", Style::kBold);
  screen.put(5, 10, "chờ 12");
  screen.put(23, 0, "q thoát", Style::kDim);
  shown.take(screen.flush());
  EXPECT_EQ(shown.row(0), "Huyện Phú Ninh");
  EXPECT_EQ(shown.row(5), "          chờ 12");
  EXPECT_EQ(shown.row(23), "q thoát");
  EXPECT_EQ(screen.flush(), "") << "nothing has changed";

  screen.clear();
  screen.put(0, 0, "Huyện Phú Ninh", Style::kBold);
  screen.put(5, 10, "chờ 9");
  screen.put(23, 0, "q thoát", Style::kDim);
  const std::string change = screen.flush();
  EXPECT_LE(change.size(), 16U) << change;
  shown.take(change);
  EXPECT_EQ(shown.row(5), "          chờ 9");
  screen.forget();
  Shown other(24, 80);
  other.take(screen.flush());
  for (std::size_t row = 0; row < 24; ++row) EXPECT_EQ(other.row(row), shown.row(row));
}

TEST(ScreenTest, AnyTwoPicturesFollowOneAnother) {
  Screen screen(6, 12);
  Shown shown(6, 12);
  unsigned seed = 7;
  const auto draw = [&seed](unsigned below) {
    return (seed = seed * 1'103'515'245U + 12'345U) / 65'536U % below;
  };
  const std::string words[] = {"a", "Đặng", "a\xcc\x81n", "   ", "0123456789", "…", ""};
  for (int picture = 0; picture < 500; ++picture) {
    Screen whole(6, 12);
    screen.clear();
    whole.clear();
    for (unsigned i = draw(9); i > 0; --i) {
      const unsigned row = draw(6), column = draw(14), word = draw(7), style = draw(3);
      for (Screen* each : {&screen, &whole})
        each->put(row, column, words[word], static_cast<Style>(style));
    }
    shown.take(screen.flush());
    Shown anew(6, 12);
    anew.take(whole.flush());
    for (std::size_t row = 0; row < 6; ++row) ASSERT_EQ(shown.row(row), anew.row(row)) << picture;
  }
}

TEST(ScreenTest, WhatOthersWroteCannotCommandTheTerminal) {
  Screen screen(2, 20);
  screen.clear();
  screen.put(0, 0,
             "a\x1b]0;x\x07\xc2\x9b"
             "31mb\x7f");
  const std::string bytes = screen.flush();
  EXPECT_NE(bytes.find("a?]0;x??31mb?"), std::string::npos) << bytes;
}

TEST(SupportBundle, TextsKeepTheirPatternAndLoseTheirPersons) {
  EXPECT_TRUE(without_persons("10.0.0.1:7410: Connection refused").ends_with("Connection refused"));
  for (const std::string person : {"Nguyễn Văn An", "Nguyen Van An", "hoa1985", "0905123456",
                                   "049185000123", "4221000912345678", "an@example.vn"}) {
    for (const std::string& text :
         {person, "no link with " + person + " since 2026-12-01T09:30:00+07:00",
          "code " + person + " is taken", "what nobody knows: " + person})
      EXPECT_EQ(without_persons(text).find(person), std::string::npos) << text;
    EXPECT_EQ(log_without_persons("event=down reason=\"of \\\"" + person + "\\\"\" " + person +
                                  " who=" + person)
                  .find(person),
              std::string::npos);
  }
  EXPECT_EQ(without_persons("2026-12-01T09:30:00+07:00"), "2026-12-01T09:30:00+07:00");
  EXPECT_EQ(without_persons("no link with Lò Thị Hoa since 2026-12-01T09:30:00+07:00"),
            "no link with … since 2026-12-01T09:30:00+07:00");
  const std::string line = log_without_persons(
      "peer=a1b2c3d4e5f6 address=10.0.0.1:7410 event=down reason=\"the note of \\\"Hoa\\\"\" "
      "count=3");
  EXPECT_TRUE(line.starts_with("peer=a1b2c3d4e5f6 address=10.0.0.1:7410 event=down reason="));
  EXPECT_TRUE(line.ends_with(" count=3")) << line;
  EXPECT_EQ(log_without_persons("event=narrowed path=/home/hoa/x mode=644 hoa"),
            "event=narrowed path=… mode=644 …");
}

}  // namespace
}  // namespace lienthong::tools
