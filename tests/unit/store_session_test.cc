// Sessions between real replicas: what flows beside healing, and names that begin alike.
#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/record/codec.h"
#include "protocol/record/fields.h"
#include "tests/support/replica_session.h"

namespace lienthong::test {
namespace {

class ReplicaSessions : public ::testing::Test {
 protected:
  ReplicaSessions() : offices(1) {}
  Offices offices;
  Office& province = *offices.province;
  Office& district = *offices.district;
  Office& commune = *offices.commune;
  RecordId first;

  bool holds(Office& office, const RecordId& record) {
    return office.replica().find_record(record).has_value();
  }
  // The district holds 300 dossiers of the commune, lacks one, and has lost its cursor.
  RecordId loses_the_cursor() {
    first = commune.create("A0");
    for (int i = 1; i < 300; ++i) commune.create("A" + std::to_string(i));
    settle({&commune, &district});
    const RecordId missing = commune.create("B");
    commune.commit([&](store::Transaction& transaction) {
      ASSERT_TRUE(transaction.seal_pending(district.agency()).ok());
    });
    const NodeId writer = commune.node().id();
    district.commit([&](store::Transaction& transaction) {
      FeedMark mark = transaction.cursor(FeedKind::kUpdates, writer).mark;
      mark.epoch ^= 4;
      transaction.set_cursor(FeedKind::kUpdates, writer, mark);
    });
    return missing;
  }
  Cursor lost() { return district.replica().cursor(FeedKind::kUpdates, commune.node().id()); }
};

// The commune dials with what is new since the district was last heard.
class FirstMessages : public ReplicaSessions {
 protected:
  FirstMessages() {
    first = commune.create("A0");
    for (int i = 1; i < 40; ++i) commune.create("A" + std::to_string(i));
    EXPECT_TRUE(commune.write(first, UpdateKind::kOffer, district.agency()).ok());
    settle({&commune, &district});
    heard = {commune.replica().heard_cursor(FeedKind::kRegistry, district.node().id()),
             commune.replica().heard_cursor(FeedKind::kUpdates, district.node().id())};
    heard[0].mark = commune.replica().feed_end(FeedKind::kRegistry, district.agency());
    heard[1].mark = commune.replica().feed_end(FeedKind::kUpdates, district.agency());
  }
  void writes(const std::string& name, int count) {
    for (int i = 0; i < count; ++i) commune.create(name + std::to_string(i));
    commune.commit([&](store::Transaction& transaction) {
      ASSERT_TRUE(transaction.seal_pending(district.agency()).ok());
    });
  }
  // Something for the commune: with it goes what the district carries back.
  void answers(ReplicaPair& pair) {
    ASSERT_TRUE(district
                    .write(first, district.state(first).holder == district.agency()
                                      ? UpdateKind::kNote
                                      : UpdateKind::kAccept)
                    .ok());
    pair.b.grown();
    pair.run();
    EXPECT_TRUE(pair.a.drained() && pair.b.drained());
  }
  // The district acknowledged all but the last so many.
  void last_heard_before(std::uint64_t count) {
    const store::Replica& replica = commune.replica();
    FeedMark& mark = heard[1].mark;
    mark = replica.feed_end(FeedKind::kUpdates, district.agency());
    mark.number -= count;
    mark.hash = *replica.feed_hash(FeedKind::kUpdates, district.agency(), mark.number);
  }
  SessionConfig dialling(std::uint64_t number) {
    SessionConfig config =
        ReplicaEnd::config(commune, offices.deployment, &district, number, kFeaturesOfThisProgram);
    config.heard = heard;
    config.early_ends = ends;
    return config;
  }
  // One that never comes up: what it bears arrives (stored there, the answer lost) or does not.
  void swallowed(std::uint64_t number, bool arrives) {
    ReplicaPair pair(offices.deployment, commune, district, dialling(number));
    ends = pair.a.driver->early_ends();
    pair.a.driver->perform();
    if (arrives) pair.pass(pair.a, pair.b);
  }
  std::array<Cursor, 2> heard;
  std::array<std::vector<std::uint64_t>, 2> ends;
};

TEST_F(FirstMessages, MayRepeatThemselvesAndNothingIsCarriedBack) {
  for (const bool arrived : {true, false}) {
    const std::uint64_t number = arrived ? 2 : 4;
    writes(arrived ? "B" : "C", 50);
    last_heard_before(50);
    ends = {};
    swallowed(number - 1, arrived);
    ASSERT_FALSE(ends[1].empty());
    writes(arrived ? "BB" : "CC", 5);
    ReplicaPair pair(offices.deployment, commune, district, dialling(number));
    pair.run();
    EXPECT_TRUE(pair.a.drained() && pair.b.drained());
    EXPECT_EQ(pair.b.added, arrived ? 5U : 55U);
    EXPECT_EQ(pair.b.duplicates, arrived ? 50U : 0U);
    answers(pair);
    EXPECT_EQ(pair.a.duplicates, 0U) << "what the commune delivered, or the district, comes back";
  }
}

// What came does not end where the next first message would end: then it looks like a disk that is
// an older copy, and costs bytes, but nothing is lost.
TEST_F(FirstMessages, ThatRepeatInOtherPartsAreTakenForAnOlderDisk) {
  writes("B", 50);
  last_heard_before(50);
  swallowed(1, true);
  ends = {};
  writes("BB", 5);
  ReplicaPair pair(offices.deployment, commune, district, dialling(2));
  pair.run();
  EXPECT_TRUE(pair.a.drained() && pair.b.drained());
  EXPECT_EQ(pair.b.added, 5U);
  EXPECT_EQ(pair.b.duplicates, 50U);
  answers(pair);
  EXPECT_GT(pair.a.duplicates, 0U) << "carried back";
}

TEST_F(ReplicaSessions, CustodyGoesOnWhileALostCursorHeals) {
  const RecordId missing = loses_the_cursor();
  const Cursor before = lost();
  ReplicaPair pair(offices.deployment, commune, district);
  pair.a.scans = pair.b.scans = false;
  pair.run();
  ASSERT_FALSE(holds(district, missing));
  ASSERT_TRUE(commune.write(first, UpdateKind::kOffer, district.agency()).ok());
  pair.a.grown();
  pair.run();
  EXPECT_EQ(district.state(first).offered, district.agency());
  ASSERT_FALSE(pair.a.told[1].ranges.empty());
  EXPECT_EQ(pair.a.told[1].ranges.back().last,
            commune.replica().feed_position(district.agency(), commune.state(first).chain[1].id))
      << "acknowledged as a range";
  ASSERT_TRUE(district.write(first, UpdateKind::kAccept).ok());
  pair.b.grown();
  pair.run();
  EXPECT_EQ(commune.state(first).holder, district.agency()) << "both ways";
  EXPECT_FALSE(holds(district, missing)) << "while the difference is not known yet";
  EXPECT_EQ(lost(), before) << "or a cut would leave a cursor that fits and lacks what it names";

  pair.scan();
  EXPECT_TRUE(holds(district, missing));
  ASSERT_EQ(pair.a.reports.size(), 1U);
  EXPECT_EQ(pair.a.reports.front().outcome, HealOutcome::kHealed);
  EXPECT_TRUE(pair.a.drained() && pair.b.drained());
  EXPECT_EQ(pair.b.duplicates, 1U) << "the dossier's creation, on which the offer stands";
  EXPECT_EQ(lost().mark, commune.replica().feed_end(FeedKind::kUpdates, district.agency()));
  EXPECT_EQ(pair.a.duplicates, 0U) << "nothing that came by healing goes back";
  commune.create("C");
  pair.a.grown();
  pair.run();
  EXPECT_TRUE(pair.a.drained());
  EXPECT_EQ(pair.b.duplicates, 1U);
}

TEST_F(ReplicaSessions, HealAgainAfterACutAmidHealing) {
  const RecordId missing = loses_the_cursor();
  {
    ReplicaPair pair(offices.deployment, commune, district);
    pair.a.scans = pair.b.scans = false;
    pair.run();
    ASSERT_TRUE(commune.write(first, UpdateKind::kOffer, district.agency()).ok());
    pair.a.grown();
    pair.run();
    ASSERT_EQ(district.state(first).offered, district.agency());
  }
  ReplicaPair pair(offices.deployment, commune, district, 2);
  pair.run();
  EXPECT_TRUE(holds(district, missing));
  ASSERT_EQ(pair.a.reports.size(), 1U);
  EXPECT_EQ(pair.a.reports.front().outcome, HealOutcome::kHealed);
  EXPECT_EQ(pair.b.added, 1U);
  EXPECT_EQ(pair.b.duplicates, 0U) << "the feed was not sent from its start";
  EXPECT_TRUE(pair.a.drained() && pair.b.drained());
}

// A cut amid healing: what was stored counts, and the next session brings the rest alone.
TEST_F(ReplicaSessions, ACutAmidHealingLosesNothingOfWhatWasStored) {
  loses_the_cursor();
  for (int i = 0; i < 250; ++i) commune.create("C" + std::to_string(i));
  commune.commit([&](store::Transaction& transaction) {
    ASSERT_TRUE(transaction.seal_pending(district.agency()).ok());
  });
  std::size_t sent_first = 0, stored_first = 0;
  {
    ReplicaPair pair(offices.deployment, commune, district);
    pair.a.session().set_sizes(1024, 1024);  // small parts
    for (int turn = 0; turn < 200 && pair.b.added < 120; ++turn) {
      pair.a.driver->perform();
      pair.b.driver->perform();
      if (!pair.b.outgoing.empty()) pair.pass(pair.b, pair.a);
      // Of what the commune has to say only so much arrives before the cut.
      Bytes all = std::exchange(pair.a.outgoing, {});
      const std::size_t some = std::min<std::size_t>(all.size(), 3000);
      pair.a.outgoing.assign(all.begin() + static_cast<std::ptrdiff_t>(some), all.end());
      const auto taken = pair.b.driver->on_bytes(ByteView(all).first(some));
      ASSERT_TRUE(taken.ok()) << taken.error().message();
      sent_first += some;
    }
    stored_first = pair.b.added;
    EXPECT_TRUE(pair.a.reports.empty() && pair.b.reports.empty()) << "amid healing";
  }
  ASSERT_GE(stored_first, 100U);
  ASSERT_LT(stored_first, 200U);
  ReplicaPair pair(offices.deployment, commune, district, 2);
  std::size_t sent_second = 0;
  for (bool more = true; more;) {
    pair.a.driver->perform();
    pair.b.driver->perform();
    sent_second += pair.a.outgoing.size();
    more = !pair.a.outgoing.empty() || !pair.b.outgoing.empty();
    if (!pair.a.outgoing.empty()) pair.pass(pair.a, pair.b);
    if (!pair.b.outgoing.empty()) pair.pass(pair.b, pair.a);
  }
  EXPECT_EQ(pair.b.added, 251 - stored_first);
  EXPECT_EQ(pair.b.duplicates, 0U);
  EXPECT_EQ(pair.a.reports.front().outcome, HealOutcome::kHealed);
  EXPECT_EQ(lost().mark, commune.replica().feed_end(FeedKind::kUpdates, district.agency()));
  EXPECT_TRUE(pair.a.drained() && pair.b.drained());
  // 250 of them, and no more, took what both sessions sent; all of the feed is 550.
  EXPECT_LT(sent_second, (sent_first + sent_second) * 2 / 3);
}

TEST_F(ReplicaSessions, HealsInFullWithAProgramThatKnowsNoShortNamesThere) {
  const RecordId missing = loses_the_cursor();
  ReplicaPair pair(offices.deployment, commune, district, 1, kFeatureHealing);
  pair.run();
  EXPECT_TRUE(holds(district, missing));
  EXPECT_EQ(pair.a.reports.front().outcome, HealOutcome::kHealed);
  EXPECT_TRUE(pair.a.drained() && pair.b.drained());
}

// Another program's verdict on work of ours: somebody here must be able to see it.
TEST_F(ReplicaSessions, WhatANeighbourRefusesIsListedHere) {
  const RecordId record = commune.create("A");
  const UpdateId update = commune.state(record).heads.front();
  ReplicaEnd here(offices.deployment, commune, &district, 1, kFeaturesOfThisProgram,
                  ReplicaPair::kStart);
  SessionConfig config = ReplicaEnd::config(district, offices.deployment, nullptr, 0, 0);
  config.last_session_number = [](const NodeId&) { return 0; };
  Session there(district.replica(), std::move(config), ReplicaPair::kStart);
  const auto hear = [&](Action& action) {
    if (const auto* send = std::get_if<SendBytes>(&action)) {
      ASSERT_TRUE(here.driver->on_bytes(send->bytes).ok());
    } else if (const auto* part = std::get_if<StorePart>(&action)) {
      Cursor cursor;
      for (const CursorRange& range : part->part.covered)
        cursor.add(part->part.epoch, range.first, range.last, range.hash);
      std::vector<UpdateId> refused;
      if (part->kind == FeedKind::kUpdates) refused.push_back(update);
      there.on_stored(part->token, cursor, refused, "bad-seal: by way of trial",
                      ReplicaPair::kStart);
    }
  };
  for (here.driver->start(); !here.outgoing.empty(); here.driver->perform()) {
    ASSERT_TRUE(there.on_bytes(std::exchange(here.outgoing, {}), ReplicaPair::kStart).ok());
    for (auto actions = there.take_actions(); !actions.empty(); actions = there.take_actions())
      for (Action& action : actions) hear(action);
  }
  const auto listed = commune.replica().refused(10);
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed.front().id, update);
  EXPECT_EQ(listed.front().from, district.node().id());
  EXPECT_EQ(listed.front().reason, "bad-seal: by way of trial");
}

// ---- names that begin alike ----

// A dossier's first update, made by hand: which one of many is told by the counter of its clock.
struct Draft {
  RootFingerprint root;
  Update update;

  Draft(const RootFingerprint& r, const TestNode& author, std::string_view code) : root(r) {
    OpenBody open;
    open.kind = UpdateKind::kCreated;
    open.writes = {{static_cast<std::uint16_t>(Field::kCode), std::string(code)}};
    ClosedBody closed;
    update.secret.emplace().fill(static_cast<std::uint8_t>(code.back()));
    update.envelope.certificate = author.certificate;
    update.open = wire::encode(open);
    update.closed = wire::encode(closed);
  }
  UpdateId number(std::uint64_t n) {
    update.envelope.hlc.value = Hlc::at(1'680'307'200'000).value + n;
    update.closed_hash =
        closed_part_hash(root, *update.secret, encode_envelope(update.envelope), update.closed);
    return update_id(root, update);
  }
  FeedPart sealed(TestNode author) {
    const std::array leaves{id_cast<Hash256>(update_id(root, update))};
    FeedPart part;
    part.units.emplace_back().seal = author.seal(root, leaves);
    part.units.back().leaves.push_back(SealedLeaf{0, update});
    return part;
  }
};

std::uint64_t beginning(const UpdateId& id, std::size_t bytes) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < bytes; ++i) out = out << 8 | id.bytes[i];
  return out;
}

// Sets both to first updates whose ids share so many bytes; so many tries of each.
bool begin_alike(Draft& one, Draft& other, std::size_t bytes, std::uint64_t tries,
                 const std::pair<std::uint64_t, std::uint64_t>& found) {
  if (beginning(one.number(found.first), bytes) == beginning(other.number(found.second), bytes))
    return true;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ones;
  ones.reserve(tries);
  for (std::uint64_t n = 0; n < tries; ++n) ones.emplace_back(beginning(one.number(n), bytes), n);
  std::ranges::sort(ones);
  for (std::uint64_t n = 0; n < tries; ++n) {
    const std::uint64_t wanted = beginning(other.number(n), bytes);
    const auto at = std::ranges::lower_bound(ones, std::pair{wanted, std::uint64_t{0}});
    if (at == ones.end() || at->first != wanted) continue;
    one.number(at->second);
    ADD_FAILURE() << "faster with found = {" << at->second << ", " << n << "}";
    return true;
  }
  return false;
}

class NamesThatBeginAlike : public ReplicaSessions,
                            public ::testing::WithParamInterface<std::size_t> {
 protected:
  // A dossier of another district that the province holds too, and this district does not.
  void SetUp() override {
    const AgencyId elsewhere = offices.deployment.add_agency(offices.province_id, "H47.519",
                                                             "Huyện Núi Thành", "district");
    const TestNode& stranger = offices.deployment.add_node(elsewhere);
    for (Office* office : {&province, &district})
      office->commit([&](store::Transaction& transaction) {
        for (const Statement& statement : offices.deployment.statements())
          static_cast<void>(transaction.add_statement(statement).ok());
      });
    Draft ours(offices.deployment.root(), commune.node(), "A");
    Draft theirs(offices.deployment.root(), stranger, "B");
    // What the search comes to, which takes seconds; should ids be made otherwise, it searches.
    const bool four = GetParam() == 4;
    const std::pair<std::uint64_t, std::uint64_t> found =
        four ? std::pair{94'765ULL, 52'393ULL} : std::pair{3'084'042ULL, 728'894ULL};
    ASSERT_TRUE(begin_alike(ours, theirs, GetParam(), four ? 1U << 17 : 1U << 22, found));
    record = id_cast<RecordId>(update_id(ours.root, ours.update));
    other = id_cast<RecordId>(update_id(ours.root, theirs.update));
    take(district, commune.node(), ours.sealed(commune.node()));
    settle({&district, &province});
    ASSERT_TRUE(holds(province, record));
    take(province, stranger, theirs.sealed(stranger));
    ASSERT_FALSE(holds(district, other));
  }
  void take(Office& office, const TestNode& from, const FeedPart& part) {
    office.commit([&](store::Transaction& transaction) {
      const auto outcome = transaction.receive(FeedKind::kUpdates, from.id(), from.agency, part);
      ASSERT_TRUE(outcome.ok() && outcome->added == 1);
    });
  }
  std::size_t updates(Office& office) {
    return office.replica().find_record(record)->updates.size();
  }
  RecordId record, other;
};

TEST_P(NamesThatBeginAlike, AreUnclearThenSentInFull) {
  ASSERT_TRUE(std::ranges::equal(record.view().first(GetParam()), other.view().first(GetParam())));
  ReplicaPair pair(offices.deployment, district, province);
  pair.run();
  ASSERT_TRUE(pair.a.drained() && pair.b.drained());
  ASSERT_TRUE(district.write(record, UpdateKind::kNote).ok());
  pair.a.grown();
  pair.run();
  EXPECT_EQ(pair.b.unclear, 2U);  // also with its parents named in short
  EXPECT_EQ(updates(province), 2U);
  EXPECT_TRUE(pair.a.drained() && pair.b.drained());
  // Who holds both names longer from the start.
  ASSERT_TRUE(province.write(record, UpdateKind::kNote).ok());
  pair.b.grown();
  pair.run();
  EXPECT_EQ(pair.a.unclear, 0U);
  EXPECT_EQ(updates(district), 3U);
  EXPECT_TRUE(pair.a.drained() && pair.b.drained());
  EXPECT_EQ(province.state(record).heads, district.state(record).heads);
}
INSTANTIATE_TEST_SUITE_P(Bytes, NamesThatBeginAlike, ::testing::Values(4, 5));

}  // namespace
}  // namespace lienthong::test
