#include "store/backup/backup.h"

#include <fcntl.h>
#include <rocksdb/db.h>
#include <rocksdb/utilities/checkpoint.h>
#include <sodium/crypto_box.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>

#include "protocol/base/text_fields.h"
#include "store/backup/sealed_file.h"
#include "store/replica/database_options.h"
#include "store/replica/local_names.h"
#include "store/replica/raw.h"

namespace lienthong::store {
namespace {

namespace fs = std::filesystem;

using backup::ContentHash;
using backup::decrypt;
using backup::derive;
using backup::encrypt;
using backup::File;
using backup::file_error;
using backup::Key32;
using backup::Source;
using backup::sync_folder;

constexpr std::string_view kMagic = "LTBACKUP";  // before the names of a backup's objects
constexpr std::string_view kEnding = ".backup";
constexpr std::string_view kKind = "backup";  // of its list, as text
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kPieceBytes = 64U << 10;
constexpr std::size_t kWrappedBytes = 32 + crypto_box_SEALBYTES;

fs::path object_path(const fs::path& folder, const Hash256& name) {
  const std::string hex = name.hex();
  return folder / "objects" / hex.substr(0, 2) / hex;
}

// ---- what a backup holds ----

struct Entry {
  std::string path;  // in the data folder
  std::uint64_t size = 0;
  Hash256 hash;  // of its content; names the object
};

struct Contents {
  BackupInside inside;
  Key32 secret{};
  std::vector<Entry> entries;
};

std::string render(const Contents& contents) {
  const BackupCounts& counts = contents.inside.counts;
  TextFieldsWriter out(kKind);
  out.field("at", std::to_string(contents.inside.at)).field("machine", contents.inside.machine);
  out.field("secret", ByteView(contents.secret));
  out.field("counts", std::to_string(counts.records) + ' ' + std::to_string(counts.updates) + ' ' +
                          std::to_string(counts.only_here) + ' ' +
                          std::to_string(counts.files_only_here) + ' ' +
                          std::to_string(counts.last_change));
  out.field("last-number", counts.last_number.empty() ? "-" : counts.last_number);
  for (const Entry& entry : contents.entries)
    out.field("file", entry.hash.hex() + ' ' + std::to_string(entry.size) + ' ' + entry.path);
  return out.text();
}

Error list_error() { return Error(Errc::kCorrupt, "the list of a backup cannot be read"); }

Result<Entry> read_entry(std::string_view line) {
  Entry out;
  char path[512] = "";
  unsigned long long size = 0;
  if (line.size() < 66 || line.size() > 600) return list_error();
  const auto hash = from_hex(line.substr(0, 64));
  if (!hash ||
      std::sscanf(std::string(line.substr(65)).c_str(), "%llu %511[^\n]", &size, path) != 2)
    return list_error();
  out.hash = Hash256::from(*hash);
  out.size = size;
  out.path = path;
  const fs::path place(out.path);
  if (place.is_absolute() ||
      std::ranges::any_of(place, [](const fs::path& part) { return part == ".." || part.empty(); }))
    return list_error();
  return out;
}

Result<Contents> parse(std::string_view text, std::string name) {
  LT_TRY(const TextFields fields, TextFields::parse(text, kKind));
  Contents out;
  out.inside.name = std::move(name);
  LT_TRY(const std::string_view at, fields.one("at"));
  out.inside.at = std::strtoll(std::string(at).c_str(), nullptr, 10);
  LT_TRY(const std::string_view machine, fields.one("machine"));
  out.inside.machine = machine;
  LT_TRY(out.secret, fields.bytes<32>("secret"));
  LT_TRY(const std::string_view counts, fields.one("counts"));
  unsigned long long numbers[5] = {};
  if (std::sscanf(std::string(counts).c_str(), "%llu %llu %llu %llu %llu", &numbers[0], &numbers[1],
                  &numbers[2], &numbers[3], &numbers[4]) != 5)
    return list_error();
  out.inside.counts = {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], {}};
  LT_TRY(const std::string_view last, fields.one("last-number"));
  if (last != "-") out.inside.counts.last_number = last;
  for (const std::string_view line : fields.all("file")) {
    LT_TRY(Entry entry, read_entry(line));
    ++out.inside.files;
    out.inside.bytes += entry.size;
    out.entries.push_back(std::move(entry));
  }
  return out;
}

// ---- making one ----

// The last number of a dossier that this machine gave, and its day.
std::string last_number(const Replica& replica) {
  std::string out;
  for (const auto& [key, value] : replica.local_values(local::kDayNumber))
    if (const auto slash = key.rfind('/'); slash != std::string::npos && value.size() <= 8) {
      std::uint64_t number = 0;
      for (std::size_t i = value.size(); i-- > 0;) number = number << 8 | value[i];
      out = key.substr(slash + 1) + ' ' + std::to_string(number);
    }
  return out;
}

class Maker {
 public:
  Maker(const Replica& replica, Entropy& entropy, const BackupRequest& request)
      : replica_(replica),
        entropy_(entropy),
        request_(request),
        secret_(backup::backup_secret(replica.identity())),
        checkpoint_(RawReplica(replica).database().path() + ".backup-under-way") {}
  ~Maker() {
    std::error_code ignored;
    fs::remove_all(checkpoint_, ignored);
  }

  Result<BackupOutcome> run() {
    std::error_code problem;
    fs::create_directories(request_.folder / "objects", problem);
    if (problem) return file_error(request_.folder, problem);
    contents_.secret = secret_;
    contents_.inside.at = request_.now;
    contents_.inside.machine = request_.machine;
    count();
    LT_TRY_VOID(take_checkpoint());
    LT_TRY_VOID(open_checkpoint());
    for (const auto& entry : fs::directory_iterator(checkpoint_, problem))
      LT_TRY_VOID(add_file(entry.path(), "store/" + entry.path().filename().string()));
    if (problem) return file_error(checkpoint_, problem);
    for (const auto& [name, text] : request_.beside) LT_TRY_VOID(add_text(name, text));
    LT_TRY_VOID(write_list());
    LT_TRY_VOID(forget_old_ones());
    outcome_.counts = contents_.inside.counts;
    return outcome_;
  }

 private:
  void count() {
    BackupCounts& counts = contents_.inside.counts;
    const Counts now = replica_.counts();
    counts.records = now.records;
    counts.updates = now.updates;
    counts.only_here = replica_.only_here();
    counts.files_only_here = request_.files_only_here;
    counts.last_change = replica_.last_change();
    counts.last_number = last_number(replica_);
  }

  // Links to the files of the database as it is now: no room, and no time to speak of.
  Result<void> take_checkpoint() {
    std::error_code problem;
    fs::remove_all(checkpoint_, problem);
    rocksdb::Checkpoint* made = nullptr;
    auto status = rocksdb::Checkpoint::Create(&RawReplica(replica_).database().db(), &made);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
    if (status.ok()) status = checkpoint->CreateCheckpoint(checkpoint_);
    return status.ok() ? Result<void>() : Result<void>(to_error(status, checkpoint_));
  }

  // It can be opened, and says how many updates there are.
  Result<void> open_checkpoint() {
    LookedAt looked;
    const auto status = look_at(checkpoint_, nullptr, looked);
    if (!status.ok()) return to_error(status, checkpoint_);
    return {};
  }

  Result<void> add_file(const fs::path& path, std::string name) {
    LT_TRY(const auto hashed, hash_file(path));
    LT_TRY(File file, File::open(path, O_RDONLY));
    return add(std::move(name), hashed.first, hashed.second,
               [&file](std::size_t size) { return file.read(size); });
  }

  Result<std::pair<Hash256, std::uint64_t>> hash_file(const fs::path& path) {
    LT_TRY(File file, File::open(path, O_RDONLY));
    ContentHash hash(secret_);
    std::uint64_t size = 0;
    for (;;) {
      LT_TRY(const Bytes piece, file.read(kPieceBytes));
      if (piece.empty()) return std::pair(hash.finish(), size);
      hash.add(piece);
      size += piece.size();
    }
  }

  Result<void> add_text(const std::string& name, const std::string& text) {
    ContentHash hash(secret_);
    hash.add(as_bytes(text));
    std::size_t at = 0;
    return add(name, hash.finish(), text.size(), [&](std::size_t size) -> Result<Bytes> {
      const ByteView piece = as_bytes(text).subspan(at, std::min(size, text.size() - at));
      at += piece.size();
      return to_bytes(piece);
    });
  }

  Result<void> add(std::string name, const Hash256& hash, std::uint64_t size, const Source& from) {
    contents_.entries.push_back({std::move(name), size, hash});
    ++outcome_.files;
    outcome_.bytes += size;
    const fs::path place = object_path(request_.folder, hash);
    const std::uint64_t sealed = backup::sealed_size(size);
    std::error_code problem;
    if (fs::file_size(place, problem) == sealed && !problem) return {};
    fs::create_directories(place.parent_path(), problem);
    if (problem) return file_error(place.parent_path(), problem);
    ++outcome_.new_files;
    outcome_.new_bytes += sealed;
    const fs::path part = place.string() + ".part";
    auto written = write_object(part, hash, from);
    if (!written.ok()) fs::remove(part, problem);
    LT_TRY_VOID(written);
    fs::rename(part, place, problem);
    if (problem) return file_error(place, problem);
    return sync_folder(place.parent_path());
  }

  // Written, synced, and read back.
  Result<void> write_object(const fs::path& part, const Hash256& hash, const Source& from) {
    const Key32 key = derive(secret_, "object", hash.view());
    {
      LT_TRY(File out, File::open(part, O_WRONLY | O_CREAT | O_TRUNC));
      LT_TRY_VOID(encrypt(key, from, out));
      LT_TRY_VOID(out.sync());
    }
    LT_TRY(File back, File::open(part, O_RDONLY));
    ContentHash read(secret_);
    LT_TRY_VOID(decrypt(
        key, back,
        [&read](ByteView piece) -> Result<void> {
          read.add(piece);
          return {};
        },
        part.string()));
    if (read.finish() != hash)
      return Error(Errc::kCorrupt, part.string() + " does not read back as it was written");
    return {};
  }

  Result<void> write_list() {
    char time[32];
    std::snprintf(time, sizeof time, "%014lld", static_cast<long long>(request_.now));
    outcome_.name = std::string(time) + '-' + std::to_string(contents_.inside.counts.last_change) +
                    std::string(kEnding);
    ByteWriter head;
    head.raw(as_bytes(kMagic));
    head.u16(kVersion);
    head.varint(contents_.entries.size());
    for (const Entry& entry : contents_.entries) head.raw(entry.hash.view());
    const Key32 key = entropy_.array<32>();
    std::array<std::uint8_t, kWrappedBytes> wrapped;
    if (crypto_box_seal(wrapped.data(), key.data(), key.size(), request_.key.data()) != 0)
      return Error(Errc::kInvalidArgument, "the key of backups is no key");
    head.raw(wrapped);
    const std::string text = render(contents_);
    std::size_t at = 0;
    const fs::path place = request_.folder / outcome_.name, part = place.string() + ".part";
    LT_TRY(File out, File::open(part, O_WRONLY | O_CREAT | O_TRUNC));
    LT_TRY_VOID(out.write(head.bytes()));
    LT_TRY_VOID(encrypt(
        key,
        [&](std::size_t size) -> Result<Bytes> {
          const ByteView piece = as_bytes(text).subspan(at, std::min(size, text.size() - at));
          at += piece.size();
          return to_bytes(piece);
        },
        out));
    LT_TRY_VOID(out.sync());
    std::error_code problem;
    fs::rename(part, place, problem);
    if (problem) return file_error(place, problem);
    return sync_folder(request_.folder);
  }

  Result<void> forget_old_ones();

  const Replica& replica_;
  Entropy& entropy_;
  const BackupRequest& request_;
  const Key32 secret_;
  const std::string checkpoint_;
  Contents contents_;
  BackupOutcome outcome_;
};

// The objects that a backup names, and where its sealed list begins.
struct Head {
  std::vector<Hash256> objects;
  std::array<std::uint8_t, kWrappedBytes> wrapped;
  std::uint64_t size = 0;
};

Result<Head> read_head(File& file, const std::string& name) {
  const Error malformed(Errc::kMalformed, name + " is no backup of ours");
  LT_TRY(const Bytes begin, file.read(kMagic.size() + 2));
  if (begin.size() != kMagic.size() + 2 || as_text(begin).substr(0, kMagic.size()) != kMagic)
    return malformed;
  const unsigned version = begin[kMagic.size()] | begin[kMagic.size() + 1] << 8;
  if (version != kVersion)
    return Error(Errc::kBadVersion,
                 name + " is of version " + std::to_string(version) + " and needs a newer program");
  std::uint64_t count = 0;
  for (unsigned shift = 0;; shift += 7) {
    LT_TRY(const Bytes byte, file.read(1));
    if (byte.empty() || shift > 28) return malformed;
    count |= static_cast<std::uint64_t>(byte[0] & 0x7f) << shift;
    if (byte[0] < 0x80) break;
  }
  Head out;
  for (std::uint64_t i = 0; i < count; ++i) {
    LT_TRY(const Bytes hash, file.read(32));
    if (hash.size() != 32) return malformed;
    out.objects.push_back(Hash256::from(hash));
  }
  LT_TRY(const Bytes wrapped, file.read(kWrappedBytes));
  if (wrapped.size() != kWrappedBytes) return malformed;
  std::ranges::copy(wrapped, out.wrapped.begin());
  return out;
}

// What no backup that is kept names goes.
Result<void> Maker::forget_old_ones() {
  LT_TRY(auto names, list_backups(request_.folder));
  std::error_code problem;
  while (names.size() > std::max<std::size_t>(request_.keep, 1)) {
    fs::remove(request_.folder / names.front(), problem);
    names.erase(names.begin());
  }
  std::set<Hash256> needed;
  for (const std::string& name : names) {
    LT_TRY(File file, File::open(request_.folder / name, O_RDONLY));
    LT_TRY(const Head head, read_head(file, name));
    needed.insert(head.objects.begin(), head.objects.end());
  }
  for (const auto& entry : fs::recursive_directory_iterator(request_.folder / "objects", problem)) {
    if (!entry.is_regular_file(problem)) continue;
    const auto name = from_hex(entry.path().filename().string());
    if (name && name->size() == 32 && needed.contains(Hash256::from(*name))) continue;
    fs::remove(entry.path(), problem);
  }
  return {};
}

// ---- back again ----

Result<Contents> read_list(const fs::path& folder, const std::string& name, const DhKey& key) {
  LT_TRY(File file, File::open(folder / name, O_RDONLY));
  LT_TRY(const Head head, read_head(file, name));
  Key32 stream{};
  if (crypto_box_seal_open(stream.data(), head.wrapped.data(), head.wrapped.size(),
                           key.public_key().data(), key.secret().data()) != 0)
    return Error(Errc::kBadSignature, name + " was made for another key");
  std::string text;
  LT_TRY_VOID(decrypt(
      stream, file,
      [&text](ByteView piece) -> Result<void> {
        text += as_text(piece);
        return {};
      },
      name));
  return parse(text, name);
}

Result<void> extract(const fs::path& folder, const Contents& contents, const Entry& entry,
                     const fs::path& target) {
  const fs::path place = target / entry.path;
  std::error_code problem;
  fs::create_directories(place.parent_path(), problem);
  if (problem) return file_error(place.parent_path(), problem);
  LT_TRY(File in, File::open(object_path(folder, entry.hash), O_RDONLY));
  LT_TRY(File out, File::open(place, O_WRONLY | O_CREAT | O_EXCL));
  ContentHash hash(contents.secret);
  std::uint64_t size = 0;
  LT_TRY_VOID(decrypt(
      derive(contents.secret, "object", entry.hash.view()), in,
      [&](ByteView piece) {
        hash.add(piece);
        size += piece.size();
        return out.write(piece);
      },
      entry.path));
  if (hash.finish() != entry.hash || size != entry.size)
    return Error(Errc::kBadHash, entry.path + " is not what was put into the backup");
  return out.sync();
}

}  // namespace

Result<BackupOutcome> make_backup(const Replica& replica, Entropy& entropy,
                                  const BackupRequest& request) {
  return Maker(replica, entropy, request).run();
}

Result<std::vector<std::string>> list_backups(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder, problem)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(kEnding)) names.push_back(name);
  }
  if (problem) return file_error(folder, problem);
  if (names.empty()) return Error(Errc::kNotFound, folder.string() + " holds no backup");
  std::ranges::sort(names);
  return names;
}

Result<BackupInside> extract_backup(const fs::path& folder, const std::string& name,
                                    const DhKey& key, const fs::path& target) {
  LT_TRY(const auto names, list_backups(folder));
  const std::string chosen = name.empty() ? names.back() : name;
  if (std::ranges::find(names, chosen) == names.end())
    return Error(Errc::kNotFound, folder.string() + " holds no backup " + chosen);
  LT_TRY(const Contents contents, read_list(folder, chosen, key));
  std::error_code problem;
  if (fs::exists(target, problem))
    return Error(Errc::kConflict, target.string() + " is there already");
  fs::create_directories(target, problem);
  if (problem) return file_error(target, problem);
  fs::permissions(target, fs::perms(0700), problem);
  for (const Entry& entry : contents.entries) {
    const auto done = extract(folder, contents, entry, target);
    if (done.ok()) continue;
    fs::remove_all(target, problem);
    return done.error();
  }
  LT_TRY_VOID(sync_folder(target));
  return contents.inside;
}

}  // namespace lienthong::store
