// The calendar of working days: what is built in, the file's mistakes, and counting.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/support/office_time.h"

namespace lienthong::test {
namespace {

using store::built_in_calendar;
using store::Calendar;
using store::OfficeDay;
using store::parse_calendar;
using store::parse_date;

constexpr std::string_view kHead = "date\tkind\tname\tsource\n";

std::string mistakes_of(std::string_view text) {
  std::string out;
  for (const auto& mistake : parse_calendar(text).mistakes)
    out += std::to_string(mistake.line) + ": " + mistake.text + "\n";
  return out;
}

bool works(std::string_view date) { return built_in_calendar().is_working_day(*parse_date(date)); }

TEST(OfficeCalendar, KnowsTheSwapsOf2024And2025) {
  EXPECT_FALSE(works("2025-05-02"));  // a Friday, swapped
  EXPECT_TRUE(works("2025-04-26"));   // a Saturday, made up on
  EXPECT_FALSE(works("2024-04-29"));  // a Monday, swapped
  EXPECT_TRUE(works("2024-05-04"));   // a Saturday, made up on
  EXPECT_FALSE(works("2025-04-27"));  // the Sunday after
  EXPECT_FALSE(works("2025-04-30"));
  EXPECT_TRUE(works("2025-05-05"));
}

// By the notices named in the file: 9441/TB-BNV, 12729/VPCP-KGVX and 10065/VPCP-KGVX, and the law.
TEST(OfficeCalendar, KnowsEveryDayOffAndMadeUpOf2026And2027) {
  const std::set<std::string> off{
      "2026-01-01", "2026-02-16", "2026-02-17", "2026-02-18", "2026-02-19", "2026-02-20",
      "2026-04-26", "2026-04-27", "2026-04-30", "2026-05-01", "2026-09-01", "2026-09-02",
      "2026-11-24", "2027-01-01", "2027-02-04", "2027-02-05", "2027-02-06", "2027-02-07",
      "2027-02-08", "2027-02-09", "2027-02-10", "2027-04-16", "2027-04-30", "2027-05-01",
      "2027-05-03", "2027-09-02", "2027-09-03", "2027-11-24"},
      swapped{"2026-01-02", "2026-08-31"}, made_up{"2026-01-10", "2026-08-22"};
  for (auto day = *parse_date("2026-01-01"); day <= *parse_date("2027-12-31"); ++day) {
    const std::string date = store::to_date(day);
    const auto weekday = (day + 4) % 7;  // 1970-01-01 was a Thursday; 0 is Sunday
    const bool usual = weekday >= 1 && weekday <= 5;
    const bool expected =
        made_up.contains(date) || (usual && !off.contains(date) && !swapped.contains(date));
    EXPECT_EQ(works(date), expected) << date;
  }
}

// Counted by hand.
TEST(OfficeCalendar, CountsOverTheHolidaysOf2026And2027) {
  const auto due = [](const char* from, int days) {
    return store::to_date(built_in_calendar().add_working_days(*parse_date(from), days));
  };
  EXPECT_EQ(due("2026-02-13", 5), "2026-02-27");  // Tết Bính Ngọ: 16 to 20 February off
  EXPECT_EQ(due("2027-02-03", 5), "2027-02-17");  // Tết Đinh Mùi: 4 to 10 February off
  EXPECT_EQ(due("2026-01-09", 1), "2026-01-10");  // a Saturday made up for 2 January
  EXPECT_EQ(due("2026-04-24", 3), "2026-05-04");  // 27, 30 April and 1 May off
  EXPECT_EQ(due("2026-08-21", 1), "2026-08-22");  // a Saturday made up for 31 August
  EXPECT_EQ(due("2026-08-28", 3), "2026-09-07");  // 31 August to 2 September off
  EXPECT_EQ(due("2026-11-23", 1), "2026-11-25");  // Culture Day
  EXPECT_EQ(due("2027-04-29", 2), "2027-05-05");  // 30 April, and 3 May for the Saturday
}

TEST(OfficeDays, TurnAtMidnightInTheOffice) {
  constexpr UnixMillis kLast = 1'680'368'399'999;  // 2023-04-01T23:59:59.999+07:00
  EXPECT_EQ(store::to_date(store::day_at(kLast)), "2023-04-01");
  EXPECT_EQ(store::to_date(store::day_at(kLast + 1)), "2023-04-02");
  EXPECT_EQ(store::midnight_of(store::day_at(kLast + 1)), kLast + 1);
  EXPECT_EQ(store::day_at(-store::kOfficeOffsetMillis), 0);  // 1970-01-01T00:00+07:00
  EXPECT_EQ(store::day_at(-store::kOfficeOffsetMillis - 1), -1);
  EXPECT_EQ(store::day_at(-store::kOfficeOffsetMillis - store::kDayMillis), -1);
}

TEST(OfficeDays, AreOfAYearOfTheOffice) {
  const UnixMillis first = store::midnight_of(*parse_date("2023-01-01"));
  EXPECT_EQ(store::office_year(first), 2023);
  EXPECT_EQ(store::office_year(first - 1), 2022);
}

TEST(OfficeDays, AreReadFromDatesThatExist) {
  EXPECT_EQ(store::to_date(*parse_date("2024-02-29")), "2024-02-29");
  for (const char* bad : {"", "2023-1-01", "2023-13-01", "2023-02-29", "2023-01-01T", "x023-01-01",
                          "1899-12-31", "2200-01-01", "2023/01/01"})
    EXPECT_FALSE(parse_date(bad)) << bad;
}

TEST(OfficeCalendar, CountsAWorkingDayAsEightHours) {
  EXPECT_EQ(built_in_calendar().working_day(), 8 * store::kHourMillis);
}

struct CountCase {
  const char *from, *to;
  std::int64_t days;
};
class Counting : public ::testing::TestWithParam<CountCase> {};
TEST_P(Counting, AddsAndCountsWorkingDaysAlike) {
  const auto& [from, to, days] = GetParam();
  const Calendar& calendar = built_in_calendar();
  EXPECT_EQ(store::to_date(calendar.add_working_days(*parse_date(from), days)), to);
  EXPECT_EQ(calendar.working_days_between(*parse_date(from), *parse_date(to)), days);
}
INSTANTIATE_TEST_SUITE_P(
    OfficeCalendar, Counting,
    ::testing::Values(CountCase{"2025-04-25", "2025-04-26", 1},  // Friday to the made-up Saturday
                      CountCase{"2025-04-29", "2025-05-05", 1},  // over 30/4, 1/5, swapped, weekend
                      CountCase{"2024-04-26", "2024-05-02", 1},  // over the swapped Monday
                      CountCase{"2024-04-26", "2024-05-04", 3},  // to the made-up Saturday
                      CountCase{"2025-01-24", "2025-02-03", 1},  // over Tết
                      CountCase{"2025-03-03", "2025-03-31", 20}));

TEST(OfficeCalendar, AddsHoursWithinTheDeskHours) {
  const Calendar& calendar = built_in_calendar();
  const auto plus = [&](std::string_view from, int hours) {
    return show(calendar.add_working_time(at(from), hours * store::kHourMillis));
  };
  EXPECT_EQ(plus("2025-03-03 08:00", 4), "2025-03-03 14:00");
  EXPECT_EQ(plus("2025-03-03 07:30", 4), "2025-03-03 11:30");  // not 13:30
  EXPECT_EQ(plus("2025-03-03 16:00", 4), "2025-03-04 10:00");
  EXPECT_EQ(plus("2025-03-07 16:00", 4), "2025-03-10 10:00");  // over a weekend
  EXPECT_EQ(plus("2025-03-08 10:00", 1), "2025-03-10 08:00");  // from a day off
  EXPECT_EQ(plus("2025-03-03 12:00", 1), "2025-03-03 14:30");  // from the break
  EXPECT_EQ(plus("2025-03-03 08:00", 0), "2025-03-03 08:00");
}

TEST(OfficeCalendar, CountsWorkingTimeBetweenMoments) {
  const Calendar& calendar = built_in_calendar();
  const auto hours = [&](std::string_view from, std::string_view to) {
    return static_cast<double>(calendar.working_time_between(at(from), at(to))) /
           static_cast<double>(store::kHourMillis);
  };
  EXPECT_EQ(hours("2025-03-03 07:00", "2025-03-03 17:00"), 8);
  EXPECT_EQ(hours("2025-03-03 11:00", "2025-03-03 14:00"), 1);
  EXPECT_EQ(hours("2025-03-07 16:00", "2025-03-10 08:00"), 2);
  EXPECT_EQ(hours("2025-03-08 00:00", "2025-03-09 23:00"), 0);
  EXPECT_EQ(hours("2025-03-04 08:00", "2025-03-03 08:00"), 0);
}

TEST(OfficeCalendar, StartsTheClockInTheMorningAfterHours) {
  const Calendar& calendar = built_in_calendar();
  const auto start = [&](std::string_view moment) {
    return show(calendar.start_of_clock(at(moment)));
  };
  EXPECT_EQ(start("2025-03-03 09:15"), "2025-03-03 09:15");
  EXPECT_EQ(start("2025-03-03 12:10"), "2025-03-03 12:10");
  EXPECT_EQ(start("2025-03-03 06:00"), "2025-03-03 07:00");
  EXPECT_EQ(start("2025-03-03 17:01"), "2025-03-04 07:00");
  EXPECT_EQ(start("2025-03-07 18:00"), "2025-03-10 07:00");
  EXPECT_EQ(start("2025-04-25 20:00"), "2025-04-26 07:00");  // the made-up Saturday
}

TEST(OfficeCalendar, NamesTheYearsThatItHasNoDataFor) {
  const Calendar& calendar = built_in_calendar();
  const OfficeDay from = *parse_date("2023-12-01"), to = *parse_date("2028-01-01");
  EXPECT_EQ(calendar.years_without_data(from, to), std::vector{2023});
  EXPECT_EQ(calendar.years_not_decided(from, to), std::vector{2028});
  EXPECT_EQ(calendar.years_without_data(*parse_date("2100-01-01"), *parse_date("2100-01-02")),
            std::vector{2100});
  EXPECT_TRUE(
      calendar.years_without_data(*parse_date("2024-12-01"), *parse_date("2025-01-01")).empty());
}

TEST(OfficeCalendar, TakesOtherDeskHoursAndWeekends) {
  const auto reading =
      parse_calendar("desk\t08:00-12:00\t13:00-17:00\nweekend\tsunday\n" + std::string(kHead));
  ASSERT_TRUE(reading.mistakes.empty());
  EXPECT_TRUE(reading.calendar.is_working_day(*parse_date("2025-03-08")));
  EXPECT_EQ(show(reading.calendar.start_of_clock(at("2025-03-08 07:10"))), "2025-03-08 08:00");
}

TEST(OfficeCalendar, IsReadAsSpreadsheetsSaveIt) {
  for (const char* text :
       {"\xEF\xBB\xBF# lịch;mẫu\r\ndesk;07:00-11:30;13:30-17:00;\r\nyears;2026;;\r\n"
        ";;;\r\nNgày;kind;name;source\r\n01/01/2026;Nghỉ;\"Tết; dương\nlịch\";mẫu\r\n",
        "\xEF\xBB\xBFyears\t2026\r\ndate\tkind\tname\tsource\r\n"
        "1-1-2026\tholiday\tTết\tmẫu\t\r\n"}) {
    const auto reading = parse_calendar(text);
    EXPECT_TRUE(reading.mistakes.empty()) << mistakes_of(text);
    EXPECT_FALSE(reading.calendar.is_working_day(*parse_date("2026-01-01")));
    EXPECT_TRUE(reading.calendar.is_working_day(*parse_date("2026-01-02")));
  }
  EXPECT_NE(mistakes_of("years\t2026\ndate\tkind\tname\tsource\n01/13/2026\tholiday\ta\tb\n")
                .find("3: found \"01/13/2026\""),
            std::string::npos);
}

TEST(OfficeCalendar, NamesLineAndExpectationOfEveryMistake) {
  const std::string text = mistakes_of(
      "years\t2025\tnext\n"
      "desk\t11:30-07:00\n"
      "weekend\tsamedi\n"
      "holidays\t3\n"
      "date\tkind\tname\tsource\r\n"
      "2025-13-01\tholiday\ta\tb\n"
      "2025-02-29\tholiday\ta\tb\n"
      "2025-04-30\tfeast\ta\tb\n"
      "2025-04-30\tholiday\ta\n"
      "2025-04-30\tholiday\t\tb\n"
      "2025-04-28\tmake-up\ta\tb\n"
      "2026-04-30\tholiday\ta\tb\n"
      "2025-04-30\tholiday\ta\tb\n"
      "2025-04-30\tholiday\ta\tb\n");
  for (const char* expected :
       {"1: found \"next\", expected years", "2: found \"11:30-07:00\", expected desk hours",
        "3: found \"samedi\", expected days", "4: found \"holidays\", expected desk",
        "6: found \"2025-13-01\", expected a date", "7: found \"2025-02-29\", expected a date",
        "8: found \"feast\", expected holiday", "9: found 3 columns, expected 4",
        "10: a day without name or source", "11: 2025-04-28 is a working day anyhow",
        "12: 2026-04-30 is of a year that is not under", "14: 2025-04-30 is listed twice"})
    EXPECT_NE(text.find(expected), std::string::npos) << expected << " is not in:\n" << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 12) << text;
}

TEST(OfficeCalendar, RefusesAFileWithoutColumnsAndAMonthWithoutWork) {
  EXPECT_NE(mistakes_of("").find("0: expected a line with the columns"), std::string::npos);
  std::string text = "years\t2025\n" + std::string(kHead);
  for (int day = 1; day <= 31; ++day)
    text +=
        "2025-03-" + std::string(day < 10 ? "0" : "") + std::to_string(day) + "\tholiday\ta\tb\n";
  for (int day = 1; day <= 4; ++day)
    text += "2025-04-0" + std::to_string(day) + "\tholiday\ta\tb\n";
  EXPECT_NE(mistakes_of(text).find("more than 31 days off"), std::string::npos);
}

// Day by day, as one would on paper.
std::int64_t count_by_hand(const Calendar& calendar, OfficeDay from, OfficeDay to) {
  std::int64_t count = 0;
  for (OfficeDay day = from + 1; day <= to; ++day) count += calendar.is_working_day(day) ? 1 : 0;
  return count;
}
UnixMillis time_by_hand(const Calendar& calendar, UnixMillis from, UnixMillis to) {
  UnixMillis sum = 0;
  for (OfficeDay day = store::day_at(from); day <= store::day_at(to); ++day) {
    if (!calendar.is_working_day(day)) continue;
    for (const auto& session : calendar.sessions()) {
      const UnixMillis begin = std::max(from, store::midnight_of(day) + session.begin);
      const UnixMillis end = std::min(to, store::midnight_of(day) + session.end);
      if (end > begin) sum += end - begin;
    }
  }
  return sum;
}

TEST(OfficeCalendar, CountsWithoutWalkingAsOneWouldByHand) {
  const Calendar& calendar = store::built_in_calendar();
  const OfficeDay first = *store::parse_date("2022-11-20");
  for (OfficeDay from = first; from < first + 2600; from += 19) {
    for (const OfficeDay length : {0, 1, 2, 5, 6, 7, 8, 30, 97, 400}) {
      EXPECT_EQ(calendar.working_days_between(from, from + length),
                count_by_hand(calendar, from, from + length));
      const UnixMillis begin = store::midnight_of(from) + (from % 24) * store::kHourMillis;
      const UnixMillis end = begin + length * store::kDayMillis + (length % 5) * 3'600'017;
      const UnixMillis time = time_by_hand(calendar, begin, end);
      EXPECT_EQ(calendar.working_time_between(begin, end), time);
      const UnixMillis after = calendar.add_working_time(begin, time);
      EXPECT_EQ(time_by_hand(calendar, begin, after), time);
      EXPECT_TRUE(calendar.is_desk_open(after));
    }
  }
}

TEST(OfficeCalendar, ComesToAnEndWhateverItIsAsked) {
  const Calendar& calendar = store::built_in_calendar();
  for (const UnixMillis moment : {INT64_MIN, kTimeMin, UnixMillis{0}, kTimeEnd, INT64_MAX}) {
    for (const UnixMillis other : {INT64_MIN, kTimeMin, kTimeEnd, INT64_MAX})
      EXPECT_GE(calendar.working_time_between(bounded_time(moment), bounded_time(other)), 0);
    EXPECT_LT(calendar.add_working_time(bounded_time(moment), INT64_MAX / 2), kTimeEnd);
    EXPECT_LE(calendar.add_working_days(store::day_at(moment), 36'500),
              store::day_at(kTimeEnd) + 31);
  }
}

}  // namespace
}  // namespace lienthong::test
