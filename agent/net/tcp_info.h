// What the kernel knows of a TCP connection, and the options of a socket that matter on bad links.
// Linux only; everything takes a descriptor, so that it can be used on sockets of any library.
//
// An option that the kernel refuses is left as it was: a socket that cannot be tuned still works.
// Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lienthong::agent {

enum class Congestion : std::uint8_t {
  kAuto,  // bbr where the kernel has it, else cubic
  kBbr,   // the same; a kernel without it leaves the machine's default
  kCubic,
};

// Counters are of the connection's whole life, in bytes of payload unless named otherwise.
struct TcpInfo {
  std::chrono::microseconds rtt{0};            // smoothed; 0: not measured yet
  std::chrono::microseconds rtt_deviation{0};  // mean, of rtt
  std::chrono::microseconds min_rtt{0};        // smallest of the last minutes; 0: not measured yet
  std::uint64_t delivery_rate = 0;  // bytes a second, the kernel's newest good sample; 0: none
  std::uint64_t queue_bytes = 0;    // SIOCOUTQ: handed over, unsent or unacknowledged
  std::uint64_t sent = 0;           // retransmissions included
  std::uint64_t retransmitted = 0;
  std::uint64_t acknowledged = 0;  // cumulatively
  std::uint64_t received = 0;      // in order, once
  std::uint32_t segment_bytes = 0;
  std::uint32_t selective = 0;         // segments acknowledged selectively at this moment
  std::uint32_t segments_out = 0;      // of any kind
  std::uint32_t segments_again = 0;    // repeated ones among segments_out, SYN included
  std::uint32_t segments_in = 0;       // of any kind
  std::uint32_t data_segments_in = 0;  // with payload, repeated ones included
  std::uint32_t timeouts = 0;          // retransmission timers that went off in a row just now
  bool ipv6 = false;
  bool timestamps = false;

  // What has arrived there as far as is known, holes included.
  std::uint64_t delivered() const {
    return acknowledged + static_cast<std::uint64_t>(selective) * segment_bytes;
  }
  // Bytes of IP packets, headers included. Options of SYN and selective acknowledgements, some
  // 12 bytes each, are not seen; of what was received twice only the headers.
  std::uint64_t ip_bytes_out() const;
  std::uint64_t ip_bytes_in() const;
};

// None when the descriptor is no TCP socket.
std::optional<TcpInfo> read_tcp_info(int socket);
// Bytes handed over that are unsent or unacknowledged (SIOCOUTQ); 0 when it is no TCP socket.
std::uint64_t kernel_queue_bytes(int socket);

std::optional<Congestion> parse_congestion(std::string_view text);  // "auto", "bbr", "cubic"
const char* to_string(Congestion congestion);
void set_congestion(int socket, Congestion wanted);
// The name in use; empty when it is no TCP socket. At most 16 characters.
struct CongestionName {
  char text[17] = {};
};
CongestionName congestion_of(int socket);

// Before connect(), or right after accept(): the handshake's acknowledgement then waits up to 200
// ms for data to ride on, which saves a packet each way in every reconnection.
void delay_acknowledgements(int socket);
// Before connect(): no segment of more payload than this, for paths that swallow larger packets.
void limit_segments(int socket, int bytes);
// The kernel gives the connection up (ETIMEDOUT) when data stays unacknowledged for so long.
void set_user_timeout(int socket, std::chrono::milliseconds time);

}  // namespace lienthong::agent
