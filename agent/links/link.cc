#include "agent/links/link.h"

#include <linux/sockios.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>

#include <asio/post.hpp>
#include <asio/write.hpp>

#include "agent/engine/log.h"
#include "agent/links/neighbour.h"
#include "agent/net/net.h"

namespace lienthong::agent {
namespace {

constexpr std::chrono::seconds kStallFirst{2}, kStallMax{60};
// Plaintext of updates that becomes about a byte on the wire, columns and compression considered.
constexpr std::size_t kPlainBytesPerWireByte = 6;
constexpr std::chrono::seconds kLingerMax{2};
constexpr std::size_t kGatherBytesMax = 160;
constexpr std::chrono::milliseconds kGatherTimeMax{100};
constexpr unsigned kHistoryBit = 1U << static_cast<unsigned>(wire::Lane::kHistory);
constexpr int kGatherShare = 6;  // of a round trip

// What waits for TCP's window: handed over and never sent.
std::uint64_t unsent_bytes(int socket) {
  int value = 0;
  if (::ioctl(socket, SIOCOUTQNSD, &value) != 0 || value < 0) return 0;
  return static_cast<std::uint64_t>(value);
}

bool write_presented(store::Transaction& transaction, const std::vector<Statement>& presented) {
  for (const Statement& statement : presented) {
    if (!transaction.add_statement(statement)) return false;
  }
  return true;
}

}  // namespace

Link::Link(asio::ip::tcp::socket socket, SessionConfig config, LinkHost& host)
    : socket_(std::move(socket)),
      session_(host.engine().replica(), config, host.engine().clock().monotonic()),
      host_(host),
      initiator_(config.initiator),
      granted_(config.window_bytes + kCustodyWindow),
      pace_timer_(socket_.get_executor()),
      gather_timer_(socket_.get_executor()),
      heard_at_(host.engine().clock().monotonic()) {
  asio::error_code ignored;
  remote_ = socket_.remote_endpoint(ignored);
}

Instant Link::now() const { return host_.engine().clock().monotonic(); }

std::string Link::name() const {
  return "peer=" + (peer_ ? peer_->node.short_hex() : std::string("unknown")) +
         " address=" + to_text(remote_);
}

void Link::start(Bytes first) {
  if (!first.empty() && !session_.on_bytes(first, now())) {
    // perform() says it and closes
  }
  perform();
  host_.spawn("reader", read(shared_from_this()));
}

asio::awaitable<void> Link::read(std::shared_ptr<Link> link) {
  // A buffer for each of 250 links would be 16 MB: one is filled when there is something to read.
  const auto chunk = link->host_.read_buffer();
  asio::error_code problem;
  link->socket_.non_blocking(true, problem);
  while (!link->ended_) {
    auto [failure] = co_await link->socket_.async_wait(asio::socket_base::wait_read, as_result);
    problem = failure;
    std::size_t size = 0;
    if (!problem) {
      size = link->socket_.read_some(asio::buffer(chunk.data(), chunk.size()), problem);
    }
    if (problem == asio::error::would_block) continue;
    if (problem) {
      link->end(problem == asio::error::eof ? "the other side has gone" : problem.message());
      break;
    }
    link->heard_at_ = link->now();
    if (link->closing_) continue;  // only until the other side hangs up
    const auto fed = link->session_.on_bytes(chunk.first(size), link->now());
    if (!fed)
      spdlog::debug("{} event=violation error={}", link->name(), in_quotes(fed.error().message()));
    link->perform();
  }
}

asio::awaitable<void> Link::write(std::shared_ptr<Link> link) {
  while (!link->ended_ && !link->outgoing_.empty()) {
    const Bytes bytes = std::exchange(link->outgoing_, {});
    auto [problem, size] =
        co_await asio::async_write(link->socket_, asio::buffer(bytes), as_result);
    if (problem) {
      link->end(problem.message());
      break;
    }
    LT_CHECK(size == bytes.size());
  }
  link->writing_ = false;
  if (link->closing_) link->linger();
}

// Acknowledgements of a backlog that goes on wait for each other a little: of many packets one is
// lost more often, and it holds up all behind it. Nothing where the path is short: there the other
// side's window is soon used up.
std::chrono::nanoseconds Link::gather_time() {
  if (!live_ || closing_ || reported_.drained_in || outgoing_.size() > kGatherBytesMax) return {};
  const auto info = read_tcp_info(socket_.native_handle());
  if (!info) return {};
  return std::min<std::chrono::nanoseconds>(info->min_rtt / kGatherShare, kGatherTimeMax);
}

void Link::gather(std::chrono::nanoseconds time) {
  if (gathering_) return;
  gathering_ = true;
  gather_timer_.expires_after(time);
  gather_timer_.async_wait([self = shared_from_this()](const asio::error_code& problem) {
    self->gathering_ = false;
    if (!problem) self->flush();
  });
}

void Link::flush() {
  if (writing_ || ended_ || outgoing_.empty()) return;
  if (const auto time = gather_time(); now() - flushed_at_ < time) return gather(time);
  flushed_at_ = now();
  writing_ = true;
  host_.spawn("writer", write(shared_from_this()));
}

// Carries out what the session asks, in its order. An action may lead back here (a session that is
// replaced): what it added then comes after the rest.
void Link::perform() {
  if (ended_ || performing_) return;
  performing_ = true;
  while (perform_actions() || make_room()) {
  }
  performing_ = false;
  report();
  flush();
  if (closing_ && !writing_) linger();
}

bool Link::perform_actions() {
  auto actions = session_.take_actions();
  for (Action& action : actions) perform(action);
  if (live_) perform_blobs();
  return !actions.empty();
}

// What the blob lane asks; it may have something to say because of it.
void Link::perform_blobs() {
  if (host_.blobs() == nullptr || session_.blobs() == nullptr || closing_) return;
  host_.blobs()->on_actions(*this);
}

void Link::blob_lane_spoke() {
  if (ended_ || closing_) return;
  session_.on_blobs(now());
  perform();
}

// False: nothing waits, or there is no room; then a timer looks again.
bool Link::make_room() {
  if (ended_ || !session_.wants_room()) return false;
  const int descriptor = socket_.native_handle();
  const TcpInfo info = read_tcp_info(descriptor).value_or(TcpInfo());
  pacer_.observe(info, now());
  const std::size_t room = pacer_.room(missing_bytes(info) + outgoing_.size(),
                                       unsent_bytes(descriptor) + outgoing_.size());
  session_.set_sizes(pacer_.unit_bytes() * kPlainBytesPerWireByte, pacer_.frame_bytes());
  if (const auto rate = pacer_.rate()) session_.set_rate(*rate * 8);
  if (room > 0) session_.on_room(room, now());
  const auto wait = pacer_.look_after(session_.wants_room(), now());
  if (wait) look_later(*wait);
  return room > 0;
}

void Link::look_later(std::chrono::milliseconds wait) {
  if (looking_) return;
  looking_ = true;
  pace_timer_.expires_after(wait);
  pace_timer_.async_wait([self = shared_from_this()](const asio::error_code& problem) {
    self->looking_ = false;
    if (!problem) self->perform();
  });
}

void Link::report() {
  if (!live_) return;
  const SessionStats stats = session_.stats();
  host_.table().note_stats(peer_->agency, reported_, stats, host_.engine().clock().now());
  reported_ = stats;
}

void Link::perform(Action& action) {
  if (auto* send = std::get_if<SendBytes>(&action)) {
    outgoing_.insert(outgoing_.end(), send->bytes.begin(), send->bytes.end());
  } else if (auto* part = std::get_if<StorePart>(&action)) {
    on_part(std::move(*part));
  } else if (auto* fact = std::get_if<Established>(&action)) {
    on_established(std::move(*fact));
  } else if (std::holds_alternative<Live>(action)) {
    on_live();
  } else if (const auto* lanes = std::get_if<PeerLanes>(&action)) {
    const bool turn = (lanes->closed & ~kHistoryBit) == 0;  // of many neighbours' backlogs
    spdlog::log(turn ? spdlog::level::debug : spdlog::level::warn,
                "{} event=lanes closed={:#x} reason={}", name(), lanes->closed,
                in_quotes(lanes->reason));
  } else if (auto* heard = std::get_if<PeerCursor>(&action)) {
    on_cursor(std::move(*heard));
  } else if (const auto* refused = std::get_if<PeerRefused>(&action)) {
    spdlog::warn("{} event=refused_by_peer updates={} reason={}", name(), refused->ids.size(),
                 in_quotes(refused->reason));
  } else if (const auto* set = std::get_if<SetCursor>(&action)) {
    on_set_cursor(*set);
  } else if (std::holds_alternative<HealWork>(action)) {
    asio::post(host_.executor(), [self = shared_from_this()] {
      if (self->ended_ || self->closing_) return;
      self->session_.on_heal_work(self->now());
      self->perform();
    });
  } else if (const auto* report = std::get_if<HealReport>(&action)) {
    on_healed(*report);
  } else if (const auto* close = std::get_if<CloseSession>(&action)) {
    on_close(*close);
  }
}

void Link::on_established(Established fact) {
  peer_ = std::move(fact);
  const auto self = shared_from_this();
  const bool seen = !initiator_;
  const auto job = [self, seen](store::Transaction& transaction) -> Result<void> {
    const Established& peer = *self->peer_;
    if (!write_presented(transaction, peer.presented)) {
      return Error(Errc::kUnknownCertificate, "what the peer presented does not stand");
    }
    if (seen) transaction.note_session_number_seen(peer.node, peer.session_number);
    LT_TRY_VOID(transaction.begin_feed(peer.agency));
    const auto sealed = transaction.seal_pending(peer.agency, store::kSealAtOnceMax);
    return sealed.ok() ? Result<void>() : sealed.error();
  };
  host_.engine().post(job, [self](Result<void> result) {
    if (self->ended_) return;
    if (!result) return self->close(CloseCode::kGoingAway, result.error().message());
    self->feed_grown();
  });
}

void Link::on_live() {
  live_ = true;
  host_.link_established(shared_from_this());
  share_line();
  if (host_.blobs() != nullptr && session_.blobs() != nullptr) host_.blobs()->peer_up(*this);
}

void Link::on_part(StorePart part) {
  struct Work {
    Work(StorePart p) : part(std::move(p)) {}
    StorePart part;
    store::ReceiveOutcome outcome;
  };
  const auto work = std::make_shared<Work>(std::move(part));
  const auto self = shared_from_this();
  const NodeId node = peer_->node;
  const AgencyId agency = peer_->agency;
  const auto job = [work, node, agency](store::Transaction& transaction) -> Result<void> {
    const auto beginning =
        work->part.may_repeat ? store::Beginning::kGuess : store::Beginning::kKnown;
    LT_TRY(work->outcome,
           transaction.receive(work->part.kind, node, agency, work->part.part, beginning));
    return {};
  };
  const auto stored = [self, work](Result<void> result) {
    self->on_stored(work->part.token, result, work->outcome);
  };
  host_.engine().post(job, stored, work->part.urgent ? Urgency::kNow : Urgency::kInTurn);
}

void Link::on_stored(std::uint64_t token, const Result<void>& result,
                     const store::ReceiveOutcome& outcome) {
  if (ended_) return;
  if (!result) {
    spdlog::error("{} event=store_failed error={}", name(), in_quotes(result.error().message()));
    session_.on_store_failed(token, result.error(), now());
    if (!stalled_since_) {
      stalled_since_ = now();
      stall_wait_ = std::clamp(stall_wait_ * 2, kStallFirst, kStallMax);
    }
    return perform();
  }
  if (outcome.unclear) {
    spdlog::debug("{} event=unclear token={}", name(), token);
    session_.on_unclear(token, now());
    return perform();
  }
  if (!stalled_since_) stall_wait_ = {};
  std::vector<UpdateId> ids;
  for (const store::Refusal& refusal : outcome.refused) ids.push_back(refusal.id);
  std::string reason;
  if (!ids.empty()) {
    const store::Refusal& first = outcome.refused.front();
    reason = std::string(to_string(first.code)) + ": " + first.detail;
    spdlog::warn("{} event=updates_refused count={} first={} reason={}", name(), ids.size(),
                 first.id.short_hex(), in_quotes(reason));
  }
  session_.on_stored(token, outcome.cursor, std::move(ids), std::move(reason), now());
  perform();
}

// Healing has brought what was missing of the peer's feed.
void Link::on_set_cursor(const SetCursor& set) {
  const auto cursor = std::make_shared<Cursor>();
  const auto job = [cursor, set, node = peer_->node](store::Transaction& transaction) {
    *cursor = transaction.set_cursor(set.kind, node, set.mark, set.beside);
    return Result<void>();
  };
  host_.engine().post(job, [self = shared_from_this(), cursor, set](const Result<void>& result) {
    if (self->ended_ || !result) return;
    self->session_.on_cursor_set(set.kind, *cursor, self->now());
    self->perform();
  });
}

void Link::on_healed(const HealReport& report) {
  const auto level = report.outcome == HealOutcome::kEqual || report.outcome == HealOutcome::kBusy
                         ? spdlog::level::debug
                         : spdlog::level::info;
  spdlog::log(level,
              "{} event=compared feed={} outcome={} ours={} theirs={} they_lacked={} "
              "we_lacked={}",
              name(), report.kind == FeedKind::kRegistry ? "registry" : "updates",
              to_string(report.outcome), report.our_count, report.their_count,
              report.they_lacked.value_or(0), report.we_lacked.value_or(0));
  if (report.kind != FeedKind::kUpdates || report.outcome == HealOutcome::kBusy) return;
  for (const auto& listener : std::exchange(compared_listeners_, {})) listener(report);
}

void Link::compare(std::function<void(std::optional<HealReport>)> done) {
  if (ended_ || closing_ || !live_ || !session_.compare_feeds(now())) return done(std::nullopt);
  compared_listeners_.push_back(std::move(done));
  perform();
}

void Link::on_cursor(PeerCursor heard) {
  heard_[heard.kind] = std::move(heard.cursor);
  if (!noting_) note_cursors();
}

// One write at a time; what is heard meanwhile goes into the next.
void Link::note_cursors() {
  const auto self = shared_from_this();
  const auto job = [node = peer_->node,
                    heard = std::exchange(heard_, {})](store::Transaction& transaction) {
    for (const auto& [kind, cursor] : heard) transaction.note_heard_cursor(kind, node, cursor);
    return Result<void>();
  };
  noting_ = true;
  const auto noted = [self](const Result<void>& result) {
    self->noting_ = false;
    if (result && !self->heard_.empty()) self->note_cursors();
    self->feed_grown();
  };
  host_.engine().post(job, noted, Urgency::kCanWait);
}

void Link::on_close(const CloseSession& close) {
  close_code_ = close.code;
  closed_by_peer_ = close.by_peer;
  close_detail_ = close.detail;
  closing_ = true;
  closing_since_ = now();
}

void Link::linger() {
  if (lingering_ || ended_) return;
  lingering_ = true;
  asio::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  if (closed_by_peer_) end("closed by the peer");
}

void Link::tick() {
  if (ended_) return;
  if (closing_) {
    if (now() - closing_since_ > kLingerMax) end("closed");
    return;
  }
  session_.on_tick(now());
  share_line();
  resume_storing();
  perform();
  lift_rest_after_restore();
}

// Budget and hours close lanes; a hub's backlogs go in turn.
void Link::share_line() {
  std::uint8_t closed = 0;
  std::string reason;
  for (std::size_t lane = 1; lane < kLaneCount; ++lane) {
    const LaneGate gate = host_.lane_gate(lane);
    if (gate == LaneGate::kOpen) continue;
    closed = static_cast<std::uint8_t>(closed | 1U << lane);
    if (reason.empty()) reason = to_string(gate);  // the budget closes the lower ones first
  }
  session_.set_closed_lanes(closed, reason, now());
  session_.set_backlog_turn(host_.backlog_turn(*this, session_.has_backlog()), now());
  caught_up_ = caught_up_ || session_.stats().drained_in;
  if (live_) session_.set_intake_turn(host_.intake_turn(*this, !caught_up_), now());
}

// What could not be stored is asked for again after a while, each time a longer one.
void Link::resume_storing() {
  if (!stalled_since_ || now() - *stalled_since_ < stall_wait_) return;
  stalled_since_.reset();
  session_.on_store_resumed(now());
}

// A disk that was an older copy: once a neighbour has given back all it has for us, custody goes
// on.
void Link::lift_rest_after_restore() {
  if (lifting_ || !host_.engine().replica().restored() || !session_.stats().drained_in) return;
  lifting_ = true;
  const auto self = shared_from_this();
  const auto job = [](store::Transaction& transaction) {
    transaction.clear_restored();
    return Result<void>();
  };
  spdlog::warn("{} event=restored_copy_caught_up", name());
  host_.engine().post(job, [self](const Result<void>&) { self->lifting_ = false; });
}

void Link::feed_grown() {
  if (ended_ || closing_ || !live_) return;
  const store::Replica& replica = host_.engine().replica();
  const FeedMark registry = replica.feed_end(FeedKind::kRegistry, peer_->agency);
  const FeedMark updates = replica.feed_end(FeedKind::kUpdates, peer_->agency);
  session_.on_feed_grown(now());
  host_.table().note_ends(peer_->agency, registry, updates);
  perform();
}

void Link::close(CloseCode code, const std::string& detail) {
  if (ended_ || closing_) return;
  session_.close(code, detail, now());
  perform();
}

void Link::abort() { end("stopping"); }

void Link::end(const std::string& why) {
  if (ended_) return;
  ended_ = true;
  if (close_detail_.empty()) close_detail_ = why;
  host_.link_closing(*this);
  asio::error_code ignored;
  pace_timer_.cancel();
  gather_timer_.cancel();
  if (host_.blobs() != nullptr) host_.blobs()->peer_down(*this);
  socket_.close(ignored);
  host_.link_ended(shared_from_this());
  for (const auto& listener : std::exchange(compared_listeners_, {})) listener(std::nullopt);
  if (ended_listener_) std::exchange(ended_listener_, nullptr)();
}

}  // namespace lienthong::agent
