#include "store/office/calendar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <utility>

#include "protocol/base/check.h"
#include "store/office/law_days.h"
#include "store/text/plain.h"
#include "store/text/table.h"

namespace lienthong::store {

extern const std::string_view kCalendarVn;  // conf/calendars/vn.tsv

namespace {

constexpr std::array<std::string_view, 7> kWeekdays = {"sunday",   "monday", "tuesday", "wednesday",
                                                       "thursday", "friday", "saturday"};
constexpr std::int64_t kDayCountMax = 36'500;
constexpr OfficeDay kLastDay = day_at(kTimeEnd - 1);

std::chrono::sys_days sys_day(OfficeDay day) {
  return std::chrono::sys_days(std::chrono::days(day));
}

int weekday_of(OfficeDay day) {
  return static_cast<int>(std::chrono::weekday(sys_day(day)).c_encoding());
}

std::optional<int> digits(std::string_view text) {
  int number = 0;
  if (text.empty() || text.front() == '-') return std::nullopt;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string two(unsigned number) { return (number < 10 ? "0" : "") + std::to_string(number); }

std::string quote(std::string_view text) { return "\"" + std::string(text) + "\""; }

// "07:00"; 24:00 is the end of the day.
std::optional<UnixMillis> parse_clock(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hour = digits(text.substr(0, 2)), minute = digits(text.substr(3));
  if (!hour || !minute || *minute > 59 || *hour * 60 + *minute > 24 * 60) return std::nullopt;
  return *hour * kHourMillis + *minute * kMinuteMillis;
}

}  // namespace

int year_of(OfficeDay day) {
  return static_cast<int>(std::chrono::year_month_day(sys_day(day)).year());
}

int office_year(UnixMillis moment) { return year_of(day_at(moment)); }

std::string to_date(OfficeDay day) {
  const std::chrono::year_month_day date(sys_day(day));
  return std::to_string(static_cast<int>(date.year())) + "-" +
         two(static_cast<unsigned>(date.month())) + "-" + two(static_cast<unsigned>(date.day()));
}

std::optional<OfficeDay> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = digits(text.substr(0, 4)), month = digits(text.substr(5, 2)),
             day = digits(text.substr(8));
  if (!year || !month || !day || *year < 1900 || *year > 2199) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

// ---- days ----

Calendar::Calendar()
    : sessions_{{7 * kHourMillis, 11 * kHourMillis + 30 * kMinuteMillis},
                {13 * kHourMillis + 30 * kMinuteMillis, 17 * kHourMillis}},
      weekend_{0, 6},
      working_day_(8 * kHourMillis) {}

bool Calendar::is_working_day(OfficeDay day) const {
  if (const auto at = entries_.find(day); at != entries_.end())
    return at->second.kind == DayKind::kMakeUp;
  return !weekend_.contains(weekday_of(day)) && !std::ranges::binary_search(law_days_, day);
}

YearBasis Calendar::basis_of(int year) const {
  if (years_.contains(year)) return YearBasis::kNotice;
  return law_from_ && year >= *law_from_ && year <= kLawYearMax ? YearBasis::kLaw
                                                                : YearBasis::kWeekends;
}

std::map<OfficeDay, Calendar::Entry> Calendar::days_of(int year) const {
  std::map<OfficeDay, Entry> out;
  if (basis_of(year) == YearBasis::kLaw)
    for (const LawDay& day : law_days(year, weekend_))
      out[day.day] = {DayKind::kHoliday, day.name, std::string(day.source)};
  for (const auto& [day, entry] : entries_)
    if (year_of(day) == year) out[day] = entry;
  return out;
}

// Of every year that may be asked for and is not listed.
void Calendar::count_law() {
  law_days_.clear();
  if (!law_from_) return;
  for (int year = *law_from_; year <= kLawYearMax; ++year)
    if (!years_.contains(year))
      for (const LawDay& day : law_days(year, weekend_)) law_days_.push_back(day.day);
  std::ranges::sort(law_days_);
}

Calendar Calendar::with(const Calendar& published, bool hours) const {
  Calendar out = *this;
  std::erase_if(out.entries_,
                [&](const auto& entry) { return published.years_.contains(year_of(entry.first)); });
  for (const auto& [day, entry] : published.entries_) out.entries_.insert_or_assign(day, entry);
  out.years_.insert(published.years_.begin(), published.years_.end());
  if (hours && published.names_hours_) {
    out.sessions_ = published.sessions_;
    out.working_day_ = published.working_day_;
    out.weekend_ = published.weekend_;
    out.cut_off_ = published.cut_off_;
  }
  out.count_law();
  return out;
}

OfficeDay Calendar::working_day_from(OfficeDay day) const {
  while (!is_working_day(day)) ++day;  // ends: the parser leaves a working day in every week
  return day;
}

UnixMillis Calendar::desk_opens(OfficeDay day) const {
  return midnight_of(day) + sessions_.front().begin;
}

UnixMillis Calendar::desk_closes(OfficeDay day) const {
  return midnight_of(day) + sessions_.back().end;
}

bool Calendar::is_desk_open(UnixMillis moment) const {
  const OfficeDay day = day_at(moment);
  const UnixMillis time = moment - midnight_of(day);
  return is_working_day(day) && std::ranges::any_of(sessions_, [time](const Session& session) {
           return session.begin <= time && time <= session.end;
         });
}

bool Calendar::is_after_cut_off(UnixMillis moment, const CutOff* cut_off) const {
  if (cut_off == nullptr) cut_off = cut_off_ ? &*cut_off_ : nullptr;
  if (cut_off == nullptr) return false;
  const OfficeDay day = day_at(moment);
  const UnixMillis last =
      cut_off->before_close ? desk_closes(day) - cut_off->time : midnight_of(day) + cut_off->time;
  return moment > last;
}

UnixMillis Calendar::start_of_clock(UnixMillis moment, const CutOff* cut_off) const {
  const OfficeDay day = day_at(moment);
  const bool over =
      !is_working_day(day) || moment > desk_closes(day) || is_after_cut_off(moment, cut_off);
  if (over) return desk_opens(working_day_from(is_working_day(day) ? day + 1 : day));
  return std::max(moment, desk_opens(day));
}

// The nth working day after `day`, or the last day that there is.
OfficeDay Calendar::nth_working_day(OfficeDay day, std::int64_t count) const {
  OfficeDay before = day, last = day;  // fewer than `count` up to `before`
  for (std::int64_t step = count + 1; working_days_between(day, last) < count; step *= 2) {
    if (last >= kLastDay) return kLastDay;
    before = last;
    last = std::min(kLastDay, last + step);
  }
  while (last - before > 1) {
    const OfficeDay middle = before + (last - before) / 2;
    (working_days_between(day, middle) < count ? before : last) = middle;
  }
  return last;
}

OfficeDay Calendar::add_working_days(OfficeDay day, std::int64_t count) const {
  LT_CHECK(count >= 0 && count <= kDayCountMax);
  return working_day_from(count > 0 ? nth_working_day(day, count) : day);
}

// Whole weeks, the days that are left, and the days on which the calendar says otherwise.
std::int64_t Calendar::working_days_between(OfficeDay from, OfficeDay to) const {
  if (to <= from) return 0;
  const auto week = static_cast<std::int64_t>(7 - weekend_.size());
  std::int64_t count = (to - from) / 7 * week;
  for (OfficeDay day = to - (to - from) % 7 + 1; day <= to; ++day)
    count += weekend_.contains(weekday_of(day)) ? 0 : 1;
  const auto end = entries_.upper_bound(to);
  for (auto at = entries_.upper_bound(from); at != end; ++at) {
    const bool usual = !weekend_.contains(weekday_of(at->first));
    const bool works = at->second.kind == DayKind::kMakeUp;
    count += static_cast<int>(works) - static_cast<int>(usual);
  }
  for (auto at = std::ranges::upper_bound(law_days_, from); at != law_days_.end() && *at <= to;
       ++at)
    if (!weekend_.contains(weekday_of(*at)) && !entries_.contains(*at)) --count;
  return count;
}

UnixMillis Calendar::add_working_time(UnixMillis moment, UnixMillis time) const {
  LT_CHECK(time >= 0);
  bool first = true;
  for (OfficeDay day = working_day_from(day_at(moment)); day <= kLastDay;
       day = working_day_from(day + 1)) {
    for (const Session& session : sessions_) {
      const UnixMillis begin = std::max(moment, midnight_of(day) + session.begin);
      const UnixMillis end = midnight_of(day) + session.end;
      if (begin > end || (begin == end && time > 0)) continue;
      if (time <= end - begin) return bounded_time(begin + time);
      time -= end - begin;
    }
    if (!std::exchange(first, false)) continue;
    const std::int64_t whole = (time - 1) / working_day_;  // days that are used up
    if (whole > 0) day = nth_working_day(day, std::min<std::int64_t>(whole, kLastDay - day));
    time -= whole * working_day_;
  }
  return kTimeEnd - 1;
}

UnixMillis Calendar::working_time_within(OfficeDay day, UnixMillis from, UnixMillis to) const {
  UnixMillis sum = 0;
  if (!is_working_day(day)) return sum;
  for (const Session& session : sessions_) {
    const UnixMillis begin = std::max(from, midnight_of(day) + session.begin);
    const UnixMillis end = std::min(to, midnight_of(day) + session.end);
    if (end > begin) sum += end - begin;
  }
  return sum;
}

UnixMillis Calendar::working_time_between(UnixMillis from, UnixMillis to) const {
  if (to <= from) return 0;
  const OfficeDay first = day_at(from), last = day_at(to);
  UnixMillis sum = working_time_within(first, from, to);
  if (last > first)
    sum +=
        working_days_between(first, last - 1) * working_day_ + working_time_within(last, from, to);
  return sum;
}

std::vector<int> Calendar::years_of(YearBasis basis, OfficeDay from, OfficeDay to) const {
  std::vector<int> out;
  for (int year = year_of(from); year <= year_of(to); ++year)
    if (basis_of(year) == basis) out.push_back(year);
  return out;
}
std::vector<int> Calendar::years_without_data(OfficeDay from, OfficeDay to) const {
  return years_of(YearBasis::kWeekends, from, to);
}
std::vector<int> Calendar::years_not_decided(OfficeDay from, OfficeDay to) const {
  return years_of(YearBasis::kLaw, from, to);
}

// ---- names ----

std::string_view to_string(YearBasis basis) {
  constexpr std::array<std::string_view, 3> kNames = {"notice", "law", "weekends"};
  return kNames[static_cast<std::size_t>(basis)];
}

std::optional<CutOff> parse_cut_off(std::string_view text) {
  if (text == "last-hour") return CutOff{true, kHourMillis};
  const auto time = parse_clock(text);
  return time ? std::optional(CutOff{false, *time}) : std::nullopt;
}

std::string to_text(const CutOff& cut_off) {
  if (cut_off.before_close) return "last-hour";
  const auto minutes = static_cast<unsigned>(cut_off.time / kMinuteMillis);
  return two(minutes / 60) + ":" + two(minutes % 60);
}

// ---- the file ----

class CalendarParser {
 public:
  CalendarReading run(std::string_view text) {
    const auto rows = read_rows(text, text.find('\t') != std::string_view::npos ? '\t' : '\0');
    if (!rows.ok()) {
      mistake(rows.error().detail());
      return std::move(out_);
    }
    bool heads_seen = false;
    for (const Row& given : rows->rows) {
      line_ = given.line;
      const auto cells = cells_of(given);
      if (cells.empty() || cells.front().starts_with('#')) continue;
      if (heads_seen) {
        row(cells);
      } else if (word_key(cells.front()) == "date" || word_key(cells.front()) == "ngay") {
        heads_seen = true;
        if (cells.size() != 4)
          mistake("expected the columns date, kind, name, source, each after a tab");
      } else {
        setting(cells);
      }
    }
    for (const RowError& failed : rows->errors) {
      line_ = failed.line;
      mistake(failed.error.detail());
    }
    line_ = 0;
    out_.calendar.count_law();
    if (!heads_seen) mistake("expected a line with the columns date, kind, name, source");
    return std::move(out_);
  }

 private:
  // Without the empty ones at the end, which spreadsheets add.
  static std::vector<std::string_view> cells_of(const Row& row) {
    std::vector<std::string_view> out(row.cells.begin(), row.cells.end());
    while (!out.empty() && out.back().empty()) out.pop_back();
    return out;
  }
  // As 2025-04-30 or, as people write it and spreadsheets save it, 30/04/2025.
  static std::optional<OfficeDay> day_of(std::string_view text) {
    const auto iso = parse_date(text);
    if (iso || date_order(text) == DateOrder::kNoDate) return iso;
    const std::size_t first = text.find_first_of("/-."), second = text.find_last_of("/-.");
    const auto day = digits(text.substr(0, first)),
               month = digits(text.substr(first + 1, second - first - 1));
    const std::string_view year = text.substr(second + 1);
    if (!day || !month || *day < 1 || *month < 1 || *day > 31 || *month > 12) return std::nullopt;
    return parse_date(std::string(year) + "-" + two(static_cast<unsigned>(*month)) + "-" +
                      two(static_cast<unsigned>(*day)));
  }

  void mistake(std::string text) { out_.mistakes.push_back({line_, std::move(text)}); }

  void setting(const std::vector<std::string_view>& cells) {
    if (cells.front() == "desk") return desk(cells);
    if (cells.front() == "weekend") return weekend(cells);
    if (cells.front() == "years") return years(cells, out_.calendar.years_);
    if (cells.front() == "besides") return years(cells, out_.calendar.besides_);
    if (cells.front() == "law") return law(cells);
    if (cells.front() == "cut-off") return cut_off(cells);
    mistake("found " + quote(cells.front()) +
            ", expected desk, weekend, cut-off, years, besides, law, or the columns date, kind, "
            "name, source");
  }

  void desk(const std::vector<std::string_view>& cells) {
    std::vector<Calendar::Session> sessions;
    UnixMillis sum = 0;
    for (std::size_t i = 1; i < cells.size(); ++i) {
      const auto begin = parse_clock(cells[i].substr(0, std::min<std::size_t>(5, cells[i].size())));
      const auto end = cells[i].size() == 11 && cells[i][5] == '-' ? parse_clock(cells[i].substr(6))
                                                                   : std::nullopt;
      if (!begin || !end || *begin >= *end || (!sessions.empty() && sessions.back().end > *begin))
        return mistake("found " + quote(cells[i]) +
                       ", expected desk hours such as 07:00-11:30, one session after the other");
      sessions.push_back({*begin, *end});
      sum += *end - *begin;
    }
    if (sessions.empty())
      return mistake("desk has no hours, expected such as 07:00-11:30 and 13:30-17:00");
    out_.calendar.names_hours_ = true;
    out_.calendar.sessions_ = std::move(sessions);
    out_.calendar.working_day_ = sum;
  }

  void weekend(const std::vector<std::string_view>& cells) {
    std::set<int> days;
    for (std::size_t i = 1; i < cells.size(); ++i) {
      const auto at = std::ranges::find(kWeekdays, cells[i]);
      if (at == kWeekdays.end())
        return mistake("found " + quote(cells[i]) + ", expected days such as saturday");
      days.insert(static_cast<int>(at - kWeekdays.begin()));
    }
    if (days.size() > 6) return mistake("a week without a working day, expected at most six");
    out_.calendar.names_hours_ = true;
    out_.calendar.weekend_ = std::move(days);
  }

  void cut_off(const std::vector<std::string_view>& cells) {
    const auto read = cells.size() == 2 ? parse_cut_off(cells[1]) : std::nullopt;
    if (!read) return mistake("expected one cut-off, a time such as 15:00, or last-hour");
    out_.calendar.names_hours_ = true;
    out_.calendar.cut_off_ = read;
  }

  void law(const std::vector<std::string_view>& cells) {
    const auto year = cells.size() == 2 ? digits(cells[1]) : std::nullopt;
    if (!year || *year < kLawYearMin || *year > kLawYearMax)
      return mistake("expected the first year that is counted from the law, " +
                     std::to_string(kLawYearMin) + " to " + std::to_string(kLawYearMax));
    out_.calendar.law_from_ = year;
  }

  void years(const std::vector<std::string_view>& cells, std::set<int>& out) {
    for (std::size_t i = 1; i < cells.size(); ++i) {
      const auto year = cells[i].size() == 4 ? digits(cells[i]) : std::nullopt;
      if (!year || *year < 1970)
        return mistake("found " + quote(cells[i]) + ", expected years such as 2025");
      out.insert(*year);
    }
  }

  void row(const std::vector<std::string_view>& cells) {
    if (cells.size() != 4)
      return mistake("found " + std::to_string(cells.size()) +
                     " columns, expected 4: date, kind, name, source");
    const auto day = day_of(cells[0]);
    if (!day) return mistake("found " + quote(cells[0]) + ", expected a date such as 2025-04-30");
    const auto kind = kind_of(cells[1]);
    if (!kind)
      return mistake("found " + quote(cells[1]) + ", expected holiday, make-up or swapped");
    if (cells[2].empty() || cells[3].empty())
      return mistake("a day without name or source, expected both");
    if (!out_.calendar.years_.contains(year_of(*day)) &&
        !out_.calendar.besides_.contains(year_of(*day)))
      return mistake(std::string(cells[0]) + " is of a year that is not under \"years\"; " +
                     "list the year there once all of its holidays stand here, or under "
                     "\"besides\" where these are single days");
    const bool weekend = out_.calendar.weekend_.contains(weekday_of(*day));
    if (*kind == DayKind::kMakeUp && !weekend)
      return mistake(std::string(cells[0]) +
                     " is a working day anyhow, expected one of the "
                     "weekend to be made up on");
    if (!out_.calendar.entries_
             .emplace(*day, Calendar::Entry{*kind, std::string(cells[2]), std::string(cells[3])})
             .second)
      return mistake(std::string(cells[0]) + " is listed twice, expected each day once");
    check_run(*day);
  }

  static std::optional<DayKind> kind_of(std::string_view text) {
    const std::string key = word_key(text);
    if (key == "holiday" || key == "nghi" || key == "nghile") return DayKind::kHoliday;
    if (key == "makeup" || key == "lambu") return DayKind::kMakeUp;
    if (key == "swapped" || key == "hoandoi") return DayKind::kSwapped;
    return std::nullopt;
  }

  // A run of days off that long is a slip of the pen; counting would walk through all of it.
  void check_run(OfficeDay day) {
    constexpr OfficeDay kDaysOffMax = 31;
    OfficeDay first = day, last = day;
    while (last - first <= kDaysOffMax && !out_.calendar.is_working_day(first)) --first;
    while (last - first <= kDaysOffMax && !out_.calendar.is_working_day(last)) ++last;
    if (last - first > kDaysOffMax)
      mistake("more than 31 days off in a row, expected a working day among them");
  }

  CalendarReading out_;
  std::size_t line_ = 0;
};

CalendarReading parse_calendar(std::string_view text) { return CalendarParser().run(text); }

const Calendar& built_in_calendar() {
  static const Calendar calendar = [] {
    auto reading = parse_calendar(kCalendarVn);
    LT_CHECK(reading.mistakes.empty());
    return std::move(reading.calendar);
  }();
  return calendar;
}

}  // namespace lienthong::store
