// Count, sum and ids of feeds, and healing between two replicas.
#include <gtest/gtest.h>

#include "protocol/base/limits.h"
#include "protocol/wire/part.h"
#include "store/replica/rows.h"
#include "tests/support/healing_pair.h"

namespace lienthong::test {
namespace {

class HealedReplicas : public ::testing::Test {
 protected:
  HealedReplicas() : offices(1) {}
  Offices offices;
  Office& province = *offices.province;
  Office& district = *offices.district;
  Office& commune = *offices.commune;

  void works(Office& office, int dossiers, const std::string& code) {
    for (int i = 0; i < dossiers; ++i) {
      const RecordId record = office.create(code + std::to_string(i));
      if (i % 3 == 0 && !office.set_unit(record, "đơn vị").ok()) throw std::runtime_error("set");
    }
  }
  void seals(Office& from, const Office& to) {
    from.commit([&](store::Transaction& transaction) {
      ASSERT_TRUE(transaction.ensure_feed(to.agency()).ok());
      ASSERT_TRUE(transaction.seal_pending(to.agency()).ok());
    });
  }
  // The reader believes that it has all of it, and has not.
  void forgets_what_to_send(Office& from, Office& to) {
    seals(from, to);
    const FeedMark end = from.replica().feed_end(FeedKind::kUpdates, to.agency());
    to.commit([&](store::Transaction& transaction) {
      transaction.set_cursor(FeedKind::kUpdates, from.node().id(), end);
    });
  }
  static FeedDigest digest(Office& office, const Office& reader) {
    const auto found = office.replica().feed_digest(FeedKind::kUpdates, reader.agency());
    EXPECT_TRUE(found.has_value());
    return found.value_or(FeedDigest{});
  }
  // The reader has all of a feed but these places, and what it has is the whole to it.
  void brings_all_but(Office& from, Office& to, const std::vector<std::uint64_t>& left_out) {
    seals(from, to);
    seals(to, from);
    const FeedMark end = from.replica().feed_end(FeedKind::kUpdates, to.agency());
    std::vector<std::uint64_t> places;
    for (std::uint64_t place = 1; place <= end.number; ++place)
      if (!std::ranges::binary_search(left_out, place)) places.push_back(place);
    const auto part = from.replica().read_places(to.agency(), to.node().id(), Echo::kCarry, places);
    ASSERT_TRUE(part.ok() && *part);
    to.commit([&](store::Transaction& transaction) {
      const auto outcome =
          transaction.receive(FeedKind::kUpdates, from.node().id(), from.agency(), **part);
      ASSERT_TRUE(outcome.ok() && outcome->waiting == 0);
    });
    forgets_what_to_send(from, to);
  }
  // Bytes of these entries with names and proofs in full.
  std::size_t in_full(Office& from, const Office& to, const std::vector<std::uint64_t>& places) {
    const auto read =
        from.replica().read_entries(FeedKind::kUpdates, to.agency(), places, 1U << 20);
    EXPECT_TRUE(read.ok() && read->taken == places.size());
    return wire::encode_part_body(from.replica().root(), read->part).size();
  }
  bool same() { return digest(district, commune).same_set(digest(commune, district)); }
};

TEST_F(HealedReplicas, HaveOneDigestWhenTheyHoldTheSame) {
  works(commune, 6, "A");
  settle({&commune, &district});
  works(district, 2, "B");
  settle({&commune, &district});
  EXPECT_TRUE(same());
  EXPECT_GT(digest(commune, district).count, 7U);
  works(commune, 1, "C");
  EXPECT_FALSE(same());
}

TEST_F(HealedReplicas, DoNotCountWhatWasWithdrawn) {
  const RecordId record = commune.create("W-1");
  seals(commune, district);
  const FeedDigest before = digest(commune, district);
  const auto offer = commune.write(record, UpdateKind::kOffer, offices.district_id);
  ASSERT_TRUE(offer.ok());
  EXPECT_EQ(digest(commune, district).count, before.count + 1);
  commune.commit(
      [&](store::Transaction& transaction) { ASSERT_TRUE(transaction.withdraw(*offer).ok()); });
  EXPECT_TRUE(digest(commune, district).same_set(before));
  EXPECT_GT(digest(commune, district).mark.number, before.mark.number);
  const auto ids = commune.replica().feed_ids(FeedKind::kUpdates, offices.district_id, 1, 100);
  ASSERT_EQ(ids.size(), digest(commune, district).mark.number);
  EXPECT_EQ(ids.back(), IdPrefix{});
  commune.restart();
  EXPECT_TRUE(digest(commune, district).same_set(before));
}

TEST_F(HealedReplicas, GiveTheIdsThatTheDigestCounts) {
  works(commune, 9, "A");
  seals(commune, district);
  for (const FeedKind kind : {FeedKind::kRegistry, FeedKind::kUpdates}) {
    const auto digest = commune.replica().feed_digest(kind, offices.district_id);
    ASSERT_TRUE(digest.has_value());
    IdPrefix sum{};
    std::uint64_t place = 1;
    for (;;) {  // in small steps
      const auto ids = commune.replica().feed_ids(kind, offices.district_id, place, 4);
      if (ids.empty()) break;
      for (const IdPrefix& id : ids) store::add_to_sum(sum, id);
      place += ids.size();
    }
    EXPECT_EQ(place - 1, digest->mark.number);
    EXPECT_EQ(sum, digest->sum);
  }
}

TEST_F(HealedReplicas, GetExactlyWhatEachLacks) {
  works(commune, 300, "A");
  settle({&commune, &district});
  works(commune, 20, "B");
  works(district, 5, "C");
  const std::size_t only_commune = 20 + 7, only_district = 0;  // C is not for the commune's eyes
  forgets_what_to_send(commune, district);
  ASSERT_FALSE(same());
  HealingPair pair(commune, district);
  pair.quiet_moment();
  EXPECT_TRUE(same());
  EXPECT_EQ(pair.b.added, only_commune);
  EXPECT_EQ(pair.a.added, only_district);
  ASSERT_FALSE(pair.a.reports.empty());
  EXPECT_EQ(pair.a.reports.front().outcome, HealOutcome::kHealed);
  pair.quiet_moment();  // whether it has helped
  EXPECT_EQ(pair.a.reports.back().outcome, HealOutcome::kEqual);
  EXPECT_TRUE(district.replica().verify_states().empty());
  EXPECT_TRUE(district.replica().waiting().empty());
}

TEST_F(HealedReplicas, SealsThatTheReaderHoldsAreNamedAndProveTheRest) {
  for (int i = 0; i < 300; ++i) commune.create("A" + std::to_string(i));
  const std::vector<std::uint64_t> missing{5, 40, 41, 90, 133, 200, 299};
  settle({&district, &province});
  brings_all_but(commune, district, missing);
  ASSERT_FALSE(same());
  HealingPair pair(commune, district);
  pair.quiet_moment();
  EXPECT_TRUE(same());
  EXPECT_EQ(pair.b.added, missing.size());
  EXPECT_EQ(pair.b.unclear, 0U);
  // A proof is seven or eight hashes of 32 bytes, a seal 174 bytes.
  EXPECT_LT(pair.a.part_bytes + 300 * 3, in_full(commune, district, missing));
  EXPECT_LT(pair.a.part_bytes, missing.size() * 150);
  // What was proved so can be passed on.
  settle({&district, &province});
  EXPECT_EQ(digest(district, province).count, digest(commune, district).count);
}

TEST_F(HealedReplicas, WhatASealHeldDoesNotProveComesAgainInFull) {
  for (int i = 0; i < 300; ++i) commune.create("A" + std::to_string(i));
  const std::vector<std::uint64_t> missing{40, 41, 42, 43, 133};
  brings_all_but(commune, district, missing);
  HealingPair pair(commune, district, 1);  // an update to a part
  pair.quiet_moment();
  EXPECT_TRUE(same());
  EXPECT_EQ(pair.b.added, missing.size());
  EXPECT_GE(pair.b.unclear, 1U);
  EXPECT_EQ(pair.a.reports.front().outcome, HealOutcome::kHealed);
  EXPECT_TRUE(district.replica().waiting().empty());
}

TEST_F(HealedReplicas, EndInTheCursorOfTheSnapshotAfterALostOne) {
  works(commune, 300, "A");
  settle({&commune, &district});
  works(commune, 10, "B");
  seals(commune, district);
  const FeedMark theirs = commune.replica().feed_end(FeedKind::kUpdates, offices.district_id);
  HealingPair pair(commune, district);
  ASSERT_TRUE(pair.a.healing.on_lost_cursor(FeedKind::kUpdates, pair.now));
  pair.run();
  EXPECT_TRUE(same());
  EXPECT_EQ(district.replica().cursor(FeedKind::kUpdates, commune.node().id()).mark, theirs);
  EXPECT_EQ(commune.replica().cursor(FeedKind::kUpdates, district.node().id()).mark.number,
            digest(district, commune).mark.number - pair.b.added);
  EXPECT_EQ(pair.b.added, 14U);
  // And ordinary work goes on from there: nothing is sent again.
  works(commune, 1, "D");
  seals(commune, district);
  const auto part =
      commune.replica().read_feed({FeedKind::kUpdates, offices.district_id, district.node().id(),
                                   Echo::kPassOver, theirs.number + 1});
  ASSERT_TRUE(part.ok() && *part);
  EXPECT_EQ((*part)->units.front().leaves.size(), 2U);
}

TEST_F(HealedReplicas, HealTheRegistryToo) {
  works(commune, 3, "A");
  settle({&commune, &district});
  for (int i = 0; i < 3; ++i)
    offices.deployment.add_agency(offices.district_id, "H47.518." + std::to_string(i), "Xã mới",
                                  "commune");
  for (const Statement& statement : offices.deployment.statements())
    district.commit([&](store::Transaction& transaction) {
      static_cast<void>(transaction.add_statement(statement).ok());
    });
  const FeedMark end = district.replica().feed_end(FeedKind::kRegistry, offices.commune_id);
  ASSERT_GT(end.number, commune.replica().feed_end(FeedKind::kRegistry, AgencyId{}).number);
  HealingPair pair(commune, district);
  pair.a.healing.request(FeedKind::kRegistry);
  pair.quiet_moment();
  EXPECT_EQ(commune.replica().registry()->digest(), district.replica().registry()->digest());
}

TEST_F(HealedReplicas, KeepWhatTheCursorHadBeyondTheSnapshot) {
  const NodeId writer = district.node().id();
  commune.commit([&](store::Transaction& transaction) {
    FeedPart part;
    part.epoch = 9;
    part.covered = {{5, 8, 1}, {20, 30, 2}};
    ASSERT_TRUE(transaction.receive(FeedKind::kUpdates, writer, offices.district_id, part).ok());
    const Cursor set = transaction.set_cursor(FeedKind::kUpdates, writer, FeedMark{9, 10, 3});
    EXPECT_EQ(set.mark, (FeedMark{9, 10, 3}));
    EXPECT_EQ(set.ranges, (std::vector<CursorRange>{{20, 30, 2}}));
  });
  commune.commit([&](store::Transaction& transaction) {
    transaction.set_cursor(FeedKind::kUpdates, writer, FeedMark{9, 25, 4});
  });
  EXPECT_EQ(commune.replica().cursor(FeedKind::kUpdates, writer).mark, (FeedMark{9, 30, 2}));
  commune.commit([&](store::Transaction& transaction) {
    transaction.set_cursor(FeedKind::kUpdates, writer, FeedMark{7, 2, 4});  // another epoch
  });
  EXPECT_EQ(commune.replica().cursor(FeedKind::kUpdates, writer).mark, (FeedMark{7, 2, 4}));
}

}  // namespace
}  // namespace lienthong::test
