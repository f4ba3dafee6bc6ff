// What the API may ask of the links: a snapshot of every neighbour, and a few requests.
// Implemented by the peer set; every call is safe from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/links/budget.h"
#include "protocol/base/ids.h"
#include "protocol/base/instant.h"

namespace lienthong::agent {

enum class LinkState : std::uint8_t { kConnected, kDialling, kDown };

// Why an attempt failed, as far as it says what is to be done about it.
enum class LinkFault : std::uint8_t {
  kNone,
  kName,        // the name in the address cannot be looked up
  kClosed,      // the machine is there, and nobody listens at that port
  kNoAgent,     // something else answers: a login page, another service
  kVersion,     // an agent that speaks other versions
  kTurnedAway,  // it does not believe this machine, or is another than was dialled
  kOther,
};

struct NeighbourStatus {
  AgencyId agency;
  std::optional<NodeId> node;  // of the session that is up, or the last one
  LinkState state = LinkState::kDown;
  std::string address;             // in use, or last tried
  UnixMillis last_contact = 0;     // 0: never
  UnixMillis connected_since = 0;  // 0: not connected
  UnixMillis caught_up_at = 0;     // 0: never on any session
  std::optional<double> rtt_seconds;
  std::uint64_t pending_out_updates = 0, pending_out_bytes = 0;
  std::uint64_t pending_in_updates = 0, pending_in_bytes = 0;
  std::uint64_t sent_bytes = 0, received_bytes = 0;        // since start, all sessions
  std::uint64_t ip_sent_bytes = 0, ip_received_bytes = 0;  // the same as packets, with headers
  std::uint64_t sessions = 0, failures = 0;
  // Confirmed on this session: nothing left in either direction, and nothing says that the two may
  // differ all the same.
  bool in_sync = false;
  bool comparing = false;       // something does, and they are compared: a disk was put back, …
  bool differs = false;         // one side refuses what the other holds
  UnixMillis stands_since = 0;  // it acknowledges nothing of what waits for it; 0: it does
  UnixMillis next_attempt = 0;  // 0: none planned
  std::string last_error;       // why the last attempt or session ended; empty: never failed
  LinkFault fault = LinkFault::kNone;  // of the attempts since a session was up last,
  std::uint64_t fault_count = 0;       // so many in a row
  // Small segments are sent, since the path swallows large ones.
  bool small_segments = false;
  // Sessions that were dead after so long a quiet while a new one at the same address was live at
  // once, as behind a router that forgets connections; since the network changed.
  std::uint64_t forgotten_count = 0;
  std::chrono::seconds forgotten_after{0};  // the shortest of these quiets
  UnixMillis forgotten_last = 0;
};

struct RefusedPeer {  // somebody who was turned away
  std::string address;
  std::string reason;  // "wrong-root", "no-certificate", …
  UnixMillis last = 0;
  std::uint64_t count = 0;
};

// What came of comparing all updates that a neighbour and we have for each other.
struct Comparison {
  // "equal": both hold exactly the same; "healed", "sent-whole": they differed, and what was
  // missing was brought over; "still-different": one side refuses what the other holds; "gave-up";
  // "not-connected": no session, or its program cannot compare; "timeout": no quiet moment.
  std::string outcome = "not-connected";
  std::optional<std::uint64_t> our_updates, their_updates;
  std::optional<std::uint64_t> missing_here, missing_there;  // before healing, where it was counted
};

class Links {
 public:
  virtual ~Links() = default;
  virtual std::vector<NeighbourStatus> neighbours() const = 0;
  virtual std::vector<RefusedPeer> refused_peers() const = 0;
  // Dials every neighbour that is not connected, now.
  virtual void sync_now() = 0;
  // Compares in the next quiet moment. `done` is called once, on any thread, perhaps at once.
  virtual void compare(const AgencyId& agency, std::function<void(const Comparison&)> done) = 0;
  // Where we can be reached, for tokens: the configured or bound listen addresses.
  virtual std::vector<std::string> listen_addresses() const = 0;
  // Configured addresses that this machine does not have now, each with the system's words. They
  // are tried again by themselves.
  virtual std::vector<std::string> not_listening() const { return {}; }
  // What the day has cost so far; none where nothing is counted.
  virtual std::optional<BudgetStatus> budget() const { return std::nullopt; }
  // Somebody uses the agent: neighbours that are down are dialled more often for a while.
  virtual void people_here() {}
};

}  // namespace lienthong::agent
