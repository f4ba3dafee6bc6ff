// One direction of an emulated link: which packets come through, and when. Pure: times come in,
// fates go out. A packet first waits for the line (a queue of so many bytes, then tail drop), is
// sent at the rate, may be lost in the air, and arrives after the delay, never before one sent
// earlier. Everything random follows from the seed and the order of the packets. Threads: none.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "tests/simulation/dice.h"

namespace lienthong::emulator {

using Nanos = std::chrono::nanoseconds;  // since any fixed moment

struct PipeSettings {
  std::uint64_t rate_bits = 0;  // a second; 0: at once
  Nanos delay{0};
  Nanos jitter{0};              // added: uniform in 0 to jitter
  double loss = 0;              // share of packets lost, each by itself; 0 to 1
  double burst_loss = 0;        // share of packets lost in bursts (Gilbert); 0 to 0.9
  double burst_packets = 8;     // mean length of a burst; at least 1
  std::size_t queue_bytes = 0;  // that may wait; 0: no bound
  Nanos up{0}, down{0};         // a schedule: so long up, so long down, from set() on; down 0: none
  Nanos phase{0};               // where in the schedule set() begins
  bool cut = false;             // down until set otherwise
  std::size_t mtu_hole = 0;     // larger packets vanish without a word; 0: none do
};

struct PipeCounters {
  std::uint64_t offered_bytes = 0, offered_packets = 0;      // by the sender
  std::uint64_t delivered_bytes = 0, delivered_packets = 0;  // to the receiver
  std::uint64_t queue_drops = 0, loss_drops = 0;             // packets
  std::uint64_t outage_drops = 0;      // while it was down, and into an MTU hole
  std::uint64_t queue_drop_bytes = 0;  // never were on the line; the other drops were
  std::uint64_t queue_bytes_peak = 0;
  Nanos first_at{0}, last_at{0};  // when the sender offered; 0: never
};

class Pipe final {
 public:
  explicit Pipe(std::uint64_t seed) : dice_(seed) {}

  void set(const PipeSettings& settings, Nanos now);
  const PipeSettings& settings() const { return settings_; }

  // A packet of `bytes` enters. When it arrives; nullopt: it was dropped, and counted.
  std::optional<Nanos> offer(std::size_t bytes, Nanos now);
  // Why offer() dropped the last packet that it dropped: "outage", "queue" or "loss".
  const char* drop_reason() const { return drop_reason_; }
  // Its arrival has come. False: the link is down now, the packet is lost.
  bool deliver(std::size_t bytes, Nanos now);

  bool is_up(Nanos now) const;
  std::size_t queued_bytes(Nanos now) const;
  const PipeCounters& counters() const { return counters_; }
  void reset_counters() { counters_ = {}; }

 private:
  bool lose();

  PipeSettings settings_;
  PipeCounters counters_;
  sim::Dice dice_;
  Nanos set_at_{0};
  Nanos line_free_{0};
  Nanos last_arrival_{0};
  bool in_burst_ = false;
  const char* drop_reason_ = "";
};

}  // namespace lienthong::emulator
