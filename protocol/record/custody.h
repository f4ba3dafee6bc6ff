// Custody of one record: what an update's author may do at the place in the graph that it names.
// docs/protocol/custody.md. Internal to record/: the fold and its fast path both judge by these
// functions, so they cannot disagree. Pure; no threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "protocol/record/fold.h"

namespace lienthong::custody {

using Index = std::uint32_t;  // a place in a table
inline constexpr Index kNone = UINT32_MAX;

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
  AgencyId author;                          // of what is named
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

// Whether the author would have had the right at `place` had it named `version`: kNone, or why not.
// Not for the first update, which always has it. With the version that the update names the answer
// is the same for ever: belief in keys is the caller's business.
InertReason judge(const GraphUpdate& update, const Place& place, const TreeView& tree,
                  TreeVersion version);
// Of an update with the right: whether it has it under the version that it is held to as well.
bool right_as_held(const GraphUpdate& update, const Place& place, const TreeView& tree);

bool is_decision(UpdateKind kind);  // kReclaim, kUphold: words that may settle a fork

// ---- small help ----

template <class T>
void insert_sorted(std::vector<T>& values, const T& value) {
  const auto at = std::lower_bound(values.begin(), values.end(), value);
  if (at == values.end() || *at != value) values.insert(at, value);
}

template <class T>
void sort_unique(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

inline void add_person(std::vector<AgencyId>& people, const AgencyId& agency) {
  if (agency.is_zero()) return;
  if (std::find(people.begin(), people.end(), agency) == people.end()) people.push_back(agency);
}

}  // namespace lienthong::custody
