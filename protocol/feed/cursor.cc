#include "protocol/base/limits.h"
#include "protocol/crypto/hash.h"
#include "protocol/feed/feed.h"

namespace lienthong {
std::uint64_t next_feed_hash(const RootFingerprint& root, std::uint64_t hash, ByteView id) {
  ByteWriter before;
  before.u64(hash);
  const Hash256 digest = lienthong::hash(kTagFeed, root, ByteView(before.bytes()), id);
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) {
    value |= static_cast<std::uint64_t>(digest.bytes[i]) << (8 * i);
  }
  return value;
}

void Cursor::add(std::uint64_t epoch, std::uint64_t first, std::uint64_t last, std::uint64_t hash) {
  LT_CHECK(first >= 1 && first <= last);
  if (epoch != mark.epoch) {
    mark = FeedMark{epoch, 0, 0};
    ranges.clear();
  }
  if (last <= mark.number) return;
  CursorRange grown{first, last, hash};
  std::vector<CursorRange> kept;
  for (const CursorRange& range : ranges) {
    const bool apart = range.last < grown.first - 1 || grown.last < range.first - 1;
    if (apart) {
      kept.push_back(range);
      continue;
    }
    grown.first = std::min(grown.first, range.first);
    if (range.last > grown.last) {
      grown.last = range.last;
      grown.hash = range.hash;
    }
  }
  if (grown.first - 1 <= mark.number) {
    mark.number = grown.last;
    mark.hash = grown.hash;
  } else {
    const auto place = std::find_if(kept.begin(), kept.end(), [&](const CursorRange& range) {
      return range.first > grown.first;
    });
    kept.insert(place, grown);
    if (kept.size() > kCursorRangeCountMax) kept.pop_back();
  }
  ranges = std::move(kept);
}

bool Cursor::covers(std::uint64_t number) const {
  if (number <= mark.number) return true;
  return std::any_of(ranges.begin(), ranges.end(), [&](const CursorRange& range) {
    return range.first <= number && number <= range.last;
  });
}

void encode_ranges(ByteWriter& out, std::uint64_t before, std::span<const CursorRange> ranges) {
  LT_CHECK(ranges.size() <= kCursorRangeCountMax);
  out.varint(ranges.size());
  for (const CursorRange& range : ranges) {
    out.varint(range.first - before);
    out.varint(range.last - range.first);
    out.u64(range.hash);
    before = range.last;
  }
}

Result<std::vector<CursorRange>> decode_ranges(ByteReader& in, std::uint64_t before,
                                               std::uint64_t gap_min) {
  std::vector<CursorRange> ranges;
  LT_TRY(const std::uint64_t count, in.varint());
  if (count > kCursorRangeCountMax) return Error(Errc::kTooLarge, "stretches of a feed");
  for (std::uint64_t i = 0; i < count; ++i) {
    LT_TRY(const std::uint64_t gap, in.varint());
    LT_TRY(const std::uint64_t more, in.varint());
    LT_TRY(const std::uint64_t hash, in.u64());
    if (gap < gap_min) return Error(Errc::kMalformed, "stretches of a feed touch");
    if (gap > kFeedNumberMax - before || more > kFeedNumberMax - before - gap) {
      return Error(Errc::kTooLarge, "numbers of a feed");
    }
    ranges.push_back(CursorRange{before + gap, before + gap + more, hash});
    before += gap + more;
  }
  return ranges;
}

// epoch u64, number varint, hash u64, ranges beyond it.
void encode_cursor(ByteWriter& out, const Cursor& cursor) {
  out.u64(cursor.mark.epoch);
  out.varint(cursor.mark.number);
  out.u64(cursor.mark.hash);
  encode_ranges(out, cursor.mark.number, cursor.ranges);
}

Result<Cursor> decode_cursor(ByteReader& in) {
  Cursor cursor;
  LT_TRY(cursor.mark.epoch, in.u64());
  LT_TRY(cursor.mark.number, in.varint());
  LT_TRY(cursor.mark.hash, in.u64());
  if (cursor.mark.number > kFeedNumberMax) return Error(Errc::kTooLarge, "number of a cursor");
  if (cursor.mark.number == 0 && cursor.mark.hash != 0) {
    return Error(Errc::kMalformed, "cursor at 0 with a hash");
  }
  LT_TRY(cursor.ranges, decode_ranges(in, cursor.mark.number, 2));
  return cursor;
}

}  // namespace lienthong
