// What an erasure removed still lies in files of the database until these are written anew: in
// tables, logs, and the files of scans. docs/storage.md, "Erasure". Internal to store/ and the
// agent's own thread for it. Threads: any, one at a time.
#pragma once

#include <vector>

#include "store/replica/replica.h"

namespace lienthong::store {

// Records that were erased before `until`, and not cleared since.
std::vector<RecordId> erased_to_clear(const Replica& replica, UnixMillis until);
// Writes anew every file of the database in which something of them may lie. Takes as long as that
// takes; the database works meanwhile. Fails: kBusy (somebody reads an older state: later again),
// kIo, kDiskFull, kCorrupt.
Result<void> clear_erased(const Replica& replica, const std::vector<RecordId>& records);
// Afterwards: nothing is left to do for them.
void note_cleared(Transaction& transaction, const std::vector<RecordId>& records);

}  // namespace lienthong::store
