// What other systems call a dossier.
#include <algorithm>

#include "store/desk/carry_out.h"
#include "store/office/dossier_code.h"
#include "store/office/official_code.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kOfficialCodeBytesMax = 100;
constexpr std::size_t kSystemBytesMax = 100;

Result<void> check_said(const SayCode& what) {
  if (what.code.size() > kOfficialCodeBytesMax || what.system.size() > kSystemBytesMax)
    return Error(Errc::kTooLarge, "a code and the name of its system have at most " +
                                      std::to_string(kOfficialCodeBytesMax) + " bytes each");
  if (!official_code_key(what.code).empty()) return {};
  return Error(Errc::kInvalidArgument,
               "an official code has letters or digits, as H56.14-240823-0001");
}

// As the notes of this record stand, with what this transaction has written.
std::vector<OfficialCode> codes_here(const Task& task) {
  OfficialCodes out;
  for (const UpdateId& id : task.state().timeline)
    if (const auto update = task.transaction().find_update(id);
        update && update->open.kind == UpdateKind::kNote && !update->open.official_code.empty())
      out.take(update->open);
  return out.list();
}

void warn_of_claims(Task& task, const std::string& code) {
  std::vector<RecordId> others = task.transaction().find_code(code);
  for (const RecordId& id : find_official_code(task.transaction(), code)) others.push_back(id);
  for (const RecordId& id : others) {
    const auto entry = task.transaction().find_record(id);
    if (id == task.state().record || !entry || entry->state.kind != RecordKind::kDossier) continue;
    task.warn(WarningCode::kCodeClaimed, code + ", " + code_of(entry->state));
    return;
  }
}

}  // namespace

Result<OperationResult> carry_out(Task& task, const SayCode& what) {
  if (task.state().kind != RecordKind::kDossier)
    return Error(Errc::kInvalidArgument,
                 task.code() + " is no dossier: only these have official codes");
  LT_TRY_VOID(check_said(what));
  const std::string wanted = official_code_key(what.code);
  const auto known = codes_here(task);
  const auto at = std::ranges::find_if(
      known, [&](const OfficialCode& code) { return official_code_key(code.code) == wanted; });
  if (what.withdraw && at == known.end())
    return Error(Errc::kNotFound, task.code() + " has no official code " + what.code);
  // Said again as it is known: nothing new.
  if (!what.withdraw && at != known.end() && at->code == what.code && at->system == what.system &&
      task.key_hash().empty()) {
    OperationResult same = task.result(task.state().tip());
    same.repeated = true;
    return same;
  }
  if (!what.withdraw) {
    if (official_code_key(task.code()) == wanted)
      return Error(Errc::kInvalidArgument, what.code + " is the local code of the dossier itself");
    if (!parse_dossier_code(what.code, CodeOwner::kOther))
      task.warn(WarningCode::kCodeFormUnknown, what.code);
    warn_of_claims(task, what.code);
  }
  Draft out = task.draft(UpdateKind::kNote);
  put_remark(out, what.remark);
  out.open.action = what.withdraw ? "code-withdraw" : "code-add";
  out.open.official_code = what.code;
  out.open.code_system = what.system;
  out.open.code_withdrawn = what.withdraw;
  return task.write(std::move(out));
}

}  // namespace lienthong::store
