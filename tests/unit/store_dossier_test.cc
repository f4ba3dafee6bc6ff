// A record as an office reads it.
#include <gtest/gtest.h>

#include "store/office/data_check.h"
#include "store/office/dossier.h"
#include "store/office/find.h"
#include "store/office/meant.h"
#include "store/office/search_text.h"
#include "tests/support/operations.h"

namespace lienthong::test {
namespace {

using store::Operation;

class Dossiers : public ::testing::Test {
 protected:
  Dossiers() : offices_(12) {}
  RecordId apply(Office& office, const Operation& operation) {
    RecordId record;
    office.commit([&](store::Transaction& transaction) {
      const auto result = store::apply_operation(transaction, operation);
      ASSERT_TRUE(result.ok()) << result.error().message();
      record = result->record;
    });
    return record;
  }
  Offices offices_;
  Office& commune_ = *offices_.commune;
  Office& district_ = *offices_.district;
};

const std::string kDossierCode = "H47.518.20374-230401-0001";

store::CreateDossier creation() {
  return new_dossier(
      kDossierCode, {{static_cast<std::uint16_t>(Field::kProcedure), std::string("1.001193")}},
      {{static_cast<std::uint16_t>(Field::kApplicantName), std::string("Nguyễn Văn An")},
       {static_cast<std::uint16_t>(Field::kSummary), std::string("Khai sinh")}});
}

TEST_F(Dossiers, ReadsOpenAndClosedValues) {
  const RecordId record = apply(commune_, creation());
  const auto dossier = store::read_dossier(commune_.replica(), record);
  ASSERT_TRUE(dossier.ok());
  EXPECT_EQ(dossier->code(), "H47.518.20374-230401-0001");
  EXPECT_EQ(dossier->values.at(Field::kProcedure), FieldValue("1.001193"));
  EXPECT_EQ(dossier->values.at(Field::kApplicantName), FieldValue("Nguyễn Văn An"));
  EXPECT_TRUE(dossier->missing_closed.empty());
  EXPECT_EQ(store::read_values(commune_.replica(), dossier->state), dossier->values);
}

TEST_F(Dossiers, ShowsTheLatestWriteAndForgetsClearedOnes) {
  const RecordId record = apply(commune_, creation());
  store::SetFields set{.record = kDossierCode};
  set.open = {{static_cast<std::uint16_t>(Field::kProcedure), FieldValue()}};
  set.closed = {{static_cast<std::uint16_t>(Field::kApplicantName), std::string("Nguyễn Văn Ân")},
                {static_cast<std::uint16_t>(Field::kSummary), FieldValue()}};
  apply(commune_, set);
  const auto dossier = store::read_dossier(commune_.replica(), record);
  ASSERT_TRUE(dossier.ok());
  EXPECT_EQ(dossier->values.at(Field::kApplicantName), FieldValue("Nguyễn Văn Ân"));
  EXPECT_FALSE(dossier->values.contains(Field::kProcedure));
  EXPECT_FALSE(dossier->values.contains(Field::kSummary));
  EXPECT_TRUE(dossier->missing_closed.empty());
}

TEST_F(Dossiers, TimelineHasTextsAndWhatTheOfficeSaidOfTheTime) {
  const RecordId record = apply(commune_, creation());
  const store::Event event{1'680'400'000'000, "Lò Thanh Nga", "Phòng Tư pháp", "forward",
                           "Chuyển xử lý"};
  apply(commune_, store::AddEvent{.record = kDossierCode, .event = event});
  const auto dossier = store::read_dossier(commune_.replica(), record);
  ASSERT_TRUE(dossier.ok());
  ASSERT_EQ(dossier->timeline.size(), 2U);
  const store::TimelineEntry& entry = dossier->timeline.back();
  EXPECT_EQ(entry.at, 1'680'400'000'000);
  EXPECT_EQ(entry.officer, "Lò Thanh Nga");
  EXPECT_EQ(entry.unit, "Phòng Tư pháp");
  EXPECT_EQ(entry.action, "forward");
  EXPECT_EQ(entry.note, "Chuyển xử lý");
  EXPECT_FALSE(entry.directive);
  EXPECT_EQ(entry.agency, offices_.commune_id);
}

TEST_F(Dossiers, CustodyNamesTheNodeAndTheSealOnceItHasLeft) {
  const RecordId record = apply(commune_, creation());
  apply(commune_, store::Offer{.record = kDossierCode, .to = offices_.district_id});
  auto dossier = store::read_dossier(commune_.replica(), record);
  ASSERT_TRUE(dossier.ok());
  ASSERT_EQ(dossier->custody.size(), 2U);
  EXPECT_FALSE(dossier->custody[1].seal.has_value());
  settle({&commune_, &district_});
  for (Office* office : {&commune_, &district_}) {
    dossier = store::read_dossier(office->replica(), record);
    ASSERT_TRUE(dossier.ok());
    EXPECT_EQ(dossier->custody[1].link.to, offices_.district_id);
    EXPECT_EQ(dossier->custody[1].node, commune_.node().id());
    EXPECT_TRUE(dossier->custody[1].seal.has_value());
  }
}

// ---- codes of other systems ----

std::vector<RecordId> meant(Office& office, std::string_view code) {
  const store::Replica& replica = office.replica();
  return store::records_meant(replica, replica.identity().agency, *replica.registry(), code).best();
}

std::vector<store::Match> with_words(Office& office, std::string_view words) {
  store::Filter filter;
  filter.text = store::search_key(words);
  return store::Selection(office.replica(), filter, office.now, [] { return false; }).run();
}

TEST_F(Dossiers, AreFoundByTheCodesOfOtherSystemsInAnyWriting) {
  const RecordId record = apply(commune_, creation());
  apply(commune_, store::SayCode{.record = kDossierCode,
                                 .code = "000.17.22.H56-210531-0001",
                                 .system = "Cổng thành phố",
                                 .remark = {.at = 1'680'400'000'000, .officer = "Võ Thị Liên"}});
  apply(commune_, store::SayCode{.record = kDossierCode, .code = "H17.001.02-260608-090123"});
  for (const char* written : {"000.17.22.H56-210531-0001", "000.17.22.h56 – 210531 – 0001",
                              "0001722H562105310001", "h17.001.02-260608-090123"}) {
    ASSERT_EQ(meant(commune_, written), std::vector{record}) << written;
  }
  EXPECT_EQ(with_words(commune_, "h17.001.02-260608").size(), 1U);
  const auto dossier = store::read_dossier(commune_.replica(), record);
  ASSERT_EQ(dossier->official_codes.size(), 2U);
  const store::OfficialCodeEntry& first = dossier->official_codes.front();
  EXPECT_EQ(first.code, "000.17.22.H56-210531-0001");
  EXPECT_EQ(first.system, "Cổng thành phố");
  EXPECT_EQ(first.by, offices_.commune_id);
  EXPECT_EQ(first.at, 1'680'400'000'000);
  EXPECT_EQ(first.officer, "Võ Thị Liên");
  EXPECT_TRUE(commune_.replica().verify_states().empty());
}

// The desk that received it writes the code down though the dossier has gone on.
TEST_F(Dossiers, TheirCodesAreSaidByWhoeverHasThemAndTravelWithThem) {
  const RecordId record = apply(commune_, creation());
  apply(commune_, store::Offer{.record = kDossierCode, .to = offices_.district_id});
  settle({&commune_, &district_});
  apply(district_, store::Accept{.record = kDossierCode});
  settle({&commune_, &district_});
  apply(commune_, store::SayCode{.record = kDossierCode, .code = "H17.30-260608-0042"});
  settle({&commune_, &district_});
  EXPECT_EQ(meant(district_, "h17.30-260608-0042"), std::vector{record});
  EXPECT_EQ(with_words(district_, "h17.30-260608-0042").size(), 1U);
  apply(district_,
        store::SayCode{
            .record = "H17.30-260608-0042", .code = "H17.30-260608-0042", .withdraw = true});
  settle({&commune_, &district_});
  for (Office* office : {&commune_, &district_}) {
    EXPECT_TRUE(meant(*office, "H17.30-260608-0042").empty());
    EXPECT_TRUE(with_words(*office, "h17.30-260608-0042").empty());
    EXPECT_TRUE(store::official_codes(office->replica(), record).empty());
    EXPECT_TRUE(office->replica().verify_states().empty());
  }
}

TEST_F(Dossiers, ACodeThatTwoOfThemClaimIsWarnedOfAndListed) {
  apply(commune_, creation());
  apply(commune_, new_dossier("H47.518.20374-230401-0002"));
  apply(commune_, store::SayCode{.record = kDossierCode, .code = "H17.30-260608-0042"});
  commune_.commit([&](store::Transaction& transaction) {
    const auto again = store::apply_operation(
        transaction, store::SayCode{.record = kDossierCode, .code = "H17.30-260608-0042"});
    EXPECT_TRUE(again.ok() && again->repeated);
    const auto other = store::apply_operation(
        transaction,
        store::SayCode{.record = "H47.518.20374-230401-0002", .code = "h17.30-260608-0042"});
    ASSERT_TRUE(other.ok());
    ASSERT_EQ(other->warnings.size(), 1U);
    EXPECT_EQ(other->warnings[0].code, store::WarningCode::kCodeClaimed);
    const auto unknown = store::apply_operation(
        transaction, store::SayCode{.record = kDossierCode, .code = "không có"});
    ASSERT_TRUE(unknown.ok());
    EXPECT_EQ(unknown->warnings.at(0).code, store::WarningCode::kCodeFormUnknown);
    const auto none =
        store::apply_operation(transaction, store::SayCode{.record = kDossierCode, .code = " – "});
    EXPECT_FALSE(none.ok());
  });
  EXPECT_EQ(meant(commune_, "H17.30-260608-0042").size(), 2U);
  store::DataCheckOptions options;
  options.now = commune_.now;
  const auto report = store::check_data(commune_.replica(), options);
  EXPECT_EQ(report.counts[static_cast<std::size_t>(store::Finding::kOfficialCodeTwice)], 2U);
}

TEST_F(Dossiers, ARecordThatIsNotHereIsNotFound) {
  RecordId unknown;
  unknown.bytes[0] = 1;
  const auto dossier = store::read_dossier(commune_.replica(), unknown);
  ASSERT_FALSE(dossier.ok());
  EXPECT_EQ(dossier.error().code(), Errc::kNotFound);
}

}  // namespace
}  // namespace lienthong::test
