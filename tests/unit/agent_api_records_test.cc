// Legs, consultations, feedback and documents over the API.
#include <gtest/gtest.h>

#include "tests/unit/agent_api_fixture.h"

namespace lienthong::agent {
namespace {

constexpr std::int64_t kHourMillis = 3'600'000;
constexpr std::int64_t kDay = 24 * kHourMillis;

std::string line(const json& operation) { return operation.dump() + "\n"; }

json one(const std::vector<json>& answers) {
  EXPECT_EQ(answers.size(), 1U);
  return answers.empty() ? json() : answers.front();
}

TEST_F(Api, LegsAndConsultationsAreListedOldestFirst) {
  start();
  apply(kTwo);
  const json leg = one(apply(line({{"op", "create"},
                                   {"leg",
                                    {{"dossier", "H47.12-230401-0001"},
                                     {"to", "H47"},
                                     {"duty", "Cấp thẻ BHYT"},
                                     {"due_at", "2023-04-11T17:00:00+07:00"}}}})));
  ASSERT_TRUE(leg.at("ok").get<bool>()) << leg;
  EXPECT_EQ(leg.at("code"), "H47.12-230401-0001/1");
  clock_.time += kHourMillis;
  const json asked = one(apply(line({{"op", "consult"},
                                     {"code", "H47.12-230401-0002"},
                                     {"to", "H47"},
                                     {"deadline", "2023-04-01T09:00:00+07:00"}})));
  ASSERT_TRUE(asked.at("ok").get<bool>()) << asked;
  clock_.time += 2 * kHourMillis;
  const auto pending = get_lines("/v1/handoffs?pending=1");
  ASSERT_EQ(pending.size(), 2U);
  EXPECT_EQ(pending[0].at("what"), "offer");
  EXPECT_EQ(pending[0].at("code"), "H47.12-230401-0001/1");
  EXPECT_EQ(pending[1].at("what"), "consultation");
  EXPECT_EQ(pending[1].at("id"), asked.at("update"));
  EXPECT_EQ(pending[1].at("overdue"), true);
  EXPECT_EQ(get_lines("/v1/handoffs?pending=1&older_than=9000").size(), 1U);

  const json dossier = get("/v1/dossiers/H47.12-230401-0001");
  ASSERT_EQ(dossier.at("legs").size(), 1U);
  EXPECT_EQ(dossier.at("legs")[0].at("state"), "offered");
  EXPECT_EQ(dossier.at("legs")[0].at("agency"), "H47");
  EXPECT_EQ(dossier.at("legs")[0].at("duty"), "Cấp thẻ BHYT");
  EXPECT_EQ(get("/v1/dossiers/H47.12-230401-0001%2F1").at("lead").at("code"), "H47.12-230401-0001");
  EXPECT_EQ(get("/v1/dossiers/H47.12-230401-0001%2F1/why").at("offered_to"), "H47");
  const json why = get("/v1/dossiers/H47.12-230401-0001/why");
  EXPECT_EQ(why.at("waiting_for"), "work of the holder and outcomes of legs");
  EXPECT_TRUE(std::ranges::any_of(why.at("reasons"), [](const json& reason) {
    return reason.at("code") == "leg-open";
  })) << why;
  const json refused = one(apply(
      line({{"op", "set"}, {"code", "H47.12-230401-0001"}, {"fields", {{"status", "done"}}}})));
  EXPECT_EQ(refused.at("error").at("code"), "not-allowed");
  EXPECT_NE(refused.at("error").at("message").get<std::string>().find("/1"), std::string::npos);
  const json missing = one(apply(line({{"op", "create"}, {"leg", {{"to", "H47"}}}})));
  EXPECT_NE(missing.at("error").at("place").get<std::string>().find("leg.dossier"),
            std::string::npos);
}

TEST_F(Api, FeedbackShowsItsClocksAndIsCounted) {
  start();
  const json made = one(apply(line({{"op", "create"},
                                    {"feedback",
                                     {{"source", "1022"},
                                      {"topic", "behaviour"},
                                      {"about", "H47.12-000000-0000"},
                                      {"title", "Trả hồ sơ chậm"},
                                      {"applicant", {{"name", "Nguyễn Văn An"}}}}}})));
  ASSERT_TRUE(made.at("ok").get<bool>()) << made;
  const std::string code = made.at("code");
  json shown = get("/v1/records/" + code);
  EXPECT_EQ(shown.at("status"), "registered");
  EXPECT_EQ(shown.at("about_known"), false);
  ASSERT_EQ(shown.at("clocks").size(), 2U);
  EXPECT_EQ(shown.at("clocks")[0].at("working_days"), 2);
  // Received on Saturday 2023-04-01: two working days end on Tuesday.
  EXPECT_EQ(shown.at("clocks")[0].at("due").get<std::string>().substr(0, 10), "2023-04-04");
  const auto set = [&](const json& fields) {
    const json answer = one(apply(line({{"op", "set"}, {"code", code}, {"fields", fields}})));
    EXPECT_TRUE(answer.at("ok").get<bool>()) << answer;
  };
  clock_.time += kDay;
  set({{"status", "accepted"}});
  clock_.time += 2 * kDay;
  set({{"status", "done"}, {"answer", "Đã chấn chỉnh"}});
  apply(
      line({{"op", "create"}, {"feedback", {{"source", "zalo"}, {"content", "Thủ tục rườm rà"}}}}));
  EXPECT_TRUE(get_lines("/v1/records?kind=feedback&overdue=1").empty());
  clock_.time += 10 * kDay;
  EXPECT_EQ(get_lines("/v1/records?kind=feedback&overdue=1").size(), 2U);
  EXPECT_EQ(get_lines("/v1/records?kind=feedback&source=zalo").size(), 1U);
  EXPECT_EQ(get_lines("/v1/records?kind=feedback&text=ruom%20ra").size(), 1U);
  const json report =
      get("/v1/feedback/report?from=2023-04-01T00:00:00%2B07:00&to=2023-05-01T00:00:00%2B07:00");
  EXPECT_EQ(report.at("received").at("total"), 2);
  EXPECT_EQ(report.at("handled").at("on_time"), 1);
  EXPECT_EQ(report.at("open").at("in_time"), 1);
  EXPECT_EQ(report.at("published").at("not_yet"), 1);
  EXPECT_EQ(report.at("by_source").at("1022").at("handled").at("total"), 1);
  EXPECT_EQ(report.at("by_topic").at("unknown").at("open").at("total"), 1);
  EXPECT_EQ(report.at("about_unknown_dossiers"), 1);
  get("/v1/feedback/report?from=2023-04-01T00:00:00%2B07:00", 400);
  get("/v1/records?kind=weather", 400);
}

// Mỹ Phong: 1,050 documents in and 393 out between 10 June and 10 September 2022.
TEST_F(Api, RegistersOfDocumentsAreNumberedWithoutGaps) {
  start();
  const std::int64_t begin = 1'654'819'200'000;  // 2022-06-10T07:00:00+07:00
  const auto moment = [&](int number, int of) {
    const std::int64_t at = begin + number * (92 * kDay / of);
    const std::time_t seconds = static_cast<std::time_t>(at / 1000);
    char text[40];
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return std::string(text);
  };
  std::string body;
  for (int i = 0; i < 1050; ++i)
    body += line({{"op", "create"},
                  {"document",
                   {{"direction", "in"},
                    {"received_at", moment(i, 1050)},
                    {"organization", "UBND thành phố Mỹ Tho"},
                    {"title", "Công văn đến " + std::to_string(i)}}}});
  for (int i = 0; i < 393; ++i)
    body += line({{"op", "create"},
                  {"document",
                   {{"direction", "out"},
                    {"signed_at", moment(i, 393)},
                    {"title", "Văn bản đi " + std::to_string(i)}}}});
  const auto answers = apply(body);
  ASSERT_EQ(answers.size(), 1443U);
  for (const json& answer : answers) ASSERT_TRUE(answer.at("ok").get<bool>()) << answer;
  for (const auto& [direction, count] : {std::pair("in", 1050), std::pair("out", 393)}) {
    const auto lines =
        get_lines(std::string("/v1/records?kind=document&year=2022"
                              "&from=2022-06-10T00:00:00%2B07:00&to=2022-09-11T00:00:00%2B07:00"
                              "&direction=") +
                  direction);
    ASSERT_EQ(lines.size(), static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      ASSERT_EQ(lines[static_cast<std::size_t>(i)].at("number"), i + 1);
      ASSERT_EQ(lines[static_cast<std::size_t>(i)].at("conflict"), false);
    }
  }
  EXPECT_TRUE(get_lines("/v1/records?kind=document&year=2021").empty());
}

TEST_F(Api, DocumentsGoOutAsCopiesAndAsEdxml) {
  start();
  const json made = one(apply(line({{"op", "create"},
                                    {"document",
                                     {{"direction", "out"},
                                      {"notation", "12/UBND-VP"},
                                      {"signed_at", "2023-04-01T07:00:00+07:00"},
                                      {"signer", "Lò Thanh Nga"},
                                      {"priority", "1"},
                                      {"title", "Về \"một cửa\" & <liên thông>"}}}})));
  ASSERT_TRUE(made.at("ok").get<bool>()) << made;
  const std::string code = made.at("code");
  EXPECT_EQ(code, "H47.12-DI-2023-0001");
  const json sent = one(apply(line({{"op", "send"}, {"code", code}, {"to", "H47"}})));
  ASSERT_TRUE(sent.at("ok").get<bool>()) << sent;
  const json shown = get("/v1/records/" + code);
  ASSERT_EQ(shown.at("copies").size(), 1U);
  EXPECT_EQ(shown.at("copies")[0].at("to"), "H47");
  EXPECT_EQ(shown.at("copies")[0].at("receipt_state").at("state"), "sent");
  EXPECT_EQ(get("/v1/records/" + code + "%2F1").at("title"), "Về \"một cửa\" & <liên thông>");
  const auto xml = client()->Get("/v1/documents/" + code + "/edxml");
  ASSERT_TRUE(xml);
  ASSERT_EQ(xml->status, 200) << xml->body;
  EXPECT_EQ(xml->get_header_value("Content-Type"), "application/xml");
  for (const char* part :
       {"xmlns:edXML=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"",
        "<edXML:OrganId>H47.12</edXML:OrganId>", "<edXML:OrganId>H47</edXML:OrganId>",
        "<edXML:CodeNumber>1</edXML:CodeNumber>",
        "<edXML:CodeNotation>12/UBND-VP</edXML:CodeNotation>",
        "<edXML:PromulgationDate>2023-04-01</edXML:PromulgationDate>",
        "<edXML:Subject>Về \"một cửa\" &amp; &lt;liên thông&gt;</edXML:Subject>",
        "<edXML:FullName>Lò Thanh Nga</edXML:FullName>"})
    EXPECT_NE(xml->body.find(part), std::string::npos) << part << " is not in\n" << xml->body;
  EXPECT_EQ(xml->body.find("edXML:DueDate"), std::string::npos) << "unknown stays unknown";
  apply(kTwo);
  get("/v1/documents/H47.12-230401-0001/edxml", 400);
}

}  // namespace
}  // namespace lienthong::agent
