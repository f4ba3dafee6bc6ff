#include "protocol/session/inbox.h"

namespace lienthong {

Result<void> Inbox::on_begin(std::uint64_t epoch, std::uint64_t first) {
  if (joins_on_) return Error(Errc::kOutOfOrder, "a feed begins once in a session");
  const bool nothing_yet = durable_.mark.number == 0 && durable_.ranges.empty();
  joins_on_ = nothing_yet || (epoch == durable_.mark.epoch && first > durable_.mark.number);
  return {};
}

Result<void> Inbox::on_part(const FeedPart& part, std::uint64_t token, std::size_t bytes) {
  if (!joins_on_) return Error(Errc::kOutOfOrder, "feed part before the beginning of the feed");
  if (received_ && received_->epoch == part.epoch && part.first <= received_->number) {
    return Error(Errc::kOutOfOrder, "feed part from " + std::to_string(part.first) + " after " +
                                        std::to_string(received_->number));
  }
  received_ = FeedMark{part.epoch, part.last, part.hash};
  storing_.push_back(Storing{token, bytes});
  unstored_bytes_ += bytes;
  return {};
}

Result<void> Inbox::on_end(std::uint64_t epoch, std::uint64_t number) {
  if (!joins_on_) return Error(Errc::kOutOfOrder, "end of a feed before its beginning");
  if (received_ && received_->epoch == epoch && number < received_->number) {
    return Error(Errc::kOutOfOrder, "end of a feed before what was sent of it");
  }
  end_ = FeedMark{epoch, number, 0};
  return {};
}

bool Inbox::on_stored(std::uint64_t token, const Cursor& cursor) {
  const auto found = std::find_if(storing_.begin(), storing_.end(),
                                  [&](const Storing& part) { return part.token == token; });
  if (found == storing_.end()) return false;
  unstored_bytes_ -= found->bytes;
  storing_.erase(found);
  durable_ = cursor;
  ack_due_ = true;
  return true;
}

std::optional<Cursor> Inbox::take_ack() {
  if (!ack_due_) return std::nullopt;
  ack_due_ = false;
  return durable_;
}

bool Inbox::drained() const { return end_ && storing_.empty() && pending() == 0; }

std::uint64_t Inbox::pending() const {
  FeedMark target = end_.value_or(FeedMark{});
  if (received_ && (received_->epoch != target.epoch || received_->number > target.number)) {
    target = *received_;
  }
  const std::uint64_t have = durable_.mark.epoch == target.epoch ? durable_.mark.number : 0;
  return target.number - std::min(have, target.number);
}

}  // namespace lienthong
