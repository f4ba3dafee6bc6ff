// Virtual time: a queue of events, run in order of time and then of their making. Nothing sleeps.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <utility>

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

 private:
  Instant now_{};
  std::uint64_t ordinal_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> events_;
};

}  // namespace lienthong::sim
