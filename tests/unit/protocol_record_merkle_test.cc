#include <sodium/crypto_hash_sha256.h>

#include <random>
#include <set>

#include "protocol/crypto/hash.h"
#include "protocol/record/merkle.h"
#include "protocol/record/seal.h"
#include "tests/support/crypto.h"

namespace lienthong {
namespace {

using testing_support::hex;

// ---- the algorithm, with RFC 6962's own hash ----

struct Sha256Policy {
  using Hash = Bytes;
  static Bytes digest(Bytes input) {
    Bytes out(32);
    crypto_hash_sha256(out.data(), input.data(), input.size());
    return out;
  }
  Bytes leaf(Bytes value) const {
    value.insert(value.begin(), 0);
    return digest(value);
  }
  Bytes node(const Bytes& left, const Bytes& right) const {
    Bytes input{1};
    input.insert(input.end(), left.begin(), left.end());
    input.insert(input.end(), right.begin(), right.end());
    return digest(input);
  }
};

// The reference tree of Certificate Transparency.
std::vector<Bytes> reference_leaves() {
  return {{},
          hex("00"),
          hex("10"),
          hex("2021"),
          hex("3031"),
          hex("40414243"),
          hex("5051525354555657"),
          hex("606162636465666768696a6b6c6d6e6f")};
}
constexpr const char* kReferenceRoots[] = {
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

Bytes reference_root(std::size_t count) {
  const auto leaves = reference_leaves();
  return merkle::root(Sha256Policy{}, std::span<const Bytes>(leaves).first(count));
}

TEST(MerkleShape, MatchesThePublishedRoots) {
  for (std::size_t count = 1; count <= 8; ++count)
    EXPECT_EQ(to_hex(reference_root(count)), kReferenceRoots[count - 1]) << count;
}

struct PublishedProof {
  std::size_t index;
  std::size_t count;
  std::vector<const char*> left_to_right;
};

TEST(MerkleShape, FollowsThePublishedAuditPaths) {
  const PublishedProof proofs[] = {
      {0, 1, {}},
      {0,
       8,
       {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
      {5,
       8,
       {"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"}},
      {2, 3, {"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
  };
  for (const PublishedProof& published : proofs) {
    std::vector<Bytes> proof;
    for (const char* text : published.left_to_right) proof.push_back(hex(text));
    const std::size_t indices[] = {published.index};
    const Bytes values[] = {reference_leaves()[published.index]};
    ASSERT_EQ(merkle::proof_size(published.count, indices), proof.size());
    EXPECT_EQ(to_hex(merkle::root_from_part(Sha256Policy{}, published.count, indices,
                                            std::span<const Bytes>(values),
                                            std::span<const Bytes>(proof))),
              kReferenceRoots[published.count - 1]);
  }
}

// ---- our hash ----

RootFingerprint fingerprint() {
  RootFingerprint root;
  root.bytes.fill(0x17);
  return root;
}

std::vector<Hash256> numbered_leaves(std::size_t count) {
  std::vector<Hash256> leaves(count);
  for (std::size_t i = 0; i < count; ++i)
    leaves[i] = hash(kTagUpdate, fingerprint(), as_bytes(std::to_string(i)));
  return leaves;
}

// RFC 6962's definition word for word, to check against.
Hash256 defined_root(std::span<const Hash256> leaves) {
  if (leaves.size() == 1) return hash(kTagLeaf, fingerprint(), leaves[0]);
  std::size_t half = 1;
  while (half * 2 < leaves.size()) half *= 2;
  return hash(kTagNode, fingerprint(), defined_root(leaves.first(half)),
              defined_root(leaves.subspan(half)));
}

struct Tree {
  explicit Tree(std::size_t count) : leaves(numbered_leaves(count)) {
    seal = make_seal(fingerprint(), SigningKey(Seed{1}), {}, 1, 1, {}, leaves);
  }
  std::vector<IndexedLeaf> part(std::span<const std::uint16_t> indices) const {
    std::vector<IndexedLeaf> out;
    for (const std::uint16_t index : indices) out.push_back({index, leaves[index]});
    return out;
  }
  std::vector<std::uint16_t> all() const {
    std::vector<std::uint16_t> out(leaves.size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint16_t>(i);
    return out;
  }
  SealEvidence complete() const {
    SealEvidence evidence(seal);
    LT_CHECK(evidence.absorb(fingerprint(), part(all()), {}).ok());
    return evidence;
  }
  std::vector<Hash256> leaves;
  Seal seal;
};

Result<Hash256> root_of(std::uint16_t count, const std::vector<IndexedLeaf>& leaves,
                        const std::vector<Hash256>& proof) {
  return merkle_root_from_part(fingerprint(), count, leaves, proof);
}

std::vector<std::uint16_t> random_subset(std::mt19937& random,
                                         std::span<const std::uint16_t> from) {
  std::vector<std::uint16_t> out;
  const unsigned of_eight = 1 + random() % 8;
  for (const std::uint16_t index : from)
    if (random() % 8 < of_eight) out.push_back(index);
  if (out.empty()) out.push_back(from[random() % from.size()]);
  return out;
}

TEST(MerkleRoot, IsTheOneDefined) {
  for (std::size_t count = 1; count <= 256; ++count) {
    const auto leaves = numbered_leaves(count);
    ASSERT_EQ(merkle_root(fingerprint(), leaves), defined_root(leaves)) << count;
  }
}

TEST(MerkleRoot, TellsDeploymentsOrderAndCountApart) {
  auto leaves = numbered_leaves(6);
  const Hash256 root = merkle_root(fingerprint(), leaves);
  EXPECT_NE(merkle_root(RootFingerprint{}, leaves), root);
  EXPECT_NE(merkle_root(fingerprint(), std::span(leaves).first(5)), root);
  std::swap(leaves[2], leaves[3]);
  EXPECT_NE(merkle_root(fingerprint(), leaves), root);
}

TEST(MerkleProof, LeadsAnyPartToTheRoot) {
  std::mt19937 random(6962);
  for (std::size_t count = 1; count <= 40; ++count) {
    const Tree tree(count);
    const SealEvidence evidence = tree.complete();
    for (int round = 0; round < 24; ++round) {
      const auto subset = random_subset(random, tree.all());
      const auto proof = evidence.prove(fingerprint(), subset);
      const auto root = root_of(tree.seal.count, tree.part(subset), proof);
      ASSERT_TRUE(root.ok()) << root.error().message();
      ASSERT_EQ(*root, tree.seal.root) << count;
    }
  }
}

TEST(MerkleProof, NeedsAtMostEightHashesForOneLeaf) {
  for (const std::size_t count : {1U, 2U, 129U, 255U, 256U}) {
    const Tree tree(count);
    const SealEvidence evidence = tree.complete();
    std::size_t most = 0;
    for (const std::uint16_t index : tree.all()) {
      const std::uint16_t one[] = {index};
      const auto proof = evidence.prove(fingerprint(), one);
      most = std::max(most, proof.size());
      ASSERT_EQ(*root_of(tree.seal.count, tree.part(one), proof), tree.seal.root) << index;
    }
    EXPECT_LE(most, 8U);
    if (count == 256) {
      EXPECT_EQ(most, 8U);
    }
  }
}

TEST(MerkleProof, NeedsOneHashForAnAlignedHalfAndNoneForTheWhole) {
  const Tree tree(256);
  const auto all = tree.all();
  const SealEvidence evidence = tree.complete();
  EXPECT_EQ(evidence.prove(fingerprint(), std::span(all).first(128)).size(), 1U);
  EXPECT_EQ(evidence.prove(fingerprint(), std::span(all).subspan(64, 64)).size(), 2U);
  EXPECT_EQ(evidence.prove(fingerprint(), all).size(), 0U);
}

TEST(MerkleProof, RejectsAMissingOrExtraHash) {
  const Tree tree(21);
  const std::uint16_t subset[] = {3, 4, 17};
  const auto part = tree.part(subset);
  const auto proof = tree.complete().prove(fingerprint(), subset);
  for (std::size_t at = 0; at <= proof.size(); ++at) {
    auto more = proof;
    more.insert(more.begin() + static_cast<std::ptrdiff_t>(at), proof[0]);
    EXPECT_EQ(root_of(21, part, more).error().code(), Errc::kMalformed);
    if (at == proof.size()) continue;
    auto fewer = proof;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at));
    EXPECT_EQ(root_of(21, part, fewer).error().code(), Errc::kMalformed);
  }
}

TEST(MerkleProof, LeadsElsewhereWithAnythingWrong) {
  const Tree tree(21);
  const std::uint16_t subset[] = {3, 4, 17};
  const auto part = tree.part(subset);
  const auto proof = tree.complete().prove(fingerprint(), subset);
  for (std::size_t i = 0; i < proof.size(); ++i) {
    auto wrong = proof;
    wrong[i].bytes[31] ^= 1;
    EXPECT_NE(*root_of(21, part, wrong), tree.seal.root);
  }
  for (std::size_t i = 0; i < part.size(); ++i) {
    auto wrong = part;
    wrong[i].value.bytes[0] ^= 1;
    EXPECT_NE(*root_of(21, wrong, proof), tree.seal.root);
  }
}

TEST(MerkleProof, BindsEachLeafToItsIndex) {
  for (const std::uint16_t count : {std::uint16_t{2}, std::uint16_t{7}, std::uint16_t{32}}) {
    const Tree tree(count);
    const SealEvidence evidence = tree.complete();
    for (const std::uint16_t index : tree.all()) {
      const std::uint16_t one[] = {index};
      const auto proof = evidence.prove(fingerprint(), one);
      for (const std::uint16_t claimed : tree.all()) {
        if (claimed == index) continue;
        const auto root = root_of(count, {{claimed, tree.leaves[index]}}, proof);
        ASSERT_TRUE(!root.ok() || *root != tree.seal.root) << index << " as " << claimed;
      }
    }
  }
}

TEST(MerkleProof, DoesNotTakeAnInnerNodeForALeaf) {
  const Tree tree(2);
  // The root of two leaves, offered as the only leaf of a tree of one.
  EXPECT_NE(*root_of(1, {{0, tree.seal.root}}, {}), tree.seal.root);
}

TEST(MerkleProof, RejectsBadIndicesAndCounts) {
  const auto leaves = numbered_leaves(4);
  const std::vector<Hash256> proof(1);
  const auto code = [&](std::uint16_t count, const std::vector<IndexedLeaf>& part) {
    return root_of(count, part, proof).error().code();
  };
  EXPECT_EQ(code(4, {{4, leaves[0]}}), Errc::kMalformed);
  EXPECT_EQ(code(4, {{65'535, leaves[0]}}), Errc::kMalformed);
  EXPECT_EQ(code(4, {{1, leaves[1]}, {0, leaves[0]}}), Errc::kMalformed);
  EXPECT_EQ(code(4, {{1, leaves[1]}, {1, leaves[1]}}), Errc::kMalformed);
  EXPECT_EQ(code(4, {}), Errc::kMalformed);
  EXPECT_EQ(code(0, {}), Errc::kMalformed);
  EXPECT_EQ(code(0, {{0, leaves[0]}}), Errc::kMalformed);
  EXPECT_EQ(code(257, {{0, leaves[0]}}), Errc::kMalformed);
}

// ---- evidence ----

// Absorbs random parts into `evidence`; returns the leaves then held.
std::vector<std::uint16_t> absorb_parts(std::mt19937& random, const Tree& tree, int parts,
                                        SealEvidence& evidence) {
  const SealEvidence source = tree.complete();
  std::set<std::uint16_t> held;
  for (int i = 0; i < parts; ++i) {
    const auto subset = random_subset(random, tree.all());
    const auto taken =
        evidence.absorb(fingerprint(), tree.part(subset), source.prove(fingerprint(), subset));
    LT_CHECK(taken.ok());
    held.insert(subset.begin(), subset.end());
  }
  return {held.begin(), held.end()};
}

TEST(SealEvidence, ProvesAnyPartOfWhatItAbsorbed) {
  std::mt19937 random(2026);
  for (std::size_t count = 1; count <= 40; ++count) {
    const Tree tree(count);
    for (int parts = 1; parts <= 4; ++parts) {
      SealEvidence evidence(tree.seal);
      const auto held = absorb_parts(random, tree, parts, evidence);
      EXPECT_EQ(evidence.complete(), held.size() == count);
      const auto decoded = SealEvidence::decode(evidence.encode());
      ASSERT_TRUE(decoded.ok()) << decoded.error().message();
      for (int round = 0; round < 4; ++round) {
        const auto subset = random_subset(random, held);
        const auto proof = evidence.prove(fingerprint(), subset);
        ASSERT_EQ(*root_of(tree.seal.count, tree.part(subset), proof), tree.seal.root);
        ASSERT_EQ(decoded->prove(fingerprint(), subset), proof);
      }
    }
  }
}

TEST(SealEvidence, DoesNotDependOnTheOrderOfItsParts) {
  std::mt19937 random(7);
  const Tree tree(37);
  const SealEvidence source = tree.complete();
  for (int round = 0; round < 20; ++round) {
    const auto one = random_subset(random, tree.all());
    const auto two = random_subset(random, tree.all());
    SealEvidence forward(tree.seal);
    SealEvidence backward(tree.seal);
    for (const auto* part : {&one, &two})
      ASSERT_TRUE(
          forward.absorb(fingerprint(), tree.part(*part), source.prove(fingerprint(), *part)).ok());
    for (const auto* part : {&two, &one, &one})
      ASSERT_TRUE(
          backward.absorb(fingerprint(), tree.part(*part), source.prove(fingerprint(), *part))
              .ok());
    ASSERT_EQ(forward.encode(), backward.encode());
  }
}

TEST(SealEvidence, KnowsTheLeavesItHolds) {
  const Tree tree(9);
  SealEvidence evidence(tree.seal);
  EXPECT_FALSE(evidence.complete());
  EXPECT_FALSE(evidence.leaf(4).has_value());
  const std::uint16_t subset[] = {4, 8};
  ASSERT_TRUE(
      evidence
          .absorb(fingerprint(), tree.part(subset), tree.complete().prove(fingerprint(), subset))
          .ok());
  EXPECT_EQ(*evidence.leaf(4), tree.leaves[4]);
  EXPECT_EQ(*evidence.leaf(8), tree.leaves[8]);
  EXPECT_FALSE(evidence.leaf(5).has_value());
  EXPECT_EQ(evidence.seal(), tree.seal);
}

TEST(SealEvidence, TakesInNothingThatLeadsElsewhere) {
  const Tree tree(9);
  SealEvidence evidence(tree.seal);
  const std::uint16_t subset[] = {4, 8};
  const auto proof = tree.complete().prove(fingerprint(), subset);
  auto part = tree.part(subset);
  const Bytes before = evidence.encode();
  EXPECT_EQ(evidence.absorb(RootFingerprint{}, part, proof).error().code(), Errc::kBadHash);
  part[1].value.bytes[5] ^= 1;
  EXPECT_EQ(evidence.absorb(fingerprint(), part, proof).error().code(), Errc::kBadHash);
  EXPECT_EQ(evidence.absorb(fingerprint(), part, {}).error().code(), Errc::kMalformed);
  EXPECT_EQ(evidence.encode(), before);
}

TEST(SealEvidence, AbortsRatherThanProveWhatItDoesNotHold) {
  const Tree tree(9);
  SealEvidence evidence(tree.seal);
  const std::uint16_t held[] = {4};
  ASSERT_TRUE(
      evidence.absorb(fingerprint(), tree.part(held), tree.complete().prove(fingerprint(), held))
          .ok());
  const std::uint16_t other[] = {5};
  EXPECT_DEATH(static_cast<void>(evidence.prove(fingerprint(), other)), "check failed");
}

TEST(SealEvidence, StoresOnlyTheHashesItNeeds) {
  const Tree tree(256);
  const SealEvidence source = tree.complete();
  SealEvidence evidence(tree.seal);
  const auto all = tree.all();
  for (std::size_t at = 0; at < 256; at += 16) {
    const auto indices = std::span(all).subspan(at, 16);
    ASSERT_TRUE(
        evidence.absorb(fingerprint(), tree.part(indices), source.prove(fingerprint(), indices))
            .ok());
  }
  EXPECT_TRUE(evidence.complete());
  EXPECT_EQ(evidence.encode().size(), kSealSize + 32 + 256 * 32);
  EXPECT_EQ(evidence.encode(), source.encode());
}

TEST(SealEvidence, RefusesDamagedStorage) {
  const Tree tree(9);
  SealEvidence evidence(tree.seal);
  const std::uint16_t subset[] = {4, 8};
  ASSERT_TRUE(
      evidence
          .absorb(fingerprint(), tree.part(subset), tree.complete().prove(fingerprint(), subset))
          .ok());
  Bytes bytes = evidence.encode();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    ASSERT_EQ(SealEvidence::decode(ByteView(bytes).first(size)).error().code(), Errc::kTruncated);
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_EQ(SealEvidence::decode(longer).error().code(), Errc::kMalformed);
  bytes[kSealSize + 1] |= 0x80;  // leaf 15 of 9
  EXPECT_EQ(SealEvidence::decode(bytes).error().code(), Errc::kMalformed);
}

TEST(SealEvidence, RoundTripsBeforeItsFirstPart) {
  const SealEvidence empty(Tree(9).seal);
  const auto decoded = SealEvidence::decode(empty.encode());
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->encode(), empty.encode());
  EXPECT_FALSE(decoded->complete());
}

}  // namespace
}  // namespace lienthong
