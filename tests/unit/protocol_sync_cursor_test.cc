#include <gtest/gtest.h>

#include <random>
#include <set>

#include "protocol/base/limits.h"
#include "protocol/feed/feed.h"

namespace lienthong {
namespace {

Cursor cursor_at(std::uint64_t epoch, std::uint64_t number, std::uint64_t hash) {
  Cursor cursor;
  cursor.mark = FeedMark{epoch, number, hash};
  return cursor;
}

Result<Cursor> decoded(const Bytes& bytes) {
  ByteReader in(bytes);
  auto cursor = decode_cursor(in);
  if (cursor.ok() && !in.empty()) return Error(Errc::kMalformed, "bytes left");
  return cursor;
}

TEST(Cursor, MovesTheMarkWhenAPartJoinsOn) {
  Cursor cursor = cursor_at(7, 10, 100);
  cursor.add(7, 11, 15, 150);
  EXPECT_EQ(cursor, cursor_at(7, 15, 150));
}

TEST(Cursor, KeepsARangeBeyondAGapAndJoinsItWhenTheGapFills) {
  Cursor cursor = cursor_at(7, 10, 100);
  cursor.add(7, 13, 15, 150);
  ASSERT_EQ(cursor.ranges.size(), 1U);
  EXPECT_EQ(cursor.mark.number, 10U);
  EXPECT_TRUE(cursor.covers(14));
  EXPECT_FALSE(cursor.covers(12));
  cursor.add(7, 11, 12, 120);
  EXPECT_EQ(cursor, cursor_at(7, 15, 150));
}

TEST(Cursor, IgnoresWhatItHas) {
  Cursor cursor = cursor_at(7, 10, 100);
  cursor.add(7, 3, 10, 99);
  EXPECT_EQ(cursor, cursor_at(7, 10, 100));
}

TEST(Cursor, StartsAnewForAnotherEpoch) {
  Cursor cursor = cursor_at(7, 10, 100);
  cursor.ranges.push_back({20, 30, 300});
  cursor.add(8, 1, 2, 20);
  EXPECT_EQ(cursor, cursor_at(8, 2, 20));
}

TEST(Cursor, DropsTheHighestRangeWhenThereAreTooMany) {
  Cursor cursor = cursor_at(7, 1, 1);
  for (std::uint64_t i = 0; i <= kCursorRangeCountMax; ++i) {
    const std::uint64_t number = 1000 - 2 * i;
    cursor.add(7, number, number, number);
  }
  EXPECT_EQ(cursor.ranges.size(), kCursorRangeCountMax);
  EXPECT_FALSE(cursor.covers(1000));
  EXPECT_TRUE(cursor.covers(998));
}

TEST(Cursor, EqualsASetOfNumbersAfterRandomParts) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    Cursor cursor = cursor_at(7, 0, 0);
    std::set<std::uint64_t> model;
    for (int i = 0; i < 20; ++i) {
      const std::uint64_t first = 1 + random() % 60;
      const std::uint64_t last = first + random() % 8;
      cursor.add(7, first, last, last);  // the hash at n is n
      for (std::uint64_t n = first; n <= last; ++n) model.insert(n);
      for (std::uint64_t n = 1; n < 80; ++n) ASSERT_EQ(cursor.covers(n), model.contains(n)) << n;
      EXPECT_EQ(cursor.mark.hash, cursor.mark.number);
      for (const CursorRange& range : cursor.ranges) EXPECT_EQ(range.hash, range.last);
      ByteWriter out;
      encode_cursor(out, cursor);
      auto back = decoded(out.bytes());
      ASSERT_TRUE(back.ok()) << back.error().message();
      EXPECT_EQ(*back, cursor);
    }
  }
}

TEST(Cursor, RejectsRangesThatTouch) {
  Cursor cursor = cursor_at(7, 10, 100);
  cursor.ranges.push_back({11, 12, 1});
  ByteWriter out;
  encode_cursor(out, cursor);
  ASSERT_FALSE(decoded(out.bytes()).ok());
  EXPECT_EQ(decoded(out.bytes()).error().code(), Errc::kMalformed);
}

TEST(Cursor, RejectsNumbersThatOverflow) {
  ByteWriter out;
  out.u64(1);
  out.varint(5);
  out.u64(1);
  out.varint(1);
  out.varint(~0ULL - 3);
  out.varint(1);
  out.u64(1);
  ASSERT_FALSE(decoded(out.bytes()).ok());
  EXPECT_EQ(decoded(out.bytes()).error().code(), Errc::kTooLarge);
}

TEST(Cursor, RejectsTooManyRanges) {
  ByteWriter out;
  out.u64(1);
  out.varint(5);
  out.u64(1);
  out.varint(kCursorRangeCountMax + 1);
  ASSERT_FALSE(decoded(out.bytes()).ok());
  EXPECT_EQ(decoded(out.bytes()).error().code(), Errc::kTooLarge);
}

TEST(Cursor, RejectsAHashAtNumberZero) {
  ByteWriter out;
  encode_cursor(out, cursor_at(1, 0, 5));
  EXPECT_FALSE(decoded(out.bytes()).ok());
}

TEST(FeedHash, DependsOnRootHashAndId) {
  RootFingerprint one, other;
  other.bytes[0] = 1;
  const Bytes id(32, 9);
  const std::uint64_t value = next_feed_hash(one, 5, id);
  EXPECT_EQ(value, next_feed_hash(one, 5, id));
  EXPECT_NE(value, next_feed_hash(other, 5, id));
  EXPECT_NE(value, next_feed_hash(one, 6, id));
  EXPECT_NE(value, next_feed_hash(one, 5, Bytes(32, 8)));
}

}  // namespace
}  // namespace lienthong
