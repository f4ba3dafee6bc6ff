// A file as a tree of chunks: its name is a hash from which any one chunk can be verified alone.
// docs/protocol/files.md. Pure; threads: none.
//
// chunk = kChunkBytes (the last one: what is left, at least one byte). Leaf, inner node and root
// are hashed under tags of their own; the root binds the length. A level pairs neighbours from the
// left, a last one without a partner goes up as it is (the shape of RFC 6962, section 2.1).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocol/base/ids.h"
#include "protocol/base/limits.h"
#include "protocol/crypto/hash.h"

namespace lienthong {

using BlobId = Id<struct BlobTag>;

// What a component's `digest` says: hexadecimal of version 1 and the id, 66 digits. A digest of any
// other length is somebody else's and names no blob here.
std::string blob_text(const BlobId& id);
std::optional<BlobId> blob_from_text(std::string_view text);

// `size`: 1 to kBlobBytesMax.
constexpr std::uint32_t chunk_count(std::uint64_t size) {
  return static_cast<std::uint32_t>((size + kChunkBytes - 1) / kChunkBytes);
}
// `index` below chunk_count(size).
constexpr std::size_t chunk_bytes(std::uint64_t size, std::uint32_t index) {
  const std::uint64_t begin = std::uint64_t{index} * kChunkBytes;
  return static_cast<std::size_t>(size - begin < kChunkBytes ? size - begin : kChunkBytes);
}

Hash256 chunk_hash(const RootFingerprint& root, ByteView chunk);

// A whole blob's tree: 64 bytes a chunk.
class ChunkTree {
 public:
  // `leaves`: of all chunks, chunk_count(size) of them, size in range (LT_CHECK).
  ChunkTree(const RootFingerprint& root, std::uint64_t size, std::vector<Hash256> leaves);
  const BlobId& id() const { return id_; }
  std::uint64_t size() const { return size_; }
  std::uint32_t count() const { return static_cast<std::uint32_t>(levels_.front().size()); }
  // Siblings from the leaf up; at most kBlobProofCountMax.
  std::vector<Hash256> proof(std::uint32_t index) const;

 private:
  std::uint64_t size_;
  std::vector<std::vector<Hash256>> levels_;
  BlobId id_;
};

// Takes a file in pieces of any size and hashes its chunks as they become whole.
class ChunkHasher {
 public:
  explicit ChunkHasher(const RootFingerprint& root) : root_(root) {}
  // Calls `whole(index, bytes)` for each chunk but the last that is complete. kTooLarge: over
  // kBlobBytesMax; nothing of `bytes` was taken.
  template <class Whole>
  Result<void> add(ByteView bytes, const Whole& whole) {
    if (size_ + bytes.size() > kBlobBytesMax)
      return Error(Errc::kTooLarge, "a file has at most " + std::to_string(kBlobBytesMax));
    size_ += bytes.size();
    while (!bytes.empty()) {
      if (rest_.size() == kChunkBytes) flush(whole);
      const std::size_t part = std::min(bytes.size(), kChunkBytes - rest_.size());
      rest_.insert(rest_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(part));
      bytes = bytes.subspan(part);
    }
    return {};
  }
  std::uint64_t size() const { return size_; }
  // The last chunk and the tree. kInvalidArgument: an empty file. Once.
  template <class Whole>
  Result<ChunkTree> finish(const Whole& whole) {
    if (size_ == 0) return Error(Errc::kInvalidArgument, "the file is empty");
    flush(whole);
    return ChunkTree(root_, size_, std::move(leaves_));
  }

 private:
  template <class Whole>
  void flush(const Whole& whole) {
    leaves_.push_back(chunk_hash(root_, rest_));
    whole(static_cast<std::uint32_t>(leaves_.size() - 1), ByteView(rest_));
    rest_.clear();
  }
  RootFingerprint root_;
  std::uint64_t size_ = 0;
  Bytes rest_;
  std::vector<Hash256> leaves_;
};

// How many hashes the proof of that chunk has; `index` below `count`.
std::size_t blob_proof_size(std::uint32_t count, std::uint32_t index);

// Whether `chunk` is the one at `index` of the blob of `size` bytes that `id` names. Fails:
// kInvalidArgument (size or index out of range), kMalformed (length of chunk or proof), kBadHash.
Result<void> verify_chunk(const RootFingerprint& root, const BlobId& id, std::uint64_t size,
                          std::uint32_t index, ByteView chunk, std::span<const Hash256> proof);

// [first, first + count) of a blob's chunks.
struct ChunkRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  bool operator==(const ChunkRange&) const = default;
};

// Which chunks are held.
class ChunkMap {
 public:
  explicit ChunkMap(std::uint32_t count) : count_(count), bits_((count + 7) / 8) {}
  // kMalformed: another length, or bits set beyond the count.
  static Result<ChunkMap> decode(std::uint32_t count, ByteView bits);
  const Bytes& bits() const { return bits_; }  // low bit first
  std::uint32_t count() const { return count_; }
  std::uint32_t held() const { return held_; }
  bool complete() const { return held_ == count_; }
  bool has(std::uint32_t index) const {
    return index < count_ && (bits_[index / 8] >> (index % 8) & 1U) != 0;
  }
  void set(std::uint32_t index);  // below count (LT_CHECK)
  // The first so many ranges that are missing, ascending.
  std::vector<ChunkRange> missing(std::size_t range_count_max) const;

 private:
  std::uint32_t count_;
  std::uint32_t held_ = 0;
  Bytes bits_;
};

}  // namespace lienthong
