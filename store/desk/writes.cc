#include "store/desk/writes.h"

#include <algorithm>

#include "protocol/record/registers.h"

namespace lienthong::store {

std::string name_of(Field field) {
  const FieldInfo* info = find_field(number_of(field));
  return std::string(info != nullptr ? info->json : "?");
}

// ---- a list ----

const FieldWrite* find_write(const Writes& writes, Field field) {
  const auto at = std::ranges::find(writes, number_of(field), &FieldWrite::field);
  return at != writes.end() ? &*at : nullptr;
}

bool writes_value(const Writes& writes, Field field) {
  const FieldWrite* write = find_write(writes, field);
  return write != nullptr && !std::holds_alternative<std::monostate>(write->value);
}

bool writes_text(const Writes& writes, Field field) {
  const auto* text = value_of<std::string>(writes, field);
  return text != nullptr && !text->empty();
}

void put(Writes& writes, Field field, FieldValue value) {
  const auto at = std::ranges::find(writes, number_of(field), &FieldWrite::field);
  if (at != writes.end()) {
    at->value = std::move(value);
    return;
  }
  writes.push_back({number_of(field), std::move(value)});
}

void put(Writes& writes, Field field, Status status) {
  put(writes, field, static_cast<std::int64_t>(status));
}

void put_if_absent(Writes& writes, Field field, FieldValue value) {
  if (find_write(writes, field) == nullptr) put(writes, field, std::move(value));
}

void put_writes(Draft& out, Writes open, Writes closed) {
  std::ranges::sort(open, {}, &FieldWrite::field);
  std::ranges::sort(closed, {}, &FieldWrite::field);
  out.open.writes = std::move(open);
  for (const FieldWrite& write : closed) out.open.closed_fields.push_back(write.field);
  if (closed.empty()) return;
  if (!out.closed) out.closed.emplace();
  out.closed->writes = std::move(closed);
}

// ---- a state, and what a list would make of it ----

std::optional<Status> status_of(const FieldValue& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  return number != nullptr ? status_from_number(*number) : std::nullopt;
}

std::optional<FieldValue> current(const RecordState& state, Field field) {
  const FieldValue* value = open_value(state, field);
  if (value == nullptr || std::holds_alternative<std::monostate>(*value)) return std::nullopt;
  return *value;
}

std::string code_of(const RecordState& state) {
  return open_text(state, Field::kCode).value_or(state.record.short_hex());
}

std::optional<FieldValue> value_after(const RecordState& state, const Writes& writes, Field field) {
  const FieldWrite* write = find_write(writes, field);
  return write != nullptr ? std::optional(write->value) : current(state, field);
}

std::optional<std::int64_t> integer_after(const RecordState& state, const Writes& writes,
                                          Field field) {
  const auto value = value_after(state, writes, field);
  const auto* number = value ? std::get_if<std::int64_t>(&*value) : nullptr;
  return number != nullptr ? std::optional(*number) : std::nullopt;
}

std::string text_after(const RecordState& state, const Writes& writes, Field field) {
  const auto value = value_after(state, writes, field);
  const auto* text = value ? std::get_if<std::string>(&*value) : nullptr;
  return text != nullptr ? *text : std::string();
}

}  // namespace lienthong::store
