// What is known of every neighbour, for `status` and `peers`. Written on the loop, read from any
// thread.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "agent/links/links.h"
#include "protocol/session/session.h"
#include "store/replica/replica.h"

namespace lienthong::agent {

class NeighbourTable {
 public:
  explicit NeighbourTable(const store::Replica& replica) : replica_(replica) {}

  // The entry of that agency; made when missing.
  void with(const AgencyId& agency, const std::function<void(NeighbourStatus&)>& change);
  // A configured neighbour's code that is not in the registry yet has an entry without an agency.
  void with_unknown(const std::string& code, const std::function<void(NeighbourStatus&)>& change);
  void forget_unknown(const std::string& code);

  // The session's feed for the agency was looked at to this end: beyond it nothing can be in sync.
  void note_ends(const AgencyId& agency, const FeedMark& registry, const FeedMark& updates);
  void note_stats(const AgencyId& agency, const SessionStats& before, const SessionStats& now,
                  UnixMillis at);

  // It has acknowledged nothing since then though something waits for it; until it does.
  void note_standing(const AgencyId& agency, UnixMillis since);

  std::vector<NeighbourStatus> list() const;
  // Updates of ours for that agency that no session has seen acknowledged.
  std::uint64_t pending(const AgencyId& agency) const;

 private:
  struct Ends {
    FeedMark registry, updates;
  };
  void complete(NeighbourStatus& status, const Ends* ends) const;
  const store::Replica& replica_;
  mutable std::mutex mutex_;
  std::map<AgencyId, NeighbourStatus> known_;
  std::map<AgencyId, Ends> ends_;
  std::map<std::string, NeighbourStatus> unknown_;
};

}  // namespace lienthong::agent
