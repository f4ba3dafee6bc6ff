#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "agent/config/examine.h"
#include "agent/net/address.h"
#include "agent/net/descriptor.h"
#include "protocol/session/hello.h"

namespace lienthong::agent {
namespace {

using texts::Level;
using texts::Reason;

constexpr int kAnswerMillis = 2'000;
// A version that there is none of: an agent tells which it speaks and hangs up. The line breaks are
// for web servers, which then answer at once.
constexpr std::array<char, 5> kQuestion{'\xff', '\r', '\n', '\r', '\n'};

struct Found {
  ~Found() {
    if (list != nullptr) ::freeaddrinfo(list);
  }
  addrinfo* list = nullptr;
  int failure = 0;
};

std::unique_ptr<Found> look_up(const std::string& host, const std::string& port, int flags) {
  auto out = std::make_unique<Found>();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  out->failure =
      ::getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &out->list);
  return out;
}

void try_listening(const std::string& place, std::vector<texts::Finding>& out) {
  const auto parsed = parse_address(place);
  if (!parsed) return;  // told by the configuration
  const auto found = look_up(parsed->host, parsed->port, AI_PASSIVE | AI_NUMERICHOST);
  if (found->failure != 0 || found->list == nullptr) return;
  const Descriptor socket(::socket(found->list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return;
  const int yes = 1;
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(socket.get(), found->list->ai_addr, found->list->ai_addrlen) == 0) return;
  const bool taken = errno == EADDRINUSE;
  out.push_back({taken ? Level::kCritical : Level::kWarning,
                 taken ? Reason::kPortTaken : Reason::kNotListening,
                 {place + ": " + std::strerror(errno)}});
}

bool wait_for(int file, short what) {
  pollfd one{file, what, 0};
  return ::poll(&one, 1, kAnswerMillis) == 1;
}

// 0: it is connected.
int connect_to(int file, const addrinfo& address) {
  if (::connect(file, address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (!wait_for(file, POLLOUT)) return ETIMEDOUT;
  int problem = 0;
  socklen_t size = sizeof problem;
  (void)::getsockopt(file, SOL_SOCKET, SO_ERROR, &problem, &size);
  return problem;
}

// What is wrong with whoever answers there.
std::optional<texts::Finding> ask_who(int file, const std::string& place, const std::string& code) {
  std::array<unsigned char, 3> answer{};
  std::size_t got = 0;
  if (::send(file, kQuestion.data(), kQuestion.size(), MSG_NOSIGNAL) < 0) return std::nullopt;
  while (got < answer.size() && wait_for(file, POLLIN)) {
    const ssize_t size = ::recv(file, answer.data() + got, answer.size() - got, 0);
    if (size <= 0) break;
    got += static_cast<std::size_t>(size);
  }
  if (got == answer.size() && answer[0] == 0) {
    if (answer[1] >= kVersionLowest && answer[2] <= kVersionHighest) return std::nullopt;
    return texts::Finding{Level::kCritical,
                          Reason::kVersionDiffers,
                          {code, std::to_string(answer[2]) + " – " + std::to_string(answer[1])}};
  }
  if (got == 0) return std::nullopt;  // nothing can be said of it
  return texts::Finding{Level::kWarning, Reason::kNoAgentThere, {place, code}};
}

void try_dialling(const std::string& place, const std::string& code,
                  std::vector<texts::Finding>& out) {
  const auto parsed = parse_address(place);
  if (!parsed) return;
  const auto found = look_up(parsed->host, parsed->port, AI_ADDRCONFIG);
  if (found->failure != 0) {
    out.push_back(
        {Level::kWarning, Reason::kNameUnresolved, {place, code, ::gai_strerror(found->failure)}});
    return;
  }
  int problem = ETIMEDOUT;
  for (const addrinfo* each = found->list; each != nullptr; each = each->ai_next) {
    const Descriptor socket(
        ::socket(each->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket.get() < 0) continue;
    problem = connect_to(socket.get(), *each);
    if (problem != 0) continue;
    if (auto wrong = ask_who(socket.get(), place, code)) out.push_back(*std::move(wrong));
    return;
  }
  const bool closed = problem == ECONNREFUSED;
  out.push_back({Level::kWarning,
                 closed ? Reason::kPortClosed : Reason::kNoRoute,
                 {place, code, std::strerror(problem)}});
}

}  // namespace

void examine_lines(const Config& config, std::vector<texts::Finding>& out) {
  for (const std::string& place : config.listen) try_listening(place, out);
  for (const NeighbourConfig& neighbour : config.neighbours)
    for (const std::string& place : neighbour.addresses) try_dialling(place, neighbour.agency, out);
}

}  // namespace lienthong::agent
