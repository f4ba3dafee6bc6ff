// When offices work: desk hours, weekends, holidays, days swapped and made up, as data. The format
// is in docs/operations.md, "Calendar"; the one built in is conf/calendars/vn.tsv.
//
// Everything is in the office's time, +07:00 all year. Pure; any thread may share one. What a year
// has no data for is counted by weekends alone, and years_without_data() says which those are.
// Source of the units: domain "Counting deadlines" (1 working day = 8 working hours at the usual
// desk hours).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/instant.h"

namespace lienthong::store {

inline constexpr UnixMillis kOfficeOffsetMillis = 7LL * 3600 * 1000;
inline constexpr UnixMillis kMinuteMillis = 60LL * 1000;
inline constexpr UnixMillis kHourMillis = 60 * kMinuteMillis;
inline constexpr UnixMillis kDayMillis = 24 * kHourMillis;

using OfficeDay = std::int64_t;  // days since 1970-01-01 at the office

// The one function for a day at the office; of what is no time (is_time()) that of the nearest one.
constexpr OfficeDay day_at(UnixMillis moment) {
  const UnixMillis local = bounded_time(moment) + kOfficeOffsetMillis;
  return local / kDayMillis - (local % kDayMillis < 0 ? 1 : 0);
}
constexpr UnixMillis midnight_of(OfficeDay day) {  // as the day begins
  return day * kDayMillis - kOfficeOffsetMillis;
}
int year_of(OfficeDay day);
int office_year(UnixMillis moment);
// "2025-04-26".
std::string to_date(OfficeDay day);
// nullopt unless a date that exists, in that form, from 1900 to 2199.
std::optional<OfficeDay> parse_date(std::string_view text);

enum class DayKind : std::uint8_t {
  kHoliday,
  kSwapped,  // a working day that is off, made up for on another
  kMakeUp,   // a day of the weekend on which offices work
};

struct CalendarMistake {
  std::size_t line = 0;  // 1-based; 0: the file as a whole
  std::string text;      // what was found and what was expected
};

class Calendar {
 public:
  struct Session {  // of the desk, within the day
    UnixMillis begin = 0, end = 0;
    bool operator==(const Session&) const = default;
  };
  struct Entry {
    DayKind kind = DayKind::kHoliday;
    std::string name, source;
    bool operator==(const Entry&) const = default;
  };

  // Monday to Friday, the usual desk hours, no data for any year.
  Calendar();

  const std::vector<Session>& sessions() const { return sessions_; }
  const std::map<OfficeDay, Entry>& entries() const { return entries_; }
  // Working time of one working day: 8 hours at the usual desk hours.
  UnixMillis working_day() const { return working_day_; }

  bool is_working_day(OfficeDay day) const;
  // The day itself if it is one, else the next.
  OfficeDay working_day_from(OfficeDay day) const;
  UnixMillis desk_opens(OfficeDay day) const;
  UnixMillis desk_closes(OfficeDay day) const;
  // Within the desk hours of a working day; the moment at which it closes counts as within.
  bool is_desk_open(UnixMillis moment) const;
  // The moment itself while the desk is open, or in its break; after hours and on days off, the
  // next working morning.
  UnixMillis start_of_clock(UnixMillis moment) const;

  // Counting takes no longer for years than for days. What would end after the last moment that is
  // a time (instant.h) ends there.

  // The nth working day after `day`, which is not counted; `day` may be off. 0 to 36,500.
  OfficeDay add_working_days(OfficeDay day, std::int64_t count) const;
  // Working days in (from, to]; negative never.
  std::int64_t working_days_between(OfficeDay from, OfficeDay to) const;
  // Working time from `moment` on; ends at the close of a session rather than at the opening of the
  // next. `time` 0: the first working moment.
  UnixMillis add_working_time(UnixMillis moment, UnixMillis time) const;
  UnixMillis working_time_between(UnixMillis from, UnixMillis to) const;

  // Of the years that [from, to] touches; ascending.
  std::vector<int> years_without_data(OfficeDay from, OfficeDay to) const;

  bool operator==(const Calendar&) const = default;

 private:
  friend class CalendarParser;
  OfficeDay nth_working_day(OfficeDay day, std::int64_t count) const;
  UnixMillis working_time_within(OfficeDay day, UnixMillis from, UnixMillis to) const;

  std::vector<Session> sessions_;  // ascending, apart; at least one
  std::set<int> weekend_;          // 0 Sunday to 6 Saturday
  std::map<OfficeDay, Entry> entries_;
  std::set<int> years_;
  UnixMillis working_day_ = 0;
};

struct CalendarReading {
  Calendar calendar;                      // to be used only without mistakes
  std::vector<CalendarMistake> mistakes;  // ascending by line
};
CalendarReading parse_calendar(std::string_view text);

// conf/calendars/vn.tsv as it was when the program was built.
const Calendar& built_in_calendar();

}  // namespace lienthong::store
