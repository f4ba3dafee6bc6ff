#include "agent/json/time.h"

#include <array>
#include <chrono>
#include <cstdio>

#include "store/office/calendar.h"

namespace lienthong::agent {
namespace {

// Reads digits and marks from the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  // Exactly `count` digits, else -1.
  int digits(std::size_t count) {
    if (text_.size() < count) return -1;
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const char c = text_[i];
      if (c < '0' || c > '9') return -1;
      value = value * 10 + (c - '0');
    }
    text_.remove_prefix(count);
    return value;
  }
  bool take(std::string_view any_of) {
    if (text_.empty() || any_of.find(text_.front()) == std::string_view::npos) return false;
    taken_ = text_.front();
    text_.remove_prefix(1);
    return true;
  }
  char taken() const { return taken_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string_view text_;
  char taken_ = 0;
};

// Milliseconds of a fraction of at least one digit; -1 otherwise.
int fraction(Scanner& in) {
  int millis = 0, weight = 100, count = 0;
  for (int digit = in.digits(1); digit >= 0; digit = in.digits(1), ++count) {
    millis += digit * weight;
    weight /= 10;
  }
  return count == 0 ? -1 : millis;
}

// Milliseconds east of UTC; nullopt: not an offset.
std::optional<UnixMillis> offset(Scanner& in) {
  if (in.empty()) return store::kOfficeOffsetMillis;
  if (in.take("Zz")) return 0;
  if (!in.take("+-")) return std::nullopt;
  const int sign = in.taken() == '-' ? -1 : 1;
  const int hours = in.digits(2);
  in.take(":");
  const int minutes = in.digits(2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  return UnixMillis{sign} * (hours * 60 + minutes) * 60 * 1000;
}

}  // namespace

std::string format_time(UnixMillis time) {
  using namespace std::chrono;
  const UnixMillis local = bounded_time(time) + store::kOfficeOffsetMillis;
  const sys_time<milliseconds> moment{milliseconds(local)};
  const auto day = floor<days>(moment);
  const year_month_day date{day};
  const hh_mm_ss clock{moment - day};
  std::array<char, 64> out{};
  const int millis = static_cast<int>(clock.subseconds().count());
  std::snprintf(out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02d",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  std::string text = out.data();
  if (millis != 0) {
    std::snprintf(out.data(), out.size(), ".%03d", millis);
    text += out.data();
  }
  return text + "+07:00";
}

std::optional<UnixMillis> parse_time(std::string_view text) {
  using namespace std::chrono;
  Scanner in(text);
  const int y = in.digits(4);
  if (y < 0 || !in.take("-")) return std::nullopt;
  const int month = in.digits(2);
  if (month < 0 || !in.take("-")) return std::nullopt;
  const int day = in.digits(2);
  if (day < 0 || !in.take("Tt ")) return std::nullopt;
  const int hour = in.digits(2);
  if (hour < 0 || hour > 23 || !in.take(":")) return std::nullopt;
  const int minute = in.digits(2);
  if (minute < 0 || minute > 59) return std::nullopt;
  int second = 0, millis = 0;
  if (in.take(":")) {
    second = in.digits(2);
    if (second < 0 || second > 59) return std::nullopt;
    if (in.take(".,") && (millis = fraction(in)) < 0) return std::nullopt;
  }
  const auto east = offset(in);
  if (!east || !in.empty()) return std::nullopt;
  const year_month_day date{year(y), std::chrono::month(static_cast<unsigned>(month)),
                            std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  const UnixMillis midnight =
      duration_cast<milliseconds>(sys_days(date).time_since_epoch()).count();
  const UnixMillis time = midnight + ((hour * 60LL + minute) * 60 + second) * 1000 + millis - *east;
  return is_time(time) ? std::optional(time) : std::nullopt;
}

}  // namespace lienthong::agent
