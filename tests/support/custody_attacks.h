// Honest histories, and what one or two agencies with everybody below them could write to turn
// them: agencies that they declare themselves, any clock, any tree version, knowing the upholds.
// Also random trees: mergers within and across districts, moves, circles of successors, what is
// left below a dissolved agency. For property tests; the same numbers give the same history.
#pragma once

#include "tests/support/custody_desks.h"
#include "tests/support/custody_run.h"

namespace lienthong::model {

struct Attack {
  Trees trees = Trees::standard();
  World world;
  Registry registry;
  int honest = 0;            // updates of the honest history: the first ones
  std::vector<int> members;  // who attacks
  std::vector<int> puppets;  // for whom they can sign, themselves included

  // Another branch of theirs, from a link of the honest history on. Returns its updates; closings
  // of the machines come into the registry.
  std::vector<int> branch(Random& random);
  // Somebody who has the right upholds one of the links that there are, or takes the record back
  // from it. Returns the update, or none.
  std::vector<int> word(Random& random);
};

inline constexpr int kBaseCount = 27;  // named honest histories
// Coalition against one of them. No members: nobody can attack it.
Attack attack_on_base(Random& random, int base, int size);
// The same against a random honest history under a random tree. `fork`: a second machine of
// somebody who had the turn goes on from an older link, without malice.
Attack attack_in_random_tree(Random& random, int size, bool fork);

// Version 1 differs from 0 by so many mergers and moves at most.
Trees random_trees(Random& random, int changes_max = 3);

// In order, some of them in one commit.
std::vector<std::vector<int>> commits(Random& random, const std::vector<int>& updates);
// Two such orders mixed; causes come first in each.
std::vector<int> mixed(Random& random, const World& world, std::vector<int> a, std::vector<int> b);

}  // namespace lienthong::model
