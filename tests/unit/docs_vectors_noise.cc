#include "tests/unit/docs_vectors_noise.h"

#include <sodium/crypto_aead_chacha20poly1305.h>
#include <sodium/crypto_auth_hmacsha256.h>
#include <sodium/crypto_hash_sha256.h>

#include <algorithm>
#include <sstream>

namespace lienthong::vectors {
namespace {

using Key = std::array<std::uint8_t, 32>;

Bytes concat(ByteView a, ByteView b) {
  Bytes out = to_bytes(a);
  out.insert(out.end(), b.begin(), b.end());
  return out;
}

Key sha256(ByteView data) {
  Key out;
  crypto_hash_sha256(out.data(), data.data(), data.size());
  return out;
}

Key hmac(const Key& key, ByteView data) {
  Key out;
  crypto_auth_hmacsha256(out.data(), data.data(), data.size(), key.data());
  return out;
}

// Section 4.3: three outputs, of which the first two do not depend on the third.
std::array<Key, 3> hkdf(const Key& chaining_key, ByteView material) {
  const Key temporary = hmac(chaining_key, material);
  std::array<Key, 3> out;
  out[0] = hmac(temporary, Bytes{1});
  out[1] = hmac(temporary, concat(out[0], Bytes{2}));
  out[2] = hmac(temporary, concat(out[1], Bytes{3}));
  return out;
}

Bytes encrypt(const Key& key, std::uint64_t number, ByteView associated, ByteView plaintext) {
  std::array<std::uint8_t, 12> nonce{};
  for (unsigned i = 0; i < 8; ++i) nonce[4 + i] = static_cast<std::uint8_t>(number >> (8 * i));
  Bytes out(plaintext.size() + crypto_aead_chacha20poly1305_ietf_ABYTES);
  crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plaintext.data(), plaintext.size(),
                                            associated.data(), associated.size(), nullptr,
                                            nonce.data(), key.data());
  return out;
}

// Section 5.2.
struct SymmetricState {
  Key ck{}, h{};
  std::optional<Key> k;
  std::uint64_t n = 0;

  explicit SymmetricState(std::string_view protocol) {
    if (protocol.size() > h.size())
      h = sha256(as_bytes(protocol));
    else
      std::ranges::copy(as_bytes(protocol), h.begin());
    ck = h;
  }
  void mix_hash(ByteView data) { h = sha256(concat(h, data)); }
  void set_key(const Key& key) {
    k = key;
    n = 0;
  }
  void mix_key(ByteView material) {
    const auto keys = hkdf(ck, material);
    ck = keys[0];
    set_key(keys[1]);
  }
  void mix_key_and_hash(ByteView material) {
    const auto keys = hkdf(ck, material);
    ck = keys[0];
    mix_hash(keys[1]);
    set_key(keys[2]);
  }
  Bytes encrypt_and_hash(ByteView plaintext) {
    Bytes out = k ? encrypt(*k, n++, h, plaintext) : to_bytes(plaintext);
    mix_hash(out);
    return out;
  }
};

// One token of a message from `from` to `to`, section 5.3; `initiates`: from is the initiator.
void token(const std::string& word, const NoiseInput& in, const NoiseParty& from,
           const NoiseParty& to, bool initiates, SymmetricState& state, Bytes& message) {
  const auto mix_dh = [&](const DhKey& ours, const DhKey& theirs) {
    state.mix_key(*ours.shared(theirs.public_key()));
  };
  if (word == "e") {
    const DhPublic& key = from.ephemeral.public_key();
    message.insert(message.end(), key.begin(), key.end());
    state.mix_hash(key);
    if (in.psk) state.mix_key(key);
  } else if (word == "s") {
    const Bytes sealed = state.encrypt_and_hash(from.fixed.public_key());
    message.insert(message.end(), sealed.begin(), sealed.end());
  } else if (word == "ee") {
    mix_dh(from.ephemeral, to.ephemeral);
  } else if (word == "ss") {
    mix_dh(from.fixed, to.fixed);
  } else if (word == "psk") {
    state.mix_key_and_hash(*in.psk);
  } else {
    LT_CHECK(word == "es" || word == "se");  // of initiator and responder, in this order
    const bool ours_ephemeral = (word == "es") == initiates;
    mix_dh(ours_ephemeral ? from.ephemeral : from.fixed, ours_ephemeral ? to.fixed : to.ephemeral);
  }
}

}  // namespace

NoiseOutput run_noise(const NoiseInput& in, const std::string& name, Theme& out) {
  SymmetricState state(in.protocol);
  state.mix_hash(in.prologue);
  if (in.responder_known) state.mix_hash(in.responder.fixed.public_key());
  out.result(name + ".protocol", std::string_view(in.protocol));
  out.result(name + ".prologue", in.prologue);
  out.result(name + ".h.0", state.h);
  NoiseOutput result;
  for (std::size_t i = 0; i < in.messages.size(); ++i) {
    const bool initiates = i % 2 == 0;
    const NoiseParty& from = initiates ? in.initiator : in.responder;
    const NoiseParty& to = initiates ? in.responder : in.initiator;
    Bytes message;
    std::istringstream words(in.messages[i]);
    for (std::string word; words >> word;) token(word, in, from, to, initiates, state, message);
    const std::optional<Key> key = state.k;
    const Bytes sealed = state.encrypt_and_hash(in.payloads[i]);
    message.insert(message.end(), sealed.begin(), sealed.end());
    const std::string number = std::to_string(i + 1);
    if (key) out.result(name + ".k." + number, *key);
    out.result(name + ".message." + number, message);
    out.result(name + ".h." + number, state.h);
    out.result(name + ".ck." + number, state.ck);
    result.messages.push_back(std::move(message));
  }
  const auto keys = hkdf(state.ck, {});
  result.initiator_key = keys[0];
  result.responder_key = keys[1];
  out.result(name + ".key.initiator", result.initiator_key);
  out.result(name + ".key.responder", result.responder_key);
  return result;
}

Bytes noise_frame(const Key& key, std::uint64_t number, ByteView plaintext) {
  return framed(encrypt(key, number, {}, plaintext));
}

Bytes framed(ByteView message) {
  ByteWriter out;
  out.u16(static_cast<std::uint16_t>(message.size()));
  out.raw(message);
  return out.take();
}

}  // namespace lienthong::vectors
