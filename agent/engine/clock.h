// The machine's clocks and randomness, made in main() and handed down. Any thread.
#pragma once

#include "agent/engine/engine.h"
#include "protocol/crypto/keys.h"

namespace lienthong::agent {

// 2025-01-01T00:00:00Z: before this program was made, so a clock that says less is wrong.
inline constexpr UnixMillis kReleasedAfter = 1'735'689'600'000;

class SystemClock final : public WallClock {
 public:
  UnixMillis now() const override;
  Instant monotonic() const override;
};

class SystemEntropy final : public Entropy {  // libsodium's randombytes, which is thread-safe
 public:
  void fill(std::span<std::uint8_t> out) override;
};

}  // namespace lienthong::agent
