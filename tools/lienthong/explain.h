// The calculation of a dossier's date and the step that it is at, in words.
#pragma once

#include "tools/lienthong/client.h"

namespace lienthong::tools {

// "20 working days", "within the day"; empty for no limit.
std::string show_limit(const Json& limit);
// "2/3 Thẩm định – district, Phòng LĐTBXH, due 2025-03-20 17:00:00".
std::string show_step(const Json& step);
// The lines of "explanation" of a dossier document.
void print_explanation(const Json& dossier);
// Of a result of an operation: what was done all the same, but somebody should know.
void print_warnings(const Json& result);

}  // namespace lienthong::tools
