// Healing: comparing two feeds without trusting cursors, and sending what one side lacks. Bytes and
// ticks in, bytes and actions out. docs/protocol/healing.md. Threads: none; the session's.
//
// A run: one side asks (count and sum of its feed, 20 bytes), the other answers "equal" or sends
// coded symbols of its feed; the asker takes the difference out of them, names what it lacks, and
// both send what the other lacks as parts without places. Where a cursor was lost, both feeds wait
// and each side has the other's up to the end of its snapshot once all of that is durable.
//
// Memory while a run lasts: 8 bytes for each entry of the feed, 16 for each symbol. Errors of
// on_message() are violations: close the session. Whatever else goes wrong ends the run, and the
// feed is sent as if there were no healing.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "protocol/base/instant.h"
#include "protocol/base/limits.h"
#include "protocol/sync/healing_wire.h"
#include "protocol/sync/replica_view.h"

namespace lienthong {

enum class HealOutcome : std::uint8_t {
  kEqual,           // both hold the same
  kHealed,          // the difference is durable on both sides
  kSentWhole,       // it was too large for symbols: the feeds are sent
  kStillDifferent,  // what an earlier run could not remove: one side refuses what the other holds
  kBusy,            // the other side has traffic, or was asked too often
  kGaveUp,          // no progress, or the other side stopped
};
const char* to_string(HealOutcome outcome);

struct HealReport {
  FeedKind kind = FeedKind::kUpdates;
  HealOutcome outcome = HealOutcome::kGaveUp;
  bool cursor_lost = false;       // one side's: why it was compared
  std::uint64_t our_count = 0;    // entries of our feed for them
  std::uint64_t their_count = 0;  // of theirs for us; 0 when it was not said
  // Found by symbols; nullopt: they were not needed, or not enough.
  std::optional<std::uint64_t> they_lacked, we_lacked;
};

// What is remembered of one neighbour's machine from session to session, while the program runs.
struct HealMemory {
  struct OfFeed {
    std::optional<FeedDigest> agreed;     // our feed when both held the same
    std::optional<FeedDigest> shortfall;  // theirs - ours before the last run; mark unused
    std::optional<Instant> compared_at;
    std::optional<HealReport> report;
    // Something showed that the two may differ though their cursors say otherwise: a cursor that
    // was lost or went back, a feed that began anew. Until a comparison ends equal.
    bool doubtful = false;
    bool differs = false;  // the last comparison left a difference that one side refuses
    double runs_left = 6;  // of those that make us scan our feed
    std::optional<Instant> runs_counted_at;
  };
  std::array<OfFeed, 2> feeds;  // by FeedKind
};

struct HealingConfig {
  RootFingerprint root;
  bool leads = false;        // asks in quiet moments; of two sides exactly one
  bool short_names = false;  // both sides name shortly in healed parts, and answer Unclear
  bool accounts = false;     // both sides know accounts as a column
  AgencyId agency;           // the peer's
  std::uint64_t nonce = 0;   // fresh random
  std::uint64_t entry_count_min = kHealEntryCountMin;  // a smaller feed is sent from its start
  std::size_t part_bytes_max = 64 * 1024;              // of updates in a part, about
  std::size_t window_bytes = 256 * 1024;  // of parts that are not yet durable: taken at most
  std::size_t send_window = 256 * 1024;   // and sent
  std::shared_ptr<HealMemory> memory = std::make_shared<HealMemory>();
  // Nothing of that feed is under way in either direction.
  std::function<bool(FeedKind)> quiet;
  // How long so before a comparison that nobody asked for: a reconnection alone is no time for one.
  std::chrono::seconds quiet_unasked{2};
  // The place from which on our feed is left to its ordinary way: nothing from there is healed.
  std::function<std::uint64_t(FeedKind)> flows_from;
};

// ---- what healing asks of the session and its driver, in order ----

struct SendHeal {
  Bytes body;             // of a Heal message; all of them keep their order
  std::size_t dense = 0;  // bytes at its end that are not worth compressing
  bool bulk = false;      // much of it may come: behind what is urgent
};
// Persist, sync, then call on_stored(token).
struct StoreHealed {
  std::uint64_t token = 0;
  FeedKind kind = FeedKind::kUpdates;
  EncodedPart part;  // covers nothing
};
// Persist as the cursor of the peer's feed, sync, tell the peer, then call on_cursor_set().
struct SetCursor {
  FeedKind kind = FeedKind::kUpdates;
  FeedMark mark;
  std::vector<CursorRange> beside = {};  // of the mark's epoch, durable already; ascending
};
using HealAction = std::variant<SendHeal, StoreHealed, SetCursor, HealReport>;

class Healing {
 public:
  // `view` outlives it.
  Healing(const ReplicaView& view, HealingConfig config);
  ~Healing();

  // Fails (violation): what decode_body() fails with; kTooLarge: symbols over twice the smaller
  // feed, more wanted than there is, parts over the window; kOutOfOrder.
  Result<void> on_message(ByteView body, Instant now);
  // The peer's cursor of our feed names a place that is not there. False: not worth a run, send the
  // feed from its start. Feeds wait as long as feed_waits() says, also when it was the other side
  // that lost something; then go on from the cursor heard last, which may still be the lost one.
  bool on_lost_cursor(FeedKind kind, Instant now);
  bool feed_waits(FeedKind kind) const;
  bool runs(FeedKind kind) const;  // a run is under way: the peer knows, or is told before all else
  // Compares at the next quiet moment, whatever was agreed before; for an operator.
  void request(FeedKind kind);
  // The same, and until it is found equal the feed is in doubt.
  void doubt(FeedKind kind);
  bool doubtful(FeedKind kind) const { return config_.memory->feeds[at(kind)].doubtful; }
  bool differs(FeedKind kind) const { return config_.memory->feeds[at(kind)].differs; }
  void set_part_bytes(std::size_t bytes_max) { config_.part_bytes_max = bytes_max; }

  bool has_work() const;   // work() is to be called soon, other events first
  void work(Instant now);  // some milliseconds of scanning
  void on_stored(std::uint64_t token, Instant now);
  void on_unclear(std::uint64_t token, Instant now);       // short names led elsewhere
  void on_store_failed(std::uint64_t token, Instant now);  // the run is given up
  void on_cursor_set(FeedKind kind, Instant now);
  void on_cursor_not_set(FeedKind kind, Instant now);  // the same
  // The peer has told its cursor of our feed anew: a run for a lost one ends with it.
  void on_peer_cursor(FeedKind kind, Instant now);
  void on_tick(Instant now);
  std::vector<HealAction> take_actions();

 private:
  struct Run;
  struct Side;
  static std::size_t at(FeedKind kind) { return static_cast<std::size_t>(kind); }

  // ---- messages ----
  void on_ask(Side& side, std::uint8_t run, const heal::Ask& ask, Instant now);
  std::optional<FeedDigest> digest(const Side& side, bool quiet) const;
  void answer(Side& side, const FeedDigest& ours, Instant now);
  void on_equal(Side& side, const heal::Equal& equal, Instant now);
  void on_busy(Side& side, Instant now);
  Result<void> on_differ(Side& side, const heal::Differ& differ, Instant now);
  Result<void> on_symbols(Side& side, const heal::Symbols& symbols, Instant now);
  Result<void> on_more(Side& side, const heal::More& more, Instant now);
  Result<void> on_want(Side& side, const heal::Want& want);
  Result<void> on_part(Side& side, heal::Part part);
  Result<void> on_again(Side& side, heal::Again again);
  Result<void> store(Side& side, Bytes body, bool again);
  void answer_parts(Side& side);
  void on_answered(std::uint64_t token, bool unclear, Instant now);
  Result<void> on_own_part_stored(Side& side, const heal::Stored& stored);
  Result<void> on_own_part_unclear(Side& side);
  Result<void> on_done(Side& side, const heal::Done& done);

  // ---- a run ----
  bool ask(Side& side, bool at_once, Instant now);
  void count_symbols(Side& side, std::uint64_t symbol_count);
  void count_step(Side& side, Instant now);
  void counted(Side& side, Instant now);
  void take_out(Side& side, Instant now);
  void send_wants(Side& side, std::vector<ShortId> ids);
  void send_whole(Side& side, Instant now);
  void begin_sending(Side& side);
  void send_places_of(Side& side, std::vector<ShortId> beginnings, unsigned bits);
  void pump(Side& side);
  std::uint64_t end_of_places(const Side& side) const;
  std::vector<std::uint64_t> next_places(const Run& run, std::uint64_t end) const;
  std::size_t send_entries(Side& side, std::span<const std::uint64_t> places, bool in_full);
  void finish_if_done(Side& side, Instant now);
  void finish(Side& side, HealOutcome outcome, Instant now);
  void give_up(Side& side, Instant now);
  void ask_if_due(Side& side, Instant now);
  bool may_run(Side& side, Instant now);
  double runs_left(Side& side, Instant now);
  void send(const Side& side, heal::Content content, std::size_t dense = 0);
  HealMemory::OfFeed& memory(const Side& side);

  const ReplicaView& view_;
  HealingConfig config_;
  std::vector<std::unique_ptr<Side>> sides_;  // by FeedKind
  std::vector<HealAction> actions_;
  std::uint64_t next_token_ = 1;
  std::uint8_t last_run_ = 0;
};

}  // namespace lienthong
