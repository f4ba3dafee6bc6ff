// A leg as the lead agency reads it: work on a dossier that another agency does beside it (domain:
// NĐ 61/2018 Đ.19(6), parallel). Pure functions of the two records' states; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/record/fields.h"
#include "protocol/record/fold.h"

namespace lienthong::store {

enum class LegState : std::uint8_t {
  kOffered,   // handed over, not accepted yet
  kWorking,   // accepted, no outcome yet
  kReturned,  // back with the lead without an outcome: turned down, or sent back unfinished
  kFinished,  // has its outcome, on the way back to the lead
  kGathered,  // has its outcome, the lead holds it again
  kEnded,     // refused, withdrawn or stopped: no outcome is to come
};
std::string_view to_string(LegState state);
// What the lead agency still waits for, or has to see to.
bool is_open(LegState state);

struct Leg {
  RecordId record;
  std::string code;
  AgencyId agency;        // who does the work, or is asked to
  std::string duty;       // what is asked; of the closed part, as outcome
  std::string procedure;  // its own, of procedures that are done together; may be empty
  std::string outcome;
  std::vector<Field> missing;  // of the two: written, but erased, or not here
  UnixMillis asked_at = 0;
  UnixMillis due_at = 0;       // 0: none
  UnixMillis finished_at = 0;  // 0: not yet
  LegState state = LegState::kOffered;
  bool asked_by_holder = false;  // its author has held the dossier; only such legs bind the lead
};

// `leg` has a standing chain. `lead`: the dossier's state; without chain only the leg speaks.
// Without duty and outcome, which lie in closed parts: legs_of() of between.h reads them too.
Leg read_leg(const RecordState& lead, const RecordState& leg);

// End, or now, is on a later day at the office (+07:00) than its due date.
bool is_late(const Leg& leg, UnixMillis now);

}  // namespace lienthong::store
