// What healing counts of feeds after the tree has moved and machines were revoked.
#include "tests/unit/store_registry_fixture.h"

namespace lienthong::test {
namespace {

class CountedInFeeds : public StoreRegistry {
 protected:
  static FeedDigest digest(Office& office, const Office& reader) {
    const auto found = office.replica().feed_digest(FeedKind::kUpdates, reader.agency());
    EXPECT_TRUE(found.has_value());
    return found.value_or(FeedDigest{});
  }
  bool same() { return digest(district, province).same_set(digest(province, district)); }
  // Whether the digest is that of the ids.
  static void expect_sound(Office& office, const Office& reader) {
    const FeedDigest counted = digest(office, reader);
    const auto ids = office.replica().feed_ids(FeedKind::kUpdates, reader.agency(), 1, 1000);
    ASSERT_EQ(ids.size(), counted.mark.number);
    IdPrefix sum{};
    std::uint64_t count = 0;
    for (const IdPrefix& id : ids) {
      store::add_to_sum(sum, id);
      count += id != IdPrefix{};
    }
    EXPECT_EQ(count, counted.count);
    EXPECT_EQ(sum, counted.sum);
  }
  void expect_sound() {
    expect_sound(district, province);
    expect_sound(province, district);
  }
  SealedUnit note(TestNode& author, const RecordId& record, std::vector<UpdateId> deps) {
    return forge(author, UpdateKind::kNote, record, id_cast<UpdateId>(record), 0, std::move(deps));
  }
};

// The province knows already that the district is not above the commune any more.
TEST_F(CountedInFeeds, WhatAFormerSuperiorDeliversCountsAndDoesNotGoBack) {
  const RecordId record = commune.create("C-1");
  settle_all();
  ASSERT_TRUE(same());
  move_commune();
  ASSERT_TRUE(commune.set_unit(record, "một").ok());
  ASSERT_TRUE(commune.set_unit(record, "hai").ok());
  send(commune, district);
  settle({&district, &province});
  EXPECT_EQ(province.replica().find_record(record)->updates.size(), 3U);
  EXPECT_TRUE(same());
  expect_sound();
  const auto end = district.replica().cursor(FeedKind::kUpdates, province.node().id());
  const auto part =
      province.replica().read_feed({FeedKind::kUpdates, district.agency(), district.node().id(),
                                    Echo::kPassOver, 1, kFeedNumberMax, 1U << 20});
  ASSERT_TRUE(part.ok() && *part);
  EXPECT_EQ(end.mark.number, digest(province, district).mark.number);
  // What the commune goes on to write comes another way.
  ASSERT_TRUE(commune.set_unit(record, "ba").ok());
  const std::uint64_t counted = digest(province, district).count;
  settle({&commune, &province});
  EXPECT_EQ(province.replica().find_record(record)->updates.size(), 4U);
  EXPECT_EQ(digest(province, district).count, counted);
  // It comes below the district again: all of it goes there, and counts once.
  change_tree({{offices.commune_id, Reparent{offices.district_id}}});
  settle({&province, &district});
  EXPECT_EQ(district.replica().find_record(record)->updates.size(), 4U);
  EXPECT_TRUE(same());
  EXPECT_EQ(digest(province, district).count, counted + 1);
  expect_sound();
  province.restart();
  EXPECT_TRUE(same());
}

// It came to the province another way first.
TEST_F(CountedInFeeds, WhatANeighbourDeliversOnceMoreCounts) {
  const RecordId record = commune.create("C-1");
  settle_all();
  move_commune();
  ASSERT_TRUE(commune.set_unit(record, "một").ok());
  send(commune, district);
  const std::uint64_t before = digest(province, district).count;
  settle({&commune, &province});
  ASSERT_EQ(province.replica().find_record(record)->updates.size(), 2U);
  EXPECT_EQ(digest(province, district).count, before);
  settle({&district, &province});
  EXPECT_EQ(digest(province, district).count, before + 1);
  EXPECT_TRUE(same());
  expect_sound();
}

TEST_F(CountedInFeeds, WhatLiesBeyondTheCutsCountsOnlyOnceSomethingBuildsOnIt) {
  const RecordId record = other.create("O-1");
  settle_all();
  const auto first_seal = other.replica().find_update(1)->seal;
  const Seal last = other.replica().find_seal(*first_seal)->seal();
  TestNode stolen = other.node();
  stolen.incarnation ^= 5;
  const SealedUnit late = note(stolen, record, {id_cast<UpdateId>(record)});
  const SealedUnit later = note(stolen, record, {id_of(late)});
  const SealedUnit aside = note(stolen, record, {id_cast<UpdateId>(record)});
  EXPECT_EQ(give(district, other, {late, later, aside}).added, 3U);
  const std::uint64_t all = digest(district, province).count;
  // The district has heard of it before, the province after the cut.
  revoke_other({{last.incarnation, last.number, {}}});
  EXPECT_EQ(digest(district, province).count, all - 3);
  settle({&district, &province});
  EXPECT_EQ(province.replica().counts().waiting, 3U);
  EXPECT_TRUE(same());
  expect_sound();
  district.restart();
  EXPECT_TRUE(same());
  TestNode honest = district.node();
  honest.incarnation ^= 9;
  const SealedUnit child = note(honest, record, {id_of(later)});
  give(district, other, {child});
  settle({&district, &province});
  EXPECT_EQ(province.replica().counts().waiting, 1U);
  EXPECT_EQ(digest(district, province).count, all);
  EXPECT_TRUE(same());
  expect_sound();
}

TEST_F(CountedInFeeds, WhatLayBeyondCountsOnceTheCutIsMoved) {
  const RecordId record = other.create("O-1");
  settle_all();
  TestNode stolen = other.node();
  stolen.incarnation ^= 5;
  const SealedUnit late = note(stolen, record, {id_cast<UpdateId>(record)});
  EXPECT_EQ(give(district, other, {late}).added, 1U);
  const std::uint64_t all = digest(district, province).count;
  const auto first_seal = other.replica().find_update(1)->seal;
  const Seal last = other.replica().find_seal(*first_seal)->seal();
  const StatementId revoked = revoke_other({{last.incarnation, last.number, {}}});
  settle({&district, &province});
  EXPECT_EQ(province.replica().counts().waiting, 1U);
  EXPECT_TRUE(same());
  std::vector<Cut> cuts{{last.incarnation, last.number, {}},
                        {stolen.incarnation, stolen.number, {}}};
  std::ranges::sort(cuts, {}, &Cut::incarnation);
  revoke_other(cuts, {revoked});
  EXPECT_EQ(digest(district, province).count, all);
  settle({&district, &province});
  EXPECT_EQ(province.replica().counts().waiting, 0U);
  EXPECT_TRUE(same());
  expect_sound();
}

// An offer that is asked for back is given back by it.
TEST_F(CountedInFeeds, TheMachineThatTakesARevokedOnesPlaceIsTheDesk) {
  (void)other.create("O-1");
  settle_all();
  const auto seal = other.replica().find_update(1)->seal;
  const Seal last = other.replica().find_seal(*seal)->seal();
  Office& fresh = offices.add(offices.other_id, "/fresh");
  bring_registry(district);
  revoke_other({{last.incarnation, last.number, {}}});
  ASSERT_EQ(district.replica().registry()->certificates_of(offices.other_id).size(), 2U)
      << "what the revoked one wrote before counts";
  const RecordId record = district.create("D-1");
  ASSERT_TRUE(district.write(record, UpdateKind::kOffer, offices.other_id).ok());
  settle({&district, &fresh});
  ASSERT_TRUE(district.write(record, UpdateKind::kRecallRequest).ok());
  settle({&district, &fresh});
  EXPECT_TRUE(district.state(record).offered.is_zero());
}

}  // namespace
}  // namespace lienthong::test
