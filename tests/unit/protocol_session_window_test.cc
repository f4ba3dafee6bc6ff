// What a hub takes in of many neighbours at once before it is synced.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "protocol/wire/message.h"
#include "tests/support/session_world.h"

namespace lienthong::test {
namespace {

constexpr std::size_t kNeighbourCount = 250;

TEST(SessionWindow, OfTwoHundredAndFiftyStaysBelowTheBound) {
  std::size_t granted = 0;
  for (std::size_t i = 0; i < kNeighbourCount; ++i) {
    const std::size_t window = window_beside(granted, kNeighbourCount);
    EXPECT_GE(window, kSessionWindowMin);
    EXPECT_LE(window, kSessionWindowMax);
    granted += window + kCustodyWindow;
  }
  EXPECT_LE(granted, kIntakeBytesMax);
  EXPECT_GE(window_beside(0, kNeighbourCount), 80U * 1000)
      << "the first gets no more than the last";
  EXPECT_EQ(window_beside(0, 20), kSessionWindowMax);
  EXPECT_EQ(window_beside(kIntakeBytesMax, 20), kSessionWindowMin) << "sessions twice, for once";
}

// One of the neighbours, each with the same backlog, and the hub's end, whose disk is slow.
struct Neighbour {
  FakeReplica stores;
  std::size_t window;
  End leaf, hub;

  Neighbour(World& world, std::size_t granted)
      : stores(world.hub_replica),
        window(window_beside(granted, kNeighbourCount)),
        leaf(world.leaf_replica, world.dialling(), world.now),
        hub(stores, answering(world, window), world.now) {
    hub.stores_at_once = false;
  }
  static SessionConfig answering(World& world, std::size_t window) {
    SessionConfig config = world.answering();
    config.window_bytes = window;
    return config;
  }
  // Sent and not stored.
  std::size_t held() const {
    std::size_t bytes = 0;
    for (const StorePart& part : hub.waiting)
      bytes += wire::encode_message(wire::PartMessage{part.kind, part.part}).size();
    return bytes;
  }
  void store_one(Instant now) {
    const StorePart part = hub.waiting.front();
    hub.waiting.erase(hub.waiting.begin());
    hub.store(part, now);
    run(leaf, hub, now);
  }
};

TEST(SessionWindow, AHubHoldsNoMoreOfManyBacklogsThanItGranted) {
  World world;
  for (int i = 0; i < 200; ++i) world.leaf_replica.write(world.leaf, "tồn đọng", 1000);
  std::size_t granted = 0;
  std::deque<Neighbour> neighbours;
  for (std::size_t i = 0; i < kNeighbourCount; ++i) {
    Neighbour& each = neighbours.emplace_back(world, granted);
    granted += each.window + kCustodyWindow;
    run(each.leaf, each.hub, world.now);
  }
  EXPECT_LE(granted, kIntakeBytesMax);
  const auto look = [&] {
    std::size_t held = 0;
    for (const Neighbour& each : neighbours) {
      EXPECT_LE(each.held(), each.window);
      held += each.held();
    }
    EXPECT_LE(held, granted);
    return held;
  };
  EXPECT_GT(look(), granted / 4) << "the backlogs hardly fill what was granted";
  for (int i = 0; i < 3; ++i) {
    for (Neighbour& each : neighbours)
      if (!each.hub.waiting.empty()) each.store_one(world.now);
    look();
  }
  for (Neighbour& each : neighbours) {
    EXPECT_TRUE(store_to_the_end(each.leaf, each.hub, world.now));
    EXPECT_TRUE(each.stores.received_once(world.leaf_replica));
    EXPECT_FALSE(each.leaf.closed || each.hub.closed);
  }
}

}  // namespace
}  // namespace lienthong::test
