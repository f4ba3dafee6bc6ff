// What the desk of the lowest common superior owes a record in which custody forks.
// docs/protocol/custody.md, "The notary". Pure functions of the record's updates, the registry and
// what this desk remembers of when each came; no threads. Whether the desk writes at all (its
// quota, an old copy of its disk, a start just now) is the caller's business.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "protocol/record/fold.h"

namespace lienthong {

// Signed in a branch: a link in force, or a field write or uphold in force under one.
struct Act {
  UpdateId id;
  UpdateKind kind = UpdateKind::kCreated;
  AgencyId by;
  UpdateId under;  // the link itself, or the one it was written under
  bool operator==(const Act&) const = default;
};

struct Branch {
  UpdateId first;
  bool stands = false;
  std::vector<Act> acts;          // parents first
  std::vector<AgencyId> signers;  // ascending
  std::vector<UpdateId> binding;  // its decisions that bind all other branches; ascending
};

struct Fork {
  UpdateId link;
  AgencyId turn;                 // who had the turn there
  AgencyId notary;               // whose desk looks at it; zero: nobody's
  std::vector<Branch> branches;  // ascending by first
};

// The forks on the standing chain, in its order. Costs the number of acts for each.
std::vector<Fork> forks_of(std::span<const GraphUpdate> updates, const TreeView& tree);

// How a desk came to have an update.
struct Brought {
  std::uint64_t commit = 0;  // number of the commit that brought it; what came at once has one
  bool moved = false;        // stored before, it came to count only because a cut or closing moved
};

struct Duty {
  UpdateId fork;    // at which the desk speaks; zero: it owes nothing
  UpdateId uphold;  // the link that its uphold names; zero with `fork`
  // Forks that are this desk's and that no decision settles, where it cannot tell: for persons, in
  // the order of the chain.
  std::vector<UpdateId> stuck;
  bool operator==(const Duty&) const = default;
};

// What the desk of `ours` owes. It writes at most one uphold and asks again after the commit that
// has it. An uphold names the newest tree version.
Duty duty(std::span<const GraphUpdate> updates, const AgencyId& ours, const TreeView& tree,
          const std::function<Brought(const UpdateId&)>& brought);

}  // namespace lienthong
