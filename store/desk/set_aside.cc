// Taking over changes that were set aside: written beside a link of custody by somebody whose turn
// it was no more.
#include <algorithm>

#include "protocol/record/codec.h"
#include "protocol/record/registers.h"
#include "store/desk/carry_out.h"
#include "store/desk/checks.h"

namespace lienthong::store {
namespace {

// Its words and values are written anew, in our name and under `out`.
Result<UpdateId> adopt_one(const Task& task, Draft out, const StoredUpdate& aside) {
  out.open.references.push_back(aside.id);
  out.open.action = aside.open.action;
  out.open.at = aside.open.at;
  if (const FieldWrite* status = find_write(aside.open.writes, Field::kStatus)) {
    const auto record = task.transaction().find_record(task.state().record);  // after those before
    const auto to = status_of(status->value);
    if (record && to) LT_TRY_VOID(check_transition(open_status(record->state), *to));
  }
  Writes closed_writes;
  if (!aside.update.closed.empty()) {
    LT_TRY(ClosedBody closed, wire::decode_closed(aside.update.closed));
    out.closed.emplace();
    out.closed->officer = std::move(closed.officer);
    out.closed->note = std::move(closed.note);
    out.closed->action = std::move(closed.action);
    closed_writes = std::move(closed.writes);
  } else if (!aside.open.closed_fields.empty()) {
    return Error(Errc::kNotAllowed, "the closed part of " + aside.id.short_hex() +
                                        " is not here, so it cannot be adopted");
  }
  put_writes(out, aside.open.writes, std::move(closed_writes));
  return task.transaction().write(std::move(out));
}

}  // namespace

Result<OperationResult> carry_out(Task& task, const Adopt& what) {
  LT_TRY_VOID(task.require_custody("adopt what was set aside"));
  const RecordState& state = task.state();
  std::vector<StoredUpdate> open;
  for (const UpdateId& id : state.set_aside) {
    if (what.change && *what.change != id) continue;
    if (std::ranges::find(state.adopted, id) != state.adopted.end()) continue;
    auto entry = task.transaction().find_update(id);
    if (entry && (entry->open.kind == UpdateKind::kSet || entry->open.kind == UpdateKind::kAdopt))
      open.push_back(*std::move(entry));
  }
  if (open.empty())
    return Error(Errc::kNotFound, what.change ? "no change " + what.change->short_hex() +
                                                    " is set aside in " + task.code()
                                              : "nothing is set aside in " + task.code());
  std::ranges::sort(open, {}, [](const StoredUpdate& entry) {
    return std::pair(entry.update.envelope.hlc, entry.id);
  });
  UpdateId last;
  for (const StoredUpdate& aside : open) {
    Draft out = &aside == &open.front() ? task.draft(UpdateKind::kAdopt)
                                        : task.further(state.record, UpdateKind::kAdopt);
    LT_TRY(last, adopt_one(task, std::move(out), aside));
  }
  return task.result(last);
}

}  // namespace lienthong::store
