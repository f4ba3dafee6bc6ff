// Reading all updates of one record in few steps. Any thread; the replica outlives the call, which
// throws as everywhere in store/.
#pragma once

#include <functional>
#include <span>

#include "store/replica/replica.h"

namespace lienthong::store {

// Those of these local numbers that are here, in that order: RecordEntry::updates.
void for_each_update(const Replica& replica, std::span<const std::uint64_t> numbers,
                     const std::function<void(StoredUpdate&&)>& visit);

}  // namespace lienthong::store
