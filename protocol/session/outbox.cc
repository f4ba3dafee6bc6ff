#include "protocol/session/outbox.h"

#include "protocol/wire/limits.h"

namespace lienthong {

Outbox::Outbox(FeedKind kind, const ReplicaView& view, const PeerIdentity& peer,
               std::size_t part_bytes_max)
    : kind_(kind), view_(view), peer_(peer), part_bytes_max_(part_bytes_max) {}

bool Outbox::fits(std::uint64_t number, std::uint64_t hash, const FeedMark& end) const {
  if (number > end.number) return false;
  if (number == 0) return true;
  const auto ours = view_.feed_hash(kind_, peer_.agency, number);
  return ours && *ours == hash;
}

void Outbox::restart(const FeedMark& end) {
  epoch_ = end.epoch;
  next_ = 1;
  acked_ = 0;
  held_.clear();
  sent_.clear();
  unacked_bytes_ = 0;
  announced_.reset();
}

void Outbox::on_cursor(const Cursor& cursor) {
  const bool first = !cursor_;
  cursor_ = cursor;
  const FeedMark end = view_.feed_end(kind_, peer_.agency);
  if (first || end.epoch != epoch_) restart(end);
  if (cursor.mark.epoch != epoch_) return;
  if (fits(cursor.mark.number, cursor.mark.hash, end)) {
    acked_ = std::max(acked_, cursor.mark.number);
    next_ = std::max(next_, acked_ + 1);
    held_.clear();
    for (const CursorRange& range : cursor.ranges) {
      if (fits(range.last, range.hash, end)) held_.push_back(range);
    }
  }
  std::erase_if(sent_, [&](const Sent& part) {
    if (!cursor.covers(part.last)) return false;
    unacked_bytes_ -= part.bytes;
    return true;
  });
}

void Outbox::pass_over_ranges() {
  for (const CursorRange& range : held_) {
    if (range.first <= next_ && next_ <= range.last) next_ = range.last + 1;
  }
}

Result<std::optional<Bytes>> Outbox::encode_from_next(const RootFingerprint& root) {
  for (std::size_t bytes_max = part_bytes_max_;; bytes_max /= 2) {
    LT_TRY(auto part, view_.read_feed(kind_, peer_.agency, peer_.node, echo_, next_, bytes_max));
    if (!part) return std::optional<Bytes>();
    LT_CHECK(part->first == next_ && part->last >= part->first);
    if (part->epoch != epoch_) return std::optional<Bytes>();  // minted anew: on_feed_grown follows
    const std::uint64_t last = part->last;
    Bytes message = wire::encode_message(root, wire::PartMessage{kind_, *std::move(part)});
    if (message.size() <= kMessageBytesMax) {
      next_ = last + 1;
      sent_.push_back(Sent{last, message.size()});
      unacked_bytes_ += message.size();
      return std::optional<Bytes>(std::move(message));
    }
    if (bytes_max <= 1) return Error(Errc::kTooLarge, "one entry of our feed over a message");
  }
}

Result<std::optional<Bytes>> Outbox::next(const RootFingerprint& root, std::size_t room,
                                          bool empty_window) {
  if (!cursor_) return std::optional<Bytes>();
  const FeedMark end = view_.feed_end(kind_, peer_.agency);
  if (end.epoch != epoch_) {
    restart(end);
    on_cursor(Cursor(*cursor_));
  }
  pass_over_ranges();
  if (next_ <= end.number) {
    if (!empty_window && room < part_bytes_max_) return std::optional<Bytes>();
    LT_TRY(auto message, encode_from_next(root));
    if (message || echo_ == Echo::kStopBefore) return message;
  }
  const FeedMark here{epoch_, next_ - 1, 0};
  if (announced_ == here) return std::optional<Bytes>();
  announced_ = here;
  return std::optional<Bytes>(
      wire::encode_message(root, wire::EndMessage{kind_, here.epoch, here.number}));
}

bool Outbox::at_end() const {
  return announced_ && announced_->epoch == epoch_ && announced_->number + 1 == next_;
}

bool Outbox::drained() const { return started() && pending() == 0; }

std::uint64_t Outbox::pending() const {
  const FeedMark end = view_.feed_end(kind_, peer_.agency);
  if (end.epoch != epoch_) return end.number;
  return end.number - std::min(acked_, end.number);
}

}  // namespace lienthong
