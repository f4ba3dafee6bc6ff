// The door behind which rows lie: what other rooms of store/, and their tests, need of a replica
// that its public face does not give. They read rows by their keys (rows.h, reads.h) and write none
// but in column families of their own, or the first ones of all; rows that follow from records are
// a projection's (projection.h). Threads: any. The replica outlives it.
#pragma once

#include <memory>

#include "protocol/base/check.h"
#include "store/replica/database.h"
#include "store/replica/ledger.h"
#include "store/replica/replica.h"

namespace lienthong::store {

class RawReplica {
 public:
  explicit RawReplica(const Replica& replica) : impl_(*replica.impl_) {}

  // Replica::bootstrap() with a registry that was checked already. One that is large is written in
  // parts: a database that was interrupted meanwhile is to be made again.
  static Result<void> begin(Replica& replica, const std::shared_ptr<const Registry>& registry);

  // As it is now; what is committed next shows at once, unless a snapshot is given.
  Database& database() const;
  std::shared_ptr<const Ledger> ledger() const;  // as last committed
  const RootFingerprint& root() const;
  // The projection of that class. The replica was opened with one: see Options.
  template <class P>
  const P& projection() const {
    for (const Projection* made : projections())
      if (const auto* found = dynamic_cast<const P*>(made)) return *found;
    check_failed("the replica was opened without that projection", __FILE__, __LINE__);
  }

 private:
  std::vector<const Projection*> projections() const;
  const Replica::Impl& impl_;
};

}  // namespace lienthong::store
