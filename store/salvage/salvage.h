// A damaged database is read as far as it can be, what was read is entered into a new one, which
// takes its place, and the old one is kept beside it. docs/storage.md, "Damage".
//
// What is entered is checked as if it came from a neighbour, so the new database is whole whatever
// was read. Its feeds, and the incarnation of its seals, are new: neighbours compare what they hold
// and give what is missing, as to a disk that went back. Blocking; while no replica is open there.
#pragma once

#include <functional>

#include "store/replica/damage.h"
#include "store/replica/replica.h"

namespace lienthong::store {

struct SalvageProgress {
  std::uint64_t updates = 0, of = 0;
};

struct SalvageRequest {
  Options options;  // of the replica; its path is that of the damaged database
  Identity identity;
  RootFingerprint root;
  UnixMillis now = 0;
  // Called now and then; false: stop, nothing was changed.
  std::function<bool(const SalvageProgress&)> going_on = {};
};
// Fails: kClosed (stopped), kDiskFull, kIo, kBusy; kCorrupt: not even the registry can be read,
// here or in its copy. Then everything is as it was.
Result<Damage> salvage(SalvageRequest request);

// A new database under the same identity where there is none, from the registry's copy beside it:
// its neighbours give back what they hold. kConflict: one is there. kNotFound, kCorrupt: the copy.
Result<Damage> begin_anew(SalvageRequest request);

// Ends a salvage that was cut between two renames. To be called before a database is opened.
void finish_salvage(const std::string& path);

// Folders kept beside the database, the newest first; older ones are removed.
inline constexpr std::size_t kDamagedKeptMax = 2;

}  // namespace lienthong::store
