// Values that have the right JSON type and still cannot be: refused by name before they are
// written. Used by fields.cc. Any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "protocol/base/result.h"
#include "protocol/record/fields.h"

namespace lienthong::agent {

// kInvalidArgument: result.digest that is not hexadecimal (at most 128 digits);
// applicant.postal_code that is not text of five digits, 0 to 9; an answer of the survey without
// its question, with a score outside 0 to 100, an unknown name or a moment that is none; a list of
// answers that is no list.
Result<void> check_value(const FieldInfo& info, const nlohmann::json& value);

// kInvalidArgument: nothing but blanks.
Result<void> check_name(const std::string& name);

}  // namespace lienthong::agent
