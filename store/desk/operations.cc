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

Result<OperationResult> apply_operation(Transaction& transaction, const Operation& operation,
                                        const Calendar& calendar) {
  const std::string* target = target_of(operation.deed);
  LT_TRY(auto repeated, find_repeated(transaction, operation));
  if (repeated) return *std::move(repeated);
  Task task(transaction, operation, calendar);
  if (target != nullptr) LT_TRY_VOID(task.find_target(*target));
  auto result =
      std::visit([&task](const auto& what) { return carry_out(task, what); }, operation.deed);
  if (result.ok()) remember_content(transaction, operation);
  return result;
}

}  // namespace lienthong::store
