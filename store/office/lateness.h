// Whether a record is late, of whatever it was read from: its state or its office row.
// Pure; any thread.
#pragma once

#include <optional>

#include "protocol/record/fold.h"
#include "store/office/deadline.h"
#include "store/office/row.h"

namespace lienthong::store {

// What lateness is judged by, as last written; absent: not known.
struct Ending {
  std::optional<UnixMillis> due_at, finished_at, returned_at;
  std::optional<Status> status;
};
Ending ending_of(const RecordState& state);
Ending ending_of(const Facts& facts);

// It ended, or would end now, on a later day at the office than it was due. Without a due date
// never; what was refused, withdrawn or stopped without an end is not running and so not late.
bool is_late(const Ending& ending, UnixMillis now);
bool is_late(const RecordState& state, UnixMillis now);
bool is_late(const Facts& facts, UnixMillis now);

// Work on it has not ended; a stop may go on. Unknown states run.
bool is_running(const Facts& facts);

}  // namespace lienthong::store
