// The code of a dossier taken apart: `<agency>-YYMMDD-NNNN` by TT 01/2018/TT-VPCP, Điều 19, and
// what other systems write, with a year of four digits or a longer number. Codes are kept as they
// were given; this is only for looking at them. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/base/instant.h"

namespace lienthong::store {

struct DossierCode {
  std::string_view agency;  // as it stands in the code: "000.00.12.H62", "H56.14"
  UnixMillis day = 0;       // first moment of that day at the office
  std::uint64_t number = 0;
};

// nullopt: not of such a form, or no day of the calendar. Views point into `text`.
std::optional<DossierCode> parse_dossier_code(std::string_view text);

}  // namespace lienthong::store
