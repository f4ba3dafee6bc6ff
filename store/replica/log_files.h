// The logs of a RocksDB folder, read without RocksDB, which either stops at the first bad record
// or passes over the block in silence. Here reading goes on at the next whole record, and says
// where it could not read. docs/storage.md, "Damage". Internal to store/. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rocksdb {
class Env;
}

namespace lienthong::store {

std::uint32_t crc32c(std::string_view bytes);

// One record of a log: what RocksDB wrote at once, be it several callers' batches.
struct LogBatch {
  std::string file;         // name in the folder
  std::uint64_t first = 0;  // sequence numbers of its rows
  std::uint64_t count = 0;
  // So far everything had been synced when it was written: see synced_note().
  std::uint64_t synced = 0;
  std::optional<std::uint64_t> write_number;  // of the last write in it
  std::string bytes;  // as rocksdb::WriteBatch takes them; empty unless asked for

  std::uint64_t last() const { return first + count - 1; }
};

struct LogReading {
  std::vector<std::string> files;  // names, in the order in which they were written
  std::vector<LogBatch> batches;   // that are whole, in the order of the logs
  struct Fault {
    std::string file;
    std::uint64_t offset = 0;
  };
  std::vector<Fault> faults;  // where bytes are no record, ends of torn logs among them
};

enum class LogBytes : bool { kDrop, kKeep };
// A folder that is not there has none.
LogReading read_logs(rocksdb::Env& env, const std::string& folder, LogBytes bytes);
// The records of one log, or of a MANIFEST, which has the same frame; `fault` is called with the
// place of each that is not whole.
std::vector<std::string> read_log_records(std::string_view file,
                                          std::vector<std::uint64_t>& faults);

// Goes into the log with a batch, and nowhere else: all up to that sequence number was on the disk.
std::string synced_note(std::uint64_t sequence);

// The row that numbers each write, in the order of the log, and the number in it.
inline constexpr std::string_view kWriteNumberKey = "Mwrites";

}  // namespace lienthong::store
