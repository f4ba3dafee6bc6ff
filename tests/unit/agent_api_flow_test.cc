// What `check` says of directions that stand still and of keys that two machines use, and where
// readers of /v1/changes go on.
#include "store/exchange/lives.h"
#include "tests/unit/agent_api_fixture.h"

namespace lienthong::agent {
namespace {

class Flow : public Api {
 protected:
  void begin_life(std::uint64_t random) {
    const auto start = std::make_shared<std::uint64_t>(0);
    ASSERT_TRUE(engine_->write(store::begin_life(start, random)).ok());
  }
  json finding(const std::string& code) {
    const json check = get("/v1/check");
    for (const json& message : check.at("messages"))
      if (message.at("code") == code) return message;
    return nullptr;
  }
  static constexpr const char* kOne =
      R"({"op":"create","dossier":{"applicant":{"name":"Lò Thị Hoa"},"channel":"counter"}})";
};

TEST_F(Flow, ANeighbourThatAcknowledgesNothingIsCritical) {
  NeighbourStatus& parent = links_.list.front();
  parent.state = LinkState::kConnected;
  parent.pending_out_updates = 44;
  start();
  EXPECT_EQ(finding("neighbour-stands-still"), json());
  parent.stands_since = clock_.now() - 90'000;
  const json standing = finding("neighbour-stands-still");
  EXPECT_EQ(standing.at("level"), "critical");
  EXPECT_EQ(standing.at("values"), json({"H47", "2023-04-01T06:58:30+07:00", "44"}));
  EXPECT_EQ(get("/v1/check").at("state"), 2);
  EXPECT_NE(get("/v1/peers").at("neighbours")[0].at("stands_since"), json());
}

TEST_F(Flow, NeighboursThatDifferAreNotInSync) {
  NeighbourStatus& parent = links_.list.front();
  parent.state = LinkState::kConnected;
  parent.differs = true;
  start();
  EXPECT_EQ(finding("neighbour-differs").at("level"), "warning");
  EXPECT_EQ(get("/v1/status").at("in_sync"), false);
  EXPECT_EQ(get("/v1/status").at("neighbours")[0].at("comparing"), false);
  parent.differs = false;
  parent.comparing = true;
  EXPECT_EQ(get("/v1/status").at("neighbours")[0].at("comparing"), true);
}

TEST_F(Flow, AKeyThatTwoMachinesUseIsCriticalAtBothAndAbove) {
  start();
  EXPECT_EQ(finding("key-used-twice"), json());
  const NodeId other = deployment_.add_node(commune_).id();
  store::Twin twin{clock_.now() - 60'000, clock_.now(), "10.0.0.1:1", "10.0.0.2:2"};
  ASSERT_TRUE(engine_
                  ->write([&](store::Transaction& transaction) {
                    store::note_own_twin(transaction, other, twin);
                    return Result<void>();
                  })
                  .ok());
  const json own = finding("key-used-twice");
  EXPECT_EQ(own.at("level"), "critical");
  EXPECT_EQ(own.at("values")[2], "10.0.0.1:1");
  EXPECT_EQ(own.at("values")[3], "10.0.0.2:2");
  ASSERT_TRUE(
      engine_
          ->write([&](store::Transaction& transaction) {
            std::uint64_t number = 0;
            for (const std::uint64_t start : {5, 7, 5})
              (void)store::hear_life(transaction, other, {start, 3}, ++number, "10.1.1.1:1");
            return Result<void>();
          })
          .ok());
  EXPECT_EQ(get("/v1/check").at("messages").size(), 3U) << "the link, and both";
  clock_.time += 26LL * 3600 * 1000;
  EXPECT_EQ(finding("key-used-twice"), json()) << "nothing for a day";
}

TEST_F(Flow, APlaceOfAnotherLifeIsGone) {
  begin_life(100);
  start();
  apply(kOne);
  const json first = get("/v1/changes?since=0");
  const std::string last = first.at("last").dump();
  const std::string epoch = first.at("epoch");
  EXPECT_EQ(epoch.size(), 16U);
  EXPECT_EQ(get("/v1/changes?since=" + last + "&epoch=" + epoch).at("changes"), json::array());
  get("/v1/changes?since=" + last);  // without one, as before
  begin_life(200);
  apply(kOne);
  const json second = get("/v1/changes?since=" + last + "&epoch=" + epoch);
  EXPECT_EQ(second.at("changes").size(), 1U) << "a restart is the same life";
  EXPECT_NE(second.at("epoch"), first.at("epoch"));

  const std::vector<std::string> places{
      "since=" + last + "&epoch=00000000000004d2", "since=0&epoch=00000000000004d2",
      "since=" + second.at("last").dump() + "&epoch=" + epoch, "since=4711"};
  for (const std::string& place : places) {
    const json gone = get("/v1/changes?" + place, 410);
    EXPECT_EQ(gone.at("error").at("code"), "another-life") << place;
    EXPECT_EQ(gone.at("epoch"), second.at("epoch"));
    EXPECT_EQ(gone.at("last"), second.at("last"));
  }
  const std::string vietnamese =
      get("/v1/changes?since=4711&lang=vi", 410).at("error").at("message");
  EXPECT_TRUE(vietnamese.starts_with("vị trí")) << vietnamese;
  get("/v1/changes?since=1&epoch=xyz", 400);

  const httplib::Headers gone{{"Accept", "text/event-stream"},
                              {"Last-Event-ID", "00000000000004d2-1"}};
  const auto answer = client()->Get("/v1/changes", gone);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 410);
  std::string stream;
  const httplib::Headers good{{"Accept", "text/event-stream"},
                              {"Last-Event-ID", epoch + "-" + last}};
  client()->Get("/v1/changes", good, [&](const char* data, std::size_t size) {
    stream.append(data, size);
    return stream.find("\n\n") == std::string::npos;
  });
  const std::string id = std::string(second.at("epoch")) + "-" + second.at("last").dump();
  EXPECT_TRUE(stream.starts_with("id: " + id + "\n")) << stream;
}

}  // namespace
}  // namespace lienthong::agent
