// Internal to store/replica: the members of Replica.
#pragma once

#include <mutex>

#include "store/replica/database.h"
#include "store/replica/graph_cache.h"
#include "store/replica/ledger.h"
#include "store/replica/projections.h"
#include "store/replica/reads.h"
#include "store/replica/replica.h"

namespace lienthong::store {

struct Replica::Impl {
  Impl(Options o, Identity i, const RootFingerprint& r)
      : options(std::move(o)),
        identity(std::move(i)),
        root(r),
        projections(make_projections(options.projections)) {}
  Options options;
  Identity identity;
  RootFingerprint root;
  std::unique_ptr<Database> database;
  Projections projections;
  mutable std::mutex mutex;  // guards what follows
  std::shared_ptr<const Ledger> published;
  bool failed = false;  // a commit did not reach the disk
  // The sum over the first `statements_summed` statements; counted when first asked for.
  mutable std::uint64_t statements_summed = 0;
  mutable IdPrefix statement_sum{};
  GraphCache graphs;              // the writer's alone
  wire::RecentSeals recent_seals;  // of those stored since it was opened; the writer's alone

  std::shared_ptr<const Ledger> ledger() const {
    const std::lock_guard lock(mutex);
    return published;
  }
  Result<void> load();  // reads counters, registry, feeds; creates them in a new database
};

}  // namespace lienthong::store
