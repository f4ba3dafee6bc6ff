// A superior's reading of closed parts, written into the record before they are shown to it.
#include "store/desk/carry_out.h"

namespace lienthong::store {
namespace {

// The link or invitation under which we are above somebody who takes part. nullopt: there is none.
std::optional<UpdateId> supervised_under(const Task& task) {
  const RecordState& state = task.state();
  const Registry& registry = task.registry();
  const TreeVersion newest = registry.newest();
  const auto below = [&](const AgencyId& agency) {
    return !agency.is_zero() && agency != task.ours() &&
           registry.above_or_equal(task.ours(), agency, newest);
  };
  for (const LinkEntry& link : state.chain)
    if (below(link.by) || below(link.to)) return state.tip();
  for (const UpdateId& id : state.timeline) {
    const auto update = task.transaction().find_update(id);
    if (!update || !below(update->open.target)) continue;
    if (update->open.kind == UpdateKind::kConsult || update->open.kind == UpdateKind::kShare)
      return id;
  }
  return std::nullopt;
}

}  // namespace

Result<OperationResult> carry_out(Task& task, const Inspect& what) {
  if (what.remark.note.empty())
    return Error(Errc::kInvalidArgument, "an inspection needs its reason");
  const RecordState& state = task.state();
  if (!state.erased_by.is_zero())
    return Error(Errc::kNotAllowed, "the closed parts of " + task.code() + " were erased");
  const auto under = supervised_under(task);
  if (!under)
    return Error(Errc::kNotAllowed,
                 "only an agency above one that takes part in " + task.code() + " inspects it");
  Draft out = task.draft(UpdateKind::kInspect);
  out.link = under;
  put_remark(out, what.remark);
  return task.write(std::move(out));
}

}  // namespace lienthong::store
