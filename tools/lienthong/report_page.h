// A report of the API as a page: text, CSV (RFC 4180, each line ends with a line feed) and HTML,
// with the headings of the form.
#pragma once

#include <string>

#include "tools/lienthong/client.h"

namespace lienthong::tools {

void print_report_text(const Json& report);
std::string report_csv(const Json& report);
void print_report_html(const Json& report);

}  // namespace lienthong::tools
