// The members of Session; internal to protocol/session.
#pragma once

#include "protocol/base/limits.h"
#include "protocol/session/handshake.h"
#include "protocol/session/inbox.h"
#include "protocol/session/outbox.h"
#include "protocol/session/session.h"
#include "protocol/wire/fragment.h"
#include "protocol/wire/message.h"

namespace lienthong {

inline constexpr std::array kFeedKinds{FeedKind::kRegistry, FeedKind::kUpdates};  // as sent
inline std::size_t index_of(FeedKind kind) { return static_cast<std::size_t>(kind); }
inline std::uint8_t bit_of(FeedKind kind) {
  return static_cast<std::uint8_t>(1U << index_of(kind));
}

// Scattered updates have little in common: so many times what is asked for of the feed goes into
// one part, which is where the feed's own parts end that finish their seals.
inline constexpr std::size_t kHealedPartBytes = 8, kHealedPartBytesMax = 256 * 1024;
// Tokens of parts that healing brings, beside those of the feeds.
inline constexpr std::uint64_t kHealTokenBit = 1ULL << 63;

inline constexpr std::uint8_t kHistoryLane = 1U << static_cast<unsigned>(wire::Lane::kHistory);

struct Session::Impl final : HelloWriter {
  Impl(const ReplicaView& replica, SessionConfig c, Instant now);

  // ---- handshake (session_start.cc) ----
  Hello write_hello(const Judgement* judgement, const Hello* peer_said) override;
  Result<void> on_handshake_bytes(std::size_t& used, Instant now);
  void on_outcome(HandshakeOutcome outcome, Instant now);
  void know_peer(const PeerIdentity& identity);
  void on_live(Instant now);
  Bytes early_messages();
  Bytes early_messages(std::size_t plain_max);
  Result<void> on_early(ByteView early);
  Result<void> on_credentials(const wire::CredentialsMessage& message, Instant now);

  // ---- in (session.cc) ----
  Result<void> on_bytes(ByteView input, Instant now);
  Result<void> on_frame(ByteView ciphertext, Instant now);
  Result<void> on_message(wire::Lane lane, ByteView bytes, Instant now);
  Result<void> on_message_of_member(wire::Lane lane, wire::Message message, std::size_t size,
                                    Instant now);
  Result<void> on_feed_message(wire::Lane lane, wire::Message& message, std::size_t size);
  Result<void> on_part(wire::Lane lane, wire::PartMessage message, std::size_t size);
  Result<void> on_begin(const wire::BeginMessage& message);
  Result<void> on_level(const wire::LevelMessage& message);
  void on_beginning_known(FeedKind kind);
  void on_beginning_kept(FeedKind kind);
  void doubt(FeedKind kind);
  Result<void> on_acknowledged(const wire::Message& message);
  void on_lanes(const wire::LanesMessage& message);
  void on_peer_cursor(FeedKind kind, const Cursor& cursor, unsigned epoch_bits);
  void on_pong(std::uint64_t token, Instant now);
  void on_peer_close(const wire::CloseMessage& message);
  void on_tick(Instant now);
  void watch_progress(Instant now);

  // ---- out (session_out.cc) ----
  void send_bytes(Bytes bytes);
  void count_lane(ByteView plaintext);
  void send_plaintext(ByteView plaintext);
  void send_encoded(wire::Lane lane, Bytes message);
  void send(const wire::Message& message, Instant now);
  void send_ping(Instant now);
  void show_holes(Instant now);
  void send_credentials(Instant now);
  void send_lanes(std::uint8_t again, Instant now);
  void flush_acks();
  void flush_heard();
  void pump(Instant now);
  bool pump_once(Instant now);
  bool send_blob(Instant now);
  bool has_something_due() const;
  Result<std::optional<Outgoing>> next_message();
  Result<std::optional<Outgoing>> next_between();
  Allowance allowance(FeedKind kind) const;

  // ---- healing (session_healing.cc) ----
  void begin_healing();
  Result<void> on_heal(const wire::HealMessage& message, Instant now);
  void perform_healing(Instant now);
  bool feed_waits(FeedKind kind) const { return healing && healing->feed_waits(kind); }
  bool is_quiet(FeedKind kind) const;
  bool flows_beside_healing() const;
  void renew_cursor(const HealReport& report, Instant now);
  Result<std::optional<Outgoing>> next_beside_healing();
  std::optional<Outgoing> next_healing();

  // ---- progress (session.cc) ----
  void recheck_peer();
  Result<void> fail(CloseCode code, Error error);
  void close(CloseCode code, std::string detail);
  void heard(Instant now);
  void wait_from(Instant now);
  void note_rtt(Instant::duration time);
  std::size_t unacked_bytes() const;
  bool outstanding() const {
    return ping_sent_at.has_value() || unacked_bytes() > 0 || (blob_lane && blob_lane->asking());
  }
  SessionStats stats() const;
  Outbox& outbox(FeedKind kind) { return outboxes[index_of(kind)]; }
  Inbox& inbox(FeedKind kind) { return inboxes[index_of(kind)]; }

  const ReplicaView& view;
  SessionConfig config;
  std::optional<Handshake> handshake;
  std::optional<NoiseHandshake::Transport> transport;
  wire::Assembler assembler;
  std::shared_ptr<SharedTables> tables;
  Packer packer;
  Bytes buffer;  // not consumed yet: at most one frame
  std::vector<Action> actions;
  bool is_closed = false;

  Hello peer_hello;
  Speaker speaker;
  std::optional<PeerIdentity> peer;
  std::vector<Statement> presented;
  bool known = false;  // Established is out
  bool live = false;   // the peer has shown that it holds this session's keys
  bool cursors_sent = false;
  bool reading_early = false;
  std::array<std::vector<std::uint64_t>, 2> early_ends;  // of the first message, by kind
  bool credentials_due = false;
  bool handshake_said_replay = false;
  bool said_something = false;   // a frame went out, by which we are known to be there
  std::vector<Outbox> outboxes;  // by kind, once the peer is known (or guessed)
  std::vector<Inbox> inboxes;
  std::optional<BlobLane> blob_lane;
  std::uint64_t next_token = 1;
  std::optional<Healing> healing;  // once the peer is known, if it can
  struct QueuedHeal {
    Outgoing out;
    bool bulk = false;
  };
  std::deque<QueuedHeal> heal_queue;
  bool heal_work_due = false;  // HealWork is out
  std::uint8_t heard_due = 0;  // bit for each kind: PeerCursor is to be told
  std::array<std::optional<PeerCursor>, 2> heard_first;  // before the peer was live, by kind

  // ---- what may be sent ----
  std::vector<Bytes> bulk;  // rest of a message of lanes 2 to 4, in plaintexts, last first
  std::size_t room = 0;
  bool waits_for_room = false;
  std::size_t part_bytes = 64 * 1024, frame_bytes = wire::kPlaintextBytesMax;
  // Lanes; stalled: by the disk; kept_back: the peer's history, until it is its turn.
  std::uint8_t closed_by_us = 0, closed_by_peer = 0, stalled = 0, kept_back = 0;
  std::string closed_reason;
  bool backlog_turn = true;
  bool long_under_way = false;  // what was there when we met should be there by now
  Instant live_at;

  Instant started_at;
  Instant heard_at;
  std::optional<Instant> answer_sent_at;  // responder: the last handshake message
  std::optional<Instant> waiting_since;   // something is outstanding and nothing was heard since
  std::uint64_t tick_sent_bytes = 0, tick_received_bytes = 0;  // as the last tick saw them
  std::optional<Instant> burst_at;                             // the last tick that saw much
  bool said_since_holes = false;  // something was sent since show_holes() sent
  std::uint64_t ping_token = 0;
  std::optional<Instant> ping_sent_at;
  struct Progress {  // of what we send
    std::uint64_t acknowledged = 0, sent = 0;
    bool operator==(const Progress&) const = default;
  };
  Progress progress;                   // as the last tick saw it
  std::optional<Instant> progress_at;  // something was acknowledged, or nothing had to be
  Instant moved_at;                    // or sent
  SessionStats counters;
};

}  // namespace lienthong
