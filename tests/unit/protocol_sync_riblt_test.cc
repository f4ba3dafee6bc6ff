#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "protocol/sync/riblt.h"

namespace lienthong {
namespace {

const RootFingerprint kRoot{};
constexpr std::uint64_t kEntries = 1000;  // of the larger set, as a run says it

struct Sets {
  std::vector<ShortId> both, ours, theirs;
};

Sets random_sets(std::uint64_t seed, std::size_t both, std::size_t ours, std::size_t theirs) {
  std::mt19937_64 mixer(seed);
  const auto draw = [&](std::size_t count) {
    std::vector<ShortId> out(count);
    for (ShortId& id : out) id = mixer() >> 24;  // of 5 bytes
    return out;
  };
  return {draw(both), draw(ours), draw(theirs)};
}

Sketch sketch_of(const SymbolKey& key, std::size_t size, const std::vector<ShortId>& common,
                 const std::vector<ShortId>& own) {
  Sketch sketch(key, size);
  sketch.add(common);
  sketch.add(own);
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
        const SymbolKey key(kRoot, seed, 77, kEntries);
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
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const SymbolKey key(kRoot, seed, 5, kEntries);
    const Sets sets = random_sets(seed, 100, 400, 600);
    failed += !peel(key, difference_of(key, sets, symbols_for(1000)));
  }
  EXPECT_LE(failed, 4);
}

// A check of 8 bits takes what is no id for one in every fifth of these; it must cancel out.
TEST(CodedSymbols, WhatIsTakenForAnIdByMistakeCancelsOut) {
  int failed = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const SymbolKey key(kRoot, seed, 6, kEntries);
    const Sets sets = random_sets(seed, 0, 500, 500);
    const auto found = peel(key, difference_of(key, sets, 1700));
    if (!found) {
      ++failed;
      continue;
    }
    EXPECT_EQ(sorted(found->ours), sorted(sets.ours));
    EXPECT_EQ(sorted(found->theirs), sorted(sets.theirs));
  }
  EXPECT_LE(failed, 1);
}

TEST(CodedSymbols, OfEqualSetsAreEmptyWhenSubtracted) {
  const SymbolKey key(kRoot, 1, 2, kEntries);
  const auto difference = difference_of(key, random_sets(9, 1000, 0, 0), 32);
  EXPECT_TRUE(std::ranges::all_of(difference, &CodedSymbol::is_empty));
  const auto found = peel(key, difference);
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(found->ours.empty() && found->theirs.empty());
}

TEST(CodedSymbols, TooFewOfThemSayNothing) {
  const SymbolKey key(kRoot, 1, 2, kEntries);
  EXPECT_FALSE(peel(key, difference_of(key, random_sets(3, 10, 300, 300), 200)).has_value());
}

TEST(CodedSymbols, AShortIdTwiceInBothSetsDoesNoHarm) {
  const SymbolKey key(kRoot, 3, 4, kEntries);
  Sets sets = random_sets(4, 500, 5, 5);
  sets.both.push_back(sets.both.front());
  const auto found = peel(key, difference_of(key, sets, 64));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(sorted(found->theirs), sorted(sets.theirs));
}

TEST(CodedSymbols, AShortIdTwiceInOneSetIsNotTakenForADifferenceThatItIsNot) {
  const SymbolKey key(kRoot, 3, 4, kEntries);
  Sets sets = random_sets(4, 500, 5, 5);
  sets.theirs.push_back(sets.theirs.front());
  EXPECT_FALSE(peel(key, difference_of(key, sets, 512)).has_value());
}

TEST(CodedSymbols, MadeUpOnesEndWithoutADifference) {
  std::mt19937_64 mixer(8);
  const SymbolKey key(kRoot, 3, 4, kEntries);
  // Noise, and the worst case: every symbol seems to hold one and the same id.
  std::vector<CodedSymbol> noise(500), pure(500);
  const ShortId id = mixer() >> 24;
  for (std::size_t i = 0; i < noise.size(); ++i) {
    const std::uint8_t count = i % 2 == 0 ? 1 : 255;
    noise[i] = {mixer() >> 24, static_cast<std::uint8_t>(mixer()), count};
    pure[i] = {id, key.check_of(id), count};
  }
  EXPECT_FALSE(peel(key, noise).has_value());
  EXPECT_FALSE(peel(key, pure).has_value());
}

TEST(CodedSymbols, DifferenceIsEstimatedFromFewOfThem) {
  const SymbolKey key(kRoot, 6, 4, kEntries);
  int good = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Sets sets = random_sets(seed, 50, 500, 100);
    const auto guess = estimate_difference(difference_of(key, sets, 32), 100 - 500);
    good += guess >= 400 && guess <= 1000;
  }
  EXPECT_GE(good, 16);
}

TEST(CodedSymbols, OfManyDifferencesAreEstimatedThoughCountsAreModulo256) {
  const SymbolKey key(kRoot, 6, 4, kEntries);
  const Sets sets = random_sets(3, 50, 30'000, 2'000);
  const auto guess = estimate_difference(difference_of(key, sets, 4000), 2'000 - 30'000);
  EXPECT_GE(guess, 28'000U);
  EXPECT_LE(guess, 40'000U);
}

TEST(CodedSymbols, TravelInSevenBytesEachOrEightWhereFeedsAreLarge) {
  for (const std::uint64_t entries : {std::uint64_t{1} << 20, (std::uint64_t{1} << 20) + 1}) {
    const SymbolKey key(kRoot, 6, 4, entries);
    std::vector<ShortId> ids;
    for (std::uint8_t i = 0; i < 200; ++i) ids.push_back(key.short_id(Bytes(16, i)));
    const Sketch sketch = sketch_of(key, 150, ids, {});
    ByteWriter out;
    encode_symbols(out, sketch.symbols(), key.id_bytes());
    EXPECT_EQ(out.size(), 150 * (entries > std::uint64_t{1} << 20 ? 8U : 7U));
    ByteReader in(out.bytes());
    const auto back = decode_symbols(in, 150, key.id_bytes());
    ASSERT_TRUE(back.ok());
    EXPECT_TRUE(std::ranges::equal(*back, sketch.symbols()));
    EXPECT_TRUE(in.empty());
    ByteReader short_of(ByteView(out.bytes()).first(out.size() - 1));
    EXPECT_EQ(decode_symbols(short_of, 150, key.id_bytes()).error().code(), Errc::kTruncated);
  }
}

TEST(CodedSymbols, AddedTogetherAreThoseAddedOneByOne) {
  const SymbolKey key(kRoot, 6, 4, kEntries);
  std::vector<ShortId> ids = random_sets(2, 1003, 0, 0).both;
  ids[7] = 0;  // nothing lies there
  Sketch together(key, 500), alone(key, 500);
  together.add(ids);
  for (const ShortId& id : ids) alone.add(std::span(&id, 1));
  EXPECT_TRUE(std::ranges::equal(together.symbols(), alone.symbols()));
  EXPECT_EQ(together.symbols()[0].count, 1002 % 256);
}

TEST(CodedSymbols, AnotherKeyGivesOtherShortIds) {
  const Bytes id(16, 7);
  const ShortId one = SymbolKey(kRoot, 1, 2, kEntries).short_id(id);
  EXPECT_EQ(one, SymbolKey(kRoot, 1, 2, kEntries).short_id(id));
  EXPECT_NE(one, SymbolKey(kRoot, 2, 1, kEntries).short_id(id));
  EXPECT_NE(one, SymbolKey(kRoot, 1, 3, kEntries).short_id(id));
  RootFingerprint other;
  other.bytes[0] = 1;
  EXPECT_NE(one, SymbolKey(other, 1, 2, kEntries).short_id(id));
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
