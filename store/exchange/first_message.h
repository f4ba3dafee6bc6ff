// What the next first message to a neighbour may bear: what was sent on sessions that ended since
// it was last heard, and what first messages bore of sessions that never came up.
// docs/protocol/transport.md, "Early messages". Of this process's life only: after a start less is
// known, and a part may be sent twice. One thread.
#pragma once

#include <map>

#include "protocol/session/hello.h"
#include "protocol/session/session.h"
#include "store/replica/replica.h"

namespace lienthong::store {

class FirstMessages {
 public:
  using Tops = std::array<std::uint64_t, 2>;  // by FeedKind: the highest place that was sent
  using Ends = std::array<std::vector<std::uint64_t>, 2>;

  // A session with that machine ended.
  void session_ended(const NodeId& node, const Tops& sent) { sent_[node] = sent; }
  // A session that we dialled never came up; its Session::early_ends().
  void swallowed(const AgencyId& agency, const Ends& early_ends);
  // A session is up.
  void came_up(const AgencyId& agency) { swallowed_.erase(agency); }

  // Completes the configuration of a session that we dial.
  void prepare(SessionConfig& config, const Replica& replica, const PeerIdentity& peer) const;

 private:
  struct Swallowed {
    int count = 0;
    Ends early_ends;
  };
  std::map<NodeId, Tops> sent_;
  std::map<AgencyId, Swallowed> swallowed_;  // since the last session that came up
};

}  // namespace lienthong::store
