// Operations that ask other agencies about a record, or show it to them.
#include "store/desk/carry_out.h"

namespace lienthong::store {

Result<OperationResult> carry_out(Task& task, const Consult& what) {
  LT_TRY_VOID(task.require_agency(what.to, "consult"));
  LT_TRY_VOID(task.require_custody("consult others"));
  Draft out = task.draft(UpdateKind::kConsult);
  out.open.target = what.to;
  out.open.deadline = what.deadline;
  put_remark(out, what.remark);
  return task.write(std::move(out));
}

Result<OperationResult> carry_out(Task& task, const Reply& what) {
  if (!what.about)
    return Error(Errc::kInvalidArgument, "a reply needs the consultation it is about");
  const auto asked = task.transaction().find_update(*what.about);
  if (!asked || asked->open.kind != UpdateKind::kConsult ||
      record_of(asked->update, asked->id) != task.state().record)
    return Error(Errc::kNotFound,
                 "no consultation " + what.about->short_hex() + " in " + task.code());
  if (asked->open.target != task.ours())
    return Error(Errc::kNotAllowed,
                 "that consultation asks " + task.name_of(asked->open.target) + ", not us");
  Draft out = task.draft(UpdateKind::kReply);
  out.link = asked->id;
  out.open.references.push_back(asked->id);
  put_remark(out, what.remark);
  return task.write(std::move(out));
}

Result<OperationResult> carry_out(Task& task, const Share& what) {
  LT_TRY_VOID(task.require_agency(what.to, "share"));
  LT_TRY_VOID(task.require_custody("share it"));
  Draft out = task.draft(UpdateKind::kShare);
  out.open.target = what.to;
  put_remark(out, what.remark);
  return task.write(std::move(out));
}

}  // namespace lienthong::store
