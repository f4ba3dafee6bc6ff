#include "store/office/updates.h"

#include "store/replica/raw.h"
#include "store/replica/reads.h"

namespace lienthong::store {

void for_each_update(const Replica& replica, std::span<const std::uint64_t> numbers,
                     const std::function<void(StoredUpdate&&)>& visit) {
  const RawReplica raw(replica);
  for_each_update(raw.database(), *raw.ledger(), numbers, visit);
}

}  // namespace lienthong::store
