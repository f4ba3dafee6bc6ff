// The local API: its sockets, what it takes in, and how clients follow along.
#include <sys/stat.h>
#include <sys/un.h>

#include <fstream>
#include <future>
#include <set>
#include <thread>

#include "agent/api/context.h"
#include "tests/unit/agent_api_fixture.h"

namespace lienthong::agent {
namespace {

// ---- sockets ----

TEST_F(Api, SocketIsForOwnerAndGroupAndGoesWithTheServer) {
  start();
  struct stat found {};
  ASSERT_EQ(::stat(config_.socket.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0660U);
  EXPECT_EQ(get("/healthz").at("ok"), true);
  EXPECT_EQ(get("/readyz").at("ok"), true);
  server_->stop();
  server_->stop();  // twice is once
  EXPECT_NE(::stat(config_.socket.c_str(), &found), 0);
}

TEST_F(Api, ReplacesASocketThatNobodyAnswers) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  config_.socket.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(fd);
  start();
  EXPECT_EQ(get("/healthz").at("ok"), true);
}

TEST_F(Api, RefusesASocketThatIsTakenOrIsNone) {
  start();
  ApiServer second(*engine_, links_, config_);
  const auto taken = second.start();
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().code(), Errc::kBusy);
  EXPECT_EQ(get("/healthz").at("ok"), true);  // the first is unharmed

  ApiServerConfig file = config_;
  file.socket = (folder_ / "file").string();
  std::ofstream(file.socket) << "data";
  ApiServer third(*engine_, links_, file);
  EXPECT_EQ(third.start().error().code(), Errc::kConflict);
  EXPECT_TRUE(std::filesystem::exists(file.socket));

  ApiServerConfig too_long = config_;
  too_long.socket = "/tmp/" + std::string(200, 'x');
  ApiServer fourth(*engine_, links_, too_long);
  EXPECT_EQ(fourth.start().error().code(), Errc::kInvalidArgument);
}

TEST_F(Api, TcpIsLoopbackWithAToken) {
  config_.listen = "0.0.0.0:0";
  config_.token_file = (folder_ / "token").string();
  EXPECT_EQ(ApiServer(*engine_, links_, config_).start().error().code(), Errc::kInvalidArgument);
  config_.listen = "127.0.0.1:0";
  EXPECT_EQ(ApiServer(*engine_, links_, config_).start().error().code(),
            Errc::kInvalidArgument);  // no token yet
  std::ofstream(config_.token_file) << "0123456789abcdef0123\n";
  std::filesystem::permissions(config_.token_file, std::filesystem::perms(0644));
  EXPECT_EQ(ApiServer(*engine_, links_, config_).start().error().code(),
            Errc::kInvalidArgument);  // open to all
  std::filesystem::permissions(config_.token_file, std::filesystem::perms(0600));
  start();
  ASSERT_GT(server_->tcp_port(), 0);
  httplib::Client tcp("127.0.0.1", server_->tcp_port());
  EXPECT_EQ(tcp.Get("/v1/status")->status, 401);
  EXPECT_EQ(tcp.Get("/v1/status", {{"Authorization", "Bearer 0123456789abcdef0124"}})->status, 401);
  EXPECT_EQ(tcp.Get("/v1/status", {{"Authorization", "Bearer 0123456789abcdef0123"}})->status, 200);
  EXPECT_EQ(get("/v1/status").at("agency"), "H47.12");  // the socket asks for none
}

TEST_F(Api, AnswersJsonForWhatIsNotThere) {
  start();
  EXPECT_EQ(get("/v1/nothing", 404).at("error").at("code"), "not-found");
  EXPECT_EQ(get("/v1/dossiers/X", 404).at("error").at("code"), "not-found");
  EXPECT_EQ(get("/v1/" + std::string(4000, 'x'), 404).at("error").at("code"), "not-found");
  EXPECT_EQ(get("/v1/dossiers?status=lost", 400).at("error").at("code"), "invalid-argument");
  EXPECT_EQ(get("/v1/dossiers?holder=H99", 400).at("error").at("code"), "unknown-agency");
  EXPECT_EQ(get("/v1/changes?wait=31", 400).at("error").at("code"), "invalid-argument");
}

TEST_F(Api, BodiesAreTakenUpToTheirLimit) {
  start();
  const std::string blanks(100'000, '\n');
  const auto form =
      client()->Post("/v1/operations", blanks + R"({"op":"note","code":"X","note":"y"})",
                     "application/x-www-form-urlencoded");  // what curl -d says
  ASSERT_TRUE(form);
  EXPECT_EQ(form->status, 200);
  const auto large =
      client()->Post("/v1/operations", std::string(kApiBodyBytesMax + 1, '\n'), "application/json");
  ASSERT_TRUE(large);
  EXPECT_EQ(large->status, 413);
  EXPECT_EQ(client()->Post("/v1/operations", "", "application/json")->status, 400);
}

// ---- operations ----

TEST_F(Api, RefusesBadLinesByNumberAndTakesTheRest) {
  start();
  std::string body = kTwo;
  body += "{\"op\":\n";                                                             // 3
  body += "{\"op\":\"note\",\"code\":\"H47.12-230401-0001\",\"colour\":1}\n";       // 4
  body += "{\"op\":\"note\",\"code\":\"H47.12-230401-0001\",\"note\":\"\xFF\"}\n";  // 5
  body += R"({"op":"create","dossier":{"code":"H47-230401-0001","procedure":"1.001193"}})"
          "\n";  // 6: another agency's
  body += R"({"op":"set","code":"H47.12-230401-0001","fields":{"status":"returned"}})"
          "\n";                                                // 7
  body += "{\"x\":\"" + std::string(2U << 20, 'x') + "\"}\n";  // 8
  body += "\n";                                                // 9: blank
  body += R"({"op":"set","code":"H47.12-230401-0001","fields":{"status":"processing"}})";  // 10
  const auto answers = apply(body);
  ASSERT_EQ(answers.size(), 9U);
  EXPECT_EQ(answers[0].at("code"), "H47.12-230401-0002");
  const std::vector<std::pair<int, const char*>> refused = {
      {3, "malformed"},   {4, "invalid-argument"}, {5, "malformed"},
      {6, "not-allowed"}, {7, "not-allowed"},      {8, "too-large"}};
  for (const auto& [line, code] : refused) {
    const json& answer = answers[static_cast<std::size_t>(line) - 1];
    EXPECT_EQ(answer.at("line"), line);
    EXPECT_EQ(answer.at("ok"), false);
    EXPECT_EQ(answer.at("error").at("code"), code) << answer;
    EXPECT_TRUE(answer.at("error").at("place").get<std::string>().starts_with(
        "line " + std::to_string(line)));
  }
  EXPECT_EQ(answers[3].at("error").at("place"), "line 4, field colour");
  EXPECT_EQ(answers[8].at("line"), 10);
  EXPECT_EQ(answers[8].at("ok"), true);
  EXPECT_EQ(get("/v1/dossiers/H47.12-230401-0001").at("status"), "processing");
}

TEST_F(Api, AFileAppliedTwiceChangesNothing) {
  start();
  std::string body = kTwo;
  body += R"({"op":"create","dossier":{"procedure":"1.001193"}})"
          "\n";  // numbered here
  body += R"({"op":"note","code":"H47.12-230401-0001","note":"gọi điện"})"
          "\n";
  body += R"({"op":"note","code":"H47.12-230401-0001","note":"gọi điện"})"
          "\n";  // said twice, meant twice
  for (const json& answer : apply(body, "?derive_keys=1"))
    EXPECT_EQ(answer.value("repeated", true), false) << answer;
  const auto updates = update_count();
  EXPECT_EQ(updates, 5U);
  for (const json& answer : apply(body, "?derive_keys=1"))
    EXPECT_EQ(answer.value("repeated", false), true) << answer;
  EXPECT_EQ(update_count(), updates);
  const auto other =
      apply(R"({"op":"create","dossier":{"code":"H47.12-230401-0001","procedure":"1.001193"}})",
            "?derive_keys=1");
  EXPECT_EQ(other[0].at("error").at("code"), "conflict");
}

TEST_F(Api, AtomicWritesAllOrNothing) {
  start();
  const auto refused =
      apply(std::string(kTwo) + R"({"op":"note","code":"NONE","note":"x"})", "?atomic=1");
  ASSERT_EQ(refused.size(), 3U);
  EXPECT_EQ(refused[0].at("error").at("code"), "not-applied");
  EXPECT_EQ(refused[2].at("error").at("code"), "not-found");
  EXPECT_EQ(update_count(), 0U);
  const auto broken = apply(std::string(kTwo) + "{", "?atomic=1");
  EXPECT_EQ(broken[1].at("error").at("code"), "not-applied");
  EXPECT_EQ(update_count(), 0U);
  for (const json& answer : apply(kTwo, "?atomic=1")) EXPECT_EQ(answer.at("ok"), true);
  EXPECT_EQ(update_count(), 2U);
}

TEST_F(Api, IdempotencyKeyIsForOneLine) {
  start();
  const httplib::Headers key = {{"Idempotency-Key", "k-1"}};
  const std::string line = R"({"op":"create","dossier":{"summary":"Cấp bản sao"}})";
  const auto first =
      json::parse(client()->Post("/v1/operations", key, line, "application/json")->body);
  const auto again =
      json::parse(client()->Post("/v1/operations", key, line, "application/json")->body);
  EXPECT_EQ(first.at("repeated"), false);
  EXPECT_EQ(again.at("repeated"), true);
  EXPECT_EQ(again.at("code"), first.at("code"));
  EXPECT_EQ(client()->Post("/v1/operations", key, kTwo, "application/json")->status, 400);
  const std::string other =
      R"({"op":"note","code":")" + first.at("code").get<std::string>() + R"(","note":"x"})";
  const auto refused = client()->Post("/v1/operations", key, other, "application/json");
  EXPECT_EQ(refused->status, 409);
  const auto answer = json::parse(refused->body);
  EXPECT_EQ(answer.at("error").at("code"), "conflict");
  for (const char* word : {"create dossier", "note H47."})
    EXPECT_NE(answer.dump().find(word), std::string::npos) << answer;
}

TEST_F(Api, ManyLinesAreAnsweredInOrder) {
  start();
  std::string body;
  for (int i = 0; i < 1'200; ++i)
    body += R"({"op":"create","dossier":{"procedure":"1.001193","code":"H47.12-230401-)" +
            std::to_string(10'000 + i) + "\"}}\n";
  const auto answers = apply(body);
  ASSERT_EQ(answers.size(), 1'200U);
  std::set<std::string> codes;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].at("line"), i + 1);
    ASSERT_EQ(answers[i].at("ok"), true) << answers[i];
    codes.insert(answers[i].at("code").get<std::string>());
  }
  EXPECT_EQ(codes.size(), answers.size());
}

// ---- changes ----

TEST_F(Api, ChangesFollowEachOther) {
  start();
  apply(kTwo);
  const json all = get("/v1/changes?since=0");
  ASSERT_EQ(all.at("changes").size(), 2U);
  EXPECT_EQ(all.at("changes")[0].at("kind"), "created");
  EXPECT_EQ(all.at("changes")[0].at("code"), "H47.12-230401-0002");
  EXPECT_EQ(all.at("changes")[0].at("by"), "H47.12");
  const json one = get("/v1/changes?since=0&limit=1");
  EXPECT_EQ(one.at("last"), all.at("changes")[0].at("number"));
  EXPECT_EQ(get("/v1/changes?since=" + all.at("last").dump()).at("last"), all.at("last"));
}

TEST_F(Api, ChangesTellWhatCameWithoutAnUpdate) {
  start();
  apply(kTwo);
  ASSERT_EQ(apply(R"({"op":"offer","code":"H47.12-230401-0001","to":"H47"})")[0].at("ok"), true);
  const json seen = get("/v1/changes?since=0");
  ASSERT_EQ(seen.at("changes").size(), 3U);
  ASSERT_EQ(apply(R"({"op":"recall","code":"H47.12-230401-0001"})")[0].at("ok"), true);
  const json page = get("/v1/changes?since=" + seen.at("last").dump());
  ASSERT_EQ(page.at("changes").size(), 1U);
  const json& change = page.at("changes")[0];
  const json& offer = seen.at("changes")[2];
  EXPECT_EQ(change.at("kind"), "withdrawn");
  EXPECT_EQ(change.at("code"), "H47.12-230401-0001");
  EXPECT_EQ(change.at("by"), "H47.12");
  EXPECT_EQ(change.at("update"), offer.at("update"));
  EXPECT_EQ(change.at("withdrawn"), (json{{"number", offer.at("number")}, {"kind", "offer"}}));
  EXPECT_EQ(page.at("last"), change.at("number"));
  EXPECT_EQ(get("/v1/changes?since=" + page.at("last").dump()).at("changes"), json::array());
}

TEST_F(Api, RefusalsSpeakTheLanguageThatIsAskedFor) {
  start();
  const json english = get("/v1/dossiers/NONE", 404).at("error");
  EXPECT_EQ(english.at("message"), "no dossier NONE on this machine");
  EXPECT_EQ(english.at("pattern"), "no dossier {} on this machine");
  EXPECT_EQ(english.at("values"), json::array({"NONE"}));
  const json by_query = get("/v1/dossiers/NONE?lang=vi", 404).at("error");
  EXPECT_EQ(by_query.at("code"), "not-found");
  EXPECT_EQ(by_query.at("message"), "máy này không có hồ sơ NONE");
  const auto by_header = client()->Get("/v1/dossiers/NONE", {{"Accept-Language", "vi-VN, en"}});
  ASSERT_TRUE(by_header);
  EXPECT_EQ(by_header->get_header_value("Content-Language"), "vi");
  EXPECT_EQ(json::parse(by_header->body).at("error").at("message"), by_query.at("message"));
  const auto lines = apply(R"({"op":"note","code":"NONE","note":"x"})", "?lang=vi");
  EXPECT_EQ(lines[0].at("error").at("message"), by_query.at("message"));
}

TEST_F(Api, ALongPollEndsWithTheChange) {
  start();
  auto waiting =
      std::async(std::launch::async, [this] { return get("/v1/changes?since=0&wait=30"); });
  apply(kTwo);
  EXPECT_GE(waiting.get().at("changes").size(), 1U);
}

TEST_F(Api, EventStreamsDeliverAndEndWithTheServer) {
  start();
  std::promise<void> saw_one;
  std::string stream;
  std::thread reader([&] {
    bool told = false;
    client()->Get("/v1/changes?since=0", {{"Accept", "text/event-stream"}},
                  [&](const char* data, std::size_t size) {
                    stream.append(data, size);
                    if (!told && stream.find("\n\n") != std::string::npos) {
                      told = true;
                      saw_one.set_value();
                    }
                    return true;
                  });
  });
  apply(kTwo);
  ASSERT_EQ(saw_one.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  server_->stop();
  reader.join();
  EXPECT_TRUE(stream.starts_with("id: 0000000000000000-1\nevent: change\ndata: {")) << stream;
}

// On httplib's defaults eight followers took every thread, and a status waited for 14 seconds.
TEST_F(Api, EightFollowersAndAStatus) {
  start();
  std::atomic<int> following{0};
  std::vector<std::thread> followers;
  for (int i = 0; i < 8; ++i)
    followers.emplace_back([&] {
      const httplib::Headers headers{{"Accept", "text/event-stream"}};
      client()->Get(
          "/v1/changes?since=0", headers,
          [&](const httplib::Response& response) {
            if (response.status == 200) ++following;
            return true;
          },
          [](const char*, std::size_t) { return true; });
    });
  while (following < 8) std::this_thread::yield();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get("/v1/status").at("records"), 0);
  server_->stop();
  for (std::thread& follower : followers) follower.join();
  EXPECT_EQ(following, 8);
}

TEST_F(Api, PeopleAreThoseWhoAskAndNotWhatFollowsOrMonitors) {
  start();
  for (const char* path : {"/metrics", "/healthz", "/v1/check", "/v1/changes?since=0&wait=0"})
    EXPECT_TRUE(client()->Get(path)) << path;
  EXPECT_EQ(links_.people, 0);
  get("/v1/status");
  EXPECT_EQ(links_.people, 1);
}

TEST_F(Api, StatusAndMetricsShowWhatTheDayHasCost) {
  Budget budget(1'000'000, DayHours{}, Instant());
  budget.spend(LaneBytes{0, 0, 0, 1, 0}, 900'000);
  links_.day = budget.status(0);
  start();
  const json day = get("/v1/status").at("budget");
  EXPECT_EQ(day.at("bytes_per_day"), 1'000'000);
  EXPECT_EQ(day.at("spent_bytes"), 900'000);
  EXPECT_EQ(day.at("spent_bytes_by_lane"), json({0, 0, 0, 900'000, 0}));
  EXPECT_EQ(day.at("closed_lanes").size(), 3U);
  EXPECT_EQ(day.at("closed_lanes")[0], json({{"lane", 2}, {"reason", "budget"}}));
  const std::string metrics = client()->Get("/metrics")->body;
  EXPECT_NE(metrics.find("lienthong_budget_spent_bytes{lane=\"3\"} 900000\n"), std::string::npos);
  EXPECT_NE(metrics.find("lienthong_lane_open{lane=\"1\"} 1\n"), std::string::npos);
  EXPECT_NE(metrics.find("lienthong_lane_open{lane=\"2\"} 0\n"), std::string::npos);
}

TEST_F(Api, WaitersHavePlacesAndTheRestGoesOn) {
  start();
  std::vector<std::thread> waiters;
  std::atomic<std::size_t> refused{0}, answered{0};
  for (std::size_t i = 0; i < kApiWaiterCountMax + 2; ++i)
    waiters.emplace_back([&] {
      const auto answer = client()->Get("/v1/changes?since=0&wait=30");
      if (answer && answer->status == 503 && answer->has_header("Retry-After")) ++refused;
      if (answer && answer->status == 200) ++answered;
    });
  while (refused < 2) std::this_thread::yield();
  EXPECT_EQ(get("/v1/status").at("records"), 0);  // not blocked
  apply(kTwo);
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(refused, 2U);
  EXPECT_EQ(answered, kApiWaiterCountMax);
}

// ---- the description ----

std::set<std::string> described_routes() {
  std::ifstream in(LT_OPENAPI_FILE);
  std::set<std::string> out;
  std::string path;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("  /") && line.ends_with(":")) path = line.substr(2, line.size() - 3);
    if (line == "    get:") out.insert("GET " + path);
    if (line == "    post:") out.insert("POST " + path);
  }
  return out;
}

TEST(ApiDescription, NamesExactlyTheRoutesServed) {
  std::set<std::string> served;
  for (const ApiRoute& route : api_routes())
    served.insert(std::string(route.method) + " " + std::string(route.path));
  EXPECT_EQ(described_routes(), served);
}

TEST(ApiDescription, PatternsMatchOnePartOfAPath) {
  EXPECT_EQ(route_pattern("/v1/blobs/{digest}/content"), "/v1/blobs/([^/]+)/content");
  EXPECT_EQ(route_pattern("/v1/dossiers/{code}/why"), "/v1/dossiers/([^/]+(?:/[0-9]+)?)/why");
}

TEST(ApiErrors, StatusFollowsTheCause) {
  EXPECT_EQ(http_status(Errc::kInvalidArgument), 400);
  EXPECT_EQ(http_status(Errc::kNotAllowed), 403);
  EXPECT_EQ(http_status(Errc::kNotFound), 404);
  EXPECT_EQ(http_status(Errc::kConflict), 409);
  EXPECT_EQ(http_status(Errc::kTooLarge), 413);
  EXPECT_EQ(http_status(Errc::kDiskFull), 503);
  EXPECT_EQ(http_status(Errc::kCorrupt), 500);
}

}  // namespace
}  // namespace lienthong::agent
