// Feeds and cursors: what two machines hold in common, in the order in which the sender got it.
// docs/protocol.md, "Feed and cursor". Pure values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "protocol/base/ids.h"
#include "protocol/record/registry.h"
#include "protocol/record/seal.h"
#include "protocol/record/statement.h"

namespace lienthong {

// Two feeds run on a session in each direction: the registry, which concerns everyone, and the
// updates of the reader's audience.
enum class FeedKind : std::uint8_t { kRegistry = 0, kUpdates = 1 };  // on the wire: never change

// A position in a feed: number of entries from its start, and the sender's running hash there.
// Number 0 has hash 0. The epoch is minted with the database.
struct FeedMark {
  std::uint64_t epoch = 0;
  std::uint64_t number = 0;
  std::uint64_t hash = 0;  // the sender's own; given back unread
  bool operator==(const FeedMark&) const = default;
};

// hash(n) = first 8 bytes of BLAKE2b-256(tag ‖ hash(n-1) ‖ id(n)).
std::uint64_t next_feed_hash(const RootFingerprint& root, std::uint64_t hash, ByteView id);

// What a reader durably has of a feed: all up to `mark.number`, and ranges beyond it.
// Ranges are disjoint, ascending, not adjacent, at most kCursorRangeCountMax.
struct CursorRange {
  std::uint64_t first = 0;  // inclusive
  std::uint64_t last = 0;   // inclusive
  std::uint64_t hash = 0;   // at `last`
  bool operator==(const CursorRange&) const = default;
};
struct Cursor {
  FeedMark mark;
  std::vector<CursorRange> ranges;
  bool operator==(const Cursor&) const = default;

  // Takes in [first, last] of `epoch`. Joins ranges; moves the mark when it joins on. An epoch
  // other than the cursor's resets the cursor to that epoch first. When there are too many ranges
  // the highest is dropped (it is sent again, nothing is lost).
  void add(std::uint64_t epoch, std::uint64_t first, std::uint64_t last, std::uint64_t hash);
  bool covers(std::uint64_t number) const;
};
void encode_cursor(ByteWriter& out, const Cursor& cursor);
Result<Cursor> decode_cursor(ByteReader& in);  // kMalformed: ranges not as above; kTooLarge

// A stretch of a feed as it is sent: units that bear the updates at [first, last] except those that
// the reader itself delivered, which are covered by number.
struct FeedPart {
  std::uint64_t epoch = 0;
  std::uint64_t first = 0;  // inclusive; last >= first
  std::uint64_t last = 0;
  std::uint64_t hash = 0;             // at `last`
  std::vector<SealedUnit> units;      // kUpdates
  std::vector<Statement> statements;  // kRegistry
  bool operator==(const FeedPart&) const = default;
};

// What to do with entries that the reader itself delivered. They are passed over by number only
// while it is known that it still has them: a reader with a restored disk wants them back.
enum class Echo : std::uint8_t { kPassOver, kStopBefore, kCarry };

// What a session reads of the replica. Calls come on the session's thread and must not block for
// long (they read a snapshot). The driver persists what a session hands it before it tells the
// session so.
class ReplicaView {
 public:
  virtual ~ReplicaView() = default;
  virtual std::shared_ptr<const Registry> registry() const = 0;
  // Our feeds for that agency: where they end now. A feed that does not exist yet ends at 0.
  virtual FeedMark feed_end(FeedKind kind, const AgencyId& reader) const = 0;
  // Our running hash at `number`, 0 ≤ number ≤ end.
  virtual std::optional<std::uint64_t> feed_hash(FeedKind kind, const AgencyId& reader,
                                                 std::uint64_t number) const = 0;
  // From `first` on (1-based), about `bytes_max` bytes of updates but at least one entry; `echo`
  // says what becomes of entries that came from node `reader_node`: covered but not carried, not
  // read yet, or carried. Stops before an update that is not sealed yet. nullopt: nothing to send
  // from there.
  virtual Result<std::optional<FeedPart>> read_feed(FeedKind kind, const AgencyId& reader,
                                                    const NodeId& reader_node, Echo echo,
                                                    std::uint64_t first,
                                                    std::size_t bytes_max) const = 0;
  // Our durable position in the feed that `writer` keeps for our agency.
  virtual Cursor cursor(FeedKind kind, const NodeId& writer) const = 0;
};

}  // namespace lienthong
