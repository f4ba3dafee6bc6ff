#include "agent/joining/modes.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "agent/joining/identity_files.h"

namespace lienthong::agent {
namespace {

struct Kept {
  std::string_view name;  // empty: the folder itself
  unsigned allowed;
};
constexpr std::array<Kept, 8> kKept{{{"", kFolderMode},
                                     {kStoreFolder, kFolderMode},
                                     {kNodeKeyFile, kSecretMode},
                                     {kRootKeyFile, kSecretMode},
                                     {kRootPaperFile, kSecretMode},
                                     {kNodeCertFile, kPublicMode},
                                     {kRootPinFile, kPublicMode},
                                     {kConfigFile, kPublicMode}}};
constexpr unsigned kModeBits = 0777;

std::string octal(unsigned mode) {
  std::string out = "0";
  for (const unsigned shift : {6U, 3U, 0U}) out += static_cast<char>('0' + (mode >> shift & 7U));
  return out;
}

}  // namespace

std::vector<Wide> too_wide(const std::filesystem::path& data_dir) {
  std::vector<Wide> out;
  for (const Kept& kept : kKept) {
    const auto path = kept.name.empty() ? data_dir : data_dir / kept.name;
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) continue;
    const unsigned mode = found.st_mode & kModeBits;
    if ((mode & ~kept.allowed) != 0) out.push_back({path, mode, kept.allowed});
  }
  return out;
}

Result<std::vector<Wide>> narrow(const std::filesystem::path& data_dir, Secrets secrets) {
  std::vector<Wide> found = too_wide(data_dir);
  if (secrets == Secrets::kLeft)
    std::erase_if(found, [](const Wide& wide) { return wide.allowed == kSecretMode; });
  for (const Wide& wide : found) {
    if (::chmod(wide.path.c_str(), wide.mode & wide.allowed) == 0) continue;
    return Error(Errc::kIo, wide.path.string() + " has mode " + octal(wide.mode) + ", at most " +
                                octal(wide.allowed) + " is safe, and it cannot be changed: " +
                                std::strerror(errno) + "; chmod it as its owner");
  }
  return found;
}

}  // namespace lienthong::agent
