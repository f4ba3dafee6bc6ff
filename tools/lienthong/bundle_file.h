// The file that `doctor --bundle` writes for whoever helps: facts of a machine, and nothing of
// persons. docs/failures.md, "A bundle for whoever helps".
#pragma once

#include <string>
#include <string_view>

#include "tools/lienthong/client.h"

namespace lienthong::tools {

// What may leave of a text that the program composed: patterns of the catalogue as they are, of
// their values those that are numbers, codes, ids or addresses, and the system's own words. "…"
// stands for the rest.
std::string without_persons(std::string_view text);
// The same of a log line: "peer=… event=up error=\"…\"".
std::string log_without_persons(std::string_view line);

// Throws Failure kFailed when the file cannot be written. Where no agent answers, what is there
// without it.
void write_support_bundle(const Client& client, const std::string& path, const std::string& config,
                          const Json& findings);

}  // namespace lienthong::tools
