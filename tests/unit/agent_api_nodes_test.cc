// The local API: machines, and taking trust in one back.
#include "tests/unit/agent_api_fixture.h"

namespace lienthong::agent {
namespace {

class ApiNodes : public Api {
 protected:
  // The commune's machine, whose word came as sessions bring it.
  ApiNodes() : machine_(deployment_.add_node(commune_)) {
    const auto done = engine_->write([&](store::Transaction& transaction) -> Result<void> {
      const auto added = transaction.add_statements(deployment_.statements());
      return added.ok() ? Result<void>() : added.error();
    });
    EXPECT_TRUE(done.ok());
  }
  std::string path(const char* verb = "") const {
    return "/v1/nodes/" + machine_.id().hex().substr(0, 10) + verb;
  }
  test::TestNode& machine_;
};

TEST_F(ApiNodes, ListsAndShowsMachines) {
  start();
  const json all = get("/v1/nodes");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1].at("agency"), "H47.12");
  EXPECT_EQ(all[1].at("ours"), true);
  EXPECT_EQ(all[2].at("state"), "trusted");
  EXPECT_EQ(get("/v1/nodes?agency=H47.12.05").size(), 1u);
  get("/v1/nodes?agency=H99", 400);
  const json one = get(path());
  EXPECT_EQ(one.at("id"), machine_.id().hex());
  EXPECT_TRUE(one.at("incarnations").empty()) << "it has sealed nothing yet";
  get("/v1/nodes/0123456789", 404);
  get("/v1/nodes/zz", 400);
}

TEST_F(ApiNodes, RevokesAfterSayingWhatThatDoes) {
  start();
  const std::size_t before = engine_->replica().registry()->size();
  const json plan = post(path("/revoke"), {{"keep", "nothing"}, {"dry_run", true}});
  EXPECT_EQ(plan.at("dry_run"), true);
  EXPECT_EQ(plan.at("agency"), "H47.12.05");
  EXPECT_EQ(plan.at("records"), 0);
  EXPECT_EQ(engine_->replica().registry()->size(), before);
  EXPECT_EQ(post(path("/revoke"), {{"keep", "nothing"}, {"reason", "mất máy"}}).at("again"), false);
  EXPECT_EQ(get("/v1/nodes").size(), 2u);
  EXPECT_EQ(get("/v1/nodes?all=1").at(2).at("state"), "fallen");
  const json ends = {{{"incarnation", "18446744073709551615"}, {"number", 3}}};
  const json moved = post(path("/revoke"), {{"ends", ends}});
  EXPECT_EQ(moved.at("again"), true);
  EXPECT_EQ(moved.at("counts_to"), ends);
  EXPECT_EQ(get("/v1/nodes").at(2).at("state"), "revoked");
}

TEST_F(ApiNodes, RefusesWhatIsNotOursOrNotClear) {
  start();
  const json nodes = get("/v1/nodes");
  const auto revoke = [&](std::size_t which, int status) {
    post("/v1/nodes/" + nodes[which].at("id").get<std::string>() + "/revoke", json::object(),
         status);
  };
  revoke(0, 403);  // of the office above
  revoke(1, 400);  // this one
  for (const json& body :
       {json{{"keep", "some"}}, json{{"until", "yesterday"}}, json{{"ends", 3}},
        json{{"ends", {{{"incarnation", "1x"}, {"number", 1}}}}},
        json{{"ends", {{{"incarnation", 1}, {"number", 1}}}}},
        json{{"ends", {{{"incarnation", "1"}, {"number", 4294967296}}}}},
        json{{"keep", "known"}, {"ends", json::array()}}, json{{"dry_run", 1}}, json{{"other", 1}}})
    post(path("/revoke"), body, 400);
  EXPECT_EQ(get("/v1/nodes").size(), 3u);
}

}  // namespace
}  // namespace lienthong::agent
