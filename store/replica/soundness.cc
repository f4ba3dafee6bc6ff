#include "store/replica/soundness.h"

#include <rocksdb/env.h>
#include <rocksdb/utilities/options_util.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "store/replica/database.h"
#include "store/replica/database_options.h"
#include "store/replica/rows.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kIdentityBytes = 36;  // a UUID

// Held while the folder is looked at, so that no other process is at work in it.
class FolderLock {
 public:
  FolderLock(rocksdb::Env& env, const std::string& path) : env_(env) {
    status_ = env.LockFile(path + "/LOCK", &lock_);
  }
  ~FolderLock() {
    if (lock_ != nullptr) env_.UnlockFile(lock_).PermitUncheckedError();
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  const rocksdb::Status& status() const { return status_; }

 private:
  rocksdb::Env& env_;
  rocksdb::FileLock* lock_ = nullptr;
  rocksdb::Status status_;
};

// Of opening: no room and a disk that does not answer are no damage.
bool is_damage(const rocksdb::Status& status) {
  return !status.IsNoSpace() && (!status.IsIOError() || status.IsPathNotFound());
}

Error damaged(const std::string& path, const std::string& what) {
  return Error(Errc::kCorrupt, path + ": " + what);
}

bool is_part_of_a_database(const std::string& name) {
  return name.ends_with(".sst") || name.ends_with(".log") || name.ends_with(".blob") ||
         name.starts_with("MANIFEST-") || name == "CURRENT";
}

void look_at_small_files(const std::string& path, rocksdb::Env& env, Soundness& out) {
  std::string identity;
  if (!rocksdb::ReadFileToString(&env, path + "/IDENTITY", &identity).ok() ||
      identity.find_last_not_of('\n') + 1 != kIdentityBytes)
    out.made_anew.emplace_back("IDENTITY");
  rocksdb::ConfigOptions how;
  how.env = &env;
  how.ignore_unknown_options = true;
  rocksdb::DBOptions options;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  if (!rocksdb::LoadLatestOptions(how, path, &options, &families).ok() ||
      families.size() != families_of(rocksdb::Options()).size())
    out.made_anew.emplace_back("OPTIONS");
}

std::string text_of(const WriteGap& gap) {
  if (!gap.first || !gap.last) return gap.where + ": acknowledged writes are missing";
  return gap.where + ": acknowledged writes " + std::to_string(*gap.first) + " to " +
         std::to_string(*gap.last) + " are missing";
}

}  // namespace

std::vector<WriteGap> find_gaps(const LogReading& logs, const Flushed& flushed,
                                const std::optional<SyncMark>& mark) {
  struct Hole {
    std::uint64_t begins;  // sequence number
    WriteGap gap;
  };
  std::vector<Hole> holes;
  std::uint64_t synced = mark ? mark->sequence : 0;
  std::uint64_t end = flushed.sequence;
  std::optional<std::uint64_t> write = flushed.write;
  const LogBatch* before = nullptr;
  for (const LogBatch& batch : logs.batches) {
    synced = std::max(synced, batch.synced);
    const bool first = before == nullptr;
    const bool follows =
        first ? batch.first <= flushed.sequence + 1 &&
                    !(write && batch.write_number && *batch.write_number > *write + 1) &&
                    std::ranges::none_of(logs.faults,
                                         [&](const auto& fault) {
                                           return fault.file == batch.file && fault.offset == 0;
                                         })
              : batch.first <= end + 1;
    if (!follows) {
      WriteGap gap{
          first || before->file == batch.file ? batch.file : before->file + ", " + batch.file,
          {},
          {}};
      if (write && batch.write_number && *write + 1 < *batch.write_number) {
        gap.first = *write + 1;
        gap.last = *batch.write_number - 1;
      }
      // Where it begins is not known before the first record: something that was synced is there.
      holes.push_back({first ? 0 : end + 1, std::move(gap)});
    }
    end = first ? batch.last() : std::max(end, batch.last());
    if (batch.write_number) write = batch.write_number;
    before = &batch;
  }
  end = std::max(end, flushed.sequence);
  if (mark && mark->sequence > end) {
    WriteGap gap{logs.files.empty() ? "the log" : logs.files.back(), {}, {}, true};
    if (write && *write < mark->write) {
      gap.first = *write + 1;
      gap.last = mark->write;
    }
    holes.push_back({end + 1, std::move(gap)});
  }
  std::vector<WriteGap> out;
  for (Hole& hole : holes)
    if (hole.begins <= synced) out.push_back(std::move(hole.gap));
  return out;
}

namespace {

Result<Flushed> flushed_of(const LookedAt& looked) {
  Flushed out;
  out.sequence = looked.db->GetLatestSequenceNumber();
  std::string value;
  const auto status = looked.db->Get({}, looked.families[0].get(), kWriteNumberKey, &value);
  if (status.ok() && value.size() == 8) out.write = decode_number(value);
  if (!status.ok() && !status.IsNotFound()) return Error(Errc::kCorrupt, status.ToString());
  return out;
}

Result<void> check_files(const std::string& path, rocksdb::Env* env, rocksdb::Env& files,
                         MissingEnd missing_end) {
  LookedAt looked;
  const auto status = look_at(path, env, looked);
  if (!status.ok() && !is_damage(status)) {
    const Error why = to_error(status, path);
    return why;
  }
  if (!status.ok()) return damaged(path, status.ToString());
  auto flushed = flushed_of(looked);
  if (!flushed) return damaged(path, flushed.error().detail());
  const auto mark = env == nullptr ? SyncMark::read(path) : std::nullopt;
  const auto gaps = find_gaps(read_logs(files, path, LogBytes::kDrop), *flushed, mark);
  for (const WriteGap& gap : gaps)
    if (!gap.at_end || missing_end == MissingEnd::kRefuse) return damaged(path, text_of(gap));
  return {};
}

}  // namespace

Result<Soundness> check_soundness(const std::string& path, rocksdb::Env* env,
                                  MissingEnd missing_end) {
  rocksdb::Env& files = env != nullptr ? *env : *rocksdb::Env::Default();
  std::vector<std::string> children;
  if (!files.GetChildren(path, &children).ok() ||
      std::ranges::none_of(children, is_part_of_a_database))
    return Error(Errc::kNotFound, path + ": no database is there");
  const FolderLock lock(files, path);
  if (!lock.status().ok()) {
    const Error why = to_error(lock.status(), path);
    return why;
  }
  if (env == nullptr)
    if (const auto why = suspected(path)) return damaged(path, *why);
  if (std::ranges::find(children, "CURRENT") == children.end())
    return damaged(path, "CURRENT is missing");
  LT_TRY_VOID(check_files(path, env, files, missing_end));
  Soundness out;
  look_at_small_files(path, files, out);
  return out;
}

std::string suspect_path(const std::string& path) { return path + ".suspect"; }

void note_suspect(const std::string& path, const std::string& what) {
  std::ofstream(suspect_path(path)) << what << '\n';
}

std::optional<std::string> suspected(const std::string& path) {
  std::ifstream file(suspect_path(path));
  std::string line;
  if (!file || !std::getline(file, line)) return std::nullopt;
  return line;
}

}  // namespace lienthong::store
