// Lists of writes, as an operation is given them and completes them, and the registers as they read
// before and after. Private to store/desk. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/record/fields.h"
#include "store/replica/replica.h"

namespace lienthong::store {

using Writes = std::vector<FieldWrite>;  // each field once

constexpr std::uint16_t number_of(Field field) { return static_cast<std::uint16_t>(field); }
// As people write it in JSON; "?" where the table does not have it.
std::string name_of(Field field);

// ---- a list ----

// Null where the list does not write the field.
const FieldWrite* find_write(const Writes& writes, Field field);
// Null where it does not, clears it, or writes a value of another type.
template <class T>
const T* value_of(const Writes& writes, Field field) {
  const FieldWrite* write = find_write(writes, field);
  return write != nullptr ? std::get_if<T>(&write->value) : nullptr;
}
// Whether it writes a value, which may be of any type.
bool writes_value(const Writes& writes, Field field);
// Whether it writes a text that is not empty.
bool writes_text(const Writes& writes, Field field);
void put(Writes& writes, Field field, FieldValue value);
void put(Writes& writes, Field field, Status status);
void put_if_absent(Writes& writes, Field field, FieldValue value);
// Sorts both lists and names the closed ones in the open part.
void put_writes(Draft& out, Writes open, Writes closed);

// ---- a state, and what a list would make of it ----

std::optional<Status> status_of(const FieldValue& value);  // nullopt: none of the ten
std::optional<FieldValue> current(const RecordState& state, Field field);  // nullopt: cleared too
std::string code_of(const RecordState& state);  // or the start of its id
// Of the list where it writes the field, else of the state.
std::optional<FieldValue> value_after(const RecordState& state, const Writes& writes, Field field);
std::optional<std::int64_t> integer_after(const RecordState& state, const Writes& writes,
                                          Field field);
std::string text_after(const RecordState& state, const Writes& writes, Field field);  // or empty

}  // namespace lienthong::store
