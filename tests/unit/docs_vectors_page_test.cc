// Holds docs/protocol/vectors.md and tests/data/vectors to the code: every vector is recomputed
// from its inputs, and nothing is printed that is not. LT_UPDATE_VECTORS=1 writes both anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "tests/unit/docs_vectors.h"

namespace lienthong::vectors {
namespace {

struct Named {
  const char* name;
  void (*recompute)(Theme&);
};
constexpr Named kThemes[] = {
    {"signatures", signatures},
    {"records", records},
    {"messages", messages},
    {"parts", parts},
    {"names", names},
    {"compression", compression},
    {"handshakes", handshakes},
    {"sessions", sessions},
    {"healing", healing},
    {"bundles", bundles},
    {"enrolment", enrolment},
    {"files", files},
};

const std::filesystem::path kPage =
    std::filesystem::path(LT_SOURCE_DIR) / "docs" / "protocol" / "vectors.md";
const std::filesystem::path kFolder =
    std::filesystem::path(LT_SOURCE_DIR) / "tests" / "data" / "vectors";

std::filesystem::path file_of(const std::string& theme) { return kFolder / (theme + ".txt"); }

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void write_text(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

bool updating() { return std::getenv("LT_UPDATE_VECTORS") != nullptr; }

std::string file_text(const std::string& theme, const std::vector<Vector>& vectors) {
  return "# Theme \"" + theme + "\" of docs/protocol/vectors.md, which says how to read it.\n" +
         "# " + std::to_string(vectors.size()) + " vectors, written by the test that recomputes " +
         "them: LT_UPDATE_VECTORS=1.\n\n" + render(vectors);
}

// The fenced blocks of the page, by theme.
struct Block {
  std::string theme;
  std::size_t begin = 0, end = 0;  // of what is between the fences
};
std::vector<Block> blocks_of(const std::string& page) {
  constexpr std::string_view kOpen = "```vectors ", kClose = "```";
  std::vector<Block> out;
  bool inside = false;
  for (std::size_t at = 0; at < page.size();) {
    const std::size_t line_end = std::min(page.find('\n', at), page.size());
    const std::string_view line = std::string_view(page).substr(at, line_end - at);
    if (!inside && line.starts_with(kOpen)) {
      inside = true;
      out.push_back({std::string(line.substr(kOpen.size())), line_end + 1, line_end + 1});
    } else if (inside && line == kClose) {
      inside = false;
      out.back().end = at;
    }
    at = line_end + 1;
  }
  return out;
}

std::vector<Vector> recomputed(const Named& theme) {
  Theme out(updating() ? std::vector<Vector>() : parse(read_text(file_of(theme.name))));
  theme.recompute(out);
  return out.vectors();
}

// The page with the vectors of these themes in its blocks.
std::string updated(std::string page, const std::map<std::string, std::vector<Vector>>& themes) {
  std::vector<Block> blocks = blocks_of(page);
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
    const auto found = themes.find(block->theme);
    if (found != themes.end())
      page.replace(block->begin, block->end - block->begin, render_short(found->second));
  }
  return page;
}

void expect_same(const std::string& where, const std::vector<Vector>& printed,
                 const std::vector<Vector>& expected) {
  for (std::size_t i = 0; i < std::min(printed.size(), expected.size()); ++i) {
    ASSERT_EQ(printed[i].name, expected[i].name) << where << ", vector " << i;
    EXPECT_EQ(static_cast<char>(printed[i].mark), static_cast<char>(expected[i].mark))
        << where << ": " << printed[i].name;
    EXPECT_EQ(printed[i].value, expected[i].value) << where << ": " << printed[i].name;
  }
  EXPECT_EQ(printed.size(), expected.size()) << where << ": vectors printed and recomputed";
}

TEST(ProtocolDocument, PrintsTheVectorsThatTheCodeGives) {
  std::map<std::string, std::vector<Vector>> themes;
  std::size_t count = 0;
  for (const Named& theme : kThemes) {
    themes[theme.name] = recomputed(theme);
    EXPECT_GE(themes[theme.name].size(), 5U) << theme.name;
    count += themes[theme.name].size();
  }
  if (updating()) {
    for (const auto& [theme, vectors] : themes)
      write_text(file_of(theme), file_text(theme, vectors));
    write_text(kPage, updated(read_text(kPage), themes));
  }
  const std::string page = read_text(kPage);
  std::map<std::string, int> seen;
  for (const Block& block : blocks_of(page)) {
    ASSERT_TRUE(themes.contains(block.theme)) << "no test recomputes " << block.theme;
    ++seen[block.theme];
    const std::string_view shown =
        std::string_view(page).substr(block.begin, block.end - block.begin);
    expect_same("the page", parse(shown), parse(render_short(themes[block.theme])));
  }
  std::size_t printed_count = 0;
  for (const auto& [theme, vectors] : themes) {
    EXPECT_EQ(seen[theme], 1) << theme << " has one block on the page";
    EXPECT_NE(page.find("tests/data/vectors/" + theme + ".txt"), std::string::npos) << theme;
    const std::vector<Vector> printed = parse(read_text(file_of(theme)));
    printed_count += printed.size();
    expect_same(theme + ".txt", printed, vectors);
    EXPECT_EQ(read_text(file_of(theme)), file_text(theme, vectors)) << theme;
  }
  EXPECT_EQ(printed_count, count);
  std::cout << count << " vectors of " << themes.size() << " themes recomputed\n";
  RecordProperty("vectors_recomputed", static_cast<int>(count));
}

TEST(ProtocolDocument, HasNoFileOfVectorsThatNoTestRecomputes) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    ++count;
    const std::string name = entry.path().filename().string();
    const bool known = std::ranges::any_of(
        kThemes, [&](const Named& theme) { return name == std::string(theme.name) + ".txt"; });
    EXPECT_TRUE(known) << name;
  }
  EXPECT_EQ(count, std::size(kThemes));
}

TEST(Vectors, AreReadAsTheyAreWritten) {
  Theme theme;
  theme.input("none", Bytes());
  theme.input("long", Bytes(500, 0xab));
  theme.result("number", std::uint64_t{12});
  theme.result("text", std::string_view("một \"hai\" \\ ba\nbốn"));
  EXPECT_EQ(parse(render(theme.vectors())), theme.vectors());
  EXPECT_EQ(parse("# passed over\n\n" + render(theme.vectors())), theme.vectors());
  EXPECT_NE(render_short(theme.vectors()).find("long < (500 bytes)\n"), std::string::npos);
}

TEST(Vectors, KeepAnExampleOnlyWhereItIsRight) {
  const auto even = [](ByteView bytes) { return bytes.size() == 1 && bytes[0] % 2 == 0; };
  Theme kept({{"x", Mark::kExample, "04"}});
  EXPECT_EQ(kept.example("x", Bytes{2}, even), Bytes{4});
  Theme wrong({{"x", Mark::kExample, "05"}});
  EXPECT_EQ(wrong.example("x", Bytes{2}, even), Bytes{2});
}

}  // namespace
}  // namespace lienthong::vectors
