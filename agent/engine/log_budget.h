// How many lines of one kind the log takes: so many of each event and hour, so that nothing that
// goes wrong again and again fills a disk or hides the rest. What was left out is told once the
// hour is over. docs/monitoring.md, "Log". Pure; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/instant.h"

namespace lienthong::agent {

class LogBudget {
 public:
  static constexpr std::uint64_t kLinesMax = 120;  // of an event in an hour
  static constexpr std::uint64_t kDebugLinesMax = 3'600;
  static constexpr std::size_t kEventsMax = 256;  // further ones count together
  static constexpr UnixMillis kHour = 3'600'000;

  struct Dropped {
    std::string event;
    std::uint64_t lines = 0;
  };
  // Whether the line passes. A clock that is set back begins a new hour.
  bool take(std::string_view line, bool debug, UnixMillis now);
  // What was left out in hours that are over; each is told once.
  std::vector<Dropped> over(UnixMillis now);

 private:
  struct Hour {
    UnixMillis begun = 0;
    std::uint64_t lines = 0, dropped = 0;
  };
  std::map<std::string, Hour, std::less<>> hours_;
  std::uint64_t dropping_ = 0;  // of hours_, those that left something out
  std::vector<Dropped> told_later_;
};

// "up" of "peer=… event=up …"; empty: it names none.
std::string_view event_of(std::string_view line);

}  // namespace lienthong::agent
