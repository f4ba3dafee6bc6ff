#include "store/office/step.h"

#include <algorithm>

namespace lienthong::store {
namespace {

bool fits(const ProcedureStep& step, const PlaceEvent& event) {
  return !step.agency.empty() && (step.agency == event.agency_code || step.agency == event.tier);
}

// Where the dossier is after it was taken over: it stays where that agency is already to work, else
// goes on to that agency's next step.
StepPlace take_over(StepPlace place, const std::vector<ProcedureStep>& steps,
                    const PlaceEvent& event) {
  if (place.number != 0 && place.number <= steps.size() && fits(steps[place.number - 1], event))
    return place;
  for (std::size_t i = place.number; i < steps.size(); ++i)
    if (fits(steps[i], event)) return {i + 1, event.at, event.at};
  return place;
}

bool is_one_run(const std::vector<ProcedureStep>& steps, std::size_t first, std::size_t second) {
  if (first == 0 || second == 0 || first > steps.size() || second > steps.size()) return false;
  for (std::size_t at = std::min(first, second); at <= std::max(first, second); ++at)
    if (steps[at - 1].outside || steps[at - 1].agency != steps[first - 1].agency) return false;
  return true;
}

// The limits of all steps of this agency around that one, one after the other.
std::optional<UnixMillis> run_due(const std::vector<ProcedureStep>& steps, const StepPlace& place,
                                  const Calendar& calendar) {
  std::size_t first = place.number, last = place.number;
  while (first > 1 && is_one_run(steps, first - 1, place.number)) --first;
  while (last < steps.size() && is_one_run(steps, place.number, last + 1)) ++last;
  Limit sum;
  for (std::size_t at = first; at <= last; ++at) {
    const auto& limit = steps[at - 1].limit;
    if (!limit || limit->unit != LimitUnit::kWorkingDay) return std::nullopt;
    sum.quarters += limit->quarters;
  }
  if (sum.quarters > kLimitQuartersMax) return std::nullopt;
  return add_limit(find_start(place.run_since, calendar, nullptr), sum, calendar, nullptr);
}

}  // namespace

StepPlace next_place(StepPlace place, const std::vector<ProcedureStep>& steps,
                     const PlaceEvent& event) {
  if (event.step > 0) {
    const auto number = static_cast<std::size_t>(event.step);
    const bool one = is_one_run(steps, place.number, number);
    return {number, event.at, one ? place.run_since : event.at};
  }
  return event.agency_code.empty() ? place : take_over(place, steps, event);
}

std::optional<CurrentStep> find_step(const Definition& definition,
                                     const std::vector<PlaceEvent>& events, UnixMillis now,
                                     const Calendar& calendar) {
  StepPlace place;
  std::optional<Status> status;
  for (const PlaceEvent& event : events) {
    if (event.status) status = event.status;
    place = next_place(place, definition.steps, event);
  }
  if (place.number == 0 || place.number > definition.steps.size()) return std::nullopt;
  if (status && ends_clock(*status)) return std::nullopt;
  CurrentStep out;
  out.number = place.number;
  out.count = definition.steps.size();
  out.step = definition.steps[place.number - 1];
  out.since = place.since;
  if (!out.step.limit) return out;
  DeadlineInput input;
  input.received_at = place.since;
  input.limit = out.step.limit;
  input.resume = Resume::kExtend;
  for (const PlaceEvent& event : events) {
    if (event.at >= place.since && event.status) {
      ClockEvent change;
      change.at = event.at;
      change.status = event.status;
      input.events.push_back(change);
    }
  }
  Deadline deadline = find_deadline(input, calendar);
  out.due_at = deadline.due_at;
  out.agency_due_at = run_due(definition.steps, place, calendar);
  out.paused = deadline.paused;
  out.trace = std::move(deadline.trace);
  out.late = out.due_at && !out.paused && now > *out.due_at;
  return out;
}

}  // namespace lienthong::store
