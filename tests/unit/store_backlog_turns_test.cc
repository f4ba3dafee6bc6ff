#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "store/exchange/backlog_turns.h"

namespace lienthong::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class BacklogTurnsTest : public ::testing::Test {
 protected:
  std::array<char, 250> sessions{};
  BacklogTurns::Key key(std::size_t i) { return &sessions.at(i); }
  std::size_t index(BacklogTurns::Key k) {
    return static_cast<std::size_t>(static_cast<const char*>(k) - sessions.data());
  }
  Instant now{seconds(1)};
  BacklogTurns turns;
};

TEST_F(BacklogTurnsTest, NeverMoreThanSixteenSendAndEverybodyIsDoneInTheEnd) {
  std::array<int, 250> work{};
  for (std::size_t i = 0; i < 250; ++i) {
    work[i] = static_cast<int>(1 + i % 40);  // seconds of sending; some longer than a turn
    turns.ask(key(i), now);
  }
  std::set<std::size_t> sending, done;
  for (int round = 0; round < 1000 && done.size() < 250; ++round) {
    for (const auto& change : turns.step(now)) {
      if (change.may_send) {
        EXPECT_TRUE(sending.insert(index(change.key)).second);
      } else {
        EXPECT_EQ(sending.erase(index(change.key)), 1U);
      }
      ASSERT_LE(sending.size(), BacklogTurns::kAtOnce);
    }
    EXPECT_EQ(sending.size(), turns.sending());
    now += seconds(1);
    const auto busy = sending;
    for (const std::size_t i : busy) {
      if (--work[i] > 0) continue;
      turns.leave(key(i));
      sending.erase(i);
      done.insert(i);
    }
  }
  EXPECT_EQ(done.size(), 250U);
  EXPECT_EQ(turns.waiting() + turns.sending(), 0U);
}

TEST_F(BacklogTurnsTest, WhoHasWaitedLongestIsNext) {
  for (std::size_t i = 0; i < 16; ++i) turns.ask(key(i), now);
  turns.step(now);
  turns.ask(key(30), now + milliseconds(2));
  turns.ask(key(20), now + milliseconds(1));
  turns.ask(key(30), now + milliseconds(900));  // asking again changes nothing
  turns.leave(key(3));
  auto changes = turns.step(now + seconds(1));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(index(changes[0].key), 20U);
  turns.leave(key(20));
  changes = turns.step(now + seconds(1));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(index(changes[0].key), 30U);
}

TEST_F(BacklogTurnsTest, ATurnEndsOnlyWhenSomebodyWaits) {
  for (std::size_t i = 0; i < 16; ++i) turns.ask(key(i), now);
  turns.step(now);
  EXPECT_TRUE(turns.step(now + seconds(100)).empty());
  turns.ask(key(16), now + seconds(100));
  const auto changes = turns.step(now + seconds(100));
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_FALSE(changes[0].may_send);
  EXPECT_TRUE(changes[1].may_send);
  EXPECT_EQ(index(changes[1].key), 16U);
  EXPECT_TRUE(turns.has(key(16)));
  EXPECT_FALSE(turns.has(changes[0].key));
  EXPECT_EQ(turns.waiting(), 1U);
}

TEST_F(BacklogTurnsTest, WhoLeavesFreesAPlaceAndWhoIsUnknownChangesNothing) {
  turns.ask(key(0), now);
  turns.leave(key(0));
  turns.leave(key(0));
  turns.leave(key(1));
  EXPECT_TRUE(turns.step(now).empty());
  EXPECT_FALSE(turns.has(key(0)));
  turns.ask(key(0), now);
  EXPECT_FALSE(turns.has(key(0)));
  ASSERT_EQ(turns.step(now).size(), 1U);
  EXPECT_TRUE(turns.has(key(0)));
}

}  // namespace
}  // namespace lienthong::store
