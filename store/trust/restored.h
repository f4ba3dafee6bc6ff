// A machine whose disk is an older copy of itself (docs/storage.md, "Restored copies"): what rests
// meanwhile, and the word of somebody who knows better. Reads one replica; any thread.
#pragma once

#include <vector>

#include "store/replica/replica.h"

namespace lienthong::store {

struct RestoredPlan {
  bool restored = false;
  std::size_t records = 0;        // that were here before, on which no custody is written
  std::size_t turns = 0;          // of them those on which it is our turn
  std::vector<NodeId> not_heard;  // neighbours that have not given everything back yet; ascending
};
// What lifting the rest would free. `stopping`: true ends the counting.
RestoredPlan plan_restored(const Replica& replica, const std::function<bool()>& stopping);
// Lifts it: custody is written again, though something may be missing that a neighbour still has.
// Two links then follow one, which the rules decide. Fails: kNotFound (nothing rests).
Result<void> confirm_restored(Transaction& transaction);

}  // namespace lienthong::store
