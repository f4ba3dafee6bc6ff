// RocksDB as the replica uses it: options for a small machine, one key space, synced batches, and
// an overlay that lets a transaction read its own writes. The only files that see rocksdb types are
// those of store/. Threads: reads from any; write() from the writer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/replica/replica.h"
#include "store/replica/soundness.h"
#include "store/replica/sync_mark.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Iterator;
class Snapshot;
class Status;
class WriteBatch;
}  // namespace rocksdb

namespace lienthong::store {

using Change = std::optional<std::string>;  // nullopt: the row is gone

struct Changes {
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const {
      return std::hash<std::string_view>()(key);
    }
  };
  std::unordered_map<std::string, Change, Hash, std::equal_to<>> rows;
  std::map<std::string, Change, std::less<>> ordered;  // kinds that are scanned
  std::size_t bytes = 0;                               // of keys and values, about

  bool empty() const { return rows.empty() && ordered.empty(); }
};

class Database {
 public:
  // kCorrupt: damaged, see check_soundness(). One whose end is missing is opened where that is
  // accepted; the mark stays until something is written.
  static Result<std::unique_ptr<Database>> open(const std::string& path, rocksdb::Env* env,
                                                bool create,
                                                MissingEnd missing_end = MissingEnd::kRefuse);
  ~Database();

  // nullopt: no such key. A read error is a broken disk or a corrupt file: it throws
  // std::runtime_error, and of a corrupt file failure() is set: see broken_read().
  std::optional<std::string> get(std::string_view key,
                                 const rocksdb::Snapshot* snapshot = nullptr) const;
  // The same for keys of one family, in their order.
  std::vector<std::optional<std::string>> get_all(std::span<const std::string> keys) const;
  // Ascending over keys with the prefix, of one snapshot; stops when `visit` returns false.
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;
  void scan(std::string_view prefix, std::string_view from, const Visit& visit) const;
  // The same by an iterator that is made where it is null, and left for the next scan, which sees
  // what this one saw. Of rows that do not lie apart (family_of()).
  void scan(std::unique_ptr<rocksdb::Iterator>& at, std::string_view prefix, std::string_view from,
            const Visit& visit) const;
  // From `first` up to but not `after`, past the cache: for scans of a whole kind of rows.
  void scan_range(const rocksdb::Snapshot* snapshot, std::string_view first, std::string_view after,
                  const Visit& visit) const;
  void scan_back(std::string_view prefix, const Visit& visit) const;
  // Atomic. Fails: kDiskFull, kIo, and then failure() is set. Not synced: a power cut may take it
  // back, together with what was written after it and not synced either.
  Result<void> write(const Changes& changes, Sync sync = Sync::kYes);
  // The same for other column families; any thread. A row with the number of the write is added.
  Result<void> write(rocksdb::WriteBatch& batch, Sync sync);
  // Small files that were damaged or missing, and that opening has made anew.
  const std::vector<std::string>& made_anew() const { return made_anew_; }
  // Throws. A block that is not what was written there is noted: the database is to be closed,
  // and what can be read of it salvaged, before it is opened again.
  [[noreturn]] void broken_read(const rocksdb::Status& status) const;
  void note_damage(const rocksdb::Status& status) const;  // the same without reading
  std::uint64_t disk_bytes() const;
  std::optional<std::uint64_t> free_bytes() const;  // nullopt: the file system does not say
  std::optional<Error> failure() const;             // see Replica
  const std::string& path() const { return path_; }
  rocksdb::DB& db() const { return *db_; }
  // Where a row lies: updates by themselves, all others together.
  rocksdb::ColumnFamilyHandle* family_of(std::string_view key) const;
  // The column family of scans, for blobs*.cc: large values in files of their own.
  rocksdb::ColumnFamilyHandle* scans() const { return scans_.get(); }

 private:
  class FailureNote;
  explicit Database(std::string path);
  void begin_numbering();
  std::string path_;
  std::vector<std::string> made_anew_;
  std::shared_ptr<FailureNote> failure_;
  std::unique_ptr<rocksdb::DB> db_;
  std::unique_ptr<rocksdb::ColumnFamilyHandle> main_, scans_, updates_;  // closed before db_
  std::mutex writing_;                                                   // guards what follows
  std::uint64_t write_number_ = 0;                                       // of the last write
  std::uint64_t synced_ = 0;  // all up to that sequence number is on the disk
  std::unique_ptr<SyncMarkFile> mark_;
};

// Reads rows one by one, fast where each lies right behind the one before: then it goes on where
// it is instead of looking the key up. Of the state at the first such step. Not thread-safe.
class RowReader {
 public:
  explicit RowReader(const Database& database);
  ~RowReader();
  std::optional<std::string> get(std::string_view key);

 private:
  const Database& database_;
  rocksdb::ColumnFamilyHandle* family_ = nullptr;  // of at_
  std::unique_ptr<rocksdb::Iterator> at_;
  std::string last_;
};

// kDiskFull, kCorrupt, kNotFound, kBusy, kIo.
Error to_error(const rocksdb::Status& status, const std::string& path);

// What a transaction has changed, over the database. Only the kinds of rows named in kScanned can
// be scanned.
class Overlay {
 public:
  static constexpr std::string_view kScanned = "DHIJPWXbfkpqrswy";

  explicit Overlay(const Database& database);
  ~Overlay();
  std::optional<std::string> get(std::string_view key) const;
  // The same for several of one kind of rows.
  std::vector<std::optional<std::string>> get_all(std::span<const std::string> keys) const;
  bool changed(std::string_view key) const { return find(key) != nullptr; }
  void put(std::string key, std::string value) { set(std::move(key), std::move(value)); }
  void erase(std::string key) { set(std::move(key), std::nullopt); }
  void scan(std::string_view prefix, std::string_view from, const Database::Visit& visit) const;
  void savepoint();  // rollback() returns to the last one
  void rollback();
  // All, for writing; also a savepoint.
  const Changes& take_stock();
  std::size_t bytes() const { return kept_.bytes + fresh_.bytes; }

 private:
  const Change* find(std::string_view key) const;
  void set(std::string key, Change value);
  const Database& database_;
  mutable std::unique_ptr<rocksdb::Iterator> at_;  // nobody else writes while an overlay lives
  Changes kept_;                                   // up to the savepoint
  Changes fresh_;                                  // since
};

}  // namespace lienthong::store
