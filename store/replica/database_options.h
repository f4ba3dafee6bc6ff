// How RocksDB is set up here, and its folder opened to be looked at. Internal to store/. Any
// thread.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lienthong::store {

// `env` null: the real file system.
rocksdb::Options small_machine_options(rocksdb::Env* env, bool create);
// Column families, in the order of their handles: all other rows, scans, updates.
std::vector<rocksdb::ColumnFamilyDescriptor> families_of(const rocksdb::Options& options);

// A folder read as it lies there: nothing in it is changed.
struct LookedAt {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<std::unique_ptr<rocksdb::ColumnFamilyHandle>>
      families;  // as of families_of(); null: not there

  LookedAt() = default;
  LookedAt(const LookedAt&) = delete;
  LookedAt& operator=(const LookedAt&) = delete;
  ~LookedAt() { close(); }
  void close() {  // families before db
    families.clear();
    db.reset();
  }
};
// Without its logs, which are for log_files.h to read.
rocksdb::Status look_at(const std::string& path, rocksdb::Env* env, LookedAt& out);

// Moves on past a block that cannot be read, from the last key before it (or the prefix alone): to
// the nearest key with the prefix from which reading goes on. False: there is none.
bool step_past_damage(rocksdb::Iterator& at, std::string_view prefix, const std::string& from);

}  // namespace lienthong::store
