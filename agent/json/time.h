// Moments in JSON: RFC 3339, and as people write them; printed in the office's time zone, which is
// +07:00 all year (store/office/calendar.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/instant.h"
#include "protocol/base/result.h"

namespace lienthong::agent {

// "2023-04-01T09:33:56+07:00"; with ".123" only when the milliseconds are not zero. Of what is no
// time (protocol/base/instant.h) the nearest one.
std::string format_time(UnixMillis time);
// Any offset, or none: then the office's. Fractions are cut to milliseconds. Years 1900 to 2199
// (UTC); nullopt for anything else, a date without a time included.
std::optional<UnixMillis> parse_time(std::string_view text);

// What a date without a time stands for.
enum class DateAlone : std::uint8_t { kDayBegins, kDeskCloses };  // 00:00; 17:00

// As people write it: what parse_time() takes; 31/12/2024, 31-12-2024, 31.12.2024 and 2024-12-31,
// alone or with a time before or after (08:30, 8h30, 8 giờ 30 phút, 2:30 CH, 02:30 PM); "ngày 31
// tháng 12 năm 2024". The day stands first, or the year. kInvalidArgument says what is wrong: the
// month first, a year of two digits, the day number of a spreadsheet, or no date at all.
Result<UnixMillis> read_moment(std::string_view text, DateAlone alone = DateAlone::kDayBegins);

}  // namespace lienthong::agent
