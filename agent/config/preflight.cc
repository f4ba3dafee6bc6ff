#include "agent/config/preflight.h"

#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "agent/joining/identity_files.h"
#include "agent/net/address.h"
#include "agent/net/descriptor.h"
#include "protocol/enrolment/token.h"
#include "store/office/text.h"

namespace lienthong::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMegabyte = 1'000'000;
constexpr std::uint64_t kRoomMin = 64 * kMegabyte;  // an agent that has less soon only reads

std::string message_of(int problem) { return std::system_category().message(problem); }

// The folder itself, or what is there of the way to it.
fs::path nearest_existing(fs::path path) {
  std::error_code ignored;
  while (path.has_relative_path() && !fs::exists(path, ignored)) path = path.parent_path();
  return path;
}

std::optional<Error> look_at_clock(const WallClock& clock) {
  if (clock.now() >= kReleasedAfter) return std::nullopt;
  return Error(Errc::kInvalidArgument,
               "the clock of this machine says " + store::form_time(clock.now()) +
                   ", which is before this program was made: set it (timedatectl set-time, or "
                   "timedatectl set-ntp true), then give the same command again");
}

std::optional<Error> look_at_token(std::string_view text, const WallClock& clock) {
  if (text.empty()) return std::nullopt;
  const auto token = decode_token(text);
  if (!token) return token.error();
  constexpr UnixMillis kDay = 24LL * 3600 * 1000;
  if (clock.now() - kDay <= token->expires_at) return std::nullopt;
  return Error(Errc::kExpired, "the token has expired: it was good until " +
                                   store::form_time(token->expires_at) +
                                   ", and this machine says " + store::form_time(clock.now()) +
                                   "; set the clock if it is wrong, else ask for a new token");
}

// A machine that has been set up there before; what else lies there the set-up itself refuses.
std::optional<Error> look_at_folder(const SetupPlace& place) {
  std::error_code ignored;
  if (place.replace || !fs::exists(place.data_dir / kConfigFile, ignored)) return std::nullopt;
  return Error(Errc::kConflict,
               place.data_dir.string() +
                   " is not empty: a machine has been set up in it already (lienthong status). "
                   "Another office needs another folder (--data); --replace puts this one aside");
}

std::optional<Error> look_at_rights(const fs::path& there) {
  if (::faccessat(AT_FDCWD, there.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return std::nullopt;
  const int problem = errno;
  if (problem == EROFS)
    return Error(Errc::kIo, there.string() +
                                ": its file system takes nothing (read-only): see dmesg, "
                                "look at the disk, mount it for writing");
  return Error(Errc::kNotAllowed, there.string() + ": " + message_of(problem) +
                                      ": give the command as root (sudo), or as who owns it");
}

std::optional<Error> look_at_disk(const fs::path& there) {
  struct statvfs disk {};
  if (::statvfs(there.c_str(), &disk) != 0)
    return Error(Errc::kIo, there.string() + ": " + message_of(errno));
  const std::uint64_t room = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  if (room >= kRoomMin) return std::nullopt;
  return Error(Errc::kDiskFull, there.string() + ": only " + std::to_string(room / kMegabyte) +
                                    " MB are free, an office needs " +
                                    std::to_string(kRoomMin / kMegabyte) +
                                    " to begin: make room, or name a folder on another disk");
}

// Somebody who takes calls at the socket that the new agent is to have.
std::optional<Error> look_at_socket(const SetupPlace& place) {
  const fs::path path = place.socket.empty() ? place.data_dir / "agent.sock" : place.socket;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) return std::nullopt;  // the set-up says so
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  // One that takes no calls at the moment is there too: it must not be waited for.
  const Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) return std::nullopt;
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                static_cast<socklen_t>(sizeof address)) != 0 &&
      errno != EAGAIN)
    return std::nullopt;
  return Error(Errc::kBusy, "an agent answers at " + path.string() +
                                " already: stop it (systemctl stop lienthongd), or set this "
                                "office up with another --data and --socket");
}

std::optional<Error> look_at_port(const std::string& listen) {
  const auto parsed = parse_address(listen);
  if (!parsed) return parsed.error();
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(parsed->host.c_str(), parsed->port.c_str(), &hints, &found) != 0)
    return std::nullopt;  // it may be known later, and the agent tries again
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  const Descriptor fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (fd.get() < 0 || ::bind(fd.get(), found->ai_addr, found->ai_addrlen) == 0) {
    if (fd.get() < 0 || ::listen(fd.get(), 1) == 0) return std::nullopt;
  }
  const int problem = errno;
  if (problem == EADDRINUSE)
    return Error(Errc::kBusy, "port " + parsed->port +
                                  " is taken by another program (ss -ltnp shows which): stop it, "
                                  "or give this office another one with --listen");
  if (problem == EACCES)
    return Error(Errc::kNotAllowed,
                 "port " + parsed->port + " is for root alone: take one above 1023 with --listen");
  return std::nullopt;  // an address that is not there yet: the agent waits for it
}

}  // namespace

std::vector<Error> preflight(const SetupPlace& place, std::string_view token,
                             const WallClock& clock, ClockLook look) {
  std::vector<Error> out;
  const auto note = [&out](std::optional<Error> problem) {
    if (problem) out.push_back(*std::move(problem));
  };
  if (look == ClockLook::kHeld) note(look_at_clock(clock));
  note(look_at_token(token, clock));
  note(look_at_folder(place));
  std::error_code ignored;
  const fs::path there = nearest_existing(fs::absolute(place.data_dir, ignored));
  note(look_at_rights(there));
  note(look_at_disk(there));
  note(look_at_socket(place));
  for (const std::string& listen : place.listen)
    if (listen != "none") note(look_at_port(listen));
  return out;
}

}  // namespace lienthong::agent
