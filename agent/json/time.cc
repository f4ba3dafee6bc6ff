#include "agent/json/time.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <vector>

#include "store/office/calendar.h"
#include "store/text/plain.h"

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

namespace {

constexpr UnixMillis kDeskClosesMillis = 17LL * 60 * 60 * 1000;

// A number, or a mark: '/' between parts of a date, ':' of a time, 'a' and 'p' the halves of a day.
struct Item {
  char mark = '0';  // '0': a number
  int number = 0;
  std::size_t digits = 0;
};

// The mark that a word or sign stands for; '\0': none, ' ': nothing is meant by it.
char mark_of(std::string_view word) {
  struct Word {
    std::string_view word;
    char mark;
  };
  static constexpr std::array kWords = {
      Word{"/", '/'},     Word{"-", '/'},  Word{".", '/'},    Word{"thang", '/'}, Word{"nam", '/'},
      Word{":", ':'},     Word{"h", ':'},  Word{"g", ':'},    Word{"gio", ':'},   Word{"ngay", ' '},
      Word{"luc", ' '},   Word{",", ' '},  Word{"phut", ' '}, Word{"p", ' '},     Word{"giay", ' '},
      Word{"am", 'a'},    Word{"sa", 'a'}, Word{"sang", 'a'}, Word{"pm", 'p'},    Word{"ch", 'p'},
      Word{"chieu", 'p'}, Word{"t", ' '},
  };
  const auto at = std::ranges::find(kWords, word, &Word::word);
  return at != kWords.end() ? at->mark : '\0';
}

// Empty: a word that no date has.
std::vector<Item> items_of(std::string_view text) {
  std::vector<Item> out;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    if (text[at] == ' ') {
      ++at;
      continue;
    }
    if (is_digit(text[at])) {
      Item item;
      for (end = at; end < text.size() && is_digit(text[end]); ++end)
        item.number = std::min(item.number * 10 + (text[end] - '0'), 99'999'999);
      item.digits = end - at;
      out.push_back(item);
    } else {
      while (is_letter(text[at]) && end < text.size() && is_letter(text[end])) ++end;
      const char mark = mark_of(text.substr(at, end - at));
      if (mark == '\0') return {};
      if (mark != ' ') out.push_back({mark, 0, 0});
    }
    at = end;
  }
  return out;
}

class MomentReader {
 public:
  explicit MomentReader(std::vector<Item> items) : items_(std::move(items)) {}

  Result<UnixMillis> run(DateAlone alone) {
    bool timed = time();
    if (!date()) return none();
    if (problem_) return *problem_;
    if (!timed) timed = time();
    if (at_ != items_.size()) return none();
    const std::chrono::year_month_day date{std::chrono::year(year_),
                                           std::chrono::month(static_cast<unsigned>(month_)),
                                           std::chrono::day(static_cast<unsigned>(day_))};
    if (!date.ok()) return none();
    const auto day = std::chrono::sys_days(date).time_since_epoch().count();
    if (!timed && alone == DateAlone::kDeskCloses) of_day_ = kDeskClosesMillis;
    const UnixMillis moment = store::midnight_of(day) + of_day_;
    return is_time(moment) ? Result<UnixMillis>(moment) : Result<UnixMillis>(none());
  }

 private:
  static Error none() {
    return Error(Errc::kInvalidArgument,
                 "must be a date or moment such as 31/12/2024, 31/12/2024 08:30, 2024-12-31 or, as "
                 "in RFC 3339, 2024-12-31T08:30:00+07:00, of the years 1900 to 2199");
  }
  bool is(std::size_t at, char mark) const { return at < items_.size() && items_[at].mark == mark; }

  bool date() {
    const bool three = is(at_, '0') && is(at_ + 1, '/') && is(at_ + 2, '0') && is(at_ + 3, '/') &&
                       is(at_ + 4, '0');
    if (!three && items_.size() == 1 && is(0, '0') && items_[0].digits == 5) {
      at_ = items_.size();
      problem_ = Error(Errc::kInvalidArgument,
                       "is the number that a spreadsheet counts days by; format the column as a "
                       "date, 31/12/2024");
      return true;
    }
    if (!three) return false;
    const Item &first = items_[at_], &second = items_[at_ + 2], &third = items_[at_ + 4];
    at_ += 5;
    month_ = second.number;
    if (first.digits == 4 && third.digits <= 2) {
      year_ = first.number;
      day_ = third.number;
    } else if (third.digits == 4 && first.digits <= 2) {
      year_ = third.number;
      day_ = first.number;
      if (month_ > 12 && month_ <= 31 && day_ <= 12)
        problem_ = Error(Errc::kInvalidArgument,
                         "has the month first; write the day first, as 31/12/2024");
    } else if (first.digits <= 2 && third.digits <= 2) {
      problem_ = Error(Errc::kInvalidArgument, "write the year with four digits, as 31/12/2024");
    } else {
      return false;
    }
    return true;
  }

  // 8:30[:15], 8h; with the half of the day.
  bool time() {
    if (!is(at_, '0') || !is(at_ + 1, ':')) return false;
    std::array<int, 3> parts{};
    std::size_t at = at_;
    for (std::size_t i = 0; i < 3 && is(at, '0'); ++i) {
      if (is(at + 1, '/')) break;  // the date begins
      parts[i] = items_[at++].number;
      if (is(at, ':'))
        ++at;
      else if (i > 0)
        break;
    }
    const bool morning = is(at, 'a'), afternoon = is(at, 'p');
    if (morning || afternoon) {
      if (parts[0] < 1 || parts[0] > 12) return false;
      parts[0] = parts[0] % 12 + (afternoon ? 12 : 0);
      ++at;
    }
    if (parts[0] > 23 || parts[1] > 59 || parts[2] > 59) return false;
    of_day_ = ((parts[0] * 60LL + parts[1]) * 60 + parts[2]) * 1000;
    at_ = at;
    return true;
  }

  std::vector<Item> items_;
  std::size_t at_ = 0;
  int year_ = 0, month_ = 0, day_ = 0;
  UnixMillis of_day_ = 0;
  std::optional<Error> problem_;
};

}  // namespace

Result<UnixMillis> read_moment(std::string_view text, DateAlone alone) {
  LT_TRY(const std::string tidy, store::tidy_text(text));
  if (const auto exact = parse_time(tidy)) return *exact;
  return MomentReader(items_of(store::folded(tidy))).run(alone);
}

}  // namespace lienthong::agent
