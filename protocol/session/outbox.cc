#include "protocol/session/outbox.h"

#include <algorithm>

#include "protocol/base/limits.h"
#include "protocol/wire/standing.h"

namespace lienthong {
namespace {

constexpr std::size_t kLookCount = 256;  // lines of the feed read at a time
// Custody that is part of the backlog overtakes only a long one, or one that takes long, and only
// the newest entries are looked at: a link sent alone costs its path in the seal, twelve times what
// it costs in its place.
constexpr std::uint64_t kLookBackBehindMin = 8192;
constexpr std::uint64_t kLookBackMax = 256;
constexpr std::size_t kUrgentCountMax = 256;  // custody entries waiting to overtake

}  // namespace

Outbox::Outbox(FeedKind kind, const ReplicaView& view, const PeerIdentity& peer)
    : kind_(kind), view_(&view), peer_(peer) {}

bool Outbox::fits(std::uint64_t number, std::uint64_t hash, const FeedMark& end) const {
  if (number > end.number) return false;
  if (number == 0) return true;
  const auto ours = view_->feed_hash(kind_, peer_.agency, number);
  return ours && *ours == hash;
}

void Outbox::restart(const FeedMark& end) {
  epoch_ = end.epoch;
  next_ = 1;
  acked_ = 0;
  held_.clear();
  beside_.clear();
  live_from_ = live_next_ = looked_ = 0;
  looked_back_ = false;
  urgent_.clear();
  again_.clear();
  ends_.clear();
  sent_.clear();
  unacked_bytes_ = 0;
  announced_.reset();
  begin_due_ = true;
  history_held_ = false;
}

// What is there now is the backlog; what comes later goes beside it.
void Outbox::begin_backlog(const FeedMark& end) {
  live_from_ = live_next_ = 0;
  looked_ = end.number;
  if (kind_ != FeedKind::kUpdates || end.number < next_ + kOvertakeCountMin) return;
  live_from_ = live_next_ = end.number + 1;
}

// Begins anew from what the peer durably has.
void Outbox::place(const Cursor& cursor, const FeedMark& end) {
  restart(end);
  started_ = true;
  lost_ = cursor.mark.number > 0 || !cursor.ranges.empty();
  if (cursor.mark.epoch == epoch_ && fits(cursor.mark.number, cursor.mark.hash, end)) {
    acked_ = cursor.mark.number;
    next_ = acked_ + 1;
    lost_ = false;
    for (const CursorRange& range : cursor.ranges) {
      if (fits(range.last, range.hash, end)) held_.add(range.first, range.last, range.hash);
    }
  }
  stale_epoch_ = lost_ && cursor.mark.epoch == epoch_ ? epoch_ : 0;
  begin_backlog(end);
}

void Outbox::hold_history(bool hold) {
  if (hold == history_held_ || !started_ || kind_ != FeedKind::kUpdates) return;
  history_held_ = hold;
  if (!hold) return;
  if (live_from_ == 0) live_from_ = live_next_ = view_->feed_end(kind_, peer_.agency).number + 1;
  looked_ = std::max(looked_, live_from_ - 1);
  urgent_.clear();
}

Cursor Outbox::on_cursor(Cursor cursor, unsigned epoch_bits) {
  const FeedMark end = view_->feed_end(kind_, peer_.agency);
  const std::uint64_t mask = epoch_bits >= 64 ? ~std::uint64_t{0} : (1ULL << epoch_bits) - 1;
  if ((end.epoch & mask) == (cursor.mark.epoch & mask)) cursor.mark.epoch = end.epoch;
  const bool guessed = std::exchange(guessed_, false) && end.epoch == epoch_;
  const std::uint64_t guessed_from = acked_;
  const std::deque<Sent> sent = sent_;
  place(cursor, end);
  if (!guessed) return cursor;
  for (const Sent& part : sent) {  // what the first message bore is on its way
    sent_.push_back(part);
    unacked_bytes_ += part.bytes;
    for (const CursorRange& range : part.covered) beside_.add(range.first, range.last);
  }
  // Where the peer's cursor is lost it could not tell yet what our beginning means.
  begin_due_ = lost_ || guessed_from != acked_;
  const std::vector<CursorRange> held(held_.ranges().begin(), held_.ranges().end());
  acknowledge(acked_, held);
  return cursor;
}

void Outbox::guess(const Cursor& hint, std::span<const std::uint64_t> ends) {
  place(hint, view_->feed_end(kind_, peer_.agency));
  live_from_ = live_next_ = 0;
  guessed_ = true;
  ends_.assign(ends.begin(), ends.end());
}

std::vector<std::uint64_t> Outbox::sent_ends() const {
  std::vector<std::uint64_t> ends;
  for (const Sent& part : sent_) ends.push_back(part.covered.back().last);
  return ends;
}

void Outbox::acknowledge(std::uint64_t number, std::span<const CursorRange> ranges) {
  acked_ = number;
  next_ = std::max(next_, acked_ + 1);
  held_.clear();
  for (const CursorRange& range : ranges) held_.add(range.first, range.last, range.hash);
  held_.drop_up_to(acked_);
  beside_.drop_up_to(acked_);
  std::erase_if(sent_, [&](const Sent& part) {
    const bool there = std::ranges::all_of(part.covered, [&](const CursorRange& range) {
      return range.last <= acked_ || held_.covers(std::max(range.first, acked_ + 1), range.last);
    });
    if (!there) return false;
    unacked_bytes_ -= part.bytes;
    if (part.seal) there_.note(part.seal->first, part.seal->second);
    return true;
  });
  go_back_to_holes();
}

// What was sent is under way, acknowledged, or to be sent again. What is neither was acknowledged
// once and has been forgotten there (a cursor has room for so many ranges): it goes once more, in
// its turn.
void Outbox::go_back_to_holes() {
  Stretches known = held_;
  for (const Sent& part : sent_)
    for (const CursorRange& range : part.covered) known.add(range.first, range.last);
  for (const Again& again : again_) known.add(again.range.first, again.range.last);
  const auto first_hole = [&](std::uint64_t from) {
    return known.next_free(std::max(from, acked_ + 1));
  };
  Stretches beside;
  for (const CursorRange& range : beside_.ranges()) {
    for (const CursorRange& other : known.ranges()) {
      const std::uint64_t first = std::max(range.first, other.first);
      const std::uint64_t last = std::min(range.last, other.last);
      if (first <= last) beside.add(first, last);
    }
  }
  beside_ = std::move(beside);
  const std::uint64_t hole = first_hole(acked_ + 1);
  live_next_ = live_from_ == 0 ? live_next_ : std::min(live_next_, first_hole(live_from_));
  if (hole >= next_) return;
  const auto keep = [&](const CursorRange& range) {
    if (range.last > hole) beside_.add(std::max(range.first, hole), range.last);
  };
  for (const Sent& part : sent_) std::ranges::for_each(part.covered, keep);
  for (const Again& again : again_) keep(again.range);
  next_ = hole;
}

// From there on, the first place that is neither there nor under way out of its order.
std::uint64_t Outbox::next_unsent(std::uint64_t place) const {
  for (;;) {
    const std::uint64_t next = beside_.next_free(held_.next_free(place));
    if (next == place) return place;
    place = next;
  }
}

Result<void> Outbox::on_ack(std::uint8_t serial, std::uint64_t number,
                            std::span<const CursorRange> ranges) {
  if (serial != serial_ || begin_due_) return {};
  const std::uint64_t top = std::max({sent_max_, acked_, next_ - 1});
  if (number > top || (!ranges.empty() && ranges.back().last > top)) {
    return Error(Errc::kMalformed, "acknowledgement of what was not sent");
  }
  // A part of an old epoch came there by another way and set it back.
  if (number < acked_) {
    const FeedMark end = view_->feed_end(kind_, peer_.agency);
    restart(end);
    begin_backlog(end);
    return {};
  }
  acknowledge(number, ranges);
  return {};
}

Result<void> Outbox::on_unclear(std::uint8_t serial, std::span<const CursorRange> covered) {
  const auto unclear = std::ranges::find_if(sent_, [&](const Sent& part) {
    return std::ranges::equal(part.covered, covered,
                              [](const CursorRange& a, const CursorRange& b) {
                                return a.first == b.first && a.last == b.last;
                              });
  });
  // What a first message bore is on its way under the beginning before this one.
  const bool known = unclear != sent_.end();
  if (!known && (serial != serial_ || begin_due_)) return {};
  const Naming naming =
      known && unclear->naming == Naming::kShort ? Naming::kWithParents : Naming::kInFull;
  for (const CursorRange& range : covered) {
    if (range.last > std::max(sent_max_, next_ - 1)) {
      return Error(Errc::kMalformed, "unclear is what was not sent");
    }
    again_.push_back({range, naming});
    beside_.remove(range.first, range.last);
  }
  if (known) {
    unacked_bytes_ -= unclear->bytes;
    sent_.erase(unclear);
  }
  return {};
}

void Outbox::send_again() {
  if (started_) place(heard(), view_->feed_end(kind_, peer_.agency));
}

Cursor Outbox::heard() const {
  Cursor cursor;
  const auto hash = [&](std::uint64_t number) {
    return view_->feed_hash(kind_, peer_.agency, number).value_or(0);
  };
  cursor.mark = FeedMark{epoch_, acked_, hash(acked_)};
  for (const CursorRange& range : held_.ranges()) {
    cursor.ranges.push_back(CursorRange{range.first, range.last, hash(range.last)});
  }
  if (cursor.ranges.size() > kCursorRangeCountMax) cursor.ranges.resize(kCursorRangeCountMax);
  return cursor;
}

std::uint64_t Outbox::held_count() const {
  std::uint64_t count = 0;
  for (const CursorRange& range : held_.ranges())
    count += range.last - std::max(range.first, acked_ + 1) + 1;
  return count;
}

bool Outbox::there(std::uint64_t place) const {
  return place <= acked_ || held_.contains(place) || beside_.contains(place);
}

bool Outbox::settled(std::uint64_t place) const { return place < next_ || there(place); }

// Whether all that is left is known to the peer, which delivered it, and little.
bool Outbox::only_echoes(const FeedMark& end) const {
  if (kind_ != FeedKind::kUpdates || live_from_ != 0 || !again_.empty()) return false;
  if (end.number < next_ || end.number - next_ >= kEchoesWaitMax) return false;
  const auto lines = view_->feed_lines(peer_.agency, peer_.node, next_, kEchoesWaitMax);
  const auto echoed = [&](const FeedLine& line) {
    return line.echoed || line.position > end.number;
  };
  return std::ranges::all_of(lines, echoed) && !lines.empty() &&
         lines.back().position >= end.number;
}

// Whether the peer's cursor might have no room for what it has beside its mark.
bool Outbox::too_scattered(std::span<const std::uint64_t> places) const {
  Stretches beside = beside_;
  for (const CursorRange& range : held_.ranges()) beside.add(range.first, range.last);
  for (const std::uint64_t place : places) beside.add(place, place);
  return beside.ranges().size() > kOvertakeRangeCountMax;
}

// ---- what comes next ----

// Once, when all is sealed: at the end of the backlog, the newest first, for the cursor over there
// has not room for all.
void Outbox::look_back() {
  if (live_from_ == 0 || looked_back_) return;
  const auto last = view_->feed_lines(peer_.agency, peer_.node, live_from_ - 1, 1);
  if (last.empty() || !last.front().sealed) return;
  looked_back_ = true;
  const std::uint64_t first = std::max(next_, live_from_ - std::min(live_from_ - 1, kLookBackMax));
  const auto lines = view_->feed_lines(peer_.agency, peer_.node, first, live_from_ - first);
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    const bool waits = line->position < live_from_ && !settled(line->position);
    if (line->custody && !line->echoed && waits) urgent_.push_back(line->position);
  }
}

// Custody that would wait behind a backlog.
void Outbox::look_for_custody(std::uint64_t end) {
  while (live_from_ != 0 && looked_ < end && urgent_.size() < kUrgentCountMax) {
    const auto lines = view_->feed_lines(peer_.agency, peer_.node, looked_ + 1, kLookCount);
    if (lines.empty()) return;
    for (const FeedLine& line : lines) {
      if (!line.sealed) return;  // looked at again once it is
      looked_ = line.position;
      if (line.custody && !line.echoed && !settled(line.position)) urgent_.push_back(line.position);
    }
  }
}

bool Outbox::has_urgent() {
  if (!started_ || begin_due_ || kind_ != FeedKind::kUpdates) return false;
  if (stale()) return false;
  look_for_custody(view_->feed_end(kind_, peer_.agency).number);
  while (!urgent_.empty() && settled(urgent_.front())) urgent_.pop_front();
  return !urgent_.empty();
}

// `end`: a part that reaches this place ends the feed.
std::optional<Outgoing> Outbox::packed(const RootOf& root, const FeedPart& part, wire::Lane lane,
                                       Naming naming, std::uint64_t end) {
  const auto names = naming == Naming::kInFull ? nullptr : view_->names();
  if (names != nullptr && naming == Naming::kShort)
    names->seals = &there_, names->goes_on = goes_on_;
  if (names != nullptr) names->accounts = accounts_;
  EncodedPart encoded{part.epoch, part.covered,
                      naming == Naming::kWithParents && names != nullptr
                          ? wire::encode_with_parents(root, part, names.get())
                          : wire::encode_part_body(root, part, names.get())};
  Outgoing out;
  out.dense = wire::dense_tail(encoded.body);
  out.lane = lane;
  out.drained = end != 0 && part.covered.back().last == end;
  out.message = wire::encode_message(wire::PartMessage{kind_, std::move(encoded), out.drained});
  if (out.message.size() > kMessageBytesMax) return std::nullopt;
  sent_max_ = std::max(sent_max_, part.covered.back().last);
  Sent sent{part.covered, out.message.size(), std::nullopt, lane, naming};
  if (!part.units.empty()) {
    const Seal& seal = part.units.back().seal;
    sent.seal.emplace(seal, seal_id(root(seal.certificate), seal));
  }
  sent_.push_back(std::move(sent));
  unacked_bytes_ += out.message.size();
  return out;
}

// Halves what is asked for until it fits a message.
Result<std::optional<Outgoing>> Outbox::read(const RootOf& root, FeedRead what, wire::Lane lane,
                                             Naming naming, std::uint64_t end) {
  // What was sent beside is not known to be stored: no stretch may cover it without bearing it.
  for (const CursorRange& range : beside_.ranges()) {
    if (range.first > what.first) {
      what.last = std::min(what.last, range.first - 1);
      break;
    }
  }
  what.kind = kind_;
  what.reader = peer_.agency;
  what.reader_node = peer_.node;
  what.echo = echo();
  what.skip = held_.ranges();
  for (;; what.bytes_max /= 2) {
    LT_TRY(auto part, view_->read_feed(what));
    if (!part || part->epoch != epoch_) return std::optional<Outgoing>();
    LT_CHECK(part->covered.size() == 1 && part->covered.front().first == what.first);
    if (auto out = packed(root, *part, lane, naming, end))
      return std::optional<Outgoing>(std::move(out));
    if (what.bytes_max <= 1) return Error(Errc::kTooLarge, "one entry of our feed over a message");
  }
}

Result<std::optional<Outgoing>> Outbox::next_again(const RootOf& root, const Allowance& allowed) {
  auto& [range, naming] = again_.front();
  FeedRead what;
  what.first = range.first;
  what.last = range.last;
  what.bytes_max = allowed.unit_bytes;
  LT_TRY(auto out, read(root, what, wire::Lane::kUpdates, naming));
  if (!out || sent_.back().covered.back().last >= range.last) {
    again_.pop_front();
  } else {
    range.first = sent_.back().covered.back().last + 1;
  }
  return out;
}

// A custody link goes with all of its record that the peer does not have yet.
Result<std::optional<Outgoing>> Outbox::next_urgent(const RootOf& root, const Allowance& allowed) {
  if (allowed.look_back || backlog() >= kLookBackBehindMin) look_back();
  while (allowed.custody && allowed.lane_open(wire::Lane::kCustody) && has_urgent()) {
    std::vector<std::uint64_t> places = view_->feed_places(peer_.agency, urgent_.front());
    urgent_.pop_front();
    // What is on its way may lie there for long before it is stored: then it goes once more.
    std::erase_if(places, [&](std::uint64_t place) {
      return allowed.look_back ? there(place) : settled(place);
    });
    if (too_scattered(places)) continue;  // in its turn
    LT_TRY(const auto part, view_->read_places(peer_.agency, peer_.node, echo(), places));
    if (!part || part->epoch != epoch_) continue;
    auto out = packed(root, *part, wire::Lane::kCustody);
    if (!out) continue;
    for (const CursorRange& range : part->covered) beside_.add(range.first, range.last);
    return out;
  }
  return std::optional<Outgoing>();
}

Result<std::optional<Outgoing>> Outbox::next_part(const RootOf& root, const Allowance& allowed,
                                                  const FeedMark& end) {
  FeedRead what;
  what.bytes_max = allowed.unit_bytes;
  const wire::Lane plain =
      kind_ == FeedKind::kRegistry ? wire::Lane::kControl : wire::Lane::kUpdates;
  if (live_from_ != 0 && allowed.lane_open(wire::Lane::kUpdates)) {
    live_next_ = next_unsent(live_next_);
    if (live_next_ <= end.number) {
      what.first = live_next_;
      LT_TRY(auto out, read(root, what, wire::Lane::kUpdates));
      if (out) {
        const CursorRange covered = sent_.back().covered.back();
        beside_.add(covered.first, covered.last);
        live_next_ = covered.last + 1;
        return out;
      }
    }
  }
  next_ = next_unsent(next_);
  if (live_from_ != 0 && next_ >= live_from_) live_from_ = 0;  // the backlog is sent
  const wire::Lane lane = live_from_ != 0 ? wire::Lane::kHistory : plain;
  if (next_ > end.number || !allowed.lane_open(lane)) return std::optional<Outgoing>();
  if (live_from_ != 0 && (!allowed.backlog || history_held_)) return std::optional<Outgoing>();
  what.first = next_;
  if (live_from_ != 0) what.last = live_from_ - 1;
  if (const auto to = std::ranges::lower_bound(ends_, next_); to != ends_.end())
    what.last = std::min(what.last, *to);
  const bool may_end = live_from_ == 0 && again_.empty();
  LT_TRY(auto out, read(root, what, lane, Naming::kShort, may_end ? end.number : 0));
  if (!out) return out;
  next_ = sent_.back().covered.back().last + 1;
  out->backlog = next_ <= end.number;
  if (out->drained) announced_ = FeedMark{epoch_, end.number, 0};
  return out;
}

Result<std::optional<Outgoing>> Outbox::next(const RootOf& root, const Allowance& allowed) {
  if (!started_) return std::optional<Outgoing>();
  const FeedMark end = view_->feed_end(kind_, peer_.agency);
  if (end.epoch != epoch_) {
    const bool held = history_held_;
    restart(end);
    begin_backlog(end);
    hold_history(held);
  }
  // Beside what the peer names nothing of that epoch can be noted: a new one is on its way.
  if (stale()) return std::optional<Outgoing>();
  if (begin_due_) {
    begin_due_ = false;
    ++serial_;
    Outgoing out;
    out.message = wire::encode_message(wire::BeginMessage{kind_, epoch_, next_});
    return std::optional<Outgoing>(std::move(out));
  }
  const bool open = allowed.empty_window || allowed.window >= allowed.unit_bytes;
  if (open && !again_.empty()) {
    LT_TRY(auto out, next_again(root, allowed));
    if (out) return out;
  }
  LT_TRY(auto urgent, next_urgent(root, allowed));
  if (urgent) return urgent;
  if (open && !(echo() == Echo::kPassOver && only_echoes(end))) {
    LT_TRY(auto out, next_part(root, allowed, end));
    if (out) return out;
  }
  // What is not sealed yet follows later; what waits for room, a lane or an echo is not announced.
  const bool sent_all = next_ > end.number || (open && echo() != Echo::kStopBefore &&
                                               allowed.lane_open(wire::Lane::kUpdates));
  if (live_from_ != 0 || !again_.empty() || !sent_all) return std::optional<Outgoing>();
  const FeedMark here{epoch_, next_ - 1, 0};
  if (announced_ == here) return std::optional<Outgoing>();
  announced_ = here;
  Outgoing out;
  out.drained = true;
  out.message = wire::encode_message(wire::EndMessage{kind_, here.number});
  return std::optional<Outgoing>(std::move(out));
}

bool Outbox::take_level() {
  const FeedMark end = view_->feed_end(kind_, peer_.agency);
  if (!started_ || !begin_due_ || end.epoch != epoch_) return false;
  if (acked_ == 0 || (acked_ != end.number && !only_echoes(end))) return false;
  begin_due_ = false;
  ++serial_;
  announced_ = FeedMark{epoch_, acked_, 0};
  return true;
}

std::size_t Outbox::unacked_custody_bytes() const {
  std::size_t sum = 0;
  for (const Sent& part : sent_)
    if (part.lane == wire::Lane::kCustody) sum += part.bytes;
  return sum;
}

bool Outbox::at_end() const {
  return announced_ && announced_->epoch == epoch_ && announced_->number + 1 == next_;
}

bool Outbox::drained() const { return started_ && pending() == 0; }

std::uint64_t Outbox::pending() const {
  const FeedMark end = view_->feed_end(kind_, peer_.agency);
  if (end.epoch != epoch_) return end.number;
  const bool waits = echo() == Echo::kPassOver && only_echoes(end);
  return (waits ? next_ - 1 : end.number) - std::min(acked_, end.number);
}

std::uint64_t Outbox::backlog() const {
  return live_from_ == 0 || live_from_ < next_ ? 0 : live_from_ - next_;
}

}  // namespace lienthong
