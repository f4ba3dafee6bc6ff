// What every test that touches cryptography needs: libsodium started, and bytes written as
// hexadecimal.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "protocol/base/bytes.h"
#include "protocol/crypto/keys.h"

namespace lienthong::testing_support {

class CryptoEnvironment : public testing::Environment {
 public:
  void SetUp() override { init_crypto(); }
};
inline testing::Environment* const kCryptoEnvironment =
    testing::AddGlobalTestEnvironment(new CryptoEnvironment);

inline Bytes hex(std::string_view text) { return from_hex(text).value(); }

template <std::size_t N>
std::array<std::uint8_t, N> hex_array(std::string_view text) {
  const Bytes bytes = hex(text);
  LT_CHECK(bytes.size() == N);
  std::array<std::uint8_t, N> out;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

}  // namespace lienthong::testing_support
