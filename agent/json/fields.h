// Single values in JSON and in registers, both ways. protocol/record/fields.h is the table.
// Errors carry no place; the caller knows it. Any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "agent/json/time.h"
#include "protocol/record/fields.h"
#include "protocol/record/registry.h"
#include "protocol/record/update.h"

namespace lienthong::agent {

// In the form of tidy_text(). kInvalidArgument (not a string), kTooLarge (over kTextBytesMax),
// kMalformed (not UTF-8).
Result<std::string> read_text(const nlohmann::json& value);
// The same in the form of tidy_code().
Result<std::string> read_code(const nlohmann::json& value);
// As read_moment(); kInvalidArgument where it is no text.
Result<UnixMillis> read_time(const nlohmann::json& value, DateAlone alone = DateAlone::kDayBegins);
// kInvalidArgument (not a string), kUnknownAgency.
Result<AgencyId> read_agency(const nlohmann::json& value, const Registry& registry);
// null and the empty text clear (monostate). Fails as above; kInvalidArgument names the values
// allowed.
Result<FieldValue> read_field(const FieldInfo& info, const nlohmann::json& value,
                              const Registry& registry);

// null for a cleared value and for bytes that are not what the field's type says.
nlohmann::json write_field(const FieldInfo& info, const FieldValue& value,
                           const Registry& registry);
// Code of the agency, with the start of its id where others bear the code too or it is not its own
// (Registry::agency_named() reads that); the start of the id alone where the registry does not have
// it; null for zero.
nlohmann::json agency_json(const AgencyId& agency, const Registry& registry);
std::string agency_code(const AgencyId& agency, const Registry& registry);

}  // namespace lienthong::agent
