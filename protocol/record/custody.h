// Custody of one record: what an update's author may do at the place in the graph that it names,
// and which of several successors of a link stands. docs/protocol/custody.md. Internal to
// record/: the fold and its fast path both judge by these functions, so they cannot disagree. Pure;
// no threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "protocol/record/fold.h"

namespace lienthong::custody {

// Custody after a link, read from the path of links that leads to it.
struct Standing {
  AgencyId holder;
  AgencyId offered;         // target of the open offer; zero: none
  UpdateId offer;           // the open offer; zero: none
  std::uint32_t depth = 0;  // links on the path, this one included
};

// What an update names as its link: a custody link, or a consultation or share made under one.
struct Place {
  UpdateKind kind = UpdateKind::kCreated;
  TreeVersion tree_version = 0;
  InertReason reason = InertReason::kNone;  // why what is named has no right itself
  // The rest only where it has one, and as of the custody link at or above it.
  Standing standing;
  AgencyId origin;
  std::span<const AgencyId> people;  // origin, authors and targets on the path
  AgencyId invited;                  // target of the consultation or share; zero at a custody link
};

// The writes of the custodian: they count only under a link of the standing chain and before it
// closes.
bool is_custodial(UpdateKind kind);
bool is_invitation(UpdateKind kind);   // kConsult, kShare
bool is_field_write(UpdateKind kind);  // kSet, kAdopt

LinkEntry link_entry(const GraphUpdate& update);

// Custody after `link`, which had the right, where it was `before`; for kCreated `before` is empty.
Standing step(const Standing& before, const LinkEntry& link);

// Whether the author had the right at `place`: kNone, or why not. Not for the first update, which
// always has it. Same answer for ever: belief in keys is the caller's business.
InertReason judge(const GraphUpdate& update, const Place& place, const TreeView& tree);

inline constexpr std::uint32_t kNoLink = UINT32_MAX;

// A custody link that had the right, in the tree that they form. Agencies are places in one table.
struct LinkNode {
  const GraphUpdate* update = nullptr;
  std::uint32_t agency = 0;
  std::uint32_t previous = kNoLink;    // place among the links; kNoLink: created
  bool in_force = false;               // believed, or confirmed by a reclaim
  std::vector<std::uint32_t> writers;  // agencies with believed field writes under it
  std::vector<std::uint32_t> next;     // successors in force
};

// Sets `in_force` and `next` of all. `links`: parents first. `agencies`: what LinkNode::agency
// names.
void find_in_force(std::span<LinkNode> links, std::span<const AgencyId> agencies,
                   const TreeView& tree);

struct Chain {
  std::vector<std::uint32_t> links;  // from created; empty when that is not in force
  std::vector<std::uint32_t> forks;  // those with more than one successor
};
Chain find_chain(std::span<const LinkNode> links, std::span<const AgencyId> agencies,
                 const TreeView& tree);

}  // namespace lienthong::custody
