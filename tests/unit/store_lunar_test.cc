// Days that rest on the moon and on the law: Tết, 10/3, and years whose notice is not known.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "protocol/record/registers.h"
#include "store/office/calendars.h"
#include "store/office/data_check.h"
#include "store/office/law_days.h"
#include "tests/support/office_time.h"
#include "tests/support/operations.h"

namespace lienthong::test {
namespace {

using store::built_in_calendar;
using store::Calendar;
using store::OfficeDay;
using store::parse_date;

std::string new_year(int year) { return store::to_date(*store::lunar_new_year(year)); }
std::string ancestors(int year) { return store::to_date(*store::lunar_month(year, 3) + 9); }

// As they stand in the notices of these years, and in almanacs for those to come.
TEST(Lunar, FindsTetAndTheTenthOfTheThirdMonth) {
  EXPECT_EQ(new_year(2024), "2024-02-10");
  EXPECT_EQ(new_year(2025), "2025-01-29");
  EXPECT_EQ(new_year(2026), "2026-02-17");
  EXPECT_EQ(new_year(2027), "2027-02-06");
  EXPECT_EQ(new_year(2033), "2033-01-31");  // its leap month is the eleventh
  EXPECT_EQ(new_year(2034), "2034-02-19");
  EXPECT_EQ(ancestors(2024), "2024-04-18");
  EXPECT_EQ(ancestors(2025), "2025-04-07");  // the sixth is the leap month
  EXPECT_EQ(ancestors(2026), "2026-04-26");
  EXPECT_EQ(ancestors(2042), "2042-04-29");  // the second is the leap month
  EXPECT_FALSE(store::lunar_new_year(1967));
  EXPECT_FALSE(store::lunar_new_year(2100));
  EXPECT_FALSE(store::lunar_month(2026, 13));
  if (const char* table = std::getenv("LT_LUNAR_TABLE")) {  // year, Tết, 10/3 after tabs
    std::ifstream in(table);
    std::string line;
    std::getline(in, line);
    int years = 0;
    for (; std::getline(in, line); ++years) {
      std::istringstream cells(line);
      int year = 0;
      std::string first, tenth;
      cells >> year >> first >> tenth;
      EXPECT_EQ(new_year(year), first);
      EXPECT_EQ(ancestors(year), tenth);
    }
    EXPECT_GT(years, 0) << table;
  }
}

// China's year began on 1985-02-20, 2007-02-18, 2030-02-03 and 2053-02-19.
TEST(Lunar, IsVietNamsWhereChinaBeginsOnAnotherDay) {
  EXPECT_EQ(new_year(1985), "1985-01-21");
  EXPECT_EQ(new_year(2007), "2007-02-17");
  EXPECT_EQ(new_year(2030), "2030-02-02");
  EXPECT_EQ(new_year(2053), "2053-02-18");
}

TEST(Lunar, MonthsFollowOneAnotherInEveryYear) {
  for (int year = store::kLunarYearMin; year < store::kLunarYearMax; ++year) {
    OfficeDay before = *store::lunar_month(year, 1);
    for (int month = 2; month <= 12; ++month) {
      const OfficeDay begin = *store::lunar_month(year, month);
      const OfficeDay days = begin - before;
      EXPECT_TRUE(days == 29 || days == 30 || (days >= 58 && days <= 60)) << year << ' ' << month;
      before = begin;
    }
    EXPECT_GT(*store::lunar_month(year + 1, 1), before);
  }
}

// ---- the law ----

std::string days_by_law(int year) {
  std::string out;
  for (const store::LawDay& day : store::law_days(year, {0, 6}))
    out += store::to_date(day.day).substr(5) + " ";
  return out;
}

TEST(LawDays, AreThoseThatAreCertainWithWhatIsMadeUpForThem) {
  // 1/1 is a Saturday: 3/1. Tết on Wednesday 26/1: 25, 26, 27. 10/3: 4/4. 30/4 is a Sunday, 1/5 the
  // Monday: 2/5. 2/9 is a Saturday: 4/9. 24/11.
  EXPECT_EQ(days_by_law(2028),
            "01-01 01-03 01-25 01-26 01-27 04-04 04-30 05-01 05-02 09-02 09-04 11-24 ");
  // 24/11 is a Saturday and not made up for; 2/9 is a Sunday: 3/9.
  EXPECT_EQ(days_by_law(2029), "01-01 02-12 02-13 02-14 04-23 04-30 05-01 09-02 09-03 11-24 ");
  EXPECT_TRUE(store::law_days(2020, {0, 6}).empty());
}

TEST(LawDays, AreAllOffInTheYearsWhoseNoticeIsKnown) {
  for (int year = 2024; year <= 2027; ++year)
    for (const store::LawDay& day : store::law_days(year, {0, 6}))
      EXPECT_FALSE(built_in_calendar().is_working_day(day.day)) << store::to_date(day.day);
}

TEST(LawDays, CountWhereTheNoticeIsNotKnownAndTheAnswerSaysSo) {
  const Calendar& calendar = built_in_calendar();
  EXPECT_EQ(calendar.basis_of(2027), store::YearBasis::kNotice);
  EXPECT_EQ(calendar.basis_of(2028), store::YearBasis::kLaw);
  EXPECT_EQ(calendar.basis_of(2023), store::YearBasis::kWeekends);
  // Received on Monday 24/1/2028; 25 to 27 are off, 28, 31, 1/2, 2/2, 3/2 are worked.
  store::DeadlineInput input;
  input.received_at = at("2028-01-24 08:00");
  input.limit = store::Limit{store::LimitUnit::kWorkingDay, 20};
  const store::Deadline deadline = find_deadline(input, calendar);
  EXPECT_EQ(show(*deadline.due_at), "2028-02-03 17:00");
  EXPECT_EQ(deadline.trace.back().step, store::DeadlineStep::kNotDecided);
  EXPECT_EQ(deadline.trace.back().amount, 2028);
  EXPECT_EQ(calendar.days_of(2028).size(), 12U);
  EXPECT_EQ(calendar.days_of(2028).begin()->second.name, "Tết Dương lịch");
}

// ---- cut-offs ----

TEST(CutOffs, MoveWhatComesLaterToTheNextWorkingDay) {
  const auto reading = store::parse_calendar("cut-off\tlast-hour\ndate\tkind\tname\tsource\n");
  ASSERT_TRUE(reading.mistakes.empty());
  const Calendar& calendar = reading.calendar;
  EXPECT_EQ(show(calendar.start_of_clock(at("2026-03-02 16:00"))), "2026-03-02 16:00");
  EXPECT_EQ(show(calendar.start_of_clock(at("2026-03-02 16:01"))), "2026-03-03 07:00");
  EXPECT_EQ(show(calendar.start_of_clock(at("2026-03-06 16:30"))), "2026-03-09 07:00");
  const store::CutOff three = *store::parse_cut_off("15:00");
  EXPECT_EQ(show(calendar.start_of_clock(at("2026-03-02 15:01"), &three)), "2026-03-03 07:00");
  EXPECT_EQ(show(calendar.start_of_clock(at("2026-03-02 15:00"), &three)), "2026-03-02 15:00");
  EXPECT_FALSE(store::parse_cut_off("noon"));
  EXPECT_FALSE(store::parse_calendar("cut-off\tnoon\ndate\tkind\tname\tsource\n").mistakes.empty());
  // Of a procedure: three working days from the next day on.
  store::DeadlineInput input;
  input.received_at = at("2026-03-02 16:30");
  input.limit = store::Limit{store::LimitUnit::kWorkingDay, 12};
  EXPECT_EQ(show(*find_deadline(input, built_in_calendar()).due_at), "2026-03-05 17:00");
  input.cut_off = store::CutOff{true, store::kHourMillis};
  const store::Deadline later = find_deadline(input, built_in_calendar());
  EXPECT_EQ(show(*later.due_at), "2026-03-06 17:00");
  EXPECT_EQ(later.trace[1].step, store::DeadlineStep::kAfterCutOff);
  EXPECT_EQ(later.trace[1].text, "last-hour");
  // Within the day, until 16:00 rather than 15:00.
  input.limit = store::Limit{store::LimitUnit::kSameDay, 0};
  input.received_at = at("2026-03-02 15:30");
  EXPECT_EQ(show(*find_deadline(input, built_in_calendar()).due_at), "2026-03-02 17:00");
  input.received_at = at("2026-03-02 16:30");
  EXPECT_EQ(show(*find_deadline(input, built_in_calendar()).due_at), "2026-03-03 17:00");
}

// ---- published calendars ----

constexpr std::string_view kSwap =
    "besides\t2026\ndate\tkind\tname\tsource\n"
    "2026-12-07\tswapped\thoán đổi\tCông văn thử\n2026-12-12\tmake-up\tlàm bù\tCông văn thử\n";

store::PublishProcedure calendar_of(std::string_view table) {
  return {{{static_cast<std::uint16_t>(Field::kCalendar), std::string(table)}}};
}

class PublishedCalendars : public ::testing::Test {
 protected:
  PublishedCalendars() : offices_(77) {
    for (Office* office : {&province_, &district_, &commune_})
      office->now = std::max(office->now, at("2026-12-01 08:00"));
  }
  void apply(Office& office, const store::Operation& operation) {
    office.commit([&](store::Transaction& transaction) {
      const auto result = store::apply_operation(transaction, operation);
      ASSERT_TRUE(result.ok()) << result.error().message();
    });
  }
  const Calendar& calendar(bool own_table = false) {
    return calendars_.at(commune_.replica(), commune_.now, built_in_calendar(), own_table);
  }
  bool works(std::string_view day) { return calendar().is_working_day(*parse_date(day)); }

  Offices offices_;
  Office& province_ = *offices_.province;
  Office& district_ = *offices_.district;
  Office& commune_ = *offices_.commune;
  store::Calendars calendars_;
};

TEST_F(PublishedCalendars, ASwapReachesEveryOfficeBelowAndVerifyNamesWhatItMoves) {
  apply(province_,
        store::PublishProcedure{
            {{static_cast<std::uint16_t>(Field::kCode), std::string("1.004873")},
             {static_cast<std::uint16_t>(Field::kProcedureName), std::string("Xác nhận")},
             {static_cast<std::uint16_t>(Field::kDefinition),
              std::string(R"({"limit":{"amount":5,"unit":"working_day"}})")}}});
  settle({&province_, &district_, &commune_});
  apply(commune_,
        new_dossier("H47.518.20374-261202-0001",
                    {{static_cast<std::uint16_t>(Field::kProcedure), std::string("1.004873")},
                     {static_cast<std::uint16_t>(Field::kReceivedAt), at("2026-12-02 08:00")}}));
  // Received on Wednesday 2/12: 3, 4, 7, 8, 9.
  const RecordId dossier = commune_.replica().find_code("H47.518.20374-261202-0001").at(0);
  EXPECT_EQ(show(*open_integer(commune_.replica().find_record(dossier)->state, Field::kDueAt)),
            "2026-12-09 17:00");
  EXPECT_TRUE(works("2026-12-07"));
  apply(province_, calendar_of(kSwap));
  EXPECT_TRUE(works("2026-12-07")) << "the line is down";
  settle({&province_, &district_, &commune_});
  EXPECT_FALSE(works("2026-12-07"));
  EXPECT_TRUE(works("2026-12-12"));
  EXPECT_FALSE(works("2026-11-24")) << "what the calendar knew before stays";
  store::DataCheckOptions options;
  options.now = commune_.now;
  options.calendar = &calendar();
  const auto report = check_data(commune_.replica(), options);
  std::string moved;
  for (const auto& finding : report.findings)
    if (finding.finding == store::Finding::kDateDiffers) moved += finding.code + finding.detail;
  // 3, 4, 8, 9, 10.
  EXPECT_NE(moved.find("H47.518.20374-261202-0001"), std::string::npos);
  EXPECT_NE(moved.find("10/12/2026"), std::string::npos) << moved;
}

TEST_F(PublishedCalendars, OfOthersThanSuperiorsDoNotCountAndTablesWithMistakesAreRefused) {
  apply(commune_, calendar_of(kSwap));
  settle({&province_, &district_, &commune_});
  store::Calendars provinces;
  EXPECT_TRUE(provinces.at(province_.replica(), province_.now, built_in_calendar(), false)
                  .is_working_day(*parse_date("2026-12-07")));
  EXPECT_FALSE(works("2026-12-07"));
  province_.commit([&](store::Transaction& transaction) {
    const auto bad = apply_operation(transaction, store::Operation(calendar_of("2026\tx\n")));
    ASSERT_FALSE(bad.ok());
    EXPECT_NE(bad.error().detail().find("calendar: line 1"), std::string::npos);
  });
}

TEST_F(PublishedCalendars, DeskHoursOfASuperiorAreForOfficesWithoutATableOfTheirOwn) {
  apply(province_,
        calendar_of("desk\t08:00-12:00\t13:00-17:00\ncut-off\t15:00\ndate\tkind\tname\tsource\n"));
  settle({&province_, &district_, &commune_});
  EXPECT_EQ(show(calendar().desk_opens(*parse_date("2026-12-02"))), "2026-12-02 08:00");
  EXPECT_TRUE(calendar().cut_off().has_value());
  store::Calendars others;
  const Calendar& own = others.at(commune_.replica(), commune_.now, built_in_calendar(), true);
  EXPECT_EQ(show(own.desk_opens(*parse_date("2026-12-02"))), "2026-12-02 07:00");
  EXPECT_FALSE(own.cut_off().has_value());
}

}  // namespace
}  // namespace lienthong::test
