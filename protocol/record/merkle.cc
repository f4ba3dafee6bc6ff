// The Merkle trees of seals: record/seal.h's roots and proofs by the algorithms of record/merkle.h.
#include "protocol/record/merkle.h"

#include <algorithm>
#include <functional>

#include "protocol/base/limits.h"
#include "protocol/crypto/hash.h"
#include "protocol/record/seal.h"

namespace lienthong {
namespace {

struct SealPolicy {
  using Hash = Hash256;
  const RootFingerprint& root;
  Hash256 leaf(const Hash256& value) const { return hash(kTagLeaf, root, value); }
  Hash256 node(const Hash256& left, const Hash256& right) const {
    return hash(kTagNode, root, left, right);
  }
};

// The leaves in the form of record/merkle.h, checked: at least one, ascending, below `count`.
struct Part {
  std::vector<std::size_t> indices;
  std::vector<Hash256> values;
};

Result<Part> check_part(std::size_t count, std::span<const IndexedLeaf> leaves,
                        std::size_t proof_size) {
  if (count == 0 || count > kSealUpdateCountMax)
    return Error(Errc::kMalformed, "tree of " + std::to_string(count) + " leaves");
  if (leaves.empty()) return Error(Errc::kMalformed, "part of a tree without leaves");
  Part part;
  for (const IndexedLeaf& leaf : leaves) {
    if (leaf.index >= count)
      return Error(Errc::kMalformed,
                   "leaf " + std::to_string(leaf.index) + " of " + std::to_string(count));
    if (!part.indices.empty() && leaf.index <= part.indices.back())
      return Error(Errc::kMalformed, "leaves not ascending by index");
    part.indices.push_back(leaf.index);
    part.values.push_back(leaf.value);
  }
  const std::size_t expected = merkle::proof_size(count, part.indices);
  if (proof_size != expected)
    return Error(Errc::kMalformed, "proof of " + std::to_string(proof_size) +
                                       " hashes instead of " + std::to_string(expected));
  return part;
}

Hash256 root_of_part(const RootFingerprint& root, std::size_t count, const Part& part,
                     std::span<const Hash256> proof) {
  return merkle::root_from_part(SealPolicy{root}, count, std::span<const std::size_t>(part.indices),
                                std::span<const Hash256>(part.values), proof);
}

std::pair<std::uint16_t, std::uint16_t> subtree(std::size_t begin, std::size_t end) {
  return {static_cast<std::uint16_t>(begin), static_cast<std::uint16_t>(end)};
}

}  // namespace

Hash256 merkle_root(const RootFingerprint& root, std::span<const Hash256> leaves) {
  LT_CHECK(!leaves.empty() && leaves.size() <= kSealUpdateCountMax);
  return merkle::root(SealPolicy{root}, leaves);
}

Result<Hash256> merkle_root_from_part(const RootFingerprint& root, std::uint16_t count,
                                      std::span<const IndexedLeaf> leaves,
                                      std::span<const Hash256> proof) {
  LT_TRY(const Part part, check_part(count, leaves, proof.size()));
  return root_of_part(root, count, part, proof);
}

Result<void> SealEvidence::absorb(const RootFingerprint& root, std::span<const IndexedLeaf> leaves,
                                  std::span<const Hash256> proof) {
  LT_TRY(const Part part, check_part(seal_.count, leaves, proof.size()));
  if (root_of_part(root, seal_.count, part, proof) != seal_.root)
    return Error(Errc::kBadHash,
                 "leaves do not lead to the root of seal " + std::to_string(seal_.number));
  for (const IndexedLeaf& leaf : leaves) leaves_.emplace(leaf.index, leaf.value);
  std::size_t next = 0;
  merkle::for_each_absent(0, seal_.count, part.indices, [&](std::size_t begin, std::size_t end) {
    subtrees_.emplace(subtree(begin, end), proof[next++]);
  });
  // What is left are the maximal subtrees without any leaf held: each was one for the part that
  // brought a leaf of its sibling, so none is ever unknown.
  std::erase_if(subtrees_, [&](const auto& entry) {
    const auto held = leaves_.lower_bound(entry.first.first);
    return held != leaves_.end() && held->first < entry.first.second;
  });
  return {};
}

std::vector<Hash256> SealEvidence::prove(const RootFingerprint& root,
                                         std::span<const std::uint16_t> indices) const {
  LT_CHECK(!indices.empty());
  LT_CHECK(std::adjacent_find(indices.begin(), indices.end(), std::greater_equal<>()) ==
           indices.end());
  for (const std::uint16_t index : indices) LT_CHECK(leaves_.contains(index));
  return siblings(root, indices).value();
}

std::optional<std::vector<Hash256>> SealEvidence::siblings(
    const RootFingerprint& root, std::span<const std::uint16_t> indices) const {
  LT_CHECK(!indices.empty() && indices.back() < seal_.count);
  const SealPolicy policy{root};
  bool known = true;
  const auto below = [&](std::size_t begin, std::size_t end) {
    return !subtrees_.contains(subtree(begin, end));
  };
  const auto whole = [&](std::size_t begin, std::size_t end) {
    return subtrees_.at(subtree(begin, end));
  };
  const auto leaf = [&](std::size_t index) {
    const auto held = leaves_.find(static_cast<std::uint16_t>(index));
    known = known && held != leaves_.end();
    return known ? policy.leaf(held->second) : Hash256{};
  };
  std::vector<Hash256> proof;
  const std::vector<std::size_t> wanted(indices.begin(), indices.end());
  merkle::for_each_absent(0, seal_.count, wanted, [&](std::size_t begin, std::size_t end) {
    if (known) proof.push_back(merkle::fold(policy, begin, end, below, whole, leaf));
  });
  return known ? std::optional(std::move(proof)) : std::nullopt;
}

std::optional<Hash256> SealEvidence::leaf(std::uint16_t index) const {
  const auto found = leaves_.find(index);
  if (found == leaves_.end()) return std::nullopt;
  return found->second;
}

Bytes SealEvidence::encode() const {
  ByteWriter out;
  out.raw(encode_seal(seal_));
  Bytes bitmap((seal_.count + 7U) / 8U);
  for (const auto& [index, value] : leaves_)
    bitmap[index / 8U] = static_cast<std::uint8_t>(bitmap[index / 8U] | 1U << index % 8U);
  out.raw(bitmap);
  for (const auto& [index, value] : leaves_) out.raw(value.view());
  for (const auto& [range, value] : subtrees_) out.raw(value.view());
  return out.take();
}

Result<SealEvidence> SealEvidence::decode(ByteView bytes) {
  ByteReader in(bytes);
  LT_TRY(const ByteView seal_bytes, in.raw(kSealSize));
  LT_TRY(Seal seal, decode_seal(seal_bytes));
  SealEvidence out(std::move(seal));
  const std::size_t count = out.seal_.count;
  LT_TRY(const ByteView bitmap, in.raw((count + 7) / 8));
  std::vector<std::size_t> held;
  for (std::size_t index = 0; index < bitmap.size() * 8; ++index) {
    if ((bitmap[index / 8] >> index % 8 & 1) == 0) continue;
    if (index >= count) return Error(Errc::kMalformed, "evidence of a leaf beyond the seal");
    held.push_back(index);
  }
  for (const std::size_t index : held) {
    LT_TRY(const auto value, in.array<Hash256::kSize>());
    out.leaves_.emplace(static_cast<std::uint16_t>(index), Hash256{value});
  }
  if (!held.empty()) {
    LT_TRY(ByteView hashes, in.raw(merkle::proof_size(count, held) * Hash256::kSize));
    merkle::for_each_absent(0, count, held, [&](std::size_t begin, std::size_t end) {
      out.subtrees_.emplace(subtree(begin, end), Hash256::from(hashes.first(Hash256::kSize)));
      hashes = hashes.subspan(Hash256::kSize);
    });
  }
  LT_TRY_VOID(in.finish("evidence"));
  return out;
}

}  // namespace lienthong
