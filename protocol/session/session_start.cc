// How a session begins: the hellos, what goes with them, and when the peer is known and live.
#include "protocol/session/session_impl.h"
#include "protocol/wire/dictionary.h"

namespace lienthong {
namespace {

// What is packed is about three times smaller; where that was too much, less is tried.
constexpr std::array<std::size_t, 3> kEarlyGainHalves{6, 5, 3};
constexpr std::size_t kEarlyMessageCountMax = 64;
constexpr std::uint8_t kEarlyDictionary = 1;

}  // namespace

Hello Session::Impl::write_hello(const Judgement* judgement, const Hello* peer_said) {
  Hello hello;
  hello.session_number = config.session_number;
  hello.speaker = speaker_name(config.root, config.ephemeral.public_key(), config.certificate);
  hello.program_version = config.program_version;
  hello.registry_check = registry_check(view.registry()->digest());
  hello.window_bytes = config.window_bytes;
  hello.dictionary = config.dictionary;
  hello.features = config.features;
  if (judgement == nullptr) return hello;
  if (judgement->rejection.code == CloseCode::kReplay) {
    handshake_said_replay = !config.initiator;
    Hello refusal;
    refusal.replayed = true;
    refusal.session_number = config.last_session_number(judgement->identity->node);
    refusal.speaker = hello.speaker;
    return refusal;
  }
  if (judgement->rejection.code != CloseCode::kNone) return hello;
  hello.credentials_wanted = !judgement->identity;
  if (!judgement->identity) return hello;
  const PeerIdentity& identity = *judgement->identity;
  hello.start = config.start;
  if (config.start != 0 && config.start_told) hello.start_before = config.start_told(identity.node);
  hello.cursors = {view.cursor(FeedKind::kRegistry, identity.node),
                   view.cursor(FeedKind::kUpdates, identity.node)};
  cursors_sent = true;
  if (config.initiator && peer_said == nullptr && config.heard) {
    for (const FeedKind kind : kFeedKinds) {
      outboxes.emplace_back(kind, view, identity);
      outboxes.back().guess((*config.heard)[index_of(kind)], config.early_ends[index_of(kind)]);
    }
    hello.early = early_messages();
    if (hello.early.empty()) outboxes.clear();
    for (std::size_t at = 0; at < outboxes.size(); ++at) early_ends[at] = outboxes[at].sent_ends();
  } else if (!config.initiator && peer_said != nullptr) {
    peer_hello = *peer_said;
    know_peer(identity);
    if (is_closed) return hello;
    hello.history_waits = config.history_waits && config.history_waits();
    if (hello.history_waits) kept_back = kHistoryLane;
    for (const FeedKind kind : kFeedKinds) {
      if (outbox(kind).take_level()) hello.level |= bit_of(kind);
    }
    hello.early = early_messages();
  }
  return hello;
}

// What is new for the peer as far as it fits a first message; empty: nothing.
Bytes Session::Impl::early_messages() {
  for (const std::size_t halves : kEarlyGainHalves) {
    Bytes early = early_messages(config.early_bytes_max * halves / 2);
    if (!early.empty()) return early;
  }
  return {};
}

// `plain_max`: bytes of messages. Empty: nothing, or too much when packed. The number of a
// dictionary, and the messages, each sized, packed against it. Version 1 knows the first
// dictionary.
Bytes Session::Impl::early_messages(std::size_t plain_max) {
  ByteWriter out;
  bool parts = false;
  Allowance allowed;
  allowed.empty_window = true;
  const std::vector<Outbox> untouched = outboxes;
  for (const FeedKind kind : kFeedKinds) {
    while (!feed_waits(kind) && out.bytes().size() < plain_max / 2) {
      allowed.unit_bytes = plain_max - out.bytes().size();
      Outbox before = outbox(kind);
      auto next = outbox(kind).next(RootOf(view.registry(), config.root), allowed);
      const bool fits =
          next.ok() && *next && out.bytes().size() + (*next)->message.size() + 4 <= plain_max;
      if (!fits) {
        outbox(kind) = std::move(before);
        break;
      }
      parts = parts || outbox(kind).unacked_bytes() > before.unacked_bytes();
      out.sized((*next)->message);
    }
    if (!outbox(kind).at_end()) break;  // updates name the registry's certificates
  }
  if (parts) {
    auto packed = tables->deflater(kEarlyDictionary).deflate(out.bytes());
    const bool smaller = packed.has_value();
    ByteWriter early;
    early.u8(smaller ? kEarlyDictionary : 0);
    early.raw(smaller ? *packed : out.bytes());
    if (early.bytes().size() <= config.early_bytes_max) return early.take();
  }
  outboxes = untouched;
  return {};
}

Result<void> Session::Impl::on_early(ByteView early) {
  if (early.empty()) return {};
  ByteReader outer(early);
  LT_TRY(const std::uint8_t dictionary, outer.u8());
  if (dictionary > wire::kDictionaryNewest) return {};  // a later program's: it will be sent again
  Bytes messages = to_bytes(outer.rest());
  if (dictionary != 0) {
    LT_TRY(messages, tables->inflater(dictionary).inflate(messages));
  }
  ByteReader in(messages);
  reading_early = true;
  for (std::size_t count = 0; !in.rest().empty(); ++count) {
    if (count == kEarlyMessageCountMax) return Error(Errc::kTooLarge, "messages of a hello");
    LT_TRY(const ByteView bytes, in.sized(kMessageBytesMax));
    LT_TRY(wire::Message message, wire::decode_message(bytes));
    LT_TRY_VOID(on_feed_message(wire::Lane::kUpdates, message, bytes.size()));
  }
  reading_early = false;
  return {};
}

// Who is there, what it has, and what came with its hello.
void Session::Impl::know_peer(const PeerIdentity& identity) {
  if (known || is_closed) return;
  peer = identity;
  if (peer->node == config.node) {
    return close(CloseCode::kWrongAgency, "the other side is this node itself");
  }
  known = true;
  if (peer_hello.history_waits) closed_by_peer = kHistoryLane;
  Established fact;
  fact.node = peer->node;
  fact.agency = peer->agency;
  fact.certificate = peer->certificate;
  fact.program_version = peer_hello.program_version;
  fact.session_number = peer_hello.session_number;
  fact.registry_check = peer_hello.registry_check;
  fact.start = peer_hello.start;
  fact.start_before = peer_hello.start_before;
  fact.presented = std::move(presented);
  actions.emplace_back(std::move(fact));
  for (const FeedKind kind : kFeedKinds) {
    if (outboxes.size() <= index_of(kind)) outboxes.emplace_back(kind, view, *peer);
    outbox(kind).set_goes_on((peer_hello.features & config.features & kFeatureGoesOn) != 0);
    outbox(kind).set_accounts((peer_hello.features & config.features & kFeatureAccounts) != 0);
    inboxes.emplace_back(kind, view.cursor(kind, peer->node));
  }
  if (config.blobs != nullptr) {
    blob_lane.emplace(*config.blobs, config.root,
                      BlobLane::Party{peer->agency, peer->node, config.node},
                      view.registry()->roots());
  }
  begin_healing();
  if (peer_hello.cursors) {
    for (const FeedKind kind : kFeedKinds) {
      on_peer_cursor(kind, (*peer_hello.cursors)[index_of(kind)], 32);
    }
  }
  auto taken = on_level(wire::LevelMessage{peer_hello.level});
  if (taken.ok()) taken = on_early(std::exchange(peer_hello.early, {}));
  if (!taken.ok()) {
    close(taken.error().code() == Errc::kTooLarge ? CloseCode::kLimit : CloseCode::kProtocolError,
          taken.error().message());
  }
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
  if (is_closed) return;
  if (!known) peer_hello = std::move(outcome.peer);
  speaker = outcome.speaker;
  packer.set_dictionary(static_cast<std::uint32_t>(std::min<std::uint64_t>(
      {peer_hello.dictionary, config.dictionary, wire::kDictionaryNewest})));
  credentials_due = outcome.credentials_due;
  const Judgement& judgement = outcome.judgement;
  const CloseCode code = judgement.rejection.code;
  if (peer_hello.replayed && config.initiator) {
    is_closed = true;
    actions.emplace_back(
        CloseSession(CloseCode::kReplay, true,
                     "session number; last seen: " + std::to_string(peer_hello.session_number)));
    return;
  }
  if (code == CloseCode::kReplay && handshake_said_replay) {  // and nothing else
    is_closed = true;
    actions.emplace_back(CloseSession(code, false, judgement.rejection.detail));
    return;
  }
  if (code != CloseCode::kNone) return close(code, judgement.rejection.detail);
  if (!known && !judgement.identity) outboxes.clear();
  if (config.initiator) note_rtt(now - started_at);
  if (judgement.identity) know_peer(*judgement.identity);
  if (config.initiator && !is_closed) on_live(now);
}

// The first frames of a session, in either direction, follow.
void Session::Impl::on_live(Instant now) {
  const bool first = !std::exchange(live, true);
  if (first) live_at = now;
  if (first && credentials_due) send_credentials(now);
  if (known) {
    counters.established = true;
    actions.emplace_back(Live{});
    if (!cursors_sent) {
      for (const FeedKind kind : kFeedKinds) {
        send(wire::CursorMessage{kind, inbox(kind).durable()}, now);
      }
      cursors_sent = true;
    }
    wire::LevelMessage level;
    for (const FeedKind kind : kFeedKinds) {
      if (outbox(kind).take_level()) level.feeds |= bit_of(kind);
    }
    if (level.feeds != 0) send(level, now);
    if (closed_by_us != 0) send_lanes(0, now);
    perform_healing(now);
    pump(now);
  }
  // The responder takes us for live at our first frame, so there is one in any case.
  if (config.initiator && !is_closed && !said_something) send_ping(now);
}

Result<void> Session::Impl::on_credentials(const wire::CredentialsMessage& message, Instant now) {
  if (known) return {};  // without them
  Presented result = present(*view.registry(), message.statements);
  if (!result.registry) {
    return fail(result.rejection.code, Error(Errc::kNotAllowed, result.rejection.detail));
  }
  const Judgement judgement = judge(*result.registry, speaker, config.expected_agency);
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
  presented = std::move(result.fresh);
  know_peer(*judgement.identity);
  if (!is_closed && live) on_live(now);
  return {};
}

}  // namespace lienthong
