// What goes with the first message, what overtakes a backlog, and lanes that are closed.
#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/session/hello.h"
#include "protocol/session/outbox.h"
#include "protocol/wire/message.h"
#include "tests/support/session_world.h"

namespace lienthong::test {
namespace {

// ---- what goes with the first message ----

std::array<Cursor, 2> heard_by(const FakeReplica& reader, const NodeId& writer) {
  return {reader.cursor(FeedKind::kRegistry, writer), reader.cursor(FeedKind::kUpdates, writer)};
}

TEST(Session, CarriesWhatIsNewInTheFirstMessageAndItsAnswer) {
  World world;
  world.fill(2);
  {
    End a(world.leaf_replica, world.dialling(), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    run(a, b, world.now);
    ASSERT_TRUE(drained(a) && drained(b));
  }
  world.leaf_replica.write(world.leaf, "mới ở xã");
  world.hub_replica.write(world.hub, "mới ở huyện");
  SessionConfig config = world.dialling();
  config.heard = heard_by(world.hub_replica, world.leaf.id());
  End a(world.leaf_replica, std::move(config), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  a.perform(world.now);
  const Bytes first = std::exchange(a.outgoing, {});
  ASSERT_TRUE(b.session.on_bytes(first, world.now).ok());
  b.perform(world.now);
  EXPECT_EQ(b.parts.size(), 1U) << "stored before anything was answered";
  EXPECT_FALSE(b.session.live());
  const Bytes answer = std::exchange(b.outgoing, {});
  ASSERT_TRUE(a.session.on_bytes(answer, world.now).ok());
  a.perform(world.now);
  EXPECT_EQ(a.parts.size(), 1U);
  EXPECT_TRUE(a.session.stats().drained_in) << "after one round trip";
  run(a, b, world.now);
  EXPECT_TRUE(world.all_agree()) << "and nothing came twice";
  EXPECT_TRUE(drained(a) && drained(b));
}

TEST(Session, CarriesLessInTheFirstMessageWhereItDoesNotGetMuchSmaller) {
  World world;
  world.fill(2);
  {
    End a(world.leaf_replica, world.dialling(), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    run(a, b, world.now);
    ASSERT_TRUE(drained(a) && drained(b));
  }
  std::uint32_t dice = 1;
  for (int i = 0; i < 300; ++i) {
    std::string text;
    while (text.size() < 100) {
      dice = dice * 1664525 + 1013904223;
      text.push_back(static_cast<char>('!' + (dice >> 16) % 90));
    }
    world.leaf_replica.write(world.leaf, text);
  }
  SessionConfig config = world.dialling();
  config.heard = heard_by(world.hub_replica, world.leaf.id());
  const std::size_t most = config.early_bytes_max;
  End a(world.leaf_replica, std::move(config), world.now);
  a.perform(world.now);
  EXPECT_GT(a.outgoing.size(), most / 3);
  EXPECT_LT(a.outgoing.size(), most + 400);
}

// ---- the end of a burst ----

std::size_t said_in_tick(End& end, Instant now) {
  end.session.on_tick(now);
  end.perform(now);
  return end.outgoing.size();
}

TEST(Session, ShowsTheKernelsTheEndOfABurstOnce) {
  constexpr std::chrono::milliseconds kTick{250};
  World world;
  world.fill(100);
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  EXPECT_EQ(said_in_tick(a, world.now += kTick), 0U) << "what it said may be on its way still";
  EXPECT_EQ(said_in_tick(a, world.now += kTick), 20U) << "a frame that means nothing";
  EXPECT_EQ(said_in_tick(a, world.now += kTick), 20U) << "and no other";
  run(a, b, world.now);
  EXPECT_FALSE(b.closed);
  for (int i = 0; i < 8; ++i) said_in_tick(a, world.now += kTick);
  world.leaf_replica.write(world.leaf, "một");
  a.session.on_feed_grown(world.now);
  run(a, b, world.now);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(said_in_tick(a, world.now += kTick), 0U) << "too little";
}

// What the leaf wrote last lies in the hub's feed for it too, as its store would put it there.
void echo_newest(World& world) {
  const auto& newest = world.leaf_replica.feed(FeedKind::kUpdates).back();
  world.hub_replica.add_unit(std::get<SealedUnit>(newest.content), world.leaf.id());
}

TEST(Session, AChangeAloneIsAnsweredByItsAcknowledgementAlone) {
  World world;
  world.fill(2);
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  ASSERT_TRUE(drained(a) && drained(b));
  const std::size_t parts = a.parts.size();
  a.sent.clear();
  b.sent.clear();
  world.leaf_replica.write(world.leaf, "một");
  a.session.on_feed_grown(world.now);
  run(a, b, world.now);
  echo_newest(world);
  b.session.on_feed_grown(world.now);
  run(a, b, world.now);
  EXPECT_TRUE(drained(a) && drained(b));
  EXPECT_EQ(a.parts.size(), parts) << "nothing to tell who delivered it";
  EXPECT_LT(b.sent.size(), 40U) << "one frame with an Ack";
  world.hub_replica.write(world.hub, "hai");
  b.session.on_feed_grown(world.now);
  run(a, b, world.now);
  ASSERT_EQ(a.parts.size(), parts + 1);
  EXPECT_EQ(a.parts.back().part.covered.front().last - a.parts.back().part.covered.front().first,
            1U)
      << "what waited goes with it";
  EXPECT_TRUE(world.hub_replica.received_once(world.leaf_replica));
  EXPECT_TRUE(drained(a) && drained(b));
}

TEST(Session, ManyEchoesDoNotWait) {
  World world;
  world.fill(2);
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  const std::size_t parts = a.parts.size();
  for (std::size_t i = 0; i < kEchoesWaitMax + 1; ++i) {
    world.leaf_replica.write(world.leaf, "cập nhật " + std::to_string(i));
    echo_newest(world);
  }
  a.session.on_feed_grown(world.now);
  b.session.on_feed_grown(world.now);
  run(a, b, world.now);
  EXPECT_EQ(a.parts.size(), parts + 1);
  EXPECT_TRUE(drained(a) && drained(b));
  EXPECT_TRUE(world.hub_replica.received_once(world.leaf_replica));
}

TEST(Session, ACaptureShowsNothingOfWhatIsSaid) {
  World world;
  world.fill(1);
  {
    End a(world.leaf_replica, world.dialling(), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    run(a, b, world.now);
  }
  world.leaf_replica.write(world.leaf, "H47.12.05-230401-0001 Nguyễn Văn A");
  SessionConfig config = world.dialling();
  config.heard = heard_by(world.hub_replica, world.leaf.id());
  End a(world.leaf_replica, std::move(config), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);  // in the first message
  world.leaf_replica.write(world.leaf, "H47.12.05-230401-0002 Nguyễn Văn B");
  a.session.on_feed_grown(world.now);
  run(a, b, world.now);  // in a frame
  ASSERT_EQ(b.parts.size(), 2U);
  for (const Bytes& sent : {a.sent, b.sent}) {
    for (const std::string_view word : {"H47", "230401", "Nguy", "0.1.0"}) {
      EXPECT_EQ(as_text(sent).find(word), std::string_view::npos) << word;
    }
  }
}

// The leaf has talked with the hub before and heard `lost` acknowledgements too few; now it has one
// change for it.
SessionConfig dialling_with_news(World& world, int lost) {
  world.fill(4);
  {
    End a(world.leaf_replica, world.dialling(), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    run(a, b, world.now);
  }
  SessionConfig config = world.dialling();
  config.heard = heard_by(world.hub_replica, world.leaf.id());
  FeedMark& mark = (*config.heard)[1].mark;
  mark.number -= static_cast<std::uint64_t>(lost);
  mark.hash = *world.leaf_replica.feed_hash(FeedKind::kUpdates, world.district, mark.number);
  world.leaf_replica.write(world.leaf, "mới");
  return config;
}

TEST(Session, SendsNothingTwiceWhateverItGuessedOfThePeer) {
  for (const int lost : {0, 1, 3}) {  // acknowledgements that were heard too few
    World world;
    SessionConfig config = dialling_with_news(world, lost);
    End a(world.leaf_replica, std::move(config), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    run(a, b, world.now);
    EXPECT_TRUE(drained(a) && drained(b)) << lost;
    std::size_t received = 0;
    for (const StorePart& part : b.parts) received += part.part.covered.back().last;
    EXPECT_GT(received, 0U);
    if (lost == 0) {
      EXPECT_TRUE(world.all_agree());
    }
  }
}

TEST(Session, SendsAgainWhatWasUnclearInAFirstMessage) {
  for (const int lost : {0, 1}) {  // acknowledgements that were heard too few: it begins anew
    World world;
    SessionConfig config = dialling_with_news(world, lost);
    End a(world.leaf_replica, std::move(config), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    b.stores_at_once = false;
    a.perform(world.now);
    ASSERT_TRUE(b.session.on_bytes(std::exchange(a.outgoing, {}), world.now).ok());
    b.perform(world.now);
    ASSERT_EQ(b.waiting.size(), 1U) << lost;
    b.session.on_unclear(std::exchange(b.waiting, {}).front().token, world.now);
    b.stores_at_once = true;
    run(a, b, world.now);
    EXPECT_TRUE(drained(a) && drained(b)) << lost;
    EXPECT_EQ(b.parts.size(), 2U) << lost;
    EXPECT_EQ(world.hub_replica.cursor(FeedKind::kUpdates, world.leaf.id()).mark.number, 5U);
  }
}

TEST(Session, AReconnectionWithNothingNewIsShort) {
  World world;
  world.fill(5);
  for (const Statement& statement : world.deployment.statements()) {
    world.leaf_replica.add_statement(statement, world.hub.id());
  }
  std::size_t bytes[2] = {};
  for (std::size_t& size : bytes) {
    SessionConfig config = world.dialling();
    config.heard = heard_by(world.hub_replica, world.leaf.id());
    End a(world.leaf_replica, std::move(config), world.now);
    End b(world.hub_replica, world.answering(), world.now);
    size = run(a, b, world.now);
    EXPECT_TRUE(drained(a) && drained(b));
  }
  EXPECT_LE(bytes[1], 276U) << "with TCP's and IP's headers 600";
}

// ---- overtaking ----

struct SlowWorld : World {
  static constexpr std::size_t kBacklog = 200;
  SlowWorld() {
    fill(0);
    for (std::size_t i = 0; i < kBacklog; ++i) leaf_replica.write(leaf, "tồn đọng", 400);
  }
  End slow_end() {
    SessionConfig config = dialling();
    config.paced = true;
    return End(leaf_replica, std::move(config), now);
  }
};

TEST(Session, CustodyOvertakesABacklogWithWhatItNeeds) {
  SlowWorld world;
  End a = world.slow_end();
  End b(world.hub_replica, world.answering(), world.now);
  a.session.set_sizes(4096, 4096);
  run(a, b, world.now);
  EXPECT_TRUE(a.session.wants_room());
  a.session.on_room(6000, world.now);
  run(a, b, world.now);
  const std::size_t before = b.parts.size();
  world.leaf_replica.write(world.leaf, "bàn giao");
  world.leaf_replica.mark_custody({150, 180});
  a.session.on_feed_grown(world.now);
  a.session.on_room(1, world.now);
  run(a, b, world.now);
  ASSERT_GT(b.parts.size(), before);
  const StorePart& urgent = b.parts.back();
  ASSERT_EQ(urgent.part.covered.size(), 3U);
  EXPECT_EQ(urgent.part.covered[0].first, 150U);
  EXPECT_EQ(urgent.part.covered[2].last, SlowWorld::kBacklog + 1);
  make_room_to_the_end(a, b, 3000, world.now);
  EXPECT_TRUE(drained(a) && drained(b));
  EXPECT_TRUE(world.all_agree()) << "each came once";
}

// It lies at the end of a backlog of 200, which is a short one, unless it takes long.
TEST(Session, CustodyAtTheEndOfAShortBacklogOvertakesItOnceItHasTakenLong) {
  SlowWorld world;
  world.leaf_replica.mark_custody({150});
  End a = world.slow_end();
  End b(world.hub_replica, world.answering(), world.now);
  a.session.set_sizes(4096, 4096);
  run(a, b, world.now);
  const auto urgent = [&b] {
    return std::ranges::count_if(b.parts, [](const StorePart& part) {
      return part.kind == FeedKind::kUpdates && part.urgent;
    });
  };
  a.session.on_room(6000, world.now);
  run(a, b, world.now);
  EXPECT_EQ(urgent(), 0);
  world.now += std::chrono::milliseconds(1500);
  a.session.on_tick(world.now);
  a.session.on_room(1, world.now);
  run(a, b, world.now);
  ASSERT_EQ(urgent(), 1);
  EXPECT_EQ(b.parts.back().part.covered.back().last, SlowWorld::kBacklog);
  while (a.session.wants_room()) {
    a.session.on_room(3000, world.now);
    run(a, b, world.now);
  }
  EXPECT_TRUE(drained(a) && drained(b));
  EXPECT_TRUE(world.all_agree()) << "each came once";
  EXPECT_EQ(urgent(), 1);
}

// A hub whose neighbours all return: custody comes at once, history when it is its turn.
TEST(Session, HistoryWaitsForItsTurnAndCustodyDoesNot) {
  SlowWorld world;
  world.leaf_replica.mark_custody({150});
  SessionConfig answering = world.answering();
  answering.history_waits = [] { return true; };
  End a = world.slow_end();
  End b(world.hub_replica, std::move(answering), world.now);
  const auto flow = [&] {
    for (int i = 0; i < 50 && a.session.wants_room(); ++i) {
      a.session.on_room(8000, world.now);
      run(a, b, world.now);
    }
  };
  run(a, b, world.now);
  flow();
  const auto updates = [&b] {
    std::size_t count = 0;
    for (const StorePart& part : b.parts)
      for (const CursorRange& range : part.part.covered)
        if (part.kind == FeedKind::kUpdates) count += range.last - range.first + 1;
    return count;
  };
  EXPECT_EQ(updates(), 2U) << "the handoff and what it needs";
  EXPECT_FALSE(a.session.lane_open(wire::Lane::kHistory));
  EXPECT_TRUE(b.session.lane_open(wire::Lane::kHistory)) << "what the hub has for them goes";
  b.session.set_intake_turn(true, world.now);
  run(a, b, world.now);
  flow();
  EXPECT_TRUE(drained(a) && drained(b));
  EXPECT_TRUE(world.all_agree()) << "each came once";
}

// Its record is too long to go beside the backlog, so it looks urgent and is not to be had.
TEST(Session, AHandoffThatCannotOvertakeLeavesTheMessageUnderWayWhole) {
  SlowWorld world;
  End a = world.slow_end();
  End b(world.hub_replica, world.answering(), world.now);
  a.session.set_sizes(16'384, 1024);
  run(a, b, world.now);
  for (int i = 0; i < 30; ++i) world.leaf_replica.write(world.leaf, "mới", 400);
  a.session.on_feed_grown(world.now);
  a.session.on_room(2500, world.now);  // a part of what is new is under way
  run(a, b, world.now);
  world.leaf_replica.write(world.leaf, "bàn giao");
  std::vector<std::uint64_t> record;
  for (std::uint64_t place = 2; place < SlowWorld::kBacklog; place += 2) record.push_back(place);
  world.leaf_replica.mark_custody(record);
  a.session.on_feed_grown(world.now);
  make_room_to_the_end(a, b, 1500, world.now);
  EXPECT_TRUE(drained(a) && drained(b));
  EXPECT_TRUE(world.all_agree());
}

// More handoffs than a cursor has room for: the last ones go in their turn, and nothing goes twice.
TEST(Session, HandoffsOvertakeOnlyAsLongAsTheCursorHasRoom) {
  SlowWorld world;
  for (int i = 0; i < 100; ++i) world.leaf_replica.write(world.leaf, "tồn đọng", 400);
  End a = world.slow_end();
  End b(world.hub_replica, world.answering(), world.now);
  a.session.set_sizes(4096, 4096);
  run(a, b, world.now);
  a.session.on_room(6000, world.now);
  run(a, b, world.now);
  for (std::size_t i = 0; i < kCursorRangeCountMax + 20; ++i) {
    world.leaf_replica.write(world.leaf, "bàn giao");
    world.leaf_replica.mark_custody({60 + 2 * i});  // apart, so that each is a range
    a.session.on_feed_grown(world.now);
    a.session.on_room(1, world.now);
    run(a, b, world.now);
  }
  EXPECT_EQ(world.hub_replica.cursor(FeedKind::kUpdates, world.leaf.id()).ranges.size(),
            Outbox::kOvertakeRangeCountMax);
  make_room_to_the_end(a, b, 3000, world.now);
  EXPECT_TRUE(drained(a) && drained(b));
  EXPECT_TRUE(world.all_agree());
}

TEST(Session, ACutAfterAnOvertakingHandoffSendsNothingTwice) {
  SlowWorld world;
  {
    End a = world.slow_end();
    End b(world.hub_replica, world.answering(), world.now);
    a.session.set_sizes(4096, 4096);
    run(a, b, world.now);
    a.session.on_room(20'000, world.now);
    run(a, b, world.now);
    world.leaf_replica.write(world.leaf, "bàn giao");
    world.leaf_replica.mark_custody({100, 190});
    a.session.on_feed_grown(world.now);
    a.session.on_room(1, world.now);
    run(a, b, world.now);
    ASSERT_EQ(b.parts.back().part.covered.size(), 3U);
  }
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  EXPECT_TRUE(drained(a) && drained(b));
  EXPECT_TRUE(world.all_agree()) << "each came once";
}

TEST(Session, SendsAgainWhatWasUnclear) {
  World world;
  world.fill(30);
  SessionConfig config = world.dialling();
  config.part_bytes_max = 2048;
  End a(world.leaf_replica, std::move(config), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  b.stores_at_once = false;
  run(a, b, world.now);
  bool first = true;
  while (!b.waiting.empty()) {
    for (const StorePart& part : std::exchange(b.waiting, {})) {
      if (part.kind == FeedKind::kUpdates && std::exchange(first, false)) {
        b.session.on_unclear(part.token, world.now);
      } else {
        b.store(part, world.now);
      }
    }
    run(a, b, world.now);
  }
  EXPECT_TRUE(drained(a) && drained(b));
  EXPECT_TRUE(world.all_agree());
}

TEST(Session, ClosedLanesHoldUpdatesBackAndSayWhy) {
  World world;
  world.fill(2);
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, world.answering(), world.now);
  run(a, b, world.now);
  b.session.set_closed_lanes(0x1c, "budget spent", world.now);
  run(a, b, world.now);
  ASSERT_EQ(a.lanes.size(), 1U);
  EXPECT_EQ(a.lanes[0].reason, "budget spent");
  world.leaf_replica.write(world.leaf, "chờ");
  const std::size_t parts = b.parts.size();
  a.session.on_feed_grown(world.now);
  run(a, b, world.now);
  EXPECT_EQ(b.parts.size(), parts);
  EXPECT_FALSE(a.session.stats().drained_out);
  b.session.set_closed_lanes(0, "", world.now);
  run(a, b, world.now);
  EXPECT_TRUE(world.all_agree());
}

TEST(Session, AReaderThatIsSlowToStoreHoldsUpNeitherTheRegistryNorCustody) {
  World world;
  for (int i = 0; i < 100; ++i) world.leaf_replica.write(world.leaf, "x", 1000);
  SessionConfig reading = world.answering();
  reading.window_bytes = 16 * 1024;
  SessionConfig writing = world.dialling();
  writing.part_bytes_max = 4 * 1024;
  End a(world.leaf_replica, std::move(writing), world.now);
  End b(world.hub_replica, std::move(reading), world.now);
  b.stores_at_once = false;
  run(a, b, world.now);
  const auto held = [&](FeedKind kind) {
    return std::ranges::count(b.waiting, kind, &StorePart::kind);
  };
  const auto parts = held(FeedKind::kUpdates);
  EXPECT_GE(parts, 2);
  EXPECT_EQ(held(FeedKind::kRegistry), 0);
  world.leaf_replica.write(world.leaf, "việc thường");
  a.session.on_feed_grown(world.now);
  run(a, b, world.now);
  EXPECT_EQ(held(FeedKind::kUpdates), parts) << "the window is full";
  world.leaf_replica.write(world.leaf, "bàn giao");
  world.leaf_replica.mark_custody({});
  world.leaf_replica.add_statement(world.deployment.statements().front());
  a.session.on_feed_grown(world.now);
  run(a, b, world.now);
  EXPECT_EQ(held(FeedKind::kUpdates), parts + 1);
  EXPECT_EQ(held(FeedKind::kRegistry), 1);
  EXPECT_EQ(b.waiting.back().kind, FeedKind::kUpdates);
  EXPECT_EQ(b.waiting.back().part.covered.back().first, 102U);
  EXPECT_FALSE(a.closed || b.closed);
  EXPECT_TRUE(store_to_the_end(a, b, world.now));
  EXPECT_TRUE(drained(a) && world.hub_replica.received_once(world.leaf_replica));
}

TEST(Session, ASlowReadersCustodyKeepsToItsWindowToo) {
  World world;
  for (int i = 0; i < 100; ++i) world.leaf_replica.write(world.leaf, "x", 1000);
  SessionConfig reading = world.answering();
  reading.window_bytes = 16 * 1024;
  End a(world.leaf_replica, world.dialling(), world.now);
  End b(world.hub_replica, std::move(reading), world.now);
  b.stores_at_once = false;
  run(a, b, world.now);
  for (int i = 0; i < 100; ++i) {
    world.leaf_replica.write(world.leaf, "bàn giao", 1000);
    world.leaf_replica.mark_custody({});
    a.session.on_feed_grown(world.now);
    run(a, b, world.now);
  }
  std::size_t bytes = 0;
  for (const StorePart& part : b.waiting) bytes += part.part.body.size();
  EXPECT_GT(b.waiting.size(), 10U);
  EXPECT_LT(bytes, 64U * 1024 + kCustodyWindow + 4096U) << "one part, and custody's window";
  EXPECT_FALSE(a.closed || b.closed);
  EXPECT_TRUE(store_to_the_end(a, b, world.now));
  EXPECT_TRUE(drained(a) && world.hub_replica.received_once(world.leaf_replica));
}

}  // namespace
}  // namespace lienthong::test
