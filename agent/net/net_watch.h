// Tells when this machine's network changes: an interface comes up or goes, an address comes or
// goes (rtnetlink). A burst of changes is one. Loop thread only.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/ip/address.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "protocol/base/result.h"

namespace lienthong::agent {

// The addresses of interfaces that are up and running, those of loopback included; sorted.
std::vector<asio::ip::address> machine_addresses();

class NetWatch : public std::enable_shared_from_this<NetWatch> {
 public:
  // `changed`: the addresses as they are now; called only when they differ from before.
  using Changed = std::function<void(const std::vector<asio::ip::address>&)>;
  NetWatch(const asio::any_io_executor& executor, Changed changed);

  // kIo: the kernel does not tell; nothing is watched then.
  Result<void> open();
  static asio::awaitable<void> run(std::shared_ptr<NetWatch> self);  // until stop()
  void stop();

 private:
  void look();
  asio::posix::stream_descriptor socket_;
  asio::steady_timer settle_;
  Changed changed_;
  std::vector<asio::ip::address> addresses_;
  bool stopped_ = false;
};

}  // namespace lienthong::agent
