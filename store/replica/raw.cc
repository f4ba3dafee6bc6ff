#include "store/replica/raw.h"

#include "store/replica/replica_impl.h"

namespace lienthong::store {

Database& RawReplica::database() const { return *impl_.database; }
std::shared_ptr<const Ledger> RawReplica::ledger() const { return impl_.ledger(); }
const RootFingerprint& RawReplica::root() const { return impl_.root; }

std::vector<const Projection*> RawReplica::projections() const {
  std::vector<const Projection*> out;
  for (const auto& projection : impl_.projections) out.push_back(projection.get());
  return out;
}

}  // namespace lienthong::store
