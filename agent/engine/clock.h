// The machine's clocks and randomness, made in main() and handed down. Any thread.
#pragma once

#include "agent/engine/engine.h"
#include "protocol/crypto/keys.h"

namespace lienthong::agent {

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
