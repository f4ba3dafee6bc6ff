// The address translation of an office's router, for one node: what the node sends over TCP leaves
// with the router's address and a port that it picks for this connection; back comes only what
// answers on one. Nothing but TCP passes. Pure; no threads.
#pragma once

#include <cstdint>
#include <map>
#include <span>

namespace lienthong::emulator {

class Nat final {
 public:
  // IPv4, host order.
  Nat(std::uint32_t inside, std::uint32_t outside) : inside_(inside), outside_(outside) {}

  // Rewrites an IPv4 packet (at least 20 bytes) of the node, or one for it. False: it does not
  // pass and is unchanged. Only a SYN from the node makes a connection known.
  bool outwards(std::span<unsigned char> packet);
  bool inwards(std::span<unsigned char> packet);
  // As when the router is switched off and on: no connection is known, no port is used again.
  void forget();
  std::uint32_t outside() const { return outside_; }

 private:
  struct Connection {
    std::uint32_t far = 0;
    std::uint16_t port = 0, far_port = 0;  // the node's own, and the other end's
    auto operator<=>(const Connection&) const = default;
  };
  static constexpr std::uint16_t kFirstPort = 20'000;

  std::uint32_t inside_, outside_;
  std::uint16_t next_port_ = kFirstPort;  // 0: all are used up
  std::map<Connection, std::uint16_t> ports_;
  std::map<std::uint16_t, Connection> connections_;
};

}  // namespace lienthong::emulator
