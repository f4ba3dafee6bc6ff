// The three promises over whole provinces of simulated offices, one seed each; many more worlds are
// run by tests/simulation/run.
//   LT_SIM_SEED=n    that seed alone, as large as its theme has it
//   LT_SIM_SEEDS=n   so many of that size, from 1
//   LT_SIM_SET="dial=value …"   dials turned (tests/simulation/dials.h)
//   LT_SIM_VERBOSE=1 what happened in each seed
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "tests/simulation/run_world.h"
#include "tests/simulation/themes.h"

namespace lienthong::sim {
namespace {

using Sights = std::map<std::string, std::size_t>;

void run_seed(const Theme& theme, std::uint64_t seed, const std::string& settings, Sights& sights) {
  WorldOptions options = theme.options;
  ASSERT_EQ(turn(options, settings), "");
  const Outcome outcome = run_world(seed, turned(options));
  for (const std::string& broken : outcome.broken)
    ADD_FAILURE() << broken << "\nreplay: simulation_test --theme " << theme.name << " --from "
                  << seed << " " << settings;
  for (const auto& [sight, count] : outcome.sights) sights[sight] += count;
  if (std::getenv("LT_SIM_VERBOSE") != nullptr) std::cout << to_json(outcome, true) << std::endl;
}

// A few worlds as the theme has them, and many small ones, in which there is less to hide behind.
// Each goes on after one that failed.
void run_theme(std::string_view name, std::uint64_t whole, std::uint64_t small) {
  const Theme* theme = find_theme(name);
  ASSERT_NE(theme, nullptr);
  Sights sights;
  if (std::getenv("LT_SIM_SEED") != nullptr)
    return run_seed(*theme, number_from("LT_SIM_SEED", 0), "", sights);
  const bool given = std::getenv("LT_SIM_SEEDS") != nullptr;
  if (given) whole = number_from("LT_SIM_SEEDS", whole);
  for (std::uint64_t seed = 1; seed <= whole; ++seed) run_seed(*theme, seed, "", sights);
  for (std::uint64_t seed = 1001; !given && seed <= 1000 + small; ++seed) {
    const std::string shape =
        "districts=" + std::to_string(1 + seed % 2) +
        " communes_of_each=" + std::to_string(1 + seed % 3) +
        " minutes=" + std::to_string(std::max(1, static_cast<int>(theme->options.minutes) / 3));
    run_seed(*theme, seed, shape, sights);
  }
  for (const std::string& sight : theme->expected) EXPECT_GT(sights[sight], 0U) << "no " << sight;
}

TEST(Simulation, OfficesAgreeOverGoodLinks) { run_theme("good-links", 1, 6); }
TEST(Simulation, PromisesSurvivePartitionsAndCutConnections) { run_theme("cut-lines", 1, 24); }
TEST(Simulation, PromisesSurviveBadLines) { run_theme("bad-lines", 1, 24); }
TEST(Simulation, PromisesSurviveCrashesAndPowerCuts) { run_theme("crashes", 1, 24); }
TEST(Simulation, PromisesSurviveBadDisks) { run_theme("disks", 1, 24); }
TEST(Simulation, PromisesSurviveStallsAndSecondSessions) { run_theme("stalls", 1, 10); }
TEST(Simulation, NewcomersAreEnrolledAndGetWhatIsTheirs) { run_theme("newcomers", 1, 16); }
TEST(Simulation, PromisesSurviveIntrudersAndForgers) { run_theme("intruders", 1, 16); }
TEST(Simulation, PromisesSurviveLostCursors) { run_theme("lost-cursors", 1, 16); }
TEST(Simulation, OldAndNewProgramsAgree) { run_theme("old-programs", 1, 12); }
TEST(Simulation, PromisesSurviveStolenMachines) { run_theme("thefts", 1, 3); }
TEST(Simulation, PromisesSurviveRot) { run_theme("rot", 1, 3); }
TEST(Simulation, PromisesSurviveCopiesThatBothRun) { run_theme("clones", 1, 3); }
TEST(Simulation, PromisesSurviveEverythingTogether) { run_theme("everything", 3, 60); }

// Everything that happens follows from the seed: else no failure could be looked at again.
TEST(Simulation, OneSeedGivesOneWorld) {
  for (const char* name : {"everything", "disks"}) {
    WorldOptions options = find_theme(name)->options;
    options.minutes = 2;
    const Outcome first = run_world(4, options);
    const Outcome second = run_world(4, options);
    EXPECT_EQ(first.trace, second.trace) << name;
    EXPECT_EQ(first.sights, second.sights) << name;
    EXPECT_EQ(first.accepted, second.accepted) << name;
    EXPECT_NE(first.trace, run_world(5, options).trace) << name;
  }
}

// A dial that is off is off, each has a name of its own, and one that is not there is told.
TEST(Simulation, DialsTurnByName) {
  for (const Dial& dial : dials()) {
    WorldOptions options;
    EXPECT_EQ(std::ranges::count(dials(), dial.name, &Dial::name), 1) << dial.name;
    EXPECT_EQ(turn(options, std::string(dial.name) + "=3.5"), "");
    EXPECT_EQ(dial.get(options), 3.5) << dial.name;
    if (dial.a_fault) {
      EXPECT_EQ(dial.get(WorldOptions{}), dial.off) << dial.name;
    }
  }
  WorldOptions options;
  EXPECT_NE(turn(options, "no_such_dial=1"), "");
  EXPECT_NE(turn(options, "kills=many"), "");
  EXPECT_NE(turn(options, "kills"), "");
}

}  // namespace
}  // namespace lienthong::sim
