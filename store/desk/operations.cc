#include "store/desk/operations.h"

#include "store/desk/carry_out.h"
#include "store/desk/content.h"
#include "store/desk/keys.h"

namespace lienthong::store {

const char* to_string(WarningCode code) {
  switch (code) {
    case WarningCode::kNoVersionInForce: return "no-version-in-force";
    case WarningCode::kNoLimit: return "no-limit";
    case WarningCode::kSucceeded: return "succeeded";
    case WarningCode::kNoHolidayData: return "no-holiday-data";
    case WarningCode::kLateApology: return "late-apology";
    case WarningCode::kDueOnDayOff: return "due-on-day-off";
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

}  // namespace

Result<OperationResult> apply_operation(Transaction& transaction, const Operation& operation,
                                        const Calendar& calendar) {
  const std::string* target = target_of(operation.deed);
  LT_TRY(auto repeated, find_repeated(transaction, operation));
  if (repeated) return *std::move(repeated);
  Task task(transaction, operation, calendar);
  if (target != nullptr) LT_TRY_VOID(task.find_target(*target));
  const auto carry = [&](const auto& what) -> Result<OperationResult> {
    if constexpr (kNeedsTurn<std::decay_t<decltype(what)>>)
      if (target != nullptr) LT_TRY_VOID(succeed_where_due(task));
    return carry_out(task, what);
  };
  auto result = std::visit(carry, operation.deed);
  if (result.ok()) remember_content(transaction, operation);
  return result;
}

}  // namespace lienthong::store
