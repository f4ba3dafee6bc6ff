#include "agent/engine/clock.h"

#include <sodium/randombytes.h>

#include <chrono>

namespace lienthong::agent {

UnixMillis SystemClock::now() const {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
}

Instant SystemClock::monotonic() const {
  return Instant(std::chrono::steady_clock::now().time_since_epoch());
}

void SystemEntropy::fill(std::span<std::uint8_t> out) { randombytes_buf(out.data(), out.size()); }

}  // namespace lienthong::agent
