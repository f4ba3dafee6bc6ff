// Who may do what at the local API. docs/operations.md, "Roles".
#include <fstream>

#include "agent/api/shut.h"
#include "agent/config/config.h"
#include "tests/unit/agent_api_fixture.h"

namespace lienthong::agent {
namespace {

using ApiRoles = Api;

constexpr uid_t kNobody = 65534;

TEST(RoleRules, AccountsHaveTheRolesOfTheirNamesAndGroups) {
  RoleRules rules;
  EXPECT_EQ(caller_of(rules, kNobody, kNobody).roles, Roles::all()) << "as it was without rules";
  rules.rules = {{"user:nobody", Role::kDesk}, {"group:nogroup", Role::kDecide}};
  const Caller nobody = caller_of(rules, kNobody, kNobody);
  EXPECT_EQ(nobody.account, "nobody");
  EXPECT_EQ(nobody.roles.text(), "look, desk, decide");
  rules.others = Roles();
  EXPECT_EQ(caller_of(rules, 54321, 54321).account, "uid 54321");
  EXPECT_TRUE(caller_of(rules, 54321, 54321).roles.empty());
  EXPECT_EQ(caller_of(rules, 0, 0).roles, Roles::all());
  EXPECT_EQ(caller_of(rules, ::geteuid(), ::getegid()).roles, Roles::all());
}

TEST(RoleRules, StandInTheConfigurationAndMistakesAreNamed) {
  const std::string text =
      "data_dir = \"/x\"\n[roles]\ndesk = [\"group:van-thu\"]\nothers = [\"look\"]\n";
  const ConfigReading good = parse_config(text);
  ASSERT_TRUE(good.mistakes.empty()) << good.report("f");
  EXPECT_EQ(good.config.roles.rules, (std::vector<RoleRule>{{"group:van-thu", Role::kDesk}}));
  EXPECT_EQ(good.config.roles.others.text(), "look");
  EXPECT_EQ(parse_config(render_config(good.config)).config, good.config);
  const ConfigReading bad = parse_config(
      "data_dir = \"/x\"\n[roles]\ndesk = [\"van-thu\"]\nothers = [\"boss\"]\nlok = []\n");
  ASSERT_EQ(bad.mistakes.size(), 3U) << bad.report("f");
  EXPECT_EQ(bad.mistakes[0].line, 3U);
  EXPECT_NE(bad.mistakes[2].text.find("\"look\""), std::string::npos);
}

TEST_F(ApiRoles, ATokenHasTheRolesOfItsLine) {
  config_.listen = "127.0.0.1:0";
  config_.token_file = (folder_ / "token").string();
  std::ofstream(config_.token_file) << "0123456789abcdef0123\n# others\n"
                                       "look lookonly0123456789\ndesk deskonly0123456789\n";
  std::filesystem::permissions(config_.token_file, std::filesystem::perms(0600));
  start();
  httplib::Client tcp("127.0.0.1", server_->tcp_port());
  const auto with = [&](const std::string& token) {
    tcp.set_default_headers({{"Authorization", "Bearer " + token}});
  };
  const std::string create =
      R"({"op":"create","dossier":{"code":"H47.12-230401-0001","procedure":"2.000986"}})";
  with("lookonly0123456789");
  EXPECT_EQ(tcp.Get("/v1/status")->status, 200);
  const auto refused = tcp.Post("/v1/sync", "", "application/json");
  ASSERT_EQ(refused->status, 403) << refused->body;
  EXPECT_NE(refused->body.find("role desk"), std::string::npos) << refused->body;
  json answer = lines_of(tcp.Post("/v1/operations", create, "application/x-ndjson")->body).at(0);
  EXPECT_FALSE(answer["ok"]);
  EXPECT_EQ(answer["error"]["code"], "not-allowed");
  EXPECT_EQ(update_count(), 0U);
  with("deskonly0123456789");
  answer = lines_of(tcp.Post("/v1/operations", create, "application/x-ndjson")->body).at(0);
  EXPECT_TRUE(answer["ok"]) << answer;
  const std::string erase = R"({"op":"erase","code":"H47.12-230401-0001","decision":"1"})";
  answer = lines_of(tcp.Post("/v1/operations", erase, "application/x-ndjson")->body).at(0);
  EXPECT_FALSE(answer["ok"]);
  EXPECT_NE(answer.dump().find("role decide"), std::string::npos) << answer;
  EXPECT_EQ(tcp.Post("/v1/agencies", "{}", "application/json")->status, 403);
  with("0123456789abcdef0123");
  answer = lines_of(tcp.Post("/v1/operations", erase, "application/x-ndjson")->body).at(0);
  EXPECT_TRUE(answer["ok"]) << answer;
  EXPECT_EQ(get("/v1/dossiers/H47.12-230401-0001")["erased"]["decision"], "1");
  with("nobody-has-this-token");
  EXPECT_EQ(tcp.Get("/v1/status")->status, 401);
}

TEST_F(ApiRoles, FurtherLinesOfTheTokenFileAreChecked) {
  config_.listen = "127.0.0.1:0";
  config_.token_file = (folder_ / "token").string();
  for (const char* line :
       {"boss 0123456789abcdef0123", "look", "look short", "look two words 0123456789abcdef0123"}) {
    std::ofstream(config_.token_file) << "0123456789abcdef0123\n" << line << "\n";
    std::filesystem::permissions(config_.token_file, std::filesystem::perms(0600));
    ApiServer server(*engine_, links_, config_);
    EXPECT_EQ(server.start().error().code(), Errc::kInvalidArgument) << line;
  }
}

// Beside what the caller says of himself stands who he is for this machine; what is erased goes.
TEST_F(ApiRoles, TheCallersAccountIsKeptWithWhatItWrote) {
  config_.listen = "127.0.0.1:0";
  config_.token_file = (folder_ / "token").string();
  std::ofstream(config_.token_file) << "0123456789abcdef0123\ndesk portal deskonly0123456789\n";
  std::filesystem::permissions(config_.token_file, std::filesystem::perms(0600));
  start();
  const std::string account = caller_of({}, ::geteuid(), ::getegid()).account;
  const std::string code = "H47.12-230401-0001";
  const auto written = [&](const std::string& line) {
    const json answer = apply(line).at(0);
    ASSERT_TRUE(answer["ok"]) << answer;
  };
  written(R"({"op":"create","dossier":{"code":"H47.12-230401-0001","procedure":"2.000986"}})");
  written(R"({"op":"note","code":"H47.12-230401-0001","note":"đã gọi","officer":"Nga"})");
  httplib::Client tcp("127.0.0.1", server_->tcp_port());
  tcp.set_default_headers({{"Authorization", "Bearer deskonly0123456789"}});
  const std::string set =
      R"({"op":"set","code":"H47.12-230401-0001","fields":{"summary":"khai sinh"}})";
  const json answer = lines_of(tcp.Post("/v1/operations", set, "application/x-ndjson")->body).at(0);
  ASSERT_TRUE(answer["ok"]) << answer;
  const json shown = get("/v1/dossiers/" + code);
  ASSERT_EQ(shown["writers"].size(), 3U) << shown;
  EXPECT_EQ(shown["writers"][0]["account"], account);
  EXPECT_EQ(shown["writers"][2]["account"], "token portal");
  EXPECT_EQ(shown["custody"][0]["account"], account);
  EXPECT_EQ(shown["history"][0]["account"], account);
  EXPECT_EQ(shown["history"][0]["officer"], "Nga");
  EXPECT_EQ(get("/v1/dossiers/" + code + "/why")["last_change"]["account"], "token portal");
  written(R"({"op":"erase","code":"H47.12-230401-0001","decision":"1"})");
  const json erased = get("/v1/dossiers/" + code);
  EXPECT_EQ(erased.dump().find("token portal"), std::string::npos) << erased;
}

// An agent that cannot open its database says why, and waits.
TEST_F(Api, ADatabaseOfANewerProgramIsNamed) {
  ShutApi shut;
  const Error why(Errc::kNewerVersion, "/x/store has layout 9, this program knows up to 5");
  ASSERT_TRUE(shut.start(config_.socket, why).ok());
  const json check = get("/v1/check");
  EXPECT_EQ(check["state"], 2);
  EXPECT_EQ(check["messages"][0]["code"], "newer-version");
  EXPECT_NE(check["messages"][0].dump().find("layout 9"), std::string::npos) << check;
  EXPECT_EQ(get("/v1/status", 503)["error"]["code"], "newer-version");
  EXPECT_TRUE(get("/healthz")["ok"]);
}

}  // namespace
}  // namespace lienthong::agent
