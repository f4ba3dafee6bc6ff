// What the growth of the registry does to replicas: closings and whom they hold, what is judged
// anew, what is refused or kept aside, and who may fill the pen.
#include <algorithm>
#include <set>

#include "store/office/conflicts.h"
#include "store/office/late_work.h"
#include "tests/unit/store_registry_fixture.h"

namespace lienthong::test {
namespace {

// ---- closings ----

TEST_F(StoreRegistry, AFormerSuperiorReclaimsNothingUnderTheOldTree) {
  const RecordId record = commune.create("C-1");
  settle_all();
  move_commune();
  settle_all();
  TestNode late = district.node();
  late.incarnation ^= 77;
  const SealedUnit reclaim =
      forge(late, UpdateKind::kReclaim, record, id_cast<UpdateId>(record), 0);
  for (Office* office : {&province, &commune}) {
    give(*office, district, {reclaim});
    EXPECT_EQ(office->state(record).holder, offices.commune_id);
    EXPECT_EQ(reason(*office, record, id_of(reclaim)), InertReason::kClosed);
    EXPECT_TRUE(office->replica().verify_states().empty());
  }
}

TEST_F(StoreRegistry, WhatAMergedOfficeWroteLateStaysInertUntilTheClosingIsMoved) {
  const RecordId record = commune.create("C-1");
  settle_all();
  change_tree({{offices.commune_id, Dissolve{{offices.other_id}}}});
  bring_registry(district);
  // Beyond what the district held when it wrote the closing.
  ASSERT_TRUE(commune.set_unit(record, "Tư pháp").ok());
  settle_all();
  const UpdateId late = commune.state(record).heads.front();
  for (Office* office : all()) {
    if (!office->replica().find_record(record)) continue;
    EXPECT_EQ(reason(*office, record, late), InertReason::kClosed);
  }
  // A person moves it up to what came since.
  const auto registry = district.replica().registry();
  Closing moved;
  for (const StatementId& id : registry->statements()) {
    const auto body = wire::decode_statement(registry->find_statement(id)->body);
    const auto* closing = std::get_if<Closing>(&*body);
    if (closing == nullptr || closing->node != commune.node().id()) continue;
    moved = *closing;
    moved.after = {id};
  }
  ASSERT_EQ(moved.version, 1u);
  const auto seal = district.replica().find_update(late)->seal;
  const Seal last = district.replica().find_seal(*seal)->seal();
  moved.cuts = {{last.incarnation, last.number, *seal}};
  district.commit([&](Transaction& transaction) {
    const auto stated = transaction.state(moved);
    ASSERT_TRUE(stated.ok()) << stated.error().message();
  });
  settle_all();
  for (Office* office : {&district, &province}) {
    EXPECT_EQ(reason(*office, record, late), InertReason::kNone);
    EXPECT_TRUE(office->replica().verify_states().empty());
  }
}

TEST_F(StoreRegistry, ClosingsAreWrittenOnce) {
  (void)commune.create("C-1");
  settle_all();
  move_commune();
  settle_all();
  const std::size_t size = province.replica().registry()->size();
  province.restart();
  bring_registry(province);
  (void)commune.create("C-2");
  settle_all();
  EXPECT_EQ(province.replica().registry()->size(), size);
  EXPECT_EQ(province.replica().registry()->closings_of(district.node().certificate),
            std::vector<TreeVersion>{1});
}

TEST_F(StoreRegistry, ANumberUsedTwiceBelowACutIsBoundToTheSealThatCameFirst) {
  const RecordId record = other.create("O-1");
  settle_all();
  TestNode machine = other.node();
  machine.incarnation ^= 3;
  const UpdateId link = id_cast<UpdateId>(record);
  const SealedUnit first = forge(machine, UpdateKind::kNote, record, link, 0);
  const SealedUnit second = forge(machine, UpdateKind::kNote, record, link, 0);
  for (Office* office : {&district, &province}) give(*office, other, {first, second});
  const auto created = other.replica().find_update(1)->seal;
  const Seal last = other.replica().find_seal(*created)->seal();
  std::vector<Cut> cuts{{last.incarnation, last.number, {}},
                        {machine.incarnation, second.seal.number, {}}};
  std::ranges::sort(cuts, {}, &Cut::incarnation);
  revoke_other(cuts);
  settle_all();
  TestNode again = machine;  // who has the key now signs the first number once more
  again.number = 0;
  again.last_seal = {};
  const SealedUnit twin = forge(again, UpdateKind::kNote, record, link, 0);
  give(province, district, {twin});
  EXPECT_EQ(reason(province, record, id_of(twin)), InertReason::kCutOff);
  settle_all();
  for (Office* office : {&district, &province}) {
    EXPECT_EQ(reason(*office, record, id_of(first)), InertReason::kNone);
    EXPECT_EQ(reason(*office, record, id_of(second)), InertReason::kNone);
    EXPECT_TRUE(office->replica().verify_states().empty());
  }
  EXPECT_EQ(reason(province, record, id_of(twin)), InertReason::kCutOff);
  EXPECT_FALSE(district.replica().find_update(id_of(twin)).has_value()) << "it is not carried";
}

TEST_F(StoreRegistry, AFurtherSealBringsAnUpdateInAndIsPassedOn) {
  const RecordId record = other.create("O-1");
  settle_all();
  TestNode machine = other.node();
  machine.incarnation ^= 3;
  const SealedUnit first = forge(machine, UpdateKind::kNote, record, id_cast<UpdateId>(record), 0);
  SealedUnit again = first;
  const Hash256 leaf = id_cast<Hash256>(id_of(first));
  machine.incarnation ^= 6;
  machine.number = 0;
  machine.last_seal = {};
  again.seal = machine.seal(root(), std::span(&leaf, 1));
  for (Office* office : {&district, &province}) give(*office, other, {first});
  const auto created = other.replica().find_update(1)->seal;
  const Seal last = other.replica().find_seal(*created)->seal();
  std::vector<Cut> cuts{{last.incarnation, last.number, {}}, {again.seal.incarnation, 1, {}}};
  std::ranges::sort(cuts, {}, &Cut::incarnation);
  revoke_other(cuts);
  settle_all();
  for (Office* office : {&district, &province})
    EXPECT_EQ(reason(*office, record, id_of(first)), InertReason::kCutOff);
  // Somebody else's seal over it is none.
  SealedUnit foreign = first;
  TestNode stranger = commune.node();
  stranger.incarnation ^= 9;
  foreign.seal = stranger.seal(root(), std::span(&leaf, 1));
  give(district, other, {foreign});
  EXPECT_EQ(reason(district, record, id_of(first)), InertReason::kCutOff);
  give(district, other, {again});
  EXPECT_EQ(reason(district, record, id_of(first)), InertReason::kNone);
  settle({&district, &province});
  EXPECT_EQ(reason(province, record, id_of(first)), InertReason::kNone);
  for (Office* office : {&district, &province})
    EXPECT_TRUE(office->replica().verify_states().empty());
  // It lies in the feed twice, and healing counts it once.
  const AgencyId& reader = offices.province_id;
  const auto ids = district.replica().feed_ids(FeedKind::kUpdates, reader, 1, 100);
  std::set<IdPrefix> each(ids.begin(), ids.end());
  each.erase(IdPrefix{});
  EXPECT_EQ(district.replica().feed_digest(FeedKind::kUpdates, reader)->count, each.size());
}

// ---- what is judged anew ----

TEST_F(StoreRegistry, OnlyRecordsWithSealsThatAreJudgedOtherwiseAreFoldedAgain) {
  const RecordId before = other.create("O-1");
  const RecordId beside = commune.create("C-1");
  settle_all();
  const auto first = other.replica().find_update(1)->seal;
  const Seal last = other.replica().find_seal(*first)->seal();
  const RecordId after = other.create("O-2");
  settle_all();
  const std::uint64_t seen = district.replica().last_change();
  revoke_other({{last.incarnation, last.number, {}}});
  const auto told = district.replica().change_events(seen, 100).events;
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].kind, store::ChangeKind::kRefolded);
  EXPECT_EQ(told[0].record, after);
  EXPECT_FALSE(district.state(before).chain.empty());
  EXPECT_FALSE(district.state(beside).chain.empty());
  EXPECT_TRUE(district.state(after).chain.empty());
  EXPECT_TRUE(district.replica().verify_states().empty());
}

TEST_F(StoreRegistry, JudgesManyAnewInStepsAndWhatIsWrittenMeanwhileAtOnce) {
  constexpr int kRecords = 600;
  std::vector<RecordId> records;
  for (int i = 0; i < kRecords; ++i) records.push_back(other.create("O-" + std::to_string(i)));
  settle_all();
  Revocation revocation;
  revocation.node = other.node().id();
  revocation.reason = "mất máy";
  {
    Transaction transaction(district.replica(), district.now += 1000);
    ASSERT_TRUE(transaction.state(revocation).ok());
    ASSERT_TRUE(transaction.commit().ok());
  }
  EXPECT_TRUE(district.replica().unfinished());
  const auto left = [&] {
    return std::ranges::count_if(
        records, [&](const RecordId& id) { return !district.state(id).chain.empty(); });
  };
  EXPECT_GT(left(), 0);
  EXPECT_LT(left(), kRecords);
  // One whose turn has not come is judged anew before anything is written to it.
  const auto waits = std::ranges::find_if(
      records, [&](const RecordId& id) { return !district.state(id).chain.empty(); });
  {
    Transaction transaction(district.replica(), district.now += 1000);
    EXPECT_TRUE(transaction.find_record(*waits)->state.chain.empty());
    ASSERT_TRUE(transaction.commit().ok());
  }
  EXPECT_TRUE(district.state(*waits).chain.empty());
  district.restart();
  EXPECT_TRUE(district.replica().unfinished());
  district.commit([](Transaction&) {});
  EXPECT_FALSE(district.replica().unfinished());
  EXPECT_EQ(left(), 0);
  EXPECT_TRUE(district.replica().verify_states().empty());
}

// ---- statements that are not kept ----

TEST_F(StoreRegistry, WhatACertificateThatMayNotIssueSealedIsNotKept) {
  TestNode node = other.node();
  ASSERT_FALSE(node.may_issue);
  Revocation made_up;
  made_up.node.bytes[0] = 1;
  made_up.reason = "x";
  AgencyDeclaration nowhere = offices.deployment.declaration(offices.other_id, "X");
  nowhere.parent = id_cast<AgencyId>(Hash256{offices.deployment.entropy().array<32>()});
  const std::size_t size = district.replica().registry()->size();
  const auto outcome = say(district, other, {node.say(root(), made_up), node.say(root(), nowhere)});
  EXPECT_EQ(outcome.added, 0u);
  EXPECT_EQ(outcome.waiting, 0u);
  EXPECT_EQ(district.replica().registry()->size(), size);
  EXPECT_EQ(district.replica().counts().refused, 2u);
}

// ---- revoked machines ----

TEST_F(StoreRegistry, WhatARevokedMachineWritesLaterIsNeitherKeptWithoutBoundNorCarried) {
  const RecordId record = other.create("O-1");
  settle_all();
  TestNode stolen = other.node();
  stolen.incarnation ^= 5;
  const StatementId revoked = revoke_other();
  const std::uint64_t end =
      district.replica().feed_end(FeedKind::kUpdates, offices.province_id).number;
  std::vector<SealedUnit> units;
  for (std::size_t i = 0; i < kPenRevokedCountMax + 10; ++i)
    units.push_back(forge(stolen, UpdateKind::kNote, record, id_cast<UpdateId>(record), 0));
  const auto outcome = give(district, province, units);
  EXPECT_EQ(outcome.added, 0u);
  EXPECT_EQ(outcome.waiting, kPenRevokedCountMax);
  EXPECT_EQ(outcome.refused.size(), 10u);
  EXPECT_EQ(district.replica().feed_end(FeedKind::kUpdates, offices.province_id).number, end);
  // Nobody else's updates are kept out by that, here or after a restart.
  district.restart();
  const auto late = store::late_work(district.replica());
  ASSERT_EQ(late.size(), 1u);
  EXPECT_EQ(late[0].node, stolen.id());
  EXPECT_EQ(late[0].agency, offices.other_id);
  EXPECT_EQ(late[0].updates, kPenRevokedCountMax);
  EXPECT_EQ(late[0].statements, 0u);
  EXPECT_GT(late[0].since, 0);
  const auto waits = store::waiting_of(district.replica(), record);
  EXPECT_EQ(waits.on_revoked.count, kPenRevokedCountMax);
  EXPECT_EQ(waits.on_revoked.since, late[0].since);
  EXPECT_EQ(waits.on_registry.count, 0u);
  (void)commune.create("C-1");
  settle_all();
  // When the cut is moved it comes in.
  revoke_other({{stolen.incarnation, stolen.number, {}}}, {revoked});
  EXPECT_EQ(district.replica().counts().waiting, 0u);
  EXPECT_TRUE(store::late_work(district.replica()).empty());
  EXPECT_EQ(store::waiting_of(district.replica(), record).on_revoked.count, 0u);
  EXPECT_EQ(district.replica().find_record(record)->updates.size(), 1 + kPenRevokedCountMax);
}

TEST_F(StoreRegistry, WhatCountsAndBuildsOnARevokedMachinesUpdateBringsItIn) {
  const RecordId record = other.create("O-1");
  settle_all();
  TestNode stolen = other.node();
  stolen.incarnation ^= 5;
  const auto first_seal = other.replica().find_update(1)->seal;
  const Seal last = other.replica().find_seal(*first_seal)->seal();
  revoke_other({{last.incarnation, last.number, {}}});
  const UpdateId link = id_cast<UpdateId>(record);
  const SealedUnit first = forge(stolen, UpdateKind::kNote, record, link, 0);
  const SealedUnit second = forge(stolen, UpdateKind::kNote, record, link, 0, {id_of(first)});
  TestNode honest = province.node();
  honest.incarnation ^= 9;
  const SealedUnit child = forge(honest, UpdateKind::kNote, record, link, 0, {id_of(second)});
  EXPECT_EQ(give(district, province, {first, second}).waiting, 2u);
  EXPECT_EQ(district.replica().find_record(record)->updates.size(), 1u);
  give(district, province, {child});
  EXPECT_EQ(district.replica().counts().waiting, 0u);
  EXPECT_EQ(district.replica().find_record(record)->updates.size(), 4u);
  EXPECT_EQ(reason(district, record, id_of(first)), InertReason::kCutOff);
  EXPECT_EQ(reason(district, record, id_of(child)), InertReason::kNone);
}

// ---- the pen ----

TEST_F(StoreRegistry, MadeUpMachinesOfOneDistrictFillNoPenForOthers) {
  TestDeployment& deployment = offices.deployment;
  const AgencyId evil =
      deployment.add_agency(offices.province_id, "H47.9", "Huyện Chín", "district");
  deployment.add_node(evil, true);
  const AgencyId below = deployment.add_agency(evil, "H47.9.1", "x", "x");
  std::vector<TestNode> machines;
  for (int i = 0; i < 40; ++i) machines.push_back(deployment.add_node(below));
  bring_registry(province);
  const auto nowhere = id_cast<UpdateId>(Hash256{deployment.entropy().array<32>()});
  std::size_t busy = 0;
  for (TestNode& machine : machines) {
    for (int batch = 0; batch < 3; ++batch) {
      FeedPart part;
      for (int i = 0; i < 256; ++i)
        part.units.push_back(
            forge(machine, UpdateKind::kNote, id_cast<RecordId>(nowhere), nowhere, 0));
      province.commit([&](Transaction& transaction) {
        const auto got =
            transaction.receive(FeedKind::kUpdates, machine.id(), machine.agency, part);
        busy += got.ok() ? 0 : 1;
      });
      if (busy > 0) break;
    }
    if (busy > 3) break;
  }
  EXPECT_GT(busy, 0u);
  EXPECT_LE(province.replica().counts().waiting, 2'048u + 256u);
  const RecordId record = commune.create("C-1");
  settle({&commune, &district, &province});
  EXPECT_TRUE(province.replica().find_record(record).has_value());
}

TEST_F(StoreRegistry, WhatIsWholeIsTakenFromAMachineWhoseShareIsFull) {
  const RecordId record = other.create("O-1");
  settle_all();
  TestNode author = other.node();
  author.incarnation ^= 5;
  const UpdateId link = id_cast<UpdateId>(record);
  const SealedUnit parent = forge(author, UpdateKind::kNote, record, link, 0);
  const auto receive = [&](std::vector<SealedUnit> units) {
    FeedPart part;
    part.units = std::move(units);
    bool taken = false;
    district.commit([&](Transaction& transaction) {
      transaction.savepoint();
      taken = transaction.receive(FeedKind::kUpdates, author.id(), author.agency, part).ok();
      if (!taken) transaction.rollback();
    });
    return taken;
  };
  const auto children = [&](int count) {
    std::vector<SealedUnit> units;
    for (int i = 0; i < count; ++i)
      units.push_back(forge(author, UpdateKind::kNote, record, link, 0, {id_of(parent)}));
    return units;
  };
  while (receive(children(256))) {
    ASSERT_LT(district.replica().counts().waiting, 20'000u);
  }
  const std::uint64_t full = district.replica().counts().waiting;
  EXPECT_FALSE(receive(children(1)));
  EXPECT_EQ(district.replica().counts().waiting, full);
  district.restart();
  // What all of them wait for is whole, so it comes in, and they with it.
  EXPECT_TRUE(receive({parent}));
  EXPECT_EQ(district.replica().counts().waiting, 0u);
  EXPECT_EQ(district.replica().find_record(record)->updates.size(), full + 2);
}

TEST_F(StoreRegistry, WhatHasWaitedForAMonthMakesRoom) {
  TestNode author = other.node();
  author.incarnation ^= 5;
  const auto nowhere = id_cast<UpdateId>(Hash256{offices.deployment.entropy().array<32>()});
  const auto receive = [&](int count) {
    FeedPart part;
    for (int i = 0; i < count; ++i)
      part.units.push_back(
          forge(author, UpdateKind::kNote, id_cast<RecordId>(nowhere), nowhere, 0));
    bool taken = false;
    district.commit([&](Transaction& transaction) {
      taken = transaction.receive(FeedKind::kUpdates, author.id(), author.agency, part).ok();
    });
    return taken;
  };
  while (receive(256)) {
    ASSERT_LT(district.replica().counts().waiting, 20'000u);
  }
  district.now += 29LL * 86'400'000;
  EXPECT_FALSE(receive(1));
  district.now += 2LL * 86'400'000;
  EXPECT_TRUE(receive(1));
  EXPECT_EQ(district.replica().counts().waiting, 1u);
  EXPECT_NE(district.replica().refused(1).front().reason.find("30 days"), std::string::npos);
}

TEST_F(StoreRegistry, ReceivingCostsWhatCame) {
  const RecordId record = other.create("O-1");
  settle_all();
  TestNode author = other.node();
  author.incarnation ^= 5;
  const UpdateId link = id_cast<UpdateId>(record);
  constexpr std::size_t kCount = 400;
  std::vector<SealedUnit> chain;
  for (std::size_t i = 0; i < kCount; ++i)
    chain.push_back(forge(author, UpdateKind::kNote, record, link, 0,
                          {chain.empty() ? link : id_of(chain.back())}));
  // Children before their parents, in one part.
  std::vector<SealedUnit> backwards(chain.rbegin(), chain.rend());
  EXPECT_LE(tries(district, backwards), 2 * kCount);
  // The same one by one, so that all but the last wait in the pen.
  std::uint64_t in_all = 0;
  for (const SealedUnit& unit : backwards) in_all += tries(province, {unit});
  EXPECT_EQ(province.replica().counts().waiting, 0u);
  EXPECT_LE(in_all, 2 * kCount);
  // While much waits for what never comes, further work is looked at once.
  const auto nowhere = id_cast<UpdateId>(Hash256{offices.deployment.entropy().array<32>()});
  std::vector<SealedUnit> lost;
  for (std::size_t i = 0; i < kCount; ++i)
    lost.push_back(forge(author, UpdateKind::kNote, record, nowhere, 0, {nowhere}));
  tries(district, lost);
  EXPECT_EQ(tries(district, {forge(author, UpdateKind::kNote, record, link, 0)}), 1u);
  // A statement that nothing waits for wakes nothing.
  offices.deployment.add_node(offices.commune_id);
  district.commit([&](Transaction& transaction) {
    for (const Statement& statement : offices.deployment.statements())
      ASSERT_TRUE(transaction.add_statement(statement).ok());
    EXPECT_EQ(transaction.tried(), 0u);
  });
}

// A long record of two machines: one after the other in turns, or each on a branch of its own.
TEST_F(StoreRegistry, ALongRecordIsFoldedOnceForEachPartHoweverItsUpdatesLie) {
  constexpr std::size_t kCount = 300, kPart = 50;
  for (const bool branches : {false, true}) {
    const RecordId record = other.create(branches ? "O-2" : "O-1");
    settle_all();
    const UpdateId link = id_cast<UpdateId>(record);
    TestNode first = other.node(), second = commune.node();
    first.incarnation ^= branches ? 5 : 6;
    second.incarnation ^= branches ? 7 : 8;
    std::vector<SealedUnit> history;
    for (std::size_t i = 0; i < kCount; ++i) {
      const std::size_t behind = branches ? 2 : 1;
      const UpdateId parent = i < behind ? link : id_of(history[i - behind]);
      history.push_back(
          forge(i % 2 == 0 ? first : second, UpdateKind::kNote, record, link, 0, {parent}));
    }
    // Children first, in one part.
    const Cost whole = cost(district, {history.rbegin(), history.rend()});
    EXPECT_LE(whole.tried, 2 * kCount);
    EXPECT_LE(whole.folded, 1u);
    // One machine's after the other's, in parts.
    std::stable_partition(history.begin(), history.end(), [&](const SealedUnit& unit) {
      return unit.seal.certificate == second.certificate;
    });
    Cost parts;
    for (std::size_t at = 0; at < kCount; at += kPart) {
      const auto begin = history.begin() + static_cast<std::ptrdiff_t>(at);
      const Cost part = cost(province, {begin, begin + static_cast<std::ptrdiff_t>(kPart)});
      parts.tried += part.tried;
      parts.folded += part.folded;
    }
    EXPECT_EQ(province.replica().counts().waiting, 0u);
    EXPECT_LE(parts.tried, 2 * kCount);
    EXPECT_LE(parts.folded, kCount / kPart);
    EXPECT_EQ(province.state(record).timeline, district.state(record).timeline);
    // The second machine has no right there: what it wrote is inert, and held all the same.
    EXPECT_EQ(province.replica().find_record(record)->updates.size(), kCount + 1);
    EXPECT_EQ(province.state(record).inert, district.state(record).inert);
  }
}

}  // namespace
}  // namespace lienthong::test
