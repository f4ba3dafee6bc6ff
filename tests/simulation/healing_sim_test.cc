// Lost cursors, restored disks and a hub whose power is cut: what healing costs, and when there is
// none to do.   LT_SIM_HUB_SEEDS=n   so many seeds for the hub (default 6);
// LT_SIM_SEED=n   that one alone
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/simulation/run_world.h"
#include "tests/simulation/world.h"

namespace lienthong::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

std::size_t count_of(const World& world, const std::string& outcome) {
  const auto outcomes = world.heal_outcomes();
  const auto at = outcomes.find(outcome);
  return at == outcomes.end() ? 0 : at->second;
}

// A district and a commune that have written and shared some thousand updates.
WorldOptions busy_pair() {
  WorldOptions options;
  options.districts = 1;
  options.communes_of_each = 1;
  options.operations_per_second = 12;
  return options;
}

TEST(HealingSimulation, ARestoredDiskCostsTheDifference) {
  World world(5, busy_pair());
  world.run_for(minutes(2));
  Machine& commune = world.machine(2);
  const auto image = commune.disk().copy();
  const std::uint64_t until_backup = world.bytes_carried();
  world.run_for(seconds(10));
  ASSERT_TRUE(world.settles_within(minutes(5)));
  const auto whole = commune.replica().feed_digest(FeedKind::kUpdates, world.machine(1).agency());
  ASSERT_GT(whole->count, 500U);

  const std::uint64_t before = world.bytes_carried();
  commune.crash();
  commune.disk().restore(*image);
  commune.disk_replaced();
  ASSERT_TRUE(commune.boot());
  const auto held = commune.replica().feed_digest(FeedKind::kUpdates, world.machine(1).agency());
  ASSERT_LT(held->count, whole->count);
  ASSERT_TRUE(world.settles_within(minutes(5)));
  for (const std::string& broken : world.broken_promises()) ADD_FAILURE() << broken;
  const std::uint64_t cost = world.bytes_carried() - before;
  const std::uint64_t missing = whole->count - held->count;
  EXPECT_EQ(count_of(world, "lost healed"), 2U);
  // Beside the updates themselves some symbols and a new session.
  EXPECT_LT(cost, 4000 + missing * 500) << missing << " were missing";
  EXPECT_LT(cost, until_backup / 4);
}

TEST(HealingSimulation, ALostCursorCostsNoUpdates) {
  World world(6, busy_pair());
  world.run_for(minutes(2));
  ASSERT_TRUE(world.settles_within(minutes(5)));
  Machine& commune = world.machine(2);
  const NodeId district = world.machine(1).node().id();
  bool noted = false;
  commune.writer().post(
      [&](store::Transaction& transaction) {
        FeedMark mark = transaction.cursor(FeedKind::kUpdates, district).mark;
        mark.epoch ^= 4;
        transaction.set_cursor(FeedKind::kUpdates, district, mark);
        return Result<void>();
      },
      [&](const Result<void>& result) { noted = result.ok(); });
  world.run_for(seconds(1));
  ASSERT_TRUE(noted);
  const std::uint64_t before = world.bytes_carried();
  commune.crash();
  ASSERT_TRUE(commune.boot());
  ASSERT_TRUE(world.settles_within(minutes(5)));
  EXPECT_EQ(count_of(world, "lost equal"), 2U);
  EXPECT_LT(world.bytes_carried() - before, 3000U);
  for (const std::string& broken : world.broken_promises()) ADD_FAILURE() << broken;
}

// Persist before send: whatever the moment of the cut, no neighbour ever holds what the hub does
// not know that it sent, so no cursor is lost and no two feeds differ.
TEST(HealingSimulation, AHubWhosePowerIsCutLeavesNothingToHeal) {
  const std::uint64_t only = number_from("LT_SIM_SEED", 0);
  const std::uint64_t first = only == 0 ? 1 : only;
  const std::uint64_t last = only == 0 ? number_from("LT_SIM_HUB_SEEDS", 6) : only;
  for (std::uint64_t seed = first; seed <= last && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    WorldOptions options;
    options.districts = 3;
    options.communes_of_each = 0;
    options.operations_per_second = 4;
    options.faults.power_cuts = 2;
    options.faults.commit_crashes = 8;
    options.faults.only_topmost = true;
    World world(seed, options);
    world.run_for(minutes(2));
    EXPECT_TRUE(world.settles_within(minutes(10))) << world.unrest();
    for (const std::string& broken : world.broken_promises()) ADD_FAILURE() << broken;
    for (const auto& [outcome, count] : world.heal_outcomes())
      EXPECT_TRUE(outcome == "equal" || outcome == "busy") << outcome << " " << count;
  }
}

}  // namespace
}  // namespace lienthong::sim
