#include "store/replica/database.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/transaction_log.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>

#include "store/replica/database_options.h"
#include "store/replica/rows.h"

namespace lienthong::store {
namespace {

constexpr char kUpdateLetter = 'U';  // key::update()

rocksdb::Slice slice(std::string_view view) { return {view.data(), view.size()}; }
std::string_view view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }
bool has_prefix(std::string_view key, std::string_view prefix) {
  return key.substr(0, prefix.size()) == prefix;
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
  // A corrupt file is noted beside the folder too, for whoever opens it next.
  void note_beside() { beside_ = true; }
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    note(*status);
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
  void note(const rocksdb::Status& status) {
    const std::lock_guard lock(mutex_);
    if (beside_ && status.IsCorruption()) note_suspect(path_, status.ToString());
    if (!error_) error_ = to_error(status, path_);
  }
  std::optional<Error> error() const {
    const std::lock_guard lock(mutex_);
    return error_;
  }

 private:
  const std::string path_;
  std::atomic<bool> beside_{false};
  mutable std::mutex mutex_;
  std::optional<Error> error_;
};

Database::Database(std::string path)
    : path_(std::move(path)), failure_(std::make_shared<FailureNote>(path_)) {}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, rocksdb::Env* env,
                                                 bool create, MissingEnd missing_end) {
  auto database = std::unique_ptr<Database>(new Database(path));
  rocksdb::Env& files = env != nullptr ? *env : *rocksdb::Env::Default();
  auto sound = check_soundness(path, env, missing_end);
  const bool missing = !sound && sound.error().code() == Errc::kNotFound;
  if (!sound && !(missing && create)) return sound.error();
  if (env == nullptr) database->failure_->note_beside();
  if (sound) database->made_anew_ = std::move(sound->made_anew);
  if (missing) {
    files.CreateDirIfMissing(path).PermitUncheckedError();
    files.DeleteFile(SyncMark::path_of(path))
        .PermitUncheckedError();  // of one that was here before
  }
  rocksdb::Options options = small_machine_options(env, create);
  options.create_missing_column_families = true;
  options.listeners.push_back(database->failure_);
  options.max_bgerror_resume_count = 0;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(options, path, families_of(options), &handles, &db);
  if (!status.ok() && status.IsIOError() && status.IsPathNotFound())
    return Error(Errc::kCorrupt, path + ": " + status.ToString());
  if (!status.ok()) return to_error(status, path);
  database->db_.reset(db);
  database->main_.reset(handles[0]);
  database->scans_.reset(handles[1]);
  database->updates_.reset(handles[2]);
  database->begin_numbering();
  if (env == nullptr) {
    database->mark_ = std::make_unique<SyncMarkFile>(path);
    if (missing_end == MissingEnd::kRefuse)
      database->mark_->note({database->synced_, database->write_number_});
  }
  return database;
}

// Opening has written what the logs held into files that are synced.
void Database::begin_numbering() {
  synced_ = db_->GetLatestSequenceNumber();
  if (const auto number = get(kWriteNumberKey)) write_number_ = decode_number(*number);
}

void Database::note_damage(const rocksdb::Status& status) const { failure_->note(status); }

void Database::broken_read(const rocksdb::Status& status) const {
  if (status.IsCorruption()) failure_->note(status);
  throw std::runtime_error("read " + path_ + ": " + status.ToString());
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
  if (!status.ok()) broken_read(status);
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
      broken_read(found[i]);
  }
  return out;
}

void Database::scan(std::string_view prefix, std::string_view from, const Visit& visit) const {
  std::unique_ptr<rocksdb::Iterator> at(
      db_->NewIterator(rocksdb::ReadOptions(), family_of(prefix)));
  scan(at, prefix, from, visit);
}

void Database::scan(std::unique_ptr<rocksdb::Iterator>& at, std::string_view prefix,
                    std::string_view from, const Visit& visit) const {
  if (!at) at.reset(db_->NewIterator(rocksdb::ReadOptions(), main_.get()));
  for (at->Seek(slice(from)); at->Valid() && has_prefix(view(at->key()), prefix); at->Next())
    if (!visit(view(at->key()), view(at->value()))) return;
  if (!at->status().ok()) broken_read(at->status());
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
  if (!at->status().ok()) broken_read(at->status());
}

void Database::scan_back(std::string_view prefix, const Visit& visit) const {
  const std::unique_ptr<rocksdb::Iterator> at(
      db_->NewIterator(rocksdb::ReadOptions(), family_of(prefix)));
  const std::string end = std::string(prefix) + std::string(16, '\xff');
  for (at->SeekForPrev(end); at->Valid() && has_prefix(view(at->key()), prefix); at->Prev())
    if (!visit(view(at->key()), view(at->value()))) return;
  if (!at->status().ok()) broken_read(at->status());
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
  return write(batch, sync);
}

// One after the other, so that the numbers of writes lie in the log in their order.
Result<void> Database::write(rocksdb::WriteBatch& batch, Sync sync) {
  const std::lock_guard lock(writing_);
  const std::uint64_t number = write_number_ + 1;
  batch.Put(main_.get(), kWriteNumberKey, encode_number(number)).PermitUncheckedError();
  batch.PutLogData(synced_note(synced_)).PermitUncheckedError();
  rocksdb::WriteOptions options;
  options.sync = sync == Sync::kYes;
  const auto status = db_->Write(options, &batch);
  if (!status.ok()) {
    failure_->note(status);
    return to_error(status, path_);
  }
  write_number_ = number;
  if (sync == Sync::kNo) return {};
  synced_ = db_->GetLatestSequenceNumber();  // nobody else writes meanwhile
  if (mark_) mark_->note({synced_, number});
  return {};
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
  if (!at_->status().ok()) database_.broken_read(at_->status());
  if (!at_->Valid() || view(at_->key()) != key) return std::nullopt;
  return at_->value().ToString();
}

Overlay::Overlay(const Database& database) : database_(database) {}
Overlay::~Overlay() = default;

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
  // Whoever visits may scan as well, by another one.
  std::unique_ptr<rocksdb::Iterator> at = std::move(at_);
  database_.scan(at, prefix, from, [&](std::string_view key, std::string_view value) {
    while (mine != changes.end() && mine->first < key)
      if (!visit_mine()) return false;
    if (mine != changes.end() && mine->first == key) return visit_mine();
    return visit(key, value) || !(stopped = true);
  });
  while (!stopped && mine != changes.end()) visit_mine();
  at_ = std::move(at);
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
  at_.reset();  // what is written next it would not see
  savepoint();
  return kept_;
}

}  // namespace lienthong::store
