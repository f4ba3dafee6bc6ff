// How many bytes may be handed to a socket now, so that what comes later and matters more does not
// queue behind them: in the kernel, in the modem, anywhere on the path.
//
// The limit on what is unsent or unacknowledged is the measured rate × (smallest round trip + queue
// time), at least kSegmentsMin segments, whatever the congestion control. The queue time is
// kQueueTimeMin, and where round trips vary up to kQueueTime, for else a path whose trips are
// usually longer than the smallest would never be full. The rate is what was delivered while data
// waited for room, the greatest of the last few round trips; until that is known the limit grows by
// what is delivered, as TCP's own window does in slow start. Where losses keep TCP's window below
// that limit, what waits for the window stays below kUnsentTime of the rate. While data waits and
// the limit is too low, throughput still grows by (rtt + queue time) / rtt a round trip. When the
// path has become longer than the smallest round trip says (or is filled by others), the present
// round trip is taken instead, for kBaseHeld.
//
// Use: observe() with fresh facts, room(), hand over at most that, then look_after(). Pure; one
// thread. docs/design.md, "Links".
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "agent/net/tcp_info.h"
#include "protocol/base/instant.h"

namespace lienthong::agent {

// Of info.queue_bytes: what is not known to have arrived. While a hole is repaired, what lies
// beyond it is there.
std::uint64_t missing_bytes(const TcpInfo& info);

class Pacer {
 public:
  static constexpr std::chrono::milliseconds kQueueTimeMin{150};
  static constexpr std::chrono::milliseconds kQueueTime{300};
  static constexpr std::chrono::milliseconds kUnsentTime{150};
  static constexpr std::chrono::milliseconds kLookMin{20};
  static constexpr std::chrono::milliseconds kLookMax{50};
  static constexpr std::chrono::minutes kBaseHeld{5};
  static constexpr std::size_t kSegmentsMin = 4;
  static constexpr std::size_t kSegmentsFirst = 10;  // the kernel's first window
  static constexpr std::size_t kUnitBytesMin = 4 * 1024;
  static constexpr std::size_t kUnitBytesMax = 256 * 1024;
  static constexpr std::size_t kFrameBytesMin = 2 * 1024;

  void observe(const TcpInfo& info, Instant now);
  // `queue_bytes`: not there yet, as far as is known (missing_bytes()); `unsent_bytes` of them wait
  // for TCP's window.
  std::size_t room(std::size_t queue_bytes, std::size_t unsent_bytes = 0) const;
  // After handing over: whether more waits for room. When to look again; none: nothing waits.
  std::optional<std::chrono::milliseconds> look_after(bool data_waits, Instant now);

  // Bytes that may be in the kernel.
  std::size_t limit_bytes() const;
  // Of these, bytes that may wait for TCP's window.
  std::size_t unsent_limit_bytes() const;
  // Bytes a second; none before anything was measured.
  std::optional<std::uint64_t> rate() const;
  // Half a second of the link, for a unit of a seal; 16 KB while the rate is unknown.
  std::size_t unit_bytes() const;
  // A frame's plaintext: 2 KB or a sixteenth of a second, whichever is more: so much is handed over
  // beyond the limit, and what matters more waits for it.
  std::size_t frame_bytes() const;

 private:
  using Nanos = std::chrono::nanoseconds;
  struct Sample {
    Nanos at;  // as waited_ stood
    double rate;
  };
  void take_sample(Nanos passed, std::uint64_t bytes);
  void watch_base(std::uint64_t queue_bytes, Nanos passed, Instant now);
  void leave_start_when_full();
  std::size_t segment() const { return segment_bytes_ == 0 ? 1448 : segment_bytes_; }
  Nanos base() const;          // the round trip without a queue
  Nanos window() const;        // how long a sample counts
  Nanos interval() const;      // how long a sample is taken
  double best() const;         // bytes a second; 0: none
  double queue_limit() const;  // by rate and round trip
  Nanos queue_time() const;

  std::uint32_t segment_bytes_ = 0;
  Nanos rtt_{0}, rtt_deviation_{0}, min_rtt_{0};
  double kernel_rate_ = 0;  // a lower bound while nothing was measured here
  std::uint64_t delivered_ = 0;
  bool waits_ = false;  // since the last look data has waited for room
  Nanos waited_{0};     // all the time in which data waited and something was delivered
  Instant seen_{};
  Nanos sample_time_{0};
  std::uint64_t sample_bytes_ = 0;
  std::deque<Sample> samples_;  // rates fall, times rise: the first is the greatest
  std::size_t sample_count_ = 0;
  bool growing_ = false;  // the last sample was greater than all before
  bool starting_ = true;
  double start_limit_ = 0;
  Nanos long_for_{0};            // how long the round trip has been longer than our queue explains
  std::optional<Nanos> raised_;  // stands in for min_rtt_
  Instant raised_until_{};
};

}  // namespace lienthong::agent
