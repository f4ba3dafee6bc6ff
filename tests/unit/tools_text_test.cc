#include <gtest/gtest.h>

#include <cstdlib>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

TEST(ToolsText, CountsColumnsByCodePointNotByByte) {
  EXPECT_EQ(columns("Xã Tam Lãnh"), 11U);
  EXPECT_EQ(columns("Thị trấn Phú Thịnh"), 18U);
  EXPECT_EQ(columns(""), 0U);
  // Decomposed: a and two combining marks take one column.
  EXPECT_EQ(columns("a\xCC\x82\xCC\x81"), 1U);
}

TEST(ToolsText, ShortensBetweenCodePoints) {
  EXPECT_EQ(shorten("Xã Tam Lãnh", 11), "Xã Tam Lãnh");
  EXPECT_EQ(shorten("Xã Tam Lãnh", 10), "Xã Tam Lã…");
  EXPECT_EQ(columns(shorten("Thị trấn Phú Thịnh", 7)), 7U);
}

TEST(ToolsText, TakesTheLanguageFromTheOptionBeforeTheLocale) {
  setenv("LC_ALL", "vi_VN.UTF-8", 1);
  EXPECT_EQ(pick_language(""), "vi");
  EXPECT_EQ(pick_language("en"), "en");
  setenv("LC_ALL", "C", 1);
  EXPECT_EQ(pick_language(""), "en");
  EXPECT_EQ(pick_language("vi"), "vi");
  unsetenv("LC_ALL");
}

TEST(ToolsText, ReadsDurationsWithTheirUnits) {
  EXPECT_EQ(parse_duration("90").count(), 90);
  EXPECT_EQ(parse_duration("30s").count(), 30);
  EXPECT_EQ(parse_duration("15m").count(), 900);
  EXPECT_EQ(parse_duration("4h").count(), 14'400);
  EXPECT_EQ(parse_duration("2d").count(), 172'800);
}

TEST(ToolsText, RefusesWhatIsNoDurationAsWrongUsage) {
  for (const char* text : {"", "h", "4w", "-1h", "4h30", "1e9999", "99999999999999999999s"}) {
    try {
      parse_duration(text);
      ADD_FAILURE() << "took " << text;
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), kUsage) << text;
    }
  }
}

TEST(ToolsOutput, ShowsTimesAgesAndSizesForPeople) {
  EXPECT_EQ(show_time("2023-04-01T09:33:56+07:00"), "2023-04-01 09:33:56");
  EXPECT_EQ(show_time(""), "–");
  EXPECT_EQ(show_age(59), "59 s");
  EXPECT_EQ(show_age(3'700), "1 h 1 min");
  EXPECT_EQ(show_age(180'000), "2 d 2 h");
  EXPECT_EQ(show_bytes(9'999), "9999 B");
  EXPECT_EQ(show_bytes(12'345), "12.3 kB");
}

TEST(ToolsOutput, ReadsMembersThatAreMissingOrOfAnotherType) {
  const Json object = Json::parse(R"({"a":"x","n":5,"z":null,"l":[1]})");
  EXPECT_EQ(text_of(object, "a"), "x");
  EXPECT_EQ(text_of(object, "n"), "5");
  EXPECT_EQ(text_of(object, "z"), "");
  EXPECT_EQ(text_of(object, "none"), "");
  EXPECT_EQ(text_of(Json::array(), "a"), "");
  EXPECT_EQ(number_of(object, "a"), 0);
  EXPECT_EQ(list_of(object, "l").size(), 1U);
  EXPECT_TRUE(list_of(object, "a").empty());
}

TEST(ToolsClient, EncodesWhatStandsInAnAddress) {
  EXPECT_EQ(encode("H47.518-230401-0001"), "H47.518-230401-0001");
  EXPECT_EQ(encode("a b/c?d=+"), "a%20b%2Fc%3Fd%3D%2B");
  EXPECT_EQ(encode("ã"), "%C3%A3");
}

TEST(ToolsClient, GivesTheReasonAndTheExitCodeOfAnError) {
  const Json error{{"code", "not-found"}, {"message", "no dossier X"}, {"place", "line 3"}};
  EXPECT_EQ(reason_of(error), "no such thing: no dossier X (line 3)");
  EXPECT_EQ(exit_code_of(error), kNotThere);
  EXPECT_EQ(exit_code_of(Json{{"code", "not-allowed"}}), kFailed);
  EXPECT_EQ(reason_of(Json{{"code", "new-kind"}, {"message", "m"}}), "new-kind: m");
}

TEST(ToolsClient, SaysThatNoAgentAnswers) {
  try {
    Client("/nonexistent/agent.sock").get("/v1/status");
    ADD_FAILURE() << "somebody answered";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), kNoAgent);
    EXPECT_NE(std::string(failure.what()).find("/nonexistent/agent.sock"), std::string::npos);
  }
}

}  // namespace
}  // namespace lienthong::tools
