#include "agent/config/restore.h"

#include "agent/config/config.h"
#include "agent/joining/identity_files.h"
#include "agent/joining/modes.h"
#include "protocol/base/text_fields.h"
#include "protocol/crypto/secret_file.h"
#include "store/office/projections.h"

namespace lienthong::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kKeyKind = "backup-key";

enum class Mark : bool { kNo, kYes };  // that it is an older copy

// It opens, and has at least what was counted before it was copied.
Result<OpenedBackup> open_restored(const fs::path& data_dir, store::BackupInside inside, Mark mark,
                                   const WallClock& clock, Entropy& entropy) {
  LT_TRY(const NodeFiles files, load_node_files(data_dir));
  store::Options options = store::office_options();
  options.path = (data_dir / kStoreFolder).string();
  options.entropy = &entropy;
  LT_TRY(const auto replica, store::Replica::open(options, files.identity(), files.root));
  OpenedBackup out;
  out.counts = replica->counts();
  if (out.counts.records < inside.counts.records || out.counts.updates < inside.counts.updates)
    return Error(Errc::kCorrupt, inside.name + " holds less than was counted when it was made");
  if (const auto* agency = replica->registry()->find_agency(files.card.agency)) {
    out.agency_code = agency->code;
    out.agency_name = agency->name;
  }
  out.inside = std::move(inside);
  if (mark == Mark::kNo) return out;
  store::Transaction transaction(*replica, clock.now());
  transaction.end_taking_back(store::Lost::kYes);
  LT_TRY_VOID(transaction.commit());
  return out;
}

// Where it is brought to another place than it came from, its configuration says so.
Result<void> move_config(const fs::path& staging, const fs::path& data_dir) {
  const fs::path file = staging / kConfigFile;
  if (!fs::exists(file)) return {};
  LT_TRY(const std::string text, read_file(file));
  ConfigReading reading = parse_config(text);
  Config& config = reading.config;
  if (!reading.mistakes.empty() || config.data_dir == data_dir) return {};
  if (config.api.socket == config.data_dir / "agent.sock")
    config.api.socket = data_dir / "agent.sock";
  config.data_dir = data_dir;
  return write_file(file, render_config(config), kPublicMode);
}

}  // namespace

MadeBackupKey make_backup_key(std::string_view passphrase, Entropy& entropy) {
  const Seed secret = entropy.array<32>();
  const DhKey key(secret);
  TextFieldsWriter out(kKeyKind);
  out.field("key", ByteView(key.public_key()));
  return {seal_secret(secret, passphrase, entropy.array<16>(), entropy.array<24>()), out.text()};
}

Result<store::BackupPublic> parse_backup_public(std::string_view text) {
  LT_TRY(const TextFields fields, TextFields::parse(text, kKeyKind));
  LT_TRY(const auto key, fields.bytes<32>("key"));
  LT_TRY_VOID(check_dh_key(key));
  return key;
}

Result<OpenedBackup> try_backup(const fs::path& folder, const std::string& name, const DhKey& key,
                                const fs::path& scratch, const WallClock& clock, Entropy& entropy) {
  init_crypto();
  LT_TRY(auto inside, store::extract_backup(folder, name, key, scratch));
  auto opened = open_restored(scratch, std::move(inside), Mark::kNo, clock, entropy);
  std::error_code ignored;
  fs::remove_all(scratch, ignored);
  return opened;
}

Result<OpenedBackup> restore_backup(const fs::path& folder, const std::string& name,
                                    const DhKey& key, const fs::path& data_dir,
                                    const WallClock& clock, Entropy& entropy) {
  init_crypto();
  std::error_code problem;
  fs::path target = fs::absolute(data_dir, problem).lexically_normal();
  if (!target.has_filename()) target = target.parent_path();
  if (fs::exists(target, problem) && !fs::is_empty(target, problem))
    return Error(Errc::kConflict, target.string() + " is not empty: restore into a new folder");
  const fs::path staging = target.string() + ".restoring";
  fs::remove_all(staging, problem);
  LT_TRY(auto inside, store::extract_backup(folder, name, key, staging));
  auto opened = open_restored(staging, std::move(inside), Mark::kYes, clock, entropy);
  if (opened.ok()) {
    if (const auto moved = move_config(staging, target); !moved.ok()) opened = moved.error();
  }
  if (opened.ok()) {
    fs::remove(target, problem);
    fs::rename(staging, target, problem);
    if (problem) opened = Error(Errc::kIo, target.string() + ": " + problem.message());
  }
  if (!opened.ok()) {
    fs::remove_all(staging, problem);
    return opened.error();
  }
  LT_TRY_VOID(narrow(target));
  return opened;
}

}  // namespace lienthong::agent
