// When offices work: desk hours, weekends, holidays, days swapped and made up, as data. The format
// is in docs/operations.md, "Calendar"; the one built in is conf/calendars/vn.tsv.
//
// Everything is in the office's time, +07:00 all year. Pure; any thread may share one. A year whose
// notice is not known is counted from the law, as far as that says the day (years_not_decided()),
// or, of a calendar that does not say so, by weekends alone (years_without_data()).
// The law: Bộ luật Lao động 45/2019/QH14, Điều 111(3), 112(1); Nghị quyết 28/2026/QH16, Điều 2.
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

// Until when on a day what is received still counts from that day.
struct CutOff {
  bool before_close = false;  // `time` before the desk closes; else of the day
  UnixMillis time = 0;
  bool operator==(const CutOff&) const = default;
};
// "15:00", "last-hour". nullopt: neither.
std::optional<CutOff> parse_cut_off(std::string_view text);
std::string to_text(const CutOff& cut_off);

enum class YearBasis : std::uint8_t {
  kNotice,    // all of its days are listed
  kLaw,       // certain days by the law and the lunar calendar; the rest is not decided
  kWeekends,  // nothing is known
};
std::string_view to_string(YearBasis basis);  // "notice", "law", "weekends"

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
  // What is listed; of years that are counted from the law nothing but single days.
  const std::map<OfficeDay, Entry>& entries() const { return entries_; }
  // All days of the year that differ from the week, listed or by the law.
  std::map<OfficeDay, Entry> days_of(int year) const;
  YearBasis basis_of(int year) const;
  const std::optional<CutOff>& cut_off() const { return cut_off_; }
  // This one with what the other lists put over it: whole years, single days, and where `hours` the
  // desk, weekend and cut-off that it names.
  Calendar with(const Calendar& published, bool hours) const;
  bool names_hours() const { return names_hours_; }
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
  // next working morning. What comes after the cut-off starts then too; null: the calendar's own.
  UnixMillis start_of_clock(UnixMillis moment, const CutOff* cut_off = nullptr) const;
  bool is_after_cut_off(UnixMillis moment, const CutOff* cut_off = nullptr) const;

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
  std::vector<int> years_not_decided(OfficeDay from, OfficeDay to) const;

  bool operator==(const Calendar&) const = default;

 private:
  friend class CalendarParser;
  std::vector<int> years_of(YearBasis basis, OfficeDay from, OfficeDay to) const;
  void count_law();
  OfficeDay nth_working_day(OfficeDay day, std::int64_t count) const;
  UnixMillis working_time_within(OfficeDay day, UnixMillis from, UnixMillis to) const;

  std::vector<Session> sessions_;  // ascending, apart; at least one
  std::set<int> weekend_;          // 0 Sunday to 6 Saturday
  std::map<OfficeDay, Entry> entries_;
  std::set<int> years_;              // whose days are all listed
  std::set<int> besides_;            // of which single days are listed beside what is known
  std::optional<int> law_from_;      // the first year that is counted from the law where not listed
  std::vector<OfficeDay> law_days_;  // off by the law, ascending; only those of no listed year
  std::optional<CutOff> cut_off_;
  bool names_hours_ = false;  // the table has desk, weekend or cut-off
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
