// Routes as provinces and decrees publish them, with every date worked out by hand. The desk is
// open 07:00 to 11:30 and 13:30 to 17:00. Tết: 16 to 20/2/2026 and 4 to 10/2/2027 are off.
#include <gtest/gtest.h>

#include "protocol/record/registers.h"
#include "store/office/work.h"
#include "tests/support/office_time.h"
#include "tests/support/operations.h"

namespace lienthong::test {
namespace {

using store::built_in_calendar;
using store::Definition;
using store::PlaceEvent;

Definition definition_of(std::string_view text) {
  auto definition = store::parse_definition(text);
  if (!definition.ok()) throw std::runtime_error(definition.error().message());
  return *std::move(definition);
}

std::string due(const char* received, const store::Limit& limit) {
  store::DeadlineInput input;
  input.received_at = at(received);
  input.limit = limit;
  return show(*find_deadline(input, built_in_calendar()).due_at);
}

// ---- commune, department, province, commune: twelve working days in quarters ----

// Sơn La, QĐ 2929/QĐ-UBND 18/11/2025: 1/4 + 1/4 + 1/4 + 1/4 + 1/2 + 3 1/2 + 2 + 4 + 1. Which
// agency takes which of the middle ones is our reading.
constexpr std::string_view kSonLa = R"({"limit":{"amount":12,"unit":"working_day"},"steps":[
  {"name":"Tiếp nhận","agency":"commune","limit":{"amount":0.25,"unit":"working_day"}},
  {"name":"Phân công","agency":"commune","limit":{"amount":1,"unit":"quarter_day"}},
  {"name":"Kiểm tra","agency":"commune","limit":{"amount":0.25,"unit":"working_day"}},
  {"name":"Chuyển","agency":"commune","limit":{"amount":0.25,"unit":"working_day"}},
  {"name":"Tiếp nhận","agency":"department","limit":{"amount":1,"unit":"half_day"}},
  {"name":"Thẩm định","agency":"department","limit":{"amount":3.5,"unit":"working_day"}},
  {"name":"Trình","agency":"department","limit":{"amount":2,"unit":"working_day"}},
  {"name":"Quyết định","agency":"province","limit":{"amount":4,"unit":"working_day"}},
  {"name":"Trả kết quả","agency":"commune","limit":{"amount":1,"unit":"working_day"}}]})";

TEST(Routes, InQuartersOfADayComeToTheTotalOverTet) {
  const Definition definition = definition_of(kSonLa);
  // 11, 12, 13/2; 23, 24, 25, 26, 27/2; 2, 3, 4, 5/3.
  EXPECT_EQ(due("2026-02-10 08:00", *definition.limit), "2026-03-05 17:00");
  // 2, 3/2; 11, 12, 15, 16, 17, 18, 19, 22, 23, 24/2.
  EXPECT_EQ(due("2027-02-01 08:00", *definition.limit), "2027-02-24 17:00");
  const char* const kDue[] = {
      "2026-02-10 10:00",  // two hours
      "2026-02-10 14:00",  // to 11:30, and half an hour after the break
      "2026-02-10 16:00",  //
      "2026-02-11 08:00",  // to 17:00, and an hour of Wednesday
      "2026-02-11 14:00",  // four hours: to 11:30, and half an hour
      "2026-02-24 08:00",  // 28 hours: 3 of Wednesday, 8 each of 12, 13 and 23/2, 1 of 24/2
      "2026-02-26 17:00",  // 25, 26
      "2026-03-04 17:00",  // 27/2, 2, 3, 4/3
      "2026-03-05 17:00",
  };
  std::string since = "2026-02-10 08:00";
  std::vector<PlaceEvent> places;
  for (std::int64_t step = 1; step <= 9; ++step) {
    PlaceEvent place;
    place.at = at(since);
    place.step = step;
    places.push_back(place);
    const auto current = find_step(definition, places, at(since), built_in_calendar());
    ASSERT_TRUE(current && current->due_at) << step;
    EXPECT_EQ(show(*current->due_at), kDue[step - 1]) << step;
    // All of the commune's first four: a working day. Of the department: 6 from 11/2 08:00 on.
    const char* const of_agency = step <= 4   ? "2026-02-11 17:00"
                                  : step <= 7 ? "2026-02-26 17:00"
                                              : kDue[step - 1];
    EXPECT_EQ(show(*current->agency_due_at), of_agency) << step;
    since = kDue[step - 1];
  }
}

TEST(Routes, LimitsInQuartersAreReadAndOthersRefused) {
  const auto limit = [](double amount) {
    return store::parse_definition(R"({"limit":{"unit":"working_day","amount":)" +
                                   std::to_string(amount) + "}}");
  };
  EXPECT_EQ(limit(0.25)->limit->quarters, 1);
  EXPECT_EQ(to_amount(*limit(3.75)->limit), "3.75");
  EXPECT_FALSE(limit(0.3).ok());
  EXPECT_FALSE(store::parse_definition(R"({"limit":{"unit":"calendar_day","amount":0.5}})").ok());
}

// ---- land: the tax office outside of the total, two appointments ----

// Đồng Tháp, 138/2025/QĐ-UBND: the first appointment after 5, the second 3 later, 8 in all; what
// the tax office does is not in it. Lai Châu, 88/2025/QĐ-UBND: the tax office answers within 3.
constexpr std::string_view kLand = R"({"limit":{"amount":8,"unit":"working_day"},
  "appointments":[{"name":"Hẹn lần 1","limit":{"amount":5,"unit":"working_day"}},
                  {"name":"Hẹn lần 2","limit":{"amount":3,"unit":"working_day"}}],
  "supplement_limit":{"amount":3,"unit":"working_day"},
  "steps":[{"name":"Chi nhánh VPĐKĐĐ","agency":"commune"},
           {"name":"Thuế","agency":"tax","outside":true,"limit":{"amount":3,"unit":"working_day"}},
           {"name":"Ký, trả kết quả","agency":"commune"}]})";

class LandRoute : public ::testing::Test {
 protected:
  LandRoute() : offices_(91) { commune_.now = at("2026-02-02 09:30"); }
  void apply(const store::Operation& operation) {
    commune_.commit([&](store::Transaction& transaction) {
      const auto result = store::apply_operation(transaction, operation);
      ASSERT_TRUE(result.ok()) << result.error().message();
    });
  }
  void publish(std::string_view code, std::string_view definition) {
    apply(store::PublishProcedure{{write(Field::kCode, std::string(code)),
                                   write(Field::kProcedureName, std::string("Thủ tục")),
                                   write(Field::kDefinition, std::string(definition))}});
  }
  void receive(std::string_view procedure, const char* received) {
    apply(new_dossier(code_, {write(Field::kProcedure, std::string(procedure)),
                              write(Field::kReceivedAt, at(received))}));
    record_ = commune_.replica().find_code(code_).at(0);
  }
  void step(std::int64_t number, const char* when) {
    commune_.now = at(when);
    store::SetFields set{.record = code_, .open = {write(Field::kStep, number)}};
    set.event = store::Event{.at = at(when)};
    apply(set);
  }
  static FieldWrite write(Field field, FieldValue value) {
    return {static_cast<std::uint16_t>(field), std::move(value)};
  }
  RecordState state() { return commune_.replica().find_record(record_)->state; }
  store::Explanation why() {
    return explain(read_work(commune_.replica(), state()), state(), commune_.now,
                   built_in_calendar());
  }
  std::string stored_due() { return show(*open_integer(state(), Field::kDueAt)); }

  Offices offices_;
  Office& commune_ = *offices_.commune;
  std::string code_ = "H47.518.20374-260202-0001";
  RecordId record_;
};

TEST_F(LandRoute, StandsStillWhileTheTaxOfficeHasItAndTheAppointmentsMove) {
  publish("1.012784", kLand);
  receive("1.012784", "2026-02-02 09:00");
  EXPECT_EQ(stored_due(), "2026-02-12 17:00");  // 3, 4, 5, 6, 9; 10, 11, 12/2
  ASSERT_EQ(why().appointments.size(), 2U);
  EXPECT_EQ(show(*why().appointments[0].due_at), "2026-02-09 17:00");
  EXPECT_EQ(show(*why().appointments[1].due_at), "2026-02-12 17:00");
  step(2, "2026-02-05 10:00");
  const auto tax = why();
  ASSERT_TRUE(tax.step);
  EXPECT_TRUE(tax.step->step.outside);
  EXPECT_EQ(show(*tax.step->due_at), "2026-02-10 17:00");  // its own: 6, 9, 10/2
  EXPECT_TRUE(tax.deadline.paused);
  // Back on Tuesday at 10:00: 5 + 8 + 8 + 3 hours, three working days.
  step(3, "2026-02-10 10:00");
  EXPECT_EQ(stored_due(), "2026-02-24 17:00");  // 13, 23, 24/2
  EXPECT_EQ(show(*why().appointments[0].due_at), "2026-02-12 17:00");
  EXPECT_EQ(show(*why().appointments[1].due_at), "2026-02-24 17:00");
  EXPECT_FALSE(why().deadline.paused);
}

// ---- a group of procedures, each of which waits for the one before ----

// NĐ 297/2025/NĐ-CP: 3 + 3 + 10 = 16 working days.
constexpr std::string_view kGroup = R"({"limit":{"amount":16,"unit":"working_day"},
  "cut_off":"last-hour","legs":[
  {"name":"Thủ tục thứ nhất","procedure":"1.000001","limit":{"amount":3,"unit":"working_day"}},
  {"name":"Thủ tục thứ hai","procedure":"1.000002","limit":{"amount":3,"unit":"working_day"},
   "after":[1]},
  {"name":"Thủ tục thứ ba","procedure":"1.000003","limit":{"amount":10,"unit":"working_day"},
   "after":[2]}]})";

TEST(Groups, AreDueOneAfterTheOther) {
  const Definition group = definition_of(kGroup);
  const auto dates = plan_legs(group.legs, at("2027-01-25 08:00"), {}, built_in_calendar());
  ASSERT_EQ(dates.size(), 3U);
  EXPECT_EQ(show(*dates[0].due_at), "2027-01-28 17:00");  // 26, 27, 28/1
  EXPECT_EQ(show(*dates[1].due_at), "2027-02-02 17:00");  // 29/1, 1, 2/2
  // 3/2; 11, 12, 15, 16, 17, 18, 19, 22, 23/2.
  EXPECT_EQ(show(*dates[2].due_at), "2027-02-23 17:00");
  EXPECT_EQ(due("2027-01-25 08:00", *group.limit), "2027-02-23 17:00");
  // The first has its result on Wednesday at 10:00: 28, 29/1, 1/2.
  const auto early =
      plan_legs(group.legs, at("2027-01-25 08:00"), {at("2027-01-27 10:00")}, built_in_calendar());
  EXPECT_EQ(show(*early[1].starts_at), "2027-01-27 10:00");
  EXPECT_EQ(show(*early[1].due_at), "2027-02-01 17:00");
  EXPECT_FALSE(store::parse_definition(R"({"legs":[{"name":"a","after":[1]}]})").ok());
  EXPECT_FALSE(store::parse_definition(R"({"legs":[{"name":"a","after":[0]}]})").ok());
}

TEST_F(LandRoute, OfAGroupALegWaitsForTheResultThatItNeeds) {
  publish("3.000722", kGroup);
  receive("3.000722", "2026-02-02 16:30");      // in the last hour: from 3/2 on
  EXPECT_EQ(stored_due(), "2026-03-04 17:00");  // 4 to 6, 9 to 13/2; 23 to 27/2; 2, 3, 4/3
  const auto leg = [&](const char* procedure) {
    return store::CreateLeg{.dossier = code_,
                            .to = offices_.district_id,
                            .open = {write(Field::kProcedure, std::string(procedure)),
                                     write(Field::kReceivedAt, at("2026-02-03 08:00"))}};
  };
  expect_refused(commune_, leg("1.000002"), Errc::kNotAllowed,
                 {"waits for the result", "1.000001"});
  apply(leg("1.000001"));
  const auto first = commune_.replica().find_code(code_ + "/1").at(0);
  EXPECT_EQ(show(*open_integer(commune_.replica().find_record(first)->state, Field::kDueAt)),
            "2026-02-06 17:00");  // 4, 5, 6/2
  expect_refused(commune_, leg("1.000002"), Errc::kNotAllowed, {"waits for the result"});
  Office& district = *offices_.district;
  district.now = commune_.now;
  settle({&commune_, &district});
  const auto done = [](Office& office, const store::Operation& operation) {
    office.commit([&](store::Transaction& transaction) {
      const auto result = store::apply_operation(transaction, operation);
      ASSERT_TRUE(result.ok()) << result.error().message();
    });
  };
  done(district, store::Accept{.record = code_ + "/1"});
  done(district, store::FinishLeg{.record = code_ + "/1", .outcome = "Đã cấp"});
  settle({&commune_, &district});
  apply(store::Accept{.record = code_ + "/1"});
  apply(leg("1.000002"));
}

}  // namespace
}  // namespace lienthong::test
