// Time as values that are handed in. protocol/ and store/ never ask a clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstdint>

namespace lienthong {

// Monotonic: for time-outs, back-off, rates. The simulator's and the daemon's clocks both make
// these.
struct MonotonicClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};
using Instant = MonotonicClock::time_point;

// Milliseconds since 1970-01-01T00:00:00Z, from the office's clock, which may be wrong by days.
using UnixMillis = std::int64_t;

// From 1900-01-01T00:00:00Z to before 2200-01-01T00:00:00Z. No update and no statement names
// another time (docs/protocol/updates.md, "Form"), so that whoever counts with them comes to an
// end.
inline constexpr UnixMillis kTimeMin = -2'208'988'800'000, kTimeEnd = 7'258'118'400'000;
constexpr bool is_time(UnixMillis time) { return time >= kTimeMin && time < kTimeEnd; }
// The nearest one that is.
constexpr UnixMillis bounded_time(UnixMillis time) {
  return std::clamp(time, kTimeMin, kTimeEnd - 1);
}

// Hybrid logical clock: 48 bits of milliseconds, 16 bits of counter (Kulkarni et al., 2014).
// Orders concurrent changes and dates them for people; never decides a right.
struct Hlc {
  std::uint64_t value = 0;
  auto operator<=>(const Hlc&) const = default;

  UnixMillis millis() const { return static_cast<UnixMillis>(value >> 16); }
  static Hlc at(UnixMillis millis, std::uint16_t counter = 0) {
    const auto clamped =
        static_cast<std::uint64_t>(std::clamp<UnixMillis>(millis, 0, (1LL << 48) - 1));
    return Hlc{clamped << 16 | counter};
  }
  // The next value at `now` that is greater than `seen`, the newest that this node has met.
  static Hlc next(UnixMillis now, Hlc seen) {
    const Hlc wall = at(now);
    if (wall > seen) return wall;
    const Hlc last = at(kTimeEnd - 1, 0xffff);  // forged up to it: stays there
    return seen >= last ? last : Hlc{seen.value + 1};
  }
};

}  // namespace lienthong
