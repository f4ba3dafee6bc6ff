// Moments in JSON: RFC 3339, printed in the office's time zone, which is +07:00 all year
// (store/office/calendar.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/instant.h"

namespace lienthong::agent {

// "2023-04-01T09:33:56+07:00"; with ".123" only when the milliseconds are not zero. Of what is no
// time (protocol/base/instant.h) the nearest one.
std::string format_time(UnixMillis time);
// Any offset, or none: then the office's. Fractions are cut to milliseconds. Years 1900 to 2199
// (UTC); nullopt for anything else, a date without a time included.
std::optional<UnixMillis> parse_time(std::string_view text);

}  // namespace lienthong::agent
