#include "store/database.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <stdexcept>

namespace lienthong::store {
namespace {

// For 24 MB resident with 20,000 dossiers: one small cache with index and filter blocks inside, two
// small write buffers, few open files (docs/storage.md, "Memory").
rocksdb::Options small_machine_options(rocksdb::Env* env, bool create) {
  rocksdb::Options options;
  if (env != nullptr) options.env = env;
  options.create_if_missing = create;
  options.write_buffer_size = 2U << 20;
  options.max_write_buffer_number = 4;
  options.max_open_files = 64;
  options.max_background_jobs = 2;
  options.max_total_wal_size = 8U << 20;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.keep_log_file_num = 2;
  options.max_log_file_size = 1U << 20;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.level_compaction_dynamic_level_bytes = true;
  options.compression = rocksdb::kLZ4Compression;
  options.bottommost_compression = rocksdb::kZSTD;
  options.enable_blob_files = true;
  options.min_blob_size = 1024;
  options.blob_file_size = 16U << 20;
  options.blob_compression_type = rocksdb::kLZ4Compression;
  options.enable_blob_garbage_collection = true;
  options.avoid_unnecessary_blocking_io = true;
  options.paranoid_checks = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(4U << 20);
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = false;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

Error to_error(const rocksdb::Status& status, const std::string& path) {
  const std::string text = path + ": " + status.ToString();
  if (status.IsNoSpace()) return Error(Errc::kDiskFull, text);
  if (status.IsCorruption()) return Error(Errc::kCorrupt, text);
  if (status.IsInvalidArgument() && text.find("does not exist") != std::string::npos)
    return Error(Errc::kNotFound, text);
  if (text.find("lock ") != std::string::npos || text.find("LOCK") != std::string::npos)
    return Error(Errc::kBusy, path + " is in use by another process");
  return Error(Errc::kIo, text);
}

rocksdb::Slice slice(std::string_view view) { return {view.data(), view.size()}; }
std::string_view view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }
bool has_prefix(std::string_view key, std::string_view prefix) {
  return key.substr(0, prefix.size()) == prefix;
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::string& path, rocksdb::Env* env,
                                                 bool create) {
  auto database = std::unique_ptr<Database>(new Database(path));
  if (create) (env != nullptr ? env : rocksdb::Env::Default())->CreateDirIfMissing(path);
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(small_machine_options(env, create), path, &db);
  if (!status.ok()) return to_error(status, path);
  database->db_.reset(db);
  return database;
}

Database::~Database() = default;

std::optional<std::string> Database::get(std::string_view key) const {
  std::string value;
  const auto status = db_->Get(rocksdb::ReadOptions(), slice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) throw std::runtime_error("read " + path_ + ": " + status.ToString());
  return value;
}

void Database::scan(std::string_view prefix, std::string_view from, const Visit& visit) const {
  rocksdb::ReadOptions options;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options));
  for (at->Seek(slice(from)); at->Valid() && has_prefix(view(at->key()), prefix); at->Next())
    if (!visit(view(at->key()), view(at->value()))) return;
  if (!at->status().ok())
    throw std::runtime_error("read " + path_ + ": " + at->status().ToString());
}

void Database::scan_back(std::string_view prefix, const Visit& visit) const {
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(rocksdb::ReadOptions()));
  const std::string end = std::string(prefix) + std::string(16, '\xff');
  for (at->SeekForPrev(end); at->Valid() && has_prefix(view(at->key()), prefix); at->Prev())
    if (!visit(view(at->key()), view(at->value()))) return;
  if (!at->status().ok())
    throw std::runtime_error("read " + path_ + ": " + at->status().ToString());
}

Result<void> Database::write(
    const std::map<std::string, std::optional<std::string>, std::less<>>& changes) {
  rocksdb::WriteBatch batch;
  for (const auto& [key, value] : changes) {
    if (value)
      batch.Put(key, *value);
    else
      batch.Delete(key);
  }
  rocksdb::WriteOptions options;
  options.sync = true;
  const auto status = db_->Write(options, &batch);
  if (!status.ok()) return to_error(status, path_);
  return {};
}

std::uint64_t Database::disk_bytes() const {
  std::uint64_t bytes = 0;
  std::uint64_t part = 0;
  for (const char* property : {"rocksdb.total-sst-files-size", "rocksdb.total-blob-file-size"})
    if (db_->GetIntProperty(property, &part)) bytes += part;
  return bytes;
}

std::optional<std::string> Overlay::get(std::string_view key) const {
  if (const auto at = changes_.find(key); at != changes_.end()) return at->second;
  return database_.get(key);
}

void Overlay::set(std::string key, std::optional<std::string> value) {
  bytes_ += key.size() + (value ? value->size() : 0);
  const auto at = changes_.find(key);
  if (at == changes_.end()) {
    undo_.emplace_back(key, std::nullopt);
    changes_.emplace(std::move(key), std::move(value));
  } else {
    undo_.emplace_back(std::move(key), std::move(at->second));
    at->second = std::move(value);
  }
}

void Overlay::scan(std::string_view prefix, std::string_view from,
                   const Database::Visit& visit) const {
  auto mine = changes_.lower_bound(from);
  const auto more = [&] { return mine != changes_.end() && has_prefix(mine->first, prefix); };
  bool stopped = false;
  database_.scan(prefix, from, [&](std::string_view key, std::string_view value) {
    for (; more() && mine->first < key; ++mine)
      if (mine->second && !visit(mine->first, *mine->second)) return !(stopped = true);
    if (more() && mine->first == key) {
      const auto& changed = (mine++)->second;
      if (changed && !visit(key, *changed)) return !(stopped = true);
      return true;
    }
    return visit(key, value) || !(stopped = true);
  });
  for (; !stopped && more(); ++mine)
    if (mine->second && !visit(mine->first, *mine->second)) return;
}

void Overlay::savepoint() { undo_.clear(); }

void Overlay::rollback() {
  for (auto at = undo_.rbegin(); at != undo_.rend(); ++at) {
    if (at->second)
      changes_[at->first] = std::move(*at->second);
    else
      changes_.erase(at->first);
  }
  undo_.clear();
}

}  // namespace lienthong::store
