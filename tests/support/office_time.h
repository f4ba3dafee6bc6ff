// Moments at the office, short to write: at("2025-04-25 09:30").
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "store/office/calendar.h"

namespace lienthong::test {

inline UnixMillis at(std::string_view text) {
  const auto day = store::parse_date(text.substr(0, 10));
  if (!day || (text.size() != 10 && text.size() != 16)) throw std::invalid_argument("moment");
  UnixMillis out = store::midnight_of(*day);
  if (text.size() == 10) return out;
  out += std::stoi(std::string(text.substr(11, 2))) * store::kHourMillis;
  return out + std::stoi(std::string(text.substr(14, 2))) * store::kMinuteMillis;
}

inline std::string show(UnixMillis moment) {
  const store::OfficeDay day = store::day_at(moment);
  const auto minutes = (moment - store::midnight_of(day)) / store::kMinuteMillis;
  const auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  return store::to_date(day) + " " + two(minutes / 60) + ":" + two(minutes % 60);
}

}  // namespace lienthong::test
