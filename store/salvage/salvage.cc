#include "store/salvage/salvage.h"

#include <fcntl.h>
#include <rocksdb/env.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "protocol/record/codec.h"
#include "store/replica/change_log.h"
#include "store/replica/raw.h"
#include "store/replica/reads.h"
#include "store/replica/registry_copy.h"
#include "store/replica/soundness.h"
#include "store/salvage/source.h"
#include "store/scans/blobs_salvage.h"

namespace lienthong::store {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kProgressEvery = 1000;
constexpr std::uint64_t kFlushEvery = 64;  // updates; records held open are written then
constexpr std::size_t kCommitBytes = 512U << 10;
// Whole in the new folder once everything is in it.
constexpr std::string_view kWholeFile = "SALVAGED";

std::string fresh_of(const std::string& path) { return path + ".salvaged"; }

Error io_error(const fs::path& path, const std::error_code& problem) {
  return Error(problem == std::errc::no_space_on_device ? Errc::kDiskFull : Errc::kIo,
               path.string() + ": " + problem.message());
}

void sync_folder(const fs::path& path) {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);
  ::close(folder);
}

// Rows of what was damaged may be anything.
template <class Read>
auto tried(Read read) -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

void count_gaps(const SalvageSource& source, Damage& damage) {
  damage.writes_missing = 0;
  for (const WriteGap& gap : source.gaps()) {
    if (!gap.first || !gap.last) {
      damage.writes_missing.reset();
      return;
    }
    damage.writes_missing = *damage.writes_missing + (*gap.last - *gap.first + 1);
    if (damage.first_write == 0) damage.first_write = *gap.first;
    damage.last_write = *gap.last;
  }
}

// What was found before, and nobody has seen yet.
void add_findings_before(const SalvageSource& source, Damage& damage) {
  const auto row = source.get(key::local("damage"));
  const auto before = row ? decode_damage(as_bytes(*row)) : std::nullopt;
  if (before && before->seen_at == 0)
    damage.findings.insert(damage.findings.begin(), before->findings.begin(),
                           before->findings.end());
}

class Salvage {
 public:
  Salvage(SalvageRequest request, const SalvageSource& source, std::string kept_as)
      : request_(std::move(request)), source_(source) {
    damage_.at = request_.now;
    damage_.kept_as = std::move(kept_as);
    damage_.findings = source.findings();
  }

  Result<Damage> run() {
    LT_TRY_VOID(check_layout());
    LT_TRY_VOID(make_replica());
    copy_values();
    LT_TRY_VOID(take_back_updates());
    take_back_waiting();
    LT_TRY_VOID(copy_scans());
    LT_TRY_VOID(finish());
    return damage_;
  }

 private:
  // Of another program's rows nothing is known.
  Result<void> check_layout() const {
    const auto version = source_.get(key::meta("version"));
    if (!version || *version == encode_number(kLayoutVersion)) return {};
    return Error(Errc::kNewerVersion, request_.options.path +
                                          " is damaged and of another layout: use the program "
                                          "that wrote it");
  }

  Result<void> make_replica() {
    std::vector<Statement> statements;
    std::uint64_t there = 0;
    source_.scan("T", [&](std::string_view, std::string_view value) {
      ++there;
      if (auto row = tried([&] { return decode_statement_row(value); }))
        statements.push_back(std::move(row->statement));
    });
    const std::uint64_t known = counter(&Ledger::statements).value_or(source_.last_number('T'));
    if (auto copy = read_registry_copy(request_.options.path)) {
      // In front, for they are whole and in order; those that are here as well count once.
      copy->insert(copy->end(), statements.begin(), statements.end());
      statements = *std::move(copy);
    }
    LT_TRY(statements, in_order(request_.root, statements));
    if (known > statements.size()) damage_.statements_missing = known - statements.size();
    Options options = request_.options;
    options.path = fresh_of(options.path);
    options.create = true;
    LT_TRY(replica_, Replica::open(options, std::move(request_.identity), request_.root));
    LT_TRY_VOID(replica_->bootstrap(statements));
    Transaction transaction(*replica_, request_.now);
    transaction.end_taking_back(Lost::kYes);  // meanwhile the desk does nothing by itself
    return transaction.commit(Sync::kNo);
  }

  static Result<std::vector<Statement>> in_order(const RootFingerprint& root,
                                                 const std::vector<Statement>& all) {
    for (const Statement& genesis : all) {
      auto first = Registry::create(root, genesis);
      if (!first.ok()) continue;
      std::vector<Statement> out{genesis};
      std::set<StatementId> kept{statement_id(root, genesis)};
      std::vector<std::optional<Error>> failed;
      (void)first->grow(all, failed);
      for (std::size_t i = 0; i < all.size(); ++i)
        if (!failed[i] && kept.insert(statement_id(root, all[i])).second) out.push_back(all[i]);
      return out;
    }
    return Error(Errc::kCorrupt, "neither the database nor the copy beside it has the registry");
  }

  template <class T>
  std::optional<T> counter(T Ledger::*which) const {
    const auto row = source_.get(key::meta("counters"));
    if (!row) return std::nullopt;
    return tried([&] {
      Ledger ledger;
      decode_counters(*row, ledger);
      return ledger.*which;
    });
  }

  // Small values, and the numbers of sessions, which must not be used twice.
  void copy_values() {
    Changes changes;
    for (const std::string_view letter : {"L", "Z"})
      source_.scan(letter, [&](std::string_view key, std::string_view value) {
        changes.rows.emplace(std::string(key), std::string(value));
      });
    (void)RawReplica(*replica_).database().write(changes).ok();
  }

  // ---- updates ----

  NodeId node_of(std::uint32_t number) {
    auto [at, added] = nodes_.try_emplace(number);
    if (added)
      if (const auto row = source_.get(key::node(number)))
        if (const auto id = tried([&] { return NodeId::from(as_bytes(*row)); })) at->second = *id;
    return at->second;
  }

  std::optional<SealEvidence> evidence_of(std::uint32_t number) {
    if (const auto row = source_.get(key::evidence(number)))
      if (auto evidence = SealEvidence::decode(as_bytes(*row)); evidence.ok())
        return *std::move(evidence);
    return std::nullopt;
  }

  // nullopt: it cannot be read.
  std::optional<std::pair<Salvaged, UpdateRow>> read(std::uint64_t number,
                                                     const std::string& bytes) {
    return tried([&] {
      UpdateRow row = decode_update_row(bytes);
      Salvaged out;
      if (row.source != 0) out.from = node_of(row.source);
      out.update = row.update;
      const auto sealed = read_update_seal(source_, row, number);
      auto evidence = sealed ? evidence_of(sealed->seal) : std::nullopt;
      if (evidence && evidence->leaf(sealed->leaf) == id_cast<Hash256>(row.id)) {
        const std::uint16_t leaf = sealed->leaf;
        out.seal = evidence->seal();
        out.index = leaf;
        out.proof = evidence->prove(request_.root, std::span(&leaf, 1));
      }
      return std::pair(std::move(out), std::move(row));
    });
  }

  void miss(std::uint64_t number) { missing_.insert(number); }

  // What stands at a number at which there is no update: another change, or nothing.
  void look_for_change(std::uint64_t number) {
    const auto row = source_.get(key::change(number));
    const auto change = row ? tried([&] { return decode_change_row(*row); }) : std::nullopt;
    if (!change) return miss(number);
    if (change->kind == ChangeKind::kWithdrawn) missing_.erase(change->update_number);
    withdrawn_.insert(change->update);
  }

  // Each at the time at which it came, and those of one moment in one commit, which is not synced:
  // finish() is.
  Result<void> take_back_updates() {
    const std::uint64_t last =
        std::max(source_.last_number('U'), counter(&Ledger::updates).value_or(0));
    for (std::uint64_t number = 1; number <= last; ++number) {  // they say what was taken back
      if (!source_.get(key::update(number))) look_for_change(number);
    }
    std::unique_ptr<Transaction> transaction;
    for (std::uint64_t number = 1; number <= last; ++number) {
      if (number % kProgressEvery == 0 && request_.going_on && !request_.going_on({number, last}))
        return Error(Errc::kClosed, "stopped");
      const auto bytes = source_.get(key::update(number));
      if (!bytes) continue;
      auto found = read(number, *bytes);
      if (!found) {
        miss(number);
        continue;
      }
      auto& [salvaged, row] = *found;
      if (withdrawn_.contains(row.id)) continue;
      if (!transaction || transaction->now() != row.received_at ||
          transaction->bytes() > kCommitBytes) {
        if (transaction) LT_TRY_VOID(transaction->commit(Sync::kNo));
        transaction.reset();
        transaction = std::make_unique<Transaction>(*replica_, row.received_at);
      }
      if (number % kFlushEvery == 0) transaction->savepoint();
      const ReceiveOutcome outcome = transaction->take_back(salvaged);
      if (!outcome.refused.empty()) miss(number);
    }
    if (transaction) LT_TRY_VOID(transaction->commit(Sync::kNo));
    return {};
  }

  void take_back_waiting() {
    Transaction transaction(*replica_, request_.now);
    source_.scan("P", [&](std::string_view, std::string_view value) {
      const auto row = tried([&] { return decode_pen_row(value); });
      if (!row || row->unit.leaves.empty()) return;
      const SealedLeaf& leaf = row->unit.leaves.front();
      (void)transaction.take_back(
          {row->entry.from, leaf.update, row->unit.seal, leaf.index, row->unit.proof});
    });
    (void)transaction.commit(Sync::kNo).ok();
  }

  Result<void> copy_scans() {
    ScanRows rows;
    rows.get = [this](std::string_view key) { return source_.get_scan_row(key); };
    rows.scan = [this](std::string_view prefix, const SalvageSource::Visit& visit) {
      source_.scan_scan_rows(prefix, visit);
    };
    LT_TRY(damage_.scans_missing, salvage_scans(rows, *replica_));
    return {};
  }

  // ---- the end ----

  void count() {
    const Counts counts = replica_->counts();
    damage_.updates_kept = counts.updates;
    damage_.updates_waiting = counts.waiting;
    damage_.updates_missing = missing_.size();
    if (!missing_.empty()) {
      damage_.first_update = *missing_.begin();
      damage_.last_update = *missing_.rbegin();
    }
    count_gaps(source_, damage_);
  }

  Result<void> finish() {
    count();
    damage_.unsure = source_.repaired() || source_.unreadable() > 0;
    const bool lost = damage_.lost_something() || damage_.unsure;
    Transaction transaction(*replica_, request_.now);
    transaction.end_taking_back(lost ? Lost::kYes : Lost::kNo);
    add_findings_before(source_, damage_);
    note_damage(transaction, damage_);
    return transaction.commit(Sync::kYes);
  }

  SalvageRequest request_;
  const SalvageSource& source_;
  Damage damage_;
  std::unique_ptr<Replica> replica_;
  std::map<std::uint32_t, NodeId> nodes_;
  std::set<std::uint64_t> missing_;  // local numbers
  std::set<UpdateId> withdrawn_;
};

// "store.damaged-20260401T073000Z", and with "-2" and so on where that is taken.
std::string kept_name(const std::string& path, UnixMillis now) {
  const std::time_t seconds = static_cast<std::time_t>(now / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &utc);
  const std::string name = path + ".damaged-" + std::string(text.data(), size);
  std::string out = name;
  for (int n = 2; fs::exists(out); ++n) out = name + "-" + std::to_string(n);
  return out;
}

void remove_oldest_kept(const std::string& path) {
  const fs::path database(path);
  const std::string prefix = database.filename().string() + ".damaged-";
  std::vector<fs::path> kept;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(database.parent_path(), ignored))
    if (entry.path().filename().string().starts_with(prefix)) kept.push_back(entry.path());
  std::ranges::sort(kept, std::greater<>());
  for (std::size_t i = kDamagedKeptMax; i < kept.size(); ++i) fs::remove_all(kept[i], ignored);
}

Result<void> mark_whole(const std::string& fresh) {
  const fs::path path = fs::path(fresh) / kWholeFile;
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
  const bool ok = file >= 0 && ::fsync(file) == 0;
  if (file >= 0) ::close(file);
  if (!ok) return io_error(path, std::error_code(errno, std::generic_category()));
  sync_folder(fresh);
  return {};
}

void remove_fresh(const std::string& path) {
  std::error_code ignored;
  fs::remove_all(fresh_of(path), ignored);
  fs::remove(SyncMark::path_of(fresh_of(path)), ignored);
}

// The LOCK of the database's folder, while it is read.
class HeldLock {
 public:
  explicit HeldLock(const std::string& path)
      : status_(rocksdb::Env::Default()->LockFile(path + "/LOCK", &lock_)) {}
  ~HeldLock() {
    if (lock_ != nullptr) rocksdb::Env::Default()->UnlockFile(lock_).PermitUncheckedError();
  }
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;
  const rocksdb::Status& status() const { return status_; }

 private:
  rocksdb::FileLock* lock_ = nullptr;
  rocksdb::Status status_;
};

}  // namespace

namespace {

// A database that lacks its last writes and nothing else goes on as the older copy that it is.
Result<Damage> go_on_as_older_copy(SalvageRequest request, const SalvageSource& source,
                                   const std::string& kept) {
  Damage damage;
  damage.at = request.now;
  damage.kept_as = fs::path(kept).filename().string();
  damage.findings = source.findings();
  count_gaps(source, damage);
  add_findings_before(source, damage);
  std::error_code problem;
  fs::create_directories(kept, problem);
  for (const auto& entry : fs::directory_iterator(request.options.path, problem))
    if (!problem && entry.path().extension() == ".log")
      fs::copy_file(entry.path(), fs::path(kept) / entry.path().filename(), problem);
  if (problem) return io_error(kept, problem);
  request.options.accept_missing_end = true;
  LT_TRY(const auto replica,
         Replica::open(request.options, std::move(request.identity), request.root));
  Transaction transaction(*replica, request.now);
  transaction.end_taking_back(Lost::kYes);
  damage.updates_kept = replica->counts().updates;
  note_damage(transaction, damage);
  LT_TRY_VOID(transaction.commit(Sync::kYes));
  remove_oldest_kept(request.options.path);
  return damage;
}

}  // namespace

void finish_salvage(const std::string& path) {
  std::error_code problem;
  const std::string fresh = fresh_of(path);
  if (fs::exists(path, problem) || !fs::exists(fs::path(fresh) / kWholeFile, problem)) return;
  fs::rename(SyncMark::path_of(fresh), SyncMark::path_of(path), problem);
  fs::remove(suspect_path(path), problem);
  fs::rename(fresh, path, problem);
  sync_folder(fs::path(path).parent_path());
  fs::remove(fs::path(path) / kWholeFile, problem);
  remove_oldest_kept(path);
}

Result<Damage> salvage(SalvageRequest request) {
  const std::string path = request.options.path;
  LT_CHECK(request.options.env == nullptr);
  const std::string kept = kept_name(path, request.now);
  std::optional<HeldLock> lock(path);
  if (!lock->status().ok()) {
    const Error why = to_error(lock->status(), path);
    return why;
  }
  remove_fresh(path);
  LT_TRY(auto source, SalvageSource::open(path));
  if (source->lacks_only_its_end()) {
    lock.reset();
    return go_on_as_older_copy(std::move(request), *source, kept);
  }
  auto done = [&]() -> Result<Damage> {
    Salvage work(std::move(request), *source, fs::path(kept).filename().string());
    return work.run();
  }();
  source.reset();
  Result<void> whole = done.ok() ? mark_whole(fresh_of(path)) : Result<void>(done.error());
  if (!whole.ok()) {
    remove_fresh(path);
    return whole.error();
  }
  std::error_code problem;
  fs::rename(path, kept, problem);
  if (problem) return io_error(kept, problem);
  sync_folder(fs::path(path).parent_path());
  finish_salvage(path);
  return done;
}

Result<Damage> begin_anew(SalvageRequest request) {
  const std::string path = request.options.path;
  std::error_code problem;
  fs::remove(path, problem);  // an empty folder
  if (fs::exists(path)) return Error(Errc::kConflict, path + " is there and is not empty");
  Damage damage;
  damage.at = request.now;
  damage.store_was_gone = true;
  damage.findings.push_back(path + " was gone");
  if (const auto mark = SyncMark::read(path)) {
    damage.writes_missing = mark->write;
    damage.first_write = 1;
    damage.last_write = mark->write;
  }
  LT_TRY(auto statements, read_registry_copy(path));
  remove_fresh(path);
  request.options.path = fresh_of(path);
  request.options.create = true;
  {
    LT_TRY(const auto replica,
           Replica::open(request.options, std::move(request.identity), request.root));
    LT_TRY_VOID(replica->bootstrap(statements));
    Transaction transaction(*replica, request.now);
    transaction.end_taking_back(Lost::kYes);
    note_damage(transaction, damage);
    LT_TRY_VOID(transaction.commit(Sync::kYes));
  }
  LT_TRY_VOID(mark_whole(fresh_of(path)));
  finish_salvage(path);
  return damage;
}

}  // namespace lienthong::store
