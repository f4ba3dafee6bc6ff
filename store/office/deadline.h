// When a dossier is due, and why: the limit of its procedure counted from its valid reception
// through everything that stopped the clock. Domain "Counting deadlines"; NĐ 61/2018 Đ.18, 19.
//
// - The clock starts at the valid reception; after hours and on days off, the next working morning.
// - Working and calendar days end with the desk hours of their last day, which is a working day:
//   calendar days that end on a day off move to the next working one (practice of the systems in
//   use, not found as a rule in the texts). Hours and half days are working time, to the minute.
// - "Same day" means until the desk closes; what came after 15:00, until it closes on the next
//   working day.
// - The clock stands still while the dossier waits for papers or payment, or is stopped. After
//   papers it restarts from zero or goes on, as the procedure says (restart, unless it says
//   otherwise); after payment and a stop it always goes on, for Đ.19(4) speaks of papers alone.
//   Going on means: later by the working time that it stood.
// - An apology sets a new date, once.
// Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/record/fields.h"
#include "store/office/calendar.h"

namespace lienthong::store {

enum class LimitUnit : std::uint8_t { kWorkingDay, kHour, kCalendarDay, kSameDay };

struct Limit {
  LimitUnit unit = LimitUnit::kWorkingDay;
  std::int64_t quarters = 0;  // four times the number of units: half a day is 2; same day: 0
  bool operator==(const Limit&) const = default;
};
inline constexpr std::int64_t kLimitQuartersMax = 14'600;  // ten years

std::string_view to_json(LimitUnit unit);
// "5", "0.5", "0.25".
std::string to_amount(const Limit& limit);

enum class Resume : std::uint8_t { kRestart, kExtend };

enum class DeadlineStep : std::uint8_t {  // of the explanation; each with what it uses
  kVersion,          // text: decision of the version that counts; at: in force from
  kNoVersion,        // text: code of the procedure: no version of it is pinned
  kLimit,            // limit; text: restart or extend
  kNoLimit,          // the version has no limit, or one without its unit
  kNotReceived,      // there is no valid reception yet, so no clock
  kReceived,         // at
  kAfterHours,       // at: the desk was closed, so the clock starts then
  kAfterThree,       // at: same day, but received after 15:00: that is the last day
  kStartGiven,       // at: the office wrote when the clock starts
  kCounted,          // at: due; from: counted from
  kRolled,           // at: due; from: the day off on which a calendar limit ended
  kPaused,           // from; text: state
  kStandsStill,      // from; text: state: nobody knows when it goes on
  kRestarted,        // at: counted anew from then
  kExtended,         // at: due; time: working time that it stood
  kReappointed,      // at: due; from: when the apology was made
  kEnded,            // at; text: state
  kCorrection,       // from: taken up again to correct it; the date stays
  kRecounted,        // from: reception, channel or version were changed
  kWrittenByOffice,  // at: the date in the record, which is not the one counted
  kNoHolidayData,    // amount: year counted by weekends alone
  kNotDecided,       // amount: year counted from the law; some of its days off are not decided
  kAfterCutOff,      // at: received after the cut-off, so the clock starts then; text: the cut-off
  kOutside,          // from: a step that stands outside of the total began; text: its name
};
std::string_view to_json(DeadlineStep step);

struct TraceStep {
  DeadlineStep step = DeadlineStep::kCounted;
  UnixMillis at = 0, from = 0;
  UnixMillis time = 0;  // length
  std::int64_t amount = 0;
  std::optional<Limit> limit;
  std::string text;
  bool operator==(const TraceStep&) const = default;
};

// What one change of the dossier said about its clock.
struct ClockEvent {
  UnixMillis at = 0;  // as the office says it happened
  std::optional<Status> status;
  std::optional<UnixMillis> due_at;  // written into the record, counted or by hand
  bool apology = false;              // due_at is the new date of an apology
  // Corrections of what the count began with; the clock is counted anew.
  std::optional<UnixMillis> received_at, clock_starts_at;
  // A step that stands outside of the total began (its name), or ended (empty).
  std::optional<std::string> outside;
  bool limit_changed = false;  // to `limit`: another channel or version
  std::optional<Limit> limit;
  bool operator==(const ClockEvent&) const = default;
};

struct DeadlineInput {  // as it began
  std::optional<UnixMillis> received_at;
  std::optional<UnixMillis> clock_starts_at;  // written by the office
  std::vector<ClockEvent> events;  // in the order in which they stand; the first: created
  std::optional<Limit> limit;
  Resume resume = Resume::kRestart;
  std::optional<CutOff> cut_off;  // the procedure's; none: the calendar's
};

struct Deadline {
  std::optional<UnixMillis> starts_at;
  std::optional<UnixMillis> due_at;  // none: unknown, the last step of `trace` says because of what
  bool paused = false;               // due_at is the date before the pause
  std::vector<TraceStep> trace;
};

Deadline find_deadline(const DeadlineInput& input, const Calendar& calendar);

// Of one limit, from a moment at which a clock starts; `trace` may be null. Within the day means
// what came until 15:00, unless a cut-off of the procedure has moved the start already.
UnixMillis add_limit(UnixMillis start, const Limit& limit, const Calendar& calendar,
                     std::vector<TraceStep>* trace, const CutOff* cut_off = nullptr);
// Where the clock of what was received at `moment` starts; `cut_off` null: the calendar's.
UnixMillis find_start(UnixMillis moment, const Calendar& calendar, std::vector<TraceStep>* trace,
                      const CutOff* cut_off = nullptr);

enum class Punctuality : std::uint8_t { kEarly, kOnTime, kLate };
// By date at the office; without a due date on time. Domain "Counting deadlines", 8.
Punctuality punctuality(UnixMillis end, std::optional<UnixMillis> due_at);

bool stops_clock(Status status);  // supplement, payment, stopped
// Refused, withdrawn, done, returned; a stop may go on.
bool ends_clock(Status status);

}  // namespace lienthong::store
