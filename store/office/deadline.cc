#include "store/office/deadline.h"

#include <algorithm>
#include <array>

#include "protocol/base/check.h"

namespace lienthong::store {
namespace {

constexpr UnixMillis kThreeOClock = 15 * kHourMillis;

constexpr std::array<std::string_view, 4> kUnits = {"working_day", "hour", "calendar_day",
                                                    "same_day"};
constexpr std::array<std::string_view, 24> kSteps = {
    "version",         "no-version",  "limit",         "no-limit",    "not-received",
    "received",        "after-hours", "after-three",   "start-given", "counted",
    "rolled",          "paused",      "stands-still",  "restarted",   "extended",
    "reappointed",     "ended",       "correction",    "recounted",   "written-by-office",
    "no-holiday-data", "not-decided", "after-cut-off", "outside"};

void add(std::vector<TraceStep>* trace, TraceStep step) {
  if (trace != nullptr) trace->push_back(std::move(step));
}

TraceStep made(DeadlineStep step, UnixMillis at, UnixMillis from = 0) {
  TraceStep out;
  out.step = step;
  out.at = at;
  out.from = from;
  return out;
}

struct Pause {
  UnixMillis at = 0;
  Status status = Status::kSupplement;
};

std::string name_of(Status status) { return std::string(lienthong::to_json(status)); }

class Clock {
 public:
  Clock(const DeadlineInput& input, const Calendar& calendar)
      : input_(input), calendar_(calendar) {}

  Deadline run() {
    received_ = input_.received_at;
    start_given_ = input_.clock_starts_at;
    limit_ = input_.limit;
    if (!received_) {
      step(DeadlineStep::kNotReceived, 0);
      return std::move(out_);
    }
    start();
    count();
    for (const ClockEvent& event : input_.events) {
      if (event.received_at || event.clock_starts_at || event.limit_changed) change(event);
      if (event.status) take(event.at, *event.status);
      if (event.outside) step_outside(event);
      if (event.due_at) write_down(event);
    }
    if (outside_ && !paused_ && !ended_) {
      step(DeadlineStep::kStandsStill, 0, outside_->at, outside_->name);
      out_.paused = true;
    }
    if (paused_) {
      step(DeadlineStep::kStandsStill, 0, paused_->at, name_of(paused_->status));
      out_.paused = true;
    }
    say_years();
    return std::move(out_);
  }

 private:
  const CutOff* cut_off() const { return input_.cut_off ? &*input_.cut_off : nullptr; }

  void step(DeadlineStep kind, UnixMillis at, UnixMillis from = 0, std::string text = {}) {
    TraceStep made_step = made(kind, at, from);
    made_step.text = std::move(text);
    out_.trace.push_back(std::move(made_step));
  }

  void start() {
    step(DeadlineStep::kReceived, *received_);
    const UnixMillis counted = calendar_.start_of_clock(*received_, cut_off());
    if (start_given_ && *start_given_ != counted) {
      step(DeadlineStep::kStartGiven, *start_given_);
      out_.starts_at = *start_given_;
    } else {
      out_.starts_at = find_start(*received_, calendar_, &out_.trace, cut_off());
    }
    counted_from_ = *out_.starts_at;
  }

  // From where the clock last began, with what stood still since.
  void count() {
    given_ = false;
    out_.due_at.reset();
    if (!limit_) return step(DeadlineStep::kNoLimit, 0);
    UnixMillis due = add_limit(counted_from_, *limit_, calendar_, &out_.trace, cut_off());
    if (stood_) due = calendar_.add_working_time(due, *stood_);
    out_.due_at = due;
  }

  void change(const ClockEvent& event) {
    const bool restarted = counted_from_ != *out_.starts_at;
    const bool began = event.received_at || event.clock_starts_at;
    if (event.limit_changed) limit_ = event.limit;
    if (event.received_at) {
      received_ = event.received_at;
      start_given_.reset();
    }
    if (event.clock_starts_at) start_given_ = event.clock_starts_at;
    step(DeadlineStep::kRecounted, 0, event.at);
    if (began) {
      const UnixMillis kept = counted_from_;
      start();
      if (restarted) counted_from_ = kept;
    }
    if (!given_) count();
  }

  void take(UnixMillis at, Status status) {
    if (paused_ && status != paused_->status) resume(at, status);
    if (stops_clock(status)) {
      if (paused_) return;
      paused_ = Pause{at, status};
      step(DeadlineStep::kPaused, 0, at, name_of(status));
    } else if (ends_clock(status)) {
      if (!ended_) step(DeadlineStep::kEnded, at, 0, name_of(status));
      ended_ = true;
    } else if (ended_ && status == Status::kProcessing) {
      step(DeadlineStep::kCorrection, 0, at);
      corrected_ = true;
      ended_ = false;
    }
  }

  // Papers have come, it was paid, or the work goes on; or it ended, and the date stays.
  void resume(UnixMillis at, Status status) {
    const Pause pause = *std::exchange(paused_, std::nullopt);
    if (corrected_ || !out_.due_at || ends_clock(status)) return;
    if (pause.status == Status::kSupplement && input_.resume == Resume::kRestart &&
        status == Status::kProcessing) {
      const UnixMillis from = find_start(at, calendar_, nullptr, cut_off());
      step(DeadlineStep::kRestarted, from);
      if (!limit_) return step(DeadlineStep::kNoLimit, 0);  // the date given stays
      counted_from_ = from;
      stood_.reset();
      return count();
    }
    extend(pause.at, at);
  }

  // The total does not run while the work lies outside of it; the step has a clock of its own.
  void step_outside(const ClockEvent& event) {
    if (outside_) {
      const Outside before = *std::exchange(outside_, std::nullopt);
      if (!paused_ && !ended_) extend(before.at, event.at);
    }
    if (event.outside->empty()) return;
    outside_ = Outside{event.at, *event.outside};
    step(DeadlineStep::kOutside, 0, event.at, *event.outside);
  }

  void extend(UnixMillis from, UnixMillis to) {
    if (!out_.due_at) return;
    TraceStep extended = made(DeadlineStep::kExtended, 0, from);
    extended.time = calendar_.working_time_between(from, to);
    extended.at = calendar_.add_working_time(*out_.due_at, extended.time);
    out_.due_at = extended.at;
    stood_ = std::min(stood_.value_or(0) + extended.time, kTimeEnd);
    out_.trace.push_back(std::move(extended));
  }

  void write_down(const ClockEvent& event) {
    if (event.apology) {
      step(DeadlineStep::kReappointed, *event.due_at, event.at);
    } else if (event.due_at != out_.due_at) {
      step(DeadlineStep::kWrittenByOffice, *event.due_at, event.at);
    } else {
      return;
    }
    given_ = true;
    out_.due_at = event.due_at;
  }

  void say_years() {
    if (!out_.due_at || !out_.starts_at) return;
    const OfficeDay first = day_at(*out_.starts_at);
    const OfficeDay last = std::max(first, day_at(*out_.due_at));
    for (const int year : calendar_.years_without_data(first, last)) {
      TraceStep missing = made(DeadlineStep::kNoHolidayData, 0);
      missing.amount = year;
      out_.trace.push_back(std::move(missing));
    }
    for (const int year : calendar_.years_not_decided(first, last)) {
      TraceStep open = made(DeadlineStep::kNotDecided, 0);
      open.amount = year;
      out_.trace.push_back(std::move(open));
    }
  }

  struct Outside {
    UnixMillis at = 0;
    std::string name;
  };

  const DeadlineInput& input_;
  const Calendar& calendar_;
  Deadline out_;
  std::optional<UnixMillis> received_, start_given_;
  std::optional<Limit> limit_;
  UnixMillis counted_from_ = 0;
  std::optional<UnixMillis> stood_;  // working time since then in which the clock stood still
  bool given_ = false;               // the date is not the one counted
  std::optional<Pause> paused_;
  std::optional<Outside> outside_;
  bool ended_ = false, corrected_ = false;
};

}  // namespace

std::string_view to_json(LimitUnit unit) { return kUnits[static_cast<std::size_t>(unit)]; }
std::string_view to_json(DeadlineStep step) { return kSteps[static_cast<std::size_t>(step)]; }

std::string to_amount(const Limit& limit) {
  constexpr std::array<std::string_view, 4> kParts = {"", ".25", ".5", ".75"};
  return std::to_string(limit.quarters / 4) +
         std::string(kParts[static_cast<std::size_t>(limit.quarters % 4)]);
}

bool stops_clock(Status status) {
  return status == Status::kSupplement || status == Status::kPayment || status == Status::kStopped;
}

bool ends_clock(Status status) {
  return status == Status::kRefused || status == Status::kWithdrawn || status == Status::kDone ||
         status == Status::kReturned;
}

UnixMillis find_start(UnixMillis moment, const Calendar& calendar, std::vector<TraceStep>* trace,
                      const CutOff* cut_off) {
  const UnixMillis start = calendar.start_of_clock(moment, cut_off);
  if (start == moment) return start;
  const bool cut = calendar.is_working_day(day_at(moment)) &&
                   moment <= calendar.desk_closes(day_at(moment)) &&
                   calendar.is_after_cut_off(moment, cut_off);
  TraceStep late =
      made(cut ? DeadlineStep::kAfterCutOff : DeadlineStep::kAfterHours, start, moment);
  if (cut) late.text = to_text(cut_off != nullptr ? *cut_off : *calendar.cut_off());
  add(trace, std::move(late));
  return start;
}

UnixMillis add_limit(UnixMillis start, const Limit& limit, const Calendar& calendar,
                     std::vector<TraceStep>* trace, const CutOff* cut_off) {
  LT_CHECK(limit.quarters >= 0 && limit.quarters <= kLimitQuartersMax);
  const OfficeDay day = day_at(start);
  UnixMillis due = 0;
  switch (limit.unit) {
    case LimitUnit::kWorkingDay:
      due = limit.quarters % 4 == 0
                ? calendar.desk_closes(calendar.add_working_days(day, limit.quarters / 4))
                : calendar.add_working_time(start, limit.quarters * calendar.working_day() / 4);
      break;
    case LimitUnit::kHour:
      due = calendar.add_working_time(start, limit.quarters * kHourMillis / 4);
      break;
    case LimitUnit::kCalendarDay: {
      const OfficeDay last = day + limit.quarters / 4;
      due = calendar.desk_closes(calendar.working_day_from(last));
      if (!calendar.is_working_day(last))
        add(trace, made(DeadlineStep::kRolled, due, midnight_of(last)));
      break;
    }
    case LimitUnit::kSameDay: {
      const OfficeDay working = calendar.working_day_from(day);
      const bool after_three =
          cut_off == nullptr && working == day && start - midnight_of(day) > kThreeOClock;
      due = calendar.desk_closes(after_three ? calendar.working_day_from(day + 1) : working);
      if (after_three) add(trace, made(DeadlineStep::kAfterThree, due, start));
      break;
    }
  }
  TraceStep counted = made(DeadlineStep::kCounted, due, start);
  counted.limit = limit;
  add(trace, std::move(counted));
  return due;
}

// Times that are none, as another program may have written them, count as the nearest that are.
Deadline find_deadline(const DeadlineInput& input, const Calendar& calendar) {
  const auto bound = [](std::optional<UnixMillis>& time) {
    if (time) time = bounded_time(*time);
  };
  DeadlineInput bounded = input;
  bound(bounded.received_at);
  bound(bounded.clock_starts_at);
  for (ClockEvent& event : bounded.events) {
    event.at = bounded_time(event.at);
    bound(event.due_at);
    bound(event.received_at);
    bound(event.clock_starts_at);
  }
  return Clock(bounded, calendar).run();
}

Punctuality punctuality(UnixMillis end, std::optional<UnixMillis> due_at) {
  if (!due_at || day_at(end) == day_at(*due_at)) return Punctuality::kOnTime;
  return day_at(end) < day_at(*due_at) ? Punctuality::kEarly : Punctuality::kLate;
}

}  // namespace lienthong::store
