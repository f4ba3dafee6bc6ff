#include "agent/net/net_watch.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/net/net.h"
#include "agent/net/reachable.h"

namespace lienthong::agent {
namespace {

constexpr std::chrono::milliseconds kSettle{300};  // an interface that comes up changes many times
constexpr std::size_t kNewsBytes = 8192;

}  // namespace

std::vector<asio::ip::address> machine_addresses() {
  auto out = addresses_with_flags(IFF_UP | IFF_RUNNING);
  std::sort(out.begin(), out.end());
  return out;
}

NetWatch::NetWatch(const asio::any_io_executor& executor, Changed changed)
    : socket_(executor), settle_(executor), changed_(std::move(changed)) {}

Result<void> NetWatch::open() {
  const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (fd < 0) return Error(Errc::kIo, std::string("rtnetlink: ") + std::strerror(errno));
  sockaddr_nl groups{};
  groups.nl_family = AF_NETLINK;
  groups.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&groups), sizeof groups) != 0) {
    const int problem = errno;
    ::close(fd);
    return Error(Errc::kIo, std::string("rtnetlink: ") + std::strerror(problem));
  }
  socket_.assign(fd);
  addresses_ = machine_addresses();
  return {};
}

asio::awaitable<void> NetWatch::run(std::shared_ptr<NetWatch> self) {
  Bytes news(kNewsBytes);
  while (!self->stopped_) {
    // What it says is not read: the addresses are looked at as a whole. An overrun says the same.
    auto [problem, size] = co_await self->socket_.async_read_some(asio::buffer(news), as_result);
    if (self->stopped_) break;
    if (problem && problem != asio::error::no_buffer_space) break;
    self->settle_.expires_after(kSettle);
    co_await self->settle_.async_wait(as_result);
    if (!self->stopped_) self->look();
  }
}

void NetWatch::look() {
  auto now = machine_addresses();
  if (now == addresses_) return;
  addresses_ = std::move(now);
  changed_(addresses_);
}

void NetWatch::stop() {
  stopped_ = true;
  settle_.cancel();
  asio::error_code ignored;
  socket_.close(ignored);
}

}  // namespace lienthong::agent
