// Procedures, explained dates and apologies through the local API.
#include "tests/unit/agent_api_fixture.h"

namespace lienthong::agent {
namespace {

constexpr const char* kPublish =
    R"({"op":"create","procedure":{"code":"1.010803","procedure_name":"Thờ cúng liệt sĩ",)"
    R"("field":"Người có công","decision":"QĐ 855/QĐ-UBND",)"
    R"("effective_from":"2023-01-01T00:00:00+07:00",)"
    R"("definition":{"limit":{"amount":5,"unit":"working_day"},"steps":[)"
    R"({"name":"Thẩm định","agency":"district","unit":"Phòng LĐTBXH",)"
    R"("limit":{"amount":4,"unit":"hour"}}]}}})"
    "\n";
constexpr const char* kReceive =
    R"({"op":"create","dossier":{"code":"H47.12-230403-0001","procedure":"1.010803",)"
    R"("received_at":"2023-04-03T08:30:00+07:00"}})"
    "\n";

TEST_F(Api, AProcedureIsPublishedListedAndShown) {
  start();
  ASSERT_TRUE(apply(kPublish)[0].at("ok"));
  const auto listed = get_lines("/v1/procedures");
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].at("code"), "1.010803");
  EXPECT_EQ(listed[0].at("publisher"), "H47.12");
  EXPECT_EQ(listed[0].at("counts"), true);
  EXPECT_EQ(listed[0].at("definition").at("limit"), (json{{"amount", 5}, {"unit", "working_day"}}));
  EXPECT_EQ(get_lines("/v1/procedures?text=tho%20cung").size(), 1U);
  EXPECT_EQ(get_lines("/v1/procedures?text=khai%20sinh").size(), 0U);
  EXPECT_EQ(get("/v1/procedures/1.010803").at("versions").size(), 1U);
  get("/v1/procedures/1.999999", 404);
}

TEST_F(Api, AnAmbiguousLimitIsRefusedWithItsPlace) {
  start();
  const auto answer =
      apply(R"({"op":"create","procedure":{"code":"1.000894","procedure_name":"Kết hôn",)"
            R"("definition":{"limit":{"amount":1}}}})");
  ASSERT_FALSE(answer[0].at("ok"));
  const auto message = answer[0].at("error").at("message").get<std::string>();
  EXPECT_NE(message.find("definition.limit: unit: missing"), std::string::npos) << message;
}

TEST_F(Api, ADateIsExplainedLineByLine) {
  start();
  clock_.time = 1'680'485'400'000;  // 2023-04-03T08:30:00+07:00
  apply(kPublish);
  const auto received = apply(kReceive);
  ASSERT_TRUE(received[0].at("ok")) << received[0];
  ASSERT_EQ(received[0].at("warnings").size(), 1U);
  EXPECT_EQ(received[0].at("warnings")[0].at("code"), "no-holiday-data");
  EXPECT_EQ(received[0].at("warnings")[0].at("value"), "2023");
  const json dossier = get("/v1/dossiers/H47.12-230403-0001?explain=1");
  EXPECT_EQ(dossier.at("due_at"), "2023-04-10T17:00:00+07:00");
  EXPECT_EQ(dossier.at("procedure_name"), "Thờ cúng liệt sĩ");
  std::string steps;
  for (const json& line : dossier.at("explanation"))
    steps += line.at("step").get<std::string>() + " ";
  EXPECT_EQ(steps, "version limit received counted no-holiday-data ");
  EXPECT_EQ(dossier.at("step").at("number"), 1);
  EXPECT_EQ(dossier.at("step").at("unit"), "Phòng LĐTBXH");
  EXPECT_EQ(dossier.at("step").at("due_at"), "2023-04-03T14:30:00+07:00");
  EXPECT_EQ(dossier.at("step").at("late"), false);
  EXPECT_FALSE(get("/v1/dossiers/H47.12-230403-0001").contains("explanation"));
  EXPECT_EQ(get("/v1/dossiers/H47.12-230403-0001/why").at("step").at("name"), "Thẩm định");
}

TEST_F(Api, ACodeOfAnotherSystemIsSaidFoundAndListed) {
  start();
  clock_.time = 1'680'485'400'000;  // 2023-04-03T08:30:00+07:00
  apply(kPublish);
  ASSERT_TRUE(apply(kReceive)[0].at("ok"));
  const auto said =
      apply(R"({"op":"code add","code":"H47.12-230403-0001","official":"H17.001.02-260608-090123",)"
            R"("system":"Bộ Nội vụ","officer":"Võ Thị Liên","at":"2023-04-03T08:00:00+07:00"})");
  ASSERT_TRUE(said[0].at("ok")) << said[0];
  EXPECT_FALSE(said[0].contains("warnings") && !said[0].at("warnings").empty()) << said[0];
  const json dossier = get("/v1/dossiers/h17.001.02-260608-090123");
  EXPECT_EQ(dossier.at("code"), "H47.12-230403-0001");
  const json& code = dossier.at("official_codes").at(0);
  EXPECT_EQ(code.at("code"), "H17.001.02-260608-090123");
  EXPECT_EQ(code.at("system"), "Bộ Nội vụ");
  EXPECT_EQ(code.at("officer"), "Võ Thị Liên");
  EXPECT_EQ(code.at("at"), "2023-04-03T08:00:00+07:00");
  EXPECT_EQ(code.at("form"), "central");
  EXPECT_EQ(code.at("ministry"), "09");
  EXPECT_EQ(get_lines("/v1/dossiers?text=260608-090123").size(), 1U);
  EXPECT_EQ(get_lines("/v1/codes").size(), 1U);
  EXPECT_TRUE(get_lines("/v1/codes?twice=1").empty());
  const auto without = apply(R"({"op":"code add","code":"H47.12-230403-0001"})");
  ASSERT_FALSE(without[0].at("ok"));
  EXPECT_TRUE(apply(R"({"op":"code withdraw","code":"H47.12-230403-0001",)"
                    R"("official":"H17.001.02-260608-090123"})")[0]
                  .at("ok"));
  get("/v1/dossiers/h17.001.02-260608-090123", 404);
  EXPECT_FALSE(get("/v1/dossiers/H47.12-230403-0001").contains("official_codes"));
}

TEST_F(Api, ACalendarIsPublishedAndShownWithWhatItRestsOn) {
  start();
  const json before = get("/v1/calendar?year=2026");
  EXPECT_EQ(before.at("basis"), "notice");
  EXPECT_TRUE(before.at("decided"));
  const auto published = apply(
      R"({"op":"create","procedure":{"decision":"CV 1","calendar":"besides\t2026\ndate\tkind\t)"
      R"(name\tsource\n2026-12-07\tswapped\thoán đổi\tCV 1\n"}})");
  ASSERT_TRUE(published[0].at("ok")) << published[0];
  const json after = get("/v1/calendar?year=2026");
  EXPECT_EQ(after.at("days").size(), before.at("days").size() + 1);
  EXPECT_EQ(after.at("days").back().at("date"), "2026-12-07");
  EXPECT_EQ(after.at("days").back().at("kind"), "swapped");
  EXPECT_TRUE(after.at("days").back().contains("published_by"));
  EXPECT_EQ(after.at("published").at(0).at("decision"), "CV 1");
  const json law = get("/v1/calendar?year=2028");
  EXPECT_EQ(law.at("basis"), "law");
  EXPECT_FALSE(law.at("decided"));
  EXPECT_EQ(law.at("days").size(), 12U);
  get("/v1/calendar?year=20x8", 400);
  EXPECT_TRUE(get_lines("/v1/procedures?all=1").empty());
}

TEST_F(Api, AnApologyIsTakenOnce) {
  start();
  clock_.time = 1'680'485'400'000;
  apply(kPublish);
  apply(kReceive);
  const std::string apology =
      R"({"op":"apologise","code":"H47.12-230403-0001","due_at":"2023-04-14T17:00:00+07:00",)"
      R"("note":"Chờ ý kiến của Sở","officer":"Lò Thanh Nga"})";
  ASSERT_TRUE(apply(apology)[0].at("ok"));
  const json dossier = get("/v1/dossiers/H47.12-230403-0001");
  EXPECT_EQ(dossier.at("due_at"), "2023-04-14T17:00:00+07:00");
  EXPECT_EQ(dossier.at("reappointed_at"), "2023-04-03T08:30:00+07:00");
  EXPECT_EQ(dossier.at("history").back().at("action"), "apologise");
  EXPECT_EQ(dossier.at("history").back().at("note"), "Chờ ý kiến của Sở");
  const auto again = apply(apology);
  EXPECT_EQ(again[0].at("error").at("code"), "not-allowed");
  const auto without = apply(R"({"op":"apologise","code":"H47.12-230403-0001"})");
  EXPECT_EQ(without[0].at("ok"), false);
}

TEST_F(Api, AnotherCalendarMovesTheDate) {
  auto reading = store::parse_calendar(
      "years\t2023\ndate\tkind\tname\tsource\n2023-04-05\tholiday\tThử\tkiểm thử\n");
  ASSERT_TRUE(reading.mistakes.empty());
  config_.calendar = std::make_shared<const store::Calendar>(std::move(reading.calendar));
  start();
  clock_.time = 1'680'485'400'000;
  apply(kPublish);
  EXPECT_FALSE(apply(kReceive)[0].contains("warnings"));
  EXPECT_EQ(get("/v1/dossiers/H47.12-230403-0001").at("due_at"), "2023-04-11T17:00:00+07:00");
}

}  // namespace
}  // namespace lienthong::agent
