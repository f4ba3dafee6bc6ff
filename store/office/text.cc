#include "store/office/text.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace lienthong::store {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr UnixMillis kOffset = 7LL * 3600 * 1000;

struct Civil {
  int year = 0;
  unsigned month = 0, day = 0;
  int hour = 0, minute = 0;
};

Civil civil(UnixMillis time) {
  const milliseconds local(time + kOffset);
  const auto day = std::chrono::floor<days>(local);
  const year_month_day date{sys_days(day)};
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(local - day).count();
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

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

std::int64_t form_day(UnixMillis time) {
  return std::chrono::floor<days>(milliseconds(time + kOffset)).count();
}

int form_year(UnixMillis time) { return civil(time).year; }

std::optional<UnixMillis> parse_form_day(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = number(text.substr(0, 4)), month = number(text.substr(5, 2)),
             day = number(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  const year_month_day date{std::chrono::year(*year),
                            std::chrono::month(static_cast<unsigned>(*month)),
                            std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::duration_cast<milliseconds>(sys_days(date).time_since_epoch()).count() -
         kOffset;
}

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
