// Erasures: closed parts and files of a record go. docs/protocol/updates.md, "Closed parts".
#include "store/desk/carry_out.h"

namespace lienthong::store {

Result<OperationResult> carry_out(Task& task, const Erase& what) {
  const RecordState& state = task.state();
  if (what.decision.empty())
    return Error(Errc::kInvalidArgument, "an erasure needs the number of its decision");
  if (!state.erased_by.is_zero()) {
    const auto before = task.transaction().find_update(state.erased_by);
    const std::string decision = before ? before->open.decision : "";
    return Error(Errc::kConflict, task.code() + " is erased already, by decision " + decision);
  }
  const Registry& registry = task.registry();
  if (!registry.above_or_equal(task.ours(), state.origin, registry.newest()))
    return Error(Errc::kNotAllowed, "only " + task.name_of(state.origin) +
                                        ", which began it, or an agency above it may erase " +
                                        task.code());
  Draft out = task.draft(UpdateKind::kErase);
  out.open.decision = what.decision;
  return task.write(std::move(out));
}

}  // namespace lienthong::store
