// Which of several successors of a custody link stands, and who decided it.
// docs/protocol/custody.md, "The standing chain". Internal to record/. Pure; no threads.
#pragma once

#include <map>
#include <vector>

#include "protocol/record/judged.h"

namespace lienthong::custody {

// A link with several successors in force.
struct JudgedFork {
  Index stands = kNone;  // link
  ForkLine line = ForkLine::kTakenUp;
  Index decision = kNone;  // update
  AgencyId notary;
  bool bound = false;     // some decision binds all other branches
  bool disputed = false;  // the notary's agency has decided for two branches
};

struct Chain {
  std::vector<Index> links;             // from created; empty when that is not in force
  std::vector<Index> forks;             // those with more than one successor
  std::map<Index, JudgedFork> decided;  // every fork by its link, also those off the chain
};
Chain find_chain(const Judged& record);

// Tells which decisions of each branch of a fork bind all others. For those who show them; the
// chain has been found without it.
std::vector<std::vector<Index>> binding_decisions(const Judged& record, Index link);

// A link and all links in force that follow it, with what is under them; parents first.
std::vector<Index> acts_of(const Judged& record, Index link);

}  // namespace lienthong::custody
