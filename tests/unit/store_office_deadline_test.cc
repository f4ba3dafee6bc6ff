// The clock of a dossier: limits that are in use (domain, "Routes with real per-agency limits"),
// pauses, apology, and what cannot be known.
#include <gtest/gtest.h>

#include "store/office/deadline.h"
#include "tests/support/office_time.h"

namespace lienthong::test {
namespace {

using store::add_limit;
using store::built_in_calendar;
using store::ClockEvent;
using store::Deadline;
using store::DeadlineInput;
using store::DeadlineStep;
using store::find_deadline;
using store::Limit;
using store::LimitUnit;
using store::Punctuality;
using store::Resume;

Limit days(int count) { return {LimitUnit::kWorkingDay, 4 * count}; }
Limit half_days(int count) { return {LimitUnit::kWorkingDay, 2 * count}; }
Limit hours(int count) { return {LimitUnit::kHour, 4 * count}; }
Limit calendar_days(int count) { return {LimitUnit::kCalendarDay, 4 * count}; }
constexpr Limit kSameDay{LimitUnit::kSameDay, 0};

ClockEvent status_at(std::string_view moment, Status status) {
  ClockEvent out;
  out.at = at(moment);
  out.status = status;
  return out;
}
ClockEvent apology_at(std::string_view moment, std::string_view due) {
  ClockEvent out;
  out.at = at(moment);
  out.due_at = at(due);
  out.apology = true;
  return out;
}

std::string due_of(const Deadline& deadline) {
  return deadline.due_at ? show(*deadline.due_at) : "unknown";
}
bool says(const Deadline& deadline, DeadlineStep step) {
  return std::ranges::find(deadline.trace, step, &store::TraceStep::step) != deadline.trace.end();
}

DeadlineInput received(std::string_view moment, std::optional<Limit> limit) {
  DeadlineInput out;
  out.received_at = at(moment);
  out.limit = limit;
  out.events = {status_at(moment, Status::kAccepted)};
  return out;
}

struct LimitCase {
  const char* received;
  Limit limit;
  const char* due;
};
class Limits : public ::testing::TestWithParam<LimitCase> {};
TEST_P(Limits, EndWhereTheyShould) {
  const LimitCase& one = GetParam();
  EXPECT_EQ(due_of(find_deadline(received(one.received, one.limit), built_in_calendar())), one.due);
}
INSTANTIATE_TEST_SUITE_P(
    Deadline, Limits,
    ::testing::Values(
        LimitCase{"2025-03-03 08:30", days(27), "2025-04-10 17:00"},  // worship, 7/4 is a holiday
        LimitCase{"2025-03-03 08:30", days(5), "2025-03-10 17:00"},
        LimitCase{"2025-03-03 08:30", hours(4), "2025-03-03 14:30"},  // step 1.1 "04 giờ"
        LimitCase{"2025-03-03 15:30", hours(4), "2025-03-04 09:30"},
        LimitCase{"2025-03-03 08:30", half_days(1), "2025-03-03 14:30"},  // 0.5 day
        LimitCase{"2025-03-03 08:30", half_days(3), "2025-03-04 14:30"},  // 1.5 days
        LimitCase{"2025-04-25 09:00", days(1), "2025-04-26 17:00"},       // made-up Saturday
        LimitCase{"2025-04-29 09:00", days(1), "2025-05-05 17:00"},       // swapped 2/5
        LimitCase{"2024-04-26 09:00", days(2), "2024-05-03 17:00"},       // swapped 29/4
        LimitCase{"2024-04-26 09:00", days(3), "2024-05-04 17:00"},       // made-up Saturday
        LimitCase{"2025-03-03 17:30", days(1), "2025-03-05 17:00"},       // after hours
        LimitCase{"2025-03-08 09:00", days(1), "2025-03-11 17:00"},       // on a Saturday
        LimitCase{"2025-03-03 09:00", calendar_days(10), "2025-03-13 17:00"},
        LimitCase{"2025-03-03 09:00", calendar_days(5), "2025-03-10 17:00"},  // rolls over
        LimitCase{"2025-04-22 09:00", calendar_days(8), "2025-05-05 17:00"},  // rolls over 30/4
        LimitCase{"2025-03-03 15:00", kSameDay, "2025-03-03 17:00"},
        LimitCase{"2025-03-03 15:01", kSameDay, "2025-03-04 17:00"},  // the 15:00 rule
        LimitCase{"2025-03-07 15:30", kSameDay, "2025-03-10 17:00"},
        LimitCase{"2025-03-07 18:30", kSameDay, "2025-03-10 17:00"}));

TEST(Deadline, OfTheWorshipAllowanceIsTheSumOfItsSteps) {
  const auto& calendar = built_in_calendar();
  const UnixMillis start = at("2025-03-03 08:30");
  UnixMillis at_step = start;
  for (const int step : {5, 10, 12}) at_step = add_limit(at_step, days(step), calendar, nullptr);
  EXPECT_EQ(at_step, add_limit(start, days(27), calendar, nullptr));
}

TEST(Deadline, ALimitInHalfDaysIsTheSumOfItsSteps) {  // 0.5 + 3 + 1.5 = 5 working days
  const auto& calendar = built_in_calendar();
  UnixMillis at_step = at("2025-03-03 07:00");
  for (const int step : {1, 6, 3})
    at_step = calendar.add_working_time(at_step, step * calendar.working_day() / 2);
  EXPECT_EQ(show(at_step), "2025-03-07 17:00");
}

TEST(Deadline, WithoutReceptionOrLimitIsUnknownAndSaysWhy) {
  DeadlineInput input;
  input.limit = days(5);
  Deadline none = find_deadline(input, built_in_calendar());
  EXPECT_EQ(due_of(none), "unknown");
  EXPECT_TRUE(says(none, DeadlineStep::kNotReceived));
  none = find_deadline(received("2025-03-03 08:30", std::nullopt), built_in_calendar());
  EXPECT_EQ(due_of(none), "unknown");
  EXPECT_TRUE(says(none, DeadlineStep::kNoLimit));
  EXPECT_EQ(show(*none.starts_at), "2025-03-03 08:30");
}

TEST(Deadline, RestartsFromZeroWhenThePapersAreThere) {
  DeadlineInput input = received("2025-03-03 08:30", days(5));
  input.events.push_back(status_at("2025-03-05 10:00", Status::kSupplement));
  Deadline waiting = find_deadline(input, built_in_calendar());
  EXPECT_TRUE(waiting.paused);
  EXPECT_TRUE(says(waiting, DeadlineStep::kStandsStill));
  input.events.push_back(status_at("2025-03-19 14:00", Status::kProcessing));
  const Deadline restarted = find_deadline(input, built_in_calendar());
  EXPECT_EQ(due_of(restarted), "2025-03-26 17:00");
  EXPECT_FALSE(restarted.paused);
  EXPECT_TRUE(says(restarted, DeadlineStep::kRestarted));
}

TEST(Deadline, ExtendsByTheWorkingTimeThatItStoodWhereTheProcedureSaysSo) {
  DeadlineInput input = received("2025-03-03 08:30", days(5));
  input.resume = Resume::kExtend;
  input.events.push_back(status_at("2025-03-05 10:00", Status::kSupplement));
  input.events.push_back(status_at("2025-03-07 10:00", Status::kProcessing));
  EXPECT_EQ(due_of(find_deadline(input, built_in_calendar())), "2025-03-12 17:00");
}

TEST(Deadline, GoesOnAfterPaymentAndStopWhateverTheRuleForPapers) {
  DeadlineInput input = received("2025-03-03 08:30", days(5));
  input.events.push_back(status_at("2025-03-05 10:00", Status::kPayment));
  input.events.push_back(status_at("2025-03-06 10:00", Status::kProcessing));
  EXPECT_EQ(due_of(find_deadline(input, built_in_calendar())), "2025-03-11 17:00");
  input.events.push_back(status_at("2025-03-07 07:00", Status::kStopped));
  input.events.push_back(status_at("2025-03-07 09:00", Status::kProcessing));
  EXPECT_EQ(due_of(find_deadline(input, built_in_calendar())), "2025-03-12 09:00");
}

TEST(Deadline, APauseOverAHolidayCostsNoWorkingTime) {
  DeadlineInput input = received("2025-04-28 08:30", days(3));
  input.events.push_back(status_at("2025-04-29 17:00", Status::kPayment));
  input.events.push_back(status_at("2025-05-05 07:00", Status::kProcessing));
  EXPECT_EQ(due_of(find_deadline(input, built_in_calendar())), "2025-05-06 17:00");
}

TEST(Deadline, AnApologySetsTheNewDateAndLaterPausesMoveThat) {
  DeadlineInput input = received("2025-03-03 08:30", days(5));
  input.events.push_back(apology_at("2025-03-07 09:00", "2025-03-14 17:00"));
  EXPECT_EQ(due_of(find_deadline(input, built_in_calendar())), "2025-03-14 17:00");
  input.events.push_back(status_at("2025-03-11 07:00", Status::kPayment));
  input.events.push_back(status_at("2025-03-12 07:00", Status::kProcessing));
  EXPECT_EQ(due_of(find_deadline(input, built_in_calendar())), "2025-03-17 17:00");
}

TEST(Deadline, ADateWrittenByTheOfficeStandsAndIsCalledThat) {
  DeadlineInput input = received("2025-03-03 08:30", days(5));
  input.events.front().due_at = at("2025-03-20 11:00");
  const Deadline written = find_deadline(input, built_in_calendar());
  EXPECT_EQ(due_of(written), "2025-03-20 11:00");
  EXPECT_TRUE(says(written, DeadlineStep::kWrittenByOffice));
  input.events.front().due_at = at("2025-03-10 17:00");  // as counted
  EXPECT_FALSE(says(find_deadline(input, built_in_calendar()), DeadlineStep::kWrittenByOffice));
}

TEST(Deadline, StaysWhenTheDossierEndsAndWhenItIsCorrected) {
  DeadlineInput input = received("2025-03-03 08:30", days(5));
  input.events.push_back(status_at("2025-03-06 10:00", Status::kDone));
  input.events.push_back(status_at("2025-03-20 10:00", Status::kProcessing));
  input.events.push_back(status_at("2025-03-21 10:00", Status::kSupplement));
  input.events.push_back(status_at("2025-03-24 10:00", Status::kProcessing));
  const Deadline corrected = find_deadline(input, built_in_calendar());
  EXPECT_EQ(due_of(corrected), "2025-03-10 17:00");
  EXPECT_TRUE(says(corrected, DeadlineStep::kCorrection));
}

TEST(Deadline, SaysWhichYearsAreCountedWithoutHolidays) {
  const Deadline old = find_deadline(received("2022-04-28 08:30", days(5)), built_in_calendar());
  EXPECT_EQ(due_of(old), "2022-05-05 17:00");
  ASSERT_TRUE(says(old, DeadlineStep::kNoHolidayData));
  EXPECT_EQ(old.trace.back().amount, 2022);
  EXPECT_FALSE(says(find_deadline(received("2025-03-03 08:30", days(5)), built_in_calendar()),
                    DeadlineStep::kNoHolidayData));
}

TEST(Deadline, IsKeptMissedOrBeatenByDate) {
  const UnixMillis due = at("2025-03-10 09:00");
  EXPECT_EQ(store::punctuality(at("2025-03-09 23:59"), due), Punctuality::kEarly);
  EXPECT_EQ(store::punctuality(at("2025-03-10 23:59"), due), Punctuality::kOnTime);
  EXPECT_EQ(store::punctuality(at("2025-03-11 00:00"), due), Punctuality::kLate);
  EXPECT_EQ(store::punctuality(at("2025-03-11 00:00"), std::nullopt), Punctuality::kOnTime);
}

TEST(Deadline, OfTimesThatAreNoneIsFoundAllTheSame) {
  DeadlineInput input = received("2025-03-03 08:30", days(5));
  for (int i = 0; i < 2000; ++i) {
    store::ClockEvent stopped, on;
    stopped.at = INT64_MIN + i;
    stopped.status = Status::kStopped;
    on.at = INT64_MAX - i;
    on.status = Status::kProcessing;
    input.events.push_back(stopped);
    input.events.push_back(on);
  }
  const Deadline far = find_deadline(input, built_in_calendar());
  ASSERT_TRUE(far.due_at.has_value());
  EXPECT_TRUE(is_time(*far.due_at));
  input.events.clear();
  store::ClockEvent due;
  due.due_at = INT64_MAX;
  input.events.push_back(due);
  EXPECT_TRUE(is_time(*find_deadline(input, built_in_calendar()).due_at));
}

}  // namespace
}  // namespace lienthong::test
