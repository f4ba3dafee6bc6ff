// The local API: codes of agencies, declarations and invitations, and taking them back.
#include "protocol/enrolment/by_hand.h"
#include "store/exchange/invitation.h"
#include "tests/unit/agent_api_fixture.h"

namespace lienthong::agent {
namespace {

json naming(const char* code, const char* name = "Xã Mới") {
  return {{"code", code}, {"name", name}, {"tier", "commune"}};
}

class ApiAgencies : public Api {
 protected:
  std::string message_of(const json& answer) const {
    return answer.at("error").at("message").get<std::string>();
  }
  // What others have said, as sessions bring it.
  AgencyId comes(const AgencyId& parent, const char* code) {
    const AgencyId id = deployment_.add_agency(parent, code, "Xã Lạ", "commune");
    EXPECT_TRUE(engine_
                    ->write([&](store::Transaction& transaction) -> Result<void> {
                      for (const Statement& statement : deployment_.statements()) {
                        const auto added = transaction.add_statement(statement);
                        if (!added.ok()) return added.error();
                      }
                      return {};
                    })
                    .ok());
    return id;
  }
  std::vector<json> findings(const char* code) const {
    std::vector<json> out;
    const json answer = get("/v1/check");
    for (const json& message : answer.at("messages"))
      if (message.at("code") == code) out.push_back(message);
    return out;
  }
  std::size_t statements() const { return engine_->replica().registry()->size(); }
};

TEST_F(ApiAgencies, OnlyCodesUnderOursAreOursToGive) {
  start();
  const std::size_t before = statements();
  for (const char* code : {"H47.13.01", "H47.12", "H47", "ZZ0", "H47.120", "H99.1"}) {
    for (const char* path : {"/v1/agencies", "/v1/invites"}) {
      const auto answer = client()->Post(path, naming(code).dump(), "application/json");
      ASSERT_TRUE(answer);
      EXPECT_TRUE(answer->status == 403 || answer->status == 409) << path << " " << answer->body;
    }
  }
  EXPECT_EQ(statements(), before) << "nothing was declared";
  EXPECT_TRUE(get("/v1/invites").empty());
  EXPECT_NE(message_of(post("/v1/agencies", naming("H47.13.01"), 403)).find("H47.12"),
            std::string::npos);
}

TEST_F(ApiAgencies, SayWhatTheyAreAboutToDo) {
  start();
  const std::size_t before = statements();
  json asked = naming("H47.12.09");
  asked["dry_run"] = true;
  for (const char* path : {"/v1/agencies", "/v1/invites"}) {
    const json plan = post(path, asked);
    EXPECT_EQ(plan.at("declares"), true) << path;
    EXPECT_EQ(plan.at("parent"), "H47.12");
    EXPECT_EQ(plan.at("name"), "Xã Mới");
  }
  json known = naming("H47.12.05", "Xã Tam Dân");
  known["dry_run"] = true;
  EXPECT_EQ(post("/v1/invites", known).at("declares"), false);
  EXPECT_EQ(statements(), before);
  EXPECT_TRUE(get("/v1/invites").empty());
  asked["dry_run"] = "yes";
  post("/v1/agencies", asked, 400);
}

TEST_F(ApiAgencies, ADeclarationIsTakenBackWhileNothingRestsOnIt) {
  start();
  post("/v1/agencies", naming("H47.12.09"));
  EXPECT_EQ(post("/v1/agencies/H47.12.09/remove", {{"dry_run", true}}).at("removed"), false);
  EXPECT_EQ(get("/v1/agencies/H47.12.09").at("declared_by"), "H47.12");
  EXPECT_EQ(post("/v1/agencies/H47.12.09/remove", {{"reason", "khai nhầm"}}).at("removed"), true);
  get("/v1/agencies/H47.12.09", 404);
  post("/v1/agencies/H47.12.09/remove", json::object(), 404);
  post("/v1/agencies", naming("H47.12.09", "Xã Đúng"));
  EXPECT_EQ(get("/v1/agencies/H47.12.09").at("name"), "Xã Đúng");
  // Not ours, or something rests on it.
  post("/v1/agencies/H47/remove", json::object(), 403);
  post("/v1/agencies/H47.12/remove", json::object(), 403);
  const auto made =
      apply(R"({"op":"create","dossier":{"code":"H47.12-230401-0003","summary":"Đơn"}})"
            "\n"
            R"({"op":"offer","code":"H47.12-230401-0003","to":"H47.12.09"})"
            "\n");
  ASSERT_EQ(made.back().at("ok"), true) << made.back();
  EXPECT_NE(message_of(post("/v1/agencies/H47.12.09/remove", json::object(), 409)).find("records"),
            std::string::npos);
  ASSERT_TRUE(engine_
                  ->write([&](store::Transaction& transaction) -> Result<void> {
                    const test::TestNode node = deployment_.make_node(commune_);
                    const auto done =
                        store::certify(transaction, commune_, {node.id(), node.dh_key.public_key()},
                                       sign_possession(deployment_.root(), commune_, node.key,
                                                       node.dh_key.public_key()),
                                       false);
                    return done.ok() ? Result<void>() : done.error();
                  })
                  .ok());
  EXPECT_NE(message_of(post("/v1/agencies/H47.12.05/remove", json::object(), 409)).find("certific"),
            std::string::npos);
}

TEST_F(ApiAgencies, AnInvitationIsTakenBackWithTheAgencyThatWasDeclaredForIt) {
  start();
  const json first = post("/v1/invites", naming("H47.12.09"));
  const json second = post("/v1/invites", naming("H47.12.09"));
  const json known = post("/v1/invites", naming("H47.12.05", "Xã Tam Dân"));
  const json list = get("/v1/invites");
  ASSERT_EQ(list.size(), 3U);
  for (const json& one : list) {
    EXPECT_EQ(one.at("state"), "open");
    EXPECT_FALSE(one.contains("secret"));
  }
  post("/v1/agencies/H47.12.09/remove", json::object(), 409);  // somebody is invited
  const auto cancel = [&](const json& invite, int status = 200) {
    return post("/v1/invites/" + invite.at("id").get<std::string>() + "/cancel", json::object(),
                status);
  };
  EXPECT_EQ(cancel(known).at("agency_removed"), false);
  EXPECT_EQ(get("/v1/agencies/H47.12.05").at("name"), "Xã Tam Dân");
  EXPECT_EQ(cancel(second).at("agency_removed"), false) << "the first one still invites it";
  EXPECT_EQ(cancel(first).at("agency_removed"), true);
  get("/v1/agencies/H47.12.09", 404);
  EXPECT_TRUE(get("/v1/invites").empty());
  cancel(first, 404);
  post("/v1/invites/zz/cancel", json::object(), 404);
}

TEST_F(ApiAgencies, TheRightToInviteGoesToThoseWhoHaveOfficesBelowThem) {
  start();
  const auto invited = [&](const char* code, const char* name, const char* tier, json may = {}) {
    json body = {{"code", code}, {"name", name}, {"tier", tier}};
    if (!may.is_null()) body["may_issue"] = may;
    const json invite = post("/v1/invites", body);
    body["dry_run"] = true;
    EXPECT_EQ(post("/v1/invites", body).at("may_issue"), invite.at("may_issue")) << code;
    return invite.at("may_issue").get<bool>();
  };
  EXPECT_FALSE(invited("H47.12.05", "Xã Tam Dân", "commune"));
  EXPECT_FALSE(invited("H47.12.07", "Trạm Y tế", "station"));
  EXPECT_TRUE(invited("H47.12.08", "Khu vực Một", "district"));
  EXPECT_TRUE(invited("H47.12.05", "Xã Tam Dân", "commune", true));
  EXPECT_FALSE(invited("H47.12.08", "Khu vực Một", "district", false));
  post("/v1/invites",
       {{"code", "H47.12.08"}, {"name", "Khu"}, {"tier", "district"}, {"may_issue", 1}}, 400);
}

TEST_F(ApiAgencies, ByHandTheTokenAloneIsAnswered) {
  start();
  const json invite = post("/v1/invites", naming("H47.12.05", "Xã Tam Dân"));
  const Token token = *decode_token(invite.at("token").get<std::string>());
  EXPECT_EQ(token.agency, commune_);
  const NodeKeys keys = make_node_keys(entropy_);
  const auto issue = [&](const Token& with, const NodeKeys& by, int status) {
    return post("/v1/certificates", {{"request", render_request(with, by)}}, status);
  };
  Token guessed = token;  // its number was overheard
  guessed.secret[0] ^= 1;
  issue(guessed, keys, 403);
  Token elsewhere = token;
  elsewhere.agency = district_;
  issue(elsewhere, keys, 400);
  Token foreign = token;
  foreign.root.bytes[0] ^= 1;
  issue(foreign, keys, 403);
  Token unknown = token;
  unknown.invite[0] ^= 1;
  issue(unknown, keys, 404);
  const json issued = issue(token, keys, 200);
  EXPECT_EQ(issue(token, keys, 200), issued) << "the same again";
  issue(token, make_node_keys(entropy_), 409);
  EXPECT_EQ(get("/v1/invites").at(0).at("state"), "used");
  EXPECT_EQ(get("/v1/agencies/H47.12.05").at("certificates").at(0).at("may_issue"), false)
      << "as its invitation says";
  post("/v1/invites/" + invite.at("id").get<std::string>() + "/cancel", json::object(), 409);
}

TEST_F(ApiAgencies, ACodeOfTwoIsRefusedWhereverItIsTypedAndCheckSaysWhoDeclaredIt) {
  start();
  EXPECT_TRUE(findings("agency-code-twice").empty());
  const AgencyId twin = comes(province_, "H47.12.05");  // the province may give it as well
  for (const json& answer :
       {get("/v1/agencies/H47.12.05", 409), get("/v1/dossiers?holder=H47.12.05", 409),
        post("/v1/compare", {{"agency", "H47.12.05"}}, 409),
        post("/v1/invites", naming("H47.12.05", "Xã Tam Dân"), 409)}) {
    for (const AgencyId& id : {commune_, twin})
      EXPECT_NE(message_of(answer).find(id.short_hex()), std::string::npos) << answer;
    EXPECT_NE(message_of(answer).find("declared by H47)"), std::string::npos) << answer;
    EXPECT_NE(message_of(answer).find("declared by H47.12)"), std::string::npos) << answer;
  }
  const auto made =
      apply(R"({"op":"create","dossier":{"code":"H47.12-230401-0003","summary":"Đơn"}})"
            "\n"
            R"({"op":"offer","code":"H47.12-230401-0003","to":"H47.12.05"})"
            "\n");
  EXPECT_EQ(made.back().at("ok"), false);
  EXPECT_EQ(made.back().at("error").at("code"), "conflict") << made.back();
  ASSERT_EQ(findings("agency-code-twice").size(), 1U);
  // One of the two is meant: by its id.
  const std::string named = "H47.12.05~" + commune_.short_hex();
  EXPECT_EQ(get("/v1/agencies/" + named).at("id"), commune_.hex());
  EXPECT_EQ(post("/v1/invites", naming(named.c_str(), "Xã Lạ"), 409).at("error").at("code"),
            "conflict")
      << "its name is another";
  EXPECT_EQ(
      post("/v1/invites", naming(named.c_str(), "Xã Tam Dân")).at("id").get<std::string>().size(),
      16U);
  const auto offered =
      apply(R"({"op":"offer","code":"H47.12-230401-0003","to":")" + named + "\"}\n");
  EXPECT_EQ(offered.back().at("ok"), true) << offered.back();
  EXPECT_EQ(get("/v1/dossiers/H47.12-230401-0003").at("custody").back().at("to"), named);
}

TEST_F(ApiAgencies, ACodeTakenByAnOfficeWithoutARightChangesNothingAndIsTold) {
  start();
  const AgencyId beside = deployment_.add_agency(province_, "H47.13", "Huyện khác", "district");
  deployment_.add_node(beside, true);
  const AgencyId thief = comes(beside, "H47.12.05");
  EXPECT_EQ(get("/v1/agencies/H47.12.05").at("id"), commune_.hex());
  const auto told = findings("agency-code-not-theirs");
  ASSERT_EQ(told.size(), 1U);
  const std::string text = told.front().at("text_en").get<std::string>();
  EXPECT_NE(text.find(thief.short_hex()), std::string::npos) << text;
  EXPECT_NE(text.find("H47.13"), std::string::npos) << text;
  // In lists it is told apart.
  bool marked = false;
  for (const json& agency : get("/v1/agencies"))
    if (agency.at("id") == thief.hex()) marked = agency.at("code_right") == "none";
  EXPECT_TRUE(marked);
  // What concerns neither us nor those below us is not told here.
  comes(beside, "H47.14.01");
  EXPECT_EQ(findings("agency-code-not-theirs").size(), 1U);
}

}  // namespace
}  // namespace lienthong::agent
