// The local API: what it shows of dossiers, of the agent and of the agencies.
#include <sys/un.h>

#include <set>

#include "tests/unit/agent_api_fixture.h"

namespace lienthong::agent {
namespace {

// ---- dossiers ----

TEST_F(Api, ListsByFilterAndExportsByCode) {
  start();
  apply(kTwo);
  const auto all = get_lines("/v1/dossiers");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].at("code"), "H47.12-230401-0001");
  EXPECT_EQ(all[0].at("summary"), "Chứng thực");
  EXPECT_EQ(all[1].at("late"), true);
  const auto codes = [this](const std::string& query) {
    std::string out;
    for (const json& line : get_lines("/v1/dossiers?" + query))
      out += line.at("code").get<std::string>().back();
    return out;
  };
  EXPECT_EQ(codes("text=dang%20thi%20anh"), "2");
  EXPECT_EQ(codes("text=%C4%90%E1%BA%B6NG"), "2");
  EXPECT_EQ(codes("text=khai%20sinh"), "2");
  EXPECT_EQ(codes("text=nobody"), "");
  EXPECT_EQ(codes("late=1"), "2");
  EXPECT_EQ(codes("procedure=2.000815"), "1");
  EXPECT_EQ(codes("status=accepted"), "12");
  EXPECT_EQ(codes("status=done"), "");
  EXPECT_EQ(codes("holder=H47.12&limit=1"), "1");
  EXPECT_EQ(codes("holder=H47"), "");
  EXPECT_EQ(codes("after=H47.12-230401-0001"), "2");
  EXPECT_EQ(codes("due_within=3600"), "2");
  EXPECT_EQ(codes("since=2023-04-02T00:00:00%2B07:00"), "");
  EXPECT_EQ(codes("since=2023-04-01T00:00:00%2B07:00"), "12");

  const auto full = get_lines("/v1/export");
  ASSERT_EQ(full.size(), 2U);
  EXPECT_EQ(full[1].at("applicant").at("name"), "Đặng Thị Ánh");
  EXPECT_EQ(full[1], get("/v1/dossiers/H47.12-230401-0002"));
  EXPECT_EQ(full[1], get("/v1/dossiers/" + full[1].at("record").get<std::string>()));
  EXPECT_EQ(full[1].at("custody")[0].at("link"), "created");
  EXPECT_EQ(get("/v1/dossiers/h47.12-230401-0002").at("code"),
            "H47.12-230401-0002");  // case is ignored

  const auto digests = get_lines("/v1/digest");
  ASSERT_EQ(digests.size(), 2U);
  EXPECT_EQ(digests[0].at("digest").get<std::string>().size(), 64U);
}

TEST_F(Api, HandoffsAndWhyTellWhereItIsStuck) {
  start();
  apply(std::string(kTwo) +
        R"({"op":"offer","code":"H47.12-230401-0001","to":"H47","urgent":true})");
  clock_.time += 3'600'000;
  const auto out = get_lines("/v1/handoffs?pending=1&direction=out");
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].at("to"), "H47");
  EXPECT_EQ(out[0].at("urgent"), true);
  EXPECT_EQ(out[0].at("state"), "open");
  EXPECT_GE(out[0].at("age_seconds").get<int>(), 3'590);
  EXPECT_TRUE(get_lines("/v1/handoffs?pending=1&direction=in").empty());
  EXPECT_TRUE(get_lines("/v1/handoffs?pending=1&older_than=7200").empty());
  EXPECT_EQ(get("/v1/handoffs?direction=up", 400).at("error").at("code"), "invalid-argument");

  const json why = get("/v1/dossiers/H47.12-230401-0001/why");
  EXPECT_EQ(why.at("holder"), "H47.12");
  EXPECT_EQ(why.at("holder_name"), "Huyện Phú Ninh");
  EXPECT_EQ(why.at("turn"), "H47");
  EXPECT_EQ(why.at("waiting_for"), "answer to an offer");
  ASSERT_EQ(why.at("hops").size(), 1U);
  EXPECT_EQ(why.at("hops")[0].at("state"), "not-sent");
  EXPECT_EQ(why.at("hops")[0].at("link"), "down");
  EXPECT_EQ(why.at("hops")[0].at("towards_turn"), true);
  EXPECT_EQ(why.at("next_attempt"), why.at("hops")[0].at("next_attempt"));
  std::set<std::string> codes;
  for (const json& reason : why.at("reasons")) {
    codes.insert(reason.at("code").get<std::string>());
    EXPECT_FALSE(reason.at("text_vi").get<std::string>().empty());
  }
  EXPECT_EQ(codes, (std::set<std::string>{"offer-open", "link-down", "not-sent"}));
  EXPECT_EQ(get("/v1/records/" + why.at("record").get<std::string>() + "/why"), why);

  links_.list.front().state = LinkState::kConnected;
  clock_.time += 86'400'000;
  const json check = get("/v1/check");
  EXPECT_EQ(check.at("state"), 1);
  EXPECT_EQ(check.at("messages")[0].at("code"), "handoff-out-pending");
}

// The commune's machine writes three changes; the second comes last.
TEST_F(Api, WhyTellsOfChangesWhoseParentIsMissing) {
  const test::TestNode& node = deployment_.add_node(commune_);
  test::Office commune(deployment_, node, env_.get(), "/commune");
  const RecordId record = commune.create("H47.12.05-230401-0001");
  ASSERT_TRUE(commune.set_unit(record, "Tư pháp").ok());
  ASSERT_TRUE(commune.set_unit(record, "Văn phòng").ok());
  commune.commit([this](store::Transaction& transaction) {
    ASSERT_TRUE(transaction.ensure_feed(district_).ok());
    ASSERT_TRUE(transaction.seal_pending(district_).ok());
  });
  const auto receive = [&](std::uint64_t place) {
    const NodeId reader = engine_->replica().identity().node;
    const auto part = commune.replica().read_feed(
        {FeedKind::kUpdates, district_, reader, Echo::kCarry, place, place});
    ASSERT_TRUE(part.ok() && *part);
    const auto written = engine_->write([&](store::Transaction& transaction) -> Result<void> {
      LT_TRY(const auto outcome,
             transaction.receive(FeedKind::kUpdates, node.id(), commune_, **part));
      EXPECT_TRUE(outcome.refused.empty());
      return {};
    });
    ASSERT_TRUE(written.ok());
  };
  ASSERT_TRUE(engine_
                  ->write([&](store::Transaction& transaction) -> Result<void> {
                    LT_TRY(const auto id,
                           transaction.add_statement(deployment_.statements().back()));
                    EXPECT_FALSE(id.is_zero());
                    return {};
                  })
                  .ok());
  start();
  const auto reason = [&](const std::string& code) {
    const json why = get("/v1/dossiers/H47.12.05-230401-0001/why");
    for (const json& entry : why.at("reasons"))
      if (entry.at("code") == code) return entry;
    return json();
  };
  receive(1);
  EXPECT_EQ(reason("parent-missing"), json());
  clock_.time += 60'000;
  receive(3);
  const json missing = reason("parent-missing");
  EXPECT_EQ(missing.value("text_en", ""),
            "changes that have come and build on an earlier one that has not: 1");
  EXPECT_NE(missing.value("text_vi", "").find("chưa về"), std::string::npos);
  EXPECT_EQ(missing.value("since", ""), "2023-04-01T07:01:00+07:00");
  const json waiting = get("/v1/quarantine").at("waiting");
  ASSERT_EQ(waiting.size(), 1U);
  EXPECT_EQ(waiting[0].at("record"), record.hex());
  EXPECT_EQ(waiting[0].at("from"), "H47.12.05");
  const UpdateId second = commune.replica().find_update(2)->id;
  EXPECT_EQ(waiting[0].at("missing"), second.hex());
  ASSERT_TRUE(engine_
                  ->write([&](store::Transaction& transaction) -> Result<void> {
                    transaction.note_refused(node.id(), commune_, second, "bad-hash");
                    return {};
                  })
                  .ok());
  EXPECT_EQ(reason("parent-missing"), json());
  EXPECT_NE(reason("parent-refused"), json());
  receive(2);
  EXPECT_EQ(reason("parent-refused"), json());
  EXPECT_EQ(get("/v1/quarantine").at("waiting"), json::array());
}

// ---- looking ----

TEST_F(Api, TheQuarantineSaysWhoRefused) {
  start();
  apply(kTwo);
  const auto sent = engine_->replica().find_update(1);
  ASSERT_TRUE(sent.has_value());
  const NodeId parent = deployment_.add_node(province_, false).id();
  ASSERT_TRUE(engine_
                  ->write([&](store::Transaction& transaction) -> Result<void> {
                    EXPECT_TRUE(transaction.note_refused_by_peer(parent, province_, sent->id,
                                                                 "bad-hash: closed part"));
                    return {};
                  })
                  .ok());
  const json there = get("/v1/quarantine").at("refused")[0];
  EXPECT_EQ(there.at("refused_by"), "neighbour");
  EXPECT_EQ(there.at("from"), "H47");
  EXPECT_EQ(there.at("reason"), "bad-hash: closed part");
  EXPECT_EQ(there.at("text_vi"), "không khớp mã băm: phần kín");
  EXPECT_NE(get("/v1/check").dump().find("\"refused-by-neighbours\""), std::string::npos);
  EXPECT_EQ(get("/v1/check").at("state"), 2);
  EXPECT_EQ(get("/v1/check").dump().find("\"refused\""), std::string::npos);
  const auto refuse = [&](const UpdateId& id) {
    ASSERT_TRUE(engine_
                    ->write([&](store::Transaction& transaction) -> Result<void> {
                      transaction.note_refused(parent, province_, id, "bad-hash");
                      return {};
                    })
                    .ok());
  };
  refuse(sent->id);  // in a form that could be taken it is here
  EXPECT_EQ(get("/v1/quarantine").at("refused")[0].at("refused_by"), "us");
  EXPECT_EQ(get("/v1/check").dump().find("\"refused\""), std::string::npos);
  refuse(UpdateId::from(Bytes(32, 7)));
  EXPECT_NE(get("/v1/check").dump().find("\"refused\""), std::string::npos);
}

TEST_F(Api, AClockBehindTheNewestChangeIsDoubtful) {
  start();
  apply(kTwo);
  EXPECT_EQ(get("/v1/status").at("clock_doubtful"), false);
  EXPECT_EQ(get("/v1/status").at("trouble"), nullptr);
  clock_.time -= 59'000;
  EXPECT_EQ(get("/v1/status").at("clock_doubtful"), false);
  clock_.time = 86'400'000;  // a dead battery: 1970
  EXPECT_EQ(get("/v1/status").at("clock_doubtful"), true);
  const json check = get("/v1/check");
  EXPECT_GE(check.at("state"), 1);
  EXPECT_NE(check.dump().find("clock-doubtful"), std::string::npos);
}

TEST_F(Api, StatusHasWhatScriptsRelyOn) {
  start();
  apply(kTwo);
  const json status = get("/v1/status");
  for (const char* name :
       {"agency",     "node",           "version",   "records",  "updates",    "waiting",
        "inert",      "refused",        "only_here", "in_sync",  "neighbours", "agency_name",
        "root",       "registry",       "unsealed",  "restored", "disk_bytes", "last_change",
        "started_at", "clock_doubtful", "trouble"})
    EXPECT_TRUE(status.contains(name)) << name;
  EXPECT_EQ(status.at("records"), 2);
  EXPECT_EQ(status.at("only_here"), 2);
  EXPECT_EQ(status.at("version"), "1.2.3");
  EXPECT_EQ(status.at("in_sync"), false);  // nobody is connected
  const json& parent = status.at("neighbours")[0];
  for (const char* name : {"agency", "state", "address", "last_contact", "rtt", "pending_out",
                           "pending_in", "sent_bytes", "received_bytes", "caught_up_at"})
    EXPECT_TRUE(parent.contains(name)) << name;
  EXPECT_EQ(parent.at("state"), "down");
  EXPECT_EQ(parent.at("last_contact"), "2023-04-01T05:00:00+07:00");
  EXPECT_EQ(parent.at("caught_up_at"), nullptr);

  const json peers = get("/v1/peers");
  EXPECT_EQ(peers.at("neighbours")[0].at("next_attempt"), "2023-04-01T07:00:30+07:00");
  EXPECT_EQ(peers.at("refused")[0].at("reason"), "wrong-root");
  EXPECT_EQ(get("/v1/log").at("lines")[0].at("text"), "started");
  EXPECT_EQ(post("/v1/sync", json::object()).at("dialled"), 1);
  EXPECT_EQ(links_.syncs, 1);
  const json verified = post("/v1/verify", json::object());
  EXPECT_EQ(verified.at("checked"), 2);
  EXPECT_EQ(verified.at("differ"), json::array());
  EXPECT_EQ(
      get("/v1/quarantine"),
      (json{{"refused", json::array()}, {"waiting", json::array()}, {"inert", json::array()}}));
  EXPECT_EQ(get("/v1/conflicts"), json::array());
  EXPECT_EQ(get("/v1/check").at("messages")[0].at("code"), "link-down");
}

TEST_F(Api, ComparesWithANeighbourAndSaysWhatItFound) {
  start();
  const json absent = post("/v1/compare", {{"agency", "H47.12"}});
  EXPECT_EQ(absent.at("outcome"), "not-connected");
  EXPECT_EQ(absent.at("same"), false);
  EXPECT_TRUE(absent.at("our_updates").is_null());
  links_.comparison = {"equal", 7, 7, {}, {}};
  const json equal = post("/v1/compare", {{"agency", "H47.12"}});
  EXPECT_EQ(equal.at("same"), true);
  EXPECT_EQ(equal.at("our_updates"), 7);
  links_.comparison = {"healed", 7, 9, 3, 1};
  const json healed = post("/v1/compare", {{"agency", "H47.12"}});
  EXPECT_EQ(healed.at("missing_here"), 3);
  EXPECT_EQ(healed.at("missing_there"), 1);
  post("/v1/compare", {{"agency", "H99"}}, 404);
  post("/v1/compare", json::object(), 400);
}

TEST_F(Api, SyncAndVerifyNeedNoBody) {
  start();
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  config_.socket.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const std::string request = "POST /v1/sync HTTP/1.1\r\nHost: x\r\n\r\n";  // as curl -X POST
  ASSERT_EQ(::send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  char answer[64] = {};
  ASSERT_GT(::recv(fd, answer, sizeof answer - 1, 0), 0);
  EXPECT_TRUE(std::string(answer).starts_with("HTTP/1.1 200"));
  ::close(fd);
}

TEST_F(Api, MetricsAreThoseOfPrometheus) {
  start();
  const auto answer = client()->Get("/metrics");
  ASSERT_TRUE(answer);
  EXPECT_NE(answer->body.find("# TYPE lienthong_records gauge\nlienthong_records 0\n"),
            std::string::npos);
  EXPECT_NE(answer->body.find("lienthong_neighbour_up{agency=\"H47\"} 0\n"), std::string::npos);
}

// ---- agencies ----

TEST_F(Api, DeclaresAgenciesBelowOurs) {
  start();
  const json made =
      post("/v1/agencies", {{"code", "H47.12.09"}, {"name", "Xã Tam Lãnh"}, {"tier", "commune"}});
  EXPECT_EQ(made.at("parent"), "H47.12");
  EXPECT_EQ(made.at("nodes"), 0);
  EXPECT_EQ(get("/v1/agencies/H47.12.09").at("name"), "Xã Tam Lãnh");
  EXPECT_EQ(get("/v1/agencies").size(), 4U);
  EXPECT_EQ(post("/v1/agencies", {{"code", "H47.12.09"}, {"name", "X"}, {"tier", "commune"}}, 409)
                .at("error")
                .at("code"),
            "conflict");
  post("/v1/agencies", {{"code", "h47 12"}, {"name", "X"}, {"tier", "commune"}}, 400);
  post("/v1/agencies", {{"code", "H47.12.10"}, {"tier", "commune"}}, 400);
  post("/v1/agencies", {{"code", "H47.12.10"}, {"name", "X"}, {"tier", "commune"}, {"colour", 1}},
       400);
  get("/v1/agencies/H1", 404);
}

TEST_F(Api, InvitesGiveATokenUntilTheyExpire) {
  start();
  const json invite = post(
      "/v1/invites",
      {{"code", "H47.12.05"}, {"name", "Xã Tam Dân"}, {"tier", "commune"}, {"ttl_seconds", 3600}});
  EXPECT_TRUE(invite.at("token").get<std::string>().starts_with("lt1-"));
  EXPECT_EQ(invite.at("expires_at"), "2023-04-01T08:00:00+07:00");
  post("/v1/invites",
       {{"code", "H47.12.05"}, {"name", "X"}, {"tier", "commune"}, {"ttl_seconds", 0}}, 400);
  post("/v1/certificates", {{"request", "no request"}, {"code", "H47.12.05"}}, 400);
}

}  // namespace
}  // namespace lienthong::agent
