// What is said after the handshake, and how it is cut into frames and packed.
#include <gtest/gtest.h>

#include <random>

#include "protocol/base/limits.h"
#include "protocol/session/packer.h"
#include "protocol/wire/message.h"

namespace lienthong {
namespace {

Bytes random_bytes(std::size_t size, std::uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  Bytes out(size);
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random());
  return out;
}

std::vector<wire::Message> one_of_each() {
  Cursor cursor;
  cursor.mark = FeedMark{3, 4, 5};
  cursor.ranges = {{7, 8, 9}};
  const Statement genesis{random_bytes(100), std::monostate()};
  const EncodedPart part{0, {{1, 4, 9}, {6, 6, 10}}, Bytes{1, 2, 3}};
  UpdateId id;
  id.bytes[3] = 9;
  return {wire::PartMessage{FeedKind::kUpdates, part},
          wire::PartMessage{FeedKind::kRegistry, part, true},
          wire::CursorMessage{FeedKind::kRegistry, cursor},
          wire::AckMessage{FeedKind::kUpdates, 2, 300, {{302, 302, 0}, {304, 400, 0}}},
          wire::UnclearMessage{FeedKind::kUpdates, 7, {{1, 4, 9}, {6, 6, 10}}},
          wire::EndMessage{FeedKind::kUpdates, 4},
          wire::LevelMessage{3},
          wire::LanesMessage{0x1e, 2, "disk full"},
          wire::BeginMessage{FeedKind::kRegistry, 3, 5},
          wire::RefusedMessage{{id}, "bad-form"},
          wire::PingMessage{77},
          wire::PongMessage{78},
          wire::CredentialsMessage{{genesis}},
          wire::CloseMessage{3, "text"},
          wire::HealMessage{Bytes{1}},
          wire::BlobMessage{Bytes{1, 2}},
          wire::OptionalMessage{200}};
}

// Whose end is whatever its reader makes of it.
bool ends_anywhere(const wire::Message& message) {
  return std::holds_alternative<wire::PartMessage>(message) ||
         std::holds_alternative<wire::HealMessage>(message) ||
         std::holds_alternative<wire::BlobMessage>(message) ||
         std::holds_alternative<wire::AckMessage>(message);
}

TEST(Message, ComesBackExactly) {
  for (const wire::Message& message : one_of_each()) {
    const auto back = wire::decode_message(wire::encode_message(message));
    ASSERT_TRUE(back.ok()) << message.index() << ' ' << back.error().message();
    EXPECT_EQ(*back, message) << message.index();
  }
}

TEST(Message, RejectsEveryTruncation) {
  for (const wire::Message& message : one_of_each()) {
    if (ends_anywhere(message)) continue;
    const Bytes bytes = wire::encode_message(message);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(wire::decode_message(ByteView(bytes).first(size)).ok());
    }
  }
}

TEST(Message, RejectsAPartWithoutPlacesThatEndsAFeed) {
  Bytes bytes = wire::encode_message(wire::PartMessage{FeedKind::kUpdates, {0, {}, Bytes{1}}});
  EXPECT_TRUE(wire::decode_message(bytes).ok());
  bytes[1] |= 0x80;
  EXPECT_EQ(wire::decode_message(bytes).error().code(), Errc::kMalformed);
}

TEST(Message, PassesOverTheBodyOfAnOptionalType) {
  const auto back = wire::decode_message(Bytes{200, 1, 2, 3});
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(std::get<wire::OptionalMessage>(*back).type, 200);
}

TEST(Message, RejectsAnUnknownTypeThatIsNotOptional) {
  for (const std::uint8_t type : Bytes{0, 15, 127}) {
    const auto back = wire::decode_message(Bytes{type, 1, 2, 3});
    ASSERT_FALSE(back.ok());
    EXPECT_EQ(back.error().code(), Errc::kMalformed);
  }
}

TEST(Message, RejectsStretchesOutOfOrder) {
  wire::PartMessage message{FeedKind::kUpdates, {0, {{3, 4, 9}}, Bytes{1}}};
  Bytes bytes = wire::encode_message(message);
  bytes[3] = 0;  // the gap before the first stretch
  const auto back = wire::decode_message(bytes);
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code(), Errc::kMalformed);
}

Result<std::optional<wire::Packed>> assembled(wire::Assembler& assembler,
                                              const std::vector<Bytes>& plaintexts) {
  Result<std::optional<wire::Packed>> last = std::optional<wire::Packed>();
  for (const Bytes& plaintext : plaintexts) {
    last = assembler.add(plaintext);
    if (!last.ok()) return last;
  }
  return last;
}

wire::Packed plain(wire::Lane lane, Bytes bytes) {
  return wire::Packed{lane, wire::Packing::kPlain, std::move(bytes)};
}

TEST(Fragment, ComesBackExactlyWhateverItsSize) {
  wire::Assembler assembler;
  for (const std::size_t size : {std::size_t{1}, std::size_t{5000}, wire::kPlaintextBytesMax - 1,
                                 wire::kPlaintextBytesMax, kMessageBytesMax}) {
    for (const std::size_t piece : {std::size_t{4096}, wire::kPlaintextBytesMax}) {
      const Bytes message = random_bytes(size);
      const auto back =
          assembled(assembler, wire::split_message(plain(wire::Lane::kUpdates, message), piece));
      ASSERT_TRUE(back.ok()) << back.error().message();
      ASSERT_TRUE(back->has_value());
      EXPECT_EQ((*back)->bytes, message);
    }
  }
}

TEST(Fragment, KeepsLanesApart) {
  const Bytes large = random_bytes(100'000);
  const Bytes small = random_bytes(10);
  const auto pieces = wire::split_message(plain(wire::Lane::kUpdates, large));
  ASSERT_EQ(pieces.size(), 2U);
  wire::Assembler assembler;
  ASSERT_TRUE(assembler.add(pieces[0]).ok());
  const auto between =
      assembled(assembler, wire::split_message(plain(wire::Lane::kControl, small)));
  ASSERT_TRUE(between.ok());
  EXPECT_EQ((*between)->bytes, small);
  const auto last = assembler.add(pieces[1]);
  ASSERT_TRUE(last.ok());
  EXPECT_EQ((*last)->bytes, large);
}

TEST(Fragment, RejectsAMessageThatNeverEnds) {
  wire::Assembler assembler;
  Bytes piece(60'000, 1);
  piece[0] = static_cast<std::uint8_t>(wire::Lane::kUpdates);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(assembler.add(piece).ok());
  const auto last = assembler.add(piece);
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error().code(), Errc::kTooLarge);
}

TEST(Fragment, RejectsBadFlagsLanesAndEmptyPieces) {
  for (const Bytes& plaintext : {Bytes{}, Bytes{8}, Bytes{0x0d, 1}, Bytes{0x40 | 8, 1}}) {
    wire::Assembler assembler;
    EXPECT_FALSE(assembler.add(plaintext).ok());
  }
}

TEST(Fragment, RejectsPiecesThatDisagreeOnPacking) {
  wire::Assembler assembler;
  ASSERT_TRUE(assembler.add(Bytes{2, 1}).ok());
  const auto last = assembler.add(Bytes{2 | 8 | 16, 1});
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error().code(), Errc::kMalformed);
}

// ---- packing ----

TEST(Packer, GivesBackWhatWentInHoweverItIsPacked) {
  for (const std::uint32_t dictionary : {0U, 1U}) {
    Packer here(nullptr), there(nullptr);
    here.set_dictionary(dictionary);
    there.set_dictionary(dictionary);
    const std::string text = "Hồ sơ đã được chuyển đến Phòng Tư pháp, hồ sơ đã được chuyển";
    for (const bool backlog : {false, true, true, false, true}) {
      const Bytes message = to_bytes(as_bytes(text));
      auto packed = here.pack(wire::Lane::kUpdates, message, backlog, 0);
      EXPECT_NE(packed.packing, wire::Packing::kPlain);
      const auto back = there.unpack(std::move(packed));
      ASSERT_TRUE(back.ok()) << back.error().message();
      EXPECT_EQ(*back, message);
    }
    const Bytes noise = random_bytes(5000);
    EXPECT_EQ(*there.unpack(here.pack(wire::Lane::kControl, noise, false, 0)), noise);
  }
}

TEST(Packer, BeginsAStreamAnewOnceTheBacklogWasDrained) {
  Packer here(nullptr), there(nullptr);
  const Bytes message(300, 'x');
  static_cast<void>(there.unpack(here.pack(wire::Lane::kHistory, message, true, 0)));
  here.drop_deflaters();
  there.drop_inflaters();
  auto packed = here.pack(wire::Lane::kHistory, random_bytes(300), true, 0);
  EXPECT_EQ(packed.packing, wire::Packing::kStreamBegin);
  EXPECT_TRUE(there.unpack(std::move(packed)).ok());
}

TEST(Packer, RejectsAStreamThatWasNotBegun) {
  Packer here(nullptr);
  const auto back =
      here.unpack(wire::Packed{wire::Lane::kHistory, wire::Packing::kStream, Bytes{1, 2, 3}});
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code(), Errc::kMalformed);
}

TEST(Packer, RejectsGarbageInEveryPacking) {
  for (const auto packing : {wire::Packing::kAlone, wire::Packing::kStreamBegin}) {
    Packer here(nullptr);
    EXPECT_FALSE(
        here.unpack(wire::Packed{wire::Lane::kUpdates, packing, random_bytes(100, 5)}).ok());
  }
}

}  // namespace
}  // namespace lienthong
