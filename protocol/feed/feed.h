// Feeds and cursors: what two machines hold in common, in the order in which the sender got it.
// docs/protocol/feed.md. Pure values.
#pragma once

#include <array>
#include <cstdint>
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
inline constexpr std::uint64_t kFeedNumberMax = 1ULL << 62;

// Stretches beyond `before`: count, then for each the gap to the end before it, entries after its
// first, hash. kMalformed: a gap under `gap_min`; kTooLarge: over kCursorRangeCountMax.
void encode_ranges(ByteWriter& out, std::uint64_t before, std::span<const CursorRange> ranges);
Result<std::vector<CursorRange>> decode_ranges(ByteReader& in, std::uint64_t before,
                                               std::uint64_t gap_min);
void encode_cursor(ByteWriter& out, const Cursor& cursor);
Result<Cursor> decode_cursor(ByteReader& in);  // kMalformed: ranges not as above; kTooLarge

// What is sent of a feed in one message: units that bear the updates at `covered`, except those
// that the reader itself delivered, which are covered by number.
struct FeedPart {
  std::uint64_t epoch = 0;
  // Stretches that the reader has once the part is stored: disjoint, ascending, each with the
  // writer's running hash at its end. Usually one; several where something overtakes a backlog;
  // none where healing or a bundle brings updates without their places.
  std::vector<CursorRange> covered;
  std::vector<SealedUnit> units;      // kUpdates
  std::vector<Statement> statements;  // kRegistry
  bool operator==(const FeedPart&) const = default;
};

// The same on the wire. Its body is decoded where it is stored, because short names in it mean
// what is there at that moment.
struct EncodedPart {
  std::uint64_t epoch = 0;
  std::vector<CursorRange> covered;  // as in FeedPart
  Bytes body;                        // wire/part.h
  bool operator==(const EncodedPart&) const = default;
};

// An entry of a feed of updates, as what overtakes is chosen by.
struct FeedLine {
  std::uint64_t position = 0;
  bool custody = false;  // a link of a custody chain, or a request about one
  bool sealed = false;   // may leave, as may all lines before it
  bool echoed = false;   // came from the reader
};

// What to do with entries that the reader itself delivered. They are passed over by number only
// while it is known that it still has them: a reader with a restored disk wants them back.
enum class Echo : std::uint8_t { kPassOver, kStopBefore, kCarry };

// The first 16 bytes of an update's or statement's id; zero: nothing lies there any more.
using IdPrefix = std::array<std::uint8_t, 16>;

// What a feed holds, in few bytes, for comparing two feeds without trusting cursors. What was
// withdrawn before it ever left does not count.
struct FeedDigest {
  FeedMark mark;  // the feed's end then
  std::uint64_t count = 0;
  IdPrefix sum{};  // of the entries' ids, little-endian, modulo 2^128
  bool same_set(const FeedDigest& other) const { return count == other.count && sum == other.sum; }
};

// As many entries that the reader itself delivered may wait at the end of a feed for company.
inline constexpr std::size_t kEchoesWaitMax = 64;

}  // namespace lienthong
