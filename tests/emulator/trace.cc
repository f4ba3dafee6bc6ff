#include "tests/emulator/trace.h"

#include <cerrno>
#include <cstring>

namespace lienthong::emulator {
namespace {

using Packet = std::span<const unsigned char>;

constexpr std::size_t kIpHeaderMin = 20, kTcpHeaderMin = 20;
constexpr unsigned char kTcp = 6;
constexpr unsigned char kEndOption = 0, kPadOption = 1, kSackOption = 5;
constexpr double kNanosPerSecond = 1e9;

std::uint32_t number(Packet packet, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | packet[at + i];
  return value;
}

// "S", "A", "SA", "F" …; "-" when none of them is set.
std::string flags(unsigned char bits) {
  static constexpr char kNames[] = "FSRPA";
  std::string out;
  for (std::size_t i = 0; kNames[i] != 0; ++i)
    if ((bits >> i & 1) != 0) out.push_back(kNames[i]);
  return out.empty() ? "-" : out;
}

// "from-to,from-to"; "-" when there are none.
std::string selective(Packet options) {
  std::string out;
  for (std::size_t at = 0; at + 1 < options.size() && options[at] != kEndOption;) {
    if (options[at] == kPadOption) {
      ++at;
      continue;
    }
    const std::size_t size = options[at + 1];
    if (size < 2 || at + size > options.size()) break;
    for (std::size_t i = at + 2; options[at] == kSackOption && i + 8 <= at + size; i += 8)
      out += (out.empty() ? "" : ",") + std::to_string(number(options, i, 4)) + "-" +
             std::to_string(number(options, i + 4, 4));
    at += size;
  }
  return out.empty() ? "-" : out;
}

}  // namespace

Trace::~Trace() {
  if (file_ != nullptr) std::fclose(file_);
}

Result<void> Trace::open(const std::string& path) {
  file_ = std::fopen(path.c_str(), "w");
  if (file_ == nullptr) return Error(Errc::kIo, path + ": " + std::strerror(errno));
  std::fputs("time node way fate bytes from to flags seq ack payload sack\n", file_);
  return {};
}

void Trace::entered(const std::string& node, bool down, Packet packet, Nanos now,
                    std::optional<Nanos> arrives, const char* fate) {
  if (file_ == nullptr) return;
  if (!arrives) return write(node, down, packet, now, fate);
  char moment[32];
  std::snprintf(moment, sizeof moment, "%.6f",
                static_cast<double>(arrives->count()) / kNanosPerSecond);
  write(node, down, packet, now, moment);
}

void Trace::gone(const std::string& node, bool down, Packet packet, Nanos now) {
  if (file_ != nullptr) write(node, down, packet, now, "gone");
}

void Trace::flush() {
  if (file_ != nullptr) std::fflush(file_);
}

void Trace::write(const std::string& node, bool down, Packet packet, Nanos now, const char* fate) {
  std::fprintf(file_, "%.6f %s %s %s %zu", static_cast<double>(now.count()) / kNanosPerSecond,
               node.c_str(), down ? "down" : "up", fate, packet.size());
  const std::size_t ip = static_cast<std::size_t>(packet[0] & 15) * 4;
  const bool tcp = packet[9] == kTcp && ip >= kIpHeaderMin && packet.size() >= ip + kTcpHeaderMin;
  const std::size_t header = tcp ? static_cast<std::size_t>(packet[ip + 12] >> 4) * 4 : 0;
  if (header < kTcpHeaderMin || packet.size() < ip + header) {
    std::fputs(" - - - - - - -\n", file_);
    return;
  }
  std::fprintf(file_, " %u %u %s %u %u %zu %s\n", number(packet, ip, 2), number(packet, ip + 2, 2),
               flags(packet[ip + 13]).c_str(), number(packet, ip + 4, 4), number(packet, ip + 8, 4),
               packet.size() - ip - header,
               selective(packet.subspan(ip + kTcpHeaderMin, header - kTcpHeaderMin)).c_str());
}

}  // namespace lienthong::emulator
