// One conversation with one peer as a state machine: bytes and ticks in, actions out.
// docs/protocol/session.md. Threads: none; keep each Session on one executor.
//
// A session is: two bytes (major version, Noise pattern), the handshake (IK, or XX when the
// responder's key is unknown) whose payloads are the two hellos, then frames. Both sides then send
// the registry, and after it the feed of updates, from where the other's cursor says; what arrives
// is handed out as a Store action, acknowledged once the driver says that it is synced. Errors are
// final: carry out the pending actions, then close.
#pragma once

#include <array>
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
#include "protocol/feed/feed.h"
#include "protocol/session/blob_lane.h"
#include "protocol/session/packer.h"
#include "protocol/session/window.h"
#include "protocol/sync/healing.h"
#include "protocol/wire/dictionary.h"
#include "protocol/wire/fragment.h"
#include "protocol/wire/twin.h"

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
// The detail of kBadVersion where what answered speaks no version of this protocol.
inline constexpr std::string_view kNoAgentThere =
    "something else answers there, no agent: a login page of the network, or another service";

// ---- what a session asks its driver to do, in order ----

struct SendBytes {
  Bytes bytes;
  explicit SendBytes(Bytes b) : bytes(std::move(b)) {}
};
// Persist, sync, then call on_stored(token, cursor). Or on_store_failed(token).
struct StorePart {
  std::uint64_t token = 0;
  FeedKind kind = FeedKind::kUpdates;
  EncodedPart part;
  bool urgent = false;          // of lane 0 or 1: not behind what others sent of their backlogs
  bool may_repeat = false;      // sent without knowing what is here: store::Beginning::kGuess
  bool beside_healing = false;  // store::Beginning::kBesideHealing
  StorePart(std::uint64_t t, FeedKind k, EncodedPart p) : token(t), kind(k), part(std::move(p)) {}
};
// The peer is who it says; emitted once, before its parts. A responder's peer may still be somebody
// who replays a first message, until Live: its parts may be stored, nothing else may follow from
// it. Statements that the peer presented as its credentials and that are not here are in
// `presented`, parents first, verified by the session against the registry; the driver persists
// them.
struct Established {
  NodeId node;
  AgencyId agency;
  CertificateId certificate;
  std::string program_version;
  std::uint64_t session_number = 0;
  std::uint32_t registry_check = 0;           // first four bytes of its registry's digest
  std::uint64_t start = 0, start_before = 0;  // as in Hello
  std::vector<Statement> presented;
  Established() = default;
};
// The peer holds this session's keys: it is there now. Emitted once.
struct Live {};
// Lanes that the peer does not take now, and why; 0: it takes all again.
struct PeerLanes {
  std::uint8_t closed = 0;
  std::string reason;
  PeerLanes(std::uint8_t c, std::string r) : closed(c), reason(std::move(r)) {}
};
// What the peer has durably of our feed: a hint for `why` and `status`. `in_full`: its cursor, as
// its hello or a Cursor message tells it. `stale`: it names a place of the feed's epoch that is not
// there, and nothing goes of that feed until it is noted (Transaction::note_told_cursor()).
struct PeerCursor {
  FeedKind kind = FeedKind::kUpdates;
  Cursor cursor;
  bool in_full = false, stale = false;
  PeerCursor(FeedKind k, Cursor c) : kind(k), cursor(std::move(c)) {}
};
// The peer has seen two machines that use our key.
struct PeerTwin {
  wire::TwinMessage twin;
  explicit PeerTwin(wire::TwinMessage t) : twin(std::move(t)) {}
};
// Something waits for the peer and it has acknowledged nothing for Session::kStandingStillMax: the
// session is being closed, to be begun anew.
struct StandsStill {
  std::uint64_t pending = 0;  // entries
  explicit StandsStill(std::uint64_t p) : pending(p) {}
};
// The peer refused updates of ours: to be listed, nothing else.
struct PeerRefused {
  std::vector<UpdateId> ids;
  std::string reason;
  PeerRefused(std::vector<UpdateId> i, std::string r) : ids(std::move(i)), reason(std::move(r)) {}
};
// The driver calls on_heal_work() soon, other events first: some milliseconds of work wait.
struct HealWork {};
struct CloseSession {
  CloseCode code = CloseCode::kNone;
  bool by_peer = false;
  std::string detail;
  CloseSession(CloseCode c, bool p, std::string d) : code(c), by_peer(p), detail(std::move(d)) {}
};
// SetCursor: persist it as our cursor of the peer's feed, sync, then call on_cursor_set(), or
// on_cursor_not_set().
using Action =
    std::variant<SendBytes, StorePart, Established, Live, PeerCursor, PeerLanes, PeerRefused,
                 PeerTwin, StandsStill, SetCursor, HealWork, HealReport, CloseSession>;

// Features: bits in the hello, never change; one is used where both sides say it.
inline constexpr std::uint64_t kFeatureHealing = 1;  // understands Heal messages
inline constexpr std::uint64_t kFeatureGoesOn = 2;   // seals that go on from the newest there
inline constexpr std::uint64_t kFeatureShortHealing =
    4;                                                // healing with short names; Unclear, Again
inline constexpr std::uint64_t kFeatureAccounts = 8;  // accounts as a column of parts
inline constexpr std::uint64_t kFeaturesOfThisProgram =
    kFeatureHealing | kFeatureGoesOn | kFeatureShortHealing | kFeatureAccounts;

struct SessionConfig {
  bool initiator = false;
  RootFingerprint root;
  AgencyId agency;            // ours
  NodeId node;                // ours
  CertificateId certificate;  // ours, under which we speak: of that node and key
  DhKey dh_key;               // ours
  DhKey ephemeral;            // fresh for this session
  std::vector<Statement>
      credentials;  // our certificate and what vouches for it, up to the root, parents first
  std::optional<DhPublic> peer_dh_key;  // initiator: known ⇒ IK, unknown ⇒ XX
  // Initiator: whose key that is, as the registry has it: our cursors of that machine's feeds go
  // with the first message, and no other may answer it. None: nothing is said to it beforehand.
  std::optional<CertificateId> peer_certificate;
  std::optional<AgencyId> expected_agency;  // initiator: who should answer; else any believed
  std::uint64_t session_number =
      0;  // rises with every session of ours with that node, persisted before
  // Responder: last session number seen from a node; asked once, when the hello was read.
  std::function<std::uint64_t(const NodeId&)> last_session_number;
  // Said in the hello to who is known: our start, and that which this node heard of last. 0:
  // nothing.
  std::uint64_t start = 0;
  std::function<std::uint64_t(const NodeId&)> start_told;
  // Responder: whether the peer is to keep its history back for now (set_intake_turn()); asked when
  // our hello is written. None: no.
  std::function<bool()> history_waits;
  // Initiator: what was last heard from that machine, by FeedKind: updates beyond it go with the
  // first message. None: nothing goes with it.
  std::optional<std::array<Cursor, 2>> heard;
  // Where parts ended that first messages bore since, of sessions that never came up: Session::
  // early_ends(), ascending.
  std::array<std::vector<std::uint64_t>, 2> early_ends;
  std::size_t early_bytes_max = 12 * 1024;  // of updates in the first message, and in its answer
  // What is remembered of healing with a machine from session to session; none: nothing is.
  std::function<std::shared_ptr<HealMemory>(const NodeId&)> heal_memory;
  std::uint64_t heal_entry_count_min = kHealEntryCountMin;
  std::uint64_t features = kFeaturesOfThisProgram;  // said in the hello
  // Said too: the newest dictionary. One that this program does not have is never used.
  std::uint64_t dictionary = wire::kDictionaryNewest;
  // Nothing of a feed is handed out before on_room() made room for it, so that what comes later and
  // matters more does not queue behind it.
  bool paced = false;
  // Tables of compression that the sessions of a thread share; null: its own.
  std::shared_ptr<SharedTables> tables;
  // What lane 4 gives; outlives the session. Null: files are neither given nor fetched.
  const BlobView* blobs = nullptr;
  std::string program_version;
  std::chrono::milliseconds heartbeat{60'000};
  std::chrono::milliseconds handshake_timeout{20'000};
  std::chrono::milliseconds dead_after{20'000};  // nothing heard with data outstanding
  // Of updates, taken in before they are synced; said in the hello. The least of both sides' bounds
  // what is sent and not acknowledged.
  std::size_t window_bytes = kSessionWindowMax;
  std::size_t part_bytes_max = 64 * 1024;  // asked of read_feed
  SessionConfig(DhKey key, DhKey fresh) : dh_key(std::move(key)), ephemeral(std::move(fresh)) {}
};

struct SessionStats {
  std::uint64_t sent_bytes = 0, received_bytes = 0;  // of the stream, handshake and frames included
  std::array<std::uint64_t, wire::kLaneCount> lane_bytes{};  // of frames, both ways
  std::uint64_t lane_sent_bytes = 0;                         // of lanes 1 to 3, sent
  std::optional<std::chrono::milliseconds> rtt;  // smallest, from the handshake and heartbeats
  bool established = false;                      // and live
  bool drained_out = false;       // peer has acknowledged our feed to its end, on this session
  bool drained_in = false;        // we have durably all that the peer said it has for us
  std::uint64_t pending_out = 0;  // entries of our feed not yet acknowledged
  std::uint64_t pending_in = 0;   // entries announced and not yet stored
  // Of messages: what has come of these. How large the rest is only the peer knows.
  std::uint64_t pending_in_bytes = 0;
  // Something showed that the two may hold different things although nothing is left to send; they
  // are compared as soon as all is quiet.
  bool doubtful = false;
  bool differs = false;  // a comparison left a difference: one side refuses what the other holds
};

class Session {
 public:
  // Something waits, may go and does not, or is not acknowledged. While some of it still goes out,
  // as on a line of a few hundred bytes a second, ten times as long.
  static constexpr std::chrono::seconds kStandingStillMax{60};

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
  // Short names in the part led elsewhere: nothing of it was stored.
  void on_unclear(std::uint64_t token, Instant now);
  // Closes: kProtocolError or kLimit when the part itself is bad. Otherwise the peer is told to
  // stop and why; on_store_resumed() asks for what is missing.
  void on_store_failed(std::uint64_t token, const Error& error, Instant now);
  void on_store_resumed(Instant now);
  void on_cursor_set(FeedKind kind, const Cursor& cursor, Instant now);
  void on_cursor_not_set(FeedKind kind, Instant now);
  void on_heal_work(Instant now);
  // Tells the peer that two machines use its key. Live only.
  void tell_twin(const wire::TwinMessage& twin, Instant now);
  // Compares our feeds with the peer's in the next quiet moment; HealReport says what came of it.
  // False: the peer cannot.
  bool compare_feeds(Instant now);
  // Whatever the cursors say, the two may differ: they are compared before anybody says that they
  // do not.
  void doubt_feeds(Instant now);
  // Our feed or registry has grown, or something was sealed: send what is new.
  void on_feed_grown(Instant now);
  // Paced: so many bytes may be handed out from now on, in all; messages of lane 0 need none.
  void on_room(std::size_t bytes, Instant now);
  bool wants_room() const;  // something waits for it
  // About so many bytes of updates in a part, and of plaintext in a frame: half and a quarter of a
  // second of the link.
  void set_sizes(std::size_t part_bytes, std::size_t frame_bytes);
  // What the link was measured to carry, for how hard to compress.
  void set_rate(std::uint64_t bits_per_second);
  // Lanes 1 to 4 that are closed from our side, both ways (a spent budget); the peer is told why.
  void set_closed_lanes(std::uint8_t lanes, const std::string& reason, Instant now);
  // Whether the peer may send history now.
  void set_intake_turn(bool open, Instant now);
  // Whether history may be sent now; has_backlog(): there is some.
  void set_backlog_turn(bool ours, Instant now);
  bool has_backlog() const;
  // The highest place of our feed that was sent on this session.
  std::uint64_t sent_top(FeedKind kind) const;
  // Where the parts end that our first message bore.
  const std::array<std::vector<std::uint64_t>, 2>& early_ends() const;
  // Lane 4, once the peer is known; null before, and where the configuration has none. Its actions
  // are the driver's to take whenever the session was called.
  BlobLane* blobs();
  void on_blobs(Instant now);             // the lane has something to say
  bool lane_open(wire::Lane lane) const;  // neither side has closed it
  void close(CloseCode code, std::string detail, Instant now);
  std::vector<Action> take_actions();
  bool closed() const;
  bool live() const;
  SessionStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lienthong
