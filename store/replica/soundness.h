// Whether a database may be opened: RocksDB itself cuts a damaged log, or a list of files that ends
// too early, short in silence, and then removes what they no longer name. docs/storage.md,
// "Damage". Internal to store/. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/result.h"
#include "store/replica/log_files.h"
#include "store/replica/sync_mark.h"

namespace rocksdb {
class Env;
}

namespace lienthong::store {

// Writes that were acknowledged and cannot be read.
struct WriteGap {
  std::string where;                   // file, or files
  std::optional<std::uint64_t> first;  // numbers of the writes; not known: none
  std::optional<std::uint64_t> last;
  bool at_end = false;  // nothing that was written later can be read: what is left is an older copy
};

// What the files besides the logs hold.
struct Flushed {
  std::uint64_t sequence = 0;          // no row of the logs that counts comes before the next
  std::optional<std::uint64_t> write;  // the last one that they hold whole
};

// Gaps before something that was acknowledged. What is torn at the end, and was not, is none.
std::vector<WriteGap> find_gaps(const LogReading& logs, const Flushed& flushed,
                                const std::optional<SyncMark>& mark);

struct Soundness {
  // Files that were damaged or missing and that RocksDB makes anew: nothing is lost with them.
  std::vector<std::string> made_anew;
};
enum class MissingEnd : bool { kRefuse, kAccept };
// kCorrupt: it is not to be opened; the detail names the file. kNotFound: no database is there.
// kBusy. Nothing is changed.
Result<Soundness> check_soundness(const std::string& path, rocksdb::Env* env,
                                  MissingEnd missing_end = MissingEnd::kRefuse);

// A mark beside the folder that it was seen damaged while it was open: it must be salvaged.
std::string suspect_path(const std::string& path);
void note_suspect(const std::string& path, const std::string& what);
std::optional<std::string> suspected(const std::string& path);

}  // namespace lienthong::store
