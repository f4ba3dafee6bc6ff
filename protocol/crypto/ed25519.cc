#include "protocol/crypto/ed25519.h"

#include <sodium/crypto_core_ed25519.h>
#include <sodium/crypto_hash_sha512.h>
#include <sodium/crypto_scalarmult_ed25519.h>
#include <sodium/crypto_sign_ed25519.h>

#include <algorithm>
#include <numeric>

namespace lienthong::ed25519 {
namespace {

// Little-endian.
constexpr Point kField{0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
constexpr Point kOrder{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                       0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                       0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
constexpr Point kIdentity{1};

// Of public values, so time may tell.
bool below(const Point& a, const Point& b) {
  return std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend());
}
Point first(const std::array<std::uint8_t, 64>& signature) {
  Point out;
  std::copy_n(signature.begin(), out.size(), out.begin());
  return out;
}
Point second(const std::array<std::uint8_t, 64>& signature) {
  Point out;
  std::copy_n(signature.begin() + 32, out.size(), out.begin());
  return out;
}
// What is left to no library: S < L; the y of R below 2^255 - 19 and not 1, which has the identity
// alone, however its x of 0 is signed.
bool has_form(const std::array<std::uint8_t, 64>& signature) {
  Point y = first(signature);
  y[31] &= 0x7f;
  return below(second(signature), kOrder) && is_field_element(y) && y != kIdentity;
}

// Some versions take a point with a component of order 2 for one of prime order. (L - 1) P is -P
// only in the subgroup.
bool library_knows_the_subgroup() {
  // A point of prime order, plus (0, -1).
  constexpr Point kMixed{0x03, 0xb5, 0x93, 0x9c, 0x1d, 0x63, 0xad, 0xf5, 0x41, 0x0a, 0xaf,
                         0x84, 0xec, 0xd1, 0x3a, 0x06, 0x6a, 0xb8, 0x89, 0x51, 0x41, 0x41,
                         0x84, 0x6d, 0xbd, 0xe1, 0x15, 0x96, 0xeb, 0xb9, 0x2d, 0xd3};
  return crypto_core_ed25519_is_valid_point(kMixed.data()) == 0;
}

std::array<std::uint8_t, 64> signature_of(std::string_view hex) {
  std::array<std::uint8_t, 64> out;
  std::ranges::copy(from_hex(hex).value(), out.begin());
  return out;
}

}  // namespace

bool is_in_subgroup(const Point& point) {
  Point scalar = kOrder, product;
  --scalar[0];
  if (crypto_scalarmult_ed25519_noclamp(product.data(), scalar.data(), point.data()) != 0)
    return false;
  product[31] ^= 0x80;
  return product == point;
}

bool library_is_exact() {
  // Of the bytes 0 to 31, under a key of prime order; R has a component of order 2, 4, 8, which the
  // cofactor takes away.
  constexpr Point kKey{0xea, 0x4a, 0x6c, 0x63, 0xe2, 0x9c, 0x52, 0x0a, 0xbe, 0xf5, 0x50,
                       0x7b, 0x13, 0x2e, 0xc5, 0xf9, 0x95, 0x47, 0x76, 0xae, 0xbe, 0xbe,
                       0x7b, 0x92, 0x42, 0x1e, 0xea, 0x69, 0x14, 0x46, 0xd2, 0x2c};
  constexpr std::string_view kMixed[] = {
      "ac3f276feee7dde7a0e1f725daf44ae2d7eb56f826871df6c414a5a707645ef4"
      "079995d45c339913881b48c9d3da87a0108825410ad9462485193a86146d4308",
      "1d5c8cb1e68fe7c3e1ef6da1f25ec28d8d26e2098e9d1ac62aa0d1f47fa8c6be"
      "c53f52a5e82d729d8b136341f9feb1ed55d63de39c9170ecd3800a91e1961003",
      "49e59546320ba260325dfbde18fd5625a325f4c6db6fa7027b06129610749486"
      "cad0b232af1b0e76bf0e37768be02258ebddf2be6c00eedb8d218ace1c8a9203"};
  std::array<std::uint8_t, 32> message;
  std::iota(message.begin(), message.end(), std::uint8_t{0});
  return std::ranges::none_of(kMixed, [&](std::string_view hex) {
    return verify_by_library(kKey, message, signature_of(hex));
  });
}

bool is_field_element(const Point& bytes) { return below(bytes, kField); }

bool is_point(const Point& bytes) {
  static const bool known = library_knows_the_subgroup();
  Point y = bytes;
  y[31] &= 0x7f;
  return is_field_element(y) && crypto_core_ed25519_is_valid_point(bytes.data()) == 1 &&
         (known || is_in_subgroup(bytes));
}

bool verify_by_library(const Point& key, ByteView message,
                       const std::array<std::uint8_t, 64>& signature) {
  return has_form(signature) &&
         crypto_sign_ed25519_verify_detached(signature.data(), message.data(), message.size(),
                                             key.data()) == 0;
}

bool verify_by_hand(const Point& key, ByteView message,
                    const std::array<std::uint8_t, 64>& signature) {
  if (!has_form(signature)) return false;
  const Point s = second(signature);
  std::array<std::uint8_t, 64> digest;
  crypto_hash_sha512_state hashing;
  crypto_hash_sha512_init(&hashing);
  crypto_hash_sha512_update(&hashing, signature.data(), 32);
  crypto_hash_sha512_update(&hashing, key.data(), key.size());
  crypto_hash_sha512_update(&hashing, message.data(), message.size());
  crypto_hash_sha512_final(&hashing, digest.data());
  Point k, base = kIdentity, product = kIdentity, r;
  crypto_core_ed25519_scalar_reduce(k.data(), digest.data());
  // libsodium has no products by zero.
  if (s != Point{} && crypto_scalarmult_ed25519_base_noclamp(base.data(), s.data()) != 0)
    return false;
  if (k != Point{} && crypto_scalarmult_ed25519_noclamp(product.data(), k.data(), key.data()) != 0)
    return false;
  if (crypto_core_ed25519_sub(r.data(), base.data(), product.data()) != 0) return false;
  return std::equal(r.begin(), r.end(), signature.begin());
}

}  // namespace lienthong::ed25519
