#include "agent/api/socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lienthong::agent {
namespace {

constexpr mode_t kSocketMode = 0660;

// Whether somebody accepts connections on that UNIX socket.
bool somebody_answers(const sockaddr_un& address) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int failed = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  ::close(fd);
  return failed == 0 || (error != ECONNREFUSED && error != ENOENT);
}

// Makes room for our socket: removes what a killed agent left.
Result<void> clear_socket_path(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return Error(Errc::kInvalidArgument, "the socket path \"" + path + "\" must have 1 to " +
                                             std::to_string(sizeof address.sun_path - 1) +
                                             " bytes");
  std::memcpy(address.sun_path, path.data(), path.size());
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return {};
    return Error(Errc::kIo, path + ": " + std::strerror(errno));
  }
  if (!S_ISSOCK(found.st_mode)) return Error(Errc::kConflict, path + " exists and is no socket");
  if (somebody_answers(address)) return Error(Errc::kBusy, "another agent answers on " + path);
  if (::unlink(path.c_str()) != 0)
    return Error(Errc::kIo, "cannot remove the stale " + path + ": " + std::strerror(errno));
  return {};
}

}  // namespace

Result<void> SocketFile::open(httplib::Server& server, const std::string& path) {
  LT_TRY_VOID(clear_socket_path(path));
  path_ = path;
  server.set_address_family(AF_UNIX);
  // Linux gives the file the mode of the descriptor, less the umask: at no moment is it open to
  // others.
  server.set_socket_options([this](int fd) {
    listener_ = fd;
    static_cast<void>(::fchmod(fd, kSocketMode));
  });
  if (!server.bind_to_port(path, 80))
    return Error(Errc::kIo, "cannot listen on " + path + ": " + std::strerror(errno));
  ::listen(listener_, kApiBacklog);
  if (::chmod(path.c_str(), kSocketMode) != 0 || ::lstat(path.c_str(), &made_) != 0)
    return Error(Errc::kIo, path + ": " + std::strerror(errno));
  return {};
}

void SocketFile::remove() const {
  struct stat now {};
  const bool still_ours =
      ::lstat(path_.c_str(), &now) == 0 && now.st_ino == made_.st_ino && now.st_dev == made_.st_dev;
  if (still_ours) ::unlink(path_.c_str());
}

}  // namespace lienthong::agent
