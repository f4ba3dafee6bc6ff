// The code of a dossier taken apart, in the forms in which systems write it. Codes are kept as they
// were given; this is only for looking at them. Pure; any thread.
//
// `<agency>-YYMMDD-NNNN` in each form, the number of at least four digits:
// - agency from the specific to the general, `000.00.12.H62` (QCVN 102:2016)
// - agency from the general to the specific, `H56.14` (QĐ 20/2020/QĐ-TTg)
// - a ministry's central system since 25/01/2026: the number begins with two digits of that
//   ministry's code, `H15.001.02-260608-090123` (TT 04/2025/TT-VPCP, Điều 23)
// - dossiers of the treasury itself: `T.` before the agency
// and what test systems write, with a year of four digits. Groups of an agency's code have two,
// three or four digits and are not taken apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/base/instant.h"

namespace lienthong::store {

enum class CodeForm : std::uint8_t { kSpecificFirst, kGeneralFirst, kCentral, kTreasury };
std::string_view to_string(CodeForm form);  // "specific-first", …

struct DossierCode {
  CodeForm form = CodeForm::kGeneralFirst;
  std::string_view agency;    // as it stands in the code: "000.00.12.H62", "H56.14"
  UnixMillis day = 0;         // first moment of that day at the office
  std::string_view ministry;  // kCentral: its two digits, "09"; else empty
  std::uint64_t number = 0;   // kCentral: what follows these
};

// A machine of ours numbers with six digits too once four are used up, so that only the codes of
// others are read as a central system's.
enum class CodeOwner : std::uint8_t { kOurs, kOther };

// nullopt: not of such a form, or no day of the calendar. Views point into `text`.
std::optional<DossierCode> parse_dossier_code(std::string_view text,
                                              CodeOwner owner = CodeOwner::kOurs);

// Of the two digits: "Bộ Nội vụ"; empty: not known.
std::string_view ministry_name(std::string_view digits);

}  // namespace lienthong::store
