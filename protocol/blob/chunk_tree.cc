#include "protocol/blob/chunk_tree.h"

#include <algorithm>
#include <bit>

namespace lienthong {
namespace {

constexpr std::uint8_t kTreeVersion = 1;  // in digests of components: never change

Hash256 node_hash(const RootFingerprint& root, const Hash256& left, const Hash256& right) {
  return hash(kTagChunkNode, root, left, right);
}

BlobId root_hash(const RootFingerprint& root, std::uint64_t size, const Hash256& top) {
  ByteWriter length;
  length.u64(size);
  return id_cast<BlobId>(hash(kTagBlob, root, ByteView(length.bytes()), top));
}

}  // namespace

std::string blob_text(const BlobId& id) {
  return to_hex(ByteView(&kTreeVersion, 1)) + to_hex(id.view());
}

std::optional<BlobId> blob_from_text(std::string_view text) {
  if (text.size() != 2 * (1 + BlobId::kSize)) return std::nullopt;
  const auto bytes = from_hex(text);
  if (!bytes.ok() || bytes->front() != kTreeVersion) return std::nullopt;
  const BlobId id = BlobId::from(ByteView(*bytes).subspan(1));
  return id.is_zero() ? std::nullopt : std::optional(id);
}

Hash256 chunk_hash(const RootFingerprint& root, ByteView chunk) {
  return hash(kTagChunk, root, chunk);
}

ChunkTree::ChunkTree(const RootFingerprint& root, std::uint64_t size, std::vector<Hash256> leaves)
    : size_(size) {
  LT_CHECK(size >= 1 && size <= kBlobBytesMax && leaves.size() == chunk_count(size));
  levels_.push_back(std::move(leaves));
  while (levels_.back().size() > 1) {
    const auto& below = levels_.back();
    std::vector<Hash256> level;
    level.reserve((below.size() + 1) / 2);
    for (std::size_t i = 0; i + 1 < below.size(); i += 2)
      level.push_back(node_hash(root, below[i], below[i + 1]));
    if (below.size() % 2 == 1) level.push_back(below.back());
    levels_.push_back(std::move(level));
  }
  id_ = root_hash(root, size, levels_.back().front());
}

std::vector<Hash256> ChunkTree::proof(std::uint32_t index) const {
  LT_CHECK(index < count());
  std::vector<Hash256> out;
  std::size_t at = index;
  for (const auto& level : levels_) {
    if (const std::size_t sibling = at ^ 1U; sibling < level.size()) out.push_back(level[sibling]);
    at /= 2;
  }
  return out;
}

std::size_t blob_proof_size(std::uint32_t count, std::uint32_t index) {
  LT_CHECK(index < count);
  std::size_t size = 0;
  for (; count > 1; count = (count + 1) / 2, index /= 2) size += (index ^ 1U) < count ? 1 : 0;
  return size;
}

Result<void> verify_chunk(const RootFingerprint& root, const BlobId& id, std::uint64_t size,
                          std::uint32_t index, ByteView chunk, std::span<const Hash256> proof) {
  if (size < 1 || size > kBlobBytesMax)
    return Error(Errc::kInvalidArgument, "a file of " + std::to_string(size) + " bytes");
  std::uint32_t count = chunk_count(size);
  if (index >= count) return Error(Errc::kInvalidArgument, "a chunk beyond the end");
  if (chunk.size() != chunk_bytes(size, index))
    return Error(Errc::kMalformed, "the length of the chunk");
  if (proof.size() != blob_proof_size(count, index))
    return Error(Errc::kMalformed, "the length of the proof");
  Hash256 at = chunk_hash(root, chunk);
  std::size_t next = 0;
  for (; count > 1; count = (count + 1) / 2, index /= 2) {
    if ((index ^ 1U) >= count) continue;
    const Hash256& sibling = proof[next++];
    at = index % 2 == 1 ? node_hash(root, sibling, at) : node_hash(root, at, sibling);
  }
  if (root_hash(root, size, at) != id)
    return Error(Errc::kBadHash, "the chunk is not of the file that was asked for");
  return {};
}

Result<ChunkMap> ChunkMap::decode(std::uint32_t count, ByteView bits) {
  ChunkMap map(count);
  if (bits.size() != map.bits_.size()) return Error(Errc::kMalformed, "length of a chunk map");
  map.bits_ = to_bytes(bits);
  if (count % 8 != 0 && (bits.back() >> (count % 8)) != 0)
    return Error(Errc::kMalformed, "a chunk map names chunks beyond the end");
  for (const std::uint8_t byte : bits) map.held_ += static_cast<std::uint32_t>(std::popcount(byte));
  return map;
}

void ChunkMap::set(std::uint32_t index) {
  LT_CHECK(index < count_);
  if (has(index)) return;
  bits_[index / 8] = static_cast<std::uint8_t>(bits_[index / 8] | 1U << (index % 8));
  ++held_;
}

std::vector<ChunkRange> ChunkMap::missing(std::size_t range_count_max) const {
  std::vector<ChunkRange> out;
  for (std::uint32_t at = 0; at < count_; ++at) {
    if (has(at)) continue;
    if (!out.empty() && out.back().first + out.back().count == at) {
      ++out.back().count;
    } else if (out.size() < range_count_max) {
      out.push_back({at, 1});
    } else {
      break;
    }
  }
  return out;
}

}  // namespace lienthong
