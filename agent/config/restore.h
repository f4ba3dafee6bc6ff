// A machine out of a backup, and a backup tried without one. Used by the command line while no
// agent runs on the folder. docs/operations.md, "Backup". Blocking; any thread.
#pragma once

#include <filesystem>
#include <string>

#include "agent/engine/clock.h"
#include "store/backup/backup.h"

namespace lienthong::agent {

// The key of backups, kept away from the machines: `text` as of protocol/crypto/secret_file.h for
// whoever restores, `public_text` for the machines that make them.
struct MadeBackupKey {
  std::string text, public_text;
};
MadeBackupKey make_backup_key(std::string_view passphrase, Entropy& entropy);
Result<store::BackupPublic> parse_backup_public(std::string_view text);  // kMalformed, kBadVersion

struct OpenedBackup {
  store::BackupInside inside;
  std::string agency_code, agency_name;
  store::Counts counts;  // as the database opened says
};

// Decrypts it beside `scratch`, opens the database as this machine, holds what it has to what was
// counted when it was made, and removes it again. Fails: as store::extract_backup(), kCorrupt (it
// has less than it should, or does not open).
Result<OpenedBackup> try_backup(const std::filesystem::path& folder, const std::string& name,
                                const DhKey& key, const std::filesystem::path& scratch,
                                const WallClock& clock, Entropy& entropy);
// The same into a data folder, which must not be there or be empty. The machine knows that it is an
// older copy of itself: it begins a new incarnation, and passes no dossiers on that it had until a
// neighbour has given everything back.
Result<OpenedBackup> restore_backup(const std::filesystem::path& folder, const std::string& name,
                                    const DhKey& key, const std::filesystem::path& data_dir,
                                    const WallClock& clock, Entropy& entropy);

}  // namespace lienthong::agent
