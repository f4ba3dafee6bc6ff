#include "store/desk/operations.h"

#include "store/desk/carry_out.h"
#include "store/desk/keys.h"

namespace lienthong::store {
namespace {

// The record that it is done to; null for what begins one.
const std::string* target_of(const Deed& deed) {
  return std::visit(
      [](const auto& what) -> const std::string* {
        if constexpr (requires { what.record; }) return &what.record;
        return nullptr;
      },
      deed);
}

}  // namespace

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
  const bool begins = target == nullptr || std::holds_alternative<SendDocument>(operation.deed);
  LT_TRY(auto repeated, find_repeated(transaction, operation.key_hash, begins));
  if (repeated) return *std::move(repeated);
  Task task(transaction, operation.key_hash, calendar);
  if (target != nullptr) LT_TRY_VOID(task.find_target(*target));
  return std::visit([&task](const auto& what) { return carry_out(task, what); }, operation.deed);
}

}  // namespace lienthong::store
