// Where the last changes of a record have got to. Reads one replica; any thread.
#pragma once

#include <span>

#include "store/replica/replica.h"

namespace lienthong::store {

// One of the agency's machines has confirmed that it holds the update: those with certificates, and
// `others`. False where the update is not in the feed for that agency.
bool has_reached(const Replica& replica, const UpdateId& update, const AgencyId& agency,
                 std::span<const NodeId> others = {});

// Whether a change for `goal` leaves us by that neighbour: along the tree, down through the child
// that is above it, else up.
bool leads_to(const Registry& registry, const AgencyId& ours, const AgencyId& neighbour,
              const AgencyId& goal);

}  // namespace lienthong::store
