// Who else on this machine may read a data folder. Blocking; any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "protocol/base/result.h"

namespace lienthong::agent {

inline constexpr unsigned kFolderMode = 0750, kSecretMode = 0600, kPublicMode = 0640;

// What a folder or file of that kind may have at most.
struct Wide {
  std::filesystem::path path;
  unsigned mode = 0, allowed = 0;
};
// The data folder, its store and the files that say who the node is, as far as they are there:
// those that are open to more than they should be.
std::vector<Wide> too_wide(const std::filesystem::path& data_dir);
// Of secret files that were open somebody may have a copy: where they are left, check goes on
// telling.
enum class Secrets : std::uint8_t { kToo, kLeft };
// Takes from them what is too much, whatever the umask or somebody before us left; what was
// narrower stays. Gives what was found. kIo: one could not be changed; the detail names it and what
// to do.
Result<std::vector<Wide>> narrow(const std::filesystem::path& data_dir,
                                 Secrets secrets = Secrets::kToo);

}  // namespace lienthong::agent
