#include "agent/links/backoff.h"

#include <algorithm>

namespace lienthong::agent {

using std::chrono::milliseconds;

milliseconds draw(std::chrono::nanoseconds most, Entropy& entropy) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : entropy.array<8>()) value = value << 8 | byte;
  const auto cap = std::chrono::duration_cast<milliseconds>(most).count();
  const auto width = static_cast<std::uint64_t>(std::max<std::int64_t>(cap, 0)) + 1;
  return milliseconds(static_cast<std::int64_t>(value % width));
}

milliseconds Backoff::next(Entropy& entropy) {
  const auto cap = std::min(cap_, cap_max_);
  cap_ = std::min(cap * 2, cap_max_);
  return draw(cap, entropy);
}

}  // namespace lienthong::agent
