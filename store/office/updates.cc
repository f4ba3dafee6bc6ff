#include "store/office/updates.h"

#include "store/replica/raw.h"
#include "store/replica/reads.h"

namespace lienthong::store {

void for_each_update(const Replica& replica, std::span<const UpdateId> ids,
                     const std::function<void(const StoredUpdate&)>& visit) {
  const RawReplica raw(replica);
  for_each_update(raw.database(), *raw.ledger(), ids, [&visit](const StoredUpdate& update) {
    visit(update);
    return true;
  });
}

}  // namespace lienthong::store
