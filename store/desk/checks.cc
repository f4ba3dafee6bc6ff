#include "store/desk/checks.h"

#include <algorithm>
#include <array>
#include <map>

#include "protocol/record/fields.h"

namespace lienthong::store {
namespace {

constexpr std::array kResultFields = {Field::kResultNumber, Field::kResultKind,
                                      Field::kResultDigest};

bool is_set(const FieldValue& value) { return !std::holds_alternative<std::monostate>(value); }

const FieldValue* written(const std::vector<FieldWrite>& writes, Field field) {
  const auto at = std::ranges::find(writes, static_cast<std::uint16_t>(field), &FieldWrite::field);
  return at != writes.end() ? &at->value : nullptr;
}

bool has_ended(std::int64_t status) {
  return status == static_cast<std::int64_t>(Status::kDone) ||
         status == static_cast<std::int64_t>(Status::kReturned);
}

}  // namespace

Result<void> check_single_result(const Transaction& transaction, const RecordState& state,
                                 const std::vector<FieldWrite>& writes) {
  const bool concerned = std::ranges::any_of(kResultFields, [&](Field field) {
    const FieldValue* value = written(writes, field);
    return value != nullptr && is_set(*value);
  });
  if (!concerned) return {};
  std::map<Field, FieldValue> given;  // in this cycle
  std::int64_t status = 0;
  for (const UpdateId& id : state.timeline) {
    const auto update = transaction.find_update(id);
    if (!update) continue;
    if (const FieldValue* value = written(update->open.writes, Field::kStatus)) {
      const auto* next = std::get_if<std::int64_t>(value);
      if (next != nullptr && has_ended(status) && !has_ended(*next)) given.clear();
      if (next != nullptr) status = *next;
    }
    for (const Field field : kResultFields)
      if (const FieldValue* value = written(update->open.writes, field);
          value != nullptr && is_set(*value))
        given[field] = *value;
  }
  for (const Field field : kResultFields) {
    const FieldValue* value = written(writes, field);
    const auto before = given.find(field);
    if (value == nullptr || !is_set(*value) || before == given.end() || before->second == *value)
      continue;
    const auto* shown = std::get_if<std::string>(&before->second);
    return Error(Errc::kNotAllowed,
                 std::string(find_field(static_cast<std::uint16_t>(field))->json) + " is " +
                     (shown != nullptr ? "\"" + *shown + "\"" : "given") +
                     " already: a dossier has one result in each cycle; to correct a finished "
                     "dossier, set it back to processing with the reason first");
  }
  return {};
}

}  // namespace lienthong::store
