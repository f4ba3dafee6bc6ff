// Reading many updates of one record in few steps. Any thread; the replica outlives the call, which
// throws as everywhere in store/.
#pragma once

#include <functional>
#include <span>

#include "store/replica/replica.h"

namespace lienthong::store {

// Those of these updates that are here, in that order.
void for_each_update(const Replica& replica, std::span<const UpdateId> ids,
                     const std::function<void(const StoredUpdate&)>& visit);

}  // namespace lienthong::store
