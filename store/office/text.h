// How moments, days and money stand on paper, in the office's time zone (+07:00 all year).
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/instant.h"

namespace lienthong::store {

// Days from 1970-01-01 of the calendar day at the office.
std::int64_t form_day(UnixMillis time);
int form_year(UnixMillis time);
// First moment of the day "2025-09-15" at the office; nullopt for anything else.
std::optional<UnixMillis> parse_form_day(std::string_view text);

std::string form_date(UnixMillis time);       // "01/04/2023"
std::string form_time(UnixMillis time);       // "09:33 01/04/2023"
std::string form_long_time(UnixMillis time);  // "09 giờ 33 phút, ngày 01 tháng 04 năm 2023"
std::string form_money(std::int64_t amount);  // "25.000 đồng"

}  // namespace lienthong::store
