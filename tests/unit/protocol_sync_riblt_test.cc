#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "protocol/sync/riblt.h"

namespace lienthong {
namespace {

const RootFingerprint kRoot{};

struct Sets {
  std::vector<ShortId> both, ours, theirs;
};

Sets random_sets(std::uint64_t seed, std::size_t both, std::size_t ours, std::size_t theirs) {
  std::mt19937_64 mixer(seed);
  const auto draw = [&](std::size_t count) {
    std::vector<ShortId> out(count);
    for (ShortId& id : out) id = mixer();
    return out;
  };
  return {draw(both), draw(ours), draw(theirs)};
}

Sketch sketch_of(const SymbolKey& key, std::size_t size, const std::vector<ShortId>& common,
                 const std::vector<ShortId>& own) {
  Sketch sketch(key, size);
  for (const ShortId id : common) sketch.add(id);
  for (const ShortId id : own) sketch.add(id);
  return sketch;
}

std::vector<CodedSymbol> difference_of(const SymbolKey& key, const Sets& sets, std::size_t size) {
  const Sketch theirs = sketch_of(key, size, sets.both, sets.theirs);
  const Sketch ours = sketch_of(key, size, sets.both, sets.ours);
  return subtract(theirs.symbols(), ours.symbols());
}

std::vector<ShortId> sorted(std::vector<ShortId> ids) {
  std::ranges::sort(ids);
  return ids;
}

TEST(CodedSymbols, GiveTheExactDifferenceOverManySizesAndShapes) {
  std::uint64_t seed = 1;
  for (const std::size_t both : {0U, 1U, 50U, 3000U}) {
    for (const std::size_t ours : {0U, 1U, 7U, 200U}) {
      for (const std::size_t theirs : {0U, 1U, 30U, 500U}) {
        const SymbolKey key(kRoot, seed, 77);
        const Sets sets = random_sets(++seed, both, ours, theirs);
        std::size_t size = symbols_for(ours + theirs);
        auto found = peel(key, difference_of(key, sets, size));
        for (; !found && size < 10'000; size += size / 4)
          found = peel(key, difference_of(key, sets, size));
        ASSERT_TRUE(found.has_value()) << both << " " << ours << " " << theirs;
        EXPECT_EQ(sorted(found->ours), sorted(sets.ours));
        EXPECT_EQ(sorted(found->theirs), sorted(sets.theirs));
      }
    }
  }
}

TEST(CodedSymbols, FirstGuessIsEnoughForAThousandDifferencesNearlyAlways) {
  int failed = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const SymbolKey key(kRoot, seed, 5);
    const Sets sets = random_sets(seed, 100, 400, 600);
    failed += !peel(key, difference_of(key, sets, symbols_for(1000)));
  }
  EXPECT_LE(failed, 2);
}

TEST(CodedSymbols, OfEqualSetsAreEmptyWhenSubtracted) {
  const SymbolKey key(kRoot, 1, 2);
  const auto difference = difference_of(key, random_sets(9, 1000, 0, 0), 32);
  EXPECT_TRUE(std::ranges::all_of(difference, &CodedSymbol::is_empty));
  const auto found = peel(key, difference);
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(found->ours.empty() && found->theirs.empty());
}

TEST(CodedSymbols, TooFewOfThemSayNothing) {
  const SymbolKey key(kRoot, 1, 2);
  EXPECT_FALSE(peel(key, difference_of(key, random_sets(3, 10, 300, 300), 200)).has_value());
}

TEST(CodedSymbols, AShortIdTwiceInBothSetsDoesNoHarm) {
  const SymbolKey key(kRoot, 3, 4);
  Sets sets = random_sets(4, 500, 5, 5);
  sets.both.push_back(sets.both.front());
  const auto found = peel(key, difference_of(key, sets, 64));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(sorted(found->theirs), sorted(sets.theirs));
}

TEST(CodedSymbols, AShortIdTwiceInOneSetIsNotTakenForADifferenceThatItIsNot) {
  const SymbolKey key(kRoot, 3, 4);
  Sets sets = random_sets(4, 500, 5, 5);
  sets.theirs.push_back(sets.theirs.front());
  EXPECT_FALSE(peel(key, difference_of(key, sets, 512)).has_value());
}

TEST(CodedSymbols, MadeUpOnesEndWithoutADifference) {
  std::mt19937_64 mixer(8);
  const SymbolKey key(kRoot, 3, 4);
  // Noise, and the worst case: every symbol seems to hold one and the same id.
  std::vector<CodedSymbol> noise(500), pure(500);
  const ShortId id = mixer();
  for (std::size_t i = 0; i < noise.size(); ++i) {
    noise[i] = {mixer(), static_cast<std::uint32_t>(mixer()), i % 2 == 0 ? 1 : -1};
    pure[i] = {id, key.check_of(id), i % 2 == 0 ? 1 : -1};
  }
  EXPECT_FALSE(peel(key, noise).has_value());
  EXPECT_FALSE(peel(key, pure).has_value());
}

TEST(CodedSymbols, DifferenceIsEstimatedFromFewOfThem) {
  const SymbolKey key(kRoot, 6, 4);
  int good = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Sets sets = random_sets(seed, 50, 500, 100);
    const auto guess = estimate_difference(difference_of(key, sets, 32), 100 - 500);
    good += guess >= 400 && guess <= 1000;
  }
  EXPECT_GE(good, 16);
}

TEST(CodedSymbols, TravelInLessThanFifteenBytesEach) {
  const SymbolKey key(kRoot, 6, 4);
  const Sets sets = random_sets(2, 20'000, 0, 0);
  const Sketch sketch = sketch_of(key, 1500, sets.both, {});
  ByteWriter out;
  encode_symbols(out, sketch.symbols(), 0, sets.both.size());
  EXPECT_LT(out.size(), 1500 * 15U);
  ByteReader in(out.bytes());
  const auto back = decode_symbols(in, 1500, 0, sets.both.size());
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(std::ranges::equal(*back, sketch.symbols()));
  EXPECT_TRUE(in.empty());
}

TEST(CodedSymbols, WithImpossibleCountsAreRefused) {
  ByteWriter out;
  const CodedSymbol many{1, 2, 5};
  encode_symbols(out, std::span(&many, 1), 0, 5);
  ByteReader fits(out.bytes());
  EXPECT_TRUE(decode_symbols(fits, 1, 0, 5).ok());
  ByteWriter over;
  const CodedSymbol more{1, 2, 6};
  encode_symbols(over, std::span(&more, 1), 0, 5);
  ByteReader high(over.bytes());
  EXPECT_EQ(decode_symbols(high, 1, 0, 5).error().code(), Errc::kMalformed);
  const CodedSymbol negative{1, 2, -1};
  ByteWriter under;
  encode_symbols(under, std::span(&negative, 1), 0, 5);
  ByteReader low(under.bytes());
  EXPECT_EQ(decode_symbols(low, 1, 0, 5).error().code(), Errc::kMalformed);
  ByteReader short_of(ByteView(out.bytes()).first(11));
  EXPECT_EQ(decode_symbols(short_of, 1, 0, 5).error().code(), Errc::kTruncated);
}

TEST(CodedSymbols, AnotherKeyGivesOtherShortIds) {
  const Bytes id(16, 7);
  const ShortId one = SymbolKey(kRoot, 1, 2).short_id(id);
  EXPECT_EQ(one, SymbolKey(kRoot, 1, 2).short_id(id));
  EXPECT_NE(one, SymbolKey(kRoot, 2, 1).short_id(id));
  EXPECT_NE(one, SymbolKey(kRoot, 1, 3).short_id(id));
  RootFingerprint other;
  other.bytes[0] = 1;
  EXPECT_NE(one, SymbolKey(other, 1, 2).short_id(id));
}

TEST(CodedSymbols, SequenceStartsAtTheFirstSymbolAndThinsOut) {
  std::mt19937_64 mixer(3);
  std::size_t in_first = 0, in_tenth = 0, in_hundredth = 0;
  for (int i = 0; i < 20'000; ++i) {
    for (SymbolSequence at(mixer()); at.index() <= 98; at.advance()) {
      in_first += at.index() == 0;
      in_tenth += at.index() == 8;
      in_hundredth += at.index() == 98;
    }
  }
  EXPECT_EQ(in_first, 20'000U);
  EXPECT_NEAR(static_cast<double>(in_tenth), 4'000, 300);    // 2 / 10
  EXPECT_NEAR(static_cast<double>(in_hundredth), 400, 100);  // 2 / 100
}

}  // namespace
}  // namespace lienthong
