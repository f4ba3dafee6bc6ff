#include "store/office/step.h"

#include <algorithm>

namespace lienthong::store {
namespace {

bool fits(const ProcedureStep& step, const PlaceEvent& event) {
  return !step.agency.empty() && (step.agency == event.agency_code || step.agency == event.tier);
}

struct Place {
  std::size_t number = 0;  // 0: nowhere yet
  UnixMillis since = 0;
};

// Where the dossier is after it was taken over: it stays where that agency is already to work, else
// goes on to that agency's next step.
Place take_over(Place place, const std::vector<ProcedureStep>& steps, const PlaceEvent& event) {
  if (place.number != 0 && place.number <= steps.size() && fits(steps[place.number - 1], event))
    return place;
  for (std::size_t i = place.number; i < steps.size(); ++i)
    if (fits(steps[i], event)) return {i + 1, event.at};
  return place;
}

}  // namespace

std::optional<CurrentStep> find_step(const Definition& definition,
                                     const std::vector<PlaceEvent>& events, UnixMillis now,
                                     const Calendar& calendar) {
  Place place;
  std::optional<Status> status;
  for (const PlaceEvent& event : events) {
    if (event.status) status = event.status;
    if (event.step > 0) place = {static_cast<std::size_t>(event.step), event.at};
    if (event.step == 0 && !event.agency_code.empty())
      place = take_over(place, definition.steps, event);
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
  out.paused = deadline.paused;
  out.trace = std::move(deadline.trace);
  out.late = out.due_at && !out.paused && now > *out.due_at;
  return out;
}

}  // namespace lienthong::store
