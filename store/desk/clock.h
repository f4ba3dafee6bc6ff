// What the office's rules say about the dates of a dossier: which version of its procedure counts,
// when it is due, and what cannot be. Domain "States and transitions" and "Counting deadlines";
// NĐ 61/2018. Private to store/desk. Of the transaction's thread.
#pragma once

#include "store/desk/task.h"

namespace lienthong::store {

// kInvalidArgument when a date that is given lies more than 50 years ahead, or on a day before
// another that is given with it and comes first.
Result<void> check_dates(const Task& task, const Writes& given);

// Before a change of a dossier, or its creation (`kind`), is written: `writes` are completed by
// what follows from them at `at`, the version pinned, the start of the clock and the date due,
// where the office does not say otherwise. Warns of what is not known. kInvalidArgument when the
// version or the step cannot be.
Result<void> keep_clock(Task& task, UpdateKind kind, UnixMillis at, Writes& writes);

}  // namespace lienthong::store
