#include "agent/backoff.h"

#include <algorithm>

namespace lienthong::agent {

std::chrono::milliseconds Backoff::next(Entropy& entropy) {
  const auto cap = std::min(cap_, cap_max_);
  cap_ = std::min(cap_ * 2, cap_max_);
  std::uint64_t draw = 0;
  for (const std::uint8_t byte : entropy.array<8>()) draw = draw << 8 | byte;
  const auto width = static_cast<std::uint64_t>(cap.count()) + 1;
  return std::chrono::milliseconds(static_cast<std::int64_t>(draw % width));
}

}  // namespace lienthong::agent
