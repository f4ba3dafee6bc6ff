#include "protocol/crypto/hash.h"

namespace lienthong {

Hasher::Hasher(std::string_view tag, const RootFingerprint& root, ByteView key) {
  LT_CHECK(!tag.empty() && tag.size() < 256);
  LT_CHECK(key.empty() || (key.size() >= crypto_generichash_KEYBYTES_MIN &&
                           key.size() <= crypto_generichash_KEYBYTES_MAX));
  const std::uint8_t* bytes = key.empty() ? nullptr : key.data();
  LT_CHECK(crypto_generichash_init(&state_, bytes, key.size(), Hash256::kSize) == 0);
  const std::array<std::uint8_t, 1> size{static_cast<std::uint8_t>(tag.size())};
  add(ByteView(size));
  add(as_bytes(tag));
  add(root);
}

Hasher& Hasher::add(ByteView bytes) {
  if (!bytes.empty()) LT_CHECK(crypto_generichash_update(&state_, bytes.data(), bytes.size()) == 0);
  return *this;
}

Hash256 Hasher::finish() {
  Hash256 out;
  LT_CHECK(crypto_generichash_final(&state_, out.bytes.data(), out.bytes.size()) == 0);
  return out;
}

}  // namespace lienthong
