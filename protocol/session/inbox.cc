#include "protocol/session/inbox.h"

#include <algorithm>

namespace lienthong {

void Inbox::on_begin(std::uint64_t epoch, std::uint64_t first, bool guess) {
  const bool nothing_yet = told_.mark.number == 0 && told_.ranges.empty();
  joins_on_ = nothing_yet || (epoch == told_.mark.epoch && first > told_.mark.number);
  if (guess && !*joins_on_) joins_on_.reset();
  ack_due_ = ack_due_ || begun_;  // what was acknowledged under the beginning before is passed over
  begun_ = true;
  epoch_ = epoch;
  ++serial_;
  received_ = 0;
  end_.reset();
  passing_ = false;
}

void Inbox::on_level() {
  on_begin(durable_.mark.epoch, durable_.mark.number + 1);
  end_ = durable_.mark.number;
}

Result<bool> Inbox::on_part(EncodedPart& part, std::uint64_t token, std::size_t bytes,
                            bool beside_healing) {
  if (!begun_) return Error(Errc::kOutOfOrder, "feed part before the beginning of the feed");
  if (passing_) return false;
  part.epoch = epoch_;
  if (!part.covered.empty()) received_ = std::max(received_, part.covered.back().last);
  storing_.push_back(Storing{token, bytes, part.covered, beside_healing});
  if (beside_healing) part.covered.clear();
  unstored_bytes_ += bytes;
  return true;
}

Result<void> Inbox::on_end(std::uint64_t number) {
  if (!begun_) return Error(Errc::kOutOfOrder, "end of a feed before its beginning");
  if (number < received_) {
    return Error(Errc::kOutOfOrder, "end of a feed before what was sent of it");
  }
  end_ = number;
  return {};
}

std::optional<Inbox::Storing> Inbox::take(std::uint64_t token) {
  const auto found = std::find_if(storing_.begin(), storing_.end(),
                                  [&](const Storing& part) { return part.token == token; });
  if (found == storing_.end()) return std::nullopt;
  Storing part = std::move(*found);
  unstored_bytes_ -= part.bytes;
  storing_.erase(found);
  return part;
}

bool Inbox::on_stored(std::uint64_t token, const Cursor& cursor) {
  const auto part = take(token);
  if (!part) return false;
  ack_due_ = true;
  if (!part->beside_healing) {
    durable_ = cursor;
    return true;
  }
  ahead_of_disk_ = true;
  for (const CursorRange& range : part->covered)
    durable_.add(epoch_, range.first, range.last, range.hash);
  return true;
}

std::vector<CursorRange> Inbox::beyond(const FeedMark& mark) const {
  std::vector<CursorRange> out;
  if (durable_.mark.epoch != mark.epoch) return out;
  if (durable_.mark.number > mark.number)
    out.push_back(CursorRange{mark.number + 1, durable_.mark.number, durable_.mark.hash});
  for (const CursorRange& range : durable_.ranges)
    if (range.last > mark.number)
      out.push_back(CursorRange{std::max(range.first, mark.number + 1), range.last, range.hash});
  return out;
}

bool Inbox::on_unclear(std::uint64_t token, wire::UnclearMessage& message) {
  const auto part = take(token);
  if (!part || passing_) return false;
  message.kind = kind_;
  message.serial = serial_;
  message.covered = part->covered;
  return true;
}

bool Inbox::on_failed(std::uint64_t token) {
  if (!take(token)) return false;
  passing_ = true;
  return true;
}

std::optional<wire::AckMessage> Inbox::take_ack() {
  if (!ack_due_) return std::nullopt;
  ack_due_ = false;
  wire::AckMessage ack;
  ack.kind = kind_;
  ack.serial = serial_;
  ack.number = have();
  if (durable_.mark.epoch == epoch_) ack.ranges = durable_.ranges;
  return ack;
}

bool Inbox::drained() const { return end_ && !passing_ && storing_.empty() && pending() == 0; }

std::uint64_t Inbox::pending() const {
  const std::uint64_t target = std::max(end_.value_or(0), received_);
  return target - std::min(have(), target);
}

}  // namespace lienthong
