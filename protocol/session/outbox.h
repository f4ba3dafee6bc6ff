// One of our feeds on its way to one peer: where the peer stands, what was sent and not yet
// acknowledged, what comes next and in which lane. docs/protocol/session.md, "Sending". Threads:
// the session's.
//
// Usually a feed is sent in its order. While a backlog is under way, what is new goes beside it:
// custody first, with what its record needs, then other new updates, then the backlog.
#pragma once

#include <deque>
#include <optional>

#include "protocol/base/limits.h"
#include "protocol/feed/stretches.h"
#include "protocol/record/root_of.h"
#include "protocol/session/hello.h"
#include "protocol/sync/replica_view.h"
#include "protocol/wire/fragment.h"
#include "protocol/wire/message.h"

namespace lienthong {

// A message that is to be sent.
struct Outgoing {
  wire::Lane lane = wire::Lane::kControl;
  Bytes message;
  bool backlog = false;   // more of its lane follows: worth a compressed stream
  bool drained = false;   // it ends the feed: nothing of a backlog follows
  std::size_t dense = 0;  // bytes at the end that are not worth compressing
};

// What may be sent now.
struct Allowance {
  std::size_t window = 0;     // bytes that may still be unacknowledged
  bool custody = true;        // there is room for custody, beside the window
  bool empty_window = false;  // nothing is: one part may go whatever its size
  std::uint8_t lanes = 0xff;  // bit for each lane that is open
  bool backlog = true;        // our turn to send history
  bool look_back = false;     // custody in a short backlog has waited long, too
  std::size_t unit_bytes = 64 * 1024;
  bool lane_open(wire::Lane lane) const { return (lanes >> static_cast<unsigned>(lane) & 1) != 0; }
};

class Outbox {
 public:
  static constexpr std::uint64_t kOvertakeCountMin = 64;  // entries behind which others wait
  // Ranges that what overtakes may leave the peer with: a cursor that overflows forgets, and what
  // is forgotten would have to go twice. Some are left for what is unclear or cut.
  static constexpr std::size_t kOvertakeRangeCountMax = kCursorRangeCountMax - 4;

  // `view` outlives the outbox.
  Outbox(FeedKind kind, const ReplicaView& view, const PeerIdentity& peer);

  // ---- what the peer durably has ----
  // In full: where sending begins. A cursor that does not fit our feed (other epoch or hash) is a
  // lost one, and the feed is sent from its start. `epoch_bits`: how many of the epoch's low bits
  // are known (32 in a hello). Returns it with the epoch in full, if that is ours.
  Cursor on_cursor(Cursor cursor, unsigned epoch_bits = 64);
  // Acknowledgement within the epoch of our `serial`-th beginning; an older one's is passed over.
  // kMalformed: beyond what was sent.
  Result<void> on_ack(std::uint8_t serial, std::uint64_t number,
                      std::span<const CursorRange> ranges);
  // Short names in these led elsewhere there: they go once more, with parents, links and seals
  // named, and if that was not enough, in full.
  Result<void> on_unclear(std::uint8_t serial, std::span<const CursorRange> covered);
  // Nothing that was sent and not acknowledged has arrived: go on from where the peer is.
  void send_again();
  // As acknowledged so far, for hints; hashes are read from the feed.
  Cursor heard() const;

  bool started() const { return started_; }
  bool heard_nothing() const { return !started_ || guessed_; }  // of the peer's cursor
  std::uint64_t held_count() const;                             // beyond acked()
  // The cursor that sending began from names a place that is not in our feed.
  bool lost() const { return lost_; }
  // It bears the epoch that our feed still has: until that is renewed nothing goes.
  bool stale() const { return started_ && stale_epoch_ != 0 && stale_epoch_ == epoch_; }
  std::uint64_t acked() const { return acked_; }
  // The peer reads seals that go on from the newest one there; until it is known, it may not.
  void set_goes_on(bool goes_on) { goes_on_ = goes_on; }
  // Whether the other side reads accounts as a column.
  void set_accounts(bool accounts) { accounts_ = accounts; }
  // What to do with entries that the peer itself delivered; until it is known, sending stops there.
  void set_echo(Echo echo) { echo_ = carries_ && echo == Echo::kPassOver ? Echo::kCarry : echo; }
  // The peer's disk is an older copy: it wants back what it delivered, whatever its own feed says.
  // Until healing has found both the same.
  void carry_everything() { carries_ = true; }
  void carry_no_more() { carries_ = false; }
  // Before the peer's cursor is known: as if it stood at `hint` (what was heard last); on_cursor()
  // corrects it. `ends`: places where parts ended that may have arrived since, ascending; what is
  // sent ends there, too, so that a part is there as a whole or not at all.
  void guess(const Cursor& hint, std::span<const std::uint64_t> ends = {});

  // The next message: Begin, a part, or at the end of the feed, unless the last part said so, an
  // End. Entries that the peer delivered are not worth a message: they wait for the next part that
  // bears something, or until kEchoesWaitMax of them wait. nullopt: nothing, or no allowance.
  // Fails: what read_feed fails with; kTooLarge: one entry over kMessageBytesMax.
  Result<std::optional<Outgoing>> next(const RootOf& root, const Allowance& allowance);
  // While it holds, history stays: only what is new since then goes, beside it.
  void hold_history(bool hold);
  // Something of lane 1 waits.
  bool has_urgent();
  // That alone, with what its record needs; nullopt: nothing that could be sent so.
  Result<std::optional<Outgoing>> next_urgent(const RootOf& root, const Allowance& allowed);
  // Says in one flag what Begin and End would: the peer stands at the end. Then both are done.
  bool take_level();

  bool at_end() const;            // sent to the end as last announced, acknowledged or not
  bool drained() const;           // the peer has acknowledged all there is now
  std::uint64_t pending() const;  // entries not acknowledged; without those that wait as above
  std::uint64_t backlog() const;  // entries of history not sent yet
  std::size_t unacked_bytes() const { return unacked_bytes_; }
  std::size_t unacked_custody_bytes() const;
  std::uint64_t sent_top() const { return std::max(sent_max_, acked_); }
  std::vector<std::uint64_t> sent_ends() const;  // of parts not acknowledged, as they were sent

 private:
  enum class Naming : std::uint8_t { kShort, kWithParents, kInFull };
  struct Sent {
    std::vector<CursorRange> covered;
    std::size_t bytes = 0;
    std::optional<std::pair<Seal, SealId>> seal;  // the last of its whole seals
    wire::Lane lane = wire::Lane::kUpdates;
    Naming naming = Naming::kShort;
  };
  struct Again {
    CursorRange range;
    Naming naming = Naming::kInFull;
  };
  bool fits(std::uint64_t number, std::uint64_t hash, const FeedMark& end) const;
  void restart(const FeedMark& end);
  void place(const Cursor& cursor, const FeedMark& end);
  void begin_backlog(const FeedMark& end);
  void acknowledge(std::uint64_t number, std::span<const CursorRange> ranges);
  void go_back_to_holes();
  std::uint64_t next_unsent(std::uint64_t place) const;
  // Beside healing what came from the peer came just now, whatever its cursor was.
  Echo echo() const { return history_held_ ? Echo::kPassOver : echo_; }
  bool there(std::uint64_t place) const;  // or sent ahead of others
  bool settled(std::uint64_t place) const;
  bool only_echoes(const FeedMark& end) const;
  bool too_scattered(std::span<const std::uint64_t> places) const;
  void look_back();
  void look_for_custody(std::uint64_t end);
  Result<std::optional<Outgoing>> next_again(const RootOf& root, const Allowance& allowed);
  Result<std::optional<Outgoing>> next_part(const RootOf& root, const Allowance& allowed,
                                            const FeedMark& end);
  Result<std::optional<Outgoing>> read(const RootOf& root, FeedRead what, wire::Lane lane,
                                       Naming naming = Naming::kShort, std::uint64_t end = 0);
  std::optional<Outgoing> packed(const RootOf& root, const FeedPart& part, wire::Lane lane,
                                 Naming naming = Naming::kShort, std::uint64_t end = 0);

  FeedKind kind_;
  const ReplicaView* view_;
  PeerIdentity peer_;
  Echo echo_ = Echo::kStopBefore;
  bool carries_ = false;
  bool goes_on_ = false;
  bool accounts_ = false;
  bool started_ = false;
  bool guessed_ = false;
  bool lost_ = false;
  bool begin_due_ = false;
  bool history_held_ = false;
  std::uint64_t stale_epoch_ = 0;  // the peer names a place of it that is not there; 0: none
  std::uint8_t serial_ = 0;        // beginnings sent
  std::uint64_t epoch_ = 0;        // of what is being sent
  std::uint64_t next_ = 1;         // place to send next, in order
  std::uint64_t acked_ = 0;        // of epoch_
  std::uint64_t sent_max_ = 0;     // highest place that was sent
  Stretches held_;                 // beyond acked_, there already
  Stretches beside_;               // sent on this session out of order
  std::uint64_t live_from_ = 0;    // 0: no backlog; else what is new begins here
  std::uint64_t live_next_ = 0;    // place to send next of what is new
  std::uint64_t looked_ = 0;       // custody was looked for up to here
  bool looked_back_ = false;       // at the newest entries of the backlog
  std::deque<std::uint64_t> urgent_;
  std::deque<Again> again_;
  std::vector<std::uint64_t> ends_;
  std::deque<Sent> sent_;    // not acknowledged
  wire::RecentSeals there_;  // acknowledged on this session
  std::size_t unacked_bytes_ = 0;
  std::optional<FeedMark> announced_;  // by End; hash unused
};

}  // namespace lienthong
