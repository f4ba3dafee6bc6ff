// Lists of records that are no dossiers, the catalogue of procedures, conflicts, and how far a
// change has got.
#include <gtest/gtest.h>

#include "protocol/record/registers.h"
#include "store/office/arrival.h"
#include "store/office/calendar.h"
#include "store/office/catalogue.h"
#include "store/office/conflicts.h"
#include "store/office/data_check.h"
#include "store/office/reached.h"
#include "store/office/records.h"
#include "tests/support/field_writes.h"
#include "tests/support/office_time.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

using namespace store;

class OfficeRecords : public ::testing::Test {
 protected:
  OfficeRecords() : offices_(59) {}

  RecordId create(RecordKind kind, std::vector<FieldWrite> writes, const RecordId& lead = {}) {
    RecordId out;
    commune_.now += 1000;
    commune_.commit([&](Transaction& transaction) {
      Draft draft;
      draft.open.kind = UpdateKind::kCreated;
      draft.open.record_kind = kind;
      draft.open.lead = lead;
      draft.open.writes = std::move(writes);
      const auto written = transaction.write(std::move(draft));
      ASSERT_TRUE(written.ok()) << written.error().message();
      out = id_cast<RecordId>(*written);
    });
    return out;
  }
  RecordId document(std::string code, std::int64_t of_year, std::string_view received) {
    return create(RecordKind::kDocument, {{number(Field::kCode), std::move(code)},
                                          {number(Field::kReceivedAt), std::int64_t{at(received)}},
                                          {number(Field::kDirection), std::string("in")},
                                          {number(Field::kNumber), of_year}});
  }
  std::vector<RecordMatch> find(const RecordFilter& filter) {
    return find_records(commune_.replica(), filter, [] { return false; });
  }
  static std::vector<std::string> codes(const std::vector<RecordMatch>& matches) {
    std::vector<std::string> out;
    for (const RecordMatch& match : matches) out.push_back(match.code);
    return out;
  }
  // What the district has is confirmed to the commune, as a session would.
  void confirm() {
    const Cursor has =
        offices_.district->replica().cursor(FeedKind::kUpdates, commune_.node().id());
    commune_.commit([&](Transaction& transaction) {
      transaction.note_heard_cursor(FeedKind::kUpdates, offices_.district->node().id(), has);
    });
  }

  Offices offices_;
  Office& commune_ = *offices_.commune;
};

using Codes = std::vector<std::string>;

TEST_F(OfficeRecords, DocumentsStandByYearAndNumber) {
  document("ten", 10, "2023-04-01 08:00");
  document("nine", 9, "2023-04-02 08:00");
  document("old", 11, "2022-12-31 23:00");
  create(RecordKind::kFeedback, {{number(Field::kCode), std::string("fb")},
                                 {number(Field::kStatus), std::int64_t{1}},
                                 {number(Field::kTopic), std::string("behaviour")}});
  RecordFilter all;
  all.kind = RecordKind::kDocument;
  EXPECT_EQ(codes(find(all)), (Codes{"old", "nine", "ten"}));
  RecordFilter year = all, out = all, late = all;
  year.year = 2023;
  EXPECT_EQ(codes(find(year)), (Codes{"nine", "ten"}));
  out.direction = "out";
  EXPECT_TRUE(find(out).empty());
  late.from = at("2023-04-01 08:00");
  late.to = at("2023-04-02 08:00");
  EXPECT_EQ(codes(find(late)), Codes{"ten"}) << "the end of a period is not of it";
  RecordFilter feedback;
  feedback.status = "registered";
  feedback.topic = "behaviour";
  EXPECT_EQ(codes(find(feedback)), Codes{"fb"});
  feedback.status = "lost";
  EXPECT_TRUE(find(feedback).empty());
}

TEST_F(OfficeRecords, ANumberGivenTwiceIsSeenBesideItself) {
  document("H-DEN-2023-0001", 1, "2023-04-01 08:00");
  document("H-DEN-2023-0001", 1, "2023-04-01 09:00");
  document("H-DEN-2023-0002", 2, "2023-04-01 09:00");
  RecordFilter filter;
  filter.kind = RecordKind::kDocument;
  const auto matches = find(filter);
  ASSERT_EQ(matches.size(), 3U);
  EXPECT_TRUE(is_twice(matches, 0));
  EXPECT_TRUE(is_twice(matches, 1));
  EXPECT_FALSE(is_twice(matches, 2));
}

TEST(RecordTexts, AreSearchedWithoutDiacritics) {
  const std::map<Field, FieldValue> values = {{Field::kTitle, std::string("Đường hỏng")},
                                              {Field::kNumber, std::int64_t{5}}};
  EXPECT_TRUE(has_text(values, ""));
  EXPECT_TRUE(has_text(values, "duong hong"));
  EXPECT_FALSE(has_text(values, "cau"));
}

TEST_F(OfficeRecords, ACopyHasArrivedOnceItsReceiverConfirmsIt) {
  const RecordId original = document("H-DEN-2023-0001", 1, "2023-04-01 08:00");
  const RecordId copy = create(RecordKind::kDocument,
                               {{number(Field::kCode), std::string("H-DEN-2023-0001/1")},
                                {number(Field::kDirection), std::string("in")}},
                               original);
  const auto offer = commune_.write(copy, UpdateKind::kOffer, offices_.district_id);
  ASSERT_TRUE(offer.ok());
  const auto seen = [&] { return copies_of(commune_.replica(), original).at(0); };
  EXPECT_EQ(seen().to, offices_.district_id);
  EXPECT_EQ(seen().code, "H-DEN-2023-0001/1");
  EXPECT_EQ(seen().receipt, kReceiptNone);
  send(commune_, *offices_.district);
  EXPECT_FALSE(has_reached(commune_.replica(), *offer, offices_.district_id));
  confirm();
  EXPECT_TRUE(has_reached(commune_.replica(), *offer, offices_.district_id));
  EXPECT_FALSE(has_reached(commune_.replica(), *offer, offices_.other_id));
  EXPECT_EQ(seen().receipt, kReceiptArrived);
}

TEST_F(OfficeRecords, AChangeGoesUpUnlessAChildIsAboveItsGoal) {
  const auto registry = commune_.replica().registry();
  const auto leads = [&](const AgencyId& ours, const AgencyId& neighbour, const AgencyId& goal) {
    return leads_to(*registry, ours, neighbour, goal);
  };
  EXPECT_TRUE(leads(offices_.commune_id, offices_.district_id, offices_.other_id));
  EXPECT_TRUE(leads(offices_.province_id, offices_.district_id, offices_.other_id));
  EXPECT_TRUE(leads(offices_.district_id, offices_.other_id, offices_.other_id));
  EXPECT_FALSE(leads(offices_.district_id, offices_.commune_id, offices_.other_id));
  EXPECT_FALSE(leads(offices_.district_id, offices_.province_id, offices_.other_id));
}

TEST_F(OfficeRecords, OfTheVersionsOfAProcedureTheLatestInForceCounts) {
  const auto version = [&](std::string_view from) {
    return create(RecordKind::kProcedure,
                  {{number(Field::kCode), std::string("1.001193")},
                   {number(Field::kProcedureName), std::string("Đăng ký khai sinh")},
                   {number(Field::kEffectiveFrom), std::int64_t{at(from)}}});
  };
  const RecordId next = version("2024-01-01"), now = version("2023-01-01");
  const auto list =
      published(commune_.replica(), "1.001193", at("2023-04-01 08:00"), [] { return false; });
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].version.record, now);
  EXPECT_TRUE(list[0].counts);
  EXPECT_TRUE(list[0].believed);
  EXPECT_EQ(list[1].version.record, next);
  EXPECT_FALSE(list[1].counts);
  EXPECT_TRUE(has_text(list[0], "khai sinh"));
  EXPECT_FALSE(has_text(list[0], "ket hon"));
  EXPECT_TRUE(published(commune_.replica(), "9", 0, [] { return false; }).empty());
}

TEST_F(OfficeRecords, ArrivalIsKnownByOurselvesByAContactOrByTheNewestChange) {
  commune_.create("H-1");
  settle({&commune_, offices_.district.get()});
  const UnixMillis now = commune_.now + kDayMillis;
  Report report;
  report.agencies = {offices_.district_id, offices_.commune_id, offices_.other_id};
  report.as_of = commune_.now + 3'600'000;
  const auto seen = [&](std::vector<Contact> contacts) {
    return arrivals(report, offices_.district->replica(), contacts, now);
  };
  auto list = seen({});
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0].known_by, KnownBy::kSelf);
  EXPECT_FALSE(list[0].behind);
  EXPECT_EQ(list[1].known_by, KnownBy::kNewestChange);
  EXPECT_TRUE(list[1].behind);
  EXPECT_EQ(list[2].known_by, KnownBy::kNothing);
  EXPECT_EQ(list[2].until, 0);
  list = seen({{offices_.commune_id, true, 0}, {offices_.other_id, false, report.as_of - 1}});
  EXPECT_EQ(list[1].known_by, KnownBy::kCaughtUp);
  EXPECT_EQ(list[1].until, now);
  EXPECT_FALSE(list[1].behind);
  EXPECT_EQ(list[2].until, report.as_of - 1);
  EXPECT_TRUE(list[2].behind);
}

TEST_F(OfficeRecords, TheClockIsDoubtedAMinuteBehindTheNewestChange) {
  commune_.create("H-1");
  const UnixMillis newest = commune_.replica().newest_time();
  EXPECT_FALSE(clock_doubtful(commune_.replica(), newest - kMinuteMillis));
  EXPECT_TRUE(clock_doubtful(commune_.replica(), newest - kMinuteMillis - 1));
  EXPECT_FALSE(clock_doubtful(commune_.replica(), 0));
}

TEST(Conflicts, AreRegistersOfKnownFieldsWithSeveralWrites) {
  UpdateId one, two;
  one.bytes[0] = 1;
  two.bytes[0] = 2;
  RecordState state;
  state.open_fields[number(Field::kCode)] = {{one}, std::string("a")};
  state.open_fields[number(Field::kUnit)] = {{one, two}, std::string("b")};
  state.open_fields[0x3fff] = {{one, two}, FieldValue()};  // of a later version
  state.closed_fields[number(Field::kSummary)] = {{two, one}, FieldValue()};
  const auto found = conflicts_of(state);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].info->field, Field::kUnit);
  EXPECT_EQ(found[1].info->field, Field::kSummary);
  EXPECT_EQ(found[1].writes, (std::vector<UpdateId>{two, one}));
}

TEST_F(OfficeRecords, AWriteSaysWhoWroteWhat) {
  const RecordId record = commune_.create("H-1");
  const auto write = commune_.set_unit(record, "Phòng Tư pháp");
  ASSERT_TRUE(write.ok());
  const auto found = written_by(commune_.replica(), *find_field(number(Field::kUnit)), *write);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->by, offices_.commune_id);
  EXPECT_EQ(found->value, FieldValue(std::string("Phòng Tư pháp")));
  EXPECT_FALSE(
      written_by(commune_.replica(), *find_field(number(Field::kUnit)), UpdateId()).has_value());
  EXPECT_FALSE(written_by(commune_.replica(), *find_field(number(Field::kDueAt)), *write)->value);
  EXPECT_EQ(waiting_of(commune_.replica(), record).on_missing.count, 0U);
}

}  // namespace
}  // namespace lienthong::test
