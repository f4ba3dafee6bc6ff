// Every reason is there in every language, and what was composed in English is told in another.
#include <gtest/gtest.h>

#include <set>

#include "agent/texts/reasons.h"
#include "protocol/base/result.h"

namespace lienthong::texts {
namespace {

constexpr Language kVi = Language::kVietnamese;
constexpr Language kEn = Language::kEnglish;

TEST(Texts, EveryReasonIsThereInVietnameseAndStandsAtItsEnumerator) {
  std::size_t place = 0;
  for (const ReasonText& row : reason_texts()) {
    EXPECT_EQ(static_cast<std::size_t>(row.reason), place++) << row.code;
    const char* shown = find_reason(kVi, row.english);
    ASSERT_NE(shown, nullptr) << row.english;
    EXPECT_STRNE(shown, row.english);
    // No value is lost, and none is left open.
    const std::vector<std::string> values{"first of all", "second of all"};
    const std::string english = text_of(kEn, row.reason, values);
    const std::string vietnamese = text_of(kVi, row.reason, values);
    for (const std::string& value : values)
      EXPECT_EQ(english.find(value) == std::string::npos,
                vietnamese.find(value) == std::string::npos)
          << vietnamese;
    EXPECT_EQ((english + vietnamese).find("{}"), std::string::npos) << vietnamese;
  }
  EXPECT_GT(place, 50U);
}

TEST(Texts, EveryErrorCodeHasAMeaningInBothLanguages) {
  std::set<std::string> codes;
  for (int i = 0; i <= static_cast<int>(Errc::kUnclear); ++i)
    codes.insert(to_string(static_cast<Errc>(i)));
  EXPECT_GT(codes.size(), 20U);
  for (const std::string& code : codes) {
    const char* meaning = meaning_of(code);
    ASSERT_NE(meaning, nullptr) << code;
    EXPECT_NE(find_reason(kVi, meaning), nullptr) << code;
  }
}

TEST(Texts, TellsAComposedReasonByItsPattern) {
  const auto told = tell(kVi, "no dossier H47.12-230401-0009 on this machine");
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->pattern, "no dossier {} on this machine");
  EXPECT_EQ(told->values, std::vector<std::string>{"H47.12-230401-0009"});
  EXPECT_EQ(told->text, "máy này không có hồ sơ H47.12-230401-0009");
  const auto english = tell(kEn, "no dossier H47.12-230401-0009 on this machine");
  ASSERT_TRUE(english.has_value());
  EXPECT_EQ(english->text, "no dossier H47.12-230401-0009 on this machine");
  EXPECT_EQ(english->values, told->values);
}

TEST(Texts, TakesThePatternWithTheMostWordsOfItsOwn) {
  const auto told = tell(kEn, "agency \"H47\" exists as \"Quảng Nam\", tier \"province\"");
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->pattern, "agency {} exists as {}, tier {}");
  EXPECT_EQ(told->values.at(1), "\"Quảng Nam\"");
}

TEST(Texts, TellsAReasonInsideAnother) {
  EXPECT_EQ(tell_text(kVi, "item 2, name: must be a string"), "mục 2, name: phải là chuỗi");
  EXPECT_EQ(tell_text(kVi, "the custody rules refuse it: not-its-turn"),
            "quy tắc thụ lý từ chối: chưa đến lượt cơ quan ghi nó được xử lý");
  EXPECT_EQ(tell_text(kVi, "bad-signature: sealed by another than its author"),
            "sai chữ ký hoặc mật khẩu: do máy khác với máy ghi niêm phong");
}

TEST(Texts, LeavesWhatItDoesNotKnowAsItCame) {
  EXPECT_EQ(tell_text(kVi, "gibberish 17"), "gibberish 17");
  EXPECT_EQ(tell_text(kVi, ""), "");
  EXPECT_FALSE(tell(kVi, "gibberish 17").has_value());
  // A state of a dossier is what one types, and no reason though a code is spelt like it.
  EXPECT_EQ(tell_text(kVi, "A is refused: its work has ended already"),
            "A đang là refused: việc đã kết thúc");
}

TEST(Texts, FillsPlacesInTurnOrByNumber) {
  EXPECT_EQ(fill("{} and {}", {"a", "b"}), "a and b");
  EXPECT_EQ(fill("{1}, then {0}", {"a", "b"}), "b, then a");
  EXPECT_EQ(fill("{\"amount\":5}", {"a"}), "{\"amount\":5}");
  EXPECT_EQ(fill("{} {}", {"a"}), "a ");
}

TEST(Texts, KnowsLanguagesByName) {
  EXPECT_EQ(language_of("vi_VN.UTF-8"), kVi);
  EXPECT_EQ(language_of("vie"), kEn);
  EXPECT_EQ(language_of(""), kEn);
  EXPECT_EQ(accepted_language("fr, vi;q=0.8, en;q=0.5"), kVi);
  EXPECT_EQ(accepted_language("en-GB, vi"), kEn);
  EXPECT_EQ(accepted_language("fr"), std::nullopt);
}

}  // namespace
}  // namespace lienthong::texts
