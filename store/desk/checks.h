// Rules of the office on what a change says, beside its dates (clock.h): refused where it is
// written, so that bad data does not begin to travel. Private to store/desk. Of the transaction's
// thread.
#pragma once

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>

#include "store/desk/task.h"

namespace lienthong::store {

// 1 to 64 ASCII letters, digits, '.', '-' and '_'.
bool is_plain_code(std::string_view code);

// ---- states ----

// "supplement, payment, …", or "nothing".
std::string allowed_after(std::optional<Status> from);
// kNotAllowed, naming the decree's article or the row of the states' table, and what may come.
Result<void> check_transition(std::optional<Status> from, Status to);

// ---- fields ----

// kInvalidArgument for a field that this kind of record does not have; kNotAllowed where a dossier
// would be done while legs that bind it are open.
Result<void> check_fields(const Task& task, const Writes& open, const Writes& closed);
// A dossier has one result in each cycle; a correction (a finished dossier that goes back to
// `processing`) begins a new one. kNotAllowed when a number, kind or digest of the result is given
// other than the one written in this cycle, as far as that is here.
Result<void> check_single_result(const Task& task, const Writes& open, const Writes& closed);
// Each moment that is known, as written or else as it stands, is not before the one known before
// it: kInvalidArgument with the names of the two.
Result<void> check_order(const RecordState& state, const Writes& open,
                         std::initializer_list<Field> fields);
// kInvalidArgument with the list, where the field is written with a text that is not among `names`.
template <std::size_t N>
Result<void> check_one_of(const Writes& writes, Field field,
                          const std::array<std::string_view, N>& names) {
  const auto* text = value_of<std::string>(writes, field);
  std::string list;
  for (const std::string_view name : names) {
    if (text == nullptr || *text == name) return {};
    list += (list.empty() ? "" : ", ") + std::string(name);
  }
  return Error(Errc::kInvalidArgument, name_of(field) + " must be one of " + list);
}

}  // namespace lienthong::store
