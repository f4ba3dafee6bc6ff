// What operations do to the clock of a dossier: the version pinned, the date counted, apology,
// correction, step, and what cannot be.
#include <gtest/gtest.h>

#include "protocol/record/registers.h"
#include "store/desk/operations.h"
#include "store/office/work.h"
#include "tests/support/field_writes.h"
#include "tests/support/office_time.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

using store::Apologise;
using store::apply_operation;
using store::CreateDossier;
using store::Operation;
using store::OperationResult;
using store::PublishProcedure;
using store::SetFields;
using store::Transaction;
using store::WarningCode;

FieldWrite text(Field field, std::string_view value) { return write_of(field, std::string(value)); }
FieldWrite moment(Field field, std::string_view value) { return write_of(field, at(value)); }

// The worship allowance of Vĩnh Phúc: commune 5, district 10, province 12.
constexpr std::string_view kWorship =
    R"({"limit":{"amount":27,"unit":"working_day"},"steps":[)"
    R"({"name":"Tiếp nhận","agency":"commune","limit":{"amount":5,"unit":"working_day"}},)"
    R"({"name":"Thẩm định","agency":"district","unit":"Phòng LĐTBXH",)"
    R"("limit":{"amount":10,"unit":"working_day"}},)"
    R"({"name":"Quyết định","agency":"province","limit":{"amount":12,"unit":"working_day"}}]})";

class OfficeRules : public ::testing::Test {
 protected:
  OfficeRules() : offices_(31) {
    for (Office* office : {offices_.province.get(), offices_.district.get(), &commune_})
      office->now = at("2025-03-03 08:30");
  }

  Result<OperationResult> apply(Office& office, const Operation& operation) {
    Transaction transaction(office.replica(), office.now);
    auto result = apply_operation(transaction, operation);
    if (!result.ok()) return result;
    LT_TRY_VOID(transaction.commit());
    return result;
  }
  OperationResult done(Office& office, const Operation& operation) {
    auto result = apply(office, operation);
    if (!result.ok()) throw std::runtime_error(result.error().message());
    return *result;
  }
  void refuses(const Operation& operation, Errc code,
               std::initializer_list<std::string_view> words) {
    const auto before = commune_.replica().counts().updates;
    const auto result = apply(commune_, operation);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), code) << result.error().message();
    for (const std::string_view word : words)
      EXPECT_NE(result.error().detail().find(word), std::string::npos)
          << "no \"" << word << "\" in: " << result.error().detail();
    EXPECT_EQ(commune_.replica().counts().updates, before);
  }

  static PublishProcedure procedure(std::string_view definition, std::string_view from = "",
                                    std::string_view code = "1.010803") {
    PublishProcedure out;
    out.open = {text(Field::kCode, code), text(Field::kProcedureName, "Thờ cúng liệt sĩ"),
                text(Field::kFieldOfWork, "Người có công"), text(Field::kDefinition, definition)};
    if (!from.empty()) out.open.push_back(moment(Field::kEffectiveFrom, from));
    return out;
  }
  RecordId publish(Office& office, std::string_view definition, std::string_view from = "") {
    const RecordId record = done(office, procedure(definition, from)).record;
    settle({offices_.province.get(), offices_.district.get(), &commune_});
    return record;
  }
  static CreateDossier dossier(std::vector<FieldWrite> open = {}) {
    open.push_back(text(Field::kProcedure, "1.010803"));
    return {.open = std::move(open)};
  }
  SetFields set(std::vector<FieldWrite> open, std::string_view note = "") const {
    SetFields out{.record = code_, .open = std::move(open)};
    if (!note.empty()) out.event = {.note = std::string(note)};
    return out;
  }
  Apologise apology(std::string_view due, std::string_view reason) const {
    return {.record = code_, .due_at = at(due), .remark = {.note = std::string(reason)}};
  }
  OperationResult receive(std::vector<FieldWrite> open = {}) {
    OperationResult result = done(commune_, dossier(std::move(open)));
    code_ = result.code;
    record_ = result.record;
    return result;
  }
  void move_to(Status status, std::string_view when, std::string_view note = "") {
    commune_.now = at(when);
    done(commune_, set({status_write(status)}, note));
  }
  std::optional<FieldValue> value(Field field) {
    const RecordState state = commune_.state(record_);
    const FieldValue* found = open_value(state, field);
    return found != nullptr ? std::optional(*found) : std::nullopt;
  }
  std::string moment_in(Field field) {
    const auto found = value(field);
    return found ? show(std::get<std::int64_t>(*found)) : "none";
  }
  std::string due() { return moment_in(Field::kDueAt); }
  std::optional<store::CurrentStep> step(Office& office) {
    const RecordState state = office.state(record_);
    const auto work = store::read_work(office.replica(), state);
    return store::explain(work, state, office.now, store::built_in_calendar()).step;
  }

  Offices offices_;
  Office& commune_ = *offices_.commune;
  std::string code_;
  RecordId record_;
};

// ---- procedures ----

TEST_F(OfficeRules, ADossierIsPinnedToTheVersionInForceWhenItWasReceived) {
  publish(*offices_.province, R"({"limit":{"amount":30,"unit":"working_day"}})", "2019-04-04");
  const RecordId newer = publish(*offices_.province, kWorship, "2025-03-01");
  publish(*offices_.province, R"({"limit":{"amount":1,"unit":"working_day"}})", "2025-06-01");
  EXPECT_TRUE(receive().warnings.empty());
  EXPECT_EQ(value(Field::kProcedureVersion), FieldValue(to_bytes(newer.view())));
  EXPECT_EQ(value(Field::kProcedureName), FieldValue(std::string("Thờ cúng liệt sĩ")));
  EXPECT_EQ(value(Field::kFieldOfWork), FieldValue(std::string("Người có công")));
  EXPECT_EQ(moment_in(Field::kClockStartsAt), "2025-03-03 08:30");
  EXPECT_EQ(due(), "2025-04-10 17:00");
  receive({moment(Field::kReceivedAt, "2024-10-01 08:00")});
  EXPECT_EQ(due(), "2024-11-12 17:00");  // 30 working days, by the version of 2019
}

TEST_F(OfficeRules, AVersionOfACommuneCountsNowhereElse) {
  const RecordId own = publish(commune_, kWorship);
  settle({&commune_, offices_.district.get(), offices_.other.get()});
  EXPECT_TRUE(offices_.other->replica().find_record(own).has_value());
  const auto elsewhere = done(*offices_.other, dossier());
  const RecordState state = offices_.other->state(elsewhere.record);
  EXPECT_FALSE(state.open_fields.contains(static_cast<std::uint16_t>(Field::kProcedureVersion)));
  ASSERT_EQ(elsewhere.warnings.size(), 1U);
  EXPECT_EQ(elsewhere.warnings[0].code, WarningCode::kNoVersionInForce);
  receive();
  EXPECT_EQ(value(Field::kProcedureVersion), FieldValue(to_bytes(own.view())));
}

TEST_F(OfficeRules, ALocalisedCodeGoesByTheVersionOfItsProcedure) {
  publish(*offices_.province, kWorship);
  CreateDossier create = dossier();
  create.open = {text(Field::kProcedure, "1.010803.000.00.00.H47")};
  const auto created = done(commune_, create);
  EXPECT_TRUE(commune_.state(created.record)
                  .open_fields.contains(static_cast<std::uint16_t>(Field::kProcedureVersion)));
}

TEST_F(OfficeRules, AnUnknownProcedureIsReceivedAndHasNoDate) {
  EXPECT_TRUE(receive().warnings.empty());
  EXPECT_FALSE(value(Field::kProcedureVersion));
  EXPECT_EQ(due(), "none");
}

TEST_F(OfficeRules, AProcedureWithoutALimitGivesNoDateAndSaysSo) {
  publish(*offices_.province, R"({"note":"\"3\" không ghi đơn vị"})");
  const auto result = receive();
  ASSERT_EQ(result.warnings.size(), 1U);
  EXPECT_EQ(result.warnings[0].code, WarningCode::kNoLimit);
  EXPECT_EQ(due(), "none");
}

TEST_F(OfficeRules, PublishingRefusesWhatIsAmbiguous) {
  refuses(procedure(R"({"limit":{"amount":3}})"), Errc::kInvalidArgument,
          {"definition.limit", "unit: missing"});
  refuses(procedure(R"({"limit":{"amount":3,"unit":"day"}})"), Errc::kInvalidArgument,
          {"\"day\"", "working_day"});
  refuses(
      procedure(R"({"steps":[{"name":"a"},{"name":"b","limit":{"amount":0.3,"unit":"hour"}}]})"),
      Errc::kInvalidArgument, {"steps[2]", "quarter units"});
  refuses(procedure(R"({"components":[{"required":true}]})"), Errc::kInvalidArgument,
          {"components[1]", "name: missing"});
  refuses(procedure(R"({"resume":"maybe"})"), Errc::kInvalidArgument, {"restart or extend"});
  refuses(procedure(kWorship, "", "1 2"), Errc::kInvalidArgument, {"codes are not invented"});
  PublishProcedure nameless = procedure(kWorship);
  nameless.open.erase(nameless.open.begin() + 1);
  refuses(nameless, Errc::kInvalidArgument, {"procedure_name"});
}

TEST_F(OfficeRules, AVersionIsPublishedOnceAndDoesNotChange) {
  const RecordId version = publish(commune_, kWorship, "2025-01-01");
  refuses(procedure(kWorship, "2025-01-01"), Errc::kConflict, {"already", version.hex()});
  code_ = version.hex();
  refuses(set({text(Field::kDefinition, "{}")}), Errc::kNotAllowed, {"definition", "new version"});
  refuses(set({moment(Field::kEffectiveTo, "2024-01-01")}), Errc::kInvalidArgument,
          {"before effective_from"});
  done(commune_,
       set({moment(Field::kEffectiveTo, "2025-02-01"), text(Field::kSuccessor, "3.000722")}));
  EXPECT_EQ(receive().warnings.front().code, WarningCode::kNoVersionInForce);
}

// ---- dates ----

TEST_F(OfficeRules, TheChannelDecidesTheLimitAndAnotherChannelMovesTheDate) {
  publish(*offices_.province, R"({"limit":{"amount":27,"unit":"working_day"},"limit_by_channel":)"
                              R"({"online":{"amount":17,"unit":"working_day"},"postal":)"
                              R"({"amount":20,"unit":"working_day"}}})");
  receive(
      {write_of(Field::kChannel, std::int64_t{2}), moment(Field::kReceivedAt, "2025-03-03 08:30")});
  EXPECT_EQ(due(), "2025-03-26 17:00");
  done(commune_, set({write_of(Field::kChannel, std::int64_t{3})}));
  EXPECT_EQ(due(), "2025-03-31 17:00");
  done(commune_, set({write_of(Field::kChannel, std::int64_t{1})}));
  EXPECT_EQ(due(), "2025-04-10 17:00");
}

TEST_F(OfficeRules, WhatWasRegisteredOnlineGetsItsDateWhenItIsAccepted) {
  publish(*offices_.province, kWorship);
  receive({write_of(Field::kChannel, std::int64_t{2})});
  EXPECT_EQ(due(), "none");
  EXPECT_FALSE(value(Field::kProcedureVersion));
  move_to(Status::kAccepted, "2025-03-03 17:20");
  EXPECT_EQ(value(Field::kClockStartsAt), FieldValue(at("2025-03-04 07:00")));
  EXPECT_EQ(due(), "2025-04-11 17:00");
}

TEST_F(OfficeRules, PapersThatCameRestartTheClockAndPaymentGoesOn) {
  publish(*offices_.province, R"({"limit":{"amount":5,"unit":"working_day"}})");
  receive();
  move_to(Status::kProcessing, "2025-03-03 09:00");
  move_to(Status::kSupplement, "2025-03-05 10:00");
  EXPECT_EQ(due(), "2025-03-10 17:00");  // what was promised last
  move_to(Status::kProcessing, "2025-03-19 14:00");
  EXPECT_EQ(due(), "2025-03-26 17:00");
  move_to(Status::kPayment, "2025-03-20 08:00");
  move_to(Status::kProcessing, "2025-03-21 08:00");
  EXPECT_EQ(due(), "2025-03-27 17:00");
}

TEST_F(OfficeRules, PapersThatCameExtendTheClockWhereTheProcedureSaysSo) {
  publish(*offices_.province, R"({"limit":{"amount":5,"unit":"working_day"},"resume":"extend"})");
  receive();
  move_to(Status::kProcessing, "2025-03-03 09:00");
  move_to(Status::kSupplement, "2025-03-05 10:00");
  move_to(Status::kProcessing, "2025-03-07 10:00");
  EXPECT_EQ(due(), "2025-03-12 17:00");
}

TEST_F(OfficeRules, ADateOfTheOfficeIsKept) {
  publish(*offices_.province, kWorship);
  receive({moment(Field::kDueAt, "2025-03-20 11:00")});
  EXPECT_EQ(due(), "2025-03-20 11:00");
  done(commune_, set({write_of(Field::kChannel, std::int64_t{3})}));
  EXPECT_EQ(due(), "2025-03-20 11:00");
}

TEST_F(OfficeRules, SaysWhichYearWasCountedWithoutHolidays) {
  publish(*offices_.province, kWorship);
  const auto result = receive({moment(Field::kReceivedAt, "2022-06-10 08:00")});
  ASSERT_EQ(result.warnings.size(), 1U);
  EXPECT_EQ(result.warnings[0], (store::Warning{WarningCode::kNoHolidayData, "2022"}));
}

TEST_F(OfficeRules, RefusesDatesThatCannotBe) {
  const auto with = [](std::initializer_list<FieldWrite> dates) { return dossier(dates); };
  const FieldWrite received = moment(Field::kReceivedAt, "2025-03-03 08:30");
  refuses(with({received, moment(Field::kSubmittedAt, "2025-03-04")}), Errc::kInvalidArgument,
          {"received_at 2025-03-03 is before submitted_at 2025-03-04"});
  refuses(with({received, moment(Field::kDueAt, "2025-02-28")}), Errc::kInvalidArgument,
          {"due_at 2025-02-28 is before received_at"});
  refuses(with({received, moment(Field::kFinishedAt, "2025-02-28")}), Errc::kInvalidArgument,
          {"finished_at", "received_at"});
  refuses(with({received, moment(Field::kDueAt, "2099-02-28")}), Errc::kInvalidArgument,
          {"50 years ahead"});
  receive({received});
  refuses(set({received, moment(Field::kFinishedAt, "2025-03-02")}), Errc::kInvalidArgument,
          {"finished_at 2025-03-02", "work ends after it has begun"});
  refuses(set({moment(Field::kFinishedAt, "2025-03-06"), moment(Field::kReturnedAt, "2025-03-05")}),
          Errc::kInvalidArgument, {"returned_at", "finished_at"});
  // Against what is there already, which may be a moment noted by a clock, it is flagged instead.
  done(commune_, set({moment(Field::kFinishedAt, "2025-03-02")}));
}

// ---- states ----

TEST_F(OfficeRules, ARefusedTransitionNamesItsRuleAndWhatMayCome) {
  receive();
  refuses(set({status_write(Status::kReturned)}), Errc::kNotAllowed,
          {"Đ.20", "done comes first", "may come: refused, processing, withdrawn, done"});
  refuses(set({status_write(Status::kSupplement)}), Errc::kNotAllowed, {"Đ.18"});
  refuses(set({status_write(Status::kRegistered)}), Errc::kNotAllowed, {"Đ.5(1)c"});
  move_to(Status::kProcessing, "2025-03-04 08:00");
  move_to(Status::kSupplement, "2025-03-04 09:00");
  refuses(set({status_write(Status::kDone)}), Errc::kNotAllowed, {"Đ.19(4)", "stands still"});
  move_to(Status::kWithdrawn, "2025-03-05 08:00");
  refuses(set({status_write(Status::kProcessing)}), Errc::kNotAllowed,
          {"took it back", "may come: nothing"});
}

TEST_F(OfficeRules, ACorrectionNeedsAReasonAndKeepsTheFirstEnd) {
  receive();
  move_to(Status::kProcessing, "2025-03-03 09:00");
  commune_.now = at("2025-03-04 08:00");
  done(commune_, set({status_write(Status::kDone), text(Field::kResultNumber, "12/GKS")}));
  refuses(set({text(Field::kResultNumber, "13/GKS")}), Errc::kNotAllowed, {"one result"});
  refuses(set({status_write(Status::kProcessing)}), Errc::kNotAllowed,
          {"đính chính", "event with a note"});
  move_to(Status::kProcessing, "2025-03-10 08:00", "Sai ngày sinh");
  done(commune_, set({text(Field::kResultNumber, "13/GKS")}));
  move_to(Status::kDone, "2025-03-11 08:00");
  EXPECT_EQ(value(Field::kResultNumber), FieldValue(std::string("13/GKS")));
  EXPECT_EQ(value(Field::kFinishedAt), FieldValue(at("2025-03-04 08:00")));
}

TEST_F(OfficeRules, AnApologyMovesTheDateOnceAndStatesItsReason) {
  publish(*offices_.province, R"({"limit":{"amount":5,"unit":"working_day"}})");
  receive();  // due on Monday 10 March
  move_to(Status::kProcessing, "2025-03-03 09:00");
  commune_.now = at("2025-03-07 09:00");
  refuses(apology("2025-03-14 17:00", ""), Errc::kInvalidArgument, {"reason", "Đ.19(9)"});
  refuses(apology("2025-03-10 16:00", "Thiếu người"), Errc::kInvalidArgument, {"not later"});
  refuses(set({moment(Field::kReappointedAt, "2025-03-07")}), Errc::kNotAllowed, {"apologise"});
  const auto apologised = done(commune_, apology("2025-03-14 17:00", "Chờ ý kiến của Sở"));
  EXPECT_TRUE(apologised.warnings.empty());
  EXPECT_EQ(due(), "2025-03-14 17:00");
  EXPECT_EQ(value(Field::kReappointedAt), FieldValue(at("2025-03-07 09:00")));
  refuses(apology("2025-03-20 17:00", "Vẫn chờ"), Errc::kNotAllowed, {"once", "2025-03-07"});
}

TEST_F(OfficeRules, AnApologyOnTheDayItselfIsTakenWithAWarning) {
  publish(*offices_.province, R"({"limit":{"amount":5,"unit":"working_day"}})");
  receive();
  move_to(Status::kProcessing, "2025-03-10 09:00");
  const auto late = done(commune_, apology("2025-03-15 17:00", "Mất điện"));  // a Saturday
  ASSERT_EQ(late.warnings.size(), 2U);
  EXPECT_EQ(late.warnings[0].code, WarningCode::kLateApology);
  EXPECT_EQ(late.warnings[1].code, WarningCode::kDueOnDayOff);
}

TEST_F(OfficeRules, AnApologyForWhatHasEndedOrHasNoDateIsRefused) {
  receive();
  refuses(apology("2025-03-14 17:00", "Chờ"), Errc::kNotAllowed, {"no due date"});
  done(commune_, set({moment(Field::kDueAt, "2025-03-10 17:00")}));
  move_to(Status::kProcessing, "2025-03-03 09:00");
  move_to(Status::kDone, "2025-03-05 09:00");
  refuses(apology("2025-03-14 17:00", "Chờ"), Errc::kNotAllowed, {"ended already"});
}

// ---- steps ----

TEST_F(OfficeRules, TheStepFollowsTheDossierThroughTheAgencies) {
  publish(*offices_.province, kWorship);
  receive();
  ASSERT_TRUE(step(commune_));
  EXPECT_EQ(step(commune_)->number, 1U);
  EXPECT_EQ(show(*step(commune_)->due_at), "2025-03-10 17:00");
  move_to(Status::kProcessing, "2025-03-03 09:00");
  done(commune_, store::Offer{.record = code_, .to = offices_.district_id});
  settle({&commune_, offices_.district.get()});
  offices_.district->now = at("2025-03-06 10:00");
  done(*offices_.district, store::Accept{.record = code_});
  const auto second = step(*offices_.district);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->number, 2U);
  EXPECT_EQ(second->step.unit, "Phòng LĐTBXH");
  EXPECT_EQ(show(*second->due_at), "2025-03-20 17:00");
  EXPECT_FALSE(second->late);
  offices_.district->now = at("2025-03-21 08:00");
  EXPECT_TRUE(step(*offices_.district)->late);
}

TEST_F(OfficeRules, AStepCanBeWrittenByHandAndMustBeOneOfTheProcedures) {
  publish(*offices_.province, kWorship);
  receive();
  commune_.now = at("2025-03-04 08:00");
  done(commune_, set({write_of(Field::kStep, std::int64_t{2})}));
  EXPECT_EQ(step(commune_)->number, 2U);
  EXPECT_EQ(show(step(commune_)->since), "2025-03-04 08:00");
  refuses(set({write_of(Field::kStep, std::int64_t{4})}), Errc::kInvalidArgument, {"steps 1 to 3"});
  move_to(Status::kProcessing, "2025-03-04 09:00");
  move_to(Status::kDone, "2025-03-04 10:00");
  EXPECT_FALSE(step(commune_));
}

}  // namespace
}  // namespace lienthong::test
