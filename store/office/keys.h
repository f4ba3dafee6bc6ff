// Keys of the rows that the office's projections keep. On disk: never change their meaning.
// docs/storage.md, "Keys".
#pragma once

#include <cstdint>
#include <string>

#include "protocol/base/ids.h"
#include "store/office/marks.h"

namespace lienthong::store::key {

std::string office(std::uint32_t record);             // O → OfficeRow (office/row.h)
std::string search(std::uint32_t record);             // G → SearchText
std::string office_name(std::uint32_t number);        // o → kind, bytes of a name
std::string heard_of(const AgencyId& agency);         // A → newest clock of its updates here
std::string marked(Mark mark, std::uint32_t record);  // m mark, record → nothing
std::string marked_prefix(Mark mark);

inline constexpr std::string_view kOfficeLetters = "OGoA";
inline constexpr std::string_view kMarkLetters = "m";

}  // namespace lienthong::store::key
