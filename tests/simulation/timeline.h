// Virtual time: a queue of events, run in order of time and then of their making. Nothing sleeps.
// What happens leaves a trace, so that two runs of one seed can be compared.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <utility>

#include "protocol/base/bytes.h"
#include "protocol/base/instant.h"

namespace lienthong::sim {

using Duration = std::chrono::milliseconds;

class Timeline {
 public:
  Instant now() const { return now_; }
  Duration elapsed() const { return std::chrono::duration_cast<Duration>(now_.time_since_epoch()); }

  void after(Duration delay, std::function<void()> event) { at(now_ + delay, std::move(event)); }
  void at(Instant when, std::function<void()> event) {
    events_.emplace(std::pair(std::max(when, now_), ordinal_++), std::move(event));
  }
  // Runs what falls into the next `span`; the time is then now + span.
  void run_for(Duration span) {
    const Instant end = now_ + span;
    while (!events_.empty() && events_.begin()->first.first <= end) {
      auto event = events_.extract(events_.begin());
      now_ = event.key().first;
      event.mapped()();
    }
    now_ = end;
  }

  // Something that another run of the same seed must do at the same time with the same bytes.
  void note(std::uint64_t what, ByteView bytes = {}) {
    mix(static_cast<std::uint64_t>(elapsed().count()));
    mix(what);
    for (const std::uint8_t byte : bytes) trace_ = (trace_ ^ byte) * kPrime;
  }
  std::uint64_t trace() const { return trace_; }

 private:
  static constexpr std::uint64_t kPrime = 0x100000001b3;  // FNV-1a
  void mix(std::uint64_t value) {
    for (int i = 0; i < 8; ++i, value >>= 8) trace_ = (trace_ ^ (value & 0xff)) * kPrime;
  }

  Instant now_{};
  std::uint64_t ordinal_ = 0;
  std::uint64_t trace_ = 0xcbf29ce484222325;
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> events_;
};

}  // namespace lienthong::sim
