#include "store/exchange/driver.h"

#include <algorithm>
#include <utility>

#include "protocol/session/hello.h"
#include "store/exchange/peers.h"

namespace lienthong::store {
namespace {

constexpr std::chrono::seconds kStallFirst{2}, kStallMax{60};
constexpr std::chrono::seconds kNoteAgain{2};

bool write_presented(Transaction& transaction, const std::vector<Statement>& presented) {
  for (const Statement& statement : presented) {
    if (!transaction.add_statement(statement)) return false;
  }
  return true;
}

}  // namespace

Driver::Driver(Peers& peers, SessionConfig config, DriverHost& host)
    : peers_(peers),
      host_(host),
      session_(peers.replica(), config, host.now()),
      initiator_(config.initiator),
      session_start_(config.start),
      granted_(config.window_bytes + kCustodyWindow),
      dialled_(config.initiator ? config.expected_agency : std::nullopt),
      heard_at_(host.now()) {
  peers_.joined(*this);
}

void Driver::start(ByteView first) {
  if (!first.empty()) (void)session_.on_bytes(first, now()).ok();  // the close action says why
  perform();
}

Result<void> Driver::on_bytes(ByteView in) {
  heard_at_ = now();
  if (ended_ || closing_) return {};  // only until the other side hangs up
  Result<void> fed = session_.on_bytes(in, now());
  perform();
  return fed;
}

// Carries out what the session asks, in its order. An action may lead back here (a session that is
// replaced, a writer that commits at once): what it added then comes after the rest.
void Driver::perform() {
  if (ended_ || performing_) return;
  const auto self = shared_from_this();
  performing_ = true;
  while (!ended_ && (perform_actions() || host_.make_room())) {
  }
  performing_ = false;
  if (!ended_) host_.performed();
}

bool Driver::perform_actions() {
  auto actions = session_.take_actions();
  for (Action& action : actions) {
    if (!ended_) perform(action);
  }
  if (live_ && !ended_) host_.after_actions();
  return !actions.empty();
}

void Driver::perform(Action& action) {
  if (auto* send = std::get_if<SendBytes>(&action)) {
    host_.send(std::move(send->bytes));
  } else if (auto* part = std::get_if<StorePart>(&action)) {
    on_part(std::move(*part));
  } else if (auto* fact = std::get_if<Established>(&action)) {
    on_established(std::move(*fact));
  } else if (std::holds_alternative<Live>(action)) {
    on_live();
  } else if (const auto* lanes = std::get_if<PeerLanes>(&action)) {
    host_.observe(*lanes);
  } else if (auto* heard = std::get_if<PeerCursor>(&action)) {
    on_cursor(std::move(*heard));
  } else if (const auto* refused = std::get_if<PeerRefused>(&action)) {
    note_refused(*refused);
  } else if (const auto* twin = std::get_if<PeerTwin>(&action)) {
    note_own_twin(twin->twin);
  } else if (const auto* still = std::get_if<StandsStill>(&action)) {
    host_.observe(*still);
  } else if (const auto* set = std::get_if<SetCursor>(&action)) {
    on_set_cursor(*set);
  } else if (std::holds_alternative<HealWork>(action)) {
    host_.soon([self = shared_from_this()] { self->on_heal_work(); });
  } else if (const auto* report = std::get_if<HealReport>(&action)) {
    on_healed(*report);
  } else if (const auto* close = std::get_if<CloseSession>(&action)) {
    close_code_ = close->code;
    closed_by_peer_ = close->by_peer;
    close_detail_ = close->detail;
    closing_ = true;
    host_.on_closed();
  }
}

// ---- the beginning ----

void Driver::on_established(Established fact) {
  peer_ = std::move(fact);
  const auto self = shared_from_this();
  const auto job = [self](Transaction& transaction) -> Result<void> {
    const Established& peer = *self->peer_;
    if (!write_presented(transaction, peer.presented))
      return Error(Errc::kUnknownCertificate, "what the peer presented does not stand");
    if (!self->initiator_)
      transaction.note_session_number_seen(peer.node, peer.session_number);
    else
      transaction.note_clock(peer.node, peer.session_number);
    LT_TRY_VOID(transaction.begin_feed(peer.agency));
    const auto sealed = transaction.seal_pending(peer.agency, self->peers_.seal_at_once());
    return sealed.ok() ? Result<void>() : sealed.error();
  };
  peers_.writer().post(job, [self](const Result<void>& result) {
    if (self->ended_) return;
    if (!result) return self->close(CloseCode::kGoingAway, result.error().message());
    self->feed_grown();
  });
}

void Driver::on_live() {
  live_ = true;
  const bool stays = peers_.came_up(*this, now());
  host_.on_live(stays);
  exchange_lives();
  share_line();
  if (stays) peers_.grown();  // what waited for somebody to be there
}

// What the peer's start says, and that it has heard ours. A twin is told of in every session, for
// both machines come.
void Driver::exchange_lives() {
  if (session_start_ == 0 && peer_->start == 0) return;
  const auto twin = std::make_shared<std::optional<Twin>>();
  const auto job = [twin, peer = *peer_, ours = session_start_, called = !initiator_,
                    address = host_.address()](Transaction& transaction) {
    if (ours != 0) note_told_life(transaction, peer.node, ours);
    *twin = hear_life(transaction, peer.node, {peer.start, peer.start_before},
                      called ? peer.session_number : 0, address);
    return Result<void>();
  };
  const auto noted = [self = shared_from_this(), twin](const Result<void>& result) {
    if (self->ended_ || !result || !*twin) return;
    self->host_.observe(TwinSeen{**twin, false});
    self->session_.tell_twin(
        {static_cast<std::uint64_t>((*twin)->since), static_cast<std::uint64_t>((*twin)->last),
         (*twin)->address, (*twin)->other_address},
        self->now());
    self->perform();
  };
  peers_.writer().post(job, noted);
}

void Driver::note_own_twin(const wire::TwinMessage& told) {
  Twin twin;
  twin.since = static_cast<UnixMillis>(told.since);
  twin.last = static_cast<UnixMillis>(told.last);
  twin.address = printable(told.address);
  twin.other_address = printable(told.other_address);
  host_.observe(TwinSeen{twin, true});
  const auto job = [node = peer_->node, twin](Transaction& transaction) {
    store::note_own_twin(transaction, node, twin);
    return Result<void>();
  };
  peers_.writer().post(job, nullptr);
}

// ---- what comes ----

void Driver::on_part(StorePart part) {
  struct Work {
    explicit Work(StorePart p) : part(std::move(p)) {}
    StorePart part;
    ReceiveOutcome outcome;
  };
  host_.on_part(part);
  const Urgency urgency = part.urgent ? Urgency::kNow : Urgency::kInTurn;
  const auto work = std::make_shared<Work>(std::move(part));
  const auto self = shared_from_this();
  const auto job = [work, node = peer_->node,
                    agency = peer_->agency](Transaction& transaction) -> Result<void> {
    const StorePart& what = work->part;
    const auto beginning = what.beside_healing ? Beginning::kBesideHealing
                           : what.may_repeat   ? Beginning::kGuess
                                               : Beginning::kKnown;
    LT_TRY(work->outcome, transaction.receive(what.kind, node, agency, what.part, beginning));
    return {};
  };
  const auto stored = [self, work](const Result<void>& result) {
    if (!self->ended_) self->on_stored(work->part.token, work->part.kind, result, work->outcome);
  };
  peers_.writer().post(job, stored, urgency);
}

void Driver::on_stored(std::uint64_t token, FeedKind kind, const Result<void>& result,
                       const ReceiveOutcome& outcome) {
  if (!result) {
    host_.observe(StoreFailed{result.error()});
    session_.on_store_failed(token, result.error(), now());
    if (!stalled_since_) {
      stalled_since_ = now();
      stall_wait_ = std::clamp(stall_wait_ * 2, kStallFirst, kStallMax);
    }
    return perform();
  }
  if (outcome.unclear) {
    host_.observe(PartUnclear{token});
    session_.on_unclear(token, now());
    return perform();
  }
  if (!stalled_since_) stall_wait_ = {};
  host_.observe(PartStored{kind, outcome});
  std::vector<UpdateId> ids;
  for (const Refusal& refusal : outcome.refused) ids.push_back(refusal.id);
  std::string reason;
  if (!ids.empty()) {
    const Refusal& first = outcome.refused.front();
    reason = std::string(to_string(first.code)) + ": " + first.detail;
  }
  session_.on_stored(token, outcome.cursor, std::move(ids), std::move(reason), now());
  perform();
}

// What could not be stored is asked for again after a while, each time a longer one.
void Driver::resume_storing() {
  if (!stalled_since_ || now() - *stalled_since_ < stall_wait_) return;
  stalled_since_.reset();
  session_.on_store_resumed(now());
}

// Healing has brought what was missing of the peer's feed.
void Driver::on_set_cursor(const SetCursor& set) {
  const auto cursor = std::make_shared<Cursor>();
  const auto job = [cursor, set, node = peer_->node](Transaction& transaction) {
    *cursor = transaction.set_cursor(set.kind, node, set.mark, set.beside);
    return Result<void>();
  };
  const auto done = [self = shared_from_this(), cursor,
                     kind = set.kind](const Result<void>& result) {
    if (self->ended_) return;
    if (result)
      self->session_.on_cursor_set(kind, *cursor, self->now());
    else
      self->session_.on_cursor_not_set(kind, self->now());
    self->perform();
  };
  peers_.writer().post(job, done);
}

// ---- what the peer says of ours ----

void Driver::on_cursor(PeerCursor heard) {
  host_.observe(heard);
  Heard& known = heard_[heard.kind];
  if (heard.in_full) {
    known.told = std::move(heard.cursor);
    known.stale = heard.stale;
    known.acknowledged.reset();
  } else {
    known.acknowledged = std::move(heard.cursor);
  }
  if ((!noting_ || heard.stale) && !note_again_from_) note_cursors();
}

// One write at a time; what is heard meanwhile goes into the next. But a cursor that does not fit
// holds up our feed until that has a new epoch.
void Driver::note_cursors() {
  const auto heard = std::make_shared<std::map<FeedKind, Heard>>(std::exchange(heard_, {}));
  const bool pressing =
      std::ranges::any_of(*heard, [](const auto& of_kind) { return of_kind.second.stale; });
  const auto job = [node = peer_->node, agency = peer_->agency, heard](Transaction& transaction) {
    for (const auto& [kind, known] : *heard) {
      if (known.told) transaction.note_told_cursor(kind, node, agency, *known.told);
      if (known.acknowledged) transaction.note_heard_cursor(kind, node, *known.acknowledged);
    }
    return Result<void>();
  };
  noting_ = true;
  const auto noted = [self = shared_from_this(), heard](const Result<void>& result) {
    self->noting_ = false;
    if (self->ended_) return;
    if (!result) {  // what was told since counts more
      for (auto& [kind, known] : *heard)
        if (Heard& newer = self->heard_[kind]; !newer.told && known.told) {
          newer.told = std::move(known.told);
          newer.stale = known.stale;
        }
      self->note_again_from_ = self->now() + kNoteAgain;
    } else if (!self->heard_.empty()) {
      self->note_cursors();
    }
    self->feed_grown();
  };
  peers_.writer().post(job, noted, pressing ? Urgency::kNow : Urgency::kCanWait);
}

void Driver::note_cursors_again() {
  if (!note_again_from_ || noting_ || now() < *note_again_from_) return;
  note_again_from_.reset();
  note_cursors();
}

// Listed, so that somebody here learns that work of this office is not taken there.
void Driver::note_refused(const PeerRefused& refused) {
  host_.observe(refused);
  const auto job = [node = peer_->node, agency = peer_->agency, refused](Transaction& transaction) {
    for (const UpdateId& id : refused.ids)
      transaction.note_refused_by_peer(node, agency, id, refused.reason);
    return Result<void>();
  };
  peers_.writer().post(job, nullptr);
}

// ---- healing ----

void Driver::on_heal_work() {
  if (ended_ || closing_) return;
  session_.on_heal_work(now());
  perform();
}

void Driver::on_healed(const HealReport& report) {
  host_.observe(report);
  if (report.kind != FeedKind::kUpdates || report.outcome == HealOutcome::kBusy) return;
  for (const auto& listener : std::exchange(compared_listeners_, {})) listener(report);
}

void Driver::compare(std::function<void(std::optional<HealReport>)> done) {
  if (ended_ || closing_ || !live_ || !session_.compare_feeds(now())) return done(std::nullopt);
  compared_listeners_.push_back(std::move(done));
  perform();
}

// ---- as time goes by ----

void Driver::tick() {
  if (ended_ || closing_) return;
  session_.on_tick(now());
  share_line();
  resume_storing();
  note_cursors_again();
  peers_.seal_again(now());
  perform();
  lift_rest_after_restore();
  // A feed that began anew during the session ends as well.
  if (!ended_ && caught_up_ && !noting_end_ && known() && session_.stats().drained_in &&
      peers_.replica().comes_at_once(peer_->node))
    note_exchanged();
}

void Driver::note_exchanged() {
  noting_end_ = true;
  const NodeId node = peer_->node;
  const auto job = [node](Transaction& transaction) {
    transaction.note_exchanged(node);
    return Result<void>();
  };
  peers_.writer().post(
      job, [self = shared_from_this()](const Result<void>&) { self->noting_end_ = false; },
      Urgency::kCanWait);
}

// Budget and hours close lanes; a hub's backlogs go in turn.
void Driver::share_line() {
  if (ended_ || closing_) return;
  const ClosedLanes closed = host_.closed_lanes();
  session_.set_closed_lanes(closed.lanes, closed.reason, now());
  session_.set_backlog_turn(peers_.backlog_turn(*this, session_.has_backlog(), now()), now());
  if (!caught_up_ && known() && session_.stats().drained_in) {
    caught_up_ = true;
    note_exchanged();
  }
  if (live_) session_.set_intake_turn(peers_.intake_turn(*this, !caught_up_, now()), now());
}

// A disk that was an older copy: once a neighbour has given back all it has for us, and nothing
// says that something is missing all the same, custody goes on.
void Driver::lift_rest_after_restore() {
  if (ended_ || lifting_ || !live_ || !peers_.replica().restored()) return;
  if (!std::exchange(doubted_, true)) session_.doubt_feeds(now());
  if (const SessionStats stats = session_.stats(); !stats.drained_in || stats.doubtful) return;
  lifting_ = true;
  const auto job = [](Transaction& transaction) {
    transaction.clear_restored();
    return Result<void>();
  };
  host_.observe(CaughtUpAfterRestore{});
  peers_.writer().post(
      job, [self = shared_from_this()](const Result<void>&) { self->lifting_ = false; });
}

void Driver::feed_grown() {
  if (ended_ || closing_ || !live_) return;
  const FeedMark registry = peers_.replica().feed_end(FeedKind::kRegistry, peer_->agency);
  const FeedMark updates = peers_.replica().feed_end(FeedKind::kUpdates, peer_->agency);
  session_.on_feed_grown(now());
  host_.on_feed_ends(registry, updates);
  perform();
}

// ---- the end ----

void Driver::close(CloseCode code, const std::string& detail) {
  if (ended_ || closing_) return;
  session_.close(code, detail, now());
  perform();
}

void Driver::end() {
  if (ended_) return;
  ended_ = true;
  peers_.left(*this);
  for (const auto& listener : std::exchange(compared_listeners_, {})) listener(std::nullopt);
}

}  // namespace lienthong::store
