#include "tests/emulator/namespaces.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

namespace lienthong::emulator {
namespace {

constexpr const char* kOurNamespace = "/proc/self/ns/net";
constexpr const char* kAllowed = "ipv4/tcp_allowed_congestion_control";
constexpr const char* kDevice = "wan";
constexpr std::uint32_t kNetmask = 0xFFFF0000;

Error failed(const std::string& what) {
  const int reason = errno;
  const bool rights = reason == EPERM || reason == EACCES || reason == ENOENT || reason == ENODEV;
  return Error(rights ? Errc::kNotAllowed : Errc::kIo, what + ": " + std::strerror(reason));
}

class Descriptor final {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

ifreq request(const char* device) {
  ifreq out{};
  std::strncpy(out.ifr_name, device, sizeof(out.ifr_name) - 1);
  return out;
}

Result<void> raise_device(int socket, const char* device) {
  ifreq flags = request(device);
  if (ioctl(socket, SIOCGIFFLAGS, &flags) != 0) return failed("reading the flags of a device");
  flags.ifr_flags = static_cast<short>(flags.ifr_flags | IFF_UP | IFF_RUNNING);
  if (ioctl(socket, SIOCSIFFLAGS, &flags) != 0) return failed("raising a device");
  return {};
}

Result<void> set_address(int socket, unsigned long what, std::uint32_t address) {
  ifreq ask = request(kDevice);
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(address);
  std::memcpy(&ask.ifr_addr, &in, sizeof(in));
  if (ioctl(socket, what, &ask) != 0) return failed("addressing a device");
  return {};
}

Result<void> write_setting(const std::string& name, const std::string& value) {
  std::ofstream file("/proc/sys/net/" + name);
  file << value << std::flush;
  if (!file) return Error(Errc::kNotAllowed, "cannot set net/" + name + " to " + value);
  return {};
}

Result<int> make_tun(int mtu, int socket) {
  Descriptor tun(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (tun.get() < 0) return failed("/dev/net/tun");
  ifreq ask = request(kDevice);
  ask.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (ioctl(tun.get(), TUNSETIFF, &ask) != 0) return failed("making a TUN device");
  ifreq size = request(kDevice);
  size.ifr_mtu = mtu;
  if (ioctl(socket, SIOCSIFMTU, &size) != 0) return failed("setting the MTU");
  ifreq queue = request(kDevice);
  queue.ifr_qlen = 10'000;  // the emulated queue is the one that counts
  if (ioctl(socket, SIOCSIFTXQLEN, &queue) != 0) return failed("setting the queue");
  return tun.release();
}

// In the new namespace.
Result<int> furnish(const Node& node, const NodeOptions& options) {
  const Descriptor socket_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (socket_fd.get() < 0) return failed("a socket");
  LT_TRY_VOID(raise_device(socket_fd.get(), "lo"));
  LT_TRY_VOID(write_setting("ipv6/conf/default/disable_ipv6", "1"));  // no chatter of its own
  if (!options.congestion.empty())
    LT_TRY_VOID(write_setting("ipv4/tcp_congestion_control", options.congestion));
  LT_TRY_VOID(write_setting("ipv4/tcp_no_metrics_save", "1"));
  LT_TRY(const int made, make_tun(options.mtu, socket_fd.get()));
  Descriptor tun(made);
  LT_TRY_VOID(set_address(socket_fd.get(), SIOCSIFADDR, node.address));
  LT_TRY_VOID(set_address(socket_fd.get(), SIOCSIFNETMASK, kNetmask));
  LT_TRY_VOID(raise_device(socket_fd.get(), kDevice));
  return tun.release();
}

}  // namespace

std::string dotted(std::uint32_t address) {
  in_addr in{};
  in.s_addr = htonl(address);
  char text[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &in, text, sizeof(text));
  return text;
}

AllowCongestion::AllowCongestion(const std::string& name) {
  std::ifstream file(std::string("/proc/sys/net/") + kAllowed);
  std::string list;
  std::getline(file, list);
  if (name.empty() || (" " + list + " ").find(" " + name + " ") != std::string::npos) return;
  if (write_setting(kAllowed, list + " " + name).ok()) before_ = list;
}

AllowCongestion::~AllowCongestion() {
  if (!before_.empty()) static_cast<void>(write_setting(kAllowed, before_));
}

Result<void> make_node(Node& node, const NodeOptions& options) {
  const Descriptor ours(open(kOurNamespace, O_RDONLY | O_CLOEXEC));
  if (ours.get() < 0) return failed(kOurNamespace);
  if (unshare(CLONE_NEWNET) != 0) return failed("making a network namespace");
  Descriptor net(open(kOurNamespace, O_RDONLY | O_CLOEXEC));
  auto tun = net.get() >= 0 ? furnish(node, options) : Result<int>(failed(kOurNamespace));
  if (setns(ours.get(), CLONE_NEWNET) != 0) return failed("going back to our namespace");
  if (!tun.ok()) return tun.error();
  node.net = net.release();
  node.tun = *tun;
  return {};
}

}  // namespace lienthong::emulator
