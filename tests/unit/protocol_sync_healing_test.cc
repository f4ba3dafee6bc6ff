#include "protocol/sync/healing.h"
#include "tests/support/fake_feeds.h"

namespace lienthong {
namespace {

using namespace test;

TEST(Healing, OfEqualFeedsCostsLessThanAHundredBytesAndNoScan) {
  Pair pair;
  pair.fill(2000, 0, 0);
  pair.quiet_moment();
  EXPECT_EQ(last(pair.a).outcome, HealOutcome::kEqual);
  EXPECT_EQ(last(pair.b).outcome, HealOutcome::kEqual);
  EXPECT_EQ(last(pair.a).their_count, 2000U);
  EXPECT_EQ(pair.a.messages + pair.b.messages, 2U);
  EXPECT_LE(pair.a.sent_bytes + pair.b.sent_bytes, 50U);  // frames add 21 each
  EXPECT_EQ(pair.a.feed.scanned + pair.b.feed.scanned, 0U);
}

TEST(Healing, SendsExactlyWhatEachLacks) {
  for (const auto& [both, only_a, only_b] : {std::tuple{3000U, 20U, 7U},
                                             {3000U, 0U, 1U},
                                             {3000U, 1U, 0U},
                                             {3000U, 300U, 300U},
                                             {40U, 3U, 5U},
                                             {1U, 1U, 0U}}) {
    Pair pair;
    pair.fill(both, only_a, only_b);
    pair.quiet_moment();
    EXPECT_TRUE(pair.same()) << both << " " << only_a << " " << only_b;
    EXPECT_EQ(pair.a.received, only_b);
    EXPECT_EQ(pair.b.received, only_a);
    EXPECT_EQ(last(pair.a).outcome, HealOutcome::kHealed);
    EXPECT_EQ(last(pair.a).they_lacked, only_a);
    EXPECT_EQ(last(pair.a).we_lacked, only_b);
    EXPECT_EQ(last(pair.b).they_lacked, only_b);
    EXPECT_FALSE(pair.a.cursor || pair.b.cursor);  // nobody had lost one
    pair.quiet_moment();                           // whether it has helped
    EXPECT_EQ(last(pair.a).outcome, HealOutcome::kEqual);
  }
}

TEST(Healing, OfAThousandDifferencesTakesTwoRoundTripsAndFifteenKilobytes) {
  for (const std::uint64_t missing_at_a : {0U, 500U, 1000U}) {
    Pair pair;
    pair.fill(9000, 1000 - missing_at_a, missing_at_a);
    pair.tick(100ms);
    pair.now += 3s;
    pair.a.healing.on_tick(pair.now);
    pair.turns = 0;
    pair.run();
    EXPECT_TRUE(pair.same());
    EXPECT_LE(pair.a.sent_bytes + pair.b.sent_bytes, 15U * 1024);
    // Symbols, then parts, then the other's parts; what follows says that they are stored. Half
    // and half, the counts say nothing, and one more round trip asks for more symbols.
    EXPECT_LE(pair.turns, missing_at_a == 500 ? 8 : 6);
  }
}

TEST(Healing, AfterALostCursorEndsInTheCursorsOfBothSnapshots) {
  Pair pair;
  pair.fill(1000, 5, 3);
  const FeedMark a_mark = pair.a.feed.mark(), b_mark = pair.b.feed.mark();
  ASSERT_TRUE(pair.b.healing.on_lost_cursor(FeedKind::kUpdates, pair.now));
  EXPECT_TRUE(pair.b.healing.feed_waits(FeedKind::kUpdates));
  pair.settle(pair.b);
  ASSERT_TRUE(pair.deliver(pair.b, pair.a).ok());
  EXPECT_TRUE(pair.a.healing.feed_waits(FeedKind::kUpdates));
  pair.run();
  EXPECT_TRUE(pair.same());
  EXPECT_EQ(pair.a.cursor, b_mark);
  EXPECT_EQ(pair.b.cursor, a_mark);
  EXPECT_FALSE(pair.a.healing.feed_waits(FeedKind::kUpdates));
  EXPECT_FALSE(pair.b.healing.feed_waits(FeedKind::kUpdates));
  EXPECT_EQ(pair.a.received + pair.b.received, 8U);
}

TEST(Healing, OfEqualFeedsAfterALostCursorOnlySetsTheCursors) {
  Pair pair;
  pair.fill(1000, 0, 0);
  ASSERT_TRUE(pair.a.healing.on_lost_cursor(FeedKind::kUpdates, pair.now));
  ASSERT_TRUE(pair.b.healing.on_lost_cursor(FeedKind::kUpdates, pair.now));  // both at once
  pair.run();
  EXPECT_EQ(pair.a.cursor, pair.b.feed.mark());
  EXPECT_EQ(pair.b.cursor, pair.a.feed.mark());
  EXPECT_EQ(pair.a.feed.scanned + pair.b.feed.scanned, 0U);
  EXPECT_LE(pair.a.sent_bytes + pair.b.sent_bytes, 150U);
}

TEST(Healing, AfterALostCursorWaitsUntilAllIsSealed) {
  Pair pair;
  pair.fill(1000, 5, 3);
  pair.a.feed.unsealed = pair.b.feed.unsealed = true;
  ASSERT_TRUE(pair.a.healing.on_lost_cursor(FeedKind::kUpdates, pair.now));
  pair.run();
  EXPECT_EQ(pair.a.messages, 0U);
  pair.a.feed.unsealed = false;
  pair.tick(250ms);
  EXPECT_EQ(pair.a.messages, 1U);
  EXPECT_EQ(pair.b.messages, 0U);
  pair.b.feed.unsealed = false;
  pair.tick(250ms);
  EXPECT_TRUE(pair.same());
  EXPECT_TRUE(pair.a.cursor && pair.b.cursor);
}

TEST(Healing, ALostCursorDoesNotHoldUpAFeedThatIsNeverSealed) {
  Pair pair;
  pair.fill(1000, 5, 3);
  pair.a.feed.unsealed = true;
  ASSERT_TRUE(pair.a.healing.on_lost_cursor(FeedKind::kUpdates, pair.now));
  for (int i = 0; i < 50; ++i) pair.tick(250ms);
  EXPECT_FALSE(pair.a.healing.feed_waits(FeedKind::kUpdates));
}

TEST(Healing, OfASmallFeedIsNotWorthARun) {
  Pair pair;
  pair.fill(kHealEntryCountMin - 1, 0, 0);
  EXPECT_FALSE(pair.a.healing.on_lost_cursor(FeedKind::kUpdates, pair.now));
  EXPECT_FALSE(pair.a.healing.feed_waits(FeedKind::kUpdates));
}

TEST(Healing, SendsTheFeedsWhenOverThreeQuartersDiffer) {
  for (const auto& [both, only_a, only_b] :
       {std::tuple{400U, 1300U, 0U}, {0U, 400U, 0U}, {100U, 400U, 400U}}) {
    Pair pair;
    pair.fill(both, only_a, only_b);
    pair.quiet_moment();
    EXPECT_TRUE(pair.same());
    EXPECT_EQ(last(pair.a).outcome, HealOutcome::kSentWhole);
    EXPECT_EQ(pair.b.received, both + only_a);
  }
  Pair pair;
  pair.fill(1000, 1200, 0);
  pair.quiet_moment();
  EXPECT_TRUE(pair.same());
  EXPECT_EQ(last(pair.a).outcome, HealOutcome::kHealed);
  EXPECT_EQ(pair.b.received, 1200U);
}

// As parts without places they would have to begin anew after a cut.
TEST(Healing, LeavesAFeedToItsOrdinaryWayWhenItsCursorIsLostAndTooMuchDiffers) {
  Pair pair;
  pair.fill(100, 900, 0);
  ASSERT_TRUE(pair.a.healing.on_lost_cursor(FeedKind::kUpdates, pair.now));
  pair.run();
  EXPECT_EQ(last(pair.a).outcome, HealOutcome::kSentWhole);
  EXPECT_EQ(last(pair.b).outcome, HealOutcome::kSentWhole);
  EXPECT_FALSE(pair.a.healing.feed_waits(FeedKind::kUpdates));
  EXPECT_FALSE(pair.b.healing.feed_waits(FeedKind::kUpdates));
  EXPECT_EQ(pair.b.received, 0U);
  EXPECT_FALSE(pair.a.cursor || pair.b.cursor);
  EXPECT_EQ(pair.a.feed.scanned + pair.b.feed.scanned, 0U);
  EXPECT_FALSE(pair.a.healing.on_lost_cursor(FeedKind::kUpdates, pair.now)) << "told once more";
  pair.now += 5min;
  EXPECT_TRUE(pair.a.healing.on_lost_cursor(FeedKind::kUpdates, pair.now));
}

// What is stored counts, so what was done before a cut is not done again.
TEST(Healing, AfterACutCostsWhatIsStillMissing) {
  Pair first;
  first.fill(2000, 1000, 0);
  ASSERT_TRUE(first.a.healing.on_lost_cursor(FeedKind::kUpdates, first.now));
  first.a.healing.set_part_bytes(4096);
  for (int i = 0; i < 1000 && first.b.received < 700; ++i) {
    first.settle(first.a);
    first.settle(first.b);
    if (first.b.outgoing.empty() && !first.a.outgoing.empty()) {
      const Bytes body = first.a.outgoing.front();
      first.a.outgoing.pop_front();
      ASSERT_TRUE(first.b.healing.on_message(body, first.now).ok());
    } else {
      ASSERT_TRUE(first.deliver(first.b, first.a).ok());
    }
  }
  const std::size_t missing = 1000 - first.b.received;
  ASSERT_LT(missing, 310U);
  ASSERT_GT(missing, 200U);
  EXPECT_FALSE(first.b.cursor) << "nothing was finished";

  Pair second;
  for (std::uint64_t place = 1; place <= first.a.feed.mark().number; ++place)
    second.a.feed.add(first.a.feed.feed_ids({}, {}, place, 1).front());
  for (const IdPrefix& id : first.b.feed.held()) second.b.feed.add(id);
  ASSERT_TRUE(second.a.healing.on_lost_cursor(FeedKind::kUpdates, second.now));
  second.run();
  EXPECT_TRUE(second.same());
  EXPECT_EQ(second.b.received, missing);
  EXPECT_EQ(second.b.cursor, second.a.feed.mark());
  EXPECT_LT(second.a.sent_bytes + second.b.sent_bytes, 11 * missing + 500);
}

TEST(Healing, CountsWhatWasWithdrawnOnNeitherSide) {
  Pair pair;
  pair.fill(600, 2, 0);
  for (const std::uint64_t number : {5'000'001U, 5'000'002U}) pair.a.feed.add(number);
  pair.a.feed.withdraw(pair.a.feed.mark().number - 1);
  pair.quiet_moment();
  EXPECT_EQ(pair.b.received, 3U);
  EXPECT_TRUE(pair.same());
}

TEST(Healing, LeavesAloneWhatTheOtherSideRefuses) {
  Pair pair;
  pair.fill(800, 10, 0);
  for (std::uint64_t i = 0; i < 4; ++i) pair.b.feed.refuses.insert(prefix(1'000'000 + i));
  for (int i = 0; i < 6; ++i) pair.quiet_moment();
  EXPECT_EQ(pair.b.feed.held().size(), 806U);
  EXPECT_EQ(last(pair.a).outcome, HealOutcome::kStillDifferent);
  EXPECT_LE(pair.b.received, 10U + 4U);  // tried once more, then no longer
  const std::size_t scanned = pair.a.feed.scanned;
  for (int i = 0; i < 20; ++i) pair.tick(30min);
  EXPECT_EQ(pair.a.feed.scanned, scanned);
}

TEST(Healing, WaitsForAQuietMoment) {
  Pair pair;
  pair.fill(800, 10, 0);
  pair.a.quiet = false;
  for (int i = 0; i < 20; ++i) pair.quiet_moment();
  EXPECT_EQ(pair.a.messages, 0U);
  pair.a.quiet = true;
  pair.b.quiet = false;
  pair.quiet_moment();
  EXPECT_EQ(last(pair.a).outcome, HealOutcome::kBusy);
  pair.b.quiet = true;
  for (int i = 0; i < 20; ++i) pair.quiet_moment();
  EXPECT_TRUE(pair.same());
}

TEST(Healing, ComparesAmidTrafficAfterADayAndLeavesToTheFeedWhatItCarries) {
  Pair pair;
  pair.fill(800, 0, 0);
  pair.quiet_moment();
  for (std::uint64_t i = 0; i < 5; ++i) pair.a.feed.add(3'000'000 + i);  // lost somehow
  for (std::uint64_t i = 0; i < 5; ++i) pair.a.feed.add(4'000'000 + i);  // under way
  pair.a.flows_from = 806;
  pair.a.quiet = pair.b.quiet = false;
  for (int hour = 0; hour < 25; ++hour) pair.tick(1h);
  EXPECT_EQ(pair.b.received, 5U);
  EXPECT_EQ(pair.b.feed.held().size(), 805U);
}

TEST(Healing, ComparesAgainOnRequest) {
  Pair pair;
  pair.fill(800, 0, 0);
  pair.quiet_moment();
  pair.quiet_moment();
  EXPECT_EQ(pair.a.reports.size(), 1U);
  pair.b.healing.request(FeedKind::kUpdates);
  pair.quiet_moment();
  EXPECT_EQ(pair.b.reports.size(), 2U);
  EXPECT_EQ(last(pair.b).outcome, HealOutcome::kEqual);
}

TEST(Healing, SurvivesShortIdsThatCollideInOneFeed) {
  Pair pair;
  pair.fill(500, 0, 0);
  // The same id twice gives the same short id twice, under any key: the worst that can happen.
  IdPrefix id = prefix(77'000);
  pair.a.feed.add(id);
  pair.quiet_moment();
  EXPECT_TRUE(pair.same());
}

TEST(Healing, KeepsToItsWindow) {
  Pair pair;
  pair.fill(0, 20'000, 0);
  pair.b.stores = false;
  pair.quiet_moment();
  EXPECT_LE(pair.a.part_bytes, 256U * 1024 + kMessageBytesMax);
  EXPECT_GT(pair.a.part_bytes, 0U);
}

TEST(Healing, GivesUpWhenTheOtherSideIsSilentAndTheFeedGoesOn) {
  Pair pair;
  pair.fill(800, 5, 0);
  ASSERT_TRUE(pair.a.healing.on_lost_cursor(FeedKind::kUpdates, pair.now));
  pair.settle(pair.a);
  pair.a.outgoing.clear();
  pair.now += 3min;
  pair.a.healing.on_tick(pair.now);
  pair.settle(pair.a);
  EXPECT_FALSE(pair.a.healing.feed_waits(FeedKind::kUpdates));
  EXPECT_EQ(last(pair.a).outcome, HealOutcome::kGaveUp);
}

TEST(Healing, StopsWhenOurFeedCannotBeRead) {
  Pair pair;
  pair.fill(800, 5, 0);
  pair.a.feed.unreadable = true;
  pair.quiet_moment();
  EXPECT_EQ(last(pair.a).outcome, HealOutcome::kGaveUp);
  EXPECT_EQ(last(pair.b).outcome, HealOutcome::kGaveUp);
}

TEST(Healing, APeerThatAlwaysAsksMakesUsScanOnlyAFewTimes) {
  Pair pair;
  pair.fill(800, 0, 0);
  std::size_t busy = 0;
  for (std::uint8_t run = 1; run <= 100; ++run) {
    heal::Ask ask;
    ask.cursor_lost = true;
    ask.count = 790;
    ask.nonce = run;
    pair.now += 1s;
    ASSERT_TRUE(
        pair.b.healing.on_message(heal::encode_body({FeedKind::kUpdates, run, ask}), pair.now)
            .ok());
    pair.settle(pair.b);
    const Bytes stop = heal::encode_body({FeedKind::kUpdates, run, heal::Stop{}});
    ASSERT_TRUE(pair.b.healing.on_message(stop, pair.now).ok());
    pair.settle(pair.b);
    busy += last(pair.b).outcome == HealOutcome::kBusy;
  }
  EXPECT_LE(pair.b.feed.scanned, 8U * 800);
  EXPECT_GE(busy, 1U);
}

}  // namespace
}  // namespace lienthong
