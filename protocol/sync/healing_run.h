// Internal to healing: the state of a run. Its parts lie in healing.cc (asking, answering, ends)
// and healing_run.cc (symbols and parts).
#pragma once

#include "protocol/sync/healing.h"

namespace lienthong {

enum class Phase {
  kIdle,
  kAsked,     // the answer is awaited
  kCounting,  // our symbols
  kWaiting,   // for symbols, or for what the other side makes of ours
  kSending,   // parts, each way
};

struct Healing::Run {
  Phase phase = Phase::kIdle;
  std::uint8_t id = 0;
  bool asker = false;
  bool quiet = true;  // nothing was under way when the feeds were compared
  bool requested = false;
  bool broken = false;  // our feed could not be read
  FeedDigest ours;
  std::uint64_t their_count = 0;
  IdPrefix their_sum{};
  std::uint64_t ask_nonce = 0;
  HealReport report;
  Instant progress_at{};

  // ---- counting ----
  std::optional<SymbolKey> key;
  std::vector<ShortId> shorts;  // by place; 0: nothing lies there
  std::optional<Sketch> sketch;
  std::size_t sketched = 0;  // of `shorts`
  std::uint64_t symbol_count = 0, symbols_sent = 0;
  std::vector<CodedSymbol> theirs;
  std::vector<ShortId> wanted;  // by the peer, so far: beginnings of short ids
  unsigned wanted_bits = 0;     // of each; 0: none yet

  // ---- sending ----
  bool whole = false;                 // every place
  std::vector<std::uint64_t> places;  // else these, ascending
  std::size_t next_place = 0;
  bool places_known = false;
  struct Unstored {  // a part of ours that is not durable there
    std::size_t bytes = 0;
    std::vector<std::uint64_t> places;  // empty: it went in full
  };
  std::deque<Unstored> unstored;
  std::size_t unstored_bytes = 0;
  std::deque<std::vector<std::uint64_t>> again;  // places of parts that were unclear there
  enum class Answer { kNone, kStored, kUnclear };
  struct Storing {  // a part of theirs
    std::uint64_t token = 0;
    std::size_t bytes = 0;
    bool again = false;
    Answer answer = Answer::kNone;
  };
  std::deque<Storing> storing;
  std::size_t storing_bytes = 0;
  std::size_t unclear = 0;  // of theirs that are to come again
  bool done_sent = false, setting_cursor = false, cursor_set = false, cursor_heard = false;
  std::optional<FeedMark> done;  // theirs

  std::uint64_t place_count() const { return whole ? ours.mark.number : places.size(); }
  std::uint64_t place(std::size_t i) const { return whole ? i + 1 : places[i]; }
};

struct Healing::Side {
  FeedKind kind = FeedKind::kUpdates;
  Run run;
  bool lost = false;  // a cursor of one side: both feeds wait, both cursors are set at the end
  Instant lost_since{};
  std::optional<std::pair<std::uint8_t, heal::Ask>> asked;  // to be answered once all is sealed
  bool requested = false;
  std::optional<Instant> quiet_since;
  Instant ask_from{};
  bool active() const { return run.phase != Phase::kIdle; }
};

// How many symbols are worth counting; then the feeds are sent.
std::uint64_t symbol_limit(std::uint64_t ours, std::uint64_t theirs);
// A difference over three quarters of the larger feed, or of more symbols than are worth counting:
// the feeds are sent.
bool is_too_different(std::uint64_t difference, std::uint64_t ours, std::uint64_t theirs);

}  // namespace lienthong
