// The local API: values that are refused, and what `verify` lists.
#include <set>

#include "store/exchange/invitation.h"
#include "tests/unit/agent_api_fixture.h"

namespace lienthong::agent {
namespace {

class ApiData : public Api {
 protected:
  // The message of the one refusal; empty: taken.
  std::string refusal(const std::string& fields) const {
    const auto lines =
        apply(R"({"op":"set","code":"H47.12-230401-0001","fields":{)" + fields + "}}");
    if (lines.size() != 1) return "no answer";
    if (lines[0].at("ok") == true) return {};
    return lines[0].at("error").at("message").get<std::string>() + " @ " +
           lines[0].at("error").value("place", "");
  }
  static bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }
};

TEST_F(ApiData, ResultsSurveysComponentsAndFeesCanBeSet) {
  start();
  apply(kTwo);
  EXPECT_EQ(refusal(R"("result":{"number":"12/GKS","signed_at":"2023-04-02T09:00:00+07:00",)"
                    R"("kind":"KQ.G15.000031","digest":"ABcd01"})"),
            "");
  EXPECT_EQ(refusal(R"("survey":[{"question":"Thái độ","score":4.5,"channel":"kiosk",)"
                    R"("at":"2023-04-02T09:00:00+07:00"},{"question":"Ẩn danh"}])"),
            "");
  EXPECT_EQ(refusal(R"("components":[{"name":"Tờ khai","digest":"00ff","kind":"digital"}],)"
                    R"("fees":[{"name":"Lệ phí","amount":8000,"paid":"online",)"
                    R"("paid_at":"2023-04-02T09:00:00+07:00","receipt":"0012"}])"),
            "");
  const json dossier = get("/v1/dossiers/H47.12-230401-0001");
  EXPECT_EQ(dossier.at("result").at("kind"), "KQ.G15.000031");
  EXPECT_EQ(dossier.at("survey")[0].at("score"), 4.5);
  EXPECT_EQ(dossier.at("digitised_count"), 1);
}

TEST_F(ApiData, WhatCannotBeIsRefusedByName) {
  start();
  apply(kTwo);
  const auto before = update_count();
  EXPECT_TRUE(has(refusal(R"("components":[{"kind":"copy"}])"), "item 1 needs a name"));
  EXPECT_TRUE(has(refusal(R"("components":[{"name":"  "}])"), "item 1 needs a name"));
  EXPECT_TRUE(has(refusal(R"("components":[{"name":"x","digest":"xyz"}])"), "hexadecimal"));
  EXPECT_TRUE(has(refusal(R"("fees":[{"name":"x","amount":-1}])"), "not negative"));
  EXPECT_TRUE(has(refusal(R"("fees":[{"name":"x","amount":1,"paid":"maybe"}])"), "one of"));
  EXPECT_TRUE(has(refusal(R"("result":{"digest":"no"})"), "hexadecimal"));
  EXPECT_TRUE(has(refusal(R"("result":{"digest":"no"})"), "fields.result.digest"));
  EXPECT_TRUE(has(refusal(R"("result":{"signed_at":"2023-02-30T00:00:00+07:00"})"), "RFC 3339"));
  EXPECT_TRUE(has(refusal(R"("result":{"colour":"red"})"), "unknown field"));
  EXPECT_TRUE(has(refusal(R"("survey":{"question":"x"})"), "list of answers"));
  EXPECT_TRUE(has(refusal(R"("survey":["x"])"), "item 1, must be an object"));
  EXPECT_TRUE(has(refusal(R"("survey":[{"score":1}])"), "question: missing"));
  EXPECT_TRUE(has(refusal(R"("survey":[{"question":" "}])"), "question: missing"));
  EXPECT_TRUE(has(refusal(R"("survey":[{"question":"x","score":101}])"), "0 to 100"));
  EXPECT_TRUE(has(refusal(R"("survey":[{"question":"x","score":"5"}])"), "0 to 100"));
  EXPECT_TRUE(has(refusal(R"("survey":[{"question":"x","at":"hôm qua"}])"), "RFC 3339"));
  EXPECT_TRUE(has(refusal(R"("survey":[{"question":"x","channel":1}])"), "must be a string"));
  EXPECT_TRUE(has(refusal(R"("survey":[{"question":"x","name":"An"}])"), "unknown field"));
  EXPECT_EQ(update_count(), before);
}

TEST_F(ApiData, TextThatCameInPartsIsKeptComposed) {
  start();
  apply(kTwo);
  EXPECT_EQ(refusal(R"("summary":"Nguye\u0302\u0303n")"), "");
  EXPECT_EQ(get("/v1/dossiers/H47.12-230401-0001").at("summary"), "Nguy\u1ec5n");
}

TEST_F(ApiData, APostalCodeIsWrittenReadAndRefusedInBothLanguages) {
  start();
  apply(kTwo);
  EXPECT_EQ(refusal(R"("applicant":{"postal_code":"51000","address":"Thôn 3, Tam Dân"})"), "");
  const json applicant = get("/v1/dossiers/H47.12-230401-0001").at("applicant");
  EXPECT_EQ(applicant.at("postal_code"), "51000");
  EXPECT_EQ(applicant.at("name"), "Nguyễn Văn An");
  const auto exported = get_lines("/v1/export");
  ASSERT_EQ(exported.size(), 2U);
  EXPECT_EQ(exported[0].at("applicant").at("postal_code"), "51000");

  const auto before = update_count();
  const std::string bad = R"({"op":"set","code":"H47.12-230401-0001",)"
                          R"("fields":{"applicant":{"postal_code":"5100"}}})";
  const json english = apply(bad)[0].at("error");
  EXPECT_EQ(english.at("code"), "invalid-argument");
  EXPECT_EQ(english.at("message"), "must be text of exactly five digits, such as \"51000\"");
  EXPECT_TRUE(has(english.at("place"), "fields.applicant.postal_code"));
  const json vietnamese = apply(bad, "?lang=vi")[0].at("error");
  EXPECT_EQ(vietnamese.at("message"), "phải là chuỗi gồm đúng năm chữ số, ví dụ \"51000\"");
  EXPECT_TRUE(has(vietnamese.at("place"), "fields.applicant.postal_code"));
  EXPECT_EQ(update_count(), before);

  EXPECT_EQ(refusal(R"("applicant":{"postal_code":null})"), "");
  EXPECT_FALSE(get("/v1/dossiers/H47.12-230401-0001").at("applicant").contains("postal_code"));
}

TEST_F(ApiData, VerifyListsAndFilters) {
  start();
  apply(kTwo);
  const json data = post("/v1/verify", json::object()).at("data");
  EXPECT_EQ(data.at("checked"), 2);
  EXPECT_EQ(data.at("counts").at("procedure-unknown"), 2);
  EXPECT_EQ(data.at("counts").at("no-due-date"), 1);
  EXPECT_EQ(data.at("counts").at("dates-out-of-order"), 1);
  EXPECT_FALSE(data.at("counts").contains("no-applicant"));
  EXPECT_EQ(data.at("findings")[0].at("agency"), "H47.12");
  EXPECT_EQ(post("/v1/verify?limit=0", json::object()).at("data").at("findings"), json::array());
  EXPECT_EQ(post("/v1/verify?agency=H47", json::object()).at("data").at("checked"), 0);
  post("/v1/verify?limit=x", json::object(), 400);
  post("/v1/verify?agency=H99", json::object(), 400);
}

TEST_F(ApiData, AHandingOverMayTellWhenItHappened) {
  start();
  apply(kTwo);
  apply(
      R"({"op":"offer","code":"H47.12-230401-0001","to":"H47","at":"2023-04-01T06:30:00+07:00"})");
  const json custody = get("/v1/dossiers/H47.12-230401-0001").at("custody");
  EXPECT_EQ(custody[1].at("at"), "2023-04-01T06:30:00+07:00");
}

TEST_F(ApiData, PortalLinesHaveOnlyWhatIsKnownAndKeepCustodyOutOfTheState) {
  start();
  apply(
      std::string(kTwo) +
      R"({"op":"set","code":"H47.12-230401-0001","fields":{"status":"processing",)"
      R"("due_at":"2023-04-10T17:00:00+07:00","competent_agency":"H47"}})"
      "\n"
      R"({"op":"set","code":"H47.12-230401-0001","fields":{"due_at":"2023-04-12T17:00:05+07:00"}})"
      "\n"
      R"({"op":"offer","code":"H47.12-230401-0001","to":"H47"})");
  const auto lines = get_lines("/v1/export?format=portal");
  ASSERT_EQ(lines.size(), 2U);
  const json& line = lines[0];
  EXPECT_EQ(line.at("MaHoSo"), "H47.12-230401-0001");
  EXPECT_EQ(line.at("MaTTHC"), "2.000815");
  EXPECT_EQ(line.at("ChuHoSo"), "Nguyễn Văn An");
  EXPECT_EQ(line.at("TrangThaiHoSo"), 4);  // offered, and still "being processed"
  EXPECT_EQ(line.at("NgayTiepNhan"), "20230401070000");
  EXPECT_EQ(line.at("NgayHenTra"), "20230412170005");
  EXPECT_EQ(line.at("DonViXuLy"), "H47");
  EXPECT_EQ(line.at("DanhSachHoSoBoSung"), json::parse(R"([{"NgayHenTraTruoc":"20230410170000",)"
                                                       R"("NgayHenTraMoi":"20230412170005"}])"));
  for (const char* unknown : {"NgayTra", "NgayKetThucXuLy", "KenhThucHien", "TenTTHC", "TaiLieuNop",
                              "DanhSachLePhi", "DanhSachGiayToKetQua"})
    EXPECT_FALSE(line.contains(unknown)) << unknown;
  EXPECT_EQ(line.at("sync_state"), "only_here");  // never sealed for the office above
  get("/v1/export?format=xml", 400);
}

TEST_F(ApiData, EachMachineOfAnAgencyGetsAThousandOfItsOwn) {
  std::set<int> thousands;
  const auto written = engine_->write([&](store::Transaction& transaction) -> Result<void> {
    for (int i = 0; i < 3; ++i) {
      const test::TestNode node = deployment_.make_node(commune_);
      LT_TRY(const CertificateId id,
             certify(transaction, commune_, {node.id(), node.dh_key.public_key()},
                     sign_possession(transaction.registry().root(), commune_, node.key,
                                     node.dh_key.public_key()),
                     false));
      thousands.insert(transaction.registry().find_certificate(id)->thousand);
    }
    return {};
  });
  ASSERT_TRUE(written.ok()) << written.error().message();
  EXPECT_EQ(thousands, (std::set<int>{0, 1, 2}));
}

}  // namespace
}  // namespace lienthong::agent
