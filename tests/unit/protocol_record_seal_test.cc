#include "protocol/crypto/hash.h"
#include "protocol/record/seal.h"
#include "tests/support/crypto.h"

namespace lienthong {
namespace {

RootFingerprint deployment() {
  RootFingerprint root;
  root.bytes.fill(0x2b);
  return root;
}

SigningKey signer() { return SigningKey(Seed{42}); }

std::vector<Hash256> some_leaves(std::size_t count) {
  std::vector<Hash256> leaves(count);
  for (std::size_t i = 0; i < count; ++i) leaves[i].bytes[0] = static_cast<std::uint8_t>(i);
  return leaves;
}

Seal some_seal() {
  CertificateId certificate;
  certificate.bytes.fill(0xc1);
  SealId previous;
  previous.bytes.fill(0xd2);
  return make_seal(deployment(), signer(), certificate, 0x1122334455667788, 0x0a0b0c0d, previous,
                   some_leaves(5));
}

TEST(Seal, HasTheDocumentedLayout) {
  const Seal seal = some_seal();
  std::string expected;
  for (int i = 0; i < 32; ++i) expected += "c1";
  expected += "8877665544332211";
  expected += "0d0c0b0a";
  for (int i = 0; i < 32; ++i) expected += "d2";
  expected += seal.root.hex();
  expected += "0500";
  expected += to_hex(seal.signature);
  EXPECT_EQ(to_hex(encode_seal(seal)), expected);
  EXPECT_EQ(encode_seal(seal).size(), kSealSize);
}

TEST(Seal, RoundTrips) {
  const Seal seal = some_seal();
  EXPECT_EQ(*decode_seal(encode_seal(seal)), seal);
}

TEST(Seal, IsNamedByItsContentWithoutTheSignature) {
  Seal seal = some_seal();
  const SealId id = seal_id(deployment(), seal);
  const Bytes encoded = encode_seal(seal);
  EXPECT_EQ(id_cast<Hash256>(id),
            hash(kTagSeal, deployment(), ByteView(encoded).first(kSealSize - 64)));
  seal.signature[0] ^= 1;
  EXPECT_EQ(seal_id(deployment(), seal), id);
  EXPECT_NE(seal_id(RootFingerprint{}, seal), id);
}

TEST(Seal, CarriesTheRootOfItsLeaves) {
  const Seal seal = some_seal();
  EXPECT_EQ(seal.root, merkle_root(deployment(), some_leaves(5)));
  EXPECT_EQ(seal.count, 5);
}

TEST(Seal, VerifiesUnderItsSignerAlone) {
  const Seal seal = some_seal();
  EXPECT_TRUE(verify_seal(deployment(), seal, signer().public_key()).ok());
  EXPECT_EQ(verify_seal(deployment(), seal, SigningKey(Seed{43}).public_key()).error().code(),
            Errc::kBadSignature);
}

TEST(Seal, CannotBeReplayedInAnotherDeployment) {
  EXPECT_EQ(verify_seal(RootFingerprint{}, some_seal(), signer().public_key()).error().code(),
            Errc::kBadSignature);
}

TEST(Seal, DetectsEveryFlippedBit) {
  const Bytes honest = encode_seal(some_seal());
  for (std::size_t bit = 0; bit < honest.size() * 8; ++bit) {
    Bytes forged = honest;
    forged[bit / 8] = static_cast<std::uint8_t>(forged[bit / 8] ^ 1U << bit % 8);
    const auto seal = decode_seal(forged);
    if (!seal) continue;  // the count: over its limit
    ASSERT_EQ(verify_seal(deployment(), *seal, signer().public_key()).error().code(),
              Errc::kBadSignature)
        << bit;
  }
}

TEST(Seal, RefusesEveryTruncationAndAnExtraByte) {
  Bytes bytes = encode_seal(some_seal());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    ASSERT_EQ(decode_seal(ByteView(bytes).first(size)).error().code(), Errc::kTruncated) << size;
  bytes.push_back(0);
  EXPECT_EQ(decode_seal(bytes).error().code(), Errc::kMalformed);
}

TEST(Seal, HoldsOneTo256Leaves) {
  EXPECT_EQ(make_seal(deployment(), signer(), {}, 1, 1, {}, some_leaves(256)).count, 256);
  Seal seal = some_seal();
  seal.count = 256;
  EXPECT_TRUE(decode_seal(encode_seal(seal)).ok());
  seal.count = 257;
  EXPECT_EQ(decode_seal(encode_seal(seal)).error().code(), Errc::kTooLarge);
  seal.count = 0;
  EXPECT_EQ(decode_seal(encode_seal(seal)).error().code(), Errc::kMalformed);
  EXPECT_DEATH(make_seal(deployment(), signer(), {}, 1, 1, {}, {}), "check failed");
  EXPECT_DEATH(make_seal(deployment(), signer(), {}, 1, 1, {}, some_leaves(257)), "check failed");
}

TEST(Seal, CountsFromOneWithNothingBefore) {
  Seal seal = some_seal();
  seal.number = 0;
  EXPECT_EQ(decode_seal(encode_seal(seal)).error().code(), Errc::kMalformed);
  seal.number = 1;
  EXPECT_EQ(decode_seal(encode_seal(seal)).error().code(), Errc::kMalformed);
  seal.previous = {};
  EXPECT_TRUE(decode_seal(encode_seal(seal)).ok());
}

}  // namespace
}  // namespace lienthong
