#include "store/desk/operations.h"

#include "store/desk/carry_out.h"
#include "store/desk/content.h"
#include "store/desk/keys.h"
#include "store/office/revision.h"

namespace lienthong::store {

const char* to_string(WarningCode code) {
  switch (code) {
    case WarningCode::kNoVersionInForce: return "no-version-in-force";
    case WarningCode::kNoLimit: return "no-limit";
    case WarningCode::kSucceeded: return "succeeded";
    case WarningCode::kNoHolidayData: return "no-holiday-data";
    case WarningCode::kNotDecided: return "not-decided";
    case WarningCode::kLateApology: return "late-apology";
    case WarningCode::kDueOnDayOff: return "due-on-day-off";
    case WarningCode::kCodeClaimed: return "code-claimed";
    case WarningCode::kCodeFormUnknown: return "code-form-unknown";
  }
  return "unknown";
}

namespace {

// What only whose turn it is may do.
template <class What>
inline constexpr bool kNeedsTurn =
    kIsKindOf<What, std::variant<CreateLeg, SetFields, AddEvent, Offer, Accept, Decline, Consult,
                                 Share, Adopt, Apologise, FinishLeg, ReturnHome, SendDocument>>;

// Of an agency that we succeed the turn is taken over when there is first something to be done.
Result<void> succeed_where_due(Task& task) {
  const Registry& registry = task.registry();
  const AgencyId& turn = task.state().turn();
  if (turn == task.ours() || registry.resolve(turn, registry.newest()) != task.ours()) return {};
  Draft out = task.further(task.state().record, UpdateKind::kSucceed);
  out.open.target = turn;
  LT_TRY_VOID(task.transaction().write(std::move(out)));
  return task.reload();
}

Result<void> check_revision(const Task& task, const std::string& wanted) {
  if (wanted.empty() || wanted == revision_of(task.state())) return {};
  const auto last = task.state().heads.empty()
                        ? std::nullopt
                        : task.transaction().find_update(task.state().heads.front());
  return Error(Errc::kConflict, task.code() + " has been changed since, by " +
                                    (last ? task.name_of(last->agency) : std::string("others")) +
                                    ": it is at revision " + revision_of(task.state()) +
                                    "; look at it again, then repeat the change");
}

}  // namespace

Result<OperationResult> apply_operation(Transaction& transaction, const Operation& operation,
                                        const Calendar& calendar) {
  const std::string* target = target_of(operation.deed);
  LT_TRY(auto repeated, find_repeated(transaction, operation));
  if (repeated) {
    if (const auto entry = transaction.find_record(repeated->record))
      repeated->revision = revision_of(entry->state);
    return *std::move(repeated);
  }
  Task task(transaction, operation, calendar);
  if (target != nullptr) {
    LT_TRY_VOID(task.find_target(*target));
    LT_TRY_VOID(check_revision(task, operation.revision));
  }
  const auto carry = [&](const auto& what) -> Result<OperationResult> {
    if constexpr (kNeedsTurn<std::decay_t<decltype(what)>>)
      if (target != nullptr) LT_TRY_VOID(succeed_where_due(task));
    return carry_out(task, what);
  };
  auto result = std::visit(carry, operation.deed);
  if (!result.ok()) return result;
  remember_content(transaction, operation);
  if (const auto entry = transaction.find_record(result->record))
    result->revision = revision_of(entry->state);
  return result;
}

}  // namespace lienthong::store
