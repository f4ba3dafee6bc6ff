// Versions, bad bytes, peers that break the rules, and time.
#include <gtest/gtest.h>

#include "protocol/session/handshake.h"
#include "protocol/session/session.h"
#include "protocol/wire/fragment.h"
#include "protocol/wire/message.h"
#include "tests/support/session_world.h"

namespace lienthong::test {
namespace {

// ---- versions and bad bytes ----

TEST(Session, AnswersAnUnknownVersionWithThoseItSpeaks) {
  World world;
  End b(world.hub_replica, world.answering(), world.now);
  EXPECT_FALSE(b.session.on_bytes(Bytes{9}, world.now).ok());
  b.perform(world.now);
  EXPECT_EQ(b.sent, (Bytes{0, 1, 1}));
  EXPECT_EQ(code(b), CloseCode::kBadVersion);
  End a(world.leaf_replica, world.dialling(), world.now);
  ASSERT_TRUE(a.session.on_bytes(Bytes{0, 3}, world.now).ok());
  EXPECT_FALSE(a.session.on_bytes(Bytes{2}, world.now).ok());
  a.perform(world.now);
  EXPECT_EQ(code(a), CloseCode::kBadVersion);
}

TEST(Session, RefusesAnOversizedHandshakeMessage) {
  World world;
  End b(world.hub_replica, world.answering(), world.now);
  EXPECT_FALSE(b.session.on_bytes(Bytes{1, 1, 0xff, 0xff}, world.now).ok());
  b.perform(world.now);
  EXPECT_EQ(code(b), CloseCode::kLimit);
}

TEST(Session, RefusesThePatternOfEnrolment) {
  World world;
  End b(world.hub_replica, world.answering(), world.now);
  EXPECT_FALSE(b.session.on_bytes(Bytes{1, 3}, world.now).ok());
  b.perform(world.now);
  EXPECT_EQ(code(b), CloseCode::kProtocolError);
}

TEST(Session, ClosesOnAFrameThatWasTamperedWith) {
  World world;
  world.fill(2);
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  world.leaf_replica.write(world.leaf, "x");
  a.session.on_feed_grown(world.now);
  a.perform(world.now);
  a.outgoing[10] ^= 1;  // in the frame of the part
  const std::size_t parts = b.parts.size();
  run(a, b, world.now);
  EXPECT_EQ(code(b), CloseCode::kProtocolError);
  EXPECT_EQ(b.parts.size(), parts);
}

// A dialler whose messages the test makes up after an honest handshake.
class RawPeer final : HelloWriter {
 public:
  RawPeer(World& world, End& end)
      : world_(world),
        end_(end),
        config_(world.dialling()),
        handshake_(world.leaf_replica, config_, *this) {
    handshake_.start_dialling();
    LT_CHECK(deliver(handshake_.take_output()).ok());
    Bytes answer = std::exchange(end_.outgoing, {});
    ByteView left = answer;
    while (!handshake_.outcome()) {
      const auto used = handshake_.consume(left);
      LT_CHECK(used.ok() && *used > 0);
      left = left.subspan(*used);
    }
  }
  Hello write_hello(const Judgement*, const Hello*) override {
    Hello hello;
    hello.session_number = config_.session_number;
    hello.speaker = speaker_name(config_.root, config_.ephemeral.public_key(), config_.certificate);
    hello.cursors.emplace();
    return hello;
  }
  Result<void> says(const wire::Message& message) {
    return says_bytes(wire::encode_message(message));
  }
  Result<void> says_bytes(ByteView message) {
    Result<void> last;
    for (const Bytes& plaintext : wire::split_message(
             wire::Packed{wire::Lane::kControl, wire::Packing::kPlain, to_bytes(message)})) {
      last = sends_plaintext(plaintext);
    }
    return last;
  }
  Result<void> sends_plaintext(ByteView plaintext) {
    const auto frame = handshake_.outcome()->transport.send.encrypt({}, plaintext);
    ByteWriter out;
    out.u16(static_cast<std::uint16_t>(frame->size()));
    out.raw(*frame);
    return deliver(out.take());
  }

 private:
  Result<void> deliver(const Bytes& bytes) {
    auto result = end_.session.on_bytes(bytes, world_.now);
    end_.perform(world_.now);
    return result;
  }
  World& world_;
  End& end_;
  SessionConfig config_;
  Handshake handshake_;
};

struct RawWorld : World {
  End end{hub_replica, answering(), now};
  RawPeer peer{*this, end};
  RawWorld() { LT_CHECK(peer.says(wire::BeginMessage{FeedKind::kUpdates, 11, 1}).ok()); }
  EncodedPart part(std::uint64_t first, std::uint64_t last) {
    return EncodedPart{
        11, {{first, last, last}}, wire::encode_part_body(deployment.root(), FeedPart{})};
  }
};

TEST(Session, PassesOverAnUnknownOptionalMessage) {
  RawWorld world;
  EXPECT_TRUE(world.peer.says_bytes(Bytes{200, 1, 2, 3}).ok());
  EXPECT_TRUE(world.peer.says(wire::PingMessage{5}).ok());
  EXPECT_TRUE(world.end.established);
  EXPECT_FALSE(world.end.closed);
}

TEST(Session, ClosesOnAnUnknownMessageThatIsNotOptional) {
  RawWorld world;
  EXPECT_FALSE(world.peer.says_bytes(Bytes{99, 1, 2, 3}).ok());
  EXPECT_EQ(code(world.end), CloseCode::kProtocolError);
}

TEST(Session, RefusesAPartBeforeTheBeginningOfItsFeed) {
  RawWorld world;
  const EncodedPart part = world.part(1, 2);
  EXPECT_FALSE(world.peer.says(wire::PartMessage{FeedKind::kRegistry, part}).ok());
  EXPECT_EQ(code(world.end), CloseCode::kProtocolError);
}

TEST(Session, TakesPartsOutOfOrderAndRemembersWhatIsMissing) {
  RawWorld world;
  EXPECT_TRUE(world.peer.says(wire::PartMessage{FeedKind::kUpdates, world.part(5, 9)}).ok());
  EXPECT_TRUE(world.peer.says(wire::PartMessage{FeedKind::kUpdates, world.part(1, 2)}).ok());
  ASSERT_EQ(world.end.parts.size(), 2U);
  const Cursor cursor = world.hub_replica.cursor(FeedKind::kUpdates, world.leaf.id());
  EXPECT_EQ(cursor.mark.number, 2U);
  ASSERT_EQ(cursor.ranges.size(), 1U);
  EXPECT_EQ(cursor.ranges[0], (CursorRange{5, 9, 9}));
}

TEST(Session, RefusesAnEndBeforeWhatWasSent) {
  RawWorld world;
  EXPECT_TRUE(world.peer.says(wire::PartMessage{FeedKind::kUpdates, world.part(1, 9)}).ok());
  EXPECT_FALSE(world.peer.says(wire::EndMessage{FeedKind::kUpdates, 8}).ok());
  EXPECT_EQ(code(world.end), CloseCode::kProtocolError);
}

TEST(Session, RefusesPartsOverTheWindowItGranted) {
  World world;
  SessionConfig config = world.answering();
  config.window_bytes = 1000;
  End end(world.hub_replica, std::move(config), world.now);
  end.stores_at_once = false;
  RawPeer peer(world, end);
  Result<void> last = peer.says(wire::BeginMessage{FeedKind::kUpdates, 1, 1});
  int sent = 0;
  for (; sent < 100 && last.ok(); ++sent) {
    FeedPart part;
    const auto place = static_cast<std::uint64_t>(sent) + 1;
    SealedUnit unit;
    unit.seal.number = unit.seal.count = 1;
    unit.leaves.resize(1);
    unit.leaves[0].update.open = Bytes(20'000, 1);
    part.units.push_back(unit);
    const Bytes body = wire::encode_part_body(world.deployment.root(), part);
    last = peer.says(wire::PartMessage{FeedKind::kUpdates, {1, {{place, place, place}}, body}});
  }
  EXPECT_LT(sent, 35);  // the windows, and a message of either kind whatever its size
  EXPECT_EQ(code(end), CloseCode::kLimit);
}

TEST(Session, RefusesAMessageThatNeverEnds) {
  RawWorld world;
  Bytes piece(60'000);  // lane 0, not the last
  Result<void> last;
  for (int i = 0; i < 5 && last.ok(); ++i) last = world.peer.sends_plaintext(piece);
  EXPECT_FALSE(last.ok());
  EXPECT_EQ(code(world.end), CloseCode::kLimit);
}

TEST(Session, SurvivesACursorOfWhatWasNeverSent) {
  RawWorld world;
  world.hub_replica.write(world.hub, "x");
  world.end.session.on_feed_grown(world.now);
  Cursor lie;
  lie.mark = FeedMark{22, 1, 777};
  ASSERT_TRUE(world.peer.says(wire::CursorMessage{FeedKind::kUpdates, lie}).ok());
  EXPECT_FALSE(world.end.session.stats().drained_out);
  lie.mark = FeedMark{22, 1ULL << 60, 777};
  ASSERT_TRUE(world.peer.says(wire::CursorMessage{FeedKind::kUpdates, lie}).ok());
  EXPECT_FALSE(world.end.session.stats().drained_out);
}

TEST(Session, RefusesAnAckOfWhatWasNeverSent) {
  RawWorld world;
  world.hub_replica.write(world.hub, "x");
  world.end.session.on_feed_grown(world.now);
  EXPECT_FALSE(world.peer.says(wire::AckMessage{FeedKind::kUpdates, 1, 2, {}}).ok());
  EXPECT_EQ(code(world.end), CloseCode::kProtocolError);
}

TEST(Session, PassesOverAnAckOfAnEarlierBeginning) {
  RawWorld world;
  world.hub_replica.write(world.hub, "x");
  world.end.session.on_feed_grown(world.now);
  EXPECT_TRUE(world.peer.says(wire::AckMessage{FeedKind::kUpdates, 200, 1, {}}).ok());
  EXPECT_FALSE(world.end.session.stats().drained_out);
}

TEST(Session, RefusesMessagesOfAFeedBeforeThePeerIsKnown) {
  World world;
  auto small = Registry::create(world.deployment.root(), world.deployment.statements().front());
  ASSERT_TRUE(small.ok());
  FakeReplica hub_replica(std::make_shared<const Registry>(*std::move(small)), 22);
  End end(hub_replica, world.answering(), world.now);
  RawPeer peer(world, end);
  const EncodedPart part{0, {{1, 1, 1}}, {}};
  EXPECT_FALSE(peer.says(wire::PartMessage{FeedKind::kUpdates, part}).ok());
  EXPECT_EQ(code(end), CloseCode::kProtocolError);
  EXPECT_TRUE(end.parts.empty());
}

// ---- time ----

TEST(Session, GivesUpAHandshakeThatDoesNotEnd) {
  World world;
  End a(world.leaf_replica, world.dialling(), world.now);
  a.session.on_tick(world.now + 19s);
  EXPECT_FALSE(a.session.closed());
  a.session.on_tick(world.now + 20s);
  a.perform(world.now);
  EXPECT_EQ(code(a), CloseCode::kTimeout);
}

TEST(Session, SeesADeadPathWithDataOutstanding) {
  World world;
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  world.now += 30s;
  world.leaf_replica.write(world.leaf, "x");
  a.session.on_feed_grown(world.now);
  a.session.on_tick(world.now + 19s);
  EXPECT_FALSE(a.session.closed());
  a.session.on_tick(world.now + 20s);
  a.perform(world.now);
  EXPECT_EQ(code(a), CloseCode::kTimeout);
}

TEST(Session, BearsWithAPeerThatIsSlowToStore) {
  World world;
  world.fill(1);
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  b.stores_at_once = false;
  for (int i = 0; i < 240; ++i) {
    a.session.on_tick(world.now);
    b.session.on_tick(world.now);
    run(a, b, world.now);
    world.now += 250ms;
  }
  EXPECT_FALSE(a.session.closed());
  EXPECT_FALSE(a.session.stats().drained_out);
}

TEST(Session, OnlyTheDiallerKeepsAnIdleSessionAlive) {
  World world;
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  const std::size_t a_sent = a.sent.size();
  const std::size_t b_sent = b.sent.size();
  b.session.on_tick(world.now + 60s);
  b.perform(world.now);
  EXPECT_EQ(b.sent.size(), b_sent);
  a.session.on_tick(world.now + 59s);
  a.perform(world.now);
  EXPECT_EQ(a.sent.size(), a_sent);
  a.session.on_tick(world.now + 60s);
  a.perform(world.now);
  EXPECT_GT(a.sent.size(), a_sent);
  run(a, b, world.now + 61s);
  EXPECT_GT(b.sent.size(), b_sent);
  a.session.on_tick(world.now + 100s);
  EXPECT_FALSE(a.session.closed());
}

TEST(Session, GivesUpAPeerThatDoesNotAnswerAHeartbeat) {
  World world;
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  a.session.on_tick(world.now + 60s);
  a.session.on_tick(world.now + 79s);
  EXPECT_FALSE(a.session.closed());
  a.session.on_tick(world.now + 80s);
  EXPECT_TRUE(a.session.closed());
  b.session.on_tick(world.now + 199s);
  EXPECT_FALSE(b.session.closed());
  b.session.on_tick(world.now + 200s);
  EXPECT_TRUE(b.session.closed());
}

TEST(Session, MeasuresTheSmallestRoundTrip) {
  World world;
  End a(world.leaf_replica, world.dialling(), world.now);
  a.perform(world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now + 600ms);
  EXPECT_EQ(a.session.stats().rtt, 600ms);
}

TEST(Session, ClosesByBothSidesWithTheReason) {
  World world;
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  a.session.close(CloseCode::kGoingAway, "reload", world.now);
  run(a, b, world.now);
  ASSERT_TRUE(a.closed && b.closed);
  EXPECT_FALSE(a.closed->by_peer);
  EXPECT_TRUE(b.closed->by_peer);
  EXPECT_EQ(code(b), CloseCode::kGoingAway);
  EXPECT_EQ(b.closed->detail, "reload");
  EXPECT_EQ(a.session.on_bytes(Bytes{1}, world.now).error().code(), Errc::kClosed);
}

}  // namespace
}  // namespace lienthong::test
