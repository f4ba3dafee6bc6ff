// Which step of its procedure a dossier is at, who has to do it, and by when: what people could not
// see in the systems before (domain, complaint S1; NĐ 61/2018 Đ.19(6): each step states its work
// and time limit). Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "store/office/procedure.h"

namespace lienthong::store {

// What one change of the dossier said about where the work is.
struct PlaceEvent {
  UnixMillis at = 0;
  std::int64_t step = 0;          // written by hand, from 1; 0: not
  std::string agency_code, tier;  // of the agency that has taken it over; empty: nobody did
  std::optional<Status> status;
};

// The step at which a dossier is.
struct StepPlace {
  std::size_t number = 0;  // from 1; 0: nowhere yet
  UnixMillis since = 0;
  UnixMillis run_since =
      0;  // when the first of these steps of one agency, one after the other, began
};
StepPlace next_place(StepPlace place, const std::vector<ProcedureStep>& steps,
                     const PlaceEvent& event);

struct CurrentStep {
  std::size_t number = 0;  // from 1
  std::size_t count = 0;   // of the procedure's steps
  ProcedureStep step;
  UnixMillis since = 0;
  std::optional<UnixMillis> due_at;  // none: the step has no limit
  // When all steps that this agency takes one after the other are due; none: not all have a limit.
  std::optional<UnixMillis> agency_due_at;
  bool paused = false;
  bool late = false;
  std::vector<TraceStep> trace;
};

// Events in the order in which they stand. A step written by hand counts until the dossier is taken
// over by the next agency; then the next step that names that agency or its tier is the one. Of a
// dossier that has ended: nullopt, as where no step fits.
std::optional<CurrentStep> find_step(const Definition& definition,
                                     const std::vector<PlaceEvent>& events, UnixMillis now,
                                     const Calendar& calendar);

}  // namespace lienthong::store
