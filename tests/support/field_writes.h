// Values of fields as the tests write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/record/fields.h"
#include "protocol/record/status.h"
#include "protocol/record/update.h"

namespace lienthong::test {

constexpr std::uint16_t number(Field field) { return static_cast<std::uint16_t>(field); }
inline FieldWrite write_of(Field field, FieldValue value) {
  return {number(field), std::move(value)};
}
inline FieldWrite text_write(Field field, std::string_view text) {
  return write_of(field, std::string(text));
}
inline FieldWrite status_write(Status status) {
  return write_of(Field::kStatus, static_cast<std::int64_t>(status));
}

}  // namespace lienthong::test
