// Codes of agencies (mã định danh): what lies under what. docs/protocol/registry.md, "Codes". Pure.
#pragma once

#include <string_view>
#include <vector>

namespace lienthong {

// The groups of a code from the widest office to the narrowest. H47.12.05 gives H47, 12, 05; a code
// of the older form, which begins with digits and ends in the province's or ministry's group, is
// read from its end and without the groups of zeros: 000.17.22.H56 gives H56, 22, 17.
std::vector<std::string_view> code_groups(std::string_view code);

// Whether it can be anybody's code at all: letters, digits, dots, '-' and '_' of ASCII, and no
// empty group. Nobody is found by another one, so that none looks like somebody's with something
// added.
bool is_agency_code(std::string_view code);

// Whether the code is one of those that the office with the code `above` gives out: its groups are
// those of `above` and at least one more.
bool lies_under(std::string_view code, std::string_view above);

}  // namespace lienthong
