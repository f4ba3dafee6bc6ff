#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "agent/links/pacing.h"

namespace lienthong::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::size_t kSegment = 1448;
constexpr milliseconds kStep{1};

// A sender's kernel with a window that grows in slow start and is never cut, before a link of some
// rate with an endless queue.
class SimulatedPath {
 public:
  SimulatedPath(double bytes_a_second, milliseconds base) : rate(bytes_a_second), trip(base) {}

  double rate;             // bytes a second
  milliseconds trip;       // without a queue
  milliseconds jitter{0};  // up to so much is added to a trip
  bool down = false;
  std::size_t window_max = ~std::size_t{0};  // bytes, where losses keep it small

  // `offer`: whether the sender has more than it is let hand over.
  void run(milliseconds time, bool offer, Pacer& pacer) {
    const Instant end = now + time;
    while (now < end) {
      if (next_look && now >= *next_look) look(offer, pacer);
      if (!next_look && offer) look(offer, pacer);
      step();
    }
  }

  std::uint64_t arrived() const { return acknowledged_; }
  std::size_t queue() const { return unsent_ + flying_; }
  std::size_t unsent() const { return unsent_; }
  // How long a byte handed over now would take to leave the link.
  double queue_seconds() const { return (static_cast<double>(unsent_) + standing_) / rate; }
  Instant now{seconds(1)};
  std::optional<Instant> next_look;
  std::size_t looks = 0;

 private:
  struct Packet {
    Instant sent, back;
    std::size_t bytes;
  };

  void look(bool offer, Pacer& pacer) {
    ++looks;
    pacer.observe(info(), now);
    if (offer) unsent_ += pacer.room(queue(), unsent_);
    const auto again = pacer.look_after(offer, now);
    next_look = again ? std::optional(now + *again) : std::nullopt;
  }

  TcpInfo info() const {
    TcpInfo out;
    out.rtt = std::chrono::duration_cast<std::chrono::microseconds>(smoothed_);
    out.rtt_deviation = std::chrono::duration_cast<std::chrono::microseconds>(deviation_);
    out.min_rtt = std::chrono::duration_cast<std::chrono::microseconds>(smallest_);
    out.queue_bytes = queue();
    out.acknowledged = acknowledged_;
    out.segment_bytes = kSegment;
    return out;
  }

  void step() {
    now += kStep;
    if (!down) {
      const double drained =
          std::min(standing_, rate * std::chrono::duration<double>(kStep).count());
      standing_ -= drained;
    }
    while (unsent_ > 0 && flying_ < std::min(window_, window_max)) {
      const std::size_t bytes = std::min(unsent_, kSegment);
      unsent_ -= bytes;
      flying_ += bytes;
      standing_ += static_cast<double>(bytes);
      const auto leaves = nanoseconds(static_cast<std::int64_t>(standing_ / rate * 1e9));
      dice_ = dice_ * 1'103'515'245U + 12'345U;
      const auto late = jitter * static_cast<int>(dice_ >> 16 & 0xff) / 255;
      const Instant back = now + leaves + trip + late;
      packets_.push_back(
          Packet{now, packets_.empty() ? back : std::max(back, packets_.back().back), bytes});
    }
    if (down) {
      for (Packet& packet : packets_) packet.back += kStep;
    }
    while (!packets_.empty() && packets_.front().back <= now) {
      const Packet packet = packets_.front();
      packets_.pop_front();
      acknowledged_ += packet.bytes;
      flying_ -= packet.bytes;
      window_ += packet.bytes;
      const nanoseconds taken = now - packet.sent;
      deviation_ += (nanoseconds(std::abs((taken - smoothed_).count())) - deviation_) / 4;
      smoothed_ = smoothed_.count() == 0 ? taken : (7 * smoothed_ + taken) / 8;
      smallest_ = smallest_.count() == 0 ? taken : std::min(smallest_, taken);
    }
  }

  std::size_t unsent_ = 0, flying_ = 0, window_ = 10 * kSegment;
  double standing_ = 0;  // bytes before the link
  std::uint64_t acknowledged_ = 0;
  nanoseconds smoothed_{0}, smallest_{0}, deviation_{0};
  std::uint32_t dice_ = 1;
  std::deque<Packet> packets_;
};

double delivered_rate(SimulatedPath& path, milliseconds time, Pacer& pacer) {
  const std::uint64_t before = path.arrived();
  path.run(time, true, pacer);
  return static_cast<double>(path.arrived() - before) / std::chrono::duration<double>(time).count();
}

TEST(Pacer, FillsEveryLinkAndLeavesNoMoreThanTheQueueTimeBeforeIt) {
  for (const double kbit : {64, 256, 512, 2000, 20'000}) {
    for (const milliseconds trip : {milliseconds(20), milliseconds(300), milliseconds(1000)}) {
      SCOPED_TRACE(std::to_string(kbit) + " kbit/s, " + std::to_string(trip.count()) + " ms");
      SimulatedPath path(kbit * 125, trip);
      Pacer pacer;
      path.run(seconds(30), true, pacer);
      EXPECT_GT(delivered_rate(path, seconds(20), pacer), 0.93 * path.rate);
      const double four_segments = 4 * kSegment / path.rate;
      EXPECT_LT(path.queue_seconds(),
                std::max(0.15 * 1.4 + 0.4 * std::chrono::duration<double>(trip).count(),
                         four_segments + 0.01));
    }
  }
}

// The smallest round trip is then shorter than the usual one.
TEST(Pacer, FillsALinkWhoseRoundTripsVary) {
  SimulatedPath path(512'000 / 8.0, milliseconds(600));
  path.jitter = milliseconds(300);
  Pacer pacer;
  path.run(seconds(60), true, pacer);
  EXPECT_GT(delivered_rate(path, seconds(120), pacer), 0.9 * path.rate);
}

TEST(Pacer, ReachesTheLinksRateAsSoonAsSlowStartDoes) {
  SimulatedPath path(2'000'000 / 8.0, milliseconds(600));
  Pacer pacer;
  path.run(milliseconds(5 * 600), true, pacer);  // 10, 20, 40, 80, 160 segments: more than 150 KB
  EXPECT_GT(delivered_rate(path, seconds(3), pacer), 0.9 * path.rate);
}

TEST(Pacer, TheQueueOfTheStartIsGoneSoon) {
  SimulatedPath path(256'000 / 8.0, milliseconds(600));
  Pacer pacer;
  double worst = 0;
  for (int i = 0; i < 100; ++i) {
    path.run(milliseconds(100), true, pacer);
    worst = std::max(worst, path.queue_seconds());
  }
  EXPECT_LT(worst, 1.0);
  EXPECT_LT(path.queue_seconds(), 0.5);
}

TEST(Pacer, ASlowerLinkShrinksTheQueueWithinSeconds) {
  SimulatedPath path(1'000'000 / 8.0, milliseconds(200));
  Pacer pacer;
  path.run(seconds(20), true, pacer);
  path.rate /= 8;
  path.run(seconds(12), true, pacer);
  EXPECT_LT(path.queue_seconds(), 0.6);
  EXPECT_GT(delivered_rate(path, seconds(10), pacer), 0.93 * path.rate);
}

TEST(Pacer, WhereLossesKeepTheWindowSmallLittleWaitsForIt) {
  SimulatedPath path(256'000 / 8.0, milliseconds(600));
  Pacer pacer;
  path.run(seconds(20), true, pacer);
  path.window_max = 8 * kSegment;
  path.run(milliseconds(1200), true, pacer);
  const double rate = static_cast<double>(path.window_max) / 0.6;
  EXPECT_LT(static_cast<double>(path.unsent()) / rate, 0.4);
  EXPECT_GT(delivered_rate(path, seconds(10), pacer), 0.9 * rate);
}

TEST(Pacer, AFasterLinkIsFilledWithinRoundTrips) {
  SimulatedPath path(256'000 / 8.0, milliseconds(600));
  Pacer pacer;
  path.run(seconds(20), true, pacer);
  path.rate *= 8;
  path.run(milliseconds(12 * 600), true, pacer);
  EXPECT_GT(delivered_rate(path, seconds(5), pacer), 0.9 * path.rate);
}

// From fibre to satellite: for minutes the kernel goes on naming the old smallest round trip.
TEST(Pacer, ALongerPathIsRecognisedInsteadOfStarvingIt) {
  SimulatedPath path(2'000'000 / 8.0, milliseconds(20));
  Pacer pacer;
  path.run(seconds(20), true, pacer);
  path.trip = milliseconds(1000);
  path.run(seconds(40), true, pacer);
  EXPECT_GT(delivered_rate(path, seconds(10), pacer), 0.8 * path.rate);
}

TEST(Pacer, AnOutageIsNotTakenForASlowLink) {
  SimulatedPath path(512'000 / 8.0, milliseconds(600));
  Pacer pacer;
  path.run(seconds(20), true, pacer);
  const std::size_t before = pacer.limit_bytes();
  path.down = true;
  path.run(seconds(60), true, pacer);
  path.down = false;
  EXPECT_GT(pacer.limit_bytes(), before / 2);
}

TEST(Pacer, LooksEveryFewMillisecondsWhileDataWaitsAndNeverWhenNothingDoes) {
  SimulatedPath path(256'000 / 8.0, milliseconds(600));
  Pacer pacer;
  path.run(seconds(10), true, pacer);
  EXPECT_GE(path.looks, 10'000U / 50);
  EXPECT_LE(path.looks, 10'000U / 20 + 1);
  EXPECT_EQ(pacer.look_after(false, path.now), std::nullopt);
}

TEST(Pacer, KeepsItsMeasureOverIdleTime) {
  SimulatedPath path(256'000 / 8.0, milliseconds(600));
  Pacer pacer;
  path.run(seconds(20), true, pacer);
  const auto rate = pacer.rate();
  path.run(seconds(600), false, pacer);
  EXPECT_EQ(pacer.rate(), rate);
}

TEST(Pacer, AtLeastFourSegmentsHaveRoomOnTheSlowestLink) {
  SimulatedPath path(1000, milliseconds(300));
  Pacer pacer;
  path.run(seconds(300), true, pacer);
  EXPECT_GE(pacer.limit_bytes(), 4 * kSegment);
  EXPECT_LE(pacer.limit_bytes(), 5 * kSegment);
}

TEST(Pacer, AUnitIsHalfASecondOfTheLinkAndAFrameASixteenth) {
  Pacer pacer;
  EXPECT_EQ(pacer.rate(), std::nullopt);
  EXPECT_EQ(pacer.unit_bytes(), 16U * 1024);
  EXPECT_EQ(pacer.frame_bytes(), 4U * 1024);
  TcpInfo info;
  info.delivery_rate = 64'000;
  pacer.observe(info, Instant(seconds(1)));
  EXPECT_EQ(pacer.unit_bytes(), 32'000U);
  EXPECT_EQ(pacer.frame_bytes(), 4'000U);
  info.delivery_rate = 1;
  pacer.observe(info, Instant(seconds(2)));
  EXPECT_EQ(pacer.unit_bytes(), Pacer::kUnitBytesMin);
  info.delivery_rate = 1'000'000'000;
  pacer.observe(info, Instant(seconds(3)));
  EXPECT_EQ(pacer.unit_bytes(), Pacer::kUnitBytesMax);
  EXPECT_EQ(pacer.frame_bytes(), Pacer::kUnitBytesMax);
}

// The first message leaves unpaced, before anything waits.
TEST(Pacer, TheWindowThatTheFirstMessageOpenedIsUsed) {
  Pacer pacer;
  TcpInfo info;
  info.segment_bytes = kSegment;
  info.rtt = info.min_rtt = milliseconds(600);
  info.acknowledged = 9 * kSegment;
  pacer.observe(info, Instant(seconds(1)));
  EXPECT_EQ(pacer.room(0), 19 * kSegment);
  info.acknowledged += 1000 * kSegment;  // trickled later, which opens no window
  static_cast<void>(pacer.look_after(false, Instant(seconds(1))));
  pacer.observe(info, Instant(seconds(600)));
  EXPECT_EQ(pacer.room(0), 20 * kSegment);
}

TEST(Pacer, WhatLiesBeyondAHoleIsThere) {
  TcpInfo info;
  info.segment_bytes = kSegment;
  info.queue_bytes = 12 * kSegment;
  info.selective = 9;
  EXPECT_EQ(missing_bytes(info), 3 * kSegment);
  info.selective = 13;  // the last one was shorter
  EXPECT_EQ(missing_bytes(info), 0U);
}

TEST(Pacer, AnEmptyPathHasRoomForTheFirstWindowAndAFullOneForNothing) {
  const Pacer pacer;
  EXPECT_EQ(pacer.room(0), Pacer::kSegmentsFirst * 1448);
  EXPECT_EQ(pacer.room(Pacer::kSegmentsFirst * 1448), 0U);
  EXPECT_EQ(pacer.room(1'000'000'000), 0U);
}

}  // namespace
}  // namespace lienthong::agent
