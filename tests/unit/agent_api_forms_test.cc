// The local API: printed forms and registers.
#include "tests/unit/agent_api_fixture.h"

namespace lienthong::agent {
namespace {

constexpr const char* kReceived =
    R"({"op":"create","dossier":{"code":"H47.12-230401-0001","procedure":"2.000815",)"
    R"("field":"Tư pháp",)"
    R"("received_at":"2023-04-01T07:10:00+07:00","applicant":{"name":"Nguyễn Văn An"}}})"
    "\n"
    R"({"op":"create","dossier":{"code":"H47.12-251001-0001","summary":"Cấp bản sao",)"
    R"("received_at":"2025-10-01T08:00:00+07:00"}})"
    "\n"
    R"({"op":"offer","code":"H47.12-230401-0001","to":"H47","note":"Xin ý kiến"})";

class ApiForms : public Api {
 protected:
  std::string text(const std::string& path, const std::string& type) const {
    const auto answer = client()->Get(path);
    if (!answer || answer->status != 200) return "refused";
    EXPECT_EQ(answer->get_header_value("Content-Type"), type);
    return answer->body;
  }
};

TEST_F(ApiForms, TheSetGoesByTheDateOfReceptionUnlessOneIsNamed) {
  start();
  apply(kReceived);
  const json slip = get("/v1/dossiers/H47.12-230401-0001/forms/05");
  EXPECT_EQ(slip.at("set"), "2018");
  EXPECT_EQ(slip.at("form"), "control");
  ASSERT_EQ(slip.at("rows").size(), 1U);
  EXPECT_EQ(get("/v1/dossiers/H47.12-230401-0001/forms/control"), slip);
  EXPECT_EQ(get("/v1/dossiers/H47.12-251001-0001/forms/6").at("form"), "control");
  EXPECT_EQ(get("/v1/dossiers/H47.12-251001-0001/forms/01").at("layout"), "secondary");
  EXPECT_EQ(get("/v1/dossiers/H47.12-251001-0001/forms/05?set=2018").at("form"), "control");
  EXPECT_TRUE(slip.at("fields")[0].at("value").is_string());
}

TEST_F(ApiForms, TheVersionOfTheProcedureGivesTheLimitAndTheDatesOfSteps) {
  start();
  apply(
      R"({"op":"create","procedure":{"code":"1.010803","procedure_name":"Thờ cúng liệt sĩ",)"
      R"("effective_from":"2023-01-01T00:00:00+07:00","definition":{)"
      R"("limit":{"amount":27,"unit":"working_day"},"steps":[)"
      R"({"name":"Phòng","agency":"district","limit":{"amount":2,"unit":"working_day"}},)"
      R"({"name":"Sở","agency":"province","limit":{"amount":12,"unit":"working_day"}}]}}})"
      "\n"
      R"({"op":"create","dossier":{"code":"H47.12-230320-0001","procedure":"1.010803",)"
      R"("received_at":"2023-03-20T08:00:00+07:00"}})"
      "\n"
      R"({"op":"create","dossier":{"code":"H47.12-230320-0002","procedure":"1.010803",)"
      R"("received_at":"2023-03-20T08:00:00+07:00"}})"
      "\n"
      R"({"op":"offer","code":"H47.12-230320-0001","to":"H47","at":"2023-03-21T09:00:00+07:00"})"
      "\n"
      R"({"op":"offer","code":"H47.12-230320-0002","to":"H47","at":"2023-03-24T09:00:00+07:00"})");
  const auto result = [this](const std::string& code) {
    const json slip = get("/v1/dossiers/" + code + "/forms/05");
    for (std::size_t i = 0; i < slip.at("columns").size(); ++i)
      if (slip.at("columns")[i].at("key") == "result") return slip.at("rows")[0][i];
    return json();
  };
  EXPECT_EQ(result("H47.12-230320-0001"), "Trước hạn");
  EXPECT_EQ(result("H47.12-230320-0002"), "Quá hạn");
  const json receipt = get("/v1/dossiers/H47.12-230320-0001/forms/01");
  for (const json& field : receipt.at("fields"))
    if (field.at("key") == "time_limit") {
      EXPECT_EQ(field.at("value"), "27 ngày làm việc");
    }
}

TEST_F(ApiForms, SendsTextHtmlAndCsv) {
  start();
  apply(kReceived);
  const std::string path = "/v1/dossiers/h47.12-230401-0001/forms/01?format=";
  EXPECT_NE(text(path + "text", "text/plain; charset=utf-8").find("Nguyễn Văn An"),
            std::string::npos);
  EXPECT_TRUE(text(path + "html", "text/html; charset=utf-8").starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(text(path + "csv", "text/csv; charset=utf-8").starts_with("Mẫu số,"));
}

TEST_F(ApiForms, RefusesWithTheReason) {
  start();
  apply(kReceived);
  const auto code = [this](const std::string& path, int status) {
    return get(path, status).at("error").at("code").get<std::string>();
  };
  EXPECT_EQ(code("/v1/dossiers/H47.12-230401-0001/forms/09", 404), "not-found");
  EXPECT_EQ(code("/v1/dossiers/H47.12-230401-0001/forms/02", 404), "not-found");
  EXPECT_EQ(code("/v1/dossiers/H47.12-230401-0001/forms/06", 400), "invalid-argument");
  EXPECT_EQ(code("/v1/dossiers/H47.12-230401-0001/forms/01?format=pdf", 400), "invalid-argument");
  EXPECT_EQ(code("/v1/dossiers/H47.12-230401-0001/forms/01?set=1999", 400), "invalid-argument");
  EXPECT_EQ(code("/v1/dossiers/H47.12-230401-0009/forms/01", 404), "not-found");
  EXPECT_EQ(code("/v1/registers", 400), "invalid-argument");
  EXPECT_EQ(code("/v1/registers?year=abc", 400), "invalid-argument");
  EXPECT_EQ(code("/v1/registers?year=2023&agency=H99", 400), "unknown-agency");
}

TEST_F(ApiForms, RegistersAreOnePerFieldAndNumberedByReception) {
  start();
  apply(kReceived);
  const json books = get("/v1/registers?year=2023");
  ASSERT_EQ(books.size(), 1U);
  EXPECT_EQ(books[0].at("number"), "06");
  EXPECT_EQ(books[0].at("rows")[0][0], "01");
  EXPECT_EQ(get("/v1/registers?year=2025&number=07")[0].at("set"), "2025");
  EXPECT_EQ(get("/v1/registers?year=2025&set=2025")[0].at("number"), "07");
  EXPECT_EQ(get("/v1/registers?year=2023&agency=H47"), json::array());
  EXPECT_EQ(get("/v1/registers?year=2023&procedure=2.000815").size(), 1U);
  EXPECT_EQ(get("/v1/registers?year=2023&procedure=2.000816"), json::array());
  EXPECT_EQ(get("/v1/registers?year=2023&field=T%C6%B0%20ph%C3%A1p").size(), 1U);
}

}  // namespace
}  // namespace lienthong::agent
