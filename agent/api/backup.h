// Making a backup of the running machine, by whoever asks for it. docs/operations.md, "Backup".
#pragma once

#include "agent/api/context.h"
#include "store/backup/backup.h"

namespace lienthong::agent {

struct BackupOrder {
  std::string folder;  // absolute
  store::BackupPublic key{};
  std::size_t keep = 14;
};
// What was made, as the API tells it; the folder is noted, for erasures. One at a time. Fails:
// kBusy (another is being made), and as store::make_backup().
Result<nlohmann::json> make_backup(ApiContext& api, const BackupOrder& order);

// Where backups of this machine were made: folder, the last time, and whether it is there now.
nlohmann::json backup_folders_json(const ApiContext& api);

}  // namespace lienthong::agent
