#include "agent/net/tcp_info.h"

// Not <netinet/tcp.h>: glibc's tcp_info of Debian 12 ends before the counters that are needed here.
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace lienthong::agent {
namespace {

constexpr std::uint64_t kIpv4Header = 20;
constexpr std::uint64_t kIpv6Header = 40;
constexpr std::uint64_t kTcpHeader = 20;
constexpr std::uint64_t kTimestampOption = 12;

std::uint64_t header_bytes(const TcpInfo& info) {
  return (info.ipv6 ? kIpv6Header : kIpv4Header) + kTcpHeader +
         (info.timestamps ? kTimestampOption : 0);
}

bool over_ipv6(int socket) {
  sockaddr_in6 address{};
  socklen_t size = sizeof address;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  return address.sin6_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&address.sin6_addr);
}

void set_number(int socket, int option, int value) {
  static_cast<void>(::setsockopt(socket, IPPROTO_TCP, option, &value, sizeof value));
}

}  // namespace

std::uint64_t TcpInfo::ip_bytes_out() const { return segments_out * header_bytes(*this) + sent; }

std::uint64_t TcpInfo::ip_bytes_in() const { return segments_in * header_bytes(*this) + received; }

std::optional<TcpInfo> read_tcp_info(int socket) {
  tcp_info raw;
  std::memset(&raw, 0, sizeof raw);  // an older kernel fills less
  socklen_t size = sizeof raw;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &raw, &size) != 0) return std::nullopt;
  TcpInfo info;
  info.rtt = std::chrono::microseconds(raw.tcpi_rtt);
  info.rtt_deviation = std::chrono::microseconds(raw.tcpi_rttvar);
  // The kernel's "none yet" is all ones.
  if (raw.tcpi_min_rtt != ~0U) info.min_rtt = std::chrono::microseconds(raw.tcpi_min_rtt);
  info.delivery_rate = raw.tcpi_delivery_rate;
  info.queue_bytes = kernel_queue_bytes(socket);
  info.sent = raw.tcpi_bytes_sent;
  info.retransmitted = raw.tcpi_bytes_retrans;
  info.acknowledged = raw.tcpi_bytes_acked;
  info.received = raw.tcpi_bytes_received;
  info.segment_bytes = raw.tcpi_snd_mss;
  info.selective = raw.tcpi_sacked;
  info.segments_out = raw.tcpi_segs_out;
  info.segments_again = raw.tcpi_total_retrans;
  info.segments_in = raw.tcpi_segs_in;
  info.data_segments_in = raw.tcpi_data_segs_in;
  info.timeouts = raw.tcpi_backoff;
  info.ipv6 = over_ipv6(socket);
  info.timestamps = (raw.tcpi_options & TCPI_OPT_TIMESTAMPS) != 0;
  return info;
}

std::uint64_t kernel_queue_bytes(int socket) {
  int value = 0;
  if (::ioctl(socket, SIOCOUTQ, &value) != 0 || value < 0) return 0;
  return static_cast<std::uint64_t>(value);
}

const char* to_string(Congestion congestion) {
  switch (congestion) {
    case Congestion::kAuto: return "auto";
    case Congestion::kBbr: return "bbr";
    case Congestion::kCubic: return "cubic";
  }
  return "auto";
}

std::optional<Congestion> parse_congestion(std::string_view text) {
  for (const Congestion each : {Congestion::kAuto, Congestion::kBbr, Congestion::kCubic}) {
    if (text == to_string(each)) return each;
  }
  return std::nullopt;
}

void set_congestion(int socket, Congestion wanted) {
  static constexpr char kBbr[] = "bbr";
  static constexpr char kCubic[] = "cubic";
  const bool bbr = wanted != Congestion::kCubic;
  const int failed = ::setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, bbr ? kBbr : kCubic,
                                  bbr ? sizeof kBbr - 1 : sizeof kCubic - 1);
  if (failed != 0 && wanted == Congestion::kAuto) {
    static_cast<void>(::setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, kCubic, sizeof kCubic - 1));
  }
}

CongestionName congestion_of(int socket) {
  CongestionName name;
  socklen_t size = sizeof name.text - 1;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name.text, &size) != 0) name = {};
  return name;
}

void delay_acknowledgements(int socket) { set_number(socket, TCP_QUICKACK, 0); }

void limit_segments(int socket, int bytes) { set_number(socket, TCP_MAXSEG, bytes); }

void set_user_timeout(int socket, std::chrono::milliseconds time) {
  set_number(socket, TCP_USER_TIMEOUT,
             static_cast<int>(std::clamp<std::int64_t>(time.count(), 1, 3'600'000)));
}

}  // namespace lienthong::agent
