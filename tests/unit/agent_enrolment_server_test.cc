// The parent's side of enrolment on real sockets, and newcomers that take their time.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <asio/any_io_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/write.hpp>
#include <filesystem>

#include "agent/engine/clock.h"
#include "agent/joining/enrolment_server.h"
#include "agent/net/net.h"
#include "protocol/enrolment/enrolment.h"
#include "store/exchange/invitation.h"
#include "tests/support/deployment.h"

namespace lienthong::agent {
namespace {

using asio::ip::tcp;
using std::chrono::milliseconds;

constexpr milliseconds kShort{300};

class EnrolmentServer : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "lienthong_enrol_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    const AgencyId province = deployment_.add_agency(AgencyId{}, "H47", "Quảng Nam", "province");
    test::TestNode& node = deployment_.add_node(province, true);
    store::Invitation invitation;
    invitation.agency = deployment_.add_agency(province, "H47.12", "Phú Ninh", "district");
    store::Identity identity(node.key);
    identity.agency = province;
    identity.certificate = node.certificate;
    store::Options options;
    options.path = (folder_ / "store").string();
    options.entropy = &entropy_;
    options.create = true;
    auto replica = store::Replica::open(options, identity, deployment_.root());
    ASSERT_TRUE(replica.ok()) << replica.error().message();
    ASSERT_TRUE((*replica)->bootstrap(deployment_.statements()).ok());
    engine_ = std::make_unique<Engine>(std::move(*replica), clock_, loop_.get_executor());
    token_.parent_dh_key = dh_.public_key();
    token_.root = deployment_.root();
    token_.agency = invitation.agency;
    token_.invite = entropy_.array<8>();
    token_.secret = invitation.secret = entropy_.array<32>();
    token_.expires_at = invitation.expires_at = clock_.now() + 3'600'000;
    ASSERT_TRUE(engine_
                    ->write([&](store::Transaction& transaction) {
                      transaction.set_local_value(store::invitation_key(token_.invite),
                                                  store::encode_invitation(invitation));
                      return Result<void>();
                    })
                    .ok());
    tcp::acceptor acceptor(loop_, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    newcomers_.connect(acceptor.local_endpoint());
    parents_ = acceptor.accept();
  }
  void TearDown() override {
    engine_.reset();
    std::filesystem::remove_all(folder_);
  }

  void make_child() { child_.emplace(token_, keys_, DhKey(seeded_.array<32>())); }

  // Runs both sides until both have ended.
  void run(asio::awaitable<void> newcomer, const EnrolmentPatience& patience) {
    const auto ended = [](std::exception_ptr problem) { EXPECT_FALSE(problem); };
    asio::co_spawn(loop_, serve(patience), ended);
    asio::co_spawn(loop_, std::move(newcomer), ended);
    loop_.run();
  }

  asio::awaitable<void> serve(EnrolmentPatience patience) {
    Bytes first(kEnrolmentPreamble.begin(), kEnrolmentPreamble.end());
    outcome_ = co_await serve_enrolment(parents_, first, *engine_, dh_, entropy_, patience);
    parents_.close();
  }

  // What follows the preamble, a byte at a time.
  asio::awaitable<void> drips() {
    asio::steady_timer timer(loop_);
    const Bytes request = *child_->start();
    for (dripped_ = 2; dripped_ < request.size(); ++dripped_) {
      const auto byte = asio::buffer(&request[dripped_], 1);
      auto [problem, size] = co_await asio::async_write(newcomers_, byte, as_result);
      if (problem || size == 0) co_return;
      timer.expires_after(milliseconds(20));
      co_await timer.async_wait(as_result);
    }
  }

  // As it should be, but for the last message, where `tells` says so.
  asio::awaitable<void> enrols(bool tells) {
    Bytes out = *child_->start();
    out.erase(out.begin(), out.begin() + 2);
    Bytes chunk(4096);
    for (;;) {
      co_await asio::async_write(newcomers_, asio::buffer(out), as_result);
      auto [problem, size] = co_await newcomers_.async_read_some(asio::buffer(chunk), as_result);
      if (problem) co_return;
      auto answer = child_->on_bytes(ByteView(chunk).first(size));
      if (!answer) refused_ = answer.error();
      if (!answer) co_return;
      out = *std::move(answer);
      if (child_->complete() && tells) out = *child_->stored();
    }
  }

  std::filesystem::path folder_;
  test::TestDeployment deployment_{1};
  test::SeededEntropy seeded_{2};
  SystemClock clock_;
  SystemEntropy entropy_;
  asio::io_context loop_{1};
  std::unique_ptr<Engine> engine_;
  DhKey dh_{seeded_.array<32>()};
  NodeKeys keys_ = make_node_keys(seeded_);
  Token token_;
  tcp::socket newcomers_{loop_}, parents_{loop_};
  Result<NodeId> outcome_ = Error(Errc::kIo, "it has not ended");
  std::optional<Error> refused_;
  std::size_t dripped_ = 0;
  std::optional<EnrolmentChild> child_;
};

TEST_F(EnrolmentServer, GivesANewcomerItsGrant) {
  make_child();
  run(enrols(true), {});
  ASSERT_TRUE(outcome_.ok()) << outcome_.error().message();
  EXPECT_EQ(*outcome_, keys_.signing.public_key());
  const MachineKeys machine{keys_.signing.public_key(), keys_.dh.public_key()};
  const auto granted = check_grant(token_.root, machine, *decode_grant(child_->grant()));
  ASSERT_TRUE(granted.ok()) << granted.error().message();
  EXPECT_EQ(granted->registry->digest(), engine_->replica().registry()->digest());
}

TEST_F(EnrolmentServer, TellsANewcomerWhyItIsRefused) {
  token_.invite[0] ^= 1;
  make_child();
  run(enrols(true), {});
  EXPECT_EQ(outcome_.error().code(), Errc::kNotFound);
  ASSERT_TRUE(refused_);
  EXPECT_EQ(refused_->code(), Errc::kNotFound);
}

TEST_F(EnrolmentServer, EndsAStrangerThatDrips) {
  make_child();
  EnrolmentPatience patience;
  patience.step = kShort;
  run(drips(), patience);
  EXPECT_EQ(outcome_.error().code(), Errc::kClosed);
  EXPECT_EQ(outcome_.error().detail(), "no answer");
  EXPECT_LT(dripped_, kEnrolmentRequestBytes);  // 20 ms each are 4 s
}

TEST_F(EnrolmentServer, EndsWhoeverHasShownNoTokenInAllThatTime) {
  make_child();
  EnrolmentPatience patience;
  patience.unproved = kShort;
  run(drips(), patience);
  EXPECT_EQ(outcome_.error().code(), Errc::kClosed);
  EXPECT_LT(dripped_, kEnrolmentRequestBytes);
}

TEST_F(EnrolmentServer, EndsANewcomerThatDoesNotSayThatItHasStored) {
  make_child();
  EnrolmentPatience patience;
  patience.stored = kShort;
  run(enrols(false), patience);
  EXPECT_TRUE(child_->complete());
  EXPECT_EQ(outcome_.error().code(), Errc::kClosed);
}

TEST_F(EnrolmentServer, EndsWhateverTakesTooLongAltogether) {
  make_child();
  EnrolmentPatience patience;
  patience.stored = std::chrono::hours(1);
  patience.whole = kShort;
  run(enrols(false), patience);
  EXPECT_EQ(outcome_.error().code(), Errc::kClosed);
}

}  // namespace
}  // namespace lienthong::agent
