// One of the peer's feeds on its way to us: what was handed to the store, what is durable, what the
// peer announced. docs/protocol/feed.md, "Receiving". Pure; threads: the session's.
//
// What is acknowledged is what is durable: the cursor on the disk, and beside it what came while
// healing holds that cursor where it is. So nothing that was acknowledged is forgotten in a session
// because the cursor was read anew.
#pragma once

#include <deque>
#include <optional>

#include "protocol/feed/feed.h"
#include "protocol/wire/message.h"

namespace lienthong {

class Inbox {
 public:
  Inbox(FeedKind kind, Cursor durable) : kind_(kind), disk_(std::move(durable)), told_(disk_) {}

  // Where the peer's feed goes on; again when it begins anew. `guess`: it did not know yet what we
  // have, so that nothing follows from a beginning before that.
  void on_begin(std::uint64_t epoch, std::uint64_t first, bool guess = false);
  // It begins after what we have, and ends there.
  void on_level();
  // Whether the peer still has what it once delivered: its feed joins on where we are. nullopt: not
  // said yet.
  std::optional<bool> joins_on() const { return joins_on_; }
  // The beginning was a guess at a place before ours: what came once may come again.
  bool may_repeat() const { return begun_ && !joins_on_; }
  // The peer has heard our cursor and goes on without another beginning: the guess counts. False:
  // it was none.
  bool on_beginning_kept();
  // Takes a part in: sets its epoch. False: it is passed over, for the peer will send it again.
  // kOutOfOrder: a part before the beginning.
  Result<bool> on_part(EncodedPart& part, std::uint64_t token, std::size_t bytes);
  // kOutOfOrder: an end before the beginning or before what was sent already.
  Result<void> on_end(std::uint64_t number);
  // False: no such token here. `cursor`: on the disk, after it.
  bool on_stored(std::uint64_t token, const Cursor& cursor);
  // The part could not be stored. True: the peer is to send it again in full (`unclear`), now.
  bool on_unclear(std::uint64_t token, wire::UnclearMessage& message);
  // Nothing is stored until the peer begins anew. False: no such token here.
  bool on_failed(std::uint64_t token);
  // What to acknowledge, if something became durable since the last call. Nothing while the peer is
  // to be told in full.
  std::optional<wire::AckMessage> take_ack();
  // More is durable than came on this session, by another one: an acknowledgement would name what
  // the peer has not sent here, so it is told in full where we are, and begins anew.
  std::optional<Cursor> take_cursor();

  // The cursor on the disk is this one, by healing or as it was left: the peer is told in full, and
  // begins anew.
  void set_durable(Cursor cursor) {
    disk_ = std::move(cursor);
    told_ = disk_;
    ahead_ = {};
    jumped_ = false;
  }
  // What is durable beyond a mark of its epoch.
  std::vector<CursorRange> beyond(const FeedMark& mark) const;
  bool ahead_of_disk() const { return ahead_.mark.number > 0 || !ahead_.ranges.empty(); }

  Cursor durable() const;         // as the disk has it, and what is ahead of that
  bool drained() const;           // all that was announced on this session is durable
  std::uint64_t pending() const;  // entries announced or received, not durable
  std::size_t unstored_bytes() const { return unstored_bytes_; }

 private:
  struct Storing {
    std::uint64_t token = 0;
    std::size_t bytes = 0;
    std::uint64_t epoch = 0;
    std::vector<CursorRange> covered;
  };
  std::optional<Storing> take(std::uint64_t token);
  void drop_what_the_disk_has();
  void note_jump();
  std::uint64_t have() const;

  FeedKind kind_;
  Cursor disk_;
  Cursor ahead_;  // durable, and not in the disk's: of one epoch
  Cursor told_;   // in full, to the peer: where it begins
  std::optional<bool> joins_on_;
  std::uint8_t serial_ = 0;     // beginnings heard
  std::uint64_t epoch_ = 0;     // of the last one
  std::uint64_t first_ = 0;     // where it goes on
  std::uint64_t received_ = 0;  // highest place in it
  std::uint64_t seen_ = 0;      // the same, of all beginnings of that epoch
  bool begun_ = false;
  bool passing_ = false;  // over parts, until it begins anew
  bool ack_due_ = false;
  bool jumped_ = false;               // take_cursor() has one
  std::optional<std::uint64_t> end_;  // announced
  std::deque<Storing> storing_;
  std::size_t unstored_bytes_ = 0;
};

}  // namespace lienthong
