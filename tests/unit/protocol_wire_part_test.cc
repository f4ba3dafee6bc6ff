// The body of a part: what goes in comes out, and what does not is found out.
#include <gtest/gtest.h>

#include "protocol/base/limits.h"
#include "protocol/wire/columns_body.h"
#include "protocol/wire/columns_coder.h"
#include "protocol/wire/part.h"
#include "tests/support/part_maker.h"

namespace lienthong {
namespace {

using test::FakeNames;
using test::PartMaker;

TEST(PartBody, ComesBackExactlyInFull) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    PartMaker maker(seed);
    const FeedPart part = maker.part(1 + maker.below(4), seed % 3 == 0 ? 4 : 60);
    const auto back =
        wire::decode_part_body(maker.root, wire::encode_part_body(maker.root, part), nullptr);
    ASSERT_TRUE(back.ok()) << seed << ' ' << back.error().message();
    ASSERT_EQ(*back, part) << seed;
  }
}

// Units go by their seals, so updates of a record may come before the one that created it.
TEST(PartBody, ComesBackExactlyWhateverTheOrderOfItsUnits) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    PartMaker maker(seed);
    FeedPart part = maker.part(4, seed % 3 == 0 ? 4 : 30);
    std::ranges::reverse(part.units);
    const auto back =
        wire::decode_part_body(maker.root, wire::encode_part_body(maker.root, part), nullptr);
    ASSERT_TRUE(back.ok()) << seed << ' ' << back.error().message();
    ASSERT_EQ(*back, part) << seed;
  }
}

TEST(PartBody, ComesBackExactlyByShortNames) {
  std::size_t secrets = 0, roots = 0;  // computed by the decoder
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    PartMaker maker(seed);
    FakeNames sender, receiver;
    maker.accounts = seed % 2 == 0;
    sender.accounts = seed % 4 == 0;
    for (const AgencyId& agency : maker.agencies) sender.agencies[agency];
    receiver.agencies = sender.agencies;
    for (int i = 0; i < 8; ++i) {
      const FeedPart part = maker.part(1 + maker.below(2), i % 2 == 0 ? 3 : 40, true);
      sender.enter(maker.root, part);
      for (const CertificateId& certificate : maker.certificates)
        sender.certificates[certificate], receiver.certificates[certificate];
      const Bytes body = wire::encode_part_body(maker.root, part, &sender);
      const auto back = wire::decode_part(maker.root, body, &receiver);
      ASSERT_TRUE(back.ok()) << seed << ' ' << back.error().message();
      ASSERT_EQ(back->units, part.units) << seed;
      for (std::size_t u = 0; u < part.units.size(); ++u) {
        const SealedUnit& unit = part.units[u];
        const wire::UnitFacts& facts = back->facts[u];
        std::vector<Hash256> leaves;
        for (std::size_t k = 0; k < unit.leaves.size(); ++k) {
          const Update& update = unit.leaves[k].update;
          ASSERT_EQ(facts.ids[k], update_id(maker.root, update));
          leaves.push_back(id_cast<Hash256>(facts.ids[k]));
          if (!facts.secrets[k]) continue;
          ++secrets;
          ASSERT_TRUE(check_closed(maker.root, *facts.secrets[k], update).ok());
        }
        if (!facts.root_computed) continue;
        ++roots;
        ASSERT_EQ(leaves.size(), unit.seal.count);
        ASSERT_EQ(merkle_root(maker.root, leaves), unit.seal.root);
      }
      receiver.enter(maker.root, part);
    }
  }
  EXPECT_GT(secrets, 100U);
  EXPECT_GT(roots, 50U);
}

// One record known to both, one update of it to send.
struct OneUpdate {
  PartMaker maker{7};
  FakeNames sender, receiver;
  FeedPart before, part;
  RecordId record;

  OneUpdate() {
    Update first = made(UpdateKind::kCreated);
    before.units.push_back(sealed(first, 1));
    const UpdateId id = update_id(maker.root, first);
    record = id_cast<RecordId>(id);
    Update second = made(UpdateKind::kSet);
    second.envelope.record = record;
    second.envelope.deps = {id};
    second.envelope.link = id;
    part.units.push_back(sealed(second, 2));
    sender.enter(maker.root, before);
    sender.enter(maker.root, part);
    receiver.enter(maker.root, before);
  }
  Update made(UpdateKind kind) const {
    Update update;
    update.envelope.certificate = maker.certificates[0];
    OpenBody open;
    open.kind = kind;
    update.open = wire::encode(open);
    return update;
  }
  SealedUnit sealed(const Update& update, std::uint32_t number) const {
    SealedUnit unit;
    unit.seal.certificate = maker.certificates[0];
    unit.seal.incarnation = 1;
    unit.seal.number = number;
    if (number > 1) unit.seal.previous = seal_id(maker.root, before.units[0].seal);
    unit.seal.count = 1;
    const Hash256 leaf = id_cast<Hash256>(update_id(maker.root, update));
    unit.seal.root = merkle_root(maker.root, {&leaf, 1});
    unit.leaves.push_back({0, update});
    return unit;
  }
  Bytes encode() const { return wire::encode_part_body(maker.root, part, &sender); }
  Result<wire::PartBody> decode() const {
    return wire::decode_part(maker.root, encode(), &receiver);
  }
};

TEST(PartBody, NamesWhatBothHoldInAFewBytes) {
  const OneUpdate one;
  ASSERT_TRUE(one.decode().ok());
  EXPECT_EQ(one.decode()->units, one.part.units);
  // Signature 64, incarnation 8, certificate 4, record 4: the rest is structure.
  EXPECT_LE(one.encode().size(), 64 + 8 + 4 + 4 + 24U);
}

// A reader that holds some of the leaves of seals whose ids begin alike.
class HoldsSeals : public FakeNames {
 public:
  std::vector<std::pair<HeldSeal, std::vector<Hash256>>> held;  // each with what it proves with
  std::vector<HeldSeal> held_seals(ByteView prefix) const override {
    EXPECT_EQ(prefix.size(), 3U);
    std::vector<HeldSeal> out;
    for (const auto& [seal, proof] : held) out.push_back(seal);
    return out;
  }
  std::optional<std::vector<Hash256>> seal_proof(const SealId& id,
                                                 std::span<const std::uint16_t>) const override {
    for (const auto& [seal, proof] : held)
      if (seal.id == id) return proof;
    return std::nullopt;
  }
  std::size_t prefix_size(const SealId&) const override { return 3; }
  using FakeNames::prefix_size;
};

// Every third of `count` new records, with their proof.
SealedUnit some_of(PartMaker& maker, std::uint16_t count, const CertificateId& certificate) {
  std::vector<IndexedLeaf> all, some;
  SealedUnit out;
  for (std::uint16_t i = 0; i < count; ++i) {
    Update update;
    update.envelope.certificate = certificate;
    update.envelope.hlc.value = maker.below(1ULL << 40);
    OpenBody open;
    open.kind = UpdateKind::kCreated;
    update.open = wire::encode(open);
    all.push_back({i, id_cast<Hash256>(update_id(maker.root, update))});
    if (i % 3 == 1) out.leaves.push_back({i, std::move(update)});
  }
  std::vector<Hash256> values;
  for (const IndexedLeaf& leaf : all) values.push_back(leaf.value);
  out.seal.certificate = certificate;
  out.seal.incarnation = maker.below(100);
  out.seal.number = 1;
  out.seal.count = count;
  out.seal.root = merkle_root(maker.root, values);
  SealEvidence evidence(out.seal);
  EXPECT_TRUE(evidence.absorb(maker.root, all, {}).ok());
  std::vector<std::uint16_t> indices;
  for (const SealedLeaf& leaf : out.leaves) indices.push_back(leaf.index);
  out.proof = evidence.prove(maker.root, indices);
  return out;
}

TEST(PartBody, NamesAHeldSealInThreeBytesAndTellsItFromOthersByItsLeaves) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    PartMaker maker(seed);
    const CertificateId& certificate = maker.certificates[0];
    HoldsSeals sender, receiver;
    sender.seals_held = true;
    sender.certificates[certificate], receiver.certificates[certificate];
    FeedPart part;
    const std::uint16_t count = seed % 2 == 0 ? 5 : 60;  // coded where it is large
    part.units.push_back(some_of(maker, count, certificate));
    const SealedUnit& unit = part.units.front();
    const Bytes body = wire::encode_part_body(maker.root, part, &sender);
    EXPECT_EQ(wire::decode_part(maker.root, body, &receiver).error().code(), Errc::kUnclear);
    for (int i = 0; i < 3; ++i) {  // too few leaves, as many, another machine's
      const SealedUnit other =
          some_of(maker, i == 0 ? 2 : count, i == 2 ? maker.id<CertificateId>() : certificate);
      receiver.held.push_back({{seal_id(maker.root, other.seal), other.seal}, other.proof});
    }
    EXPECT_EQ(wire::decode_part(maker.root, body, &receiver).error().code(), Errc::kUnclear);
    receiver.held.push_back({{seal_id(maker.root, unit.seal), unit.seal}, unit.proof});
    const auto back = wire::decode_part(maker.root, body, &receiver);
    ASSERT_TRUE(back.ok()) << seed << ' ' << back.error().message();
    EXPECT_EQ(back->units, part.units);
  }
}

TEST(PartBody, IsUnclearWhereTheRecordIsNotHere) {
  OneUpdate one;
  one.receiver.records.clear();
  ASSERT_FALSE(one.decode().ok());
  EXPECT_EQ(one.decode().error().code(), Errc::kUnclear);
}

TEST(PartBody, IsUnclearWhereTwoRecordsBeginAlike) {
  OneUpdate one;
  RecordId other = one.record;
  other.bytes[10] ^= 1;
  one.receiver.records[other];
  ASSERT_FALSE(one.decode().ok());
  EXPECT_EQ(one.decode().error().code(), Errc::kUnclear);
}

TEST(PartBody, NamesLongerWhereTheSenderHoldsTwoRecordsThatBeginAlike) {
  OneUpdate one;
  RecordId other = one.record;
  other.bytes[10] ^= 1;
  one.receiver.records[other];
  one.sender.records[other];
  ASSERT_TRUE(one.decode().ok()) << one.decode().error().message();
  EXPECT_EQ(one.decode()->units, one.part.units);
}

TEST(PartBody, IsUnclearWhereTheCertificateOrTheSealBeforeIsNotHere) {
  OneUpdate one;
  one.receiver.certificates.clear();
  EXPECT_EQ(one.decode().error().code(), Errc::kUnclear);
  OneUpdate other;
  other.receiver.seals.clear();
  EXPECT_EQ(other.decode().error().code(), Errc::kUnclear);
}

TEST(PartBody, LeadsToNoSealWhereTheRecordStandsElsewhere) {
  OneUpdate one;
  one.receiver.records[one.record].now.heads = {one.maker.id<UpdateId>()};
  const auto back = one.decode();
  ASSERT_TRUE(back.ok());
  EXPECT_NE(back->units, one.part.units);
  // The root is computed from what came out, so it is the signature that finds it out.
  EXPECT_NE(back->units[0].seal.root, one.part.units[0].seal.root);
}

TEST(PartBody, InFullNeedsNothingHere) {
  OneUpdate one;
  const Bytes body = wire::encode_part_body(one.maker.root, one.part, nullptr);
  const FakeNames empty;
  const auto back = wire::decode_part(one.maker.root, body, &empty);
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(back->units, one.part.units);
}

TEST(PartBody, NamedShortlyIsUnclearWithoutNames) {
  const OneUpdate one;
  const auto back = wire::decode_part(one.maker.root, one.encode(), nullptr);
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code(), Errc::kUnclear);
}

// To ask for it in full once more would go on for ever.
TEST(PartBody, SaysInFullAndNamesShortlyIsMalformed) {
  const OneUpdate one;
  Bytes body = one.encode();
  body[0] |= 2;  // in full
  const auto back = wire::decode_part(one.maker.root, body, &one.receiver);
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code(), Errc::kMalformed);
}

// 200 copies of one long text take a few bytes on the wire.
TEST(PartBody, RejectsWhatGrowsTooLarge) {
  PartMaker maker(3);
  FeedPart part;
  SealedUnit unit;
  unit.seal.number = 1;
  unit.seal.count = 200;
  OpenBody open;
  open.action = std::string(30'000, 'x');
  for (std::uint16_t i = 0; i < 200; ++i) {
    Update update;
    update.envelope.hlc.value = i;
    update.open = wire::encode(open);
    unit.leaves.push_back({i, update});
  }
  part.units.push_back(unit);
  const Bytes body = wire::encode_part_body(maker.root, part);
  EXPECT_LT(body.size(), 35'000U);
  const auto back = wire::decode_part_body(maker.root, body);
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code(), Errc::kTooLarge);
}

// Bodies that would take too many columns go verbatim.
TEST(PartBody, CarriesMoreFieldsThanColumns) {
  PartMaker maker(4);
  FeedPart part;
  SealedUnit unit;
  unit.seal.number = 1;
  unit.seal.count = 200;
  for (std::uint16_t i = 0; i < 200; ++i) {
    OpenBody open;
    for (std::uint16_t field = 0; field < 3; ++field)
      open.writes.push_back({static_cast<std::uint16_t>(3 * i + field), std::int64_t{i}});
    Update update;
    update.envelope.hlc.value = i;
    update.open = wire::encode(open);
    unit.leaves.push_back({i, update});
  }
  part.units.push_back(unit);
  const auto back = wire::decode_part_body(maker.root, wire::encode_part_body(maker.root, part));
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(*back, part);
}

TEST(PartBody, BearsMutations) {
  std::mt19937_64 random(5);
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    PartMaker maker(seed);
    const FeedPart part = maker.part(2, seed % 2 == 0 ? 4 : 40);
    FakeNames names;
    names.enter(maker.root, part);
    const Bytes whole = wire::encode_part_body(maker.root, part, &names);
    for (int i = 0; i < 400; ++i) {
      Bytes body = whole;
      for (std::uint64_t k = 1 + random() % 3; k > 0; --k)
        body[random() % body.size()] = static_cast<std::uint8_t>(random());
      if (random() % 4 == 0) body.resize(random() % body.size());
      const auto back = wire::decode_part(maker.root, body, &names);
      if (!back.ok()) {
        const Errc code = back.error().code();
        EXPECT_TRUE(code == Errc::kMalformed || code == Errc::kTruncated ||
                    code == Errc::kTooLarge || code == Errc::kUnclear)
            << back.error().message();
      }
    }
  }
}

TEST(PartBody, KeepsWhatCannotBeCompressedAtItsEnd) {
  PartMaker maker(1);
  const FeedPart part = maker.part(3, 40);
  const Bytes body = wire::encode_part_body(maker.root, part);
  EXPECT_GE(wire::dense_tail(body), 3 * 64U) << "signatures";
  EXPECT_LT(wire::dense_tail(body), body.size());
  EXPECT_EQ(wire::dense_tail(Bytes{}), 0U);
}

// ---- bodies ----

TEST(Columns, TakeApartAndRebuildWhatCapnProtoWrites) {
  PartMaker maker(11);
  maker.accounts = true;
  std::size_t open_apart = 0, open_count = 0, closed_apart = 0, closed_count = 0;
  for (int i = 0; i < 3'000; ++i) {
    const Update update = maker.update();
    std::vector<wire::Value> values;
    std::vector<wire::Item> items;
    wire::Shape shape;
    if (wire::decode_open(update.open).ok()) {
      ++open_count;
      if (wire::take_apart_open(update.open, shape, values, items)) {
        ++open_apart;
        ASSERT_EQ(wire::rebuild(shape, values, items), update.open);
      }
    }
    values.clear();
    items.clear();
    if (!update.closed.empty() && update.closed.size() != 16) {
      ++closed_count;
      if (wire::take_apart_closed(update.closed, shape, values, items, true)) {
        ++closed_apart;
        ASSERT_EQ(wire::rebuild(shape, values, items), update.closed);
      }
    }
  }
  EXPECT_GT(open_count, 2'000U);
  EXPECT_EQ(open_apart, open_count);
  EXPECT_EQ(closed_apart, closed_count);
}

TEST(PartBody, AccountsAreAColumnForThoseWhoKnowIt) {
  PartMaker maker(17);
  maker.accounts = true;
  const FeedPart part = maker.part(4, 60, true);
  FakeNames names, receiver;
  names.enter(maker.root, part);
  for (const AgencyId& id : maker.agencies) names.agencies[id], receiver.agencies[id];
  for (const auto& id : maker.certificates) names.certificates[id], receiver.certificates[id];
  const Bytes verbatim = wire::encode_part_body(maker.root, part, &names);
  names.accounts = true;
  const Bytes column = wire::encode_part_body(maker.root, part, &names);
  EXPECT_LT(column.size(), verbatim.size());
  for (const Bytes& body : {column, verbatim})
    EXPECT_EQ(wire::decode_part(maker.root, body, &receiver).value().units, part.units);
}

TEST(Columns, LeaveABodyOfALaterVersionAsItIs) {
  const Bytes later{0, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0};
  std::vector<wire::Value> values;
  std::vector<wire::Item> items;
  wire::Shape shape;
  EXPECT_FALSE(wire::take_apart_closed(later, shape, values, items, true));
  EXPECT_TRUE(values.empty());
}

TEST(Columns, TakeApartAnythingWithoutHarm) {
  PartMaker maker(5);
  std::vector<wire::Value> values;
  std::vector<wire::Item> items;
  wire::Shape shape;
  for (int i = 0; i < 3'000; ++i) {
    Bytes body = maker.update().open;
    for (int k = 0; k < 3 && !body.empty(); ++k)
      body[maker.below(body.size())] = static_cast<std::uint8_t>(maker.below(256));
    if (maker.below(4) == 0) body.resize(maker.below(body.size() + 1));
    values.clear();
    items.clear();
    if (wire::take_apart_open(body, shape, values, items)) {
      EXPECT_EQ(wire::rebuild(shape, values, items), body);
    }
  }
}

// ---- coded numbers ----

TEST(RangeCoder, GivesBackEveryNumber) {
  std::mt19937_64 random(9);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::uint64_t> numbers;
    for (std::uint64_t i = random() % 2'000; i > 0; --i) {
      const unsigned width = static_cast<unsigned>(random() % 65);
      numbers.push_back(width == 0 ? 0 : random() >> (64 - width));
    }
    wire::RangeEncoder out;
    wire::NumberModel model;
    for (const std::uint64_t number : numbers) {
      model.encode(out, number);
      out.direct(number, 5);
    }
    const Bytes bytes = out.finish();
    EXPECT_TRUE(bytes.empty() || bytes.back() != 0);
    wire::RangeDecoder in(bytes);
    wire::NumberModel again;
    for (const std::uint64_t number : numbers) {
      ASSERT_EQ(again.decode(in), number);
      ASSERT_EQ(in.direct(5), number & 31);
    }
    EXPECT_TRUE(in.finished());
  }
}

TEST(RangeCoder, CarriesThroughRunsOfOnes) {
  // Nearly always the likelier half: low climbs to the brink and over it.
  for (int tail = 0; tail < 64; ++tail) {
    wire::RangeEncoder out;
    wire::BitModel model;
    for (int i = 0; i < 3'000; ++i) out.bit(model, i % 97 != tail);
    const Bytes bytes = out.finish();
    wire::RangeDecoder in(bytes);
    wire::BitModel again;
    for (int i = 0; i < 3'000; ++i) ASSERT_EQ(in.bit(again), i % 97 != tail);
  }
}

Bytes coded(const std::vector<std::uint64_t>& numbers) {
  wire::RangeEncoder out;
  wire::NumberModel model;
  for (std::uint64_t number : numbers) model.encode(out, number);
  return out.finish();
}
// None unless they are what a writer of so many numbers ends with.
std::optional<std::vector<std::uint64_t>> numbers_of(ByteView bytes, std::size_t count) {
  wire::RangeDecoder in(bytes);
  wire::NumberModel model;
  std::vector<std::uint64_t> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(model.decode(in));
  return in.finished() ? std::optional(std::move(out)) : std::nullopt;
}

// Every string of up to two bytes, and their neighbourhood among longer ones.
TEST(RangeCoder, TakesOfAllSpellingsTheOneThatIsWritten) {
  for (const std::size_t count : {0U, 1U, 2U, 3U, 7U, 40U}) {
    std::size_t legal = 0;
    for (std::uint32_t i = 0; i < 65'536 + 256 + 1; ++i) {
      Bytes bytes;
      if (i > 0 && i <= 256) bytes = {static_cast<std::uint8_t>(i - 1)};
      if (i > 256)
        bytes = {static_cast<std::uint8_t>((i - 257) >> 8), static_cast<std::uint8_t>(i - 257)};
      const auto numbers = numbers_of(bytes, count);
      if (!numbers) continue;
      ASSERT_EQ(coded(*numbers), bytes) << count << " " << to_hex(bytes);
      ++legal;
    }
    EXPECT_GE(legal, 1U) << count;
  }
  std::mt19937_64 random(11);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::uint64_t> numbers(1 + random() % 20);
    for (auto& number : numbers) number = random() >> (random() % 65 % 64);
    const Bytes good = coded(numbers);
    ASSERT_EQ(numbers_of(good, numbers.size()), numbers);
    for (int change = 0; change < 600; ++change) {
      Bytes bytes = good;
      if (change % 3 == 0) bytes.resize(bytes.size() + 1 + random() % 5);
      if (change % 3 == 1 && !bytes.empty()) bytes.resize(random() % bytes.size());
      if (!bytes.empty())  // mostly at the end, where the choice lies
        bytes[bytes.size() - 1 - random() % std::min<std::size_t>(6, bytes.size())] =
            static_cast<std::uint8_t>(random());
      const auto others = numbers_of(bytes, numbers.size());
      if (others) {
        ASSERT_EQ(coded(*others), bytes);
      }
    }
  }
}

TEST(RangeCoder, ZerosWithoutEndCostAndLackNothing) {
  for (const std::size_t count : {10U, 1'000U, 100'000U}) {
    const std::vector<std::uint64_t> zeros(count);
    EXPECT_EQ(coded(zeros), Bytes()) << count;
    EXPECT_EQ(numbers_of({}, count), zeros);
    std::vector<std::uint64_t> numbers = zeros;
    numbers.front() = 70'000;
    EXPECT_EQ(numbers_of(coded(numbers), count), numbers) << count;
  }
}

TEST(RangeCoder, RefusesASizeOver64Bits) {
  for (unsigned size = 65; size < 128; ++size) {
    wire::RangeEncoder out;
    wire::NumberModel like;  // begins as that of a number does: every node by an own model
    std::array<wire::BitModel, 128> models;
    models[1].zero = 65'200;
    models[2].zero = 63'000;
    models[4].zero = 56'000;
    unsigned node = 1;
    for (unsigned i = 7; i-- > 0;) {
      const bool bit = (size >> i & 1) != 0;
      out.bit(models[node], bit);
      node = node << 1 | (bit ? 1 : 0);
    }
    const Bytes bytes = out.finish();
    wire::RangeDecoder in(bytes);
    static_cast<void>(like.decode(in));
    EXPECT_FALSE(in.sound()) << size;
  }
}

// The value that is left over when an odd range is halved.
TEST(RangeCoder, RefusesWhatLiesBeyondTheRange) {
  wire::RangeDecoder last(Bytes(4, 0xff));
  EXPECT_FALSE(last.sound());
  wire::RangeDecoder in(Bytes{0xff, 0xff, 0xff, 0xfe});
  EXPECT_TRUE(in.sound());
  static_cast<void>(in.direct(1));
  EXPECT_FALSE(in.sound());
}

// The last columns hold nothing but zeros, for thousands of bits: none of them costs a byte.
TEST(PartBody, ColumnsOfNothingButZerosComeBack) {
  const RootFingerprint root;
  FeedPart part;
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    if (i % 250 == 0) {
      part.units.emplace_back().seal.count = 250;
      part.units.back().seal.number = static_cast<std::uint32_t>(1 + i / 250);
    }
    Update update;
    update.envelope.hlc.value = i;
    OpenBody body;
    body.writes = {{0x3ff0, FieldValue(std::int64_t{0})}, {0x3ff1, FieldValue(std::int64_t{0})}};
    update.open = wire::encode(body);
    part.units.back().leaves.push_back({static_cast<std::uint16_t>(i % 250), update});
  }
  for (SealedUnit& unit : part.units) {
    std::vector<Hash256> leaves;
    for (const SealedLeaf& leaf : unit.leaves)
      leaves.push_back(id_cast<Hash256>(update_id(root, leaf.update)));
    unit.seal.root = merkle_root(root, leaves);
  }
  const auto back = wire::decode_part_body(root, wire::encode_part_body(root, part));
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(back->units, part.units);
}

}  // namespace
}  // namespace lienthong
