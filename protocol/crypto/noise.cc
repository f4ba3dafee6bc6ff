#include "protocol/crypto/noise.h"

#include <sodium/crypto_aead_chacha20poly1305.h>
#include <sodium/crypto_auth_hmacsha256.h>
#include <sodium/crypto_hash_sha256.h>
#include <sodium/utils.h>

#include <limits>
#include <string_view>

namespace lienthong {
namespace {

constexpr std::size_t kNoiseMessageBytesMax = 65'535;
constexpr std::size_t kKeySize = 32;
constexpr std::size_t kTagSize = crypto_aead_chacha20poly1305_ietf_ABYTES;
using Key = std::array<std::uint8_t, kKeySize>;

// A pattern of the specification's section 7, one letter a token: e, s, E (ee), x (es), y (se), z
// (ss), p (psk).
struct Pattern {
  std::string_view name;
  bool responder_static_known;
  bool uses_psk;
  std::array<std::string_view, 3> messages;
  unsigned message_count;
};

const Pattern& pattern_of(NoisePattern pattern) {
  static constexpr Pattern kPatterns[] = {
      {"Noise_IK_25519_ChaChaPoly_SHA256", true, false, {"exsz", "eEy", ""}, 2},
      {"Noise_XX_25519_ChaChaPoly_SHA256", false, false, {"e", "eEsx", "sy"}, 3},
      {"Noise_IKpsk2_25519_ChaChaPoly_SHA256", true, true, {"exsz", "eEyp", ""}, 2},
  };
  const auto index = static_cast<std::size_t>(pattern) - 1;
  LT_CHECK(index < std::size(kPatterns));
  return kPatterns[index];
}

Key hmac(const Key& key, ByteView first, ByteView second = {}) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key.data(), key.size());
  crypto_auth_hmacsha256_update(&state, first.data(), first.size());
  crypto_auth_hmacsha256_update(&state, second.data(), second.size());
  Key out;
  crypto_auth_hmacsha256_final(&state, out.data());
  sodium_memzero(&state, sizeof state);
  return out;
}

// The specification's HKDF: N outputs of 32 bytes.
template <std::size_t N>
std::array<Key, N> hkdf(const Key& chaining_key, ByteView material) {
  std::array<Key, N> out;
  Key secret = hmac(chaining_key, material);
  for (std::size_t i = 0; i < N; ++i) {
    const std::array<std::uint8_t, 1> number{static_cast<std::uint8_t>(i + 1)};
    out[i] = i == 0 ? hmac(secret, number) : hmac(secret, out[i - 1], number);
  }
  sodium_memzero(secret.data(), secret.size());
  return out;
}

template <std::size_t N>
void wipe(std::array<Key, N>& keys) {
  sodium_memzero(keys.data(), sizeof keys);
}

std::array<std::uint8_t, 12> nonce_bytes(std::uint64_t counter) {
  std::array<std::uint8_t, 12> out{};
  for (unsigned i = 0; i < 8; ++i) out[4 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
  return out;
}

constexpr std::uint64_t kNonceEnd = std::numeric_limits<std::uint64_t>::max();

}  // namespace

CipherState::~CipherState() { sodium_memzero(key_.data(), key_.size()); }

Result<Bytes> CipherState::encrypt(ByteView associated, ByteView plaintext) {
  if (nonce_ == kNonceEnd) return Error(Errc::kTooLarge, "cipher state used up");
  Bytes out(plaintext.size() + kTagSize);
  const auto nonce = nonce_bytes(nonce_++);
  LT_CHECK(crypto_aead_chacha20poly1305_ietf_encrypt(
               out.data(), nullptr, plaintext.data(), plaintext.size(), associated.data(),
               associated.size(), nullptr, nonce.data(), key_.data()) == 0);
  return out;
}

Result<Bytes> CipherState::decrypt(ByteView associated, ByteView ciphertext) {
  if (nonce_ == kNonceEnd) return Error(Errc::kTooLarge, "cipher state used up");
  const auto nonce = nonce_bytes(nonce_++);
  const bool has_tag = ciphertext.size() >= kTagSize;
  Bytes out(has_tag ? ciphertext.size() - kTagSize : 0);
  if (has_tag && crypto_aead_chacha20poly1305_ietf_decrypt(
                     out.data(), nullptr, nullptr, ciphertext.data(), ciphertext.size(),
                     associated.data(), associated.size(), nonce.data(), key_.data()) == 0)
    return out;
  nonce_ = kNonceEnd;
  sodium_memzero(key_.data(), key_.size());
  if (!has_tag) return Error(Errc::kTruncated, "ciphertext shorter than its tag");
  return Error(Errc::kBadSignature, "ciphertext does not verify");
}

NoiseHandshake::Config::~Config() {
  if (psk) sodium_memzero(psk->data(), psk->size());
}

NoiseHandshake::NoiseHandshake(Config config) : config_(std::move(config)) {
  const Pattern& pattern = pattern_of(config_.pattern);
  const ByteView name = as_bytes(pattern.name);
  if (name.size() <= hash_.size()) {
    std::memcpy(hash_.data(), name.data(), name.size());
  } else {
    crypto_hash_sha256(hash_.data(), name.data(), name.size());
  }
  chaining_key_ = hash_;
  mix_hash(config_.prologue);
  if (!pattern.responder_static_known) return;
  if (initiator()) {
    LT_CHECK(config_.remote_static.has_value());
    remote_static_ = config_.remote_static;
    mix_hash(*remote_static_);
  } else {
    mix_hash(config_.local_static.public_key());
  }
}

NoiseHandshake::~NoiseHandshake() { sodium_memzero(chaining_key_.data(), chaining_key_.size()); }

bool NoiseHandshake::my_turn() const {
  return state_ == State::kRunning && message_index_ < pattern_of(config_.pattern).message_count &&
         (message_index_ % 2 == 0) == initiator();
}

bool NoiseHandshake::finished() const {
  return state_ != State::kFailed && message_index_ == pattern_of(config_.pattern).message_count;
}

bool NoiseHandshake::ready() const {
  const std::string_view tokens = pattern_of(config_.pattern).messages[message_index_];
  return config_.psk.has_value() || tokens.find('p') == std::string_view::npos;
}

void NoiseHandshake::set_psk(const Psk& psk) { config_.psk = psk; }

const std::optional<DhPublic>& NoiseHandshake::remote_static() const { return remote_static_; }

void NoiseHandshake::mix_hash(ByteView data) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, hash_.data(), hash_.size());
  crypto_hash_sha256_update(&state, data.data(), data.size());
  crypto_hash_sha256_final(&state, hash_.data());
}

void NoiseHandshake::mix_key(ByteView material) {
  auto keys = hkdf<2>(chaining_key_, material);
  chaining_key_ = keys[0];
  cipher_.emplace(keys[1]);
  wipe(keys);
}

void NoiseHandshake::mix_psk(const Psk& psk) {
  auto keys = hkdf<3>(chaining_key_, psk);
  chaining_key_ = keys[0];
  mix_hash(keys[1]);
  cipher_.emplace(keys[2]);
  wipe(keys);
}

Result<void> NoiseHandshake::mix_dh(const DhKey& ours, const std::optional<DhPublic>& theirs) {
  LT_CHECK(theirs.has_value());
  auto secret = ours.shared(*theirs);
  if (!secret) return secret.error();
  mix_key(*secret);
  sodium_memzero(secret->data(), secret->size());
  return {};
}

Result<Bytes> NoiseHandshake::encrypt_and_hash(ByteView plaintext) {
  Bytes out = to_bytes(plaintext);
  if (cipher_) {
    LT_TRY(out, cipher_->encrypt(hash_, plaintext));
  }
  mix_hash(out);
  return out;
}

Result<Bytes> NoiseHandshake::decrypt_and_hash(ByteView ciphertext) {
  Bytes out = to_bytes(ciphertext);
  if (cipher_) {
    LT_TRY(out, cipher_->decrypt(hash_, ciphertext));
  }
  mix_hash(ciphertext);
  return out;
}

Result<void> NoiseHandshake::mix_token(char token) {
  switch (token) {
    case 'E': return mix_dh(config_.local_ephemeral, remote_ephemeral_);
    case 'x':
      return initiator() ? mix_dh(config_.local_ephemeral, remote_static_)
                         : mix_dh(config_.local_static, remote_ephemeral_);
    case 'y':
      return initiator() ? mix_dh(config_.local_static, remote_ephemeral_)
                         : mix_dh(config_.local_ephemeral, remote_static_);
    case 'z': return mix_dh(config_.local_static, remote_static_);
    default: break;
  }
  LT_CHECK(token == 'p');
  LT_CHECK(config_.psk.has_value());
  mix_psk(*config_.psk);
  return {};
}

Result<void> NoiseHandshake::write_token(char token, Bytes& out) {
  if (token == 'e') {
    const DhPublic& key = config_.local_ephemeral.public_key();
    out.insert(out.end(), key.begin(), key.end());
    mix_hash(key);
    if (pattern_of(config_.pattern).uses_psk) mix_key(key);
    return {};
  }
  if (token == 's') {
    LT_TRY(const Bytes key, encrypt_and_hash(config_.local_static.public_key()));
    out.insert(out.end(), key.begin(), key.end());
    return {};
  }
  return mix_token(token);
}

Result<void> NoiseHandshake::read_token(char token, ByteReader& in) {
  if (token == 'e') {
    LT_TRY(remote_ephemeral_, in.array<kKeySize>());
    mix_hash(*remote_ephemeral_);
    if (pattern_of(config_.pattern).uses_psk) mix_key(*remote_ephemeral_);
    return {};
  }
  if (token == 's') {
    LT_TRY(const ByteView sealed, in.raw(kKeySize + (cipher_ ? kTagSize : 0)));
    LT_TRY(const Bytes key, decrypt_and_hash(sealed));
    std::memcpy(remote_static_.emplace().data(), key.data(), kKeySize);
    return {};
  }
  return mix_token(token);
}

Result<Bytes> NoiseHandshake::write_tokens(ByteView payload) {
  Bytes out;
  for (const char token : pattern_of(config_.pattern).messages[message_index_])
    LT_TRY_VOID(write_token(token, out));
  LT_TRY(const Bytes sealed, encrypt_and_hash(payload));
  out.insert(out.end(), sealed.begin(), sealed.end());
  if (out.size() > kNoiseMessageBytesMax)
    return Error(Errc::kTooLarge, "handshake message of " + std::to_string(out.size()) + " bytes");
  return out;
}

Result<Bytes> NoiseHandshake::read_tokens(ByteView message) {
  if (message.size() > kNoiseMessageBytesMax)
    return Error(Errc::kTooLarge,
                 "handshake message of " + std::to_string(message.size()) + " bytes");
  ByteReader in(message);
  for (const char token : pattern_of(config_.pattern).messages[message_index_])
    LT_TRY_VOID(read_token(token, in));
  return decrypt_and_hash(in.rest());
}

Result<Bytes> NoiseHandshake::write_message(ByteView payload) {
  if (!my_turn()) return Error(Errc::kOutOfOrder, "no handshake message to write now");
  if (!ready()) return Error(Errc::kOutOfOrder, "pre-shared key not set");
  auto out = write_tokens(payload);
  ++message_index_;
  if (!out) state_ = State::kFailed;
  return out;
}

Result<Bytes> NoiseHandshake::read_message(ByteView message) {
  if (state_ != State::kRunning || finished() || my_turn())
    return Error(Errc::kOutOfOrder, "no handshake message to read now");
  if (!ready()) return Error(Errc::kOutOfOrder, "pre-shared key not set");
  const std::optional<DhPublic> known = remote_static_;
  auto payload = read_tokens(message);
  ++message_index_;
  if (!payload) {
    state_ = State::kFailed;
    remote_static_ = known;
  }
  return payload;
}

NoiseHandshake::Transport NoiseHandshake::split() {
  LT_CHECK(finished() && state_ == State::kRunning);
  auto keys = hkdf<2>(chaining_key_, {});
  sodium_memzero(chaining_key_.data(), chaining_key_.size());
  cipher_.reset();
  state_ = State::kSplit;
  Transport out{CipherState(keys[initiator() ? 0 : 1]), CipherState(keys[initiator() ? 1 : 0]),
                Hash256{hash_}};
  wipe(keys);
  return out;
}

}  // namespace lienthong
