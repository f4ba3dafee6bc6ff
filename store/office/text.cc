#include "store/office/text.h"

#include <array>
#include <chrono>
#include <cstdio>

#include "store/office/calendar.h"

namespace lienthong::store {
namespace {

struct Civil {
  int year = 0;
  unsigned month = 0, day = 0;
  int hour = 0, minute = 0;
};

Civil civil(UnixMillis moment) {
  const UnixMillis time = bounded_time(moment);
  const OfficeDay day = day_at(time);
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  const auto minutes = (time - midnight_of(day)) / kMinuteMillis;
  return {static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()), static_cast<int>(minutes / 60),
          static_cast<int>(minutes % 60)};
}

template <class... Values>
std::string print(const char* pattern, Values... values) {
  std::array<char, 96> out{};
  std::snprintf(out.data(), out.size(), pattern, values...);
  return out.data();
}

}  // namespace

std::string form_date(UnixMillis time) {
  const Civil at = civil(time);
  return print("%02u/%02u/%04d", at.day, at.month, at.year);
}

std::string form_time(UnixMillis time) {
  const Civil at = civil(time);
  return print("%02d:%02d %02u/%02u/%04d", at.hour, at.minute, at.day, at.month, at.year);
}

std::string form_long_time(UnixMillis time) {
  const Civil at = civil(time);
  return print("%02d giờ %02d phút, ngày %02u tháng %02u năm %04d", at.hour, at.minute, at.day,
               at.month, at.year);
}

std::string form_money(std::int64_t amount) {
  std::string digits = std::to_string(amount);
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, 1, '.');
  }
  return digits + " đồng";
}

}  // namespace lienthong::store
