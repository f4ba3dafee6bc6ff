// Keys of the rows that the office's projections keep. On disk: never change their meaning.
// docs/storage.md, "Keys".
#pragma once

#include <cstdint>
#include <string>

#include "protocol/base/ids.h"
#include "store/office/marks.h"

namespace lienthong::store {
enum class Shelf : std::uint8_t;  // lists.h
}

namespace lienthong::store::key {

std::string office(std::uint32_t record);             // O → OfficeRow (office/row.h)
std::string search(std::uint32_t record);             // G → SearchText
std::string office_name(std::uint32_t number);        // o → kind, bytes of a name
std::string heard_of(const AgencyId& agency);         // A → newest clock of its updates here
std::string marked(Mark mark, std::uint32_t record);  // m mark, record → nothing
std::string marked_prefix(Mark mark);
// l shelf, number 4, code with each 0 as 0 255, 0, record → nothing (lists.h)
std::string listed(Shelf shelf, std::uint32_t number, std::string_view code, std::uint32_t record);
std::string listed_prefix(Shelf shelf, std::uint32_t number);
// b 0, record → codes that other systems gave it; b 1, such a code as a key, 0, record → nothing
std::string official_codes(std::uint32_t record);
std::string official_codes_prefix();
std::string official_code(std::string_view code_key, std::uint32_t record);
std::string official_code_prefix(std::string_view code_key);
std::string grams(
    std::uint32_t block);  // i block → what texts of its records are made of (lists.h)

inline constexpr std::string_view kOfficeLetters = "OGoA";
inline constexpr std::string_view kMarkLetters = "m";
inline constexpr std::string_view kListLetters = "li";
inline constexpr std::string_view kCodeLetters = "b";

}  // namespace lienthong::store::key
