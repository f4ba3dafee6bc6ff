#include "protocol/record/seal.h"

#include "protocol/base/limits.h"
#include "protocol/crypto/hash.h"

namespace lienthong {
namespace {

Bytes encode_unsigned(const Seal& seal) {
  ByteWriter out;
  out.raw(seal.certificate.view());
  out.u64(seal.incarnation);
  out.u32(seal.number);
  out.raw(seal.previous.view());
  out.raw(seal.root.view());
  out.u16(seal.count);
  return out.take();
}

}  // namespace

Bytes encode_seal(const Seal& seal) {
  ByteWriter out;
  out.raw(encode_unsigned(seal));
  out.raw(seal.signature);
  LT_CHECK(out.size() == kSealSize);
  return out.take();
}

Result<Seal> decode_seal(ByteView bytes) {
  ByteReader in(bytes);
  Seal seal;
  LT_TRY(seal.certificate.bytes, in.array<32>());
  LT_TRY(seal.incarnation, in.u64());
  LT_TRY(seal.number, in.u32());
  LT_TRY(seal.previous.bytes, in.array<32>());
  LT_TRY(seal.root.bytes, in.array<32>());
  LT_TRY(seal.count, in.u16());
  LT_TRY(seal.signature, in.array<64>());
  LT_TRY_VOID(in.finish("seal"));
  if (seal.count > kSealUpdateCountMax)
    return Error(Errc::kTooLarge, "seal of " + std::to_string(seal.count) + " leaves");
  if (seal.count == 0) return Error(Errc::kMalformed, "seal of no leaves");
  if (seal.number == 0) return Error(Errc::kMalformed, "seal number 0");
  if (seal.number == 1 && !seal.previous.is_zero())
    return Error(Errc::kMalformed, "first seal of an incarnation names a previous one");
  return seal;
}

SealId seal_id(const RootFingerprint& root, const Seal& seal) {
  return id_cast<SealId>(hash(kTagSeal, root, ByteView(encode_unsigned(seal))));
}

Seal make_seal(const RootFingerprint& root, const SigningKey& key, const CertificateId& certificate,
               std::uint64_t incarnation, std::uint32_t number, const SealId& previous,
               std::span<const Hash256> leaves) {
  Seal seal;
  seal.certificate = certificate;
  seal.incarnation = incarnation;
  seal.number = number;
  seal.previous = previous;
  seal.root = merkle_root(root, leaves);  // checks the count
  seal.count = static_cast<std::uint16_t>(leaves.size());
  seal.signature = key.sign(seal_id(root, seal).view());
  return seal;
}

Result<void> verify_seal(const RootFingerprint& root, const Seal& seal, const NodeId& signer) {
  return verify_known(signer, seal_id(root, seal).view(), seal.signature);
}

}  // namespace lienthong
