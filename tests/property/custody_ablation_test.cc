// That the tests would notice a fold or a notary without one of the conditions of custody: for each
// condition there is a named crossing or a random attack on which a model without it differs from
// what the protocol does.
#include <gtest/gtest.h>

#include "tests/support/custody_attacks.h"
#include "tests/support/custody_compare.h"
#include "tests/support/custody_files.h"

namespace lienthong {
namespace {

using namespace model;  // NOLINT: agencies by their letters

struct Condition {
  Off off;
  const char* name;
  bool of_notary = false;
  bool at_random = true;  // random attacks notice; else named crossings alone
};

void PrintTo(const Condition& condition, std::ostream* out) { *out << condition.name; }

const std::vector<Condition>& conditions() {
  static const std::vector<Condition> all = {
      {Off::kDecided, "ADecisionDecides"},
      {Off::kAllOthers, "ADecisionIsAboveAllOthers"},
      {Off::kLaterTree, "ADecisionBindsWhoIsBelowInALaterTree", false, false},
      {Off::kSucceeded, "ADecisionBindsTheSuccessorOfWhomItIsAbove"},
      {Off::kLaterDecision, "ALaterDecisionReplacesTheOneItKnew"},
      {Off::kCommonSuperior, "TheCommonSuperiorsBranchStands"},
      {Off::kParts, "MorePartsStand"},
      {Off::kByAgencies, "PartsAreCountedNotAgencies"},
      {Off::kTakenUp, "TheEarlierTakenUpStands"},
      {Off::kFirstLink, "TakenUpIsByAnother"},
      {Off::kRegistry, "TheNewestTreeIsTheRegistrys"},
      {Off::kBothWalks, "RightsGoByBothWalks"},
      {Off::kClosing, "ClosedWorkIsHeldToTheNewTree"},
      {Off::kConfirm, "ConfirmingAsksFromWhomWasTaken", false, false},
      {Off::kCertificate, "NoTreeOlderThanTheCertificates"},
      {Off::kSeveral, "OfEqualWritesTheGreaterIdIsShown"},
      {Off::kLowest, "OnlyTheLowestSuperiorSpeaks", true},
      {Off::kOrder, "TheNotaryGoesByWhatWasTakenUp", true},
      {Off::kBelowTurn, "NobodyBelowTheTurnTakesABranchUp", true},
      {Off::kMoved, "WhatCountsByAMovedCutTakesNothingUp", true},
      {Off::kByNotary, "AnyDecisionThatBindsSilences", true},
      {Off::kUpholdTakesUp, "AnUpholdFromAboveTakesABranchUp", true},
      {Off::kTip, "AnUpholdNamesTheEndOfItsBranch", true},
  };
  return all;
}

class CustodyAblation : public testing::TestWithParam<Condition> {
 protected:
  // Plays commits with desks that answer as the protocol does. Whether a model without the
  // condition would answer otherwise, or differs from the fold.
  bool noticed(World& world, const Trees& trees, const Registry& registry,
               const std::set<int>& moved, std::vector<Machine> who,
               const std::vector<std::vector<int>>& all) {
    bool found = false;
    const auto answer = [&](const Desks& desks, const Machine& desk) {
      const std::optional<int> owed = protocol_duty(desks, desk);
      if (GetParam().of_notary && !found) {
        found = owed != Model(world, trees, registry, {GetParam().off})
                            .duty(desks.mask(), desk, desks.seen(), desks.moved(), desks.extra());
      }
      return owed;
    };
    Desks desks(world, trees, registry, std::move(who), moved, answer);
    for (const std::vector<int>& commit : all) {
      desks.take(commit);
      if (found) return true;
    }
    return !GetParam().of_notary && differs(world, trees, registry);
  }

  bool differs(const World& world, const Trees& trees, const Registry& registry) const {
    const Mask mask = world.all();
    const Outcome without = Model(world, trees, registry, {GetParam().off}).fold(mask);
    return !difference_in_state(world, without, folded(world, mask, trees, registry)).empty();
  }

  bool noticed_by_scenarios() {
    for (const Scenario& scenario : read_scenarios(LT_TEST_DATA_DIR "/custody_scenarios.txt")) {
      World world = scenario.world;
      if (!GetParam().of_notary && differs(world, Trees::standard(), scenario.registry))
        return true;
      const auto who = scenario.silent ? std::vector<Machine>{} : desks_of_all_but({});
      if (noticed(world, Trees::standard(), scenario.registry, scenario.moved, who,
                  scenario.order)) {
        return true;
      }
    }
    return false;
  }

  bool noticed_by_attacks(int count) {
    for (int seed = 0; seed < count; ++seed) {
      Random random(static_cast<std::uint64_t>(seed));
      Attack attack =
          chance(random, 0.5)
              ? attack_on_base(random, below(random, kBaseCount), 1 + below(random, 2))
              : attack_in_random_tree(random, 1 + below(random, 2), chance(random, 0.5));
      if (attack.members.empty()) continue;
      std::vector<int> honest;
      for (int id = 0; id < attack.honest; ++id) honest.push_back(id);
      std::set<int> moved;
      for (int id = 1; id < attack.honest && chance(random, 0.2); ++id) moved.insert(id);
      std::vector<int> order = mixed(random, attack.world, honest, attack.branch(random));
      const auto add = [&](const std::vector<int>& more) {
        order.insert(order.end(), more.begin(), more.end());
      };
      for (int i = below(random, 3); i > 0; --i) add(attack.word(random));
      if (chance(random, 0.5)) add(attack.branch(random));
      for (int i = below(random, 3); i > 0; --i) add(attack.word(random));
      if (!GetParam().of_notary && differs(attack.world, attack.trees, attack.registry)) {
        return true;
      }
      const auto who = desks_of_all_but({attack.puppets.begin(), attack.puppets.end()});
      if (noticed(attack.world, attack.trees, attack.registry, moved, who,
                  commits(random, order))) {
        return true;
      }
    }
    return false;
  }

  bool noticed_by_histories(int count) {
    const Faults faults{.reclaim = true,
                        .revoke = true,
                        .reorganise = true,
                        .roll_back = true,
                        .two_machines = true,
                        .malice = true,
                        .notary = true};
    for (int seed = 0; seed < count && !GetParam().of_notary; ++seed) {
      const model::Run run(static_cast<std::uint64_t>(seed), faults, 20 + seed % 9 * 10);
      if (differs(run.world(), run.trees(), run.registry())) return true;
    }
    return false;
  }
};

TEST_P(CustodyAblation, WouldBeNoticed) {
  if (GetParam().at_random) {
    EXPECT_TRUE(noticed_by_histories(2000) || noticed_by_attacks(4000));
  } else {
    EXPECT_TRUE(noticed_by_scenarios());
  }
}

INSTANTIATE_TEST_SUITE_P(Custody, CustodyAblation, testing::ValuesIn(conditions()),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace lienthong
