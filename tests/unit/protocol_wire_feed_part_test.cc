#include <gtest/gtest.h>
#include <zstd.h>

#include <random>

#include "protocol/wire/feed_part.h"
#include "protocol/wire/fragment.h"
#include "protocol/wire/limits.h"
#include "protocol/wire/message.h"

namespace lienthong {
namespace {

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  template <class T>
  T id() {
    T id;
    for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(random_());
    return id;
  }
  Bytes bytes(std::size_t size) {
    Bytes out(size);
    for (auto& byte : out) byte = static_cast<std::uint8_t>(random_());
    return out;
  }
  Update update(const std::vector<UpdateId>& before, const std::vector<RecordId>& records) {
    Update update;
    Envelope& envelope = update.envelope;
    envelope.certificate = certificates_[below(certificates_.size())];
    envelope.tree_version = static_cast<TreeVersion>(below(3));
    envelope.rules_version = static_cast<std::uint16_t>(below(3));
    envelope.hlc.value = below(4) == 0 ? random_() : below(1'000'000);
    if (!records.empty() && below(4) != 0) {
      envelope.record = below(5) == 0 ? id<RecordId>() : records[below(records.size())];
      for (std::uint64_t i = below(5); i > 0; --i) {
        envelope.deps.push_back(before.empty() || below(3) == 0 ? id<UpdateId>()
                                                                : before[below(before.size())]);
      }
      std::sort(envelope.deps.begin(), envelope.deps.end());
      envelope.deps.erase(std::unique(envelope.deps.begin(), envelope.deps.end()),
                          envelope.deps.end());
      if (below(2) == 0) envelope.link = before.empty() ? id<UpdateId>() : before.back();
    }
    update.open = bytes(below(60));
    if (below(2) == 0) update.closed = bytes(1 + below(60));
    if (below(3) != 0) update.closed_hash = id<Hash256>();
    return update;
  }
  FeedPart part() {
    FeedPart part;
    part.epoch = random_();
    part.first = 1 + below(1000);
    part.last = part.first + below(100);
    part.hash = random_();
    for (int i = 0; i < 3; ++i) certificates_.push_back(id<CertificateId>());
    std::vector<UpdateId> ids;
    std::vector<RecordId> records;
    for (std::uint64_t u = below(6); u > 0; --u) {
      SealedUnit unit;
      unit.seal.certificate = certificates_[below(certificates_.size())];
      unit.seal.incarnation = random_();
      unit.seal.number = static_cast<std::uint32_t>(1 + below(3));
      if (unit.seal.number > 1) unit.seal.previous = id<SealId>();
      unit.seal.root = id<Hash256>();
      unit.seal.count = static_cast<std::uint16_t>(1 + below(kSealUpdateCountMax));
      for (auto& byte : unit.seal.signature) byte = static_cast<std::uint8_t>(random_());
      for (std::uint64_t i = below(4); i > 0; --i) unit.proof.push_back(id<Hash256>());
      for (std::uint16_t index = 0; index < unit.seal.count && unit.leaves.size() < 12; ++index) {
        if (below(3) == 0) continue;
        unit.leaves.push_back(SealedLeaf{index, update(ids, records)});
        const Update& made = unit.leaves.back().update;
        ids.push_back(update_id(root, made));
        records.push_back(record_of(made, ids.back()));
      }
      part.units.push_back(std::move(unit));
    }
    return part;
  }
  FeedPart registry_part() {
    FeedPart part;
    part.first = 1;
    part.last = 2;
    Statement by_root{bytes(40), RootSignature{id<NodeId>(), {}}};
    Statement genesis{bytes(100), std::monostate()};
    part.statements = {genesis, by_root};
    return part;
  }

  RootFingerprint root;

 private:
  std::mt19937_64 random_;
  std::vector<CertificateId> certificates_;
};

TEST(FeedPart, ComesBackExactly) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Maker maker(seed);
    const FeedPart part = maker.part();
    const Bytes bytes = wire::encode_feed_part(maker.root, part);
    const auto back = wire::decode_feed_part(maker.root, bytes);
    ASSERT_TRUE(back.ok()) << seed << ' ' << back.error().message();
    ASSERT_EQ(*back, part) << seed;
  }
}

TEST(FeedPart, CarriesStatementsVerbatim) {
  Maker maker(1);
  const FeedPart part = maker.registry_part();
  const auto back = wire::decode_feed_part(maker.root, wire::encode_feed_part(maker.root, part));
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(*back, part);
}

TEST(FeedPart, NamesParentsInsideThePartByPlace) {
  Maker maker(5);
  FeedPart part;
  part.first = part.last = 1;
  SealedUnit unit;
  unit.seal.number = 1;
  unit.seal.count = 2;
  Update first;
  unit.leaves.push_back(SealedLeaf{0, first});
  const UpdateId parent = update_id(maker.root, first);
  Update second;
  second.envelope.record = id_cast<RecordId>(parent);
  second.envelope.deps = {parent};
  second.envelope.link = parent;
  part.units = {unit};
  const std::size_t before = wire::encode_feed_part(maker.root, part).size();
  part.units[0].leaves.push_back(SealedLeaf{1, second});
  EXPECT_LE(wire::encode_feed_part(maker.root, part).size(), before + 10);
}

TEST(FeedPart, RejectsEveryTruncation) {
  Maker maker(3);
  const Bytes bytes = wire::encode_feed_part(maker.root, maker.part());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(wire::decode_feed_part(maker.root, ByteView(bytes).first(size)).ok()) << size;
  }
}

TEST(FeedPart, RejectsBytesLeft) {
  Maker maker(3);
  Bytes bytes = wire::encode_feed_part(maker.root, maker.part());
  bytes.push_back(0);
  EXPECT_FALSE(wire::decode_feed_part(maker.root, bytes).ok());
}

TEST(FeedPart, RejectsDepsOutOfOrder) {
  Maker maker(3);
  FeedPart part;
  part.first = part.last = 1;
  SealedUnit unit;
  unit.seal.number = 1;
  unit.seal.count = 1;
  Update update;
  update.envelope.deps = {maker.id<UpdateId>(), maker.id<UpdateId>()};
  std::sort(update.envelope.deps.rbegin(), update.envelope.deps.rend());
  unit.leaves.push_back(SealedLeaf{0, update});
  part.units = {unit};
  const auto back = wire::decode_feed_part(maker.root, wire::encode_feed_part(maker.root, part));
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code(), Errc::kMalformed);
}

TEST(FeedPart, RejectsWhatIsOverAMessage) {
  const auto back = wire::decode_feed_part({}, Bytes(kMessageBytesMax + 1));
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code(), Errc::kTooLarge);
}

std::vector<wire::Message> one_of_each() {
  Maker maker(9);
  Cursor cursor;
  cursor.mark = FeedMark{3, 4, 5};
  cursor.ranges = {{7, 8, 9}};
  const FeedPart registry_part = maker.registry_part();
  return {wire::PartMessage{FeedKind::kUpdates, maker.part()},
          wire::PartMessage{FeedKind::kRegistry, registry_part},
          wire::AckMessage{FeedKind::kRegistry, cursor},
          wire::EndMessage{FeedKind::kUpdates, 3, 4},
          wire::BeginMessage{FeedKind::kRegistry, 3, 5},
          wire::RefusedMessage{{maker.id<UpdateId>()}, "bad-form"},
          wire::PingMessage{77},
          wire::PongMessage{78},
          wire::CredentialsMessage{registry_part.statements},
          wire::CloseMessage{3, "text"},
          wire::OptionalMessage{200}};
}

TEST(Message, ComesBackExactly) {
  for (const wire::Message& message : one_of_each()) {
    const auto back = wire::decode_message({}, wire::encode_message({}, message));
    ASSERT_TRUE(back.ok()) << message.index() << ' ' << back.error().message();
    EXPECT_EQ(*back, message) << message.index();
  }
}

TEST(Message, RejectsEveryTruncation) {
  for (const wire::Message& message : one_of_each()) {
    const Bytes bytes = wire::encode_message({}, message);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(wire::decode_message({}, ByteView(bytes).first(size)).ok());
    }
  }
}

TEST(Message, PassesOverTheBodyOfAnOptionalType) {
  const auto back = wire::decode_message({}, Bytes{200, 1, 2, 3});
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(std::get<wire::OptionalMessage>(*back).type, 200);
}

TEST(Message, RejectsAnUnknownTypeThatIsNotOptional) {
  for (const std::uint8_t type : Bytes{0, 10, 127}) {
    const auto back = wire::decode_message({}, Bytes{type, 1, 2, 3});
    ASSERT_FALSE(back.ok());
    EXPECT_EQ(back.error().code(), Errc::kMalformed);
  }
}

TEST(Message, RejectsUnitsInTheFeedOfTheRegistry) {
  Maker maker(4);
  FeedPart part = maker.part();
  part.units.resize(1);
  const Bytes bytes = wire::encode_message({}, wire::PartMessage{FeedKind::kRegistry, part});
  const auto back = wire::decode_message({}, bytes);
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code(), Errc::kMalformed);
}

Result<std::optional<Bytes>> assembled(wire::Assembler& assembler,
                                       const std::vector<Bytes>& plaintexts) {
  Result<std::optional<Bytes>> last = std::optional<Bytes>();
  for (const Bytes& plaintext : plaintexts) {
    last = assembler.add(plaintext);
    if (!last.ok()) return last;
  }
  return last;
}

TEST(Fragment, ComesBackExactlyWhateverItsSize) {
  Maker maker(2);
  wire::Assembler assembler;
  for (const std::size_t size :
       {std::size_t{1}, wire::kCompressBytesMin, std::size_t{5000}, wire::kPlaintextBytesMax - 1,
        wire::kPlaintextBytesMax, kMessageBytesMax}) {
    for (const bool random : {true, false}) {
      const Bytes message = random ? maker.bytes(size) : Bytes(size, 7);
      const auto back = assembled(assembler, wire::split_message(wire::Lane::kUpdates, message));
      ASSERT_TRUE(back.ok()) << back.error().message();
      ASSERT_TRUE(back->has_value());
      EXPECT_EQ(**back, message);
    }
  }
}

TEST(Fragment, CompressesWhatGetsSmaller) {
  const Bytes text = to_bytes(as_bytes(std::string(200, 'a') + "Tam " + std::string(900, 'b')));
  EXPECT_LT(wire::split_message(wire::Lane::kControl, text)[0].size(), 100U);
}

TEST(Fragment, KeepsLanesApart) {
  Maker maker(2);
  const Bytes large = maker.bytes(100'000);
  const Bytes small = maker.bytes(10);
  const auto pieces = wire::split_message(wire::Lane::kUpdates, large);
  ASSERT_EQ(pieces.size(), 2U);
  wire::Assembler assembler;
  ASSERT_TRUE(assembler.add(pieces[0]).ok());
  const auto between = assembled(assembler, wire::split_message(wire::Lane::kControl, small));
  ASSERT_TRUE(between.ok());
  EXPECT_EQ(**between, small);
  const auto last = assembler.add(pieces[1]);
  ASSERT_TRUE(last.ok());
  EXPECT_EQ(**last, large);
}

TEST(Fragment, RejectsAZipBomb) {
  // 64 KiB of zeros pack into some twenty bytes: a ratio no sender of ours uses.
  const Bytes zeros(64 * 1024);
  const auto honest = wire::split_message(wire::Lane::kUpdates, zeros);
  EXPECT_EQ(honest.size(), 2U) << "not compressed beyond what the reader inflates";
  Bytes bomb(1000);
  bomb[0] = 2 | 8 | 16;  // lane of updates, last, compressed
  bomb.resize(1 + ZSTD_compress(bomb.data() + 1, bomb.size() - 1, zeros.data(), zeros.size(), 3));
  wire::Assembler assembler;
  const auto back = assembler.add(bomb);
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code(), Errc::kTooLarge);
}

TEST(Fragment, RejectsAMessageThatNeverEnds) {
  wire::Assembler assembler;
  Bytes piece(60'000, 1);
  piece[0] = static_cast<std::uint8_t>(wire::Lane::kUpdates);
  Result<std::optional<Bytes>> last = std::optional<Bytes>();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(assembler.add(piece).ok());
  last = assembler.add(piece);
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error().code(), Errc::kTooLarge);
}

TEST(Fragment, RejectsBadFlagsLanesAndEmptyPieces) {
  for (const Bytes& plaintext :
       {Bytes{}, Bytes{8}, Bytes{0x0d, 1}, Bytes{0x20 | 8, 1}, Bytes{8 | 16, 1, 2, 3}}) {
    wire::Assembler assembler;
    EXPECT_FALSE(assembler.add(plaintext).ok());
  }
}

TEST(Fragment, RejectsPiecesThatDisagreeOnCompression) {
  wire::Assembler assembler;
  ASSERT_TRUE(assembler.add(Bytes{2, 1}).ok());
  const auto last = assembler.add(Bytes{2 | 8 | 16, 1});
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error().code(), Errc::kMalformed);
}

}  // namespace
}  // namespace lienthong
