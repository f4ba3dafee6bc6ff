#include "protocol/session/inbox.h"

#include <algorithm>
#include <utility>

namespace lienthong {
namespace {

bool covers(const Cursor& cursor, std::uint64_t first, std::uint64_t last) {
  return last <= cursor.mark.number ||
         std::ranges::any_of(cursor.ranges, [&](const CursorRange& range) {
           return range.first <= std::max(first, cursor.mark.number + 1) && last <= range.last;
         });
}

std::uint64_t top_of(const Cursor& cursor) {
  return cursor.ranges.empty() ? cursor.mark.number : cursor.ranges.back().last;
}

}  // namespace

void Inbox::on_begin(std::uint64_t epoch, std::uint64_t first, bool guess) {
  const bool nothing_yet = told_.mark.number == 0 && told_.ranges.empty();
  joins_on_ = nothing_yet || (epoch == told_.mark.epoch && first > told_.mark.number);
  if (guess && !*joins_on_) joins_on_.reset();
  ack_due_ = ack_due_ || begun_;  // what was acknowledged under the beginning before is passed over
  begun_ = true;
  seen_ = epoch == epoch_ ? std::max(seen_, received_) : 0;
  epoch_ = epoch;
  first_ = first;
  ++serial_;
  received_ = 0;
  end_.reset();
  passing_ = false;
}

void Inbox::on_level() {
  on_begin(disk_.mark.epoch, disk_.mark.number + 1);
  end_ = disk_.mark.number;
}

bool Inbox::on_beginning_kept() {
  if (!begun_ || joins_on_) return false;
  joins_on_ = false;
  return true;
}

Result<bool> Inbox::on_part(EncodedPart& part, std::uint64_t token, std::size_t bytes) {
  if (!begun_) return Error(Errc::kOutOfOrder, "feed part before the beginning of the feed");
  if (passing_) return false;
  part.epoch = epoch_;
  if (!part.covered.empty()) received_ = std::max(received_, part.covered.back().last);
  storing_.push_back(Storing{token, bytes, epoch_, part.covered});
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
  disk_ = cursor;
  for (const CursorRange& range : part->covered) {
    const bool there = disk_.mark.epoch == part->epoch && covers(disk_, range.first, range.last);
    if (!there) ahead_.add(part->epoch, range.first, range.last, range.hash);
  }
  drop_what_the_disk_has();
  note_jump();
  return true;
}

void Inbox::drop_what_the_disk_has() {
  if (ahead_.mark.epoch != disk_.mark.epoch) return;
  if (covers(disk_, 1, ahead_.mark.number)) ahead_.mark = FeedMark{ahead_.mark.epoch, 0, 0};
  std::erase_if(ahead_.ranges, [this](const CursorRange& range) {
    return covers(disk_, range.first, range.last);
  });
}

// Whether more of the feed is durable than the peer knows of on this session.
void Inbox::note_jump() {
  if (!begun_ || disk_.mark.epoch != epoch_) return;
  const std::uint64_t told = told_.mark.epoch == epoch_ ? top_of(told_) : 0;
  jumped_ = jumped_ || top_of(disk_) > std::max({seen_, received_, first_ - 1, told});
}

Cursor Inbox::durable() const {
  if (!ahead_of_disk()) return disk_;
  if (ahead_.mark.epoch != disk_.mark.epoch) return ahead_.mark.epoch == epoch_ ? ahead_ : disk_;
  Cursor both = disk_;
  const FeedMark& mark = ahead_.mark;
  if (mark.number > 0) both.add(mark.epoch, 1, mark.number, mark.hash);
  for (const CursorRange& range : ahead_.ranges)
    both.add(mark.epoch, range.first, range.last, range.hash);
  return both;
}

std::uint64_t Inbox::have() const {
  const FeedMark mark = durable().mark;
  return mark.epoch == epoch_ ? mark.number : 0;
}

std::vector<CursorRange> Inbox::beyond(const FeedMark& mark) const {
  std::vector<CursorRange> out;
  const Cursor all = durable();
  if (all.mark.epoch != mark.epoch) return out;
  if (all.mark.number > mark.number)
    out.push_back(CursorRange{mark.number + 1, all.mark.number, all.mark.hash});
  for (const CursorRange& range : all.ranges)
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
  if (!ack_due_ || jumped_) return std::nullopt;
  ack_due_ = false;
  const Cursor all = durable();
  wire::AckMessage ack;
  ack.kind = kind_;
  ack.serial = serial_;
  if (all.mark.epoch != epoch_) return ack;
  ack.number = all.mark.number;
  ack.ranges = all.ranges;
  return ack;
}

std::optional<Cursor> Inbox::take_cursor() {
  if (!std::exchange(jumped_, false)) return std::nullopt;
  ack_due_ = false;
  told_ = durable();
  return told_;
}

bool Inbox::drained() const { return end_ && !passing_ && storing_.empty() && pending() == 0; }

std::uint64_t Inbox::pending() const {
  const std::uint64_t target = std::max(end_.value_or(0), received_);
  return target - std::min(have(), target);
}

}  // namespace lienthong
