// How moments and money stand on paper, in the office's time (calendar.h). Pure; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "protocol/base/instant.h"

namespace lienthong::store {

std::string form_date(UnixMillis time);       // "01/04/2023"
std::string form_time(UnixMillis time);       // "09:33 01/04/2023"
std::string form_long_time(UnixMillis time);  // "09 giờ 33 phút, ngày 01 tháng 04 năm 2023"
std::string form_money(std::int64_t amount);  // "25.000 đồng"

}  // namespace lienthong::store
