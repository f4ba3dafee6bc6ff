// The fold and the notary's functions held against the custody model.
#pragma once

#include <string>

#include "protocol/record/notary.h"
#include "tests/support/custody_desks.h"
#include "tests/support/custody_graph.h"

namespace lienthong::model {

// What the protocol makes of some of the updates; `tree` is that of the registry.
RecordState folded(const World& world, const Mask& mask, const Trees& trees,
                   const Registry& registry);

// Where the two differ, in words; empty: nowhere.
std::string difference(const World& world, const Outcome& expected, const RecordState& state);
// The same without what is told of each fork.
std::string difference_in_state(const World& world, const Outcome& expected,
                                const RecordState& state);
// Also of who signed where and of what binds at each fork.
std::string difference_in_branches(const World& world, const Mask& mask, const Trees& trees,
                                   const Registry& registry);

// The protocol's answer to what this desk owes. The quota is the caller's business there: here it
// is kept as the model keeps it.
std::optional<int> protocol_duty(const Desks& desks, const Machine& desk);
std::optional<int> protocol_duty(const World& world, const Mask& mask, const Trees& trees,
                                 const Registry& registry, const Machine& desk, const Seen& seen,
                                 const std::set<int>& moved);
bool within_quota(const World& world, const Mask& mask, const Trees& trees,
                  const Registry& registry, const Machine& desk, int extra);

// The history as a list, for messages.
std::string describe(const World& world, const Mask& mask, const Registry& registry);

}  // namespace lienthong::model
