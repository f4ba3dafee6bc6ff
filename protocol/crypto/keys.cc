#include "protocol/crypto/keys.h"

#include <sodium/core.h>
#include <sodium/crypto_scalarmult_curve25519.h>
#include <sodium/crypto_sign_ed25519.h>
#include <sodium/utils.h>

#include "protocol/crypto/ed25519.h"

namespace lienthong {

void init_crypto() { LT_CHECK(sodium_init() >= 0); }

SigningKey::SigningKey(const Seed& seed) : seed_(seed) {
  NodeId key;  // also the second half of secret_
  LT_CHECK(crypto_sign_ed25519_seed_keypair(key.bytes.data(), secret_.data(), seed_.data()) == 0);
}

SigningKey::~SigningKey() {
  sodium_memzero(seed_.data(), seed_.size());
  sodium_memzero(secret_.data(), secret_.size());
}

NodeId SigningKey::public_key() const { return NodeId::from(ByteView(secret_).subspan(32)); }

Signature SigningKey::sign(ByteView message) const {
  Signature out;
  LT_CHECK(crypto_sign_ed25519_detached(out.data(), nullptr, message.data(), message.size(),
                                        secret_.data()) == 0);
  return out;
}

Result<void> check_key(const NodeId& key) {
  if (!ed25519::is_point(key.bytes))
    return Error(Errc::kMalformed, key.short_hex() + " is no Ed25519 key");
  return {};
}

Result<void> verify_known(const NodeId& key, ByteView message, const Signature& signature) {
  static const bool exact = ed25519::library_is_exact();
  if (!(exact ? ed25519::verify_by_library : ed25519::verify_by_hand)(key.bytes, message,
                                                                      signature))
    return Error(Errc::kBadSignature, "signature does not verify under key " + key.short_hex());
  return {};
}

Result<void> verify(const NodeId& key, ByteView message, const Signature& signature) {
  if (!ed25519::is_point(key.bytes))
    return Error(Errc::kBadSignature, key.short_hex() + " is no Ed25519 key");
  return verify_known(key, message, signature);
}

Result<void> check_dh_key(const std::array<std::uint8_t, 32>& key) {
  // Any scalar: libsodium refuses what multiplies to zero, which is what small orders do.
  static const Seed scalar{9};
  std::array<std::uint8_t, 32> out;
  if (!ed25519::is_field_element(key) ||
      crypto_scalarmult_curve25519(out.data(), scalar.data(), key.data()) != 0)
    return Error(Errc::kMalformed, "no X25519 key");
  return {};
}

DhKey::DhKey(const Seed& secret) : secret_(secret) {
  LT_CHECK(crypto_scalarmult_curve25519_base(public_.data(), secret_.data()) == 0);
}

DhKey::~DhKey() { sodium_memzero(secret_.data(), secret_.size()); }

Result<std::array<std::uint8_t, 32>> DhKey::shared(
    const std::array<std::uint8_t, 32>& theirs) const {
  std::array<std::uint8_t, 32> out;
  if (crypto_scalarmult_curve25519(out.data(), secret_.data(), theirs.data()) != 0)
    return Error(Errc::kMalformed, "X25519 public key of small order");
  Result<std::array<std::uint8_t, 32>> result(out);
  sodium_memzero(out.data(), out.size());
  return result;
}

NodeKeys make_node_keys(Entropy& entropy) {
  const Seed signing = entropy.array<32>();
  const Seed dh = entropy.array<32>();
  return NodeKeys{SigningKey(signing), DhKey(dh)};
}

}  // namespace lienthong
