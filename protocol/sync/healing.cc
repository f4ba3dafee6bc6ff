#include <algorithm>

#include "protocol/base/limits.h"
#include "protocol/sync/healing_run.h"

namespace lienthong {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto kQuietFor = seconds(2);                   // before one that was asked for
constexpr auto kCompareEvery = minutes(60);              // on one session, while the feed grows
constexpr auto kCompareAtLeastEvery = minutes(24 * 60);  // quiet or not
constexpr auto kAskAgain = seconds(30);                  // after "busy"
constexpr auto kAskAgainInDoubt = seconds(3);
constexpr auto kSealedWithin = seconds(10);  // a session's start: until all that waits is sealed
constexpr auto kStalledAfter = minutes(2);
constexpr double kRunsMax = 6;  // at once; then one in two minutes
constexpr double kRunsPerMinute = 0.5, kRunsPerMinuteInDoubt = 3;

FeedDigest shortfall(std::uint64_t their_count, const IdPrefix& their_sum, const FeedDigest& ours) {
  FeedDigest out;
  out.count = their_count - ours.count;
  int borrow = 0;
  for (std::size_t i = 0; i < out.sum.size(); ++i) {
    const int digit = their_sum[i] - ours.sum[i] - borrow;
    borrow = digit < 0 ? 1 : 0;
    out.sum[i] = static_cast<std::uint8_t>(digit);
  }
  return out;
}

}  // namespace

const char* to_string(HealOutcome outcome) {
  switch (outcome) {
    case HealOutcome::kEqual: return "equal";
    case HealOutcome::kHealed: return "healed";
    case HealOutcome::kSentWhole: return "sent-whole";
    case HealOutcome::kStillDifferent: return "still-different";
    case HealOutcome::kBusy: return "busy";
    case HealOutcome::kGaveUp: return "gave-up";
  }
  return "unknown";
}

Healing::Healing(const ReplicaView& view, HealingConfig config)
    : view_(view), config_(std::move(config)) {
  for (const FeedKind kind : {FeedKind::kRegistry, FeedKind::kUpdates}) {
    sides_.push_back(std::make_unique<Side>());
    sides_.back()->kind = kind;
  }
}
Healing::~Healing() = default;

std::vector<HealAction> Healing::take_actions() { return std::exchange(actions_, {}); }

HealMemory::OfFeed& Healing::memory(const Side& side) {
  return config_.memory->feeds[static_cast<std::size_t>(side.kind)];
}

void Healing::send(const Side& side, heal::Content content, std::size_t dense) {
  const bool bulk = std::holds_alternative<heal::Symbols>(content) ||
                    std::holds_alternative<heal::Want>(content) ||
                    std::holds_alternative<heal::Part>(content) ||
                    std::holds_alternative<heal::Again>(content);
  actions_.emplace_back(SendHeal{
      heal::encode_body(heal::Body{side.kind, side.run.id, std::move(content)}), dense, bulk});
}

// ---- asking ----

// In a quiet moment all that there is was sent, so it is sealed; otherwise what is not stays out.
std::optional<FeedDigest> Healing::digest(const Side& side, bool quiet) const {
  return view_.feed_digest(side.kind, config_.agency,
                           quiet ? ReplicaView::UpTo::kEnd : ReplicaView::UpTo::kSealed);
}

bool Healing::on_lost_cursor(FeedKind kind, Instant now) {
  Side& side = *sides_[static_cast<std::size_t>(kind)];
  const auto ours = view_.feed_digest(kind, config_.agency, ReplicaView::UpTo::kEnd);
  if (!ours || ours->count < config_.entry_count_min || runs_left(side, now) < 1) return false;
  side.lost = true;
  side.lost_since = now;
  if (!side.active()) ask_if_due(side, now);
  return true;
}

bool Healing::feed_waits(FeedKind kind) const {
  return sides_[static_cast<std::size_t>(kind)]->lost;
}

bool Healing::runs(FeedKind kind) const { return sides_[static_cast<std::size_t>(kind)]->active(); }

void Healing::request(FeedKind kind) { sides_[at(kind)]->requested = true; }

void Healing::doubt(FeedKind kind) {
  HealMemory::OfFeed& known = memory(*sides_[at(kind)]);
  known.doubtful = true;
  known.agreed.reset();
  known.shortfall.reset();
}

bool Healing::ask(Side& side, bool at_once, Instant now) {
  const bool quiet = !at_once && !side.lost;
  const auto ours = digest(side, quiet);
  if (!ours) return false;
  side.run = Run{};
  Run& run = side.run;
  run.phase = Phase::kAsked;
  run.id = ++last_run_;
  run.asker = true;
  run.quiet = quiet;
  run.requested = std::exchange(side.requested, false);
  run.ours = *ours;
  run.ask_nonce = config_.nonce++;
  run.progress_at = now;
  send(side, heal::Ask{side.lost, at_once, ours->count, ours->sum, run.ask_nonce});
  return true;
}

// A lost cursor at once; a request in the next quiet moment; otherwise the leader when the feed is
// not the one that was agreed upon. The registry is compared for a lost cursor, on request and once
// a day only, because each hello carries its digest.
void Healing::ask_if_due(Side& side, Instant now) {
  const bool registry_busy = side.kind == FeedKind::kUpdates && sides_[0]->active();
  if (side.active() || registry_busy || now < side.ask_from) return;
  if (side.lost) {
    if (!ask(side, false, now) && now - side.lost_since >= kSealedWithin) side.lost = false;
    return;
  }
  if (!config_.quiet(side.kind)) {
    side.quiet_since.reset();
  } else if (!side.quiet_since) {
    side.quiet_since = now;
  }
  const auto quiet_for = [&](seconds time) {
    return side.quiet_since && now - *side.quiet_since >= time;
  };
  // Another session with the same neighbour may have begun to doubt since this one did.
  if ((side.requested || memory(side).doubtful) && quiet_for(kQuietFor)) {
    ask(side, false, now);
    return;
  }
  if (!config_.leads) return;
  const HealMemory::OfFeed& known = memory(side);
  const bool quiet = quiet_for(config_.quiet_unasked);
  const bool overdue = known.compared_at && now - *known.compared_at >= kCompareAtLeastEvery;
  const bool due = side.kind == FeedKind::kUpdates &&
                   (!known.compared_at || now - *known.compared_at >= kCompareEvery);
  if (!overdue && !(due && quiet)) return;
  const auto ours = digest(side, true);
  if (!ours || (known.agreed && known.agreed->same_set(*ours))) return;
  ask(side, overdue && !quiet, now);
}

// ---- answering ----

// Whether a run that makes us scan is granted: a peer that asks again and again waits.
bool Healing::may_run(Side& side, Instant now) {
  if (runs_left(side, now) < 1) return false;
  memory(side).runs_left -= 1;
  return true;
}

double Healing::runs_left(Side& side, Instant now) {
  HealMemory::OfFeed& known = memory(side);
  if (known.runs_counted_at) {
    const std::chrono::duration<double, std::ratio<60>> since = now - *known.runs_counted_at;
    known.runs_left =
        std::min(kRunsMax, known.runs_left + since.count() * (known.doubtful ? kRunsPerMinuteInDoubt
                                                                             : kRunsPerMinute));
  }
  known.runs_counted_at = now;
  return known.runs_left;
}

void Healing::on_ask(Side& side, std::uint8_t id, const heal::Ask& asked, Instant now) {
  if (asked.cursor_lost && !side.lost) side.lost_since = now;
  if (side.active() && side.run.phase == Phase::kAsked && config_.leads) return;  // ours counts
  if (side.active() && side.run.phase != Phase::kAsked) {  // the end of a run, seen from here
    actions_.emplace_back(
        SendHeal{heal::encode_body(heal::Body{side.kind, id, heal::Busy{}}), 0, false});
    return;
  }
  const bool requested = side.requested || (side.active() && side.run.requested);
  side.asked.reset();
  const bool lost = side.lost || asked.cursor_lost;
  const auto ours = digest(side, !lost && !asked.at_once);
  if (!ours && lost && now - side.lost_since < kSealedWithin) {  // answered by a later tick
    side.asked = std::pair(id, asked);
    side.run = Run{};
    side.lost = true;
    return;
  }
  side.run = Run{};
  Run& run = side.run;
  run.id = id;
  run.progress_at = now;
  side.requested = requested;
  side.lost = lost;
  run.quiet = !side.lost && !asked.at_once;
  run.their_count = asked.count;
  run.their_sum = asked.sum;
  run.ask_nonce = asked.nonce;
  if (!ours || (run.quiet && !config_.quiet(side.kind))) {
    send(side, heal::Busy{});
    side.lost = false;
    return;
  }
  answer(side, *ours, now);
}

void Healing::answer(Side& side, const FeedDigest& ours, Instant now) {
  Run& run = side.run;
  HealMemory::OfFeed& known = memory(side);
  run.ours = ours;
  run.report.their_count = run.their_count;
  const FeedDigest lacking = shortfall(run.their_count, run.their_sum, ours);
  const bool equal = lacking.count == 0 && lacking.sum == IdPrefix{};
  const bool left_over =
      !equal && run.quiet && known.shortfall && known.shortfall->same_set(lacking);
  if (equal || left_over) {
    send(side, heal::Equal{side.lost, left_over, ours.count});
    run.report.outcome = left_over ? HealOutcome::kStillDifferent : HealOutcome::kEqual;
    begin_sending(side);
    return finish_if_done(side, now);
  }
  if (!may_run(side, now)) {
    send(side, heal::Busy{});
    return finish(side, HealOutcome::kBusy, now);
  }
  const std::uint64_t nonce = config_.nonce++;
  run.key.emplace(config_.root, run.ask_nonce, nonce, std::max(ours.count, run.their_count));
  const std::uint64_t excess =
      std::max(ours.count, run.their_count) - std::min(ours.count, run.their_count);
  const bool whole = is_too_different(excess, ours.count, run.their_count);
  const std::uint64_t symbols =
      whole ? 0 : std::min(symbols_for(excess), symbol_limit(ours.count, run.their_count));
  send(side, heal::Differ{side.lost, ours.count, ours.sum, nonce, symbols});
  if (whole) return send_whole(side, now);
  count_symbols(side, symbols);
}

void Healing::on_equal(Side& side, const heal::Equal& equal, Instant now) {
  Run& run = side.run;
  if (run.phase != Phase::kAsked) return;
  side.lost = side.lost || equal.cursor_lost;
  run.report.outcome = equal.known ? HealOutcome::kStillDifferent : HealOutcome::kEqual;
  run.report.their_count = equal.count;
  begin_sending(side);
  finish_if_done(side, now);
}

void Healing::on_busy(Side& side, Instant now) {
  if (side.run.phase != Phase::kAsked) return;
  side.ask_from = now + (memory(side).doubtful ? kAskAgainInDoubt : kAskAgain);
  side.requested = side.requested || side.run.requested;
  finish(side, HealOutcome::kBusy, now);
}

Result<void> Healing::on_differ(Side& side, const heal::Differ& differ, Instant now) {
  Run& run = side.run;
  if (run.phase != Phase::kAsked) return Error(Errc::kOutOfOrder, "answer without a question");
  side.lost = side.lost || differ.cursor_lost;
  run.their_count = differ.count;
  run.their_sum = differ.sum;
  run.report.outcome = HealOutcome::kHealed;
  run.report.their_count = differ.count;
  if (differ.symbol_count > symbol_limit(run.ours.count, differ.count))
    return Error(Errc::kTooLarge, "coded symbols over twice the smaller feed");
  if (!may_run(side, now)) {
    give_up(side, now);
    return {};
  }
  run.key.emplace(config_.root, run.ask_nonce, differ.nonce,
                  std::max(run.ours.count, differ.count));
  if (differ.symbol_count == 0) {
    send_whole(side, now);
  } else {
    count_symbols(side, differ.symbol_count);
  }
  return {};
}

// ---- ends ----

void Healing::finish(Side& side, HealOutcome outcome, Instant now) {
  HealReport report = side.run.report;
  report.kind = side.kind;
  report.outcome = outcome;
  report.our_count = side.run.ours.count;
  report.cursor_lost = side.lost;
  HealMemory::OfFeed& known = memory(side);
  if (outcome != HealOutcome::kBusy && outcome != HealOutcome::kGaveUp) known.compared_at = now;
  if (outcome == HealOutcome::kEqual) {
    known.agreed = side.run.ours;
    known.shortfall.reset();
    known.doubtful = false;
  }
  if (outcome == HealOutcome::kStillDifferent) known.doubtful = false;
  if (outcome != HealOutcome::kBusy && outcome != HealOutcome::kGaveUp)
    known.differs = outcome == HealOutcome::kStillDifferent;
  if (outcome == HealOutcome::kHealed || outcome == HealOutcome::kSentWhole) {
    side.requested = side.requested || config_.leads;  // whether it has helped
    known.shortfall = shortfall(side.run.their_count, side.run.their_sum, side.run.ours);
  }
  // Then the feed goes on; were its cursor told anew, it would still be the lost one.
  const bool left_to_feed = outcome == HealOutcome::kSentWhole && side.lost;
  if (outcome == HealOutcome::kGaveUp || left_to_feed)
    known.runs_left = std::min(known.runs_left, 1.0) - 1;
  known.report = report;
  side.run = Run{};
  side.lost = false;
  side.quiet_since.reset();
  actions_.emplace_back(report);
}

void Healing::give_up(Side& side, Instant now) {
  send(side, heal::Stop{});
  finish(side, HealOutcome::kGaveUp, now);
}

void Healing::on_tick(Instant now) {
  for (const auto& side : sides_) {
    if (side->active() && now - side->run.progress_at >= kStalledAfter) give_up(*side, now);
    if (side->asked) {
      const auto [id, asked] = *side->asked;
      on_ask(*side, id, asked, now);
    }
    ask_if_due(*side, now);
  }
}

Result<void> Healing::on_message(ByteView bytes, Instant now) {
  LT_TRY(heal::Body body, heal::decode_body(bytes));
  Side& side = *sides_[static_cast<std::size_t>(body.kind)];
  if (const auto* asked = std::get_if<heal::Ask>(&body.content)) {
    on_ask(side, body.run, *asked, now);
    return {};
  }
  if (!side.active() || side.run.id != body.run) return {};  // of a run that is over
  side.run.progress_at = now;
  if (const auto* equal = std::get_if<heal::Equal>(&body.content)) {
    on_equal(side, *equal, now);
  } else if (std::holds_alternative<heal::Busy>(body.content)) {
    on_busy(side, now);
  } else if (const auto* differ = std::get_if<heal::Differ>(&body.content)) {
    LT_TRY_VOID(on_differ(side, *differ, now));
  } else if (const auto* symbols = std::get_if<heal::Symbols>(&body.content)) {
    LT_TRY_VOID(on_symbols(side, *symbols, now));
  } else if (const auto* more = std::get_if<heal::More>(&body.content)) {
    LT_TRY_VOID(on_more(side, *more, now));
  } else if (const auto* want = std::get_if<heal::Want>(&body.content)) {
    LT_TRY_VOID(on_want(side, *want));
  } else if (auto* part = std::get_if<heal::Part>(&body.content)) {
    LT_TRY_VOID(on_part(side, std::move(*part)));
  } else if (const auto* stored = std::get_if<heal::Stored>(&body.content)) {
    LT_TRY_VOID(on_own_part_stored(side, *stored));
  } else if (const auto* done = std::get_if<heal::Done>(&body.content)) {
    LT_TRY_VOID(on_done(side, *done));
  } else if (std::holds_alternative<heal::Unclear>(body.content)) {
    LT_TRY_VOID(on_own_part_unclear(side));
  } else if (auto* again = std::get_if<heal::Again>(&body.content)) {
    LT_TRY_VOID(on_again(side, std::move(*again)));
  } else if (std::holds_alternative<heal::Stop>(body.content)) {
    finish(side, HealOutcome::kGaveUp, now);
    return {};
  }
  finish_if_done(side, now);
  return {};
}

}  // namespace lienthong
