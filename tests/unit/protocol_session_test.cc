// Sessions that go as they should, and peers that are not who they should be.
#include <gtest/gtest.h>

#include "protocol/session/hello.h"
#include "protocol/wire/message.h"
#include "tests/support/session_world.h"

namespace lienthong::test {
namespace {

TEST(Session, ExchangesBothFeedsBothWays) {
  for (const bool knows_key : {true, false}) {
    World world;
    world.fill(20);
    End a(world.leaf_replica, world.dialling(knows_key), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    run(a, b, world.now);
    ASSERT_TRUE(a.established && b.established);
    EXPECT_EQ(a.established->node, world.hub.id());
    EXPECT_EQ(a.established->agency, world.district);
    EXPECT_EQ(b.established->certificate, world.leaf.certificate);
    EXPECT_EQ(b.established->session_number, 1U);
    EXPECT_EQ(b.established->program_version, "0.1.0");
    EXPECT_EQ(b.established->registry_check, registry_check(world.deployment.registry()->digest()));
    EXPECT_TRUE(a.established->presented.empty());
    EXPECT_TRUE(world.all_agree());
    EXPECT_TRUE(drained(a) && drained(b));
    EXPECT_EQ(a.session.stats().pending_out, 0U);
    EXPECT_EQ(a.session.stats().pending_in, 0U);
  }
}

TEST(Session, SendsTheRegistryBeforeAnyUpdate) {
  World world;
  world.fill(5);
  End a(world.leaf_replica, world.dialling(), world.now);
  SessionConfig config = world.answering();
  config.part_bytes_max = 500;
  End b(world.hub_replica, std::move(config), world.now);
  run(a, b, world.now);
  bool updates_begun = false;
  for (const StorePart& part : a.parts) {
    if (part.kind == FeedKind::kUpdates) updates_begun = true;
    EXPECT_FALSE(updates_begun && part.kind == FeedKind::kRegistry);
  }
  EXPECT_TRUE(updates_begun);
  EXPECT_TRUE(world.all_agree());
}

// A later program's dictionary, or none at all: both sides use what both have.
TEST(Session, GetsThroughWhateverDictionaryTheOtherProgramKnows) {
  std::vector<std::uint64_t> sent;
  for (const std::uint64_t theirs : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{9}}) {
    for (const bool they_dial : {false, true}) {
      World world;
      world.fill(20);
      SessionConfig dialling = world.dialling(), answering = world.answering();
      (they_dial ? dialling : answering).dictionary = theirs;
      End a(world.leaf_replica, std::move(dialling), world.now);
      End b(world.hub_replica, std::move(answering), world.now);
      run(a, b, world.now);
      EXPECT_FALSE(a.closed || b.closed);
      EXPECT_TRUE(world.all_agree());
      sent.push_back(a.session.stats().sent_bytes);
    }
  }
  EXPECT_GT(sent[0], sent[2]);  // without one
  EXPECT_EQ(sent[4], sent[2]);
}

TEST(Session, TakesBytesOneAtATimeWithTheSameActions) {
  std::string logs[2];
  Bytes sent[2];
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{1} << 20}) {
    World world;
    world.fill(6);
    End a(world.leaf_replica, world.dialling(), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    // Nothing is stored before all has come: acknowledgements are gathered per take_actions().
    a.stores_at_once = b.stores_at_once = false;
    run(a, b, world.now, chunk);
    // What is told of the other's cursor may come before or after a part.
    std::ranges::sort(a.log);
    std::ranges::sort(b.log);
    logs[chunk == 1] = a.log + "|" + b.log;
    sent[chunk == 1] = a.sent;
    a.store_waiting(world.now);
    b.store_waiting(world.now);
    run(a, b, world.now, chunk);
    EXPECT_TRUE(world.all_agree());
    EXPECT_TRUE(drained(a) && drained(b));
  }
  EXPECT_EQ(logs[0], logs[1]);
  EXPECT_EQ(sent[0], sent[1]);
}

TEST(Session, ResumesAfterACutAtAnyByteWithNothingStoredSentTwice) {
  World world;
  world.hub_replica.add_statement(world.deployment.statements().front());
  world.hub_replica.write(world.hub, "một");
  world.leaf_replica.write(world.leaf, "hai");
  world.leaf_replica.write(world.leaf, "ba");
  std::size_t total = SIZE_MAX;
  for (std::size_t cut = SIZE_MAX; cut == SIZE_MAX || cut < total; ++cut) {
    FakeReplica leaf_replica = world.leaf_replica;
    FakeReplica hub_replica = world.hub_replica;
    const auto talk = [&](std::size_t budget) {
      SessionConfig dialling = world.dialling();
      SessionConfig answering = world.answering();
      dialling.part_bytes_max = answering.part_bytes_max = 400;
      End a(leaf_replica, std::move(dialling), world.now);
      End b(hub_replica, std::move(answering), world.now);
      const std::size_t bytes = run(a, b, world.now, 1U << 20, budget);
      EXPECT_TRUE(budget < SIZE_MAX || (drained(a) && drained(b))) << "cut at " << cut;
      return bytes;
    };
    if (cut == SIZE_MAX) {
      total = talk(SIZE_MAX);
    } else {
      talk(cut);
      talk(SIZE_MAX);
    }
    ASSERT_TRUE(leaf_replica.received_once(hub_replica)) << "cut at " << cut;
    ASSERT_TRUE(hub_replica.received_once(leaf_replica)) << "cut at " << cut;
  }
  EXPECT_GT(total, 1000U);
}

TEST(Session, AcknowledgesNothingBeforeItIsStored) {
  World world;
  world.fill(3);
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  b.stores_at_once = false;
  run(a, b, world.now);
  EXPECT_EQ(b.waiting.size(), 1U);
  for (const PeerCursor& heard : a.peer_cursors) EXPECT_EQ(heard.cursor.mark.number, 0U);
  EXPECT_FALSE(a.session.stats().drained_out);
  EXPECT_FALSE(b.session.stats().drained_in);
  EXPECT_EQ(a.session.stats().pending_out, 3U);
  EXPECT_EQ(b.session.stats().pending_in, 3U);
  EXPECT_GE(b.session.stats().pending_in_bytes, b.waiting.front().part.body.size());
  EXPECT_EQ(a.session.stats().pending_in_bytes, 0U);
  b.store_waiting(world.now);
  EXPECT_EQ(b.session.stats().pending_in_bytes, 0U);
  run(a, b, world.now);
  EXPECT_EQ(a.peer_cursors.back().cursor.mark.number, 3U);
  EXPECT_TRUE(drained(a) && drained(b));
}

TEST(Session, GathersAcknowledgementsOfOneFeed) {
  World world;
  world.fill(6);
  SessionConfig config = world.dialling();
  config.part_bytes_max = 1;
  End a(world.leaf_replica, std::move(config), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  b.stores_at_once = false;
  run(a, b, world.now);
  ASSERT_EQ(b.waiting.size(), 6U);
  const std::size_t heard_before = a.peer_cursors.size();
  b.store_waiting(world.now);
  run(a, b, world.now);
  EXPECT_EQ(a.peer_cursors.size(), heard_before + 1);
  EXPECT_EQ(a.peer_cursors.back().cursor.mark.number, 6U);
}

TEST(Session, SendsWhatIsNewWhenTheFeedGrows) {
  World world;
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  EXPECT_TRUE(drained(a) && drained(b));
  world.leaf_replica.write(world.leaf, "mới");
  EXPECT_FALSE(a.session.stats().drained_out);
  a.session.on_feed_grown(world.now);
  run(a, b, world.now);
  EXPECT_TRUE(world.all_agree());
  EXPECT_TRUE(drained(a) && drained(b));
}

TEST(Session, RespectsTheWindowOfBothSides) {
  for (const bool at_sender : {true, false}) {
    World world;
    for (int i = 0; i < 60; ++i) world.leaf_replica.write(world.leaf, "x", 1000);
    SessionConfig sender = world.dialling();
    SessionConfig receiver = world.answering();
    (at_sender ? sender : receiver).window_bytes = 16 * 1024;
    sender.part_bytes_max = 4 * 1024;
    End a(world.leaf_replica, std::move(sender), world.now);
    End b(world.hub_replica, std::move(receiver), world.now);
    b.stores_at_once = false;
    run(a, b, world.now);
    std::size_t bytes = 0;
    for (const StorePart& part : b.waiting) {
      bytes += wire::encode_message(wire::PartMessage{part.kind, part.part}).size();
    }
    EXPECT_LE(bytes, 16U * 1024);
    EXPECT_GT(bytes, 8U * 1024);
    EXPECT_TRUE(store_to_the_end(a, b, world.now));
    EXPECT_TRUE(world.all_agree());
  }
}

TEST(Session, StartsFromNothingWhenTheCursorDoesNotFit) {
  World world;
  world.fill(3);
  Cursor stale;
  stale.mark = FeedMark{11, 2, 12345};  // right epoch, another history
  world.hub_replica.set_cursor(FeedKind::kUpdates, world.leaf.id(), stale);
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  EXPECT_TRUE(world.hub_replica.received_once(world.leaf_replica));
  EXPECT_TRUE(drained(a));
}

// A part of an old epoch that came once more has taken the reader's cursor with it.
TEST(Session, GoesBackToWhereThePeerHasLostItsPlace) {
  World world;
  world.fill(3);
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  ASSERT_TRUE(drained(a) && drained(b));
  Cursor old;
  old.add(10, 1, 2, 12345);
  world.hub_replica.set_cursor(FeedKind::kUpdates, world.leaf.id(), old);
  world.leaf_replica.write(world.leaf, "more");
  a.session.on_feed_grown(world.now);
  run(a, b, world.now);
  EXPECT_FALSE(a.closed || b.closed);
  EXPECT_TRUE(drained(a) && drained(b));
  const FeedMark end = world.leaf_replica.feed_end(FeedKind::kUpdates, world.district);
  EXPECT_EQ(world.hub_replica.cursor(FeedKind::kUpdates, world.leaf.id()).mark, end);
}

TEST(Session, PassesOverRangesThatThePeerHas) {
  World world;
  world.fill(6);
  Cursor cursor;
  const auto& feed = world.leaf_replica.feed(FeedKind::kUpdates);
  cursor.add(11, 3, 4, feed[3].hash);
  world.hub_replica.set_cursor(FeedKind::kUpdates, world.leaf.id(), cursor);
  SessionConfig config = world.dialling();
  config.part_bytes_max = 1;
  End a(world.leaf_replica, std::move(config), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  EXPECT_EQ(world.hub_replica.received().size(), 4U);
  EXPECT_TRUE(drained(a) && drained(b));
}

TEST(Session, CoversByNumberWhatThePeerDelivered) {
  World world;
  world.fill(2);
  const auto unit = std::get<SealedUnit>(world.hub_replica.feed(FeedKind::kUpdates)[0].content);
  world.leaf_replica.add_unit(unit, world.hub.id());
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  EXPECT_EQ(world.hub_replica.received().size(), 2U);
  EXPECT_TRUE(drained(a) && drained(b));
}

TEST(Session, TellsThePeerWhatWasRefused) {
  World world;
  world.fill(1);
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  b.stores_at_once = false;
  run(a, b, world.now);
  ASSERT_EQ(b.waiting.size(), 1U);
  const UpdateId id = UpdateId::from(world.leaf_replica.feed(FeedKind::kUpdates)[0].id);
  FeedPart part;
  part.epoch = b.waiting[0].part.epoch;
  part.covered = b.waiting[0].part.covered;
  const Cursor cursor = world.hub_replica.store(FeedKind::kUpdates, world.leaf.id(), part);
  b.session.on_stored(b.waiting[0].token, cursor, {id}, "bad\nform", world.now);
  run(a, b, world.now);
  ASSERT_EQ(a.refusals.size(), 1U);
  EXPECT_EQ(a.refusals[0].ids, std::vector<UpdateId>{id});
  EXPECT_EQ(a.refusals[0].reason, "bad?form");
  EXPECT_TRUE(drained(a));
}

TEST(Session, StopsThePeerWhenAPartCouldNotBeStoredAndGoesOnAfterwards) {
  World world;
  world.fill(3);
  SessionConfig config = world.dialling();
  config.part_bytes_max = 1024;
  End a(world.leaf_replica, std::move(config), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  b.stores_at_once = false;
  run(a, b, world.now);
  const Error full(Errc::kDiskFull, "no room on /var");
  for (const StorePart& part : std::exchange(b.waiting, {})) {
    b.session.on_store_failed(part.token, full, world.now);
  }
  run(a, b, world.now);
  EXPECT_FALSE(a.session.closed() || b.session.closed());
  ASSERT_EQ(a.lanes.size(), 1U);
  EXPECT_EQ(a.lanes[0].closed, 0x1e);
  EXPECT_NE(a.lanes[0].reason.find("no room on /var"), std::string::npos);
  world.leaf_replica.write(world.leaf, "viết thêm");
  a.session.on_feed_grown(world.now);
  run(a, b, world.now);
  EXPECT_TRUE(b.waiting.empty()) << "nothing is sent meanwhile";
  b.stores_at_once = true;
  b.session.on_store_resumed(world.now);
  run(a, b, world.now);
  EXPECT_EQ(a.lanes.back().closed, 0);
  EXPECT_TRUE(world.all_agree());
  EXPECT_TRUE(drained(a) && drained(b));
}

TEST(Session, HidesThePlaintextOfUpdates) {
  World world;
  const std::string secret = "Nguyen Thi Hoa, 049184000123";
  world.leaf_replica.write(world.leaf, secret);
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  ASSERT_TRUE(world.hub_replica.received_once(world.leaf_replica));
  EXPECT_EQ(as_text(a.sent).find("Nguyen"), std::string_view::npos);
  EXPECT_EQ(as_text(a.sent).find("0491840"), std::string_view::npos);
}

// ---- who is there ----

TEST(Session, PresentsCredentialsToAPeerThatLacksThem) {
  for (const bool knows_key : {true, false}) {
    World world;
    // The hub knows only itself; the leaf knows all.
    auto small = Registry::create(world.deployment.root(), world.deployment.statements().front());
    ASSERT_TRUE(small.ok());
    FakeReplica hub_replica(std::make_shared<const Registry>(*std::move(small)), 22);
    End a(world.leaf_replica, world.dialling(knows_key), world.now);
    End b(hub_replica, world.answering(), world.now);
    run(a, b, world.now);
    ASSERT_TRUE(a.established && b.established);
    EXPECT_EQ(b.established->node, world.leaf.id());
    EXPECT_EQ(b.established->presented.size(), world.credentials(world.leaf).size() - 1);
    EXPECT_TRUE(drained(a) && drained(b));
  }
}

TEST(Session, AsksForTheCredentialsOfTheAnsweringSide) {
  for (const bool knows_key : {true, false}) {
    World world;
    auto small = Registry::create(world.deployment.root(), world.deployment.statements().front());
    ASSERT_TRUE(small.ok());
    FakeReplica leaf_replica(std::make_shared<const Registry>(*std::move(small)), 11);
    leaf_replica.write(world.leaf, "x");
    End a(leaf_replica, world.dialling(knows_key), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    run(a, b, world.now);
    ASSERT_TRUE(a.established && b.established);
    EXPECT_EQ(a.established->agency, world.district);
    EXPECT_FALSE(a.established->presented.empty());
    EXPECT_TRUE(world.hub_replica.received_once(leaf_replica));
  }
}

TEST(Session, RefusesAnotherRoot) {
  World world(1), foreign(2);
  {
    SessionConfig config = foreign.dialling();
    config.peer_dh_key = world.hub.dh_key.public_key();
    End a(foreign.leaf_replica, std::move(config), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    run(a, b, world.now);
    EXPECT_EQ(code(b), CloseCode::kWrongRoot);
    EXPECT_FALSE(a.established || b.established);
  }
  {
    End a(foreign.leaf_replica, foreign.dialling(false), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    run(a, b, world.now);
    EXPECT_EQ(code(a), CloseCode::kWrongRoot);
    EXPECT_FALSE(a.established || b.established);
  }
}

TEST(Session, RefusesAPeerWithoutCertificate) {
  for (const bool knows_key : {true, false}) {
    World world;
    const TestNode stranger = world.deployment.make_node(world.commune);
    SessionConfig config = world.dialling(knows_key);
    config.dh_key = stranger.dh_key;
    config.node = stranger.id();
    config.credentials.clear();
    End a(world.leaf_replica, std::move(config), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    run(a, b, world.now);
    EXPECT_EQ(code(b), CloseCode::kNoCertificate);
    EXPECT_EQ(code(a), CloseCode::kNoCertificate);
    EXPECT_FALSE(b.established);
  }
}

TEST(Session, RefusesACertificateOfAnotherRoot) {
  for (const bool with_genesis : {true, false}) {
    World world(1), foreign(2);
    SessionConfig config = world.dialling();
    config.dh_key = foreign.leaf.dh_key;
    config.node = foreign.leaf.id();
    config.credentials = foreign.credentials(foreign.leaf);
    if (!with_genesis) config.credentials.erase(config.credentials.begin());
    End a(world.leaf_replica, std::move(config), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    run(a, b, world.now);
    EXPECT_EQ(code(b), with_genesis ? CloseCode::kWrongRoot : CloseCode::kNoCertificate);
    EXPECT_EQ(code(a), code(b));
    EXPECT_FALSE(b.established);
  }
}

TEST(Session, RefusesAnAnswerByAnotherAgencyThanTheOneDialled) {
  World world;
  SessionConfig config = world.dialling(false);
  config.expected_agency = world.other_commune;
  End a(world.leaf_replica, std::move(config), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  EXPECT_EQ(code(a), CloseCode::kWrongAgency);
  EXPECT_EQ(code(b), CloseCode::kWrongAgency);
  EXPECT_FALSE(a.established);
}

Statement revocation_of(World& world, const TestNode& node) {
  Revocation revocation;
  revocation.node = node.id();
  revocation.reason = "stolen";
  revocation.decided_at = world.deployment.tick();
  return world.hub.say(world.deployment.root(), revocation);
}

TEST(Session, RefusesARevokedNode) {
  for (const bool knows_key : {true, false}) {
    World world;
    world.deployment.add(revocation_of(world, world.leaf));
    world.hub_replica.set_registry(world.deployment.registry());
    End a(world.leaf_replica, world.dialling(knows_key), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    run(a, b, world.now);
    EXPECT_EQ(code(b), CloseCode::kNotBelieved);
    EXPECT_EQ(code(a), CloseCode::kNotBelieved);
    EXPECT_FALSE(b.established);
  }
}

TEST(Session, EndsWhenThePeerIsRevoked) {
  World world;
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  world.deployment.add(revocation_of(world, world.leaf));
  world.hub_replica.set_registry(world.deployment.registry());
  b.session.on_feed_grown(world.now);
  run(a, b, world.now);
  EXPECT_EQ(code(b), CloseCode::kNotBelieved);
  EXPECT_EQ(code(a), CloseCode::kNotBelieved);
}

TEST(Session, RefusesItself) {
  World world;
  SessionConfig config = world.config(world.hub);
  config.initiator = true;
  config.session_number = 1;
  config.peer_dh_key = world.hub.dh_key.public_key();
  End a(world.hub_replica, std::move(config), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  EXPECT_EQ(code(a), CloseCode::kWrongAgency);
  EXPECT_FALSE(a.established || b.established);
}

TEST(Session, RefusesAReplayedFirstMessage) {
  World world;
  End a(world.leaf_replica, world.dialling(), world.now);
  a.perform(world.now);
  const Bytes first = a.outgoing;
  {
    // Even where the number is new, the first message alone establishes nothing and stores nothing.
    End b(world.hub_replica, world.answering(), world.now);
    ASSERT_TRUE(b.session.on_bytes(first, world.now).ok());
    b.perform(world.now);
    EXPECT_FALSE(b.live);
    EXPECT_FALSE(b.session.live());
    EXPECT_TRUE(b.peer_cursors.empty());
  }
  world.last_seen = 1;
  End b(world.hub_replica, world.answering(), world.now);
  static_cast<void>(b.session.on_bytes(first, world.now));
  b.perform(world.now);
  EXPECT_EQ(code(b), CloseCode::kReplay);
  EXPECT_LE(b.sent.size(), 120U);
  EXPECT_NE(b.closed->detail.find("last seen: 1"), std::string::npos);
  run(a, b, world.now);
  EXPECT_EQ(code(a), CloseCode::kReplay) << "an honest dialler learns the number";
}

}  // namespace
}  // namespace lienthong::test
