// One of the peer's feeds on its way to us: what was handed to the store, what is durable, what the
// peer announced. docs/protocol.md, "Receiving". Pure; threads: the session's.
#pragma once

#include <deque>
#include <optional>

#include "protocol/sync/feed.h"

namespace lienthong {

class Inbox {
 public:
  explicit Inbox(Cursor durable) : durable_(std::move(durable)) {}

  // Where the peer's feed goes on. kOutOfOrder: said twice.
  Result<void> on_begin(std::uint64_t epoch, std::uint64_t first);
  // Whether the peer still has what it once delivered: its feed joins on where we are. nullopt: not
  // said yet.
  std::optional<bool> joins_on() const { return joins_on_; }
  // kOutOfOrder: a part before the beginning, or that does not come after the one before it in its
  // epoch.
  Result<void> on_part(const FeedPart& part, std::uint64_t token, std::size_t bytes);
  // kOutOfOrder: an end before the beginning or before what was sent already.
  Result<void> on_end(std::uint64_t epoch, std::uint64_t number);
  // False: no such token here.
  bool on_stored(std::uint64_t token, const Cursor& cursor);
  // The cursor to acknowledge, if one became durable since the last call.
  std::optional<Cursor> take_ack();

  bool drained() const;           // all that was announced on this session is durable
  std::uint64_t pending() const;  // entries announced or received, not durable
  std::size_t unstored_bytes() const { return unstored_bytes_; }

 private:
  struct Storing {
    std::uint64_t token = 0;
    std::size_t bytes = 0;
  };
  Cursor durable_;
  std::optional<bool> joins_on_;
  bool ack_due_ = false;
  std::optional<FeedMark> received_;  // of the last part
  std::optional<FeedMark> end_;       // announced; hash unused
  std::deque<Storing> storing_;
  std::size_t unstored_bytes_ = 0;
};

}  // namespace lienthong
