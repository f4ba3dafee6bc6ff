#include "store/office/feedback.h"

#include <algorithm>

#include "protocol/record/registers.h"
#include "store/office/marks.h"

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

// ---- as it lies in a replica ----

FeedbackFacts feedback_facts(const Replica& replica, const RecordState& state) {
  const auto moment = [&](Field field) { return open_integer(state, field).value_or(0); };
  FeedbackFacts out;
  out.received_at = moment(Field::kReceivedAt);
  out.due_at = moment(Field::kDueAt);
  out.answered_at = moment(Field::kAnsweredAt);
  out.published_at = moment(Field::kPublishedAt);
  for (const UpdateId& id : state.timeline) {
    const auto update = replica.find_update(id);
    if (!update) continue;
    const auto status = written_status(update->open.writes);
    if (!status) continue;
    const bool first = update->open.kind == UpdateKind::kCreated;
    const UnixMillis said = first ? out.received_at : update->open.at;
    out.statuses.push_back({said != 0 ? said : update->update.envelope.hlc.millis(), *status});
  }
  std::ranges::stable_sort(out.statuses, {}, &StatusMoment::at);
  return out;
}

AddWorkingDays working_days_of(const Calendar& calendar) {
  return [&calendar](UnixMillis from, int days) {
    return calendar.desk_closes(calendar.add_working_days(day_at(from), days));
  };
}

std::vector<FeedbackClock> feedback_clocks(const Replica& replica, const RecordState& state,
                                           const Calendar& calendar, UnixMillis now) {
  return feedback_clocks(feedback_facts(replica, state), FeedbackRules{}, working_days_of(calendar),
                         now);
}

bool is_overdue(const std::vector<FeedbackClock>& clocks) {
  return std::ranges::find(clocks, ClockState::kOverdue, &FeedbackClock::state) != clocks.end();
}

bool received_below(const RecordState& state, const AgencyId& agency, const Registry& registry) {
  return registry.above_or_equal(agency, intake_of(state), registry.newest());
}

FeedbackReport report_feedback(const Replica& replica, UnixMillis from, UnixMillis to,
                               const std::optional<AgencyId>& agency, const Calendar& calendar,
                               UnixMillis now) {
  const auto registry = replica.registry();
  const AddWorkingDays add = working_days_of(calendar);
  const UnixMillis last = std::min(to, now + 1);
  FeedbackReport out;
  for_each_marked(replica, {Mark::kFeedback}, [&](const RecordEntry& entry) {
    const RecordState& state = entry.state;
    if (state.kind != RecordKind::kFeedback || state.chain.empty()) return true;
    if (agency && !received_below(state, *agency, *registry)) return true;
    const FeedbackFacts facts = feedback_facts(replica, state);
    const auto count = [&](FeedbackCounts& counts) {
      return count_feedback(facts, FeedbackRules{}, add, from, last, counts);
    };
    if (!count(out.all)) return true;
    count(out.by_topic[open_text(state, Field::kTopic).value_or("unknown")]);
    count(out.by_source[open_text(state, Field::kSource).value_or("unknown")]);
    const auto about = open_text(state, Field::kAboutDossier);
    if (about && replica.find_code(*about).empty()) ++out.about_unknown;
    return true;
  });
  return out;
}

}  // namespace lienthong::store
