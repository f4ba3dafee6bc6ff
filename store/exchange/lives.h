// Lives of a database: which start of the program wrote to it, and in what order, as it knows that
// of itself and of its neighbours. From that follow two things: whether a place in our list of
// changes was told by this database or by another that went the same way for a while (it was put
// back to an older copy, or copied), and whether two machines use one key.
// docs/protocol/session.md, "Lives". No thread or clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/exchange/writer.h"
#include "store/replica/replica.h"

namespace lienthong::store {

// ---- our own ----

// Each start has a random number, not 0, and notes where the list of changes stood.
struct Start {
  std::uint64_t number = 0;
  std::uint64_t first_change = 0;  // what it may tell lies at that number or beyond
};
inline constexpr std::size_t kStartCountMax = 256;  // kept, the newest

// To be written and synced once, before anything is told: `start` is its number then.
Job begin_life(std::shared_ptr<std::uint64_t> start, std::uint64_t random);
// Oldest first; the last one is that of now. Empty: none was begun.
std::vector<Start> starts_of(const Replica& replica);
// What was told before means nothing any more: commits are missing (salvage), or it was filled
// anew.
void forget_starts(Transaction& transaction);

// Whether the changes up to `since` that the start `epoch` told are those of this database.
bool told_by_this_life(std::span<const Start> starts, std::uint64_t epoch, std::uint64_t since,
                       std::uint64_t last_change);

// ---- what others say ----

// The start of the speaker, and the one that this listener heard of last as far as the speaker's
// disk knows. 0: not said.
struct Life {
  std::uint64_t start = 0, before = 0;
};
Life life_for(const Replica& replica, std::uint64_t start, const NodeId& listener);
void note_told_life(Transaction& transaction, const NodeId& listener, std::uint64_t start);

// Two machines with one key were seen.
struct Twin {
  UnixMillis since = 0, last = 0;  // 0: none was
  std::string address, other_address;
};
inline constexpr UnixMillis kTwinShown = 24LL * 3600 * 1000;  // after it was seen last

// The starts of one neighbour's machine, as a tree: each names the one before it. One that goes on
// where another has gone on since shows that there are two: a copy that was put back is never
// followed by what it replaced.
struct HeardLives {
  struct Entry {
    std::uint64_t start = 0, before = 0;
    std::string address;
  };
  static constexpr std::size_t kEntryCountMax = 16;
  std::vector<Entry> entries;  // oldest first
  std::uint64_t current = 0;   // whom we heard last
  std::uint64_t session_number = 0;
  Twin twin;

  // A session that is live. `number`: of one that it dialled, else 0. True: it shows a twin.
  bool hear(const Life& life, std::uint64_t number, const std::string& address, UnixMillis now);

 private:
  const Entry* find(std::uint64_t start) const;
  bool leads_to_current(std::uint64_t start) const;
};
Bytes encode_heard_lives(const HeardLives& lives);
std::optional<HeardLives> decode_heard_lives(ByteView bytes);

// Notes it; the twin, where one was seen within kTwinShown.
std::optional<Twin> hear_life(Transaction& transaction, const NodeId& node, const Life& life,
                              std::uint64_t session_number, const std::string& address);

// What a neighbour tells of ours: noted with the time of our own clock.
void note_own_twin(Transaction& transaction, const NodeId& told_by, const Twin& twin);

struct SeenTwin {
  NodeId node;  // whose key two machines use; ours: `told_by` has seen it
  NodeId told_by;
  Twin twin;
};
// Those seen within kTwinShown.
std::vector<SeenTwin> twins_of(const Replica& replica, UnixMillis now);

}  // namespace lienthong::store
