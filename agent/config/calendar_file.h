// The calendar that `[office] calendar` of the configuration names.
#pragma once

#include <filesystem>

#include "protocol/base/result.h"
#include "store/office/calendar.h"

namespace lienthong::agent {

// The one built in for an empty path. Fails: kIo (cannot be read), kMalformed, with every mistake
// as "FILE:LINE: what was found, what was expected", one a line.
Result<store::Calendar> load_calendar(const std::filesystem::path& file);

}  // namespace lienthong::agent
