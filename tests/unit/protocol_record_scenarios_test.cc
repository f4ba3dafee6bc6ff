// Named crossings of custody (tests/data/custody_scenarios.txt): on the fold with the notary's
// functions, and on the model that the fold is held against.
#include <gtest/gtest.h>

#include "tests/support/custody_compare.h"
#include "tests/support/custody_files.h"

namespace lienthong::model {
void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }
}  // namespace lienthong::model

namespace lienthong {
namespace {

using namespace model;  // NOLINT: agencies and kinds by their short names

const std::vector<Scenario>& all_scenarios() {
  static const std::vector<Scenario> all =
      read_scenarios(LT_TEST_DATA_DIR "/custody_scenarios.txt");
  return all;
}

class CustodyScenarios : public testing::TestWithParam<Scenario> {};

TEST_P(CustodyScenarios, EndsAsExpectedWhileNoNotaryHasSpoken) {
  const Scenario& scenario = GetParam();
  const World& world = scenario.world;
  const Outcome outcome = Model(world, Trees::standard(), scenario.registry).fold(world.all());
  EXPECT_EQ(unlike(outcome, scenario.undecided.outcome), "");
  const RecordState state = folded(world, world.all(), Trees::standard(), scenario.registry);
  EXPECT_EQ(difference(world, outcome, state), "");
}

TEST_P(CustodyScenarios, EndsAsExpectedAfterTheDesksDidTheirDuty) {
  const Scenario& scenario = GetParam();
  for (const bool by_protocol : {false, true}) {
    SCOPED_TRACE(by_protocol ? "duty by the notary's functions" : "duty by the model");
    World world = scenario.world;
    const auto duty =
        by_protocol ? [](const Desks& all, const Machine& desk) { return protocol_duty(all, desk); }
                    : Desks::Duty{};
    const auto who = scenario.silent ? std::vector<Machine>{} : desks_of_all_but({});
    Desks desks(world, Trees::standard(), scenario.registry, who, scenario.moved, duty);
    for (const std::vector<int>& commit : scenario.order) {
      desks.take(commit);
      const RecordState state = folded(world, desks.mask(), Trees::standard(), scenario.registry);
      EXPECT_EQ(difference(world, desks.state(), state), "");
    }
    const Outcome outcome = desks.state();
    EXPECT_EQ(unlike(outcome, scenario.decided.outcome), "");
    EXPECT_EQ(desks.written(), scenario.decided.upholds);
    EXPECT_EQ(difference_in_branches(world, desks.mask(), Trees::standard(), scenario.registry),
              "");
  }
}

INSTANTIATE_TEST_SUITE_P(Custody, CustodyScenarios, testing::ValuesIn(all_scenarios()),
                         [](const auto& each) { return each.param.name; });

TEST(CustodyScenarios, AreAllThere) { EXPECT_EQ(all_scenarios().size(), 68U); }

}  // namespace
}  // namespace lienthong
