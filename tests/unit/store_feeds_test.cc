// How feeds are laid out, sealed, cut into parts and read out of turn.
#include <gtest/gtest.h>

#include <numeric>

#include "protocol/base/limits.h"
#include "protocol/record/fields.h"
#include "store/office/projections.h"
#include "store/replica/rows.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

using store::Transaction;

class Feeds : public ::testing::Test {
 protected:
  Feeds() : offices(1) {}
  Offices offices;
  Office& district = *offices.district;
  Office& commune = *offices.commune;

  // Writes in one commit: dossiers, then so many rounds of changes over all of them, interleaved.
  std::vector<RecordId> works(int dossiers, int rounds, std::size_t text = 40) {
    std::vector<RecordId> records;
    commune.commit([&](Transaction& transaction) {
      for (int i = 0; i < dossiers; ++i) records.push_back(create(transaction, i, text));
      for (int round = 0; round < rounds; ++round)
        for (const RecordId& record : records) sets_unit(transaction, record, round);
    });
    return records;
  }
  void seals() {
    commune.commit([&](Transaction& transaction) {
      ASSERT_TRUE(transaction.ensure_feed(offices.district_id).ok());
      ASSERT_TRUE(transaction.seal_pending(offices.district_id).ok());
    });
  }
  FeedRead everything(std::size_t bytes_max) const {
    FeedRead what;
    what.reader = offices.district_id;
    what.reader_node = offices.district->node().id();
    what.echo = Echo::kPassOver;
    what.bytes_max = bytes_max;
    return what;
  }
  std::vector<FeedPart> reads(std::size_t bytes_max) {
    std::vector<FeedPart> parts;
    FeedRead what = everything(bytes_max);
    for (;;) {
      auto part = commune.replica().read_feed(what);
      if (!part.ok()) throw std::runtime_error(part.error().message());
      if (!*part) return parts;
      what.first = (*part)->covered.back().last + 1;
      parts.push_back(**std::move(part));
    }
  }
  bool receives(const FeedPart& part) {
    std::size_t refused = 0, waiting = 0;
    district.commit([&](Transaction& transaction) {
      const auto outcome =
          transaction.receive(FeedKind::kUpdates, commune.node().id(), commune.agency(), part);
      ASSERT_TRUE(outcome.ok()) << outcome.error().message();
      refused = outcome->refused.size();
      waiting = outcome->waiting;
    });
    return refused == 0 && waiting == 0;
  }
  static std::size_t hashes(const std::vector<FeedPart>& parts) {
    std::size_t count = 0;
    for (const FeedPart& part : parts)
      for (const SealedUnit& unit : part.units) count += unit.proof.size();
    return count;
  }
  static std::size_t leaves(const std::vector<FeedPart>& parts) {
    std::size_t count = 0;
    for (const FeedPart& part : parts)
      for (const SealedUnit& unit : part.units) count += unit.leaves.size();
    return count;
  }

  static void sets_unit(Transaction& transaction, const RecordId& record, int round) {
    store::Draft draft;
    draft.record = record;
    draft.open.kind = UpdateKind::kSet;
    draft.open.writes = {
        {static_cast<std::uint16_t>(Field::kUnit), "unit " + std::to_string(round)}};
    const auto id = transaction.write(draft);
    if (!id.ok()) throw std::runtime_error(id.error().message());
  }

 private:
  static RecordId create(Transaction& transaction, int number, std::size_t text) {
    store::Draft draft;
    draft.open.kind = UpdateKind::kCreated;
    draft.open.writes = {{static_cast<std::uint16_t>(Field::kCode), "C" + std::to_string(number)},
                         {static_cast<std::uint16_t>(Field::kUnit), std::string(text, 'x')}};
    const auto id = transaction.write(draft);
    if (!id.ok()) throw std::runtime_error(id.error().message());
    return id_cast<RecordId>(*id);
  }
};

// Each step goes on where the one before saw the first that waits; nothing before it is forgotten.
TEST_F(Feeds, AreSealedInStepsWhateverComesBetween) {
  const auto step = [&](std::size_t limit, bool keep) {
    Transaction transaction(commune.replica(), commune.now);
    EXPECT_TRUE(transaction.ensure_feed(offices.district_id).ok());
    EXPECT_TRUE(transaction.seal_pending(offices.district_id, limit).ok());
    if (keep) {
      EXPECT_TRUE(transaction.commit().ok());
    }
  };
  const auto unsealed = [&] { return commune.replica().counts().unsealed; };
  const auto records = works(4, 2);
  step(5, true);
  EXPECT_EQ(unsealed(), 7U);
  step(5, false);  // not committed: the same ones wait
  EXPECT_EQ(unsealed(), 7U);
  commune.commit([&](Transaction& transaction) { sets_unit(transaction, records[0], 7); });
  step(3, true);
  EXPECT_EQ(unsealed(), 5U);
  commune.restart();
  step(100, true);
  EXPECT_EQ(unsealed(), 0U);
  commune.commit([&](Transaction& transaction) { sets_unit(transaction, records[1], 8); });
  step(100, true);
  EXPECT_EQ(unsealed(), 0U);
}

// Much that waits is sealed in several commits, the oldest first, and nothing is left out.
TEST_F(Feeds, SealsNoMoreAtOnceThanIsAskedFor) {
  seals();       // the feed is there
  works(20, 2);  // 60 updates
  std::vector<std::size_t> sealed;
  do {
    commune.commit([&](Transaction& transaction) {
      ASSERT_TRUE(transaction.ensure_feed(offices.district_id).ok());
      sealed.push_back(transaction.seal_pending(offices.district_id, 25).value());
    });
    const auto lines = commune.replica().feed_lines(offices.district_id, {}, 1, 100);
    std::size_t ready = 0;
    while (ready < lines.size() && lines[ready].sealed) ++ready;
    const std::size_t total = std::accumulate(sealed.begin(), sealed.end(), std::size_t{0});
    EXPECT_EQ(ready, total) << "what may leave is the beginning of the feed";
  } while (sealed.back() == 25);
  EXPECT_EQ(sealed, (std::vector<std::size_t>{25, 25, 10}));
  EXPECT_EQ(commune.replica().counts().unsealed, 0U);
}

TEST_F(Feeds, CountsTheBytesThatWait) {
  seals();
  works(20, 2);
  seals();
  const store::Replica& replica = commune.replica();
  const std::uint64_t end = replica.feed_end(FeedKind::kUpdates, offices.district_id).number;
  ASSERT_EQ(end, 60U);
  const std::uint64_t all = replica.feed_bytes(offices.district_id, 1);
  const std::uint64_t half = replica.feed_bytes(offices.district_id, 31);
  const std::uint64_t last = replica.feed_bytes(offices.district_id, end);
  EXPECT_GT(all, half);
  EXPECT_GT(half, 30 * 100U);
  EXPECT_GT(last, 100U);
  EXPECT_EQ(replica.feed_bytes(offices.district_id, end + 1), 0U);
  EXPECT_EQ(replica.feed_bytes(commune.agency(), 1), 0U) << "no feed for ourselves";
}

TEST_F(Feeds, PartsBearWholeSealsSoNoPathsTravel) {
  seals();        // the feed begins here
  works(260, 8);  // 2,340 changes
  seals();
  const auto parts = reads(64 * 1024);
  EXPECT_GT(parts.size(), 3u);
  EXPECT_EQ(leaves(parts), 2340u);
  EXPECT_EQ(hashes(parts), 0u);
  for (const FeedPart& part : parts) EXPECT_TRUE(receives(part));
  EXPECT_EQ(district.replica().counts().updates, 2340u);
  EXPECT_TRUE(district.replica().verify_states().empty());
}

TEST_F(Feeds, AFeedBegunLaterIsSealedRecordByRecord) {
  works(260, 8);
  seals();
  EXPECT_EQ(hashes(reads(64 * 1024)), 0u);
}

TEST_F(Feeds, SealsOfLargeUpdatesFitIntoAPart) {
  works(300, 0, 1500);
  seals();
  const auto parts = reads(64 * 1024);
  EXPECT_EQ(leaves(parts), 300u);
  EXPECT_EQ(hashes(parts), 0u);
  for (const FeedPart& part : parts) {
    std::size_t bytes = 0;
    for (const SealedUnit& unit : part.units)
      for (const SealedLeaf& leaf : unit.leaves) bytes += leaf.update.open.size() + 200;
    EXPECT_LT(bytes, kMessageBytesMax);
  }
}

TEST_F(Feeds, AReaderWhoAsksForOneEntryGetsOne) {
  works(3, 1);
  seals();
  const auto parts = reads(1);
  EXPECT_EQ(parts.size(), 6u);
  for (const FeedPart& part : parts) EXPECT_TRUE(receives(part));
  EXPECT_EQ(district.replica().counts().updates, 6u);
}

TEST_F(Feeds, LeavesOfOneRecordLieTogetherParentsFirst) {
  works(4, 3);
  seals();
  const auto parts = reads(64 * 1024);
  ASSERT_EQ(parts.size(), 1u);
  ASSERT_EQ(parts[0].units.size(), 1u);
  std::vector<RecordId> order;
  for (const SealedLeaf& leaf : parts[0].units[0].leaves) {
    const UpdateId id = update_id(offices.deployment.root(), leaf.update);
    const RecordId record = record_of(leaf.update, id);
    if (order.empty() || order.back() != record) {
      EXPECT_TRUE(leaf.update.envelope.record.is_zero());
      order.push_back(record);
    }
  }
  EXPECT_EQ(order.size(), 4u);
}

TEST_F(Feeds, AHandoffOvertakesWithWhatItStandsOn) {
  seals();
  const auto records = works(50, 2);
  ASSERT_TRUE(commune.write(records[20], UpdateKind::kOffer, offices.district_id).ok());
  seals();
  const auto lines = commune.replica().feed_lines(offices.district_id, {}, 1, 1000);
  ASSERT_EQ(lines.size(), 151u);
  std::vector<std::uint64_t> custody;
  for (const FeedLine& line : lines) {
    EXPECT_TRUE(line.sealed);
    EXPECT_FALSE(line.echoed);
    if (line.custody) custody.push_back(line.position);
  }
  EXPECT_EQ(custody, std::vector<std::uint64_t>{151});
  const auto places = commune.replica().feed_places(offices.district_id, 151);
  EXPECT_EQ(places, (std::vector<std::uint64_t>{21, 71, 121, 151}));
  EXPECT_EQ(commune.replica().feed_places(offices.district_id, 71),
            (std::vector<std::uint64_t>{21, 71}));
  const auto part = commune.replica().read_places(offices.district_id, district.node().id(),
                                                  Echo::kPassOver, places);
  ASSERT_TRUE(part.ok() && part->has_value());
  EXPECT_EQ((*part)->covered.size(), 4u);
  ASSERT_TRUE(receives(**part));
  EXPECT_EQ(district.state(records[20]).offered, offices.district_id);
  // The backlog follows, passing over what was sent.
  FeedRead rest = everything(64 * 1024);
  rest.skip = (*part)->covered;
  const auto backlog = commune.replica().read_feed(rest);
  ASSERT_TRUE(backlog.ok() && backlog->has_value());
  EXPECT_EQ(leaves({**backlog}), 147u);
  ASSERT_TRUE(receives(**backlog));
  EXPECT_EQ(district.replica().cursor(FeedKind::kUpdates, commune.node().id()).mark,
            commune.replica().feed_end(FeedKind::kUpdates, offices.district_id));
}

TEST_F(Feeds, WhatIsNotSealedIsShownAndNotRead) {
  works(2, 0);
  seals();
  works(1, 0);
  const auto lines = commune.replica().feed_lines(offices.district_id, {}, 2, 1000);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines[0].sealed);
  EXPECT_FALSE(lines[1].sealed);
  const std::array<std::uint64_t, 2> places{2, 3};
  const auto part = commune.replica().read_places(offices.district_id, {}, Echo::kPassOver, places);
  ASSERT_TRUE(part.ok() && part->has_value());
  EXPECT_EQ((*part)->covered, (std::vector<CursorRange>{{2, 2, (*part)->covered[0].hash}}));
  EXPECT_FALSE(commune.replica().read_places(offices.district_id, {}, Echo::kPassOver, {}).value());
}

TEST_F(Feeds, ReadsNotBeyondThePlaceThatWasNamed) {
  works(10, 0);
  seals();
  FeedRead what = everything(64 * 1024);
  what.first = 3;
  what.last = 7;
  const auto part = commune.replica().read_feed(what);
  ASSERT_TRUE(part.ok() && part->has_value());
  EXPECT_EQ((*part)->covered.front().first, 3u);
  EXPECT_EQ((*part)->covered.front().last, 7u);
  EXPECT_EQ(leaves({**part}), 5u);
}

// Echoes of a node whose disk went back are carried to it however often its session is cut: also
// once its new feed joins on again.
TEST_F(Feeds, WhatALostDiskDeliveredIsCarriedBackAcrossCutSessions) {
  const auto records = works(5, 1);
  settle({&commune, &district});
  Office twin(offices.deployment, commune.node(), offices.env.get(), "/twin");
  settle({&twin, offices.other.get()});  // gets going without the district
  twin.create("new");
  FeedRead back;
  back.reader = commune.agency();
  back.reader_node = commune.node().id();
  back.echo = Echo::kPassOver;
  const auto carried = [&] {
    const auto part = district.replica().read_feed(back);
    return part.ok() && *part ? leaves({**part}) : 0;
  };
  EXPECT_EQ(carried(), 0u);
  twin.commit([&](Transaction& transaction) {
    ASSERT_TRUE(transaction.ensure_feed(offices.district_id).ok());
    ASSERT_TRUE(transaction.seal_pending(offices.district_id).ok());
  });
  const auto first = twin.replica().read_feed(everything(1));
  ASSERT_TRUE(first.ok() && first->has_value());
  ASSERT_TRUE(receives(**first));  // then the session is cut
  EXPECT_EQ(carried(), 10u);
  settle({&twin, &district});
  EXPECT_EQ(encode_state(twin.state(records[0])), encode_state(district.state(records[0])));
}

TEST_F(Feeds, OfALargeReplicaIsFilledInStepsAndNotReadBefore) {
  std::vector<RecordId> records;
  for (int i = 0; i < 1200; ++i) records.push_back(commune.create("A" + std::to_string(i)));
  seals();
  const AgencyId reader = offices.province_id;  // a superior, no neighbour
  const auto end = [&] { return commune.replica().feed_end(FeedKind::kUpdates, reader); };
  commune.commit([&](Transaction& t) { ASSERT_TRUE(t.begin_feed(reader).ok()); });
  EXPECT_EQ(end().epoch, 0U) << "not whole";
  EXPECT_FALSE(commune.replica().feed_digest(FeedKind::kUpdates, reader).has_value());
  EXPECT_TRUE(commune.replica().feed_ids(FeedKind::kUpdates, reader, 1, 10).empty());
  // Of what was gone through, of what was not, and new.
  ASSERT_TRUE(commune.set_unit(records.front(), "một").ok());
  ASSERT_TRUE(commune.set_unit(records.back(), "hai").ok());
  commune.create("B");
  commune.restart();
  EXPECT_EQ(end().epoch, 0U);
  int steps = 0;
  for (bool more = true; more; ++steps)
    commune.commit([&](Transaction& t) { more = t.fill_feeds(); });
  EXPECT_EQ(steps, 2);
  EXPECT_NE(end().epoch, 0U);
  EXPECT_EQ(end().number, 1203U);
  const auto whole = commune.replica().feed_digest(FeedKind::kUpdates, reader);
  const auto other = commune.replica().feed_digest(FeedKind::kUpdates, offices.district_id);
  ASSERT_TRUE(whole && other);
  EXPECT_TRUE(whole->same_set(*other)) << "each once";
  commune.restart();
  EXPECT_EQ(end(), whole->mark);
  commune.commit([&](Transaction& t) { EXPECT_FALSE(t.fill_feeds()); });
  EXPECT_TRUE(commune.replica().verify_states().empty());
}

}  // namespace
}  // namespace lienthong::test
