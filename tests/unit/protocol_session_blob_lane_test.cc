#include <gtest/gtest.h>

#include <functional>

#include "protocol/session/blob_lane.h"

namespace lienthong {
namespace {

const RootFingerprint kRoot = RootFingerprint::from(Bytes(32, 7));
const NodeId kAsker = NodeId::from(Bytes(32, 1)), kGiver = NodeId::from(Bytes(32, 2));
const AgencyId kAskerAgency = AgencyId::from(Bytes(32, 3));

struct File {
  explicit File(std::size_t size, std::uint8_t seed = 1) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * seed + i / 257);
    ChunkHasher hasher(kRoot);
    const auto keep = [this](std::uint32_t, ByteView chunk) { chunks.push_back(to_bytes(chunk)); };
    EXPECT_TRUE(hasher.add(bytes, keep).ok());
    tree = *hasher.finish(keep);
  }
  const BlobId& id() const { return tree->id(); }
  std::vector<Bytes> chunks;
  std::optional<ChunkTree> tree;
};

class Shelf final : public BlobView {
 public:
  BlobEnd may_read(const AgencyId& reader, const BlobId& id, const RecordId& under) const override {
    if (reader != kAskerAgency || without.contains(under)) return BlobEnd::kNoRight;
    const auto at = verdicts.find(id);
    return at != verdicts.end() ? at->second : BlobEnd::kSent;
  }
  std::optional<RecordId> asked_under(const AgencyId&, const BlobId&,
                                      const std::set<RecordId>& refused) const override {
    for (const RecordId& record : names)
      if (!refused.contains(record)) return record;
    return std::nullopt;
  }
  std::optional<std::uint64_t> held_size(const BlobId& id) const override {
    const auto at = files.find(id);
    return at != files.end() ? std::optional(at->second->tree->size()) : std::nullopt;
  }
  std::optional<HeldChunk> read_chunk(const BlobId& id, std::uint32_t index) const override {
    const auto at = files.find(id);
    if (at == files.end() || lacking.contains(index)) return std::nullopt;
    HeldChunk chunk{at->second->tree->size(), at->second->chunks[index],
                    at->second->tree->proof(index)};
    if (spoil) spoil(chunk);
    return chunk;
  }
  void add(const File& file) { files[file.id()] = &file; }
  std::map<BlobId, const File*> files;
  std::map<BlobId, BlobEnd> verdicts;
  std::set<std::uint32_t> lacking;
  std::vector<RecordId> names{RecordId{}};  // records that name every file
  std::set<RecordId> without;               // of them, that it is not given with
  std::function<void(HeldChunk&)> spoil;
};

struct Pair {
  Pair()
      : asker(asker_shelf, kRoot, {AgencyId::from(Bytes(32, 4)), kGiver, kAsker}),
        giver(giver_shelf, kRoot, {kAskerAgency, kAsker, kGiver}) {}

  // Up to `messages` of the giver's messages; what the asker is handed is stored at once.
  void run(std::size_t messages = SIZE_MAX, std::size_t piece = 4096) {
    for (bool moved = true; moved;) {
      moved = false;
      while (auto body = asker.next_message(piece)) {
        asker_said.push_back(*body);
        const auto taken = giver.on_message(*body);
        ASSERT_TRUE(taken.ok()) << taken.error().message();
        moved = true;
      }
      while (messages > 0) {
        auto body = giver.next_message(piece);
        if (!body) break;
        --messages;
        giver_said.push_back(*body);
        const auto taken = asker.on_message(*body);
        ASSERT_TRUE(taken.ok()) << taken.error().message();
        store();
        moved = true;
      }
      asker.on_tick();
      giver.on_tick();
      moved = moved || asker.has_message() || (messages > 0 && giver.has_message());
    }
  }
  void store() {
    for (BlobAction& action : asker.take_actions()) {
      if (auto* chunk = std::get_if<StoreChunk>(&action)) {
        stored[chunk->id][chunk->index] = chunk->chunk.bytes;
        under.insert(chunk->under);
        asker.on_stored();
      } else if (const auto* end = std::get_if<FetchEnded>(&action)) {
        ends.push_back(end->end);
      } else if (const auto* holds = std::get_if<PeerHolds>(&action)) {
        held.push_back(holds->id);
      } else if (const auto* proved = std::get_if<PeerProved>(&action)) {
        proofs.push_back(proved->held);
      }
    }
  }
  bool has_all(const File& file) {
    const auto& chunks = stored[file.id()];
    if (chunks.size() != file.chunks.size()) return false;
    return std::ranges::all_of(
        chunks, [&file](const auto& chunk) { return chunk.second == file.chunks[chunk.first]; });
  }

  Shelf asker_shelf, giver_shelf;
  BlobLane asker, giver;
  std::map<BlobId, std::map<std::uint32_t, Bytes>> stored;
  std::set<RecordId> under;
  std::vector<BlobEnd> ends;
  std::vector<BlobId> held;
  std::vector<bool> proofs;
  std::vector<Bytes> asker_said, giver_said;
};

TEST(BlobLane, FetchesAFileInPieces) {
  const File file(10 * kChunkBytes + 100);
  Pair pair;
  pair.giver_shelf.add(file);
  pair.asker.fetch(file.id(), {{0, 11}});
  pair.run();
  EXPECT_TRUE(pair.has_all(file));
  EXPECT_EQ(pair.ends, std::vector{BlobEnd::kSent});
  for (const Bytes& said : pair.giver_said) EXPECT_LE(said.size(), 4096U + 500U);
}

TEST(BlobLane, AsksForAWindowAtATime) {
  const File file(10 * kChunkBytes);
  Pair pair;
  pair.giver_shelf.add(file);
  pair.asker.fetch(file.id(), {{0, 10}});
  std::size_t chunks = 0;
  ASSERT_TRUE(pair.giver.on_message(*pair.asker.next_message(4096)).ok());
  EXPECT_FALSE(pair.asker.next_message(4096));
  while (auto body = pair.giver.next_message(kBlobPieceBytesMax)) {
    ASSERT_TRUE(pair.asker.on_message(*body).ok());
    for (const BlobAction& action : pair.asker.take_actions())
      chunks += std::holds_alternative<StoreChunk>(action) ? 1 : 0;
  }
  EXPECT_EQ(chunks, kBlobWindowChunks);
  EXPECT_FALSE(pair.asker.has_message());  // nothing is stored yet
  pair.asker.on_stored();
  EXPECT_TRUE(pair.asker.has_message());
}

TEST(BlobLane, GoesOnAfterACutWithoutAskingAgainForWhatIsHeld) {
  const File file(6 * kChunkBytes);
  for (std::size_t cut = 1; cut < 6 * 16 + 4; cut += 7) {
    Pair before;
    before.giver_shelf.add(file);
    before.asker.fetch(file.id(), {{0, 6}});
    before.run(cut);
    ChunkMap map(6);
    for (const auto& [index, bytes] : before.stored[file.id()]) map.set(index);
    Pair after;
    after.giver_shelf.add(file);
    after.stored = before.stored;
    if (map.complete()) continue;
    after.asker.fetch(file.id(), map.missing(kBlobRangeCountMax));
    after.run();
    EXPECT_TRUE(after.has_all(file));
    EXPECT_EQ(after.giver.sent_bytes(), (6 - map.held()) * kChunkBytes) << "cut at " << cut;
  }
}

TEST(BlobLane, FetchesOnlyTheRangesNamed) {
  const File file(9 * kChunkBytes);
  Pair pair;
  pair.giver_shelf.add(file);
  pair.asker.fetch(file.id(), {{1, 2}, {5, 1}, {8, 1}});
  pair.run();
  std::vector<std::uint32_t> got;
  for (const auto& [index, bytes] : pair.stored[file.id()]) got.push_back(index);
  EXPECT_EQ(got, (std::vector<std::uint32_t>{1, 2, 5, 8}));
}

TEST(BlobLane, SaysWhyItGivesNothing) {
  const File file(kChunkBytes);
  for (const BlobEnd verdict : {BlobEnd::kNoRight, BlobEnd::kErased}) {
    Pair pair;
    pair.giver_shelf.add(file);
    pair.giver_shelf.verdicts[file.id()] = verdict;
    pair.asker.fetch(file.id(), {{0, 1}});
    pair.run();
    EXPECT_EQ(pair.ends, std::vector{verdict});
    EXPECT_TRUE(pair.stored.empty());
    EXPECT_EQ(pair.giver.sent_bytes(), 0U);
  }
}

TEST(BlobLane, TellsItsDriverWhatThePeerLacks) {
  const File file(3 * kChunkBytes);
  Pair pair;
  pair.asker.fetch(file.id(), {{0, 3}});
  pair.run();
  EXPECT_EQ(pair.ends, std::vector{BlobEnd::kNotHere});
  const auto actions = pair.giver.take_actions();
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(std::get<PeerLacks>(actions.front()).id, file.id());
}

TEST(BlobLane, GivesWhatItHasOfAFileItHoldsInPart) {
  const File file(4 * kChunkBytes);
  Pair pair;
  pair.giver_shelf.add(file);
  pair.giver_shelf.lacking = {1, 2};
  pair.asker.fetch(file.id(), {{0, 4}});
  pair.run();
  EXPECT_EQ(pair.stored[file.id()].size(), 2U);
  EXPECT_EQ(pair.ends, std::vector{BlobEnd::kNotHere});
}

TEST(BlobLane, AWrongLengthInTheQuestionDoesNoHarm) {
  const File file(2 * kChunkBytes);
  Pair pair;
  pair.giver_shelf.add(file);
  pair.asker.fetch(file.id(), {{0, 400}});
  pair.run();
  EXPECT_TRUE(pair.has_all(file));
}

void expect_bad(const std::function<void(HeldChunk&)>& spoil) {
  const File file(4 * kChunkBytes), good(3 * kChunkBytes, 5);
  Pair pair;
  pair.giver_shelf.add(file);
  pair.giver_shelf.add(good);
  pair.giver_shelf.spoil = spoil;
  pair.asker.fetch(file.id(), {{0, 4}});
  pair.run();
  EXPECT_EQ(pair.ends, std::vector{BlobEnd::kBad});
  EXPECT_TRUE(pair.stored[file.id()].empty());
  pair.giver_shelf.spoil = nullptr;
  pair.asker.fetch(good.id(), {{0, 3}});  // the lane goes on
  pair.run();
  EXPECT_TRUE(pair.has_all(good));
}

TEST(BlobLane, KeepsNoWrongChunkAndGoesOnWithOtherFiles) {
  expect_bad([](HeldChunk& chunk) { chunk.bytes[77] ^= 1; });
}

TEST(BlobLane, KeepsNoChunkUnderAWrongProof) {
  expect_bad([](HeldChunk& chunk) { chunk.proof[1].bytes[0] ^= 1; });
  expect_bad([](HeldChunk& chunk) { chunk.proof.pop_back(); });
}

TEST(BlobLane, AStoppedFetchIsPassedOver) {
  const File file(3 * kChunkBytes), other(2 * kChunkBytes, 9);
  Pair pair;
  pair.giver_shelf.add(file);
  pair.giver_shelf.add(other);
  pair.asker.fetch(file.id(), {{0, 3}});
  pair.run(20);
  pair.asker.stop(file.id());
  pair.asker.fetch(other.id(), {{0, 2}});
  pair.run();
  EXPECT_TRUE(pair.has_all(other));
  EXPECT_LT(pair.stored[file.id()].size(), 3U);
}

TEST(BlobLane, ClosedItGivesAndAsksNothing) {
  const File file(8 * kChunkBytes);
  Pair pair;
  pair.giver_shelf.add(file);
  pair.asker.fetch(file.id(), {{0, 8}});
  pair.run(10);
  pair.giver.set_open(false);
  pair.run();
  EXPECT_EQ(pair.ends, std::vector{BlobEnd::kNotNow});
  pair.giver.set_open(true);
  pair.asker.set_open(false);
  pair.asker.fetch(file.id(), {{0, 8}});
  EXPECT_FALSE(pair.asker.has_message());
  pair.asker.set_open(true);
  pair.run();
  EXPECT_TRUE(pair.has_all(file));
}

TEST(BlobLane, AnnouncesWhatItHolds) {
  const File file(kChunkBytes);
  Pair pair;
  pair.giver.announce(file.id(), file.tree->size());
  pair.run();
  EXPECT_EQ(pair.held, std::vector{file.id()});
}

TEST(BlobLane, AsksUnderEachRecordThatNamesTheFile) {
  const File file(11 * kChunkBytes);
  Pair pair;
  pair.giver_shelf.add(file);
  const RecordId one = RecordId::from(Bytes(32, 1)), two = RecordId::from(Bytes(32, 2)),
                 three = RecordId::from(Bytes(32, 3));
  pair.asker_shelf.names = {one, two, three};
  pair.giver_shelf.without = {one, two};
  pair.asker.fetch(file.id(), {{0, 11}});
  for (int i = 0; i < 20; ++i) {
    pair.run();
    pair.store();
  }
  EXPECT_TRUE(pair.has_all(file));
  EXPECT_EQ(pair.under, std::set{three});
  pair.giver_shelf.without.insert(three);
  pair.ends.clear();
  pair.asker.fetch(file.id(), {{0, 2}});
  pair.run();
  pair.store();
  EXPECT_EQ(pair.ends, std::vector{BlobEnd::kNoRight});
}

TEST(BlobLane, ShowsThatItHoldsEveryChunk) {
  const File file(40 * kChunkBytes);
  Pair pair;
  pair.asker_shelf.add(file);
  pair.giver_shelf.add(file);
  BlobNonce nonce{};
  nonce[0] = 9;
  ASSERT_TRUE(pair.asker.prove(file.id(), RecordId{}, nonce));
  EXPECT_FALSE(pair.asker.prove(file.id(), RecordId{}, nonce));
  for (int i = 0; i < 20; ++i) {
    pair.run();
    pair.store();
  }
  EXPECT_EQ(pair.proofs, std::vector{true});
}

TEST(BlobLane, WhoLacksAChunkCannotShowThatItHoldsAll) {
  const File file(5 * kChunkBytes);
  for (const bool spoilt : {false, true}) {
    Pair pair;
    pair.asker_shelf.add(file);
    pair.giver_shelf.add(file);
    if (spoilt) {
      pair.giver_shelf.spoil = [](HeldChunk& chunk) { chunk.bytes[0] ^= 1; };
    } else {
      pair.giver_shelf.lacking = {4};
    }
    ASSERT_TRUE(pair.asker.prove(file.id(), RecordId{}, BlobNonce{}));
    for (int i = 0; i < 5; ++i) {
      pair.run();
      pair.store();
    }
    EXPECT_EQ(pair.proofs, std::vector{false});
  }
}

TEST(BlobLane, RefusesWhatWasNotAskedFor) {
  const File file(2 * kChunkBytes);
  Pair source;
  source.giver_shelf.add(file);
  source.asker.fetch(file.id(), {{0, 2}});
  source.run();
  for (const Bytes& said : source.giver_said) {
    Pair pair;
    const auto taken = pair.asker.on_message(said);
    ASSERT_FALSE(taken.ok());
    EXPECT_EQ(taken.error().code(), Errc::kOutOfOrder);
  }
  Pair pair;  // another chunk of the same file than the one asked for
  pair.asker.fetch(file.id(), {{1, 1}});
  EXPECT_EQ(pair.asker.on_message(source.giver_said.front()).error().code(), Errc::kOutOfOrder);
}

TEST(BlobLane, RefusesAQuestionWhoseNumberDoesNotRise) {
  const File file(kChunkBytes);
  Pair pair;
  pair.giver_shelf.add(file);
  pair.asker.fetch(file.id(), {{0, 1}});
  const Bytes want = *pair.asker.next_message(4096);
  ASSERT_TRUE(pair.giver.on_message(want).ok());
  EXPECT_EQ(pair.giver.on_message(want).error().code(), Errc::kOutOfOrder);
}

TEST(BlobLane, RefusesMoreQuestionsThanItsBound) {
  const File file(kChunkBytes);
  Pair pair;
  pair.giver_shelf.add(file);
  Result<void> taken;
  for (std::uint8_t i = 1; taken.ok() && i < 100; ++i) {
    ByteWriter want;
    want.u8(1);
    want.varint(i);
    want.raw(file.id().view());
    want.raw(RecordId{}.view());
    want.varint(1);
    want.varint(0);
    want.varint(1);
    taken = pair.giver.on_message(want.bytes());
    EXPECT_EQ(taken.ok(), i <= kBlobWantCountMax);
  }
  EXPECT_EQ(taken.error().code(), Errc::kTooLarge);
}

TEST(BlobLane, RefusesMessagesCutAnywhereAndRangesThatCannotBe) {
  const File file(2 * kChunkBytes);
  Pair pair;
  pair.asker.fetch(file.id(), {{0, 1}});
  const Bytes want = *pair.asker.next_message(4096);
  for (std::size_t size = 0; size < want.size(); ++size) {
    Pair fresh;
    EXPECT_FALSE(fresh.giver.on_message(ByteView(want).first(size)).ok()) << size;
  }
  const auto question = [&file](std::vector<std::uint64_t> numbers) {
    ByteWriter out;
    out.u8(1);
    out.varint(1);
    out.raw(file.id().view());
    out.raw(RecordId{}.view());
    for (const std::uint64_t number : numbers) out.varint(number);
    return Pair().giver.on_message(out.bytes());
  };
  EXPECT_TRUE(question({1, 0, 1}).ok());
  EXPECT_FALSE(question({0}).ok());
  EXPECT_FALSE(question({kBlobRangeCountMax + 1}).ok());
  EXPECT_FALSE(question({1, 0, 0}).ok());
  EXPECT_FALSE(question({1, 16'384, 1}).ok());
  EXPECT_FALSE(question({2, 0, 1, 0, 1}).ok());
  EXPECT_FALSE(question({1, 0, 1, 9}).ok());
  EXPECT_FALSE(question({1, ~0ULL, 1}).ok());
}

}  // namespace
}  // namespace lienthong
