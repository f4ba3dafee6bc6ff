// Reads what lies on the disk, to find what has rotted before somebody needs it. docs/storage.md,
// "Damage". Threads: any; slow, so not the writer's. The replica outlives it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/replica/replica.h"

namespace lienthong::store {

struct ScrubFile {
  std::uint64_t number = 0;  // ascending with the time at which it was written
  std::string path;
  std::uint64_t bytes = 0;
};
// Tables that are there now, ascending by number.
std::vector<ScrubFile> files_to_scrub(const Replica& replica);
// Every block against its checksum. kCorrupt: failure() is set too, and the database is salvaged
// when it is opened next. A file that is there no more is well.
Result<void> scrub_file(const Replica& replica, const ScrubFile& file);

// What is remembered across restarts.
struct ScrubState {
  UnixMillis begun = 0;     // of the round that goes on; 0: none does
  UnixMillis finished = 0;  // of the last whole round; 0: there was none
  std::uint64_t file = 0;   // last table read in this round
};
ScrubState scrub_state(const Replica& replica);
void note_scrub_state(Transaction& transaction, const ScrubState& state);

}  // namespace lienthong::store
