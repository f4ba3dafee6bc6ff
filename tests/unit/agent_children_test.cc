// Tasks that an exception ends are begun anew and named; a group of writes that cannot be carried
// out costs its own jobs alone.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <asio/any_io_executor.hpp>
#include <asio/io_context.hpp>
#include <filesystem>
#include <stdexcept>

#include "agent/engine/clock.h"
#include "agent/links/children.h"
#include "agent/net/net.h"
#include "store/office/projections.h"
#include "tests/support/deployment.h"

namespace lienthong::agent {
namespace {

class ChildrenTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "lienthong_children_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    const AgencyId agency = deployment_.add_agency(AgencyId{}, "H47", "Quảng Nam", "province");
    test::TestNode& node = deployment_.add_node(agency, true);
    store::Identity identity(node.key);
    identity.agency = agency;
    identity.certificate = node.certificate;
    store::Options options = store::office_options();
    options.path = (folder_ / "store").string();
    options.entropy = &entropy_;
    options.create = true;
    auto replica = store::Replica::open(options, identity, deployment_.root());
    ASSERT_TRUE(replica.ok()) << replica.error().message();
    ASSERT_TRUE((*replica)->bootstrap(deployment_.statements()).ok());
    engine_ = std::make_unique<Engine>(std::move(*replica), clock_, loop_.get_executor(),
                                       std::nullopt, refusal_);
    children_ = std::make_shared<Children>(loop_.get_executor(), *engine_);
  }
  void TearDown() override {
    engine_.reset();
    std::filesystem::remove_all(folder_);
  }
  static asio::awaitable<void> fail(int& times, int until) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    timer.expires_after(std::chrono::milliseconds(1));
    co_await timer.async_wait(as_result);
    if (++times < until) throw std::runtime_error("a row cannot be read");
  }

  std::filesystem::path folder_;
  test::TestDeployment deployment_{1};
  SystemClock clock_;
  SystemEntropy entropy_;
  std::optional<Error> refusal_;
  asio::io_context loop_{1};
  std::unique_ptr<Engine> engine_;
  std::shared_ptr<Children> children_;
};

TEST_F(ChildrenTest, OneThatAnExceptionEndedIsBegunAnewAfterAPauseAndNamed) {
  int times = 0;
  children_->keep("dialler", [&times] { return fail(times, 3); });
  loop_.run_for(std::chrono::milliseconds(500));
  EXPECT_EQ(times, 1);
  loop_.run_for(std::chrono::seconds(8));  // after one and two seconds more
  EXPECT_EQ(times, 3);
  EXPECT_EQ(children_->count(), 0U);
  const auto faults = engine_->faults().list();
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].what, "dialler");
  EXPECT_EQ(faults[0].count, 2U);
  EXPECT_EQ(faults[0].error, "a row cannot be read");
}

TEST_F(ChildrenTest, StoppingWaitsForNoPause) {
  int times = 0;
  bool stopped = false;
  children_->keep("dialler", [&times] { return fail(times, 1000); });
  loop_.run_for(std::chrono::milliseconds(300));
  children_->stop([&stopped] { stopped = true; });
  loop_.restart();
  loop_.run_for(std::chrono::milliseconds(300));
  EXPECT_TRUE(stopped);
  EXPECT_EQ(times, 1);
}

TEST_F(ChildrenTest, WhoSpawnedOneIsToldThatItFailed) {
  int times = 0;
  bool told = false;
  children_->spawn("reader", fail(times, 9), [&told] { told = true; });
  loop_.run_for(std::chrono::seconds(5));
  EXPECT_TRUE(told);
  EXPECT_EQ(children_->count(), 0U);
  EXPECT_FALSE(children_->guard("timer", [] { throw std::runtime_error("x"); }));
  EXPECT_TRUE(children_->guard("timer", [] {}));
  EXPECT_EQ(engine_->faults().list().size(), 2U);
}

TEST_F(ChildrenTest, AJobThatThrowsCostsItselfAlone) {
  const auto bad = engine_->write(
      [](store::Transaction&) -> Result<void> { throw std::runtime_error("a bad block"); });
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code(), Errc::kCorrupt);
  EXPECT_TRUE(engine_->write([](store::Transaction&) { return Result<void>(); }).ok());
  EXPECT_FALSE(engine_->trouble());
}

class RefusingTest : public ChildrenTest {
 protected:
  RefusingTest() { refusal_ = Error(Errc::kClosed, "nothing is written on this machine: x"); }
};

TEST_F(RefusingTest, NothingIsWrittenAndReadingGoesOn) {
  const auto refused = engine_->write([](store::Transaction&) { return Result<void>(); });
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().detail(), "nothing is written on this machine: x");
  EXPECT_FALSE(engine_->healthy());
  ASSERT_TRUE(engine_->trouble());
  EXPECT_NE(engine_->replica().registry(), nullptr);
}

}  // namespace
}  // namespace lienthong::agent
