// How long a dialler waits before it tries again: drawn from 0 to a cap that doubles with every
// failure up to a maximum (full jitter), so that offices that lost the same link do not come back
// in step.
#pragma once

#include <chrono>

#include "protocol/crypto/keys.h"

namespace lienthong::agent {

// 0 to `most`, evenly, to the millisecond.
std::chrono::milliseconds draw(std::chrono::nanoseconds most, Entropy& entropy);

class Backoff {
 public:
  static constexpr std::chrono::milliseconds kFirstCap{1000};

  explicit Backoff(std::chrono::milliseconds cap_max) : cap_max_(cap_max) {}
  // 0 to the present cap, evenly; doubles the cap.
  std::chrono::milliseconds next(Entropy& entropy);
  // People wait, or none do: holds from the next draw on.
  void set_cap_max(std::chrono::milliseconds cap_max) { cap_max_ = cap_max; }
  void reset() { cap_ = kFirstCap; }

 private:
  std::chrono::milliseconds cap_max_;
  std::chrono::milliseconds cap_ = kFirstCap;
};

}  // namespace lienthong::agent
