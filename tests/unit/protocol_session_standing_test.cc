// Directions of a session that could stand still: what keeps them from it, and who says so.
#include <gtest/gtest.h>

#include "protocol/session/inbox.h"
#include "protocol/session/outbox.h"
#include "tests/support/session_world.h"

namespace lienthong::test {
namespace {

Cursor at(std::uint64_t epoch, std::uint64_t number, std::uint64_t hash) {
  Cursor out;
  out.mark = FeedMark{epoch, number, hash};
  return out;
}

std::size_t parts_of_updates(const End& end) {
  return static_cast<std::size_t>(
      std::ranges::count(end.parts, FeedKind::kUpdates, &StorePart::kind));
}

// A reader would take the places of another life for those that it has, and acknowledge them.
TEST(Session, SendsNothingOfAnEpochInWhichThePeerNamesAnotherPlace) {
  for (const std::uint64_t number : {2, 9}) {
    World world;
    world.fill(3);
    world.hub_replica.set_cursor(FeedKind::kUpdates, world.leaf.id(), at(11, number, 12345));
    End a(world.leaf_replica, world.dialling(), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    a.renews = false;
    run(a, b, world.now);
    EXPECT_EQ(parts_of_updates(b), 0U);
    EXPECT_FALSE(a.closed || b.closed);
    EXPECT_FALSE(a.session.stats().drained_out);
    ASSERT_TRUE(std::ranges::any_of(a.peer_cursors, [&](const PeerCursor& heard) {
      return heard.in_full && heard.cursor.mark.number == number;
    })) << "the store is to renew it";
    world.leaf_replica.mint_epoch(FeedKind::kUpdates, 99);
    a.session.on_feed_grown(world.now);
    run(a, b, world.now);
    EXPECT_TRUE(world.hub_replica.received_once(world.leaf_replica));
    EXPECT_TRUE(drained(a) && drained(b));
  }
}

// The same of a responder, which takes nothing for true before the peer is live.
TEST(Session, TellsAResponderTheLostCursorOnceThePeerIsLive) {
  World world;
  world.fill(3);
  world.leaf_replica.set_cursor(FeedKind::kUpdates, world.hub.id(), at(22, 7, 12345));
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  a.perform(world.now);
  ASSERT_TRUE(b.session.on_bytes(std::exchange(a.outgoing, {}), world.now).ok());
  b.perform(world.now);
  EXPECT_FALSE(b.live);
  EXPECT_TRUE(b.peer_cursors.empty()) << "it may be a replay";
  run(a, b, world.now);
  EXPECT_NE(world.hub_replica.feed_end(FeedKind::kUpdates, world.commune).epoch, 22U);
  EXPECT_TRUE(world.leaf_replica.received_once(world.hub_replica));
  EXPECT_TRUE(drained(a) && drained(b));
}

// The responder does not know what the beginning of the first message means, and the initiator had
// nothing to correct: both waited for each other.
TEST(Session, ABeginningThatWasAGuessIsMadeCertain) {
  World world;
  const UpdateId own = world.leaf_replica.write(world.leaf, "của xã");
  const auto unit = std::get<SealedUnit>(world.leaf_replica.feed(FeedKind::kUpdates)[0].content);
  world.hub_replica.add_unit(unit, world.leaf.id());
  for (const Statement& statement : world.deployment.statements())
    world.hub_replica.add_statement(statement);
  world.hub_replica.write(world.hub, "của huyện");
  world.hub_replica.set_cursor(FeedKind::kUpdates, world.leaf.id(), at(5, 4, 12345));
  SessionConfig config = world.dialling();
  config.heard = {Cursor{}, at(77, 3, 9)};
  End a(world.leaf_replica, std::move(config), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  EXPECT_TRUE(drained(a) && drained(b));
  const auto& received = world.leaf_replica.received();
  const auto came = [&](ByteView id) { return std::ranges::count(received, to_bytes(id)); };
  EXPECT_EQ(came(world.hub_replica.feed(FeedKind::kUpdates)[1].id), 1);
  EXPECT_EQ(came(own.view()), 1) << "carried back: the feed did not join on";
  EXPECT_TRUE(a.session.stats().doubtful && b.session.stats().doubtful);
}

// Of a program that holds to its guess, too.
TEST(Inbox, TakesAGuessForTheBeginningWhenThePeerGoesOnWithoutAnother) {
  Inbox inbox(FeedKind::kUpdates, at(5, 4, 12345));
  inbox.on_begin(9, 1, true);
  EXPECT_EQ(inbox.joins_on(), std::nullopt);
  EXPECT_TRUE(inbox.on_beginning_kept());
  EXPECT_EQ(inbox.joins_on(), std::optional(false));
  EXPECT_FALSE(inbox.on_beginning_kept());
}

// What came beside healing is durable, though the lost cursor stays on the disk: no part that is
// stored later takes it out of the acknowledgements.
TEST(Inbox, AcknowledgesWhatIsAheadOfTheDiskAsLongAsTheSessionLasts) {
  const Cursor lost = at(5, 4, 12345);
  Inbox inbox(FeedKind::kUpdates, lost);
  inbox.on_begin(9, 1);
  EncodedPart part;
  part.covered = {{11, 12, 7}};
  ASSERT_TRUE(inbox.on_part(part, 1, 10).ok());
  ASSERT_TRUE(inbox.on_stored(1, lost));
  auto ack = inbox.take_ack();
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->number, 0U);
  ASSERT_EQ(ack->ranges.size(), 1U);
  EXPECT_EQ(ack->ranges[0].first, 11U);
  Cursor disk;
  disk.add(9, 1, 2, 3);
  part.covered = {{1, 2, 3}};
  ASSERT_TRUE(inbox.on_part(part, 2, 10).ok());
  ASSERT_TRUE(inbox.on_stored(2, disk));
  ack = inbox.take_ack();
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->number, 2U);
  ASSERT_EQ(ack->ranges.size(), 1U) << "11 and 12 are as durable as before";
  EXPECT_EQ(ack->ranges[0].last, 12U);
  EXPECT_TRUE(inbox.ahead_of_disk());
  disk.add(9, 3, 12, 7);
  part.covered = {{3, 12, 7}};
  ASSERT_TRUE(inbox.on_part(part, 3, 10).ok());
  ASSERT_TRUE(inbox.on_stored(3, disk));
  EXPECT_FALSE(inbox.ahead_of_disk());
  EXPECT_EQ(inbox.take_ack()->number, 12U);
}

// A part is of the epoch under which it came, whatever began since.
TEST(Inbox, NotesWhatIsAheadInTheEpochOfItsPart) {
  const Cursor lost = at(5, 4, 12345);
  Inbox inbox(FeedKind::kUpdates, lost);
  inbox.on_begin(9, 1);
  EncodedPart part;
  part.covered = {{11, 12, 7}};
  ASSERT_TRUE(inbox.on_part(part, 1, 10).ok());
  inbox.on_begin(10, 1);
  ASSERT_TRUE(inbox.on_stored(1, lost));
  const auto ack = inbox.take_ack();
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->number, 0U);
  EXPECT_TRUE(ack->ranges.empty()) << "nothing of the feed that began is here";
}

struct OutboxOf {
  World world;
  Outbox box;
  Allowance allowed;
  explicit OutboxOf(int updates)
      : box(FeedKind::kUpdates, world.leaf_replica,
            PeerIdentity{world.hub.id(), world.district, world.hub.certificate}) {
    for (int i = 0; i < updates; ++i) world.leaf_replica.write(world.leaf, std::to_string(i));
    allowed.unit_bytes = 1;  // an entry in a part
    allowed.window = 1U << 20;
    allowed.empty_window = true;
    box.on_cursor(Cursor{});
    box.set_echo(Echo::kPassOver);
  }
  // Places that go, in the order in which they do.
  std::vector<std::uint64_t> sends() {
    std::vector<std::uint64_t> out;
    for (;;) {
      auto next = box.next(world.deployment.root(), allowed);
      EXPECT_TRUE(next.ok());
      if (!next.ok() || !*next) return out;
      const auto message = wire::decode_message((*next)->message);
      EXPECT_TRUE(message.ok());
      const auto* part = std::get_if<wire::PartMessage>(&*message);
      if (part == nullptr) continue;
      for (const CursorRange& range : part->part.covered)
        for (std::uint64_t place = range.first; place <= range.last; ++place) out.push_back(place);
    }
  }
};

// A cursor has room for so many ranges; what falls out was not sent for nothing, but goes again.
TEST(Session, SendsAgainWhatIsNoLongerAcknowledged) {
  OutboxOf feed(10);
  ASSERT_EQ(feed.sends().size(), 10U);
  const std::vector<CursorRange> both{{3, 5, 0}, {7, 10, 0}}, one{{3, 5, 0}};
  ASSERT_TRUE(feed.box.on_ack(1, 0, both).ok());
  EXPECT_TRUE(feed.sends().empty()) << "1, 2 and 6 are under way";
  ASSERT_TRUE(feed.box.on_ack(1, 0, one).ok());
  EXPECT_EQ(feed.sends(), (std::vector<std::uint64_t>{7, 8, 9, 10}));
  ASSERT_TRUE(feed.box.on_ack(1, 10, {}).ok());
  EXPECT_TRUE(feed.box.drained());
}

// The same beside a backlog, of what is new.
TEST(Session, SendsAgainWhatIsNoLongerAcknowledgedBesideABacklog) {
  OutboxOf feed(100);
  feed.allowed.backlog = false;
  EXPECT_TRUE(feed.sends().empty());
  for (int i = 0; i < 5; ++i) feed.world.leaf_replica.write(feed.world.leaf, "mới");
  ASSERT_EQ(feed.sends(), (std::vector<std::uint64_t>{101, 102, 103, 104, 105}));
  const std::vector<CursorRange> all{{101, 105, 0}}, some{{101, 102, 0}};
  ASSERT_TRUE(feed.box.on_ack(1, 0, all).ok());
  ASSERT_TRUE(feed.box.on_ack(1, 0, some).ok());
  EXPECT_EQ(feed.sends(), (std::vector<std::uint64_t>{103, 104, 105}));
  feed.allowed.backlog = true;
  EXPECT_EQ(feed.sends().size(), 100U);
  ASSERT_TRUE(feed.box.on_ack(1, 105, {}).ok());
  EXPECT_TRUE(feed.box.drained());
}

// Two sessions with one machine for a moment: what the other one stored is not acknowledged as if
// it had come here, which would end this one.
TEST(Session, TellsInFullWhatCameByAnotherSession) {
  World world;
  world.fill(20);
  SessionConfig config = world.dialling();
  config.part_bytes_max = 1;
  config.window_bytes = 1;
  End a(world.leaf_replica, std::move(config), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  b.stores_at_once = false;
  run(a, b, world.now);
  ASSERT_EQ(parts_of_updates(b), 1U);
  const auto& feed = world.leaf_replica.feed(FeedKind::kUpdates);
  world.hub_replica.set_cursor(FeedKind::kUpdates, world.leaf.id(), at(11, 10, feed[9].hash));
  b.stores_at_once = true;
  b.store_waiting(world.now);
  run(a, b, world.now);
  EXPECT_FALSE(a.closed || b.closed);
  EXPECT_TRUE(drained(a) && drained(b));
  EXPECT_EQ(parts_of_updates(b), 11U) << "the first, and those from 11 on";
}

// A disk that is an older copy, though the feed that it writes goes on where we are.
TEST(Session, WhoHasLessThanItHadGetsBackWhatItDelivered) {
  for (const bool went_back : {true, false}) {
    World world;
    const UpdateId own = world.leaf_replica.write(world.leaf, "của xã");
    const auto unit = std::get<SealedUnit>(world.leaf_replica.feed(FeedKind::kUpdates)[0].content);
    FakeReplica empty(world.deployment.registry(), 11);
    for (const Statement& statement : world.deployment.statements())
      world.hub_replica.add_statement(statement);
    world.hub_replica.write(world.hub, "một");
    world.hub_replica.add_unit(unit, world.leaf.id());
    world.hub_replica.write(world.hub, "hai");
    const auto& feed = world.hub_replica.feed(FeedKind::kUpdates);
    empty.set_cursor(FeedKind::kUpdates, world.hub.id(), at(22, 1, feed[0].hash));
    world.hub_replica.set_heard(FeedKind::kUpdates, world.leaf.id(),
                                at(22, went_back ? 2 : 1, feed[went_back ? 1 : 0].hash));
    End a(empty, world.dialling(), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    run(a, b, world.now);
    EXPECT_TRUE(drained(a) && drained(b));
    EXPECT_EQ(std::ranges::count(empty.received(), to_bytes(own.view())), went_back ? 1 : 0);
    EXPECT_EQ(b.session.stats().doubtful, went_back);
  }
}

// ---- who says so ----

void pass_time(World& world, End& a, End& b, std::chrono::seconds time) {
  for (const Instant end = world.now + time; world.now < end;) {
    world.now += std::chrono::milliseconds(250);
    a.session.on_tick(world.now);
    b.session.on_tick(world.now);
    run(a, b, world.now);
  }
}

TEST(Session, ADirectionThatStandsStillForAMinuteEndsTheSession) {
  World world;
  world.fill(4);
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  b.stores_at_once = false;  // and never does
  pass_time(world, a, b, std::chrono::seconds(58));
  EXPECT_FALSE(a.closed) << "pings are answered";
  pass_time(world, a, b, std::chrono::seconds(4));
  EXPECT_EQ(a.stood_still, std::optional<std::uint64_t>(4));
  EXPECT_EQ(code(a), CloseCode::kTimeout);
  EXPECT_EQ(code(b), CloseCode::kTimeout) << "the other side is told why";
  EXPECT_FALSE(b.stood_still) << "that one flows";
}

TEST(Session, WhatMayNotGoDoesNotStandStill) {
  for (const bool ours : {true, false}) {
    World world;
    world.fill(4);
    End a(world.leaf_replica, world.dialling(), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    (ours ? a : b).session.set_closed_lanes(0x1e, "budget", world.now);
    pass_time(world, a, b, std::chrono::seconds(200));
    EXPECT_FALSE(a.closed || b.closed);
    (ours ? a : b).session.set_closed_lanes(0, "", world.now);
    pass_time(world, a, b, std::chrono::seconds(2));
    EXPECT_TRUE(drained(a) && drained(b));
    pass_time(world, a, b, std::chrono::seconds(200));
    EXPECT_FALSE(a.closed || b.closed) << "nothing waits";
  }
}

}  // namespace
}  // namespace lienthong::test
