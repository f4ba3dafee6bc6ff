// Nodes of one deployment in this process, with real sockets on loopback and real data folders.
#include <gtest/gtest.h>
#include <unistd.h>

#include <asio/any_io_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <filesystem>
#include <future>
#include <thread>

#include "agent/config/config.h"
#include "agent/config/setup.h"
#include "agent/engine/clock.h"
#include "agent/joining/identity_files.h"
#include "agent/joining/invite.h"
#include "agent/links/peer_set.h"
#include "protocol/enrolment/token.h"
#include "protocol/record/fields.h"
#include "store/desk/operations.h"
#include "store/office/dossier.h"
#include "store/office/projections.h"

namespace lienthong::agent {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kPatience{30};

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "lienthong_links_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

// The machine's clock, which may be told that time has passed.
class JumpingClock final : public WallClock {
 public:
  UnixMillis now() const override {
    return clock_.now() + std::chrono::milliseconds(ahead()).count();
  }
  Instant monotonic() const override { return clock_.monotonic() + ahead(); }
  void jump(seconds span) { ahead_ += span.count(); }

 private:
  seconds ahead() const { return seconds(ahead_.load()); }
  SystemClock clock_;
  std::atomic<std::int64_t> ahead_{0};
};

// An agent without its API.
class Node {
 public:
  explicit Node(const fs::path& dir) : Node(load_config(dir / "agent.toml")) {}
  ~Node() { stop(); }

  Engine& engine() { return *engine_; }
  PeerSet& peers() { return *peers_; }
  const store::Replica& replica() { return engine_->replica(); }
  const DhPublic& dh_key() const { return dh_key_; }
  AgencyId agency() { return replica().identity().agency; }

  void stop() {
    if (!thread_.joinable()) return;
    std::promise<void> quiet;
    asio::post(loop_, [&] { peers_->stop([&] { quiet.set_value(); }); });
    EXPECT_EQ(quiet.get_future().wait_for(seconds(10)), std::future_status::ready);
    EXPECT_EQ(peers_->children(), 0U);
    loop_.stop();
    thread_.join();
    engine_->stop();
  }

  std::string invite(const std::string& code, const std::string& name, const std::string& tier) {
    InviteRequest request;
    request.naming = {code, name, tier};
    auto token = create_invite(*engine_, dh_key_, peers_->listen_addresses(), request, entropy_);
    EXPECT_TRUE(token.ok()) << token.error().message();
    return token->text;
  }

  // Waits for commits, looks after each, until `met` or the patience ends.
  bool waits_until(const std::function<bool()>& met) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!met()) {
      if (std::chrono::steady_clock::now() > end) return false;
      engine_->wait_for_change(replica().last_change(), milliseconds(20));
    }
    return true;
  }

  void jump(seconds span) { clock_.jump(span); }

  void dials(const std::string& code, const std::vector<std::string>& addresses) {
    asio::post(loop_, [this, neighbour = NeighbourConfig{code, addresses}] {
      peers_->set_neighbours({neighbour});
    });
  }

  std::optional<NeighbourStatus> neighbour(const AgencyId& agency) {
    for (const NeighbourStatus& status : peers_->neighbours()) {
      if (status.agency == agency) return status;
    }
    return std::nullopt;
  }
  bool in_sync_with(const AgencyId& agency) {
    const auto status = neighbour(agency);
    return status && status->state == LinkState::kConnected && status->in_sync;
  }

  std::string create_dossier() {
    std::string code;
    const auto written = engine_->write([&](store::Transaction& transaction) -> Result<void> {
      store::CreateDossier create;
      create.open.push_back(
          {static_cast<std::uint16_t>(Field::kProcedure), std::string("1.001193")});
      LT_TRY(const auto result, store::apply_operation(transaction, std::move(create)));
      code = result.code;
      return {};
    });
    EXPECT_TRUE(written.ok()) << written.error().message();
    return code;
  }

 private:
  explicit Node(const ConfigReading& reading) {
    EXPECT_TRUE(reading.mistakes.empty()) << reading.report("agent.toml");
    const auto files = load_node_files(reading.config.data_dir);
    EXPECT_TRUE(files.ok());
    dh_key_ = files->keys.dh.public_key();
    store::Options options = store::office_options();
    options.path = (reading.config.data_dir / kStoreFolder).string();
    options.entropy = &entropy_;
    auto replica = store::Replica::open(options, files->identity(), files->root);
    EXPECT_TRUE(replica.ok()) << replica.error().message();
    engine_ = std::make_unique<Engine>(std::move(*replica), clock_, loop_.get_executor());
    peers_ = std::make_unique<PeerSet>(loop_, *engine_, reading.config.links(), files->keys.dh,
                                       entropy_);
    const auto started = peers_->start();
    EXPECT_TRUE(started.ok()) << started.error().message();
    thread_ = std::thread([this] { loop_.run(); });
  }

  JumpingClock clock_;
  SystemEntropy entropy_;
  DhPublic dh_key_{};
  asio::io_context loop_{1};
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<PeerSet> peers_;
  std::thread thread_;
};

class Links : public ::testing::Test {
 protected:
  void SetUp() override {
    InitRequest request;
    request.place.data_dir = folder / "H47";
    request.place.listen = {"127.0.0.1:0"};
    request.code = "H47";
    request.name = "Tỉnh Quảng Nam";
    request.tier = "province";
    request.passphrase = "một hai ba";
    request.cost = SecretFileCost{1, 8192};
    const auto outcome = init_deployment(request, clock, entropy);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message();
    province = std::make_unique<Node>(request.place.data_dir);
  }

  SetupPlace place(const std::string& name) {
    SetupPlace out;
    out.data_dir = folder / name;
    out.listen = {"127.0.0.1:0"};
    return out;
  }

  std::unique_ptr<Node> enroll(Node& parent, const std::string& code, const std::string& tier) {
    const auto outcome = enroll_with_token(
        place(code), parent.invite(code, "Cơ quan " + code, tier), clock, entropy);
    EXPECT_TRUE(outcome.ok()) << outcome.error().message();
    return std::make_unique<Node>(folder / code);
  }

  TemporaryFolder folder;
  SystemClock clock;
  SystemEntropy entropy;
  std::unique_ptr<Node> province;
};

TEST_F(Links, EnrolledNodesFindEachOtherAndAgree) {
  const auto district = enroll(*province, "H47.12", "district");
  const auto commune = enroll(*district, "H47.12.05", "commune");
  EXPECT_TRUE(province->waits_until([&] { return province->in_sync_with(district->agency()); }));
  EXPECT_TRUE(commune->waits_until([&] { return commune->in_sync_with(district->agency()); }));
  EXPECT_EQ(district->neighbour(commune->agency())->state, LinkState::kConnected);
  const std::string code = commune->create_dossier();
  EXPECT_TRUE(province->waits_until([&] { return !province->replica().find_code(code).empty(); }));
  EXPECT_TRUE(district->waits_until([&] {
    return district->in_sync_with(commune->agency()) && district->in_sync_with(province->agency());
  }));
  EXPECT_EQ(province->replica().registry()->digest(), commune->replica().registry()->digest());
}

TEST_F(Links, WorkDoneDuringAnOutageArrivesAfterIt) {
  auto district = enroll(*province, "H47.12", "district");
  const AgencyId district_agency = district->agency();
  EXPECT_TRUE(district->waits_until([&] { return district->in_sync_with(province->agency()); }));
  district->stop();
  district.reset();
  EXPECT_TRUE(province->waits_until(
      [&] { return province->neighbour(district_agency)->state == LinkState::kDown; }));
  district = std::make_unique<Node>(folder / "H47.12");
  std::vector<std::string> codes;
  for (int i = 0; i < 20; ++i) codes.push_back(district->create_dossier());
  EXPECT_TRUE(district->waits_until([&] { return district->in_sync_with(province->agency()); }));
  for (const auto& code : codes) EXPECT_EQ(province->replica().find_code(code).size(), 1U) << code;
}

// Its disk is an older copy and its clock is behind, so its session numbers were all used before.
TEST_F(Links, ARestoredMachineWithAClockBehindConnectsAgain) {
  auto district = enroll(*province, "H47.12", "district");
  const NodeId node = district->replica().identity().node;
  ASSERT_TRUE(district->waits_until([&] { return district->in_sync_with(province->agency()); }));
  district->stop();
  district.reset();
  const auto tomorrow = static_cast<std::uint64_t>(clock.now() + 86'400'000);
  const auto noted = province->engine().write([&](store::Transaction& transaction) -> Result<void> {
    transaction.note_session_number_seen(node, tomorrow);
    return {};
  });
  ASSERT_TRUE(noted.ok()) << noted.error().message();
  district = std::make_unique<Node>(folder / "H47.12");
  const std::string code = district->create_dossier();
  EXPECT_TRUE(province->waits_until([&] { return !province->replica().find_code(code).empty(); }));
  EXPECT_TRUE(district->waits_until([&] { return district->in_sync_with(province->agency()); }));
}

TEST_F(Links, TwoThatDialEachOtherKeepASession) {
  const auto district = enroll(*province, "H47.12", "district");
  province->dials("H47.12", district->peers().listen_addresses());
  EXPECT_TRUE(district->waits_until([&] { return district->in_sync_with(province->agency()); }));
  // Both lose it at once and dial anew.
  for (int round = 0; round < 3; ++round) {
    const std::uint64_t before = province->neighbour(district->agency())->sessions;
    province->dials("H47.12", {"127.0.0.1:1"});
    district->dials("H47", {"127.0.0.1:1"});
    province->dials("H47.12", district->peers().listen_addresses());
    district->dials("H47", province->peers().listen_addresses());
    EXPECT_TRUE(district->waits_until([&] {
      return province->neighbour(district->agency())->sessions > before &&
             district->in_sync_with(province->agency()) &&
             province->in_sync_with(district->agency());
    })) << "round "
        << round;
  }
}

// Nothing below it is told, and nobody does anything there.
TEST_F(Links, AReplacedParentIsFoundAgainByItsChildWithoutAnOperator) {
  auto district = enroll(*province, "H47.12", "district");
  const auto commune = enroll(*district, "H47.12.05", "commune");
  const AgencyId agency = district->agency();
  EXPECT_TRUE(commune->waits_until([&] { return commune->in_sync_with(agency); }));
  EXPECT_TRUE(district->waits_until([&] { return district->in_sync_with(province->agency()); }));
  const std::string code = commune->create_dossier();
  EXPECT_TRUE(province->waits_until([&] { return !province->replica().find_code(code).empty(); }));
  const NodeId burnt = district->replica().identity().node;
  SetupPlace same_address = place("new machine");
  same_address.listen = district->peers().listen_addresses();
  district->stop();
  district.reset();
  const auto outcome =
      enroll_with_token(same_address, province->invite("H47.12", "", ""), clock, entropy);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message();
  Node fresh(folder / "new machine");
  EXPECT_TRUE(commune->waits_until([&] { return commune->in_sync_with(agency); }));
  EXPECT_NE(commune->neighbour(agency)->node, burnt);
  EXPECT_EQ(commune->neighbour(agency)->node, outcome->node);
  EXPECT_TRUE(fresh.waits_until([&] { return !fresh.replica().find_code(code).empty(); }));
}

TEST_F(Links, ASessionOfADayIsReplacedWithoutAGap) {
  const auto district = enroll(*province, "H47.12", "district");
  const AgencyId parent = province->agency(), child = district->agency();
  EXPECT_TRUE(district->waits_until([&] { return district->in_sync_with(parent); }));
  EXPECT_TRUE(province->waits_until([&] { return province->in_sync_with(child); }));
  const auto sessions = district->neighbour(parent)->sessions;
  bool gap = false;
  const auto replaced = [&] {
    const auto here = district->neighbour(parent), there = province->neighbour(child);
    gap = gap || here->state != LinkState::kConnected || there->state != LinkState::kConnected;
    return here->sessions > sessions && here->in_sync && there->in_sync;
  };
  district->jump(std::chrono::hours(23));
  const auto until = std::chrono::steady_clock::now() + seconds(2);
  while (std::chrono::steady_clock::now() < until) {
    EXPECT_FALSE(replaced());
    district->engine().wait_for_change(district->replica().last_change(), milliseconds(20));
  }
  district->jump(std::chrono::hours(2));  // drawn from the hour after a day
  EXPECT_TRUE(district->waits_until(replaced));
  EXPECT_FALSE(gap);
  EXPECT_EQ(district->neighbour(parent)->sessions, sessions + 1);
  const std::string mine = district->create_dossier();
  EXPECT_TRUE(province->waits_until([&] { return !province->replica().find_code(mine).empty(); }));
}

TEST_F(Links, AnAddressThatIsNotThereYetKeepsNobodyFromWorking) {
  SetupPlace place_of = place("H47.12");
  place_of.listen.emplace_back("192.0.2.1:27413");  // of no machine (RFC 5737)
  const auto outcome = enroll_with_token(
      place_of, province->invite("H47.12", "Cơ quan", "district"), clock, entropy);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message();
  Node district(folder / "H47.12");
  const auto missing = district.peers().not_listening();
  ASSERT_EQ(missing.size(), 1U);
  EXPECT_TRUE(missing.front().starts_with("192.0.2.1:27413: "));
  EXPECT_EQ(district.peers().listen_addresses().size(), 1U);
  const std::string mine = district.create_dossier();
  EXPECT_TRUE(province->waits_until([&] { return !province->replica().find_code(mine).empty(); }));
}

TEST_F(Links, AnAddressThatIsDeadIsPassedOver) {
  const auto district = enroll(*province, "H47.12", "district");
  const auto good = province->peers().listen_addresses();
  EXPECT_TRUE(district->waits_until([&] { return district->in_sync_with(province->agency()); }));
  district->dials("H47", {"127.0.0.1:1", good.front()});
  EXPECT_TRUE(district->waits_until([&] {
    const auto status = district->neighbour(province->agency());
    return status->sessions > 1 && status->in_sync && status->address == good.front();
  }));
}

TEST_F(Links, WhatADayCostsIsCountedInIpBytesAndSurvivesARestart) {
  auto district = enroll(*province, "H47.12", "district");
  const AgencyId parent = province->agency();
  EXPECT_TRUE(district->waits_until([&] { return district->in_sync_with(parent); }));
  // Read on the loop once a tick: more than the stream has, by the headers.
  EXPECT_TRUE(district->waits_until([&] {
    const auto status = district->neighbour(parent);
    return status->ip_sent_bytes > status->sent_bytes + 3 * 40 &&
           status->ip_received_bytes > status->received_bytes + 2 * 40;
  }));
  const auto status = *district->neighbour(parent);
  const BudgetStatus day = *district->peers().budget();
  EXPECT_GT(day.spent[0], 0U);  // the registry
  EXPECT_EQ(day.spent[4], 0U);
  const std::uint64_t before = day.spent_total;
  EXPECT_GE(before, status.ip_sent_bytes + status.ip_received_bytes);
  district.reset();
  district = std::make_unique<Node>(folder / "H47.12");
  EXPECT_GE(district->peers().budget()->spent_total, before);
}

TEST_F(Links, ATokenServesOneMachineAndThatOneAgain) {
  const std::string token = province->invite("H47.12", "Huyện Phú Ninh", "district");
  const auto first = enroll_with_token(place("first"), token, clock, entropy);
  ASSERT_TRUE(first.ok()) << first.error().message();
  EXPECT_EQ(first->agency_code, "H47.12");
  EXPECT_EQ(first->parent_code, "H47");
  const auto other = enroll_with_token(place("other"), token, clock, entropy);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code(), Errc::kConflict);
  // The same keys, as if the first attempt had been cut before the folder was complete.
  fs::create_directories(folder / "again" / "enrolling");
  fs::copy(folder / "first" / "node.key", folder / "again" / "enrolling" / "node.key");
  const auto again = enroll_with_token(place("again"), token, clock, entropy);
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(again->node, first->node);
  EXPECT_EQ(province->replica().registry()->certificates_of(first->agency).size(), 1U);
}

TEST_F(Links, AFailedEnrolmentLeavesAFolderInWhichItCanBeRepeated) {
  province->invite("H47.12", "Huyện Phú Ninh", "district");
  Token unknown = *decode_token(province->invite("H47.12", "", ""));
  unknown.invite[0] ^= 1;
  const auto refused = enroll_with_token(place("d"), encode_token(unknown), clock, entropy);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::kNotFound);
  EXPECT_FALSE(fs::exists(folder / "d" / "agent.toml"));
  unknown.invite[0] ^= 1;
  unknown.secret[0] ^= 1;
  EXPECT_EQ(enroll_with_token(place("d"), encode_token(unknown), clock, entropy).error().code(),
            Errc::kBadSignature);
  unknown.secret[0] ^= 1;
  EXPECT_TRUE(enroll_with_token(place("d"), encode_token(unknown), clock, entropy).ok());
  EXPECT_FALSE(fs::exists(folder / "d" / "enrolling"));
  EXPECT_EQ(enroll_with_token(place("d"), encode_token(unknown), clock, entropy).error().code(),
            Errc::kConflict);
}

TEST_F(Links, EnrolsOnAStick) {
  const std::string token = province->invite("H47.12", "Huyện Phú Ninh", "district");
  const auto request = make_request(place("H47.12"), token, entropy);
  ASSERT_TRUE(request.ok()) << request.error().message();
  IssueRequest issue;
  issue.request = *request;
  issue.code = "H47.13";
  EXPECT_EQ(issue_certificate(province->engine(), issue).error().code(), Errc::kInvalidArgument);
  issue.code = "H47.12";
  issue.addresses = province->peers().listen_addresses();
  const auto certificate = issue_certificate(province->engine(), issue);
  ASSERT_TRUE(certificate.ok()) << certificate.error().message();
  EXPECT_EQ(enroll_with_certificate(place("nobody"), *certificate, clock, entropy).error().code(),
            Errc::kNotFound);
  Token foreign = *decode_token(token);
  foreign.root.bytes[0] ^= 1;
  ASSERT_TRUE(make_request(place("elsewhere"), encode_token(foreign), entropy).ok());
  EXPECT_EQ(
      enroll_with_certificate(place("elsewhere"), *certificate, clock, entropy).error().code(),
      Errc::kBadHash);
  const auto outcome = enroll_with_certificate(place("H47.12"), *certificate, clock, entropy);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message();
  Node district(folder / "H47.12");
  EXPECT_TRUE(district.waits_until([&] { return district.in_sync_with(province->agency()); }));
}

TEST_F(Links, TurnsAwayANodeOfAnotherDeploymentAndRemembersIt) {
  InitRequest request;
  request.place = place("H49");
  request.code = "H49";
  request.name = "Tỉnh khác";
  request.tier = "province";
  request.passphrase = "x";
  request.cost = SecretFileCost{1, 8192};
  ASSERT_TRUE(init_deployment(request, clock, entropy).ok());
  Config config = load_config(folder / "H49" / "agent.toml").config;
  // A neighbour must be in the registry to be dialled: it believes that its own parent is there.
  config.neighbours.push_back(NeighbourConfig{"H49", province->peers().listen_addresses()});
  ASSERT_TRUE(write_file(folder / "H49" / "agent.toml", render_config(config), 0600).ok());
  Node stranger(folder / "H49");
  EXPECT_TRUE(province->waits_until([&] { return !province->peers().refused_peers().empty(); }));
  EXPECT_EQ(province->peers().refused_peers().front().address, "127.0.0.1");
  EXPECT_TRUE(
      stranger.waits_until([&] { return stranger.neighbour(stranger.agency())->failures > 0; }));
  EXPECT_EQ(province->replica().registry()->agencies().size(), 1U);
}

}  // namespace
}  // namespace lienthong::agent
