#include <gtest/gtest.h>

#include "agent/links/path.h"

namespace lienthong::agent {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using Why = PathPlan::Why;

constexpr Instant kPathStart{seconds(1000)};

// Draws the greatest (all ones modulo the width is not it, so it names the number itself).
class Draws final : public Entropy {
 public:
  std::uint64_t value = 0;
  void fill(std::span<std::uint8_t> out) override {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<std::uint8_t>(value >> (8 * (out.size() - 1 - i)));
  }
};

TcpInfo with(std::uint64_t queue, std::uint64_t acknowledged, std::uint64_t received,
             milliseconds rtt = milliseconds(100)) {
  TcpInfo info;
  info.queue_bytes = queue;
  info.acknowledged = acknowledged;
  info.received = received;
  info.rtt = rtt;
  return info;
}

TEST(PathWatch, SilenceCountsOnlyWhileDataIsOutstanding) {
  PathWatch watch(kPathStart);
  watch.observe(with(0, 10, 10), kPathStart + minutes(10));
  EXPECT_EQ(watch.silent(kPathStart + minutes(20)), nanoseconds(0));
  watch.observe(with(50, 10, 10),
                kPathStart + minutes(20));  // counts from here, not from minute 10
  EXPECT_EQ(watch.silent(kPathStart + minutes(20) + seconds(2)), seconds(2));
  watch.observe(with(50, 10, 10), kPathStart + minutes(20) + seconds(4));
  EXPECT_EQ(watch.silent(kPathStart + minutes(20) + seconds(5)), seconds(5));
}

TEST(PathWatch, AnAcknowledgementOrAnythingReceivedEndsTheSilence) {
  PathWatch watch(kPathStart);
  watch.observe(with(50, 10, 10), kPathStart);
  watch.observe(with(50, 11, 10), kPathStart + seconds(2));
  EXPECT_EQ(watch.silent(kPathStart + seconds(3)), seconds(1));
  watch.observe(with(50, 11, 12), kPathStart + seconds(4));
  EXPECT_EQ(watch.silent(kPathStart + seconds(5)), seconds(1));
  TcpInfo info = with(50, 11, 12);
  info.selective = 1;
  info.segment_bytes = 1448;
  watch.observe(info, kPathStart + seconds(6));
  EXPECT_EQ(watch.silent(kPathStart + seconds(6)), seconds(0));
}

TEST(PathWatch, PatienceIsThreeSecondsOrFourRoundTripsAndDeathTwentyOrTen) {
  PathWatch watch(kPathStart);
  EXPECT_EQ(watch.patience(), seconds(3));
  watch.observe(with(1, 0, 0, milliseconds(1500)), kPathStart);
  EXPECT_EQ(watch.patience(), seconds(6));
  EXPECT_EQ(watch.dead_after(seconds(20)), seconds(20));
  watch.observe(with(1, 0, 0, milliseconds(8000)), kPathStart);
  EXPECT_EQ(watch.dead_after(seconds(20)), seconds(80));
}

TEST(PathWatch, ASecondConnectionIsAnsweredInTwoSecondsOrTwoAndAHalfRoundTrips) {
  PathWatch watch(kPathStart);
  EXPECT_EQ(watch.answer_within(), seconds(2));
  watch.observe(with(1, 0, 0, milliseconds(1200)), kPathStart);
  EXPECT_EQ(watch.answer_within(), seconds(3));
}

class PathPlanTest : public ::testing::Test {
 protected:
  Draws draws;
  PathPlan::Facts silent(nanoseconds time) {
    PathPlan::Facts facts;
    facts.silent = time;
    return facts;
  }
};

TEST_F(PathPlanTest, ASilentPathIsTriedAgainOnEveryAddressInTurnWithJitter) {
  PathPlan plan(2);
  plan.up(0, kPathStart, draws);
  EXPECT_FALSE(plan.look(silent(milliseconds(2999)), kPathStart + seconds(3)));
  const auto first = plan.look(silent(seconds(3)), kPathStart + seconds(3));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->why, Why::kSilent);
  EXPECT_EQ(first->address, 0U);
  EXPECT_FALSE(plan.look(silent(seconds(9)), kPathStart + seconds(9))) << "one at a time";
  draws.value = 400;
  plan.beside_ended(false, kPathStart + seconds(6), draws);
  EXPECT_FALSE(plan.look(silent(seconds(9)), kPathStart + milliseconds(6399)));
  const auto second = plan.look(silent(seconds(9)), kPathStart + milliseconds(6400));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->address, 1U);
}

TEST_F(PathPlanTest, ALessPreferredAddressIsLeftWhenABetterOneAnswers) {
  PathPlan plan(3);
  plan.up(2, kPathStart, draws);
  EXPECT_FALSE(plan.look({}, kPathStart + seconds(59)));
  const auto best = plan.look({}, kPathStart + seconds(60));
  ASSERT_TRUE(best);
  EXPECT_EQ(best->why, Why::kBetter);
  EXPECT_EQ(best->address, 0U);
  plan.beside_ended(false, kPathStart + seconds(61), draws);
  const auto next = plan.look({}, kPathStart + seconds(61));
  ASSERT_TRUE(next);
  EXPECT_EQ(next->address, 1U);
  plan.beside_ended(true, kPathStart + seconds(62), draws);
  plan.up(1, kPathStart + seconds(62), draws);
  const auto later = plan.look({}, kPathStart + seconds(200));
  ASSERT_TRUE(later);
  EXPECT_EQ(later->address, 0U);
}

TEST_F(PathPlanTest, ABetterAddressThatStaysDeadIsAskedLessAndLessOftenButAtLeastEveryTenMinutes) {
  PathPlan plan(2);
  plan.up(1, kPathStart, draws);
  Instant now = kPathStart;
  std::vector<seconds> waits;
  for (int i = 0; i < 8; ++i) {
    Instant asked = now;
    while (!plan.look({}, asked)) asked += seconds(1);
    waits.push_back(std::chrono::duration_cast<seconds>(asked - now));
    now = asked;
    draws.value = 0;
    plan.beside_ended(false, now, draws);
  }
  EXPECT_EQ(waits, (std::vector<seconds>{seconds(60), seconds(30), seconds(60), seconds(120),
                                         seconds(240), seconds(300), seconds(300), seconds(300)}));
  EXPECT_FALSE(plan.look({}, now + seconds(1)));
  plan.network_changed(now + seconds(1));
  EXPECT_TRUE(plan.look({}, now + seconds(1))) << "fibre may be back";
}

TEST_F(PathPlanTest, AnAddressThatTheMachineLostIsLeftAtOnce) {
  PathPlan plan(1);
  plan.up(0, kPathStart, draws);
  PathPlan::Facts facts;
  facts.moved = true;
  const auto beside = plan.look(facts, kPathStart);
  ASSERT_TRUE(beside);
  EXPECT_EQ(beside->why, Why::kMoved);
}

TEST_F(PathPlanTest, ASessionIsReplacedAfterADayNewBeforeOld) {
  PathPlan plan(1);
  draws.value = 0;
  plan.up(0, kPathStart, draws);
  EXPECT_FALSE(plan.look({}, kPathStart + hours(24) - seconds(1)));
  const auto beside = plan.look({}, kPathStart + hours(24));
  ASSERT_TRUE(beside);
  EXPECT_EQ(beside->why, Why::kOld);
  plan.beside_ended(true, kPathStart + hours(24), draws);
  plan.up(0, kPathStart + hours(24), draws);
  EXPECT_FALSE(plan.look({}, kPathStart + hours(47)));
}

TEST_F(PathPlanTest, SessionsThatBeganTogetherAreNotReplacedTogether) {
  PathPlan plan(1);
  draws.value = 30 * 60 * 1000;
  plan.up(0, kPathStart, draws);
  EXPECT_FALSE(plan.look({}, kPathStart + hours(24) + minutes(29)));
  EXPECT_TRUE(plan.look({}, kPathStart + hours(24) + minutes(30)));
}

TEST_F(PathPlanTest, TwoStallsThatDeliveredNothingBetweenThemCallForSmallSegments) {
  PathPlan plan(1);
  plan.stalled(900, 1448);
  EXPECT_FALSE(plan.small_segments());
  plan.stalled(900, 1448);
  EXPECT_TRUE(plan.small_segments());
  plan.stalled(1'000'000, 1100);
  EXPECT_TRUE(plan.small_segments()) << "it works because they are small";
  plan.network_changed(kPathStart);
  EXPECT_FALSE(plan.small_segments());
}

TEST_F(PathPlanTest, AHoleThatOpensInMidSessionIsFoundByTheSecondStall) {
  PathPlan plan(1);
  plan.stalled(5'000'000, 1448);
  plan.stalled(700, 1448);
  EXPECT_TRUE(plan.small_segments());
}

TEST_F(PathPlanTest, OutagesOfALinkThatCarriesAreNoHoles) {
  PathPlan plan(1);
  for (int i = 0; i < 20; ++i) plan.stalled(40'000, 1448);
  EXPECT_FALSE(plan.small_segments());
}

}  // namespace
}  // namespace lienthong::agent
