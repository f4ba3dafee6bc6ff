#include "protocol/record/registers.h"

#include <algorithm>

namespace lienthong {
namespace {

template <class T>
const T* typed(const FieldValue* value) {
  return value != nullptr ? std::get_if<T>(value) : nullptr;
}

template <class T>
std::optional<T> copied(const FieldValue* value) {
  const T* found = typed<T>(value);
  return found != nullptr ? std::optional(*found) : std::nullopt;
}

std::optional<Status> status_in(const FieldValue* value) {
  const auto* number = typed<std::int64_t>(value);
  return number != nullptr ? status_from_number(*number) : std::nullopt;
}

}  // namespace

const FieldValue* open_value(const RecordState& state, Field field) {
  const auto at = state.open_fields.find(static_cast<std::uint16_t>(field));
  return at != state.open_fields.end() ? &at->second.value : nullptr;
}

std::optional<std::string> open_text(const RecordState& state, Field field) {
  return copied<std::string>(open_value(state, field));
}

std::optional<std::int64_t> open_integer(const RecordState& state, Field field) {
  return copied<std::int64_t>(open_value(state, field));
}

std::optional<Bytes> open_bytes(const RecordState& state, Field field) {
  return copied<Bytes>(open_value(state, field));
}

std::optional<AgencyId> open_agency(const RecordState& state, Field field) {
  const auto* bytes = typed<Bytes>(open_value(state, field));
  if (bytes == nullptr || bytes->size() != AgencyId::kSize) return std::nullopt;
  return AgencyId::from(*bytes);
}

std::optional<Status> open_status(const RecordState& state) {
  return status_in(open_value(state, Field::kStatus));
}

std::string code_or_empty(const RecordState& state) {
  return open_text(state, Field::kCode).value_or(std::string());
}

AgencyId intake_of(const RecordState& state) {
  return open_agency(state, Field::kIntakeAgency).value_or(state.origin);
}

const FieldValue* written_value(const std::vector<FieldWrite>& writes, Field field) {
  const auto at = std::ranges::find(writes, static_cast<std::uint16_t>(field), &FieldWrite::field);
  return at != writes.end() ? &at->value : nullptr;
}

std::optional<std::string> written_text(const std::vector<FieldWrite>& writes, Field field) {
  return copied<std::string>(written_value(writes, field));
}

std::optional<std::int64_t> written_integer(const std::vector<FieldWrite>& writes, Field field) {
  return copied<std::int64_t>(written_value(writes, field));
}

std::optional<Status> written_status(const std::vector<FieldWrite>& writes) {
  return status_in(written_value(writes, Field::kStatus));
}

bool has_conflict(const RecordState& state) {
  const auto several = [](const auto& entry) { return entry.second.writes.size() > 1; };
  return std::ranges::any_of(state.open_fields, several) ||
         std::ranges::any_of(state.closed_fields, several);
}

std::vector<UpdateId> open_set_aside(const RecordState& state) {
  std::vector<UpdateId> open;
  for (const UpdateId& id : state.set_aside)
    if (std::ranges::find(state.adopted, id) == state.adopted.end()) open.push_back(id);
  return open;
}

}  // namespace lienthong
