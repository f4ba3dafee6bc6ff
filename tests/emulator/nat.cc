#include "tests/emulator/nat.h"

#include <cstddef>

namespace lienthong::emulator {
namespace {

constexpr unsigned char kTcp = 6;
constexpr unsigned char kSyn = 0x02, kAck = 0x10;
constexpr std::size_t kSource = 12, kDestination = 16;  // addresses, in the IP header
constexpr std::size_t kIpChecksum = 10, kTcpChecksum = 16, kTcpFlags = 13, kTcpBytesMin = 20;

using Packet = std::span<unsigned char>;

std::uint16_t read16(Packet packet, std::size_t at) {
  return static_cast<std::uint16_t>(packet[at] << 8 | packet[at + 1]);
}

std::uint32_t read32(Packet packet, std::size_t at) {
  return static_cast<std::uint32_t>(read16(packet, at)) << 16 | read16(packet, at + 2);
}

void write16(Packet packet, std::size_t at, std::uint16_t value) {
  packet[at] = static_cast<unsigned char>(value >> 8);
  packet[at + 1] = static_cast<unsigned char>(value);
}

// The checksum at `at`, after a word that it covers has changed (RFC 1624).
void adjust(Packet packet, std::size_t at, std::uint16_t before, std::uint16_t after) {
  std::uint32_t sum = static_cast<std::uint16_t>(~read16(packet, at));
  sum += static_cast<std::uint16_t>(~before);
  sum += after;
  sum = (sum & 0xFFFF) + (sum >> 16);
  sum = (sum & 0xFFFF) + (sum >> 16);
  write16(packet, at, static_cast<std::uint16_t>(~sum));
}

// Where the TCP header begins; 0: no TCP, or only a later piece of a packet.
std::size_t find_tcp(Packet packet) {
  const std::size_t header = (packet[0] & 0x0FU) * 4U;
  const bool first_piece = (read16(packet, 6) & 0x1FFF) == 0;
  const bool whole = header >= 20 && packet.size() >= header + kTcpBytesMin;
  return packet[9] == kTcp && first_piece && whole ? header : 0;
}

// Both checksums cover the address, TCP's the port too.
void replace_end(Packet packet, std::size_t tcp, std::size_t address_at, std::uint32_t address,
                 std::uint16_t port) {
  const std::size_t port_at = address_at == kSource ? tcp : tcp + 2;
  const auto high = static_cast<std::uint16_t>(address >> 16);
  const auto low = static_cast<std::uint16_t>(address);
  for (const std::size_t checksum : {kIpChecksum, tcp + kTcpChecksum}) {
    adjust(packet, checksum, read16(packet, address_at), high);
    adjust(packet, checksum, read16(packet, address_at + 2), low);
  }
  adjust(packet, tcp + kTcpChecksum, read16(packet, port_at), port);
  write16(packet, address_at, high);
  write16(packet, address_at + 2, low);
  write16(packet, port_at, port);
}

}  // namespace

bool Nat::outwards(Packet packet) {
  const std::size_t tcp = find_tcp(packet);
  if (tcp == 0 || read32(packet, kSource) != inside_) return false;
  const Connection connection{read32(packet, kDestination), read16(packet, tcp),
                              read16(packet, tcp + 2)};
  auto found = ports_.find(connection);
  if (found == ports_.end()) {
    const bool begins = (packet[tcp + kTcpFlags] & (kSyn | kAck)) == kSyn;
    if (!begins || next_port_ == 0) return false;
    found = ports_.emplace(connection, next_port_).first;
    connections_.emplace(next_port_++, connection);
  }
  replace_end(packet, tcp, kSource, outside_, found->second);
  return true;
}

bool Nat::inwards(Packet packet) {
  const std::size_t tcp = find_tcp(packet);
  if (tcp == 0 || read32(packet, kDestination) != outside_) return false;
  const auto found = connections_.find(read16(packet, tcp + 2));
  if (found == connections_.end()) return false;
  const Connection& connection = found->second;
  if (connection.far != read32(packet, kSource) || connection.far_port != read16(packet, tcp))
    return false;
  replace_end(packet, tcp, kDestination, inside_, connection.port);
  return true;
}

void Nat::forget() {
  ports_.clear();
  connections_.clear();
}

}  // namespace lienthong::emulator
