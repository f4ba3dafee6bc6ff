// Counting working time: what is added is what is counted, and no deadline falls on a day off.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "store/office/deadline.h"

namespace lienthong::store {
namespace {

constexpr OfficeDay kFirstDay = 19'600;  // 2023-08-31: before, within and after the built-in years

UnixMillis any_moment() {
  const auto minutes = *rc::gen::inRange<std::int64_t>(0, 3 * 366 * 24 * 60);
  return midnight_of(kFirstDay) + minutes * kMinuteMillis;
}

RC_GTEST_PROP(OfficeClock, WorkingDaysAddedAreWorkingDaysCounted, ()) {
  const Calendar& calendar = built_in_calendar();
  const OfficeDay from = day_at(any_moment());
  const auto count = *rc::gen::inRange<std::int64_t>(1, 400);
  const OfficeDay to = calendar.add_working_days(from, count);
  RC_ASSERT(calendar.is_working_day(to));
  RC_ASSERT(calendar.working_days_between(from, to) == count);
}

RC_GTEST_PROP(OfficeClock, WorkingTimeAddedIsWorkingTimeCounted, ()) {
  const Calendar& calendar = built_in_calendar();
  const UnixMillis from = any_moment();
  const UnixMillis time = *rc::gen::inRange<std::int64_t>(0, 400 * 60) * kMinuteMillis;
  const UnixMillis to = calendar.add_working_time(from, time);
  RC_ASSERT(to >= from);
  RC_ASSERT(calendar.is_desk_open(to));
  RC_ASSERT(calendar.working_time_between(from, to) == time);
  const UnixMillis more = *rc::gen::inRange<std::int64_t>(0, 60 * 60) * kMinuteMillis;
  RC_ASSERT(calendar.add_working_time(to, more) == calendar.add_working_time(from, time + more));
}

RC_GTEST_PROP(OfficeClock, NoDeadlineFallsOnADayOffOrBeforeItsStart, ()) {
  const Calendar& calendar = built_in_calendar();
  Limit limit;
  limit.unit = *rc::gen::element(LimitUnit::kWorkingDay, LimitUnit::kHour, LimitUnit::kCalendarDay,
                                 LimitUnit::kSameDay);
  limit.quarters = *rc::gen::inRange<std::int64_t>(1, 240);
  const UnixMillis start = calendar.start_of_clock(any_moment());
  const UnixMillis due = add_limit(start, limit, calendar, nullptr);
  RC_ASSERT(calendar.is_working_day(day_at(due)));
  RC_ASSERT(calendar.is_desk_open(due));
  RC_ASSERT(due >= start);
  limit.quarters += 4;
  if (limit.unit != LimitUnit::kSameDay)
    RC_ASSERT(add_limit(start, limit, calendar, nullptr) >= due);
}

// A run of states in the order of time, as offices write them.
std::vector<ClockEvent> any_events(UnixMillis from) {
  std::vector<ClockEvent> out;
  UnixMillis at = from;
  const auto count = *rc::gen::inRange(0, 12);
  for (int i = 0; i < count; ++i) {
    at += *rc::gen::inRange<std::int64_t>(0, 20 * 24 * 60) * kMinuteMillis;
    ClockEvent event;
    event.at = at;
    event.status = static_cast<Status>(*rc::gen::inRange(1, 11));
    out.push_back(event);
  }
  return out;
}

RC_GTEST_PROP(OfficeClock, WritingDownWhatWasCountedChangesNothing, ()) {
  const Calendar& calendar = built_in_calendar();
  DeadlineInput input;
  input.received_at = any_moment();
  input.limit = Limit{LimitUnit::kWorkingDay, *rc::gen::inRange<std::int64_t>(1, 160)};
  input.resume = *rc::gen::element(Resume::kRestart, Resume::kExtend);
  input.events = any_events(*input.received_at);
  const Deadline whole = find_deadline(input, calendar);
  RC_ASSERT(whole.due_at && calendar.is_working_day(day_at(*whole.due_at)));
  DeadlineInput step_by_step = input;
  step_by_step.events.clear();
  for (ClockEvent event : input.events) {
    step_by_step.events.push_back(event);
    step_by_step.events.back().due_at = find_deadline(step_by_step, calendar).due_at;
  }
  RC_ASSERT(find_deadline(step_by_step, calendar).due_at == whole.due_at);
  RC_ASSERT(find_deadline(step_by_step, calendar).trace == whole.trace);
}

}  // namespace
}  // namespace lienthong::store
