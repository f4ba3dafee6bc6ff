// What a day may cost on a prepaid line: bytes of IP packets by lane, against a bound.
//
// The day is 24 hours of elapsed time, never of the wall clock; time during which the machine was
// off counts as the wall clock says, at most a day. With a bound, lanes 4, 3 and 2 close at 70, 80
// and 90 per cent of it; what is left is for lanes 0 and 1, which never close. Lane 4 also keeps
// hours. What was counted since the last state() is lost in a crash.
//
// Pure; one thread. docs/operations.md, "Budget".
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/bytes.h"
#include "protocol/base/instant.h"
#include "protocol/base/result.h"

namespace lienthong::agent {

inline constexpr std::size_t kLaneCount = 5;
using LaneBytes = std::array<std::uint64_t, kLaneCount>;

// Minutes of the day, local time; `from` == `to` cannot be. Over midnight when from > to.
struct DayHours {
  int from = 0;
  int to = 24 * 60;
  bool contains(int minute) const;
  bool operator==(const DayHours&) const = default;
};
// "18:00-06:00"; none when it is no such text.
std::optional<DayHours> parse_hours(std::string_view text);
std::string to_text(const DayHours& hours);
// Of the office's time zone, which is fixed: +07:00.
int minute_of_day(UnixMillis time);

enum class LaneGate : std::uint8_t { kOpen, kBudget, kHours, kDisk };
const char* to_string(LaneGate gate);  // "open", "budget", "hours", "disk-full"

struct BudgetStatus {
  std::uint64_t bytes_per_day = 0;  // 0: no bound
  LaneBytes spent{};                // of this day
  LaneBytes spent_before{};         // of the day before
  std::uint64_t spent_total = 0;
  std::uint64_t forecast = 0;  // what the whole day will come to at this rate
  std::chrono::seconds elapsed{0};
  std::array<LaneGate, kLaneCount> gates{};
};

class Budget {
 public:
  static constexpr std::chrono::hours kDay{24};
  static constexpr std::chrono::hours kForecastMin{1};  // less says nothing of a day
  static constexpr std::array<int, kLaneCount> kClosesAtPercent{0, 0, 90, 80, 70};  // 0: never

  // `bytes_per_day`: 0 for no bound, `hours`: of lane 4. The first day starts now.
  Budget(std::uint64_t bytes_per_day, DayHours hours, Instant now);

  // What state() gave, before a restart. kMalformed leaves everything as it was.
  Result<void> restore(ByteView state, UnixMillis wall);
  Bytes state(UnixMillis wall) const;

  // `ip_bytes` went over the line, of which `payload` was the lanes' own; the rest is shared out in
  // proportion, to lane 0 when there is no payload.
  void spend(const LaneBytes& payload, std::uint64_t ip_bytes);
  void advance(Instant now);

  LaneGate gate(std::size_t lane, UnixMillis wall) const;
  BudgetStatus status(UnixMillis wall) const;
  std::uint64_t spent_total() const;

 private:
  void pass(std::chrono::nanoseconds time);

  std::uint64_t bytes_per_day_;
  DayHours hours_;
  Instant advanced_;
  std::chrono::nanoseconds elapsed_{0};
  LaneBytes spent_{};
  LaneBytes before_{};
};

}  // namespace lienthong::agent
