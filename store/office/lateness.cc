#include "store/office/lateness.h"

#include "protocol/record/registers.h"

namespace lienthong::store {

Ending ending_of(const RecordState& state) {
  return {open_integer(state, Field::kDueAt), open_integer(state, Field::kFinishedAt),
          open_integer(state, Field::kReturnedAt), open_status(state)};
}

Ending ending_of(const Facts& facts) {
  return {facts.last_due, facts.finished, facts.returned, facts.status};
}

bool is_late(const Ending& ending, UnixMillis now) {
  auto end = ending.finished_at ? ending.finished_at : ending.returned_at;
  if (!end) {
    if (ending.status == Status::kRefused || ending.status == Status::kWithdrawn ||
        ending.status == Status::kStopped)
      return false;
    end = now;
  }
  return punctuality(*end, ending.due_at) == Punctuality::kLate;
}

bool is_late(const RecordState& state, UnixMillis now) { return is_late(ending_of(state), now); }
bool is_late(const Facts& facts, UnixMillis now) { return is_late(ending_of(facts), now); }

bool is_running(const Facts& facts) { return !facts.status || !ends_clock(*facts.status); }

}  // namespace lienthong::store
