#include <algorithm>

#include "protocol/crypto/hash.h"
#include "protocol/crypto/keys.h"
#include "tests/support/crypto.h"

namespace lienthong {
namespace {

using testing_support::hex;
using testing_support::hex_array;

struct SignatureVector {
  const char* seed;
  const char* key;
  const char* message;
  const char* signature;
};

// RFC 8032 section 7.1, tests 1 to 3.
constexpr SignatureVector kSignatureVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

TEST(SigningKey, MatchesRfc8032) {
  for (const SignatureVector& vector : kSignatureVectors) {
    const SigningKey key(hex_array<32>(vector.seed));
    const Bytes message = hex(vector.message);
    EXPECT_EQ(key.public_key().hex(), vector.key);
    EXPECT_EQ(to_hex(key.sign(message)), vector.signature);
    EXPECT_TRUE(verify(key.public_key(), message, hex_array<64>(vector.signature)).ok());
  }
}

TEST(SigningKey, KeepsItsSeed) {
  const Seed seed = hex_array<32>(kSignatureVectors[0].seed);
  EXPECT_EQ(SigningKey(seed).seed(), seed);
}

TEST(Verify, RefusesEveryFlippedBit) {
  const SigningKey key(Seed{7});
  const Bytes message{'t', 'r', 'a'};
  const Signature signature = key.sign(message);
  for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
    Signature bad = signature;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ 1U << bit % 8);
    ASSERT_EQ(verify(key.public_key(), message, bad).error().code(), Errc::kBadSignature) << bit;
  }
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    Bytes bad = message;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ 1U << bit % 8);
    ASSERT_FALSE(verify(key.public_key(), bad, signature).ok()) << bit;
  }
  EXPECT_FALSE(verify(SigningKey(Seed{8}).public_key(), message, signature).ok());
}

TEST(Verify, RefusesASecondSpellingOfASignature) {
  const SigningKey key(Seed{9});
  const Bytes message{1, 2, 3};
  Signature signature = key.sign(message);
  // S + L, the order of the group, is the same number modulo L.
  const auto order =
      hex_array<32>("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += signature[32 + i] + order[i];
    signature[32 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  EXPECT_FALSE(verify(key.public_key(), message, signature).ok());
}

TEST(Verify, RefusesTheKeyUnderWhichAnythingWouldVerify) {
  NodeId neutral;
  neutral.bytes[0] = 1;
  Signature signature{};
  signature[0] = 1;  // R neutral, S = 0: R = S*B - h*A for every message
  EXPECT_FALSE(verify(neutral, as_bytes("anything"), signature).ok());
}

struct DhVector {
  const char* scalar;
  const char* point;
  const char* output;
};

// RFC 7748 section 5.2; the second point has the unused top bit set.
constexpr DhVector kDhVectors[] = {
    {"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
     "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
     "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
    {"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
     "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
     "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
};

TEST(DhKey, MatchesRfc7748) {
  for (const DhVector& vector : kDhVectors) {
    const DhKey key(hex_array<32>(vector.scalar));
    EXPECT_EQ(to_hex(*key.shared(hex_array<32>(vector.point))), vector.output);
  }
}

// RFC 7748 section 6.1.
TEST(DhKey, AgreesBothWaysAsInRfc7748) {
  const DhKey alice(
      hex_array<32>("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  const DhKey bob(
      hex_array<32>("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  EXPECT_EQ(to_hex(alice.public_key()),
            "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  EXPECT_EQ(to_hex(bob.public_key()),
            "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  const char* const shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  EXPECT_EQ(to_hex(*alice.shared(bob.public_key())), shared);
  EXPECT_EQ(to_hex(*bob.shared(alice.public_key())), shared);
}

TEST(DhKey, RefusesSmallOrderPoints) {
  const char* const points[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "0000000000000000000000000000000000000000000000000000000000000080",
  };
  const DhKey key(Seed{5});
  for (const char* point : points)
    EXPECT_EQ(key.shared(hex_array<32>(point)).error().code(), Errc::kMalformed) << point;
}

Hash256 blake2b(ByteView input) {
  Hash256 out;
  crypto_generichash(out.bytes.data(), out.bytes.size(), input.data(), input.size(), nullptr, 0);
  return out;
}

TEST(Hasher, PutsTagAndFingerprintInFront) {
  RootFingerprint root;
  root.bytes.fill(0xab);
  ByteWriter expected;
  expected.sized(kTagLeaf);  // a varint below 128 is one byte
  expected.raw(root.view());
  expected.raw(as_bytes("content"));
  EXPECT_EQ(hash(kTagLeaf, root, as_bytes("content")), blake2b(expected.bytes()));
}

TEST(Hasher, IsOneStreamHoweverItIsCut) {
  const RootFingerprint root;
  EXPECT_EQ(hash(kTagLeaf, root, as_bytes("ab"), as_bytes(""), as_bytes("c")),
            hash(kTagLeaf, root, as_bytes("abc")));
}

TEST(Hasher, SeparatesPurposesAndDeployments) {
  RootFingerprint other;
  other.bytes[31] = 1;
  const auto one = hash(kTagLeaf, RootFingerprint{}, as_bytes("x"));
  EXPECT_NE(one, hash(kTagNode, RootFingerprint{}, as_bytes("x")));
  EXPECT_NE(one, hash(kTagLeaf, other, as_bytes("x")));
}

TEST(Hasher, TagsDifferFromEachOther) {
  std::vector<std::string_view> tags{
      kTagGenesis, kTagStatement, kTagRootSignature, kTagUpdate,    kTagOpen,  kTagClosed,
      kTagSeal,    kTagLeaf,      kTagNode,          kTagFeed,      kTagState, kTagRegistry,
      kTagKey,     kTagInvite,    kTagChunk,         kTagChunkNode, kTagBlob,  kTagBlobHeld,
      kTagBundle,  kTagBundleKey, kTagBundleRecord,  kTagSalt};
  std::sort(tags.begin(), tags.end());
  EXPECT_EQ(std::adjacent_find(tags.begin(), tags.end()), tags.end());
}

}  // namespace
}  // namespace lienthong
