#include "store/replica/database.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/transaction_log.h>

#include <algorithm>
#include <cstdarg>
#include <mutex>
#include <stdexcept>

namespace lienthong::store {
namespace {

constexpr char kUpdateLetter = 'U';  // key::update()

// RocksDB's own log would lie beside the data. A line that does not fit on a full or read-only disk
// ends the process where RocksDB is built with its assertions, as Debian builds it: its writer must
// not be used again after an error. What went wrong is in the status that each call returns, and in
// what a FailureNote hears.
class NoLog final : public rocksdb::Logger {
 public:
  NoLog() : Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// For 24 MB resident with 20,000 dossiers: one small cache with index and filter blocks inside, two
// small write buffers, few open files (docs/storage.md, "Memory").
rocksdb::Options small_machine_options(rocksdb::Env* env, bool create) {
  rocksdb::Options options;
  if (env != nullptr) options.env = env;
  options.create_if_missing = create;
  options.write_buffer_size = 2U << 20;
  options.max_write_buffer_number = 2;
  // A batch is sorted: each kind of rows goes on from where it was last put. Most look-ups by id
  // are for something that is not there.
  options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(1));
  options.memtable_prefix_bloom_size_ratio = 0.05;
  options.memtable_whole_key_filtering = true;
  options.max_open_files = 64;
  options.table_cache_numshardbits = 0;  // of 64 shards each would keep one file open
  options.max_background_jobs = 2;
  options.max_total_wal_size = 8U << 20;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.writable_file_max_buffer_size = 128U << 10;  // of each file that is being written
  options.info_log = std::make_shared<NoLog>();
  options.level_compaction_dynamic_level_bytes = true;
  options.compression = rocksdb::kLZ4Compression;
  // A file of level 0 spans all kinds of rows, so it is merged with the whole level below: that one
  // must be small.
  options.level0_file_num_compaction_trigger = 8;
  options.max_bytes_for_level_base = 32U << 20;
  options.target_file_size_base = 16U << 20;
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

rocksdb::Slice slice(std::string_view view) { return {view.data(), view.size()}; }
std::string_view view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }
bool has_prefix(std::string_view key, std::string_view prefix) {
  return key.substr(0, prefix.size()) == prefix;
}

// Scans: chunks of 64 KiB that rarely change, in files of their own and not compressed again.
rocksdb::ColumnFamilyOptions scan_options(const rocksdb::Options& main) {
  rocksdb::ColumnFamilyOptions options(main);
  options.memtable_insert_with_hint_prefix_extractor.reset();  // fails where ranges are deleted
  options.memtable_prefix_bloom_size_ratio = 0;
  options.write_buffer_size = 4U << 20;
  options.max_write_buffer_number = 2;
  options.enable_blob_files = true;
  options.min_blob_size = 1024;
  options.blob_file_size = 64U << 20;
  options.blob_compression_type = rocksdb::kNoCompression;
  options.enable_blob_garbage_collection = true;
  options.blob_garbage_collection_force_threshold = 0.5;
  return options;
}

// Updates, by ascending number: a file begins where the one before ended, so it moves down the
// levels as it is. Whoever asks for a number knows that it is there.
rocksdb::ColumnFamilyOptions update_options(const rocksdb::Options& main) {
  rocksdb::ColumnFamilyOptions options(main);
  auto table = *main.table_factory->GetOptions<rocksdb::BlockBasedTableOptions>();
  table.filter_policy.reset();
  table.block_size = 8U << 10;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

Error to_error(const rocksdb::Status& status, const std::string& path) {
  const std::string text = path + ": " + status.ToString();
  if (status.IsNoSpace()) return Error(Errc::kDiskFull, text);
  if (status.IsCorruption()) return Error(Errc::kCorrupt, text);
  if (status.IsInvalidArgument() && text.find("does not exist") != std::string::npos)
    return Error(Errc::kNotFound, text);
  // "While lock file", "lock hold by current process". Not "while open a file for lock", as where
  // the disk is read-only.
  if (status.ToString().find("lock ") != std::string::npos)
    return Error(Errc::kBusy, path + " is in use by another process");
  return Error(Errc::kIo, text);
}

// RocksDB refuses all writes once one has failed, and would like to recover by itself. It must not:
// after a failed sync the page cache holds what the disk does not.
class Database::FailureNote final : public rocksdb::EventListener {
 public:
  explicit FailureNote(std::string path) : path_(std::move(path)) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    note(*status);
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
  void note(const rocksdb::Status& status) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = to_error(status, path_);
  }
  std::optional<Error> error() const {
    const std::lock_guard lock(mutex_);
    return error_;
  }

 private:
  const std::string path_;
  mutable std::mutex mutex_;
  std::optional<Error> error_;
};

Database::Database(std::string path)
    : path_(std::move(path)), failure_(std::make_shared<FailureNote>(path_)) {}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, rocksdb::Env* env,
                                                 bool create) {
  auto database = std::unique_ptr<Database>(new Database(path));
  if (create) (env != nullptr ? env : rocksdb::Env::Default())->CreateDirIfMissing(path);
  rocksdb::Options options = small_machine_options(env, create);
  options.create_missing_column_families = true;
  options.listeners.push_back(database->failure_);
  options.max_bgerror_resume_count = 0;
  const std::vector<rocksdb::ColumnFamilyDescriptor> families{
      {rocksdb::kDefaultColumnFamilyName, options},
      {"scans", scan_options(options)},
      {"updates", update_options(options)}};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(options, path, families, &handles, &db);
  if (!status.ok()) return to_error(status, path);
  database->db_.reset(db);
  database->main_.reset(handles[0]);
  database->scans_.reset(handles[1]);
  database->updates_.reset(handles[2]);
  return database;
}

Database::~Database() = default;

rocksdb::ColumnFamilyHandle* Database::family_of(std::string_view key) const {
  return key.starts_with(kUpdateLetter) ? updates_.get() : main_.get();
}

std::optional<std::string> Database::get(std::string_view key,
                                         const rocksdb::Snapshot* snapshot) const {
  std::string value;
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  const auto status = db_->Get(options, family_of(key), slice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) throw std::runtime_error("read " + path_ + ": " + status.ToString());
  return value;
}

std::vector<std::optional<std::string>> Database::get_all(std::span<const std::string> keys) const {
  std::vector<std::optional<std::string>> out(keys.size());
  if (keys.empty()) return out;
  const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> found(keys.size());
  db_->MultiGet({}, family_of(keys[0]), keys.size(), slices.data(), values.data(), found.data());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (found[i].ok())
      out[i] = values[i].ToString();
    else if (!found[i].IsNotFound())
      throw std::runtime_error("read " + path_ + ": " + found[i].ToString());
  }
  return out;
}

void Database::scan(std::string_view prefix, std::string_view from, const Visit& visit) const {
  rocksdb::ReadOptions options;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options, family_of(prefix)));
  for (at->Seek(slice(from)); at->Valid() && has_prefix(view(at->key()), prefix); at->Next())
    if (!visit(view(at->key()), view(at->value()))) return;
  if (!at->status().ok())
    throw std::runtime_error("read " + path_ + ": " + at->status().ToString());
}

void Database::scan_range(const rocksdb::Snapshot* snapshot, std::string_view first,
                          std::string_view after, const Visit& visit) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  options.fill_cache = false;
  options.readahead_size = 256 * 1024;
  const rocksdb::Slice end = slice(after);
  options.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options, family_of(first)));
  for (at->Seek(slice(first)); at->Valid(); at->Next())
    if (!visit(view(at->key()), view(at->value()))) return;
  if (!at->status().ok())
    throw std::runtime_error("read " + path_ + ": " + at->status().ToString());
}

void Database::scan_back(std::string_view prefix, const Visit& visit) const {
  const std::unique_ptr<rocksdb::Iterator> at(
      db_->NewIterator(rocksdb::ReadOptions(), family_of(prefix)));
  const std::string end = std::string(prefix) + std::string(16, '\xff');
  for (at->SeekForPrev(end); at->Valid() && has_prefix(view(at->key()), prefix); at->Prev())
    if (!visit(view(at->key()), view(at->value()))) return;
  if (!at->status().ok())
    throw std::runtime_error("read " + path_ + ": " + at->status().ToString());
}

Result<void> Database::write(const Changes& changes, Sync sync) {
  // RocksDB takes sorted rows three times as fast.
  std::vector<std::pair<std::string_view, const Change*>> rows;
  rows.reserve(changes.rows.size() + changes.ordered.size());
  for (const auto& [key, value] : changes.rows) rows.emplace_back(key, &value);
  for (const auto& [key, value] : changes.ordered) rows.emplace_back(key, &value);
  std::ranges::sort(rows, {}, [](const auto& row) { return row.first; });
  rocksdb::WriteBatch batch(changes.bytes + 16 * rows.size());
  for (const auto& [key, value] : rows) {
    if (*value)
      batch.Put(family_of(key), slice(key), **value);
    else
      batch.Delete(family_of(key), slice(key));
  }
  rocksdb::WriteOptions options;
  options.sync = sync == Sync::kYes;
  const auto status = db_->Write(options, &batch);
  if (status.ok()) return {};
  failure_->note(status);
  return to_error(status, path_);
}

std::uint64_t Database::disk_bytes() const {
  std::uint64_t bytes = 0;
  std::uint64_t part = 0;
  for (const char* property : {"rocksdb.total-sst-files-size", "rocksdb.total-blob-file-size"})
    if (db_->GetAggregatedIntProperty(property, &part)) bytes += part;
  rocksdb::VectorLogPtr logs;
  if (db_->GetSortedWalFiles(logs).ok())
    for (const auto& log : logs) bytes += log->SizeFileBytes();
  return bytes;
}

std::optional<Error> Database::failure() const { return failure_->error(); }

std::optional<std::uint64_t> Database::free_bytes() const {
  std::uint64_t bytes = 0;
  if (!db_->GetEnv()->GetFreeSpace(path_, &bytes).ok()) return std::nullopt;
  return bytes;
}

namespace {

// Keys of numbered rows: the same but for a last byte that is one more. Where that byte turns over,
// the key is looked up.
bool follows(std::string_view key, std::string_view before) {
  return key.size() == before.size() && !key.empty() &&
         key.substr(0, key.size() - 1) == before.substr(0, before.size() - 1) &&
         static_cast<unsigned char>(key.back()) == static_cast<unsigned char>(before.back()) + 1;
}

}  // namespace

RowReader::RowReader(const Database& database) : database_(database) {}
RowReader::~RowReader() = default;

std::optional<std::string> RowReader::get(std::string_view key) {
  const bool next = follows(key, last_);
  last_ = key;
  if (!next) return database_.get(key);
  rocksdb::ColumnFamilyHandle* const family = database_.family_of(key);
  if (std::exchange(family_, family) != family)
    at_.reset(database_.db().NewIterator(rocksdb::ReadOptions(), family));
  const bool close = at_->Valid() && follows(key, view(at_->key()));
  if (close)
    at_->Next();
  else
    at_->Seek(slice(key));
  if (!at_->status().ok())
    throw std::runtime_error("read " + database_.path() + ": " + at_->status().ToString());
  if (!at_->Valid() || view(at_->key()) != key) return std::nullopt;
  return at_->value().ToString();
}

const Change* Overlay::find(std::string_view key) const {
  const auto in = [key](const auto& kind) -> const Change* {
    const auto at = kind.find(key);
    return at == kind.end() ? nullptr : &at->second;
  };
  if (kScanned.find(key.front()) != std::string_view::npos) {
    const Change* fresh = in(fresh_.ordered);
    return fresh != nullptr ? fresh : in(kept_.ordered);
  }
  const Change* fresh = in(fresh_.rows);
  return fresh != nullptr ? fresh : in(kept_.rows);
}

std::optional<std::string> Overlay::get(std::string_view key) const {
  if (const Change* change = find(key)) return *change;
  return database_.get(key);
}

std::vector<std::optional<std::string>> Overlay::get_all(std::span<const std::string> keys) const {
  auto out = database_.get_all(keys);
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (const Change* change = find(keys[i])) out[i] = *change;
  return out;
}

void Overlay::set(std::string key, Change value) {
  fresh_.bytes += key.size() + (value ? value->size() : 0);
  if (kScanned.find(key.front()) != std::string_view::npos)
    fresh_.ordered.insert_or_assign(std::move(key), std::move(value));
  else
    fresh_.rows.insert_or_assign(std::move(key), std::move(value));
}

void Overlay::scan(std::string_view prefix, std::string_view from,
                   const Database::Visit& visit) const {
  LT_CHECK(kScanned.find(prefix.front()) != std::string_view::npos);
  std::map<std::string_view, const Change*> changes;
  for (const Changes* part : {&fresh_, &kept_})  // what is there already is newer
    for (auto at = part->ordered.lower_bound(from);
         at != part->ordered.end() && has_prefix(at->first, prefix); ++at)
      changes.try_emplace(at->first, &at->second);
  auto mine = changes.begin();
  bool stopped = false;
  const auto visit_mine = [&] {
    const auto& [key, change] = *mine++;
    return !*change || visit(key, **change) || !(stopped = true);
  };
  database_.scan(prefix, from, [&](std::string_view key, std::string_view value) {
    while (mine != changes.end() && mine->first < key)
      if (!visit_mine()) return false;
    if (mine != changes.end() && mine->first == key) return visit_mine();
    return visit(key, value) || !(stopped = true);
  });
  while (!stopped && mine != changes.end()) visit_mine();
}

void Overlay::savepoint() {
  const auto merge = [](auto& from, auto& to) {
    to.merge(from);
    for (auto& [key, value] : from) to.find(key)->second = std::move(value);
    from.clear();
  };
  merge(fresh_.rows, kept_.rows);
  merge(fresh_.ordered, kept_.ordered);
  kept_.bytes += std::exchange(fresh_.bytes, 0);
}

void Overlay::rollback() { fresh_ = Changes(); }

const Changes& Overlay::take_stock() {
  savepoint();
  return kept_;
}

}  // namespace lienthong::store
