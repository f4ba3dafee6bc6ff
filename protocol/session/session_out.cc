// What a session sends, and when.
#include <algorithm>

#include "protocol/session/session_impl.h"

namespace lienthong {
namespace {

constexpr std::size_t kTagBytes = 16;
constexpr std::uint64_t kBurstBytesMin = 2048;  // in a tick, both ways
constexpr std::chrono::seconds kBurstMemory{1};
constexpr std::uint8_t kNothing = wire::kOptionalTypeMin;
constexpr std::size_t kUnitBytesMin = 4096;
// A backlog of which some is still unsent after so long, and as many round trips, is not a short
// one, whatever its length.
constexpr std::chrono::seconds kBacklogPatience{1};
constexpr int kBacklogRoundTrips = 2;

}  // namespace

void Session::Impl::send_bytes(Bytes bytes) {
  counters.sent_bytes += bytes.size();
  auto* before = actions.empty() ? nullptr : std::get_if<SendBytes>(&actions.back());
  if (before != nullptr && before->bytes.size() < kFrameBytesMax) {
    before->bytes.insert(before->bytes.end(), bytes.begin(), bytes.end());
  } else {
    actions.emplace_back(SendBytes(std::move(bytes)));
  }
}

void Session::Impl::send_plaintext(ByteView plaintext) {
  const auto ciphertext = transport->send.encrypt({}, plaintext);
  LT_CHECK(ciphertext.ok());  // fails after 2^64 - 1 frames only
  LT_CHECK(ciphertext->size() == plaintext.size() + kTagBytes);
  ByteWriter frame;
  frame.u16(static_cast<std::uint16_t>(ciphertext->size()));
  frame.raw(*ciphertext);
  said_something = true;
  count_lane(plaintext);
  const auto lane = static_cast<wire::Lane>(plaintext.empty() ? 0 : plaintext[0] & 7U);
  if (lane >= wire::Lane::kCustody && lane <= wire::Lane::kHistory)
    counters.lane_sent_bytes += plaintext.size();
  send_bytes(frame.take());
}

void Session::Impl::send_encoded(wire::Lane lane, Bytes message) {
  const wire::Packed packed = packer.pack(lane, std::move(message), false, 0);
  for (const Bytes& plaintext : wire::split_message(packed)) send_plaintext(plaintext);
}

void Session::Impl::send(const wire::Message& message, Instant now) {
  Bytes bytes = wire::encode_message(message);
  if (bytes.size() > kMessageBytesMax) return close(CloseCode::kLimit, "message of ours too large");
  send_encoded(wire::Lane::kControl, std::move(bytes));
  if (std::holds_alternative<wire::PingMessage>(message)) wait_from(now);
}

void Session::Impl::send_ping(Instant now) {
  ping_sent_at = now;
  send(wire::PingMessage{++ping_token}, now);
}

// The end of a burst is what a lossy path loses at the greatest cost: nothing comes behind it by
// which the kernels see the hole. So something does.
void Session::Impl::show_holes(Instant now) {
  const std::uint64_t sent = counters.sent_bytes - tick_sent_bytes;
  const std::uint64_t received = counters.received_bytes - tick_received_bytes;
  if (sent + received >= kBurstBytesMin) burst_at = now;
  if (sent == 0 && said_since_holes && burst_at && now - *burst_at < kBurstMemory) {
    said_since_holes = false;
    send_encoded(wire::Lane::kControl, Bytes{kNothing});
  } else if (sent > 0) {
    said_since_holes = true;
  }
  tick_sent_bytes = counters.sent_bytes;
  tick_received_bytes = counters.received_bytes;
}

void Session::Impl::send_credentials(Instant now) {
  credentials_due = false;
  wire::CredentialsMessage message;
  if (config.credentials.size() <= wire::kCredentialCountMax) {
    message.statements = config.credentials;
  }
  send(message, now);
}

void Session::Impl::send_lanes(std::uint8_t again, Instant now) {
  wire::LanesMessage message;
  message.closed = closed_by_us | stalled | kept_back;
  message.again = again;
  message.reason = closed_reason.substr(0, wire::kReasonBytesMax);
  if (message.reason.empty() && kept_back != 0) message.reason = "others first";
  send(message, now);
}

void Session::Impl::flush_acks() {
  if (is_closed || !transport) return;
  for (const FeedKind kind : kFeedKinds) {
    if (inboxes.empty()) return;
    if (auto cursor = inbox(kind).take_cursor())
      send_encoded(wire::Lane::kControl,
                   wire::encode_message(wire::CursorMessage{kind, *std::move(cursor)}));
    if (auto ack = inbox(kind).take_ack())
      send_encoded(wire::Lane::kControl, wire::encode_message(*std::move(ack)));
  }
}

void Session::Impl::flush_heard() {
  if (!live) return;
  for (auto& first : heard_first) {
    if (first) actions.emplace_back(*std::exchange(first, std::nullopt));
  }
  for (const FeedKind kind : kFeedKinds) {
    if ((heard_due & bit_of(kind)) == 0) continue;
    actions.emplace_back(PeerCursor(kind, outbox(kind).heard()));
  }
  heard_due = 0;
}

// The registry and custody have windows of their own, so that however slow a disk is, lanes 0 and 1
// do not wait for the others.
Allowance Session::Impl::allowance(FeedKind kind) const {
  Allowance allowed;
  const Outbox& box = outboxes[index_of(kind)];
  const std::size_t custody = box.unacked_custody_bytes();
  const std::size_t unacked = box.unacked_bytes() - custody;
  std::size_t window = std::min<std::size_t>(config.window_bytes, peer_hello.window_bytes);
  if (kind == FeedKind::kRegistry) window = kControlWindow;
  allowed.window = window - std::min(window, unacked);
  allowed.empty_window = unacked == 0;
  allowed.custody = custody < kCustodyWindow;
  allowed.lanes = static_cast<std::uint8_t>(~(closed_by_us | closed_by_peer));
  allowed.backlog = backlog_turn;
  allowed.look_back = long_under_way;
  allowed.unit_bytes = std::min(part_bytes, std::max(window / 2, kUnitBytesMin));
  return allowed;
}

// The registry goes first: updates name its certificates.
Result<std::optional<Outgoing>> Session::Impl::next_message() {
  outbox(FeedKind::kUpdates).hold_history(feed_waits(FeedKind::kUpdates));
  for (const FeedKind kind : kFeedKinds) {
    if (kind == FeedKind::kUpdates) {
      if (feed_waits(kind)) return next_beside_healing();
      if (auto next = next_healing()) return next;
    }
    if (feed_waits(kind)) return next_healing();
    LT_TRY(auto next, outbox(kind).next(RootOf(view.registry(), config.root), allowance(kind)));
    if (next) return next;
    if (kind == FeedKind::kRegistry && !outbox(kind).at_end()) return next_healing();
  }
  return std::optional<Outgoing>();
}

// An empty feed has its beginning and its end to be told.
bool Session::Impl::has_something_due() const {
  const bool feeds = std::ranges::any_of(outboxes, [](const Outbox& each) {
    return each.started() && (each.pending() > 0 || !each.at_end());
  });
  return feeds || !bulk.empty() || !heal_queue.empty() || (blob_lane && blob_lane->has_message());
}

// Sends what there is and may be sent. What was begun of lanes 2 to 4 goes on between frames of the
// lanes before them.
void Session::Impl::pump(Instant now) {
  if (!known || !live) return;
  const auto round_trips = kBacklogRoundTrips * counters.rtt.value_or(std::chrono::milliseconds{0});
  long_under_way =
      now - live_at >= kBacklogPatience + round_trips || (closed_by_peer & kHistoryLane) != 0;
  waits_for_room = false;
  while (!is_closed) {
    if (room == 0) {
      waits_for_room = has_something_due();
      return;
    }
    const std::uint64_t before = counters.sent_bytes;
    if (!pump_once(now)) return;
    if (config.paced) room -= std::min<std::size_t>(room, counters.sent_bytes - before);
  }
}

// Files come after everything else, a frame at a time.
bool Session::Impl::send_blob(Instant now) {
  if (!blob_lane) return false;
  auto body = blob_lane->next_message(frame_bytes);
  if (!body) return false;
  send_encoded(wire::Lane::kBlobs, wire::encode_message(wire::BlobMessage{*std::move(body)}));
  if (blob_lane->asking()) wait_from(now);
  return true;
}

// What may go between the pieces of a message of lanes 2 to 4: nothing of those lanes, for pieces
// of one lane do not alternate.
Result<std::optional<Outgoing>> Session::Impl::next_between() {
  const bool held = feed_waits(FeedKind::kUpdates);
  outbox(FeedKind::kUpdates).hold_history(held);
  if (held && !flows_beside_healing()) return std::optional<Outgoing>();
  return outbox(FeedKind::kUpdates)
      .next_urgent(RootOf(view.registry(), config.root), allowance(FeedKind::kUpdates));
}

// False: nothing more may be sent now.
bool Session::Impl::pump_once(Instant now) {
  const std::size_t unacked = unacked_bytes();
  auto next = bulk.empty() ? next_message() : next_between();
  if (!next.ok()) {
    close(CloseCode::kGoingAway, "our feed: " + next.error().message());
    return false;
  }
  if (!*next) {
    if (bulk.empty()) return send_blob(now);
    send_plaintext(bulk.back());
    bulk.pop_back();
    return true;
  }
  if (unacked_bytes() > unacked) wait_from(now);
  auto pieces = wire::split_message(
      packer.pack((*next)->lane, std::move((*next)->message), (*next)->backlog, (*next)->dense),
      frame_bytes);
  if ((*next)->drained) packer.drop_deflaters();
  if (!config.paced || (*next)->lane <= wire::Lane::kCustody || !bulk.empty()) {
    for (const Bytes& piece : pieces) send_plaintext(piece);
  } else {
    bulk.assign(std::make_move_iterator(pieces.rbegin()), std::make_move_iterator(pieces.rend()));
  }
  return true;
}

}  // namespace lienthong
