// Backups: a copy of a running database in a folder, encrypted to a key that is kept elsewhere, of
// which each further one adds what is new; and back again. docs/operations.md, "Backup".
//
// In the folder lies one file for each backup, `<time>-<number>.backup`, and `objects/`, the files
// of the database by a hash of their content, which several backups share. Threads: any; one at a
// time for each folder. Blocking.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/crypto/keys.h"
#include "store/replica/replica.h"

namespace lienthong::store {

using BackupPublic = std::array<std::uint8_t, 32>;  // X25519

// What was in the database when it was copied.
struct BackupCounts {
  std::uint64_t records = 0, updates = 0;
  std::uint64_t only_here = 0;        // updates that no other machine had acknowledged
  std::uint64_t files_only_here = 0;  // of records, that no other machine had shown to hold
  std::uint64_t last_change = 0;
  std::string last_number;  // of a dossier that was given here: "20261129 31"; empty: none
};

struct BackupRequest {
  std::filesystem::path folder;  // made when missing
  BackupPublic key{};            // whom it is for
  UnixMillis now = 0;
  std::string machine;  // for people
  // Small files that lie beside the database, by name.
  std::vector<std::pair<std::string, std::string>> beside;
  std::uint64_t files_only_here = 0;
  std::size_t keep = 14;  // so many backups; older ones go, with what only they need
};

struct BackupOutcome {
  std::string name;
  BackupCounts counts;
  std::uint64_t files = 0, bytes = 0;          // in the backup
  std::uint64_t new_files = 0, new_bytes = 0;  // written for it
};

// Copies what is there now, reads what it wrote back, and opens it. The database is written to
// meanwhile. Fails: kIo, kDiskFull (the folder; then no backup of that name is there), kCorrupt
// (a file of the database, or of the folder, does not read back), kInvalidArgument (the key).
Result<BackupOutcome> make_backup(const Replica& replica, Entropy& entropy,
                                  const BackupRequest& request);

struct BackupInside {
  std::string name;
  UnixMillis at = 0;
  std::string machine;
  BackupCounts counts;
  std::uint64_t files = 0, bytes = 0;
};
// Names in the folder, the oldest first. kNotFound: no such folder, or none in it.
Result<std::vector<std::string>> list_backups(const std::filesystem::path& folder);
// Decrypts every file of a backup into `target`, which must not be there yet: `store/` and what lay
// beside it. An empty name: the newest. Every byte is held to the hashes that were taken when it
// was made. Fails: kNotFound, kBadSignature (it is for another key, or was changed), kBadHash,
// kCorrupt, kConflict (target), kIo, kDiskFull; what was written is removed again.
Result<BackupInside> extract_backup(const std::filesystem::path& folder, const std::string& name,
                                    const DhKey& key, const std::filesystem::path& target);

}  // namespace lienthong::store
