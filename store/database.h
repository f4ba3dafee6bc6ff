// RocksDB as the replica uses it: options for a small machine, one key space, synced batches, and
// an overlay that lets a transaction read its own writes. The only files that see rocksdb types are
// those of store/. Threads: reads from any; write() from the writer.
#pragma once

#include <rocksdb/db.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"

namespace lienthong::store {

class Database {
 public:
  static Result<std::unique_ptr<Database>> open(const std::string& path, rocksdb::Env* env,
                                                bool create);
  ~Database();

  // nullopt: no such key. A read error is a broken disk or a corrupt file: it throws
  // std::runtime_error, which ends the process before anything wrong is acknowledged.
  std::optional<std::string> get(std::string_view key) const;
  // Ascending over keys with the prefix, of one snapshot; stops when `visit` returns false.
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;
  void scan(std::string_view prefix, std::string_view from, const Visit& visit) const;
  void scan_back(std::string_view prefix, const Visit& visit) const;
  // Atomic and synced. kDiskFull, kIo.
  Result<void> write(const std::map<std::string, std::optional<std::string>, std::less<>>& changes);
  std::uint64_t disk_bytes() const;
  const std::string& path() const { return path_; }

 private:
  explicit Database(std::string path) : path_(std::move(path)) {}
  std::string path_;
  std::unique_ptr<rocksdb::DB> db_;
};

// What a transaction has changed, over the database. Ordered, so that scans see it too.
class Overlay {
 public:
  explicit Overlay(const Database& database) : database_(database) {}
  std::optional<std::string> get(std::string_view key) const;
  void put(std::string key, std::string value) { set(std::move(key), std::move(value)); }
  void erase(std::string key) { set(std::move(key), std::nullopt); }
  void scan(std::string_view prefix, std::string_view from, const Database::Visit& visit) const;
  void savepoint();  // rollback() returns to the last one
  void rollback();
  const std::map<std::string, std::optional<std::string>, std::less<>>& changes() const {
    return changes_;
  }
  std::size_t bytes() const { return bytes_; }

 private:
  void set(std::string key, std::optional<std::string> value);
  const Database& database_;
  std::map<std::string, std::optional<std::string>, std::less<>> changes_;
  std::vector<std::pair<std::string, std::optional<std::optional<std::string>>>> undo_;
  std::size_t bytes_ = 0;
};

}  // namespace lienthong::store
