// The agent and its neighbours as JSON: `status` and `peers`. docs/operations.md.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "agent/links/links.h"
#include "store/replica/replica.h"

namespace lienthong::agent {

struct StatusFacts {  // what the replica does not know
  std::string version;
  UnixMillis started_at = 0;
  UnixMillis now = 0;
  std::uint64_t only_here = 0;
  std::optional<Error> trouble;  // why nothing can be written now
  std::optional<BudgetStatus> budget;
};
nlohmann::json status_json(const store::Replica& replica,
                           const std::vector<NeighbourStatus>& neighbours,
                           const StatusFacts& facts);

enum class Detail : std::uint8_t { kShort, kFull };
nlohmann::json neighbour_json(const NeighbourStatus& neighbour, const Registry& registry,
                              Detail detail);
nlohmann::json budget_json(const BudgetStatus& budget);
nlohmann::json refused_peer_json(const RefusedPeer& peer);
const char* to_string(LinkState state);

// Every connected neighbour has confirmed that nothing is left. With neighbours but none connected,
// nobody has: false.
bool in_sync(const std::vector<NeighbourStatus>& neighbours);

nlohmann::json time_json(UnixMillis time);  // null for 0
nlohmann::json scrub_json(const store::Replica& replica);
nlohmann::json damage_json(const store::Replica& replica);  // null: there was none

}  // namespace lienthong::agent
