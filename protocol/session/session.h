// One conversation with one peer as a state machine: bytes and ticks in, actions out.
// docs/protocol.md, "Session". Threads: none; keep each Session on one executor.
//
// A session is: two bytes (major version, Noise pattern), the handshake (IK, or XX when the
// responder's key is unknown) whose payloads are the two hellos, then frames. Both sides then send
// the registry, and after it the feed of updates, from where the other's cursor says; what arrives
// is handed out as a Store action, acknowledged once the driver says that it is synced. Errors are
// final: carry out the pending actions, then close.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/base/instant.h"
#include "protocol/crypto/noise.h"
#include "protocol/sync/feed.h"

namespace lienthong {

enum class CloseCode : std::uint8_t {  // on the wire: never change
  kNone = 0,
  kGoingAway = 1,  // stopping or reloading
  kReplaced = 2,   // a newer session with the same machine was proved live
  kBadVersion = 3,
  kWrongRoot = 4,      // another deployment
  kNoCertificate = 5,  // none presented, or it is not here and does not verify
  kNotBelieved = 6,    // certificate without right, or cut off
  kWrongAgency = 7,    // the key or the agency is not the one that was dialled
  kProtocolError = 8,  // a message that cannot be
  kLimit = 9,          // a bound of "Limits" exceeded
  kTimeout = 10,
  kReplay = 11,  // session number does not rise
  kDiskFull = 12,
};
const char* to_string(CloseCode code);

// ---- what a session asks its driver to do, in order ----

struct SendBytes {
  Bytes bytes;
  explicit SendBytes(Bytes b) : bytes(std::move(b)) {}
};
// Persist, sync, then call on_stored(token, cursor). Or on_store_failed(token).
struct StorePart {
  std::uint64_t token = 0;
  FeedKind kind = FeedKind::kUpdates;
  FeedPart part;
  StorePart(std::uint64_t t, FeedKind k, FeedPart p) : token(t), kind(k), part(std::move(p)) {}
};
// The handshake is done and the peer is who it says; emitted once. Statements that the peer
// presented as its credentials and that are not here are in `presented`, parents first, verified by
// the session against the registry; the driver persists them.
struct Established {
  NodeId node;
  AgencyId agency;
  CertificateId certificate;
  std::string program_version;
  std::uint64_t session_number = 0;
  Hash256 registry_digest;
  std::vector<Statement> presented;
  Established() = default;
};
// What the peer has durably of our feed (an acknowledgement, or the cursor of its hello): a hint
// for `why` and `status`.
struct PeerCursor {
  FeedKind kind = FeedKind::kUpdates;
  Cursor cursor;
  PeerCursor(FeedKind k, Cursor c) : kind(k), cursor(std::move(c)) {}
};
// The peer refused updates of ours: to be listed, nothing else.
struct PeerRefused {
  std::vector<UpdateId> ids;
  std::string reason;
  PeerRefused(std::vector<UpdateId> i, std::string r) : ids(std::move(i)), reason(std::move(r)) {}
};
struct CloseSession {
  CloseCode code = CloseCode::kNone;
  bool by_peer = false;
  std::string detail;
  CloseSession(CloseCode c, bool p, std::string d) : code(c), by_peer(p), detail(std::move(d)) {}
};
using Action =
    std::variant<SendBytes, StorePart, Established, PeerCursor, PeerRefused, CloseSession>;

struct SessionConfig {
  bool initiator = false;
  RootFingerprint root;
  AgencyId agency;  // ours
  NodeId node;      // ours
  DhKey dh_key;     // ours
  DhKey ephemeral;  // fresh for this session
  std::vector<Statement>
      credentials;  // our certificate and what vouches for it, up to the root, parents first
  std::optional<DhPublic> peer_dh_key;      // initiator: known ⇒ IK, unknown ⇒ XX
  std::optional<AgencyId> expected_agency;  // initiator: who should answer; else any believed
  std::uint64_t session_number =
      0;  // rises with every session of ours with that node, persisted before
  // Responder: last session number seen from a node; asked once, when the hello was read.
  std::function<std::uint64_t(const NodeId&)> last_session_number;
  std::string program_version;
  std::chrono::milliseconds heartbeat{60'000};
  std::chrono::milliseconds handshake_timeout{20'000};
  std::chrono::milliseconds dead_after{20'000};  // nothing heard with data outstanding
  std::size_t window_bytes = 1U << 20;           // sent and not yet acknowledged
  std::size_t part_bytes_max = 64 * 1024;        // asked of read_feed
  SessionConfig(DhKey key, DhKey fresh) : dh_key(std::move(key)), ephemeral(std::move(fresh)) {}
};

struct SessionStats {
  std::uint64_t sent_bytes = 0, received_bytes = 0;  // of the stream, handshake and frames included
  std::optional<std::chrono::milliseconds> rtt;      // smallest, from the handshake and heartbeats
  bool established = false;
  bool drained_out = false;       // peer has acknowledged our feed to its end, on this session
  bool drained_in = false;        // we have durably all that the peer said it has for us
  std::uint64_t pending_out = 0;  // entries of our feed not yet acknowledged
  std::uint64_t pending_in = 0;   // entries announced and not yet stored
};

class Session {
 public:
  // `view` outlives the session. An initiator has actions at once.
  Session(const ReplicaView& view, SessionConfig config, Instant now);
  ~Session();
  Session(Session&&) noexcept;

  // Consumes all of `in`, cut anywhere. Fails (final): any protocol violation; the CloseSession
  // action says the same with its code. On failure nothing from the failing frame has been handed
  // out.
  Result<void> on_bytes(ByteView in, Instant now);
  // At least every 250 ms.
  void on_tick(Instant now);
  // The driver's replies to StorePart. `cursor` is the durable position after it.
  void on_stored(std::uint64_t token, const Cursor& cursor, std::vector<UpdateId> refused,
                 std::string refusal_reason, Instant now);
  void on_store_failed(std::uint64_t token, Instant now);  // closes: kDiskFull
  // Our feed or registry has grown, or something was sealed: send what is new.
  void on_feed_grown(Instant now);
  void close(CloseCode code, std::string detail, Instant now);
  std::vector<Action> take_actions();
  bool closed() const;
  SessionStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lienthong
