// What waits of the registry in replicas, and what there is room for.
#include "tests/unit/store_registry_fixture.h"

namespace lienthong::test {
namespace {

TEST_F(StoreRegistry, WhatNamesATreeVersionOrClosingThatIsNotHereWaitsAndIsTakenWhenItComes) {
  const std::size_t before = offices.deployment.statements().size();
  offices.deployment.change_tree({{offices.commune_id, Rename{"", "Xã Mới"}}});
  const Statement change = offices.deployment.statements()[before];
  TestNode author = province.node();
  author.incarnation ^= 5;
  author.number = 0;
  author.last_seal = {};
  Closing body;
  body.node = district.node().id();
  body.version = body.tree_version = 1;
  const Statement first = author.say(root(), body);
  body.after = {statement_id(root(), first)};
  const Statement second = author.say(root(), body);
  const auto here = [&](const Statement& statement) {
    return commune.replica().registry()->contains(statement_id(root(), statement));
  };
  EXPECT_EQ(say(commune, district, {second, first}).waiting, 2u);
  EXPECT_FALSE(here(first) || here(second));
  commune.restart();
  EXPECT_EQ(say(commune, district, {change}).waiting, 0u);
  EXPECT_TRUE(here(change) && here(first) && here(second));
}

TEST_F(StoreRegistry, NobodyPutsItselfOver) {
  const AgencyId agency =
      offices.deployment.add_agency(offices.commune_id, "H47.1.1.1", "Ban Một", "unit");
  Office& unit = offices.add(agency, "/unit", true);
  const CertificateId own = unit.node().certificate;
  AgencyDeclaration body;
  body.parent = agency;
  body.code = "X";
  body.tier = "unit";
  body.name = std::string(kAgencyNameBytesMax, 'x');
  std::uint32_t count = 0;
  bool refused = false;
  unit.commit([&](Transaction& transaction) {
    while (!refused && count < 1000) {
      body.nonce = Bytes(16, static_cast<std::uint8_t>(count));
      body.declared_at = 1'680'400'000'000 + ++count;
      const auto stated = transaction.state(body);
      refused = !stated.ok();
      EXPECT_TRUE(stated.ok() || stated.error().code() == Errc::kNotAllowed);
    }
  });
  ASSERT_TRUE(refused);
  const auto registry = unit.replica().registry();
  EXPECT_GT(registry->room_left(own), 0u);
  EXPECT_LT(registry->room_left(own), statement_cost(body));
  EXPECT_EQ(registry->children(agency, 0).size(), count - 1);
}

TEST_F(StoreRegistry, NumbersUsedTwiceOneAfterTheOtherMakeFewWords) {
  const RecordId record = other.create("O-1");
  settle_all();
  TestNode machine = other.node();
  machine.incarnation ^= 3;
  const UpdateId link = id_cast<UpdateId>(record);
  std::vector<SealedUnit> units;
  for (int i = 0; i < 60; ++i) units.push_back(forge(machine, UpdateKind::kNote, record, link, 0));
  give(district, other, units);
  const auto created = other.replica().find_update(1)->seal;
  const Seal last = other.replica().find_seal(*created)->seal();
  std::vector<Cut> cuts{{last.incarnation, last.number, {}},
                        {machine.incarnation, machine.number, {}}};
  std::ranges::sort(cuts, {}, &Cut::incarnation);
  revoke_other(cuts);
  const std::size_t before = district.replica().registry()->size();
  TestNode again = machine;
  again.number = 0;
  again.last_seal = {};
  std::vector<SealedUnit> twins;
  for (int i = 0; i < 59; ++i) {
    twins.push_back(forge(again, UpdateKind::kNote, record, link, 0));
    give(district, other, {twins.back()});
  }
  EXPECT_LE(district.replica().registry()->size(), before + 20);
  for (const SealedUnit& unit : units)
    EXPECT_EQ(reason(district, record, id_of(unit)), InertReason::kNone);
  for (const SealedUnit& twin : twins) {
    const SealId id = seal_id(root(), twin.seal);
    EXPECT_EQ(district.replica().registry()->seal_belief(twin.seal, id), Belief::kCutOff);
  }
}

}  // namespace
}  // namespace lienthong::test
