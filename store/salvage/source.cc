#include "store/salvage/source.h"

#include <rocksdb/env.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "store/replica/database.h"
#include "store/replica/rows.h"

namespace lienthong::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMain = 0, kScans = 1, kUpdates = 2;  // as of families_of()
// Letters of rows that are written once.
constexpr std::string_view kNeverChange = "USVYTNc";
constexpr std::size_t kStepsMax = 100'000;  // past what is damaged, in one scan

rocksdb::Slice slice(std::string_view view) { return {view.data(), view.size()}; }
std::string_view view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

std::string scratch_of(const std::string& path) { return path + ".scratch"; }

std::string text_of(const WriteGap& gap) {
  if (!gap.first || !gap.last) return gap.where + ": acknowledged writes are missing";
  return gap.where + ": acknowledged writes " + std::to_string(*gap.first) + " to " +
         std::to_string(*gap.last) + " are missing";
}

bool is_table(const std::string& name) { return name.ends_with(".sst") || name.ends_with(".blob"); }

}  // namespace

// The rows of the logs, in the order in which they were written.
class SalvageSource::LogRows final : public rocksdb::WriteBatch::Handler {
 public:
  LogRows(Rows& rows, Rows& scans) : rows_(rows), scans_(scans) {}
  rocksdb::Status PutCF(std::uint32_t family, const rocksdb::Slice& key,
                        const rocksdb::Slice& value) override {
    of(family)[std::string(view(key))] = std::string(view(value));
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(std::uint32_t family, const rocksdb::Slice& key) override {
    of(family)[std::string(view(key))] = std::nullopt;
    return rocksdb::Status::OK();
  }
  // Of chunks of a file whose own row is taken away with them.
  rocksdb::Status DeleteRangeCF(std::uint32_t, const rocksdb::Slice&,
                                const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }
  void LogData(const rocksdb::Slice&) override {}

 private:
  Rows& of(std::uint32_t family) { return family == kScans ? scans_ : rows_; }
  Rows& rows_;
  Rows& scans_;
};

SalvageSource::SalvageSource(std::string path) : path_(std::move(path)) {}

SalvageSource::~SalvageSource() {
  looked_.close();
  std::error_code ignored;
  fs::remove_all(scratch_of(path_), ignored);
}

Result<std::unique_ptr<SalvageSource>> SalvageSource::open(const std::string& path) {
  auto source = std::unique_ptr<SalvageSource>(new SalvageSource(path));
  LT_TRY_VOID(source->read());
  return source;
}

Result<void> SalvageSource::read() {
  if (const auto why = suspected(path_)) {
    suspected_ = true;
    findings_.push_back(*why);
  }
  const auto status = look_at(path_, nullptr, looked_);
  if (!status.ok()) findings_.push_back(status.ToString());
  const bool whole = status.ok() && names_all_files();
  if (status.ok() && !whole)
    findings_.emplace_back("MANIFEST: it leaves out tables that are there");
  if (!whole) {
    LT_TRY_VOID(repair());
  }
  const LogReading logs = read_logs(*rocksdb::Env::Default(), path_, LogBytes::kKeep);
  for (const auto& fault : logs.faults)
    findings_.push_back(fault.file + ": unreadable at byte " + std::to_string(fault.offset));
  Flushed flushed;
  flushed.sequence = looked_.db->GetLatestSequenceNumber();
  if (const auto number = get(kWriteNumberKey); number && number->size() == 8)
    flushed.write = decode_number(*number);
  gaps_ = find_gaps(logs, flushed, SyncMark::read(path_));
  for (const WriteGap& gap : gaps_) findings_.push_back(text_of(gap));
  apply_logs(logs);
  blob_files_.emplace(path_);
  unreadable_ = 0;
  return {};
}

bool SalvageSource::lacks_only_its_end() const {
  return !repaired_ && !suspected_ && gaps_.size() == 1 && gaps_.front().at_end;
}

void SalvageSource::apply_logs(const LogReading& logs) {
  LogRows rows(rows_, scan_rows_);
  for (const LogBatch& batch : logs.batches)
    rocksdb::WriteBatch(batch.bytes).Iterate(&rows).PermitUncheckedError();
}

// A list of files that ends too early leaves out files that are there.
bool SalvageSource::names_all_files() const {
  std::vector<rocksdb::LiveFileMetaData> live;
  looked_.db->GetLiveFilesMetaData(&live);
  std::set<std::string> named;
  for (const auto& file : live) named.insert(file.name.substr(file.name.find_last_of('/') + 1));
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path_, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".sst") && !named.contains(name)) return false;
  }
  return true;
}

// The files that hold rows, by other names in a folder of its own, and a new list of them.
Result<void> SalvageSource::repair() {
  repaired_ = true;
  looked_.close();
  const fs::path scratch = scratch_of(path_);
  std::error_code problem;
  fs::remove_all(scratch, problem);
  fs::create_directories(scratch, problem);
  if (problem) return Error(Errc::kIo, scratch.string() + ": " + problem.message());
  for (const auto& entry : fs::directory_iterator(path_, problem)) {
    const std::string name = entry.path().filename().string();
    if (!is_table(name)) continue;
    fs::create_hard_link(entry.path(), scratch / name, problem);
    if (problem) fs::copy_file(entry.path(), scratch / name, problem);
    if (problem) return Error(Errc::kIo, (scratch / name).string() + ": " + problem.message());
  }
  rocksdb::Options options = small_machine_options(nullptr, true);
  options.create_missing_column_families = true;
  options.disable_auto_compactions = true;
  auto status = rocksdb::RepairDB(scratch.string(), options, families_of(options));
  if (!status.ok()) {  // only the logs are read
    findings_.push_back(status.ToString());
    fs::remove_all(scratch, problem);
  }
  // A family without any table that can be read is not there: it is made, empty.
  rocksdb::DB* made = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  status = rocksdb::DB::Open(options, scratch.string(), families_of(options), &handles, &made);
  for (rocksdb::ColumnFamilyHandle* handle : handles) delete handle;
  delete made;
  if (status.ok()) status = look_at(scratch.string(), nullptr, looked_);
  if (!status.ok()) return to_error(status, scratch.string());
  for (const auto& entry : fs::directory_iterator(scratch / "lost", problem))
    findings_.push_back(entry.path().filename().string() + ": unreadable");
  return {};
}

std::optional<std::string> SalvageSource::get(const Rows& rows, std::size_t family,
                                              std::string_view key) const {
  if (const auto at = rows.find(key); at != rows.end()) return at->second;
  if (!looked_.families[family]) return std::nullopt;
  std::string value;
  const auto status = looked_.db->Get({}, looked_.families[family].get(), slice(key), &value);
  if (status.ok()) return value;
  if (status.IsNotFound()) return std::nullopt;
  if (family != kScans && kNeverChange.find(key.front()) != std::string_view::npos)
    if (auto found = get_from_tables(key)) return found;
  ++unreadable_;
  return std::nullopt;
}

// RocksDB looks into the newer tables first, and gives up where one has a bad block there.
std::optional<std::string> SalvageSource::get_from_tables(std::string_view key) const {
  std::vector<rocksdb::LiveFileMetaData> live;
  looked_.db->GetLiveFilesMetaData(&live);
  for (const auto& file : live) {
    if (key < file.smallestkey || key > file.largestkey) continue;
    rocksdb::SstFileReader reader(small_machine_options(nullptr, false));
    const std::string slash = file.name.starts_with('/') ? "" : "/";
    if (!reader.Open(file.db_path + slash + file.name).ok()) continue;
    const std::unique_ptr<rocksdb::Iterator> at(reader.NewIterator({}));
    at->Seek(slice(key));
    if (at->Valid() && view(at->key()) == key) return std::string(view(at->value()));
  }
  return std::nullopt;
}

std::optional<std::string> SalvageSource::get(std::string_view key) const {
  return get(rows_, key.starts_with('U') ? kUpdates : kMain, key);
}

// What is missing of scans is counted by who asks.
std::optional<std::string> SalvageSource::get_scan_row(std::string_view key) const {
  const std::uint64_t unreadable = unreadable_;
  auto row = get(scan_rows_, kScans, key);
  unreadable_ = unreadable;
  if (!row && !scan_rows_.contains(key)) row = blob_files_->get(key);
  return row;
}

void SalvageSource::scan(const Rows& rows, std::size_t family, std::string_view prefix,
                         const Visit& visit) const {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> at(
      looked_.families[family] ? looked_.db->NewIterator(options, looked_.families[family].get())
                               : rocksdb::NewEmptyIterator());
  auto mine = rows.lower_bound(prefix);
  const auto visit_mine_before = [&](std::optional<std::string_view> key) {
    for (; mine != rows.end() && mine->first.starts_with(prefix) && (!key || mine->first < *key);
         ++mine)
      if (mine->second) visit(mine->first, *mine->second);
  };
  std::string last(prefix);
  at->Seek(slice(prefix));
  for (std::size_t steps = 0; steps < kStepsMax;) {
    if (!at->status().ok()) {
      ++unreadable_;
      ++steps;
      if (!step_past_damage(*at, prefix, last)) break;
    }
    if (!at->Valid() || !view(at->key()).starts_with(prefix)) break;
    last = view(at->key());
    visit_mine_before(last);
    if (mine == rows.end() || mine->first != last) visit(last, view(at->value()));
    at->Next();
  }
  visit_mine_before(std::nullopt);
}

void SalvageSource::scan(std::string_view prefix, const Visit& visit) const {
  scan(rows_, prefix.starts_with('U') ? kUpdates : kMain, prefix, visit);
}

void SalvageSource::scan_scan_rows(std::string_view prefix, const Visit& visit) const {
  const std::uint64_t unreadable = unreadable_;
  scan(scan_rows_, kScans, prefix, visit);
  unreadable_ = unreadable;
}

std::uint64_t SalvageSource::last_number(char letter) const {
  std::uint64_t last = 0;
  const auto see = [&](std::string_view key) {
    if (key.size() == 9 && key.front() == letter)
      last = std::max(last, decode_number(key.substr(1)));
  };
  for (auto at = rows_.lower_bound(std::string(1, letter));
       at != rows_.end() && at->first.front() == letter; ++at)
    see(at->first);
  const std::string end(1, static_cast<char>(letter + 1));
  if (const auto& family = looked_.families[letter == 'U' ? kUpdates : kMain]) {
    const std::unique_ptr<rocksdb::Iterator> at(looked_.db->NewIterator({}, family.get()));
    at->SeekForPrev(end);
    if (at->Valid()) see(view(at->key()));
  }
  std::vector<rocksdb::LiveFileMetaData> live;
  looked_.db->GetLiveFilesMetaData(&live);
  for (const auto& file : live) {
    see(file.smallestkey);
    see(file.largestkey);
  }
  return last;
}

}  // namespace lienthong::store
