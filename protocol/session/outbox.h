// One of our feeds on its way to one peer: where the peer stands, what was sent and not yet
// acknowledged, what comes next. docs/protocol.md, "Sending". Threads: the session's.
#pragma once

#include <deque>
#include <optional>

#include "protocol/session/hello.h"
#include "protocol/wire/message.h"

namespace lienthong {

class Outbox {
 public:
  // `view` outlives the outbox.
  Outbox(FeedKind kind, const ReplicaView& view, const PeerIdentity& peer,
         std::size_t part_bytes_max);

  // What the peer durably has. The first one is where sending begins: a cursor that does not fit
  // our feed (other epoch or hash) is a lost one, and the feed is sent from its start. Later ones
  // are acknowledgements; one that does not fit frees the window and moves nothing.
  void on_cursor(const Cursor& cursor);
  bool started() const { return cursor_.has_value(); }
  // Where sending begins, once started: what a Begin says.
  FeedMark beginning() const { return FeedMark{epoch_, next_, 0}; }
  // What to do with entries that the peer itself delivered; until it is known, sending stops there.
  void set_echo(Echo echo) { echo_ = echo; }

  // The next message: a part, or at the end of the feed, once, an End. nullopt: nothing, or no room
  // (`room`: bytes of the window that are free; `empty_window`: then one part may be sent whatever
  // its size). Fails: what read_feed fails with; kTooLarge: one entry over kMessageBytesMax.
  Result<std::optional<Bytes>> next(const RootFingerprint& root, std::size_t room,
                                    bool empty_window);

  // Sent to the end as last announced, acknowledged or not.
  bool at_end() const;
  bool drained() const;           // the peer has acknowledged all there is now
  std::uint64_t pending() const;  // entries not acknowledged
  std::size_t unacked_bytes() const { return unacked_bytes_; }

 private:
  struct Sent {
    std::uint64_t last = 0;
    std::size_t bytes = 0;
  };
  bool fits(std::uint64_t number, std::uint64_t hash, const FeedMark& end) const;
  void restart(const FeedMark& end);
  void pass_over_ranges();
  Result<std::optional<Bytes>> encode_from_next(const RootFingerprint& root);

  FeedKind kind_;
  const ReplicaView& view_;
  PeerIdentity peer_;
  std::size_t part_bytes_max_;
  Echo echo_ = Echo::kStopBefore;
  std::optional<Cursor> cursor_;   // newest heard
  std::uint64_t epoch_ = 0;        // of what is being sent
  std::uint64_t next_ = 1;         // number to send next
  std::uint64_t acked_ = 0;        // of epoch_, verified by its hash
  std::vector<CursorRange> held_;  // beyond acked_, verified
  std::deque<Sent> sent_;          // not acknowledged
  std::size_t unacked_bytes_ = 0;
  std::optional<FeedMark> announced_;  // by End; hash unused
};

}  // namespace lienthong
