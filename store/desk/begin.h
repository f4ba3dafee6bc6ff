// What beginning a record has in common, and the change of one that has no rules of its own.
// Private to store/desk.
#pragma once

#include <string>
#include <vector>

#include "store/desk/task.h"

namespace lienthong::store {

// The code that `open` writes, else the next number of the day that nothing here bears. Fails:
// kInvalidArgument (its form), kNotAllowed (another agency's; the day's are used up), kConflict
// (taken).
Result<std::string> choose_code(const Task& task, const Writes& open);
// `<code>/N` of the record that it is done to, with the first number that nothing here bears.
// kNotAllowed when all are used up.
Result<std::string> choose_led_code(const Task& task);
// A record that begins its life here is new; one that brings its past (a reception, a history) may
// be in any state. Fails: kNotAllowed, kInvalidArgument (no state).
Result<void> check_first_status(const Writes& open, const std::vector<Event>& history);
// Writes the creation, whose code is among `open`, and a `set` for each line of the history, which
// ends at the unit that `open` names.
Result<OperationResult> begin_record(Task& task, RecordKind kind, Writes open, const Writes& closed,
                                     const std::vector<Event>& history);

// Writes `open` and the closed part of `what` as a `set`, which its event moves to a unit where
// `open` names none.
Result<OperationResult> write_change(Task& task, const SetFields& what, Writes open);

}  // namespace lienthong::store
