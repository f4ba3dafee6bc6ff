#include "store/office/feedback.h"

#include <algorithm>
#include <optional>

#include "store/office/calendar.h"

namespace lienthong::store {
namespace {

bool ends(Status status) {
  return status == Status::kDone || status == Status::kReturned || status == Status::kRefused ||
         status == Status::kWithdrawn || status == Status::kStopped;
}

// The first such moment up to `now`; 0: none.
template <class Wanted>
UnixMillis first(const FeedbackFacts& facts, UnixMillis now, const Wanted& wanted) {
  for (const StatusMoment& moment : facts.statuses)
    if (moment.at <= now && wanted(moment.status)) return moment.at;
  return 0;
}

std::optional<Status> status_at(const FeedbackFacts& facts, UnixMillis now) {
  std::optional<Status> out;
  for (const StatusMoment& moment : facts.statuses)
    if (moment.at <= now) out = moment.status;
  return out;
}

UnixMillis known(UnixMillis moment, UnixMillis now) { return moment <= now ? moment : 0; }

FeedbackClock clock(std::string_view name, int days, UnixMillis from, UnixMillis due,
                    UnixMillis end, UnixMillis now) {
  FeedbackClock out{name, days, from, due, end, ClockState::kRunning};
  const bool over = day_at(end != 0 ? end : now) > day_at(due);
  if (end != 0)
    out.state = over ? ClockState::kLate : ClockState::kMet;
  else if (over)
    out.state = ClockState::kOverdue;
  return out;
}

FeedbackClock handling(const FeedbackFacts& facts, const FeedbackRules& rules,
                       const AddWorkingDays& add, UnixMillis now) {
  const bool set = facts.due_at != 0;
  const UnixMillis due = set ? facts.due_at : add(facts.received_at, rules.handle);
  UnixMillis end = known(facts.answered_at, now);
  if (end == 0) end = first(facts, now, ends);
  return clock("handle", set ? 0 : rules.handle, facts.received_at, due, end, now);
}

}  // namespace

std::string_view to_string(ClockState state) {
  switch (state) {
    case ClockState::kRunning: return "running";
    case ClockState::kOverdue: return "overdue";
    case ClockState::kMet: return "met";
    case ClockState::kLate: return "late";
  }
  return "running";
}

std::vector<FeedbackClock> feedback_clocks(const FeedbackFacts& facts, const FeedbackRules& rules,
                                           const AddWorkingDays& add, UnixMillis now) {
  std::vector<FeedbackClock> out;
  if (facts.received_at == 0) return out;
  const UnixMillis taken =
      first(facts, now, [](Status status) { return status != Status::kRegistered; });
  out.push_back(clock("refuse", rules.refuse, facts.received_at,
                      add(facts.received_at, rules.refuse), taken, now));
  const UnixMillis asked =
      first(facts, now, [](Status status) { return status == Status::kSupplement; });
  if (asked != 0)
    out.push_back(clock("supplement", rules.supplement, facts.received_at,
                        add(facts.received_at, rules.supplement), asked, now));
  out.push_back(handling(facts, rules, add, now));
  if (const UnixMillis answered = known(facts.answered_at, now); answered != 0)
    out.push_back(clock("publish", rules.publish, answered, add(answered, rules.publish),
                        known(facts.published_at, now), now));
  return out;
}

bool count_feedback(const FeedbackFacts& facts, const FeedbackRules& rules,
                    const AddWorkingDays& add, UnixMillis from, UnixMillis to,
                    FeedbackCounts& counts) {
  const UnixMillis last = to - 1;
  if (facts.received_at == 0 || facts.received_at > last) return false;
  const FeedbackClock handle = handling(facts, rules, add, last);
  const bool carried = facts.received_at < from;
  if (carried && handle.end != 0 && handle.end < from) return false;
  ++(carried ? counts.carried : counts.received);
  if (handle.end == 0) {
    ++(handle.state == ClockState::kOverdue ? counts.open_overdue : counts.open_in_time);
    return true;
  }
  const UnixMillis answered = known(facts.answered_at, last);
  if (answered == 0) {
    ++(status_at(facts, last) == Status::kRefused ? counts.refused : counts.ended);
    return true;
  }
  ++(handle.state == ClockState::kLate ? counts.late : counts.on_time);
  const UnixMillis published = known(facts.published_at, last);
  const UnixMillis due = add(answered, rules.publish);
  if (published == 0)
    ++counts.not_published;
  else
    ++(day_at(published) > day_at(due) ? counts.published_late : counts.published_in_time);
  return true;
}

}  // namespace lienthong::store
