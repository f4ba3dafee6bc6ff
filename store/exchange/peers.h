// The sessions that one machine has with its neighbours, as far as they concern each other: what a
// session begins with, which of two with the same machine stays, who is sealed for and told when
// something was written, whose backlog goes first. docs/design.md, "Exchange".
//
// Threads: one, that of its drivers. No socket or clock.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "store/exchange/backlog_turns.h"
#include "store/exchange/calling.h"
#include "store/exchange/driver.h"
#include "store/exchange/first_message.h"

namespace lienthong::store {

struct PeersConfig {
  DhKey dh_key;
  std::string program_version;
  std::chrono::milliseconds heartbeat{60'000};
  std::chrono::milliseconds dead_after{20'000};
  const BlobView* blobs = nullptr;            // outlives the peers
  std::size_t seal_at_once = kSealAtOnceMax;  // updates sealed in one commit
  std::uint64_t start = 0;                    // begin_life(); 0: nothing is said of it
  // A job of Peers failed; for a log.
  std::function<void(const Error&)> on_error;
  explicit PeersConfig(DhKey key) : dh_key(std::move(key)) {}
};

class Peers : public std::enable_shared_from_this<Peers> {
 public:
  // All outlive it. `writer` is the one of `replica`.
  Peers(const Replica& replica, Writer& writer, Entropy& entropy, PeersConfig config);

  const Replica& replica() const { return replica_; }
  Writer& writer() { return writer_; }
  std::size_t seal_at_once() const { return config_.seal_at_once; }
  void set_blobs(const BlobView& blobs) { config_.blobs = &blobs; }

  // What a session begins with that answers, or dials that agency. `callee`: its machine, where one
  // is known. What was sealed by now goes with the first message as far as that has room.
  SessionConfig answering();
  SessionConfig dialling(const AgencyId& agency, const std::optional<Callee>& callee,
                         std::uint64_t session_number);

  // Seals what waits for those who are there, then lets their sessions send. What happens meanwhile
  // is taken up by the next round. Feeds that are not whole yet are filled on the way.
  void grown();
  // A round that could not be written is begun anew after a while; for drivers' ticks.
  void seal_again(Instant now);
  // No more rounds of grown().
  void stop() { stopped_ = true; }

  bool connected(const AgencyId& agency) const;  // a session with it is live and stays
  std::size_t callers() const;                   // machines that may call us

  // ---- for drivers ----
  void joined(Driver& driver);
  void left(Driver& driver);
  // Closes whichever of two sessions with one machine does not stay; whether this one does.
  bool came_up(Driver& driver, Instant now);
  // Whether it may send backlog (lanes 2 and 3, more than a few messages) now: of all, at most
  // BacklogTurns::kAtOnce may.
  bool backlog_turn(const Driver& driver, bool has_backlog, Instant now);
  // The same of what the neighbour sends, at most kIntakeAtOnce. `wants`: it has not sent yet all
  // that it had when we met.
  bool intake_turn(const Driver& driver, bool wants, Instant now);

 private:
  bool stays(const Driver& fresh, const Driver& old, Instant now) const;
  SessionConfig begin();
  std::vector<std::shared_ptr<Driver>> drivers() const;  // held, so that none ends under our hands

  const Replica& replica_;
  Writer& writer_;
  Entropy& entropy_;
  PeersConfig config_;
  std::vector<Driver*> drivers_;  // oldest first
  std::shared_ptr<SharedTables> tables_ = std::make_shared<SharedTables>();
  std::map<NodeId, std::shared_ptr<HealMemory>> heal_memories_;
  FirstMessages first_messages_;
  BacklogTurns turns_, intake_;
  bool sealing_ = false, grown_again_ = false;
  bool seal_failed_ = false;
  std::optional<Instant> seal_again_from_;
  bool stopped_ = false;
  mutable std::shared_ptr<const Registry> counted_;  // callers_ are of this registry
  mutable std::size_t callers_ = 1;
};

}  // namespace lienthong::store
