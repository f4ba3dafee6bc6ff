#include "agent/engine/reserve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lienthong::agent {
namespace {

constexpr std::uint64_t kBlockBytes = 512;  // of st_blocks

Error to_error(const std::filesystem::path& file, int cause) {
  return Error(cause == ENOSPC || cause == EDQUOT ? Errc::kDiskFull : Errc::kIo,
               file.string() + ": " + std::strerror(cause));
}

}  // namespace

bool Reserve::whole() const {
  struct stat found {};
  if (::lstat(file_.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return false;
  return static_cast<std::uint64_t>(found.st_blocks) * kBlockBytes >= kReserveBytes;
}

Result<void> Reserve::make() const {
  release();
  const int fd = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return to_error(file_, errno);
  const int failed = ::posix_fallocate(fd, 0, static_cast<off_t>(kReserveBytes));
  ::close(fd);
  if (failed == 0) return {};
  release();
  return to_error(file_, failed);
}

void Reserve::release() const { ::unlink(file_.c_str()); }

}  // namespace lienthong::agent
