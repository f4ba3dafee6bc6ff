// One direction of an emulated link, in made-up time.
#include "tests/emulator/pipe.h"

#include <gtest/gtest.h>

#include <vector>

namespace lienthong::emulator {
namespace {

using namespace std::chrono_literals;

Pipe made(const PipeSettings& settings, std::uint64_t seed = 1) {
  Pipe pipe(seed);
  pipe.set(settings, Nanos(0));
  return pipe;
}

PipeSettings settings(std::uint64_t rate_bits, Nanos delay) {
  PipeSettings out;
  out.rate_bits = rate_bits;
  out.delay = delay;
  return out;
}

TEST(Pipe, PacketTakesItsTimeOnTheLineAndTheDelay) {
  Pipe pipe = made(settings(64'000, 300ms));
  EXPECT_EQ(pipe.offer(1000, Nanos(0)), Nanos(125ms + 300ms));
  EXPECT_EQ(pipe.offer(1000, Nanos(0)), Nanos(250ms + 300ms));  // waits for the one before
  EXPECT_EQ(pipe.offer(1000, Nanos(1s)), Nanos(1s + 125ms + 300ms));
}

TEST(Pipe, NothingOvertakesInSpiteOfJitter) {
  PipeSettings set = settings(0, 100ms);
  set.jitter = 50ms;
  Pipe pipe = made(set);
  Nanos last(0);
  bool moved = false;
  for (int i = 0; i < 1000; ++i) {
    const auto at = pipe.offer(100, i * 1ms);
    ASSERT_TRUE(at);
    EXPECT_GE(*at, last);
    EXPECT_GE(*at, i * 1ms + 100ms);
    moved = moved || *at > i * 1ms + 110ms;
    last = *at;
  }
  EXPECT_TRUE(moved);
}

TEST(Pipe, FullQueueDropsTheTail) {
  PipeSettings set = settings(256'000, 0ms);
  set.queue_bytes = 64 * 1024;
  Pipe pipe = made(set);
  int kept = 0;
  for (int i = 0; i < 100; ++i) kept += pipe.offer(1500, Nanos(0)) ? 1 : 0;
  EXPECT_EQ(kept, 64 * 1024 / 1500);
  EXPECT_EQ(pipe.counters().queue_drops, 100 - kept);
  EXPECT_EQ(pipe.counters().queue_drop_bytes, 1500 * (100 - static_cast<std::uint64_t>(kept)));
  EXPECT_LE(pipe.counters().queue_bytes_peak, 64 * 1024);
  EXPECT_TRUE(pipe.offer(1500, 1s));  // 32,000 bytes have left
}

TEST(Pipe, LosesTheShareThatItIsToldTo) {
  PipeSettings set;
  set.loss = 0.02;
  Pipe pipe = made(set, 5);
  for (int i = 0; i < 100'000; ++i) pipe.offer(100, i * 1us);
  EXPECT_NEAR(static_cast<double>(pipe.counters().loss_drops) / 100'000, 0.02, 0.002);
}

TEST(Pipe, LosesInBurstsOfTheLengthThatItIsToldTo) {
  PipeSettings set;
  set.burst_loss = 0.05;
  set.burst_packets = 10;
  Pipe pipe = made(set, 5);
  int lost = 0, bursts = 0;
  bool before = false;
  for (int i = 0; i < 400'000; ++i) {
    const bool dropped = !pipe.offer(100, i * 1us);
    lost += dropped ? 1 : 0;
    bursts += dropped && !before ? 1 : 0;
    before = dropped;
  }
  EXPECT_NEAR(lost / 400'000.0, 0.05, 0.008);
  EXPECT_NEAR(static_cast<double>(lost) / bursts, 10, 1.5);
}

TEST(Pipe, SameSeedLosesTheSamePackets) {
  PipeSettings set;
  set.loss = 0.1;
  set.jitter = 10ms;
  Pipe one = made(set, 9), two = made(set, 9);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(one.offer(100, i * 1ms), two.offer(100, i * 1ms));
}

TEST(Pipe, FollowsItsScheduleOfOutages) {
  PipeSettings set = settings(0, 2s);
  set.up = 10s;
  set.down = 10s;
  Pipe pipe = made(set);
  EXPECT_TRUE(pipe.offer(100, 1s));
  EXPECT_TRUE(pipe.deliver(100, 3s));
  EXPECT_TRUE(pipe.offer(100, 9s));
  EXPECT_FALSE(pipe.deliver(100, 11s));  // in the air when it went down
  EXPECT_FALSE(pipe.offer(100, 15s));
  EXPECT_TRUE(pipe.offer(100, 20s));
  EXPECT_EQ(pipe.counters().outage_drops, 2U);
  EXPECT_EQ(pipe.counters().offered_packets, 4U);
  EXPECT_EQ(pipe.counters().delivered_packets, 1U);
}

TEST(Pipe, BeginsWhereInItsScheduleItIsToldTo) {
  PipeSettings set;
  set.up = 10s;
  set.down = 10s;
  set.phase = 8s;
  Pipe pipe = made(set);
  EXPECT_TRUE(pipe.is_up(1s));
  EXPECT_FALSE(pipe.is_up(3s));
  EXPECT_TRUE(pipe.is_up(12s));
}

TEST(Pipe, SwallowsLargePacketsInAnMtuHole) {
  PipeSettings set;
  set.mtu_hole = 1200;
  Pipe pipe = made(set);
  EXPECT_TRUE(pipe.offer(1200, 1s));
  EXPECT_FALSE(pipe.offer(1201, 2s));
  EXPECT_EQ(pipe.counters().outage_drops, 1U);
}

TEST(Pipe, StaysCutUntilItIsMended) {
  PipeSettings set;
  set.cut = true;
  Pipe pipe = made(set);
  EXPECT_FALSE(pipe.offer(100, 1h));
  set.cut = false;
  pipe.set(set, 2h);
  EXPECT_EQ(pipe.offer(100, 2h), Nanos(2h));
}

}  // namespace
}  // namespace lienthong::emulator
