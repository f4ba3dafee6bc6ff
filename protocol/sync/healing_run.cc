#include "protocol/sync/healing_run.h"

#include <algorithm>
#include <bit>

#include "protocol/base/limits.h"
#include "protocol/wire/part.h"

namespace lienthong {
namespace {

constexpr std::size_t kScanCount = 8 * 1024;     // ids read in one step
constexpr std::size_t kSketchCount = 64 * 1024;  // ids added again in one step
constexpr std::size_t kSymbolsOfMessage = 4096;
constexpr unsigned kWantBitsMin = 10;  // beyond those that tell entries of the feed from each other
constexpr std::size_t kPartPlaceCountMax = 1024;
constexpr std::size_t kPartHeader = 16;

}  // namespace

// How many symbols are worth counting; then the feeds are sent.
std::uint64_t symbol_limit(std::uint64_t ours, std::uint64_t theirs) {
  return std::clamp<std::uint64_t>(2 * std::min(ours, theirs), kHealSymbolCountMin,
                                   kHealSymbolCountMax);
}

bool is_too_different(std::uint64_t difference, std::uint64_t ours, std::uint64_t theirs) {
  return (difference > std::max(ours, theirs) / 4 * 3 && difference > kHealSymbolCountMin / 4) ||
         symbols_for(difference) > symbol_limit(ours, theirs);
}

// ---- counting ----

bool Healing::has_work() const {
  return std::ranges::any_of(sides_,
                             [](const auto& side) { return side->run.phase == Phase::kCounting; });
}

void Healing::work(Instant now) {
  for (const auto& side : sides_)
    if (side->run.phase == Phase::kCounting) count_step(*side, now);
}

void Healing::count_symbols(Side& side, std::uint64_t symbol_count) {
  Run& run = side.run;
  run.phase = Phase::kCounting;
  run.symbol_count = symbol_count;
  run.sketch.emplace(*run.key, static_cast<std::size_t>(symbol_count));
  run.sketched = 0;
}

void Healing::count_step(Side& side, Instant now) {
  Run& run = side.run;
  run.progress_at = now;
  const std::uint64_t end = run.ours.mark.number;
  if (run.shorts.size() < end) {
    if (run.shorts.empty()) run.shorts.reserve(static_cast<std::size_t>(end));
    const std::size_t limit = std::min<std::uint64_t>(kScanCount, end - run.shorts.size());
    const auto ids = view_.feed_ids(side.kind, config_.agency, run.shorts.size() + 1, limit);
    if (ids.empty() || ids.size() > limit) return give_up(side, now);
    for (const IdPrefix& id : ids)
      run.shorts.push_back(id == IdPrefix{} ? 0 : run.key->short_id(id));
  }
  const std::size_t count = std::min(run.shorts.size() - run.sketched, kSketchCount);
  run.sketch->add(std::span(run.shorts).subspan(run.sketched, count));
  run.sketched += count;
  if (run.sketched == end) counted(side, now);
}

void Healing::counted(Side& side, Instant now) {
  Run& run = side.run;
  run.phase = Phase::kWaiting;
  if (run.asker) return take_out(side, now);
  while (run.symbols_sent < run.symbol_count) {
    const std::size_t count = static_cast<std::size_t>(
        std::min<std::uint64_t>(kSymbolsOfMessage, run.symbol_count - run.symbols_sent));
    ByteWriter out;
    encode_symbols(out, run.sketch->symbols().subspan(run.symbols_sent, count),
                   run.key->id_bytes());
    send(side, heal::Symbols{run.symbols_sent, count, out.take()});
    run.symbols_sent += count;
  }
}

Result<void> Healing::on_symbols(Side& side, const heal::Symbols& symbols, Instant now) {
  Run& run = side.run;
  const bool expected = run.asker && run.symbol_count > 0 &&
                        (run.phase == Phase::kCounting || run.phase == Phase::kWaiting);
  if (!expected || symbols.first != run.theirs.size())
    return Error(Errc::kOutOfOrder, "coded symbols that nobody asked for");
  if (symbols.count > run.symbol_count - run.theirs.size())
    return Error(Errc::kTooLarge, "more coded symbols than were asked for");
  ByteReader in(symbols.body);
  LT_TRY(const auto decoded,
         decode_symbols(in, static_cast<std::size_t>(symbols.count), run.key->id_bytes()));
  LT_TRY_VOID(in.finish("coded symbols"));
  run.theirs.insert(run.theirs.end(), decoded.begin(), decoded.end());
  if (run.phase == Phase::kWaiting) take_out(side, now);
  return {};
}

// Asker: takes the difference out of the symbols once all that were asked for are here.
void Healing::take_out(Side& side, Instant now) {
  Run& run = side.run;
  if (run.theirs.size() < run.symbol_count) return;
  auto difference = subtract(run.theirs, run.sketch->symbols());
  auto found = peel(*run.key, difference);
  if (!found) {
    const auto excess =
        static_cast<std::int64_t>(run.their_count) - static_cast<std::int64_t>(run.ours.count);
    const std::uint64_t guess = estimate_difference(difference, excess);
    const std::uint64_t limit = symbol_limit(run.ours.count, run.their_count);
    if (run.symbol_count >= limit || is_too_different(guess, run.ours.count, run.their_count)) {
      send(side, heal::More{0});
      return send_whole(side, now);
    }
    const std::uint64_t wanted =
        std::max(symbols_for(guess + guess / 8), run.symbol_count + run.symbol_count / 4 + 8);
    count_symbols(side, std::min(wanted, limit));
    return send(side, heal::More{run.symbol_count});
  }
  run.report.we_lacked = found->theirs.size();
  run.report.they_lacked = found->ours.size();
  send_wants(side, std::move(found->theirs));
  send_places_of(side, std::move(found->ours), 8 * static_cast<unsigned>(run.key->id_bytes()));
}

// One bit more than tell so many from all that the answerer holds, more for few: half an update or
// less comes along that was not wanted.
void Healing::send_wants(Side& side, std::vector<ShortId> ids) {
  const Run& run = side.run;
  const auto all_bits = 8 * static_cast<unsigned>(run.key->id_bytes());
  const auto of_feed = static_cast<unsigned>(std::bit_width(run.their_count));
  const auto of_wanted = static_cast<unsigned>(std::bit_width(ids.size())) + 1;
  const unsigned bits = std::min(all_bits, of_feed + std::max(of_wanted, kWantBitsMin));
  for (ShortId& id : ids) id >>= all_bits - bits;
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  for (std::size_t at = 0;;) {
    const std::size_t to = std::min(ids.size(), at + kHealWantCountMax);
    heal::Want want;
    want.bits = static_cast<std::uint8_t>(bits);
    want.beginnings.assign(ids.begin() + static_cast<std::ptrdiff_t>(at),
                           ids.begin() + static_cast<std::ptrdiff_t>(to));
    at = to;
    want.last = at == ids.size();
    send(side, std::move(want));
    if (at == ids.size()) return;
  }
}

Result<void> Healing::on_more(Side& side, const heal::More& more, Instant now) {
  Run& run = side.run;
  if (run.asker || run.phase != Phase::kWaiting)
    return Error(Errc::kOutOfOrder, "more coded symbols asked for without a run");
  if (more.symbol_count == 0) {
    send_whole(side, now);
    return {};
  }
  if (more.symbol_count <= run.symbol_count)
    return Error(Errc::kMalformed, "fewer coded symbols asked for than before");
  if (more.symbol_count > symbol_limit(run.ours.count, run.their_count))
    return Error(Errc::kTooLarge, "coded symbols over twice the smaller feed");
  count_symbols(side, more.symbol_count);
  return {};
}

Result<void> Healing::on_want(Side& side, const heal::Want& want) {
  Run& run = side.run;
  if (run.asker || run.phase != Phase::kWaiting || run.places_known)
    return Error(Errc::kOutOfOrder, "updates wanted without a run");
  if (want.bits > 8 * run.key->id_bytes() || (run.wanted_bits != 0 && want.bits != run.wanted_bits))
    return Error(Errc::kMalformed, "bits of short ids");
  if (want.beginnings.size() >
      run.ours.count - std::min<std::uint64_t>(run.ours.count, run.wanted.size()))
    return Error(Errc::kTooLarge, "more updates wanted than there are");
  run.wanted_bits = want.bits;
  run.wanted.insert(run.wanted.end(), want.beginnings.begin(), want.beginnings.end());
  if (!want.last) return {};
  run.report.outcome = HealOutcome::kHealed;
  run.report.they_lacked = run.wanted.size();
  send_places_of(side, std::move(run.wanted), want.bits);
  return {};
}

// ---- sending ----

// Where a cursor was lost the feeds go their ordinary way from where the cursors heard last lead:
// each step of that is kept when the session is cut.
void Healing::send_whole(Side& side, Instant now) {
  Run& run = side.run;
  run.report.outcome = HealOutcome::kSentWhole;
  if (side.lost) return finish(side, HealOutcome::kSentWhole, now);
  run.whole = true;
  begin_sending(side);
}

// What is to be sent is known; what it was found with is not needed any more.
void Healing::begin_sending(Side& side) {
  Run& run = side.run;
  run.places_known = true;
  run.phase = Phase::kSending;
  run.shorts = {};
  run.sketch.reset();
  run.theirs = {};
  pump(side);
}

// Of the entries whose short ids begin so, in `bits` bits.
void Healing::send_places_of(Side& side, std::vector<ShortId> beginnings, unsigned bits) {
  Run& run = side.run;
  const unsigned rest = 8 * static_cast<unsigned>(run.key->id_bytes()) - bits;
  std::ranges::sort(beginnings);
  std::vector<bool> some_end_so(1U << 16);  // passes over nearly all others
  for (const ShortId each : beginnings) some_end_so[each & 0xffff] = true;
  for (std::size_t i = 0; i < run.shorts.size() && !beginnings.empty(); ++i) {
    const ShortId beginning = run.shorts[i] >> rest;
    if (run.shorts[i] != 0 && some_end_so[beginning & 0xffff] &&
        std::ranges::binary_search(beginnings, beginning))
      run.places.push_back(i + 1);
  }
  begin_sending(side);
}

// Amid traffic, places from which on our feed goes its ordinary way are left to it.
std::uint64_t Healing::end_of_places(const Side& side) const {
  const Run& run = side.run;
  const std::uint64_t count = run.place_count();
  if (run.quiet || side.lost || count == 0) return count;
  const std::uint64_t until = config_.flows_from(side.kind);
  if (run.whole) return std::min(count, std::max<std::uint64_t>(until, 1) - 1);
  return static_cast<std::uint64_t>(std::ranges::lower_bound(run.places, until) -
                                    run.places.begin());
}

void Healing::pump(Side& side) {
  Run& run = side.run;
  const std::uint64_t end = end_of_places(side);
  while (run.unstored_bytes < config_.send_window && !run.again.empty() && !run.broken) {
    std::vector<std::uint64_t>& places = run.again.front();
    const std::size_t taken = send_entries(side, places, true);
    run.broken = taken == 0;
    places.erase(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(taken));
    if (places.empty()) run.again.pop_front();
  }
  while (run.unstored_bytes < config_.send_window && run.next_place < end && !run.broken) {
    const std::size_t taken = send_entries(side, next_places(run, end), !config_.short_names);
    run.broken = taken == 0;
    run.next_place += taken;
  }
  if (run.next_place < end || run.done_sent || run.broken) return;
  run.done_sent = true;
  const bool compared_only = run.report.outcome == HealOutcome::kEqual ||
                             run.report.outcome == HealOutcome::kStillDifferent;
  if (compared_only && !side.lost) return;
  const FeedMark now = view_.feed_end(side.kind, config_.agency);  // its epoch may be a newer one
  send(side, heal::Done{FeedMark{now.epoch, run.ours.mark.number, run.ours.mark.hash}});
}

std::vector<std::uint64_t> Healing::next_places(const Run& run, std::uint64_t end) const {
  std::vector<std::uint64_t> places;
  const std::size_t count = std::min<std::uint64_t>(end - run.next_place, kPartPlaceCountMax);
  for (std::size_t i = 0; i < count; ++i) places.push_back(run.place(run.next_place + i));
  return places;
}

// Sends what lies at the first of these places; how many of them. 0: the feed cannot be read.
// `in_full`, where parts may be named shortly: they were unclear.
std::size_t Healing::send_entries(Side& side, std::span<const std::uint64_t> places, bool in_full) {
  Run& run = side.run;
  const bool again = in_full && config_.short_names;
  for (std::size_t bytes_max = config_.part_bytes_max;; bytes_max /= 2) {
    const auto read = view_.read_entries(side.kind, config_.agency, places, bytes_max);
    if (!read.ok() || read->taken == 0) return 0;
    const bool last = read->taken == places.size();
    const bool empty = read->part.units.empty() && read->part.statements.empty();
    const auto names = in_full || empty ? nullptr : view_.names();
    if (names != nullptr) names->seals_held = true, names->accounts = config_.accounts;
    Bytes body;
    if (!empty)
      body =
          wire::encode_part_body(RootOf(view_.registry(), config_.root), read->part, names.get());
    const bool too_large = body.size() + kPartHeader > kMessageBytesMax;
    if (too_large && read->taken > 1 && bytes_max > 1) continue;
    if (too_large) body.clear();  // one entry: it cannot travel
    if (body.empty() && !(again && last)) return read->taken;
    const std::size_t dense = wire::dense_tail(body);
    if (!body.empty()) {
      run.unstored_bytes += body.size();
      Run::Unstored& sent = run.unstored.emplace_back();
      sent.bytes = body.size();
      if (names != nullptr) {
        const auto taken = static_cast<std::ptrdiff_t>(read->taken);
        sent.places.assign(places.begin(), places.begin() + taken);
      }
    }
    if (again)
      send(side, heal::Again{last, std::move(body)}, dense);
    else
      send(side, heal::Part{std::move(body)}, dense);
    return read->taken;
  }
}

Result<void> Healing::on_part(Side& side, heal::Part part) {
  const Run& run = side.run;
  if (run.phase == Phase::kIdle || run.phase == Phase::kAsked || run.done)
    return Error(Errc::kOutOfOrder, "healed updates without a run");
  return store(side, std::move(part.body), false);
}

Result<void> Healing::on_again(Side& side, heal::Again again) {
  if (side.run.unclear == 0)
    return Error(Errc::kOutOfOrder, "healed updates again that were not unclear");
  if (again.last) --side.run.unclear;
  if (again.body.empty()) return {};
  return store(side, std::move(again.body), true);
}

Result<void> Healing::store(Side& side, Bytes body, bool again) {
  Run& run = side.run;
  if (run.storing_bytes > config_.window_bytes)
    return Error(Errc::kTooLarge, "healed updates over the window");
  run.storing.push_back(Run::Storing{next_token_, body.size(), again, Run::Answer::kNone});
  run.storing_bytes += body.size();
  EncodedPart encoded;
  encoded.body = std::move(body);
  actions_.emplace_back(StoreHealed{next_token_++, side.kind, std::move(encoded)});
  return {};
}

void Healing::on_stored(std::uint64_t token, Instant now) { on_answered(token, false, now); }
void Healing::on_unclear(std::uint64_t token, Instant now) { on_answered(token, true, now); }

void Healing::on_answered(std::uint64_t token, bool unclear, Instant now) {
  for (const auto& side : sides_) {
    Run& run = side->run;
    const auto at = std::ranges::find(run.storing, token, &Run::Storing::token);
    if (at == run.storing.end()) continue;
    run.progress_at = now;
    at->answer = unclear ? Run::Answer::kUnclear : Run::Answer::kStored;
    if (unclear && (at->again || !config_.short_names)) run.broken = true;
    if (!run.broken) answer_parts(*side);
    return finish_if_done(*side, now);
  }
}

void Healing::on_store_failed(std::uint64_t token, Instant now) {
  for (const auto& side : sides_)
    if (std::ranges::find(side->run.storing, token, &Run::Storing::token) !=
        side->run.storing.end())
      return give_up(*side, now);
}

void Healing::answer_parts(Side& side) {
  Run& run = side.run;
  while (!run.storing.empty() && run.storing.front().answer != Run::Answer::kNone) {
    const Run::Storing part = run.storing.front();
    run.storing_bytes -= part.bytes;
    run.storing.pop_front();
    if (part.answer == Run::Answer::kStored) {
      send(side, heal::Stored{1});
    } else {
      ++run.unclear;
      send(side, heal::Unclear{});
    }
  }
}

Result<void> Healing::on_own_part_stored(Side& side, const heal::Stored& stored) {
  Run& run = side.run;
  if (stored.parts > run.unstored.size())
    return Error(Errc::kOutOfOrder, "healed updates acknowledged that were not sent");
  for (std::uint64_t i = 0; i < stored.parts; ++i) {
    run.unstored_bytes -= run.unstored.front().bytes;
    run.unstored.pop_front();
  }
  pump(side);
  return {};
}

Result<void> Healing::on_own_part_unclear(Side& side) {
  Run& run = side.run;
  if (run.unstored.empty() || run.unstored.front().places.empty())
    return Error(Errc::kOutOfOrder, "unclear are healed updates that were not named shortly");
  run.unstored_bytes -= run.unstored.front().bytes;
  run.again.push_back(std::move(run.unstored.front().places));
  run.unstored.pop_front();
  pump(side);
  return {};
}

Result<void> Healing::on_done(Side& side, const heal::Done& done) {
  Run& run = side.run;
  if (run.done || run.phase == Phase::kIdle || run.phase == Phase::kAsked)
    return Error(Errc::kOutOfOrder, "end of healed updates without a run");
  run.done = done.mark;
  return {};
}

void Healing::on_cursor_set(FeedKind kind, Instant now) {
  Side& side = *sides_[static_cast<std::size_t>(kind)];
  side.run.cursor_set = true;
  finish_if_done(side, now);
}

void Healing::on_cursor_not_set(FeedKind kind, Instant now) {
  Side& side = *sides_[static_cast<std::size_t>(kind)];
  if (side.active() && side.run.setting_cursor && !side.run.cursor_set) give_up(side, now);
}

void Healing::on_peer_cursor(FeedKind kind, Instant now) {
  Side& side = *sides_[static_cast<std::size_t>(kind)];
  side.run.cursor_heard = side.run.done_sent;
  finish_if_done(side, now);
}

void Healing::finish_if_done(Side& side, Instant now) {
  Run& run = side.run;
  if (run.broken) return give_up(side, now);
  if (run.phase != Phase::kSending || !run.done_sent) return;
  if (!run.unstored.empty() || !run.again.empty()) return;
  const bool compared_only = run.report.outcome == HealOutcome::kEqual ||
                             run.report.outcome == HealOutcome::kStillDifferent;
  const bool done_expected = !compared_only || side.lost;
  if (done_expected && (!run.done || !run.storing.empty() || run.unclear > 0)) return;
  if (side.lost && !run.cursor_set) {
    if (!std::exchange(run.setting_cursor, true))
      actions_.emplace_back(SetCursor{side.kind, *run.done});
    return;
  }
  if (side.lost && !run.cursor_heard) return;  // the feed would go on from the lost one
  finish(side, run.report.outcome, now);
}

}  // namespace lienthong
