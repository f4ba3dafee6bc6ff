// The Merkle tree's shape and proofs for parts of it, over any hash. RFC 6962 section 2.1: a tree
// of n > 1 leaves splits at the largest power of two smaller than n. docs/protocol/seals.md.
// Internal to protocol/record: others use record/seal.h. Pure functions; no threads.
//
// A policy is a value with
//   using Hash = ...;                                   // copyable
//   Hash leaf(const Leaf& value) const;                 // for whatever leaves the caller has
//   Hash node(const Hash& left, const Hash& right) const;
// A subtree is named by the leaves that it covers, [begin, end).
#pragma once

#include <bit>
#include <cstddef>
#include <span>

namespace lienthong::merkle {

// Where the tree over [begin, end) divides; end - begin is at least 2.
constexpr std::size_t middle(std::size_t begin, std::size_t end) {
  return begin + std::bit_floor(end - begin - 1);
}

// The hash of the subtree [begin, end): `below(b, e)` says whether to go into a subtree; where it
// says no, `whole(b, e)` is its hash; `leaf(i)` is the hash of a leaf that was gone into. Left to
// right.
template <class Policy, class Below, class Whole, class Leaf>
typename Policy::Hash fold(const Policy& policy, std::size_t begin, std::size_t end,
                           const Below& below, const Whole& whole, const Leaf& leaf) {
  if (!below(begin, end)) return whole(begin, end);
  if (end - begin == 1) return leaf(begin);
  const std::size_t half = middle(begin, end);
  const auto left = fold(policy, begin, half, below, whole, leaf);
  const auto right = fold(policy, half, end, below, whole, leaf);
  return policy.node(left, right);
}

// Calls `visit(b, e)` for each maximal subtree that holds none of the leaves, left to right.
// `indices` are ascending and at least begin; those from `end` on are left alone. Returns how many
// it passed.
template <class Visit>
std::size_t for_each_absent(std::size_t begin, std::size_t end,
                            std::span<const std::size_t> indices, const Visit& visit) {
  if (indices.empty() || indices.front() >= end) {
    visit(begin, end);
    return 0;
  }
  if (end - begin == 1) return 1;
  const std::size_t half = middle(begin, end);
  const std::size_t passed = for_each_absent(begin, half, indices, visit);
  return passed + for_each_absent(half, end, indices.subspan(passed), visit);
}

// At least one leaf.
template <class Policy, class Leaf>
typename Policy::Hash root(const Policy& policy, std::span<const Leaf> leaves) {
  return fold(
      policy, 0, leaves.size(), [](std::size_t, std::size_t) { return true; },
      [&](std::size_t begin, std::size_t) { return policy.leaf(leaves[begin]); },
      [&](std::size_t index) { return policy.leaf(leaves[index]); });
}

// How many hashes a proof for those leaves (ascending, below `count`) has.
inline std::size_t proof_size(std::size_t count, std::span<const std::size_t> indices) {
  std::size_t size = 0;
  for_each_absent(0, count, indices, [&](std::size_t, std::size_t) { ++size; });
  return size;
}

// The root of `count` leaves given some: values[k] is the leaf at indices[k], ascending and below
// `count`; `proof` has proof_size(count, indices) hashes.
template <class Policy, class Leaf>
typename Policy::Hash root_from_part(const Policy& policy, std::size_t count,
                                     std::span<const std::size_t> indices,
                                     std::span<const Leaf> values,
                                     std::span<const typename Policy::Hash> proof) {
  std::size_t next_leaf = 0;
  std::size_t next_hash = 0;
  return fold(
      policy, 0, count,
      [&](std::size_t, std::size_t end) {
        return next_leaf < indices.size() && indices[next_leaf] < end;
      },
      [&](std::size_t, std::size_t) { return proof[next_hash++]; },
      [&](std::size_t) { return policy.leaf(values[next_leaf++]); });
}

}  // namespace lienthong::merkle
