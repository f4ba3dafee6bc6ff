// One line of an operations file, or one object of the API, as an Operation. Strict: an unknown
// field, a wrong type or a value that is none of those listed is refused by name.
// docs/operations.md, "Operations file".
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "protocol/record/registry.h"
#include "store/desk/operations.h"

namespace lienthong::agent {

inline constexpr std::size_t kLineBytesMax = 1U << 20;
inline constexpr std::size_t kKeyBytesMax = 256;

struct ParseContext {
  std::shared_ptr<const Registry> registry;  // resolves the codes of agencies
  AgencyId ours;
};

// kTooLarge (line over kLineBytesMax), kMalformed (UTF-8, JSON, a name twice in one object, not an
// object). Any thread.
Result<nlohmann::json> parse_line(std::string_view line);

// `place` names the field on failure ("dossier.fees[2].paid"). Fails: kInvalidArgument (unknown
// field, type, value), kMalformed and kNotCanonical (text), kTooLarge, kUnknownAgency, kNotAllowed
// (a holder other than us on create). Whether the office may do it is store::apply_operation's
// business.
Result<store::Operation> parse_operation(const nlohmann::json& line, const ParseContext& context,
                                         std::string& place);

// The key of a line that has none, so that a file applied twice changes nothing: its content,
// however it is spaced and its names are ordered, and which of the same lines of its file it is,
// from 1.
std::string derived_key(const nlohmann::json& line, std::size_t occurrence);

}  // namespace lienthong::agent
