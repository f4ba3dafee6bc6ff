// The calendar that an office goes by: its own table, with what those above it have published as
// records, so that a day that is swapped reaches every office by itself. Such a record is of kind
// procedure, bears the code "calendar" and the table as its text; it goes wherever procedures go.
//
// What a superior says of days stands over the office's own table, the nearest superior over the
// others, the later over the earlier of one; desk hours and cut-off are a superior's only where the
// office has no table of its own. What the office itself has published stands over all.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "store/office/calendar.h"
#include "store/replica/replica.h"

namespace lienthong::store {

inline constexpr std::string_view kCalendarCode = "calendar";

struct PublishedCalendar {
  RecordId record;
  AgencyId author;
  std::string name, decision, text;
  bool counts = false;  // for our agency now
  std::string problem;  // why its table cannot be read; empty: it can
  Calendar calendar{};
};
// In the order in which they are put over one another.
std::vector<PublishedCalendar> published_calendars(const Replica& replica, UnixMillis now);

// The calendar of one machine. Threads: any; what at() gives lives as long as this does.
class Calendars {
 public:
  // `base`: the office's own table, or the one built in.
  const Calendar& at(const Replica& replica, UnixMillis now, const Calendar& base, bool own_table);

 private:
  std::mutex mutex_;
  std::string basis_;  // what the last one was made of
  std::deque<Calendar>
      calendars_;  // each that was asked for once; a new one comes with a new table
};

}  // namespace lienthong::store
