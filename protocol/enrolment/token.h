// The one line that a newcomer is given. docs/protocol/enrolment.md. It bears the parent's
// addresses and static key, the root's fingerprint, the agency that the newcomer is to be a machine
// of, the invitation's number, a one-time secret and an expiry; the secret is the PSK of
// Noise_IKpsk2 and never crosses the wire. Pure.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/instant.h"
#include "protocol/crypto/noise.h"

namespace lienthong {

using InviteNumber = std::array<std::uint8_t, 8>;

inline constexpr std::size_t kTokenAddressCountMax = 16;
inline constexpr std::size_t kTokenAddressBytesMax = 300;
inline constexpr std::size_t kTokenBytesMax = 8192;  // as text

struct Token {
  std::vector<std::string> addresses;  // of the parent, "host:port", in the order to be tried
  DhPublic parent_dh_key{};
  RootFingerprint root;
  AgencyId agency;  // that the newcomer will speak for
  InviteNumber invite{};
  Psk secret{};
  UnixMillis expires_at = 0;  // the parent's clock decides
};
// "lt1-" and base64url, one line. At most kTokenAddressCountMax addresses, none longer than
// kTokenAddressBytesMax (LT_CHECK).
std::string encode_token(const Token& token);
// Space around it is passed over. kMalformed, kBadVersion.
Result<Token> decode_token(std::string_view text);

}  // namespace lienthong
