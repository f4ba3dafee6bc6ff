// Carries out what a session asks of a replica: the one driver, under the daemon, the simulator and
// the tests alike. docs/design.md, "Exchange".
//
// What it sees to, in order: a part is written and synced before it is acknowledged; what waits is
// sealed and synced before it is sent; what could not be stored is asked for again, each time after
// a longer pause; cursors that were heard are noted; a machine that is an older copy of its disk is
// trusted again once a neighbour has given everything back. No socket, thread or clock: bytes and
// ticks come in, what is to be done goes to its host.
//
// Threads: one, that of its host. Lifetime: `peers` and `host` outlive it, or end() comes first;
// jobs under way keep it alive and find that it has ended.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/session/session.h"
#include "store/exchange/lives.h"
#include "store/exchange/writer.h"

namespace lienthong::store {

class Driver;
class Peers;

// What happened, for logs, tables and tests. Nothing depends on it.
struct PartStored {
  FeedKind kind;
  ReceiveOutcome outcome;
};
struct PartUnclear {  // short names led elsewhere; it is sent again with full ids
  std::uint64_t token = 0;
};
struct StoreFailed {
  Error error;
};
struct CaughtUpAfterRestore {};  // an older copy of a disk has everything back
struct TwinSeen {                // two machines use the peer's key, or `ours`
  Twin twin;
  bool ours = false;
};
using Observation =
    std::variant<PartStored, PartUnclear, StoreFailed, CaughtUpAfterRestore, PeerCursor, PeerLanes,
                 PeerRefused, StandsStill, TwinSeen, HealReport>;

// Lanes 1 to 4 that are closed from our side, and why.
struct ClosedLanes {
  std::uint8_t lanes = 0;  // bit 1 << lane
  std::string reason;
};

class DriverHost {
 public:
  virtual ~DriverHost() = default;
  virtual Instant now() const = 0;
  // In the order of the calls, behind what was given before.
  virtual void send(Bytes bytes) = 0;
  // Runs it soon, other events first. Not after end().
  virtual void soon(std::function<void()> work) = 0;
  // The peer is there now, as driver.peer(). `stays`: false where an older session with the same
  // machine is kept and this one is being closed.
  virtual void on_live(bool stays) = 0;
  // The session is over: close_code(), close_detail(); its last bytes were given to send().
  virtual void on_closed() {}
  // Where a paced session gets room: on_room() if there is some. True: there was.
  virtual bool make_room() { return false; }
  // After every round of actions while it is live: for lane 4.
  virtual void after_actions() {}
  // Everything is said for now.
  virtual void performed() {}
  virtual ClosedLanes closed_lanes() const { return {}; }
  virtual std::string address() const { return {}; }  // of the peer
  // Our feeds for the peer were looked at up to here.
  virtual void on_feed_ends(const FeedMark& /*registry*/, const FeedMark& /*updates*/) {}
  // A part is about to be stored.
  virtual void on_part(const StorePart& /*part*/) {}
  virtual void observe(const Observation& /*what*/) {}
};

class Driver : public std::enable_shared_from_this<Driver> {
 public:
  Driver(Peers& peers, SessionConfig config, DriverHost& host);
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // Once, before everything else. `first`: bytes that came already.
  void start(ByteView first = {});
  // Any cut. Fails as Session::on_bytes: the session closes by itself, nothing is to be done.
  Result<void> on_bytes(ByteView in);
  // At least every 250 ms.
  void tick();
  // Something of ours waits for the peer, sealed.
  void feed_grown();
  // Compares what both hold in the next quiet moment. `done` is called once: with what came of it,
  // or nothing when the session ends first or the other side cannot.
  void compare(std::function<void(std::optional<HealReport>)> done);
  void close(CloseCode code, const std::string& detail);
  // The connection is gone. Calls the host no more.
  void end();
  // Carries out what the session asks now. For whoever has called session() by himself.
  void perform();
  // A paced session's sizes and room, and lane 4, are the host's to deal with.
  Session& session() { return session_; }

  bool initiator() const { return initiator_; }
  std::size_t granted() const { return granted_; }  // bytes of updates taken in before a sync
  // At the beginning, for this session.
  const std::optional<AgencyId>& dialled() const { return dialled_; }
  bool known() const { return peer_.has_value(); }
  bool live() const { return live_; }
  const Established& peer() const { return *peer_; }  // known() only
  bool ended() const { return ended_; }
  bool closing() const { return session_.closed(); }
  bool over() const { return closing_; }  // closed, and the host told
  SessionStats stats() const { return session_.stats(); }
  std::array<std::uint64_t, 2> sent_tops() const {  // by FeedKind
    return {session_.sent_top(FeedKind::kRegistry), session_.sent_top(FeedKind::kUpdates)};
  }
  const std::array<std::vector<std::uint64_t>, 2>& early_ends() const {
    return session_.early_ends();
  }
  Instant heard_at() const { return heard_at_; }
  // Why it ended; the code of the close message, kNone when the connection just broke.
  CloseCode close_code() const { return close_code_; }
  bool closed_by_peer() const { return closed_by_peer_; }
  const std::string& close_detail() const { return close_detail_; }

 private:
  bool perform_actions();
  void perform(Action& action);
  void on_established(Established fact);
  void on_live();
  void on_part(StorePart part);
  void on_stored(std::uint64_t token, FeedKind kind, const Result<void>& result,
                 const ReceiveOutcome& outcome);
  void on_set_cursor(const SetCursor& set);
  void on_cursor(PeerCursor heard);
  void note_cursors();
  void note_cursors_again();
  void note_refused(const PeerRefused& refused);
  void exchange_lives();
  void note_own_twin(const wire::TwinMessage& told);
  void on_heal_work();
  void on_healed(const HealReport& report);
  void share_line();
  void resume_storing();
  void lift_rest_after_restore();
  void note_exchanged();
  Instant now() const { return host_.now(); }

  Peers& peers_;
  DriverHost& host_;
  Session session_;
  const bool initiator_;
  const std::uint64_t session_start_;  // the start that we say
  const std::size_t granted_;
  const std::optional<AgencyId> dialled_;
  std::optional<Established> peer_;
  bool live_ = false;
  bool performing_ = false;
  bool closing_ = false;
  bool ended_ = false;
  Instant heard_at_;
  bool caught_up_ = false;                // all was here once that the peer had for us
  std::optional<Instant> stalled_since_;  // what came could not be stored
  std::chrono::seconds stall_wait_{};
  struct Heard {                 // to be noted
    std::optional<Cursor> told;  // in full
    bool stale = false;          // as in PeerCursor
    std::optional<Cursor> acknowledged;
  };
  std::map<FeedKind, Heard> heard_;
  bool noting_ = false;
  std::optional<Instant> note_again_from_;  // it could not be written
  bool doubted_ = false;                    // this disk is an older copy: both are compared
  bool lifting_ = false;                    // a write of lift_rest_after_restore() is under way
  bool noting_end_ = false;                 // one of note_exchanged() is
  std::vector<std::function<void(std::optional<HealReport>)>> compared_listeners_;
  CloseCode close_code_ = CloseCode::kNone;
  bool closed_by_peer_ = false;
  std::string close_detail_;
};

}  // namespace lienthong::store
