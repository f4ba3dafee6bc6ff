#include "protocol/session/session.h"

#include <array>

#include "protocol/session/handshake.h"
#include "protocol/session/inbox.h"
#include "protocol/session/outbox.h"
#include "protocol/wire/fragment.h"
#include "protocol/wire/limits.h"
#include "protocol/wire/message.h"

namespace lienthong {
namespace {

constexpr std::array kFeedKinds{FeedKind::kRegistry, FeedKind::kUpdates};  // in order of sending
constexpr std::size_t kTagBytes = 16;
constexpr int kSilentHeartbeatCount = 3;  // after which a responder gives an idle dialler up

std::size_t index_of(FeedKind kind) { return static_cast<std::size_t>(kind); }

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

struct Session::Impl {
  Impl(const ReplicaView& replica, SessionConfig c, Instant now);

  // ---- in ----
  Result<void> on_bytes(ByteView input, Instant now);
  Result<void> on_handshake_bytes(std::size_t& used, Instant now);
  Result<void> on_frame(ByteView ciphertext, Instant now);
  Result<void> on_message(ByteView bytes, Instant now);
  Result<void> on_message_of_member(wire::Message message, std::size_t size, Instant now);
  Result<void> on_part(wire::PartMessage message, std::size_t size);
  void on_peer_cursor(FeedKind kind, const Cursor& cursor, Instant now);
  Result<void> on_credentials(const wire::CredentialsMessage& message, Instant now);
  void on_pong(std::uint64_t token, Instant now);
  void on_peer_close(const wire::CloseMessage& message);
  void on_outcome(HandshakeOutcome outcome, Instant now);
  void on_tick(Instant now);

  // ---- out ----
  void send_bytes(Bytes bytes);
  void send_encoded(wire::Lane lane, ByteView message);
  void send(const wire::Message& message, Instant now);
  void send_ping(Instant now);
  void send_credentials(Instant now);
  void flush_acks();
  void pump(Instant now);
  bool pump_one(FeedKind kind, Instant now);

  // ---- progress ----
  void establish_if_known(Instant now);
  void recheck_peer();
  Result<void> fail(CloseCode code, Error error);
  void close(CloseCode code, std::string detail);
  void heard(Instant now);
  void wait_from(Instant now);
  void note_rtt(Instant::duration time);
  std::size_t unacked_bytes() const;
  bool outstanding() const { return ping_sent_at.has_value() || unacked_bytes() > 0; }
  SessionStats stats() const;

  const ReplicaView& view;
  SessionConfig config;
  std::optional<Handshake> handshake;
  std::optional<NoiseHandshake::Transport> transport;
  wire::Assembler assembler;
  Bytes buffer;  // not consumed yet: at most one frame
  std::vector<Action> actions;
  bool is_closed = false;

  Hello peer_hello;
  DhPublic peer_key{};
  std::optional<PeerIdentity> peer;
  std::vector<Statement> presented;
  bool live = false;  // the peer has shown that it holds this session's keys
  bool established = false;
  bool cursors_sent = false;
  bool credentials_due = false;
  std::vector<Outbox> outboxes;  // by kind, once established
  std::vector<Inbox> inboxes;
  std::uint64_t next_token = 1;

  Instant started_at;
  Instant heard_at;
  std::optional<Instant> answer_sent_at;  // responder: the last handshake message
  std::optional<Instant> waiting_since;   // something is outstanding and nothing was heard since
  std::uint64_t ping_token = 0;
  std::optional<Instant> ping_sent_at;
  SessionStats counters;
};

Session::Impl::Impl(const ReplicaView& replica, SessionConfig c, Instant now)
    : view(replica), config(std::move(c)), started_at(now), heard_at(now) {
  handshake.emplace(view, config);
  if (config.initiator) send_bytes(handshake->take_output());
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

Result<void> Session::Impl::on_handshake_bytes(std::size_t& used, Instant now) {
  while (!handshake->outcome()) {
    const auto consumed = handshake->consume(ByteView(buffer).subspan(used));
    if (Bytes answer = handshake->take_output(); !answer.empty()) {
      send_bytes(std::move(answer));
      answer_sent_at = now;
    }
    if (!consumed.ok()) return fail(handshake->failure(), consumed.error());
    if (*consumed == 0) return {};
    used += *consumed;
  }
  HandshakeOutcome outcome = *std::move(handshake->outcome());
  handshake.reset();
  on_outcome(std::move(outcome), now);
  return {};
}

void Session::Impl::on_outcome(HandshakeOutcome outcome, Instant now) {
  transport.emplace(std::move(outcome.transport));
  peer_hello = std::move(outcome.peer);
  peer_key = outcome.peer_key;
  peer = outcome.judgement.identity;
  cursors_sent = outcome.cursors_sent;
  credentials_due = outcome.credentials_due;
  const Rejection& rejection = outcome.judgement.rejection;
  if (rejection.code != CloseCode::kNone) return close(rejection.code, rejection.detail);
  if (!config.initiator) return;
  note_rtt(now - started_at);
  live = true;
  if (credentials_due) send_credentials(now);
  // The responder takes us for live at our first frame, so there is one in any case.
  if (!peer && !is_closed) send_ping(now);
  establish_if_known(now);
}

Result<void> Session::Impl::on_frame(ByteView ciphertext, Instant now) {
  auto plaintext = transport->receive.decrypt({}, ciphertext);
  if (!plaintext.ok()) return fail(CloseCode::kProtocolError, plaintext.error());
  if (!live) {
    live = true;
    if (answer_sent_at) note_rtt(now - *answer_sent_at);
    if (credentials_due) send_credentials(now);
    establish_if_known(now);
    if (is_closed) return {};
  }
  auto message = assembler.add(*plaintext);
  if (!message.ok()) return fail(close_code(message.error()), message.error());
  if (!*message) return {};
  return on_message(**message, now);
}

Result<void> Session::Impl::on_message(ByteView bytes, Instant now) {
  auto message = wire::decode_message(config.root, bytes);
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
  if (!established) {
    return fail(CloseCode::kProtocolError,
                Error(Errc::kOutOfOrder, "message before the peer is known"));
  }
  return on_message_of_member(*std::move(message), bytes.size(), now);
}

Result<void> Session::Impl::on_message_of_member(wire::Message message, std::size_t size,
                                                 Instant now) {
  if (auto* part = std::get_if<wire::PartMessage>(&message)) {
    if (auto taken = on_part(std::move(*part), size); !taken.ok()) {
      return fail(close_code(taken.error()), taken.error());
    }
  } else if (const auto* begin = std::get_if<wire::BeginMessage>(&message)) {
    Inbox& inbox = inboxes[index_of(begin->kind)];
    if (auto taken = inbox.on_begin(begin->epoch, begin->first); !taken.ok()) {
      return fail(CloseCode::kProtocolError, taken.error());
    }
    outboxes[index_of(begin->kind)].set_echo(*inbox.joins_on() ? Echo::kPassOver : Echo::kCarry);
    pump(now);
  } else if (const auto* ack = std::get_if<wire::AckMessage>(&message)) {
    on_peer_cursor(ack->kind, ack->cursor, now);
    pump(now);
  } else if (const auto* end = std::get_if<wire::EndMessage>(&message)) {
    const auto taken = inboxes[index_of(end->kind)].on_end(end->epoch, end->number);
    if (!taken.ok()) return fail(CloseCode::kProtocolError, taken.error());
  } else if (auto* refused = std::get_if<wire::RefusedMessage>(&message)) {
    actions.emplace_back(
        PeerRefused(std::move(refused->ids), printable(std::move(refused->reason))));
  }
  return {};
}

Result<void> Session::Impl::on_part(wire::PartMessage message, std::size_t size) {
  std::size_t unstored = 0;
  for (const Inbox& inbox : inboxes) unstored += inbox.unstored_bytes();
  if (unstored > 0 && unstored + size > config.window_bytes + kMessageBytesMax) {
    return Error(Errc::kTooLarge, "parts over the window that was granted");
  }
  const std::uint64_t token = next_token++;
  LT_TRY_VOID(inboxes[index_of(message.kind)].on_part(message.part, token, size));
  actions.emplace_back(StorePart(token, message.kind, std::move(message.part)));
  return {};
}

Result<void> Session::Impl::on_credentials(const wire::CredentialsMessage& message, Instant now) {
  if (peer) return {};  // known without them
  Presented result = present(*view.registry(), message.statements);
  if (!result.registry) {
    return fail(result.rejection.code, Error(Errc::kNotAllowed, result.rejection.detail));
  }
  Judgement judgement =
      judge(*result.registry, peer_hello.certificate, peer_key, config.expected_agency);
  if (judgement.rejection.code != CloseCode::kNone) {
    return fail(judgement.rejection.code, Error(Errc::kNotAllowed, judgement.rejection.detail));
  }
  if (!judgement.identity) {
    return fail(CloseCode::kNoCertificate,
                Error(Errc::kUnknownCertificate, "nothing presented vouches for the peer"));
  }
  const Rejection replay =
      judge_number(config, judgement.identity->node, peer_hello.session_number);
  if (replay.code != CloseCode::kNone) {
    return fail(replay.code, Error(Errc::kNotAllowed, replay.detail));
  }
  peer = judgement.identity;
  presented = std::move(result.fresh);
  establish_if_known(now);
  return {};
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

// ---- out ----

void Session::Impl::send_bytes(Bytes bytes) {
  counters.sent_bytes += bytes.size();
  auto* before = actions.empty() ? nullptr : std::get_if<SendBytes>(&actions.back());
  if (before != nullptr && before->bytes.size() < kFrameBytesMax) {
    before->bytes.insert(before->bytes.end(), bytes.begin(), bytes.end());
  } else {
    actions.emplace_back(SendBytes(std::move(bytes)));
  }
}

void Session::Impl::send_encoded(wire::Lane lane, ByteView message) {
  for (const Bytes& plaintext : wire::split_message(lane, message)) {
    const auto ciphertext = transport->send.encrypt({}, plaintext);
    LT_CHECK(ciphertext.ok());  // fails after 2^64 - 1 frames only
    LT_CHECK(ciphertext->size() == plaintext.size() + kTagBytes);
    ByteWriter frame;
    frame.u16(static_cast<std::uint16_t>(ciphertext->size()));
    frame.raw(*ciphertext);
    send_bytes(frame.take());
  }
}

void Session::Impl::send(const wire::Message& message, Instant now) {
  const Bytes bytes = wire::encode_message(config.root, message);
  if (bytes.size() > kMessageBytesMax) return close(CloseCode::kLimit, "message of ours too large");
  send_encoded(wire::Lane::kControl, bytes);
  if (std::holds_alternative<wire::PingMessage>(message)) wait_from(now);
}

void Session::Impl::send_ping(Instant now) {
  ping_sent_at = now;
  send(wire::PingMessage{++ping_token}, now);
}

void Session::Impl::send_credentials(Instant now) {
  credentials_due = false;
  wire::CredentialsMessage message;
  if (config.credentials.size() <= wire::kCredentialCountMax) {
    message.statements = config.credentials;
  }
  send(message, now);
}

void Session::Impl::flush_acks() {
  if (is_closed) return;
  for (const FeedKind kind : kFeedKinds) {
    if (inboxes.empty()) return;
    if (auto cursor = inboxes[index_of(kind)].take_ack()) {
      send_encoded(wire::Lane::kControl,
                   wire::encode_message(config.root, wire::AckMessage{kind, *std::move(cursor)}));
    }
  }
}

// The first cursor says where our feed goes on; the peer is told, so that it knows what we still
// have.
void Session::Impl::on_peer_cursor(FeedKind kind, const Cursor& cursor, Instant now) {
  Outbox& outbox = outboxes[index_of(kind)];
  const bool first = !outbox.started();
  outbox.on_cursor(cursor);
  if (first) {
    const FeedMark beginning = outbox.beginning();
    send(wire::BeginMessage{kind, beginning.epoch, beginning.number}, now);
  }
  actions.emplace_back(PeerCursor(kind, cursor));
}

// Whether there may be more to send of that feed.
bool Session::Impl::pump_one(FeedKind kind, Instant now) {
  const std::size_t window = std::min<std::size_t>(config.window_bytes, peer_hello.window_bytes);
  const std::size_t unacked = unacked_bytes();
  auto message =
      outboxes[index_of(kind)].next(config.root, window - std::min(window, unacked), unacked == 0);
  if (!message.ok()) {
    close(CloseCode::kGoingAway, "our feed: " + message.error().message());
    return false;
  }
  if (!*message) return false;
  send_encoded(kind == FeedKind::kRegistry ? wire::Lane::kControl : wire::Lane::kUpdates,
               **message);
  if (unacked_bytes() > unacked) wait_from(now);
  return true;
}

// The registry goes first: updates name its certificates.
void Session::Impl::pump(Instant now) {
  if (!established) return;
  for (const FeedKind kind : kFeedKinds) {
    while (!is_closed && pump_one(kind, now)) {
    }
    if (is_closed || !outboxes[index_of(kind)].at_end()) return;
  }
}

// ---- progress ----

void Session::Impl::establish_if_known(Instant now) {
  if (established || is_closed || !live || !peer) return;
  if (peer->node == config.node) {
    return close(CloseCode::kWrongAgency, "the other side is this node itself");
  }
  established = true;
  counters.established = true;
  Established fact;
  fact.node = peer->node;
  fact.agency = peer->agency;
  fact.certificate = peer->certificate;
  fact.program_version = peer_hello.program_version;
  fact.session_number = peer_hello.session_number;
  fact.registry_digest = peer_hello.registry_digest;
  fact.presented = std::move(presented);
  actions.emplace_back(std::move(fact));
  for (const FeedKind kind : kFeedKinds) {
    outboxes.emplace_back(kind, view, *peer, config.part_bytes_max);
    Cursor durable = view.cursor(kind, peer->node);
    if (!cursors_sent) send(wire::AckMessage{kind, durable}, now);
    inboxes.emplace_back(std::move(durable));
  }
  if (peer_hello.cursors) {
    for (const FeedKind kind : kFeedKinds) {
      const Cursor& cursor = (*peer_hello.cursors)[index_of(kind)];
      on_peer_cursor(kind, cursor, now);
    }
  }
  pump(now);
}

// A revocation that came meanwhile ends the session.
void Session::Impl::recheck_peer() {
  if (!established) return;
  const auto registry = view.registry();
  if (registry->find_certificate(peer->certificate) == nullptr) return;  // presented, on its way
  if (registry->may_connect(peer->node)) return;
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
                 wire::encode_message(config.root,
                                      wire::CloseMessage{static_cast<std::uint8_t>(code), text}));
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
  if (!established) {
    if (now - started_at >= config.handshake_timeout) close(CloseCode::kTimeout, "handshake");
    return;
  }
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

SessionStats Session::Impl::stats() const {
  SessionStats stats = counters;
  if (!established) return stats;
  stats.drained_in = true;
  stats.drained_out = true;
  for (const Outbox& outbox : outboxes) {
    stats.drained_out = stats.drained_out && outbox.drained();
    stats.pending_out += outbox.pending();
  }
  for (const Inbox& inbox : inboxes) {
    stats.drained_in = stats.drained_in && inbox.drained();
    stats.pending_in += inbox.pending();
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

void Session::on_store_failed(std::uint64_t token, Instant) {
  impl_->close(CloseCode::kDiskFull, "part " + std::to_string(token) + " could not be stored");
}

void Session::on_feed_grown(Instant now) {
  impl_->recheck_peer();
  if (!impl_->is_closed) impl_->pump(now);
}

void Session::close(CloseCode code, std::string detail, Instant) {
  impl_->close(code, std::move(detail));
}

std::vector<Action> Session::take_actions() {
  impl_->flush_acks();
  return std::exchange(impl_->actions, {});
}

bool Session::closed() const { return impl_->is_closed; }
SessionStats Session::stats() const { return impl_->stats(); }

}  // namespace lienthong
