// A record as an office reads it.
#include <gtest/gtest.h>

#include "store/office/dossier.h"
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

TEST_F(Dossiers, ARecordThatIsNotHereIsNotFound) {
  RecordId unknown;
  unknown.bytes[0] = 1;
  const auto dossier = store::read_dossier(commune_.replica(), unknown);
  ASSERT_FALSE(dossier.ok());
  EXPECT_EQ(dossier.error().code(), Errc::kNotFound);
}

}  // namespace
}  // namespace lienthong::test
