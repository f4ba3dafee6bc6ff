#include <gtest/gtest.h>
#include <sodium.h>

#include "protocol/blob/chunk_tree.h"

namespace lienthong {
namespace {

const RootFingerprint kRoot = RootFingerprint::from(Bytes(32, 7));

Bytes content(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i)
    out[i] = static_cast<std::uint8_t>(i * 31 + i / kChunkBytes * 17 + i / 251);
  return out;
}

struct File {
  explicit File(std::size_t size, std::size_t step = 100'000) {
    ChunkHasher hasher(kRoot);
    const Bytes bytes = content(size);
    const auto keep = [this](std::uint32_t index, ByteView chunk) {
      EXPECT_EQ(index, chunks.size());
      chunks.push_back(to_bytes(chunk));
    };
    for (std::size_t at = 0; at < size; at += step) {
      const auto done = hasher.add(ByteView(bytes).subspan(at, std::min(step, size - at)), keep);
      EXPECT_TRUE(done.ok());
    }
    tree = *hasher.finish(keep);
  }
  std::vector<Bytes> chunks;
  std::optional<ChunkTree> tree;
};

Errc verdict(const File& file, std::uint32_t index, ByteView chunk,
             const std::vector<Hash256>& proof, std::uint64_t size) {
  const auto done = verify_chunk(kRoot, file.tree->id(), size, index, chunk, proof);
  return done.ok() ? Errc::kClosed : done.error().code();
}

TEST(ChunkTree, VerifiesEveryChunkOfFilesOfEveryShape) {
  for (const std::size_t chunks : {1U, 2U, 3U, 4U, 5U, 7U, 8U, 13U}) {
    for (const std::size_t size :
         {(chunks - 1) * kChunkBytes + 1, chunks * kChunkBytes - 1, chunks * kChunkBytes}) {
      const File file(size);
      ASSERT_EQ(file.tree->count(), chunks);
      for (std::uint32_t i = 0; i < chunks; ++i) {
        const auto proof = file.tree->proof(i);
        EXPECT_EQ(proof.size(), blob_proof_size(static_cast<std::uint32_t>(chunks), i));
        EXPECT_TRUE(verify_chunk(kRoot, file.tree->id(), size, i, file.chunks[i], proof).ok());
      }
    }
  }
}

TEST(ChunkTree, IsTheSameHoweverTheFileIsCut) {
  EXPECT_EQ(File(300'000, 1'000).tree->id(), File(300'000, 300'000).tree->id());
  EXPECT_EQ(File(2 * kChunkBytes, kChunkBytes).tree->id(), File(2 * kChunkBytes, 7).tree->id());
}

TEST(ChunkTree, BindsContentLengthPlaceAndDeployment) {
  const File file(5 * kChunkBytes);
  const auto proof = file.tree->proof(2);
  Bytes changed = file.chunks[2];
  changed[100] ^= 1;
  const std::uint64_t size = file.tree->size();
  EXPECT_EQ(verdict(file, 2, changed, proof, size), Errc::kBadHash);
  EXPECT_EQ(verdict(file, 3, file.chunks[2], proof, size), Errc::kBadHash);
  EXPECT_EQ(verdict(file, 2, file.chunks[2], proof, size - 1), Errc::kBadHash);
  EXPECT_FALSE(verify_chunk(RootFingerprint(), file.tree->id(), size, 2, file.chunks[2], proof));
  EXPECT_NE(File(5 * kChunkBytes - 1).tree->id(), file.tree->id());
}

TEST(ChunkTree, RefusesProofsOfTheWrongLengthAndEveryWrongHash) {
  const File file(5 * kChunkBytes);
  const auto proof = file.tree->proof(1);
  auto longer = proof;
  longer.emplace_back();
  auto shorter = proof;
  shorter.pop_back();
  const std::uint64_t size = file.tree->size();
  EXPECT_EQ(verdict(file, 1, file.chunks[1], longer, size), Errc::kMalformed);
  EXPECT_EQ(verdict(file, 1, file.chunks[1], shorter, size), Errc::kMalformed);
  for (std::size_t i = 0; i < proof.size(); ++i) {
    auto wrong = proof;
    wrong[i].bytes[0] ^= 1;
    EXPECT_EQ(verdict(file, 1, file.chunks[1], wrong, size), Errc::kBadHash);
  }
  EXPECT_EQ(verdict(file, 1, ByteView(file.chunks[1]).first(10), proof, size), Errc::kMalformed);
}

TEST(ChunkTree, RefusesSizesAndPlacesOutOfRange) {
  const File file(kChunkBytes);
  const auto proof = file.tree->proof(0);
  EXPECT_EQ(verdict(file, 0, file.chunks[0], proof, 0), Errc::kInvalidArgument);
  EXPECT_EQ(verdict(file, 0, file.chunks[0], proof, kBlobBytesMax + 1), Errc::kInvalidArgument);
  EXPECT_EQ(verdict(file, 1, file.chunks[0], proof, kChunkBytes), Errc::kInvalidArgument);
}

// Two chunks whose bytes are the two hashes of a node must not pass for that node.
TEST(ChunkTree, AnInnerNodeIsNoChunk) {
  const File file(2 * kChunkBytes);
  ByteWriter node;
  node.raw(chunk_hash(kRoot, file.chunks[0]).view());
  node.raw(chunk_hash(kRoot, file.chunks[1]).view());
  EXPECT_EQ(verdict(file, 0, node.bytes(), {}, node.size()), Errc::kBadHash);
}

TEST(ChunkTree, TheLargestFileHasTheLongestProof) {
  EXPECT_EQ(blob_proof_size(chunk_count(kBlobBytesMax), 0), kBlobProofCountMax);
}

TEST(ChunkHasher, RefusesEmptyAndOversizedFiles) {
  ChunkHasher empty(kRoot);
  const auto ignore = [](std::uint32_t, ByteView) {};
  EXPECT_EQ(empty.finish(ignore).error().code(), Errc::kInvalidArgument);
  ChunkHasher large(kRoot);
  const Bytes piece(1 << 20);
  ASSERT_TRUE(large.add(piece, ignore).ok());
  const ByteView rest(piece.data(), kBlobBytesMax - piece.size() + 1);  // refused before it is read
  EXPECT_EQ(large.add(rest, ignore).error().code(), Errc::kTooLarge);
  EXPECT_EQ(large.size(), piece.size());
}

TEST(BlobText, GoesToAndFro) {
  const BlobId id = BlobId::from(Bytes(32, 0xab));
  EXPECT_EQ(blob_from_text(blob_text(id)), id);
  EXPECT_EQ(blob_text(id).size(), 66U);
}

TEST(BlobText, LeavesForeignDigestsAlone) {
  const std::string sha256(64, 'a');
  EXPECT_FALSE(blob_from_text(sha256));
  EXPECT_FALSE(blob_from_text("02" + sha256));
  EXPECT_FALSE(blob_from_text("01" + std::string(64, '0')));
  EXPECT_FALSE(blob_from_text("01" + std::string(64, 'g')));
  EXPECT_FALSE(blob_from_text(""));
}

TEST(ChunkMap, ListsWhatIsMissing) {
  ChunkMap map(20);
  for (const std::uint32_t i : {0U, 1U, 5U, 19U, 5U}) map.set(i);
  EXPECT_EQ(map.held(), 4U);
  EXPECT_EQ(map.missing(9), (std::vector<ChunkRange>{{2, 3}, {6, 13}}));
  EXPECT_EQ(map.missing(1), (std::vector<ChunkRange>{{2, 3}}));
  EXPECT_FALSE(map.has(20));
}

TEST(ChunkMap, GoesToAndFroAndRefusesBitsBeyondTheEnd) {
  ChunkMap map(13);
  map.set(3);
  map.set(12);
  const auto back = ChunkMap::decode(13, map.bits());
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->held(), 2U);
  EXPECT_TRUE(back->has(12));
  EXPECT_FALSE(ChunkMap::decode(13, Bytes{0, 0xff}).ok());
  EXPECT_FALSE(ChunkMap::decode(13, Bytes{0}).ok());
}

}  // namespace
}  // namespace lienthong
