#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "protocol/base/bytes.h"

namespace lienthong {
namespace {

Errc code_of(const auto& result) { return result.error().code(); }

TEST(Hex, RoundTripsEveryByte) {
  Bytes all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<std::uint8_t>(i));
  const std::string text = to_hex(all);
  EXPECT_EQ(text.substr(0, 8), "00010203");
  EXPECT_EQ(text.substr(508), "feff");
  EXPECT_EQ(*from_hex(text), all);
}

TEST(Hex, TakesEitherCase) { EXPECT_EQ(*from_hex("aBCd"), (Bytes{0xab, 0xcd})); }

TEST(Hex, RefusesOddLengthAndForeignCharacters) {
  EXPECT_EQ(code_of(from_hex("abc")), Errc::kMalformed);
  EXPECT_EQ(code_of(from_hex("0g")), Errc::kMalformed);
  EXPECT_EQ(code_of(from_hex("g0")), Errc::kMalformed);
  EXPECT_EQ(code_of(from_hex("0x")), Errc::kMalformed);
  EXPECT_EQ(code_of(from_hex(" 1")), Errc::kMalformed);
}

TEST(ByteWriter, WritesIntegersLittleEndian) {
  ByteWriter out;
  out.u8(0x01);
  out.u16(0x0302);
  out.u32(0x07060504);
  out.u64(0x0f0e0d0c0b0a0908);
  EXPECT_EQ(to_hex(out.bytes()), "0102030405060708090a0b0c0d0e0f");
}

TEST(ByteReader, ReadsWhatTheWriterWrote) {
  ByteWriter out;
  out.u8(0xff);
  out.u16(0xfffe);
  out.u32(0xfffffffd);
  out.u64(std::numeric_limits<std::uint64_t>::max() - 3);
  out.varint(300);
  out.sized("thôn Đông");
  out.raw(Bytes{1, 2, 3});
  ByteReader in(out.bytes());
  EXPECT_EQ(*in.u8(), 0xff);
  EXPECT_EQ(*in.u16(), 0xfffe);
  EXPECT_EQ(*in.u32(), 0xfffffffd);
  EXPECT_EQ(*in.u64(), std::numeric_limits<std::uint64_t>::max() - 3);
  EXPECT_EQ(*in.varint(), 300U);
  EXPECT_EQ(as_text(*in.sized(100)), "thôn Đông");
  EXPECT_FALSE(in.finish("test").ok());
  EXPECT_EQ(*in.array<3>(), (std::array<std::uint8_t, 3>{1, 2, 3}));
  EXPECT_TRUE(in.finish("test").ok());
}

TEST(ByteReader, RefusesEveryTruncation) {
  const Bytes bytes{1, 2, 3, 4, 5, 6, 7, 8};
  for (std::size_t size = 0; size < 8; ++size) {
    const ByteView cut = ByteView(bytes).first(size);
    EXPECT_EQ(code_of(ByteReader(cut).u64()), Errc::kTruncated) << size;
    if (size < 4) {
      EXPECT_EQ(code_of(ByteReader(cut).u32()), Errc::kTruncated) << size;
    }
    if (size < 2) {
      EXPECT_EQ(code_of(ByteReader(cut).u16()), Errc::kTruncated) << size;
    }
    EXPECT_EQ(code_of(ByteReader(cut).raw(8)), Errc::kTruncated) << size;
    EXPECT_EQ(code_of(ByteReader(cut).array<8>()), Errc::kTruncated) << size;
  }
  EXPECT_EQ(code_of(ByteReader({}).u8()), Errc::kTruncated);
}

TEST(ByteReader, ConsumesNothingWhenAnIntegerIsCutOff) {
  const Bytes bytes{1, 2, 3};
  ByteReader in(bytes);
  EXPECT_FALSE(in.u32().ok());
  EXPECT_EQ(in.rest().size(), 3U);
}

TEST(Varint, RoundTripsAtEveryLengthBoundary) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t value : {(1ULL << bit) - 1, 1ULL << bit, (1ULL << bit) + 1}) {
      ByteWriter out;
      out.varint(value);
      ByteReader in(out.bytes());
      EXPECT_EQ(*in.varint(), value);
      EXPECT_TRUE(in.empty());
    }
  }
}

TEST(Varint, UsesOneByteForSevenBits) {
  const auto size_of = [](std::uint64_t value) {
    ByteWriter out;
    out.varint(value);
    return out.size();
  };
  EXPECT_EQ(size_of(0), 1U);
  EXPECT_EQ(size_of(127), 1U);
  EXPECT_EQ(size_of(128), 2U);
  EXPECT_EQ(size_of(16'383), 2U);
  EXPECT_EQ(size_of(16'384), 3U);
  EXPECT_EQ(size_of(std::numeric_limits<std::uint64_t>::max()), 10U);
}

TEST(Varint, RefusesASecondSpellingOfAValue) {
  EXPECT_EQ(code_of(ByteReader(Bytes{0x80, 0x00}).varint()), Errc::kMalformed);
  EXPECT_EQ(code_of(ByteReader(Bytes{0xff, 0x80, 0x00}).varint()), Errc::kMalformed);
}

TEST(Varint, RefusesMoreThan64Bits) {
  Bytes over(9, 0xff);
  over.push_back(0x02);
  EXPECT_EQ(code_of(ByteReader(over).varint()), Errc::kMalformed);
  EXPECT_EQ(code_of(ByteReader(Bytes(11, 0xff)).varint()), Errc::kMalformed);
}

TEST(Varint, RefusesAnEndlessOne) {
  EXPECT_EQ(code_of(ByteReader(Bytes(9, 0x80)).varint()), Errc::kTruncated);
  EXPECT_EQ(code_of(ByteReader(Bytes{}).varint()), Errc::kTruncated);
}

TEST(Sized, TakesTheMaximumAndRefusesOneMore) {
  ByteWriter out;
  out.sized(ByteView(Bytes(5, 7)));
  EXPECT_EQ(ByteReader(out.bytes()).sized(5)->size(), 5U);
  EXPECT_EQ(code_of(ByteReader(out.bytes()).sized(4)), Errc::kTooLarge);
}

TEST(Sized, RefusesALengthBeyondTheInput) {
  EXPECT_EQ(code_of(ByteReader(Bytes{3, 1, 2}).sized(10)), Errc::kTruncated);
  ByteWriter huge;
  huge.varint(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(code_of(ByteReader(huge.bytes()).sized(10)), Errc::kTooLarge);
}

TEST(ByteReader, NeverReadsBeyondRandomInput) {
  std::mt19937 random(20260721);
  for (int round = 0; round < 2'000; ++round) {
    Bytes bytes(random() % 24);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    ByteReader in(bytes);
    std::size_t left = bytes.size();
    while (!in.empty()) {
      const auto part = in.sized(8);
      ASSERT_LT(in.rest().size(), left);
      left = in.rest().size();
      if (!part) break;
      ASSERT_LE(part->size(), 8U);
    }
  }
}

}  // namespace
}  // namespace lienthong
