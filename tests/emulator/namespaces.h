// Network namespaces, each with one TUN device, made by this process and gone with it: nothing is
// mounted or named, so nothing is left behind whatever happens. Programs are put into one by
// `nsenter --net=/proc/PID/fd/N`. Needs CAP_SYS_ADMIN, CAP_NET_ADMIN and /dev/net/tun.
#pragma once

#include <cstdint>
#include <string>

#include "protocol/base/result.h"

namespace lienthong::emulator {

struct Node {
  std::string name;
  std::uint32_t address = 0;  // IPv4, host order, in 10.77.0.0/16
  int net = -1;               // the namespace
  int tun = -1;               // not blocking; one IP packet a read or write
};

struct NodeOptions {
  int mtu = 1500;
  std::string congestion;  // TCP's default in there; empty: the machine's
};

// Makes the node's namespace and device and comes back to the caller's namespace. The calling
// thread must be the only one. Fails: kNotAllowed (no rights, or no /dev/net/tun), kIo.
Result<void> make_node(Node& node, const NodeOptions& options);

// Lets namespaces choose that congestion control, which the kernel allows only for those on a list
// of the whole machine; takes it off again. Does nothing where it is on it, or the name is empty.
class AllowCongestion final {
 public:
  explicit AllowCongestion(const std::string& name);
  ~AllowCongestion();
  AllowCongestion(const AllowCongestion&) = delete;
  AllowCongestion& operator=(const AllowCongestion&) = delete;

 private:
  std::string before_;  // the list; empty: unchanged
};

std::string dotted(std::uint32_t address);

}  // namespace lienthong::emulator
