#include <gtest/gtest.h>

#include <numeric>

#include "agent/links/budget.h"

namespace lienthong::agent {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant kStart{seconds(1000)};
constexpr UnixMillis kWall = 1'680'307'200'000;  // 2023-04-01, 07:00 at the office
constexpr LaneBytes kOnlyUpdates{0, 0, 1, 0, 0};

std::uint64_t total(const LaneBytes& lanes) {
  return std::accumulate(lanes.begin(), lanes.end(), std::uint64_t{0});
}

std::array<LaneGate, kLaneCount> gates(const Budget& budget) { return budget.status(kWall).gates; }

constexpr LaneGate kOpen = LaneGate::kOpen;
constexpr LaneGate kSpent = LaneGate::kBudget;

TEST(Budget, ClosesBlobsThenHistoryThenUpdatesAndNeverCustody) {
  Budget budget(1000, DayHours{}, kStart);
  using Gates = std::array<LaneGate, kLaneCount>;
  budget.spend(kOnlyUpdates, 699);
  EXPECT_EQ(gates(budget), (Gates{kOpen, kOpen, kOpen, kOpen, kOpen}));
  budget.spend(kOnlyUpdates, 1);
  EXPECT_EQ(gates(budget), (Gates{kOpen, kOpen, kOpen, kOpen, kSpent}));
  budget.spend(kOnlyUpdates, 100);
  EXPECT_EQ(gates(budget), (Gates{kOpen, kOpen, kOpen, kSpent, kSpent}));
  budget.spend(kOnlyUpdates, 100);  // a tenth is left for lanes 0 and 1
  EXPECT_EQ(gates(budget), (Gates{kOpen, kOpen, kSpent, kSpent, kSpent}));
  budget.spend(kOnlyUpdates, 1'000'000);
  EXPECT_EQ(gates(budget), (Gates{kOpen, kOpen, kSpent, kSpent, kSpent}));
}

TEST(Budget, WithoutABoundNothingCloses) {
  Budget budget(0, DayHours{}, kStart);
  budget.spend(kOnlyUpdates, 1ULL << 60);
  for (const LaneGate gate : gates(budget)) EXPECT_EQ(gate, LaneGate::kOpen);
}

TEST(Budget, SharesTheOverheadOutByTheLanesPayload) {
  Budget budget(0, DayHours{}, kStart);
  budget.spend(LaneBytes{100, 200, 300, 0, 400}, 2000);
  EXPECT_EQ(budget.status(kWall).spent, (LaneBytes{200, 400, 600, 0, 800}));
}

TEST(Budget, WhatNoLaneSentIsControl) {
  Budget budget(0, DayHours{}, kStart);
  budget.spend(LaneBytes{}, 180);  // a handshake, an acknowledgement
  EXPECT_EQ(budget.status(kWall).spent, (LaneBytes{180, 0, 0, 0, 0}));
}

TEST(Budget, NoByteIsLostInSharingOut) {
  Budget budget(0, DayHours{}, kStart);
  std::uint64_t sum = 0;
  for (std::uint64_t i = 1; i < 500; ++i) {
    budget.spend(LaneBytes{i, i * 7 % 13, 3, 1, i % 5}, i * 11 + 1);
    sum += i * 11 + 1;
    ASSERT_EQ(total(budget.status(kWall).spent), sum);
  }
}

TEST(Budget, ADayEndsAfter24HoursOfElapsedTime) {
  Budget budget(1000, DayHours{}, kStart);
  budget.spend(kOnlyUpdates, 950);
  budget.advance(kStart + hours(24) - seconds(1));
  EXPECT_EQ(budget.gate(2, kWall), LaneGate::kBudget);
  budget.advance(kStart + hours(24));
  EXPECT_EQ(budget.gate(2, kWall), LaneGate::kOpen);
  EXPECT_EQ(budget.spent_total(), 0U);
  EXPECT_EQ(total(budget.status(kWall).spent_before), 950U);
}

TEST(Budget, TheDaySurvivesARestart) {
  Budget before(1000, DayHours{}, kStart);
  before.spend(LaneBytes{1, 0, 1, 0, 0}, 950);
  before.advance(kStart + hours(10));
  const Bytes state = before.state(kWall);
  Budget after(1000, DayHours{}, Instant(seconds(5)));
  ASSERT_TRUE(after.restore(state, kWall + 60'000).ok());
  EXPECT_EQ(after.status(kWall).spent, before.status(kWall).spent);
  EXPECT_EQ(after.status(kWall).elapsed, hours(10) + minutes(1));
  EXPECT_EQ(after.gate(2, kWall), LaneGate::kBudget);
  after.advance(Instant(seconds(5)) + hours(14));
  EXPECT_EQ(after.spent_total(), 0U);
}

TEST(Budget, AClockSetBackOrYearsAheadEndsAtMostTheDay) {
  Budget before(1000, DayHours{}, kStart);
  before.spend(kOnlyUpdates, 950);
  before.advance(kStart + hours(10));
  const Bytes state = before.state(kWall);
  Budget back(1000, DayHours{}, kStart);
  ASSERT_TRUE(back.restore(state, 0).ok());
  EXPECT_EQ(back.status(kWall).elapsed, hours(10));
  EXPECT_EQ(back.spent_total(), 950U);
  Budget ahead(1000, DayHours{}, kStart);
  ASSERT_TRUE(ahead.restore(state, kWall + 1'000'000'000'000).ok());
  EXPECT_EQ(ahead.status(kWall).elapsed, hours(10));
  EXPECT_EQ(total(ahead.status(kWall).spent_before), 950U);
}

TEST(Budget, RefusesAStateThatIsNoneAndStaysAsItWas) {
  Budget budget(1000, DayHours{}, kStart);
  budget.spend(kOnlyUpdates, 7);
  const Bytes good = budget.state(kWall);
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(budget.restore(ByteView(good).first(size), kWall).ok()) << size;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(budget.restore(longer, kWall).ok());
  Bytes version = good;
  version[0] = 9;
  EXPECT_FALSE(budget.restore(version, kWall).ok());
  Bytes endless = good;
  for (std::size_t i = 9; i < 17; ++i) endless[i] = 0xff;  // elapsed
  EXPECT_FALSE(budget.restore(endless, kWall).ok());
  EXPECT_EQ(budget.spent_total(), 7U);
}

TEST(Budget, ForecastsTheDayFromWhatWasSpentSoFar) {
  Budget budget(0, DayHours{}, kStart);
  budget.spend(kOnlyUpdates, 600);
  budget.advance(kStart + minutes(1));  // as if spent in an hour: the first minute says little
  EXPECT_EQ(budget.status(kWall).forecast, 600U * 24);
  budget.advance(kStart + hours(12));
  EXPECT_EQ(budget.status(kWall).forecast, 1200U);
}

TEST(Budget, BlobsKeepTheirHoursAlsoOverMidnight) {
  const Budget budget(0, *parse_hours("18:00-06:00"), kStart);
  EXPECT_EQ(budget.gate(4, kWall), LaneGate::kHours);  // 07:00
  EXPECT_EQ(budget.gate(3, kWall), LaneGate::kOpen);
  EXPECT_EQ(budget.gate(4, kWall + 11 * 3'600'000), LaneGate::kOpen);      // 18:00
  EXPECT_EQ(budget.gate(4, kWall + 23 * 3'600'000 - 1), LaneGate::kOpen);  // 05:59
  EXPECT_EQ(budget.gate(4, kWall + 23 * 3'600'000), LaneGate::kHours);     // 06:00
}

TEST(Budget, HoursAreReadWholeOrNotAtAll) {
  EXPECT_EQ(parse_hours("08:30-17:00"), (DayHours{510, 1020}));
  EXPECT_EQ(parse_hours("00:00-24:00"), (DayHours{0, 1440}));
  for (const char* text : {"", "8:30-17:00", "08:30-08:30", "08:60-09:00", "24:01-09:00",
                           "08:30/17:00", "08:30-17:00 ", "-8:30-17:00"}) {
    EXPECT_EQ(parse_hours(text), std::nullopt) << text;
  }
  EXPECT_EQ(minute_of_day(0), 7 * 60);
  EXPECT_EQ(minute_of_day(-8 * 3'600'000), 23 * 60);
}

}  // namespace
}  // namespace lienthong::agent
