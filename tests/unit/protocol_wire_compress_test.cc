// Compression of messages and backlogs: bounded both ways.
#include <gtest/gtest.h>

#include <random>

#include "protocol/base/limits.h"
#include "protocol/crypto/hash.h"
#include "protocol/wire/compress.h"
#include "protocol/wire/dictionary.h"

namespace lienthong {
namespace {

Bytes words(std::uint64_t seed, std::size_t size) {
  static constexpr std::string_view kWords[] = {"Nguyễn ",     "Thị ",       "hồ sơ ",
                                                "accepted ",   "H47.5",      "Xã Tam Đàn ",
                                                "12/03/2023 ", "đã bổ sung "};
  std::mt19937_64 random(seed);
  Bytes out;
  while (out.size() < size) {
    const std::string_view word = kWords[random() % 8];
    out.insert(out.end(), word.begin(), word.end());
    out.push_back(static_cast<std::uint8_t>('a' + random() % 26));
  }
  out.resize(size);
  return out;
}
Bytes noise(std::uint64_t seed, std::size_t size) {
  std::mt19937_64 random(seed);
  Bytes out(size);
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random());
  return out;
}

TEST(MessageDeflater, ComesBackExactlyWithAndWithoutADictionary) {
  for (const std::uint32_t dictionary : {0U, 1U}) {
    wire::MessageDeflater out(dictionary);
    wire::MessageInflater in(dictionary);
    for (const std::size_t size : {60U, 300U, 4'096U, 100'000U}) {
      Bytes message = words(size, size);
      const Bytes dense = noise(size, 80);
      message.insert(message.end(), dense.begin(), dense.end());
      for (const std::size_t tail : {std::size_t{0}, dense.size(), message.size()}) {
        const auto packed = out.deflate(message, tail);
        if (!packed) continue;
        const auto back = in.inflate(*packed);
        ASSERT_TRUE(back.ok()) << back.error().message();
        EXPECT_EQ(*back, message);
      }
    }
  }
}

TEST(MessageDeflater, LeavesAloneWhatDoesNotGetSmaller) {
  wire::MessageDeflater out(1);
  EXPECT_FALSE(out.deflate(noise(1, 500)).has_value());
  EXPECT_FALSE(out.deflate(Bytes{7}).has_value());
}

TEST(MessageDeflater, LeavesAloneWhatNoReaderWouldInflate) {
  wire::MessageDeflater out(0);
  EXPECT_FALSE(out.deflate(Bytes(64 * 1024)).has_value());
}

TEST(MessageDeflater, DoesNotMixDenseBytesWithTheRest) {
  wire::MessageDeflater out(0);
  Bytes message = words(1, 3'000);
  const std::size_t alone = out.deflate(message)->size();
  const Bytes dense = noise(2, 1'000);
  message.insert(message.end(), dense.begin(), dense.end());
  EXPECT_LE(out.deflate(message, dense.size())->size(), alone + dense.size() + 8);
}

TEST(MessageInflater, RejectsDamageTruncationAndAnotherDictionary) {
  wire::MessageDeflater out(1);
  wire::MessageInflater in(1), without(0);
  const Bytes message = words(3, 5'000);
  const Bytes packed = *out.deflate(message);
  for (std::size_t size = 0; size < packed.size(); size += 37)
    EXPECT_FALSE(in.inflate(ByteView(packed).first(size)).ok()) << size;
  const auto other = without.inflate(packed);
  EXPECT_TRUE(!other.ok() || *other != message);
  EXPECT_EQ(*in.inflate(packed), message) << "a failure leaves the inflater fit for the next";
}

TEST(Inflaters, RejectWhatGrowsTooLarge) {
  // One block that says: a byte, 100,000 times.
  const Bytes bomb{0x00, 0x40, 0x03, 0x35, 0x0c, 0x61};
  wire::MessageInflater alone(0);
  const auto one = alone.inflate(bomb);
  ASSERT_FALSE(one.ok());
  EXPECT_EQ(one.error().code(), Errc::kTooLarge);
  // The same, not the last of its frame, in a window of 128 KiB.
  const Bytes piece{0x00, 0x38, 0x02, 0x35, 0x0c, 0x61};
  wire::BacklogInflater stream(0);
  const auto next = stream.inflate(piece);
  ASSERT_FALSE(next.ok());
  EXPECT_EQ(next.error().code(), Errc::kTooLarge);
}

TEST(Backlog, ComesBackMessageByMessage) {
  for (const int level : {3, 9, 12}) {
    for (const std::uint32_t dictionary : {0U, 1U}) {
      wire::BacklogDeflater out(level, dictionary);
      wire::BacklogInflater in(dictionary);
      for (std::size_t i = 0; i < 60; ++i) {
        Bytes message = words(i, 1 + (i * 7'919) % 30'000);
        const Bytes dense = noise(i, 300);
        message.insert(message.end(), dense.begin(), dense.end());
        const auto packed = out.deflate(message, i % 3 == 0 ? 0 : dense.size());
        ASSERT_TRUE(packed.has_value());
        const auto back = in.inflate(*packed);
        ASSERT_TRUE(back.ok()) << back.error().message();
        ASSERT_EQ(*back, message);
      }
    }
  }
}

TEST(Backlog, LearnsFromEarlierMessages) {
  wire::BacklogDeflater out(9, 0);
  const Bytes message = words(5, 4'000);
  const std::size_t first = out.deflate(message)->size();
  EXPECT_LT(out.deflate(message)->size() * 5, first);
}

TEST(Backlog, DeflaterStaysWithinItsMemory) {
  for (const int level : {3, 9, 12}) {
    wire::BacklogDeflater out(level, 1);
    for (std::size_t i = 0; i < 20; ++i) {
      Bytes message = words(i, 100'000);
      const Bytes dense = noise(i, 100'000);
      message.insert(message.end(), dense.begin(), dense.end());
      ASSERT_TRUE(out.deflate(message, dense.size()).has_value());
    }
    EXPECT_LE(out.memory(), wire::kBacklogDeflaterBytesMax) << level;
  }
}

TEST(Backlog, DoesNotSendWhatNoReaderWouldInflate) {
  wire::BacklogDeflater out(3, 0);
  EXPECT_FALSE(out.deflate(Bytes(200'000)).has_value());
}

TEST(Backlog, InflaterRejectsDamageAndEnds) {
  const Bytes message = words(5, 4'000);
  wire::BacklogDeflater out(3, 0);
  Bytes packed = *out.deflate(message);
  wire::BacklogInflater cut(0);
  const auto part = cut.inflate(ByteView(packed).first(packed.size() / 2));
  EXPECT_TRUE(!part.ok() || *part != message);
  wire::MessageDeflater ended(0);
  wire::BacklogInflater in(0);
  EXPECT_FALSE(in.inflate(*ended.deflate(message)).ok()) << "a backlog has no end of its own";
  wire::BacklogInflater none(0);
  EXPECT_FALSE(none.inflate(Bytes{}).ok());
}

TEST(Backlog, InflaterRejectsALargerWindow) {
  wire::BacklogInflater in(0);
  Bytes packed{0x00, 0x60, 0x08, 0x00, 0x00, 'a'};  // window of 4 MiB, one raw block
  const auto back = in.inflate(packed);
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code(), Errc::kTooLarge);
}

TEST(Backlog, WorksHarderOnSlowerLinks) {
  EXPECT_EQ(wire::backlog_level(20'000'000), 3);
  EXPECT_EQ(wire::backlog_level(1'000'000), 9);
  EXPECT_EQ(wire::backlog_level(128'000), 12);
}

TEST(Dictionary, NumberOneIsTheOneThatWasReleased) {
  ASSERT_EQ(wire::kDictionaryNewest, 1U);
  EXPECT_TRUE(wire::dictionary(0).empty());
  EXPECT_TRUE(wire::dictionary(2).empty());
  const ByteView bytes = wire::dictionary(1);
  EXPECT_GE(bytes.size(), 8'000U);
  Hash256 digest;
  ASSERT_EQ(crypto_generichash(digest.bytes.data(), digest.bytes.size(), bytes.data(), bytes.size(),
                               nullptr, 0),
            0);
  // Once released a dictionary never changes.
  EXPECT_EQ(digest.hex(), "d59ec0a1446435a02530d13d7c2bbb58426ee49f61373d5372c4f71cfcc8dce9");
}

}  // namespace
}  // namespace lienthong
