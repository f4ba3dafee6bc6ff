// What every connection costs and whether anything is heard on it: reads TCP_INFO of the links that
// are busy, adds their IP bytes up by neighbour and by lane, keeps the day's budget in the replica,
// and keeps TCP_USER_TIMEOUT at ten round trips.
//
// Loop thread only but for budget().
#pragma once

#include <map>
#include <mutex>

#include "agent/engine/engine.h"
#include "agent/links/link_config.h"
#include "agent/links/neighbour.h"
#include "agent/links/path.h"

namespace lienthong::agent {

class Link;

class LinkMeters {
 public:
  LinkMeters(Engine& engine, const LinkConfig& config, NeighbourTable& table);

  // From a restart; a saved day that cannot be read is begun anew.
  void restore();
  // `socket` is open until remove().
  void add(const Link& link, int socket);
  // Before the socket closes: takes the last reading.
  void remove(const Link& link);
  // Every tick. Saves the day every kSaveEvery.
  void tick(Instant now);
  void save();

  // Null for a link that was not added or has ended.
  const PathWatch* watch(const Link& link) const;
  // Of no link: attempts that were never answered.
  void spend(std::uint64_t ip_bytes) { budget_.spend({}, ip_bytes); }
  LaneGate gate(std::size_t lane) const;
  BudgetStatus budget() const;  // any thread

 private:
  struct Meter {
    Meter(int s, Instant now) : socket(s), watch(now) {}
    int socket;
    PathWatch watch;
    std::uint64_t unseen = 0;                 // packets that TCP_INFO does not count, each way
    std::uint64_t out = 0, in = 0;            // IP bytes spent so far
    std::uint64_t told_out = 0, told_in = 0;  // of them, noted for the neighbour
    LaneBytes payload{};
    std::uint64_t stream = 0;
    std::chrono::milliseconds timeout{0};
    unsigned quiet_ticks = 0;
    bool was_quiet = false;
  };
  void read(const Link& link, Meter& meter, std::uint64_t unseen);
  void publish();

  Engine& engine_;
  const LinkConfig& config_;
  NeighbourTable& table_;
  std::map<const Link*, Meter> meters_;
  Budget budget_;
  Instant saved_at_;
  std::uint64_t saved_spent_ = 0;
  mutable std::mutex mutex_;
  BudgetStatus published_;
};

}  // namespace lienthong::agent
