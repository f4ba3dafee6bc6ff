#include "protocol/enrolment/token.h"

#include <sodium/utils.h>

#include <algorithm>

#include "protocol/crypto/hash.h"

namespace lienthong {
namespace {

// "lt1-" and base64url without padding of: root 32, agency 32, parent key 32,
// invite 8, secret 32, expiry u64,
// count of addresses u8, addresses (varint length, text), first 4 bytes of the hash of all that, so
// that a slip in copying is told from a wrong secret.
constexpr std::string_view kPrefix = "lt1-";
constexpr std::size_t kChecksumSize = 4;
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

ByteView checksum_of(const Hash256& hash) { return hash.view().first(kChecksumSize); }

Result<Bytes> decode_base64(std::string_view text) {
  if (text.empty()) return Error(Errc::kMalformed, "the token is cut short");
  Bytes out(text.size());
  std::size_t size = 0;
  if (sodium_base642bin(out.data(), out.size(), text.data(), text.size(), nullptr, &size, nullptr,
                        sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0) {
    const bool strange = text.find_first_not_of(kAlphabet) != std::string_view::npos;
    return Error(Errc::kMalformed, strange ? "the token has characters that do not belong there"
                                           : "the token is damaged: copy the whole line again");
  }
  out.resize(size);
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

std::string encode_token(const Token& token) {
  LT_CHECK(token.addresses.size() <= kTokenAddressCountMax);
  ByteWriter out;
  out.raw(token.root.view());
  out.raw(token.agency.view());
  out.raw(token.parent_dh_key);
  out.raw(token.invite);
  out.raw(token.secret);
  out.u64(static_cast<std::uint64_t>(token.expires_at));
  out.u8(static_cast<std::uint8_t>(token.addresses.size()));
  for (const auto& address : token.addresses) {
    LT_CHECK(address.size() <= kTokenAddressBytesMax);
    out.sized(address);
  }
  out.raw(checksum_of(hash(kTagInvite, token.root, ByteView(out.bytes()))));
  const Bytes bytes = out.take();
  std::string text(
      sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), 0);
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.resize(text.size() - 1);  // its terminating zero
  return std::string(kPrefix) + text;
}

Result<Token> decode_token(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with(kPrefix)) {
    if (text.starts_with("lt") && text.find('-') != std::string_view::npos) {
      return Error(Errc::kBadVersion,
                   "the token is of another version than lt1; update this program");
    }
    return Error(Errc::kMalformed, "this is no enrolment token; it begins with lt1-");
  }
  if (text.size() > kTokenBytesMax) return Error(Errc::kMalformed, "the token is too long");
  LT_TRY(const Bytes bytes, decode_base64(text.substr(kPrefix.size())));
  if (bytes.size() < kChecksumSize) return Error(Errc::kMalformed, "the token is cut short");
  const ByteView content = ByteView(bytes).first(bytes.size() - kChecksumSize);
  ByteReader in(content);
  Token token;
  const Error damaged(Errc::kMalformed, "the token is damaged: copy the whole line again");
  const auto root = in.array<32>(), agency = in.array<32>(), parent = in.array<32>();
  const auto invite = in.array<8>();
  const auto secret = in.array<32>();
  const auto expires_at = in.u64();
  const auto count = in.u8();
  if (!root || !agency || !parent || !invite || !secret || !expires_at || !count) return damaged;
  if (*count > kTokenAddressCountMax) return damaged;
  for (unsigned i = 0; i < *count; ++i) {
    const auto address = in.sized(kTokenAddressBytesMax);
    if (!address) return damaged;
    token.addresses.emplace_back(as_text(*address));
  }
  token.root.bytes = *root;
  token.agency.bytes = *agency;
  token.parent_dh_key = *parent;
  token.invite = *invite;
  token.secret = *secret;
  token.expires_at = static_cast<UnixMillis>(*expires_at);
  const Hash256 expected = hash(kTagInvite, token.root, content);
  const bool same = std::ranges::equal(checksum_of(expected), ByteView(bytes).last(kChecksumSize));
  if (!in.empty() || !same) return damaged;
  return token;
}

}  // namespace lienthong
