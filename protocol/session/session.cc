#include "protocol/feed/went_back.h"
#include "protocol/session/session_impl.h"

namespace lienthong {
namespace {

constexpr std::uint8_t kLanesOfUpdates = 0x1e;  // 1 to 4
constexpr std::uint8_t kLanesOfFeeds = 0x0e;    // 1 to 3
constexpr int kSilentHeartbeatCount = 3;        // after which a responder gives an idle dialler up

CloseCode close_code(const Error& error) {
  return error.code() == Errc::kTooLarge ? CloseCode::kLimit : CloseCode::kProtocolError;
}

std::chrono::milliseconds millis(Instant::duration time) {
  return std::chrono::ceil<std::chrono::milliseconds>(time);
}

CloseCode known_code(std::uint8_t code) {
  return code <= static_cast<std::uint8_t>(CloseCode::kDiskFull) ? static_cast<CloseCode>(code)
                                                                 : CloseCode::kNone;
}

}  // namespace

const char* to_string(CloseCode code) {
  switch (code) {
    case CloseCode::kNone: return "none";
    case CloseCode::kGoingAway: return "going-away";
    case CloseCode::kReplaced: return "replaced";
    case CloseCode::kBadVersion: return "bad-version";
    case CloseCode::kWrongRoot: return "wrong-root";
    case CloseCode::kNoCertificate: return "no-certificate";
    case CloseCode::kNotBelieved: return "not-believed";
    case CloseCode::kWrongAgency: return "wrong-agency";
    case CloseCode::kProtocolError: return "protocol-error";
    case CloseCode::kLimit: return "limit";
    case CloseCode::kTimeout: return "timeout";
    case CloseCode::kReplay: return "replay";
    case CloseCode::kDiskFull: return "disk-full";
  }
  return "unknown";
}

Session::Impl::Impl(const ReplicaView& replica, SessionConfig c, Instant now)
    : view(replica),
      config(std::move(c)),
      tables(config.tables ? config.tables : std::make_shared<SharedTables>()),
      packer(tables),
      room(config.paced ? 0 : SIZE_MAX),
      part_bytes(config.part_bytes_max),
      started_at(now),
      heard_at(now) {
  handshake.emplace(view, config, *this);
  if (!config.initiator) return;
  handshake->start_dialling();
  send_bytes(handshake->take_output());
}

// ---- in ----

Result<void> Session::Impl::on_bytes(ByteView input, Instant now) {
  if (is_closed) return Error(Errc::kClosed, "session");
  counters.received_bytes += input.size();
  if (!input.empty()) heard(now);
  buffer.insert(buffer.end(), input.begin(), input.end());
  std::size_t used = 0;
  if (handshake) LT_TRY_VOID(on_handshake_bytes(used, now));
  while (!handshake && !is_closed && buffer.size() - used >= 2) {
    const std::size_t size = buffer[used] | static_cast<std::size_t>(buffer[used + 1]) << 8;
    if (buffer.size() - used < 2 + size) break;
    const Bytes frame(buffer.begin() + static_cast<std::ptrdiff_t>(used + 2),
                      buffer.begin() + static_cast<std::ptrdiff_t>(used + 2 + size));
    used += 2 + size;
    LT_TRY_VOID(on_frame(frame, now));
  }
  buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(used));
  if (!outstanding()) waiting_since.reset();
  return {};
}

// The lane is in the low bits of the flags, which come first.
void Session::Impl::count_lane(ByteView plaintext) {
  const std::size_t lane = plaintext.empty() ? 0 : plaintext[0] & 7U;
  if (lane < counters.lane_bytes.size()) counters.lane_bytes[lane] += plaintext.size();
}

Result<void> Session::Impl::on_frame(ByteView ciphertext, Instant now) {
  auto plaintext = transport->receive.decrypt({}, ciphertext);
  if (!plaintext.ok()) return fail(CloseCode::kProtocolError, plaintext.error());
  count_lane(*plaintext);
  if (!live) {
    if (answer_sent_at) note_rtt(now - *answer_sent_at);
    on_live(now);
    if (is_closed) return {};
  }
  auto message = assembler.add(*plaintext);
  if (!message.ok()) return fail(close_code(message.error()), message.error());
  if (!*message) return {};
  const wire::Lane lane = (*message)->lane;
  auto plain = packer.unpack(**std::move(message));
  if (!plain.ok()) return fail(close_code(plain.error()), plain.error());
  return on_message(lane, *plain, now);
}

Result<void> Session::Impl::on_message(wire::Lane lane, ByteView bytes, Instant now) {
  if (const auto twin = wire::decode_twin(bytes); twin.ok()) {
    if (known) actions.emplace_back(PeerTwin(*twin));
    return {};
  }
  auto message = wire::decode_message(bytes);
  if (!message.ok()) return fail(close_code(message.error()), message.error());
  if (std::holds_alternative<wire::OptionalMessage>(*message)) return {};
  if (const auto* ping = std::get_if<wire::PingMessage>(&*message)) {
    send(wire::PongMessage{ping->token}, now);
    return {};
  }
  if (const auto* pong = std::get_if<wire::PongMessage>(&*message)) {
    on_pong(pong->token, now);
    return {};
  }
  if (const auto* closing = std::get_if<wire::CloseMessage>(&*message)) {
    on_peer_close(*closing);
    return {};
  }
  if (const auto* credentials = std::get_if<wire::CredentialsMessage>(&*message)) {
    return on_credentials(*credentials, now);
  }
  if (!known) {
    return fail(CloseCode::kProtocolError,
                Error(Errc::kOutOfOrder, "message before the peer is known"));
  }
  return on_message_of_member(lane, *std::move(message), bytes.size(), now);
}

Result<void> Session::Impl::on_message_of_member(wire::Lane lane, wire::Message message,
                                                 std::size_t size, Instant now) {
  if (auto* refused = std::get_if<wire::RefusedMessage>(&message)) {
    actions.emplace_back(
        PeerRefused(std::move(refused->ids), printable(std::move(refused->reason))));
    return {};
  }
  if (const auto* blob = std::get_if<wire::BlobMessage>(&message)) {
    if (!blob_lane) return {};
    if (auto taken = blob_lane->on_message(blob->body); !taken.ok()) {
      return fail(close_code(taken.error()), taken.error());
    }
  } else if (const auto* lanes = std::get_if<wire::LanesMessage>(&message)) {
    on_lanes(*lanes);
  } else if (const auto* heal = std::get_if<wire::HealMessage>(&message)) {
    if (auto taken = on_heal(*heal, now); !taken.ok()) {
      return fail(close_code(taken.error()), taken.error());
    }
  } else if (auto taken = on_feed_message(lane, message, size); !taken.ok()) {
    return fail(close_code(taken.error()), taken.error());
  }
  pump(now);
  return {};
}

Result<void> Session::Impl::on_feed_message(wire::Lane lane, wire::Message& message,
                                            std::size_t size) {
  if (auto* part = std::get_if<wire::PartMessage>(&message)) {
    on_beginning_kept(part->kind);
    const bool ends = part->end;
    const FeedKind kind = part->kind;
    const std::uint64_t last = part->part.covered.empty() ? 0 : part->part.covered.back().last;
    LT_TRY_VOID(on_part(lane, std::move(*part), size));
    if (!ends) return {};
    packer.drop_inflaters();
    return inbox(kind).on_end(last);
  }
  if (const auto* begin = std::get_if<wire::BeginMessage>(&message)) return on_begin(*begin);
  if (const auto* level = std::get_if<wire::LevelMessage>(&message)) return on_level(*level);
  if (const auto* end = std::get_if<wire::EndMessage>(&message)) {
    packer.drop_inflaters();
    on_beginning_kept(end->kind);
    return inbox(end->kind).on_end(end->number);
  }
  return on_acknowledged(message);
}

// A peer that knows our cursor by now, and says no other beginning, holds to the one that was a
// guess.
void Session::Impl::on_beginning_kept(FeedKind kind) {
  if (!reading_early && inbox(kind).on_beginning_kept()) on_beginning_known(kind);
}

Result<void> Session::Impl::on_begin(const wire::BeginMessage& message) {
  inbox(message.kind).on_begin(message.epoch, message.first, reading_early && !config.initiator);
  on_beginning_known(message.kind);
  return {};
}

void Session::Impl::on_beginning_known(FeedKind kind) {
  const auto joins_on = inbox(kind).joins_on();
  if (!joins_on) return;
  outbox(kind).set_echo(*joins_on ? Echo::kPassOver : Echo::kCarry);
  if (!*joins_on) doubt(kind);
}

Result<void> Session::Impl::on_level(const wire::LevelMessage& message) {
  for (const FeedKind kind : kFeedKinds) {
    if ((message.feeds & bit_of(kind)) == 0) continue;
    inbox(kind).on_level();
    outbox(kind).set_echo(Echo::kPassOver);
  }
  return {};
}

Result<void> Session::Impl::on_acknowledged(const wire::Message& message) {
  if (const auto* cursor = std::get_if<wire::CursorMessage>(&message)) {
    on_peer_cursor(cursor->kind, cursor->cursor, 64);
  } else if (const auto* ack = std::get_if<wire::AckMessage>(&message)) {
    LT_TRY_VOID(outbox(ack->kind).on_ack(ack->serial, ack->number, ack->ranges));
    heard_due |= bit_of(ack->kind);
  } else if (const auto* unclear = std::get_if<wire::UnclearMessage>(&message)) {
    LT_TRY_VOID(outbox(unclear->kind).on_unclear(unclear->serial, unclear->covered));
  }
  return {};
}

void Session::Impl::on_lanes(const wire::LanesMessage& message) {
  for (const FeedKind kind : kFeedKinds) {
    if ((message.again & bit_of(kind)) != 0) outbox(kind).send_again();
  }
  if (message.closed == closed_by_peer) return;
  closed_by_peer = message.closed;
  actions.emplace_back(PeerLanes(closed_by_peer, printable(message.reason)));
}

Result<void> Session::Impl::on_part(wire::Lane lane, wire::PartMessage message, std::size_t size) {
  const std::size_t unstored = inbox(message.kind).unstored_bytes();
  const std::size_t granted = std::max(config.window_bytes, kControlWindow) + kCustodyWindow;
  if (unstored > 0 && unstored + size > granted + 2 * kMessageBytesMax) {
    return Error(Errc::kTooLarge, "parts over the window that was granted");
  }
  const std::uint64_t token = next_token++;
  LT_TRY(const bool taken, inbox(message.kind).on_part(message.part, token, size));
  if (!taken) return {};
  StorePart store(token, message.kind, std::move(message.part));
  store.may_repeat = inbox(message.kind).may_repeat();
  store.beside_healing = feed_waits(message.kind);
  store.urgent = message.kind == FeedKind::kRegistry || lane <= wire::Lane::kCustody;
  actions.emplace_back(std::move(store));
  return {};
}

// Whatever the cursors say, what the two hold may differ: they are compared before anybody says
// that they do not.
void Session::Impl::doubt(FeedKind kind) {
  if (healing) healing->doubt(kind);
}

// The first cursor says where our feed goes on.
void Session::Impl::on_peer_cursor(FeedKind kind, const Cursor& cursor, unsigned epoch_bits) {
  const bool first = outbox(kind).heard_nothing();
  Cursor whole = outbox(kind).on_cursor(cursor, epoch_bits);
  if (first && went_back(whole, view.heard_cursor(kind, peer->node))) {
    outbox(kind).carry_everything();
    doubt(kind);
  }
  if (outbox(kind).lost()) doubt(kind);
  if (healing) {
    healing->on_peer_cursor(kind, heard_at);
    if (outbox(kind).lost()) healing->on_lost_cursor(kind, heard_at);
  }
  PeerCursor heard(kind, std::move(whole));
  heard.in_full = true;
  heard.stale = outbox(kind).stale();
  if (live || config.initiator) {
    actions.emplace_back(std::move(heard));
  } else {
    heard_first[index_of(kind)] = std::move(heard);  // told once the peer is live
  }
}

void Session::Impl::on_pong(std::uint64_t token, Instant now) {
  if (!ping_sent_at || token != ping_token) return;
  note_rtt(now - *ping_sent_at);
  ping_sent_at.reset();
}

void Session::Impl::on_peer_close(const wire::CloseMessage& message) {
  is_closed = true;
  std::string detail = printable(message.text);
  if (known_code(message.code) == CloseCode::kNone) {
    detail = "code " + std::to_string(message.code) + ": " + detail;
  }
  actions.emplace_back(CloseSession(known_code(message.code), true, std::move(detail)));
}

// ---- progress ----

// A revocation that came meanwhile ends the session.
void Session::Impl::recheck_peer() {
  if (!known) return;
  const auto registry = view.registry();
  if (registry->find_certificate(peer->certificate) == nullptr) return;  // presented, on its way
  if (registry->may_connect(peer->certificate)) return;
  close(CloseCode::kNotBelieved, "the node is revoked");
}

Result<void> Session::Impl::fail(CloseCode code, Error error) {
  close(code, error.message());
  return error;
}

void Session::Impl::close(CloseCode code, std::string detail) {
  if (is_closed) return;
  flush_acks();
  if (transport) {
    const std::string text = detail.substr(0, wire::kReasonBytesMax);
    send_encoded(wire::Lane::kControl,
                 wire::encode_message(wire::CloseMessage{static_cast<std::uint8_t>(code), text}));
  }
  is_closed = true;
  actions.emplace_back(CloseSession(code, false, std::move(detail)));
}

void Session::Impl::heard(Instant now) {
  heard_at = now;
  if (waiting_since) waiting_since = now;
}

void Session::Impl::wait_from(Instant now) {
  if (!waiting_since) waiting_since = now;
}

void Session::Impl::note_rtt(Instant::duration time) {
  const auto value = millis(time);
  counters.rtt = counters.rtt ? std::min(*counters.rtt, value) : value;
}

std::size_t Session::Impl::unacked_bytes() const {
  std::size_t sum = 0;
  for (const Outbox& outbox : outboxes) sum += outbox.unacked_bytes();
  return sum;
}

void Session::Impl::on_tick(Instant now) {
  if (is_closed) return;
  if (!known || !live) {
    if (now - started_at >= config.handshake_timeout) close(CloseCode::kTimeout, "handshake");
    return;
  }
  if (healing) healing->on_tick(now);
  perform_healing(now);
  pump(now);
  watch_progress(now);
  if (is_closed) return;
  show_holes(now);
  if (waiting_since && outstanding()) {
    if (now - *waiting_since >= config.dead_after) {
      return close(CloseCode::kTimeout, "nothing heard with data outstanding");
    }
    // A peer that is only slow to store answers this.
    if (!ping_sent_at && now - *waiting_since >= config.dead_after / 2) send_ping(now);
    return;
  }
  const auto silent = now - heard_at;
  if (config.initiator && silent >= config.heartbeat) return send_ping(now);
  if (silent >= kSilentHeartbeatCount * config.heartbeat + config.dead_after) {
    close(CloseCode::kTimeout, "nothing heard");
  }
}

// Nobody else sees a direction that stands still: pings are answered, and the other one flows.
void Session::Impl::watch_progress(Instant now) {
  Progress here;
  std::uint64_t pending = 0;
  for (const Outbox& box : outboxes) {
    pending += box.pending();
    here.acknowledged += box.acked() + box.held_count();
  }
  const unsigned closed = (closed_by_us | closed_by_peer | stalled) & kLanesOfFeeds;
  const bool turn = backlog_turn || outbox(FeedKind::kUpdates).backlog() == 0;
  const bool heals =
      healing && (healing->runs(FeedKind::kRegistry) || healing->runs(FeedKind::kUpdates));
  here.sent = counters.lane_sent_bytes;
  const bool excused = pending == 0 || closed != 0 || !turn || heals || waits_for_room;
  if (excused || !progress_at || here.acknowledged != progress.acknowledged) progress_at = now;
  if (here != progress || progress_at == now) moved_at = now;
  progress = here;
  const bool still =
      now - moved_at >= kStandingStillMax || now - *progress_at >= 10 * kStandingStillMax;
  if (!still) return;
  actions.emplace_back(StandsStill(pending));
  close(CloseCode::kTimeout,
        "nothing acknowledged for long while " + std::to_string(pending) + " entries wait");
}

SessionStats Session::Impl::stats() const {
  SessionStats stats = counters;
  if (!known || !live) return stats;
  stats.drained_in = true;
  stats.drained_out = true;
  for (const Outbox& outbox : outboxes) {
    stats.drained_out = stats.drained_out && outbox.drained();
    stats.pending_out += outbox.pending();
  }
  for (const FeedKind kind : kFeedKinds) {
    stats.doubtful = stats.doubtful || (healing && healing->doubtful(kind));
    stats.differs = stats.differs || (healing && healing->differs(kind));
  }
  for (const Inbox& inbox : inboxes) {
    stats.drained_in = stats.drained_in && inbox.drained();
    stats.pending_in += inbox.pending();
    stats.pending_in_bytes += inbox.unstored_bytes();
  }
  return stats;
}

// ---- the door ----

Session::Session(const ReplicaView& view, SessionConfig config, Instant now)
    : impl_(std::make_unique<Impl>(view, std::move(config), now)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;

Result<void> Session::on_bytes(ByteView in, Instant now) { return impl_->on_bytes(in, now); }
void Session::on_tick(Instant now) { impl_->on_tick(now); }

void Session::on_stored(std::uint64_t token, const Cursor& cursor, std::vector<UpdateId> refused,
                        std::string refusal_reason, Instant now) {
  if (impl_->is_closed) return;
  if ((token & kHealTokenBit) != 0) {
    impl_->healing->on_stored(token & ~kHealTokenBit, now);
    impl_->perform_healing(now);
    impl_->pump(now);
  }
  for (Inbox& inbox : impl_->inboxes) {
    if (inbox.on_stored(token, cursor)) break;
  }
  refusal_reason.resize(std::min(refusal_reason.size(), wire::kReasonBytesMax));
  for (std::size_t i = 0; i < refused.size(); i += wire::kRefusedCountMax) {
    const std::size_t end = std::min(refused.size(), i + wire::kRefusedCountMax);
    wire::RefusedMessage message;
    message.ids.assign(refused.begin() + static_cast<std::ptrdiff_t>(i),
                       refused.begin() + static_cast<std::ptrdiff_t>(end));
    message.reason = refusal_reason;
    impl_->send(message, now);
  }
}

void Session::on_unclear(std::uint64_t token, Instant now) {
  if (impl_->is_closed) return;
  if ((token & kHealTokenBit) != 0) {
    impl_->healing->on_unclear(token & ~kHealTokenBit, now);
    impl_->perform_healing(now);
    return impl_->pump(now);
  }
  for (Inbox& inbox : impl_->inboxes) {
    wire::UnclearMessage message;
    if (inbox.on_unclear(token, message)) return impl_->send(message, now);
  }
}

void Session::on_store_failed(std::uint64_t token, const Error& error, Instant now) {
  if (impl_->is_closed) return;
  switch (error.code()) {
    case Errc::kTruncated:
    case Errc::kMalformed:
    case Errc::kTooLarge:
      return impl_->close(close_code(error),
                          "part " + std::to_string(token) + ": " + error.message());
    default: break;
  }
  if ((token & kHealTokenBit) != 0) {
    impl_->healing->on_store_failed(token & ~kHealTokenBit, now);
    impl_->perform_healing(now);
  }
  for (Inbox& inbox : impl_->inboxes) {
    if (inbox.on_failed(token)) break;
  }
  if (impl_->stalled != 0) return;
  impl_->stalled = kLanesOfUpdates;
  impl_->closed_reason = error.message();
  impl_->send_lanes(0, now);
}

void Session::on_store_resumed(Instant now) {
  if (impl_->is_closed || impl_->stalled == 0) return;
  impl_->stalled = 0;
  impl_->closed_reason.clear();
  impl_->send_lanes(bit_of(FeedKind::kRegistry) | bit_of(FeedKind::kUpdates), now);
}

void Session::on_room(std::size_t bytes, Instant now) {
  if (!impl_->config.paced) return;
  impl_->room = bytes;
  if (!impl_->is_closed) impl_->pump(now);
}

bool Session::wants_room() const { return !impl_->is_closed && impl_->waits_for_room; }

void Session::set_sizes(std::size_t part_bytes, std::size_t frame_bytes) {
  impl_->part_bytes = std::clamp<std::size_t>(part_bytes, 1024, kMessageBytesMax / 2);
  if (impl_->healing)
    impl_->healing->set_part_bytes(
        std::min(kHealedPartBytes * impl_->part_bytes, kHealedPartBytesMax));
  impl_->frame_bytes = std::clamp<std::size_t>(frame_bytes, 1024, wire::kPlaintextBytesMax);
}

void Session::set_rate(std::uint64_t bits_per_second) { impl_->packer.set_rate(bits_per_second); }

void Session::set_closed_lanes(std::uint8_t lanes, const std::string& reason, Instant now) {
  if (impl_->closed_by_us == (lanes & kLanesOfUpdates)) return;
  impl_->closed_by_us = lanes & kLanesOfUpdates;
  impl_->closed_reason = reason;
  if (impl_->is_closed || !impl_->live || !impl_->known) return;
  impl_->send_lanes(0, now);
  impl_->pump(now);
}

void Session::set_intake_turn(bool open, Instant now) {
  const std::uint8_t kept_back = open ? 0 : kHistoryLane;
  if (impl_->kept_back == kept_back || impl_->is_closed || !impl_->live || !impl_->known) return;
  impl_->kept_back = kept_back;
  impl_->send_lanes(0, now);
}

void Session::set_backlog_turn(bool ours, Instant now) {
  impl_->backlog_turn = ours;
  if (ours && !impl_->is_closed) impl_->pump(now);
}

bool Session::has_backlog() const {
  return !impl_->is_closed && impl_->known &&
         impl_->outboxes[index_of(FeedKind::kUpdates)].backlog() > 0;
}

BlobLane* Session::blobs() { return impl_->blob_lane ? &*impl_->blob_lane : nullptr; }

void Session::on_blobs(Instant now) {
  if (!impl_->is_closed) impl_->pump(now);
}

bool Session::lane_open(wire::Lane lane) const {
  const unsigned closed = impl_->closed_by_us | impl_->closed_by_peer | impl_->stalled;
  return (closed >> static_cast<unsigned>(lane) & 1U) == 0;
}

const std::array<std::vector<std::uint64_t>, 2>& Session::early_ends() const {
  return impl_->early_ends;
}

std::uint64_t Session::sent_top(FeedKind kind) const {
  return impl_->known ? impl_->outboxes[index_of(kind)].sent_top() : 0;
}

void Session::tell_twin(const wire::TwinMessage& twin, Instant) {
  if (impl_->is_closed || !live()) return;
  impl_->send_encoded(wire::Lane::kControl, wire::encode_twin(twin));
}

bool Session::live() const { return impl_->known && impl_->live; }

void Session::on_feed_grown(Instant now) {
  impl_->recheck_peer();
  if (impl_->healing && impl_->live) impl_->healing->on_tick(now);
  impl_->perform_healing(now);
  if (!impl_->is_closed) impl_->pump(now);
}

void Session::close(CloseCode code, std::string detail, Instant) {
  impl_->close(code, std::move(detail));
}

std::vector<Action> Session::take_actions() {
  impl_->flush_acks();
  impl_->flush_heard();
  return std::exchange(impl_->actions, {});
}

bool Session::closed() const { return impl_->is_closed; }
SessionStats Session::stats() const { return impl_->stats(); }

}  // namespace lienthong
