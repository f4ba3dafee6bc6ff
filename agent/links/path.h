// When a neighbour's path is given another try, although a session on it is up: the rules of
// docs/design.md, "Links", without sockets or timers.
//
// PathWatch follows one connection, PathPlan one neighbour that we dial. Pure; one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "agent/net/tcp_info.h"
#include "protocol/base/instant.h"
#include "protocol/crypto/keys.h"

namespace lienthong::agent {

// Whether anything is heard on a connection, down to the kernel's acknowledgements.
class PathWatch {
 public:
  static constexpr std::chrono::seconds kPatienceMin{3};
  static constexpr int kPatienceRoundTrips = 4;
  static constexpr std::chrono::milliseconds kAnswerMin{2000};
  static constexpr int kDeadRoundTrips = 10;

  // The connection is up since `now`.
  explicit PathWatch(Instant now) : heard_(now), progressed_(now) {}
  void observe(const TcpInfo& info, Instant now);

  // How long nothing had been delivered either way before what is outstanding was sent.
  std::chrono::nanoseconds quiet_before() const { return quiet_; }
  // How long nothing was heard although data was outstanding; 0 when there is none.
  std::chrono::nanoseconds silent(Instant now) const;
  // max(3 s, 4 round trips): then a second connection is tried.
  std::chrono::nanoseconds patience() const;
  // max(2 s, 2.5 round trips): so long a second connection waits for an answer. Its SYN is then
  // repeated once: one that was repeated more often begins with a window of one segment.
  std::chrono::milliseconds answer_within() const;
  // max(`least`, 10 round trips): then the path is dead.
  std::chrono::milliseconds dead_after(std::chrono::milliseconds least) const;
  bool outstanding() const { return outstanding_; }
  const TcpInfo& info() const { return info_; }  // as last observed

 private:
  TcpInfo info_;
  Instant heard_, progressed_;
  std::chrono::nanoseconds quiet_{0};
  bool outstanding_ = false;
};

class PathPlan {
 public:
  enum class Why : std::uint8_t {
    kSilent,  // data outstanding and nothing heard
    kMoved,   // this machine no longer has the address that the session uses
    kBetter,  // the session is on a less preferred address
    kOld,     // the session's keys are a day old
  };
  static constexpr std::chrono::milliseconds kSilentPauseMax{500};
  static constexpr std::chrono::seconds kBetterFirst{60};
  static constexpr std::chrono::minutes kBetterMax{10};
  static constexpr std::chrono::hours kSessionMax{24};
  static constexpr std::chrono::minutes kSessionJitter{60};
  static constexpr std::size_t kStallCountForSmall = 2;
  static constexpr std::uint64_t kCarriedSegments = 8;  // so many delivered: no hole in the path
  static constexpr int kSmallSegmentBytes = 1100;
  // Shorter quiets say nothing of routers that forget.
  static constexpr std::chrono::seconds kForgetsAfterMin{4};

  // `address_count`: at least 1, the most preferred first.
  explicit PathPlan(std::size_t address_count) : address_count_(address_count) {}

  // A session that we dialled was proved live on that address.
  void up(std::size_t address, Instant now, Entropy& entropy);
  // The network of this machine changed: what was learnt of paths is forgotten.
  void network_changed(Instant now);

  struct Facts {
    std::chrono::nanoseconds silent{0};
    std::chrono::nanoseconds patience = PathWatch::kPatienceMin;
    bool moved = false;
  };
  struct Beside {
    Why why = Why::kSilent;
    std::size_t address = 0;
  };
  // While a session that we dialled is up: whether to dial beside it now, and where. Nothing until
  // beside_ended().
  std::optional<Beside> look(const Facts& facts, Instant now);
  void beside_ended(bool live, Instant now, Entropy& entropy);
  bool beside() const { return beside_.has_value(); }

  // A connection stood still with data outstanding, after delivering so much in segments of that
  // size. Once for each connection.
  void stalled(std::uint64_t delivered, std::uint32_t segment_bytes);
  // Two stalls that delivered next to nothing between them: the path may swallow large packets.
  bool small_segments() const { return stall_count_ >= kStallCountForSmall; }

 private:
  std::size_t address_count_;
  std::size_t current_ = 0;      // of the session that is up
  std::size_t next_silent_ = 0;  // tried next when silent or moved
  std::size_t next_better_ = 0;
  Instant silent_again_{};
  Instant better_again_{};
  std::chrono::nanoseconds better_wait_ = kBetterFirst;
  Instant old_at_{};
  std::optional<Beside> beside_;
  std::size_t stall_count_ = 0;
};

const char* to_string(PathPlan::Why why);

}  // namespace lienthong::agent
