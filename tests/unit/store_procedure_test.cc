// Procedures: records that everybody has, whoever published them.
#include <gtest/gtest.h>

#include "protocol/record/fields.h"
#include "tests/support/field_writes.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

using store::Transaction;

RecordId publish(Office& office, std::string_view code) {
  RecordId record;
  office.commit([&](Transaction& transaction) {
    store::Draft draft;
    draft.open.kind = UpdateKind::kCreated;
    draft.open.record_kind = RecordKind::kProcedure;
    draft.open.writes = {write_of(Field::kCode, std::string(code))};
    const auto id = transaction.write(draft);
    ASSERT_TRUE(id.ok()) << id.error().message();
    record = id_cast<RecordId>(*id);
  });
  return record;
}

class Procedures : public ::testing::Test {
 protected:
  Procedures() : offices(23) {}
  Offices offices;
};

TEST_F(Procedures, PublishedAtTheProvinceReachesACommuneTwoHopsAway) {
  const RecordId procedure = publish(*offices.province, "1.010803");
  const RecordId dossier = offices.province->create("H47-230401-0001");
  settle({offices.province.get(), offices.district.get(), offices.commune.get()});
  ASSERT_TRUE(offices.commune->replica().find_record(procedure).has_value());
  EXPECT_FALSE(offices.commune->replica().find_record(dossier).has_value());
  EXPECT_EQ(offices.commune->state(procedure), offices.province->state(procedure));
}

TEST_F(Procedures, OfACommuneReachTheOtherCommunes) {
  const RecordId procedure = publish(*offices.commune, "1.010803");
  settle({offices.commune.get(), offices.district.get(), offices.other.get()});
  EXPECT_TRUE(offices.other->replica().find_record(procedure).has_value());
}

TEST_F(Procedures, ReachAGrandchildEnrolledLater) {
  const RecordId procedure = publish(*offices.province, "1.010803");
  settle({offices.province.get(), offices.district.get(), offices.commune.get()});
  const std::size_t before = offices.deployment.statements().size();
  const AgencyId late =
      offices.deployment.add_agency(offices.district_id, "H47.518.20401", "Xã Tam Lộc", "commune");
  Office& office = offices.add(late, "/late");
  offices.district->commit([&](Transaction& transaction) {
    const auto& statements = offices.deployment.statements();
    for (std::size_t i = before; i < statements.size(); ++i)
      ASSERT_TRUE(transaction.add_statement(statements[i]).ok());
  });
  settle({offices.district.get(), &office});
  EXPECT_TRUE(office.replica().find_record(procedure).has_value());
}

}  // namespace
}  // namespace lienthong::test
