// The three promises over whole provinces of simulated offices, one seed each.
//   LT_SIM_SEED=n   that seed alone     LT_SIM_SEEDS=n   so many, from a fixed start
//   LT_SIM_SOAK=minutes of virtual time for each seed (default 6)
//   LT_SIM_RESTORES=n   so many restored backups an hour, in the last test (default 20)
//   LT_SIM_VERBOSE=1    what happened in each seed
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "tests/simulation/world.h"

namespace lienthong::sim {
namespace {

using std::chrono::minutes;

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

using Sights = std::map<std::string, std::size_t>;

// What was seen is added to `sights`.
void run_seed(std::uint64_t seed, const WorldOptions& options, Sights& sights) {
  const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
  SCOPED_TRACE("replay: LT_SIM_SEED=" + std::to_string(seed) +
               " ./simulation_test --gtest_filter=Simulation." + test);
  World world(seed, options);
  world.run_for(minutes(number_from("LT_SIM_SOAK", 6)));
  const bool settled = world.settles_within(minutes(20));
  EXPECT_TRUE(settled) << world.unrest();
  if (!world.all_on()) return;
  for (const std::string& broken : world.broken_promises()) ADD_FAILURE() << broken;
  EXPECT_GT(world.ledger().accepted, 20U);
  if (options.faults.forgeries >= 6) {  // else the test has shown nothing
    EXPECT_GT(world.forgeries_held(), 0U);
    EXPECT_GT(world.refusals(), 0U);
  }
  for (const auto& [sight, count] : world.sights()) sights[sight] += count;
  if (std::getenv("LT_SIM_VERBOSE") != nullptr) {
    std::cout << "seed " << seed << ": accepted " << world.ledger().accepted << ", refused "
              << world.ledger().refused << ", forgeries held " << world.forgeries_held()
              << ", refusals " << world.refusals() << ";";
    for (const auto& [name, count] : world.fault_counts()) std::cout << " " << name << "=" << count;
    for (const auto& [name, count] : world.heal_outcomes())
      std::cout << "; healing " << name << "=" << count;
    for (const auto& [name, count] : world.sights()) std::cout << "; " << name << "=" << count;
    std::cout << std::endl;
  }
}

// `expected`: what must have been seen in some world, or the theme has shown nothing of it.
void run_seeds(const WorldOptions& options, std::uint64_t by_default,
               const std::vector<std::string>& expected = {}) {
  Sights sights;
  if (std::getenv("LT_SIM_SEED") != nullptr)
    return run_seed(number_from("LT_SIM_SEED", 0), options, sights);
  const std::uint64_t count = number_from("LT_SIM_SEEDS", by_default);
  for (std::uint64_t seed = 1; seed <= count && !testing::Test::HasFailure(); ++seed)
    run_seed(seed, options, sights);
  for (const std::string& sight : expected) EXPECT_GT(sights[sight], 0U) << "no " << sight;
}

TEST(Simulation, OfficesAgreeOverGoodLinks) { run_seeds(WorldOptions{}, 2); }

TEST(Simulation, PromisesSurvivePartitionsAndCutConnections) {
  WorldOptions options;
  options.quality.loss = 0.05;
  options.faults.link_down = 3;
  options.faults.partition = 1;
  options.faults.cuts = 4;
  options.faults.replays = 2;
  options.faults.duplicates = 2;
  run_seeds(options, 4);
}

TEST(Simulation, PromisesSurviveCrashesAndPowerCuts) {
  WorldOptions options;
  options.faults.kills = 2;
  options.faults.power_cuts = 2;
  options.faults.commit_crashes = 4;
  options.faults.disk_full = 0.5;
  options.faults.wrong_clocks = 1;
  run_seeds(options, 4);
}

// Nothing ends a session here but another one: whatever it forgets stays forgotten.
TEST(Simulation, PromisesSurviveStallsAndSecondSessions) {
  WorldOptions options;
  options.operations_per_second = 6;
  options.faults.no_room = 3;
  options.faults.closed_lanes = 2;
  options.faults.second_dials = 4;
  run_seeds(options, 3,
            {"failures to store", "lanes closed by a peer", "sessions replaced", "urgent parts"});
}

TEST(Simulation, NewcomersAreEnrolledAndGetWhatIsTheirs) {
  WorldOptions options;
  options.newcomers = 3;
  options.faults.cuts = 4;
  options.faults.kills = 2;
  options.faults.commit_crashes = 2;
  run_seeds(options, 3, {"machines enrolled"});
}

TEST(Simulation, PromisesSurviveIntrudersAndForgers) {
  WorldOptions options;
  options.faults.intruders = 6;
  options.faults.forgeries = 6;
  options.faults.cuts = 1;
  run_seeds(options, 4);
}

TEST(Simulation, PromisesSurviveLostCursors) {
  WorldOptions options;
  options.faults.lost_cursors = 4;
  options.faults.cuts = 1;
  options.faults.backups = 2;
  options.faults.restores = 0.3;
  run_seeds(options, 4);
}

TEST(Simulation, OldAndNewProgramsAgree) {
  WorldOptions options;
  options.old_programs = true;
  options.faults.lost_cursors = 1;
  options.faults.cuts = 1;
  options.faults.kills = 1;
  run_seeds(options, 3);
}

TEST(Simulation, PromisesSurviveEverythingTogether) {
  WorldOptions options;
  options.quality.loss = 0.05;
  options.faults = {.link_down = 2,
                    .partition = 0.5,
                    .cuts = 2,
                    .kills = 1,
                    .power_cuts = 1,
                    .commit_crashes = 2,
                    .disk_full = 0.2,
                    .wrong_clocks = 1,
                    .replays = 1,
                    .duplicates = 2,
                    .intruders = 2,
                    .forgeries = 2,
                    .lost_cursors = 1,
                    .no_room = 1,
                    .closed_lanes = 1,
                    .second_dials = 2};
  options.faults.restores = static_cast<double>(number_from("LT_SIM_RESTORES", 20)) / 60;
  if (options.faults.restores > 0) options.faults.backups = 3;
  options.newcomers = 2;
  run_seeds(options, 4,
            {"parts of first messages", "urgent parts", "failures to store",
             "lanes closed by a peer", "sessions replaced", "machines enrolled"});
}

}  // namespace
}  // namespace lienthong::sim
