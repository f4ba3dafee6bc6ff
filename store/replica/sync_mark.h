// What was acknowledged last, beside the database: a log that ends too early cannot say so itself.
// One small file, written after each synced write without a sync of its own: it outlives the
// process at once, and a power cut by half a minute at most. It never says more than the disk has.
// docs/storage.md, "Damage". Internal to store/. Threads: note() from any.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace lienthong::store {

struct SyncMark {
  std::uint64_t sequence = 0;  // RocksDB's, of the last row that was synced
  std::uint64_t write = 0;     // number of that write

  // Beside the folder of the database. nullopt: none is there, or it cannot be read.
  static std::optional<SyncMark> read(const std::string& folder);
  static std::string path_of(const std::string& folder) { return folder + ".mark"; }
};

class SyncMarkFile {
 public:
  // Made when missing. A file that cannot be opened or written marks nothing.
  explicit SyncMarkFile(const std::string& folder);
  ~SyncMarkFile();
  SyncMarkFile(const SyncMarkFile&) = delete;
  SyncMarkFile& operator=(const SyncMarkFile&) = delete;
  void note(const SyncMark& mark);  // unless a later one was noted

 private:
  std::mutex mutex_;
  int file_ = -1;
  SyncMark last_;
};

}  // namespace lienthong::store
