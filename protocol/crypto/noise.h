// Noise_{IK,XX,IKpsk2}_25519_ChaChaPoly_SHA256 (The Noise Protocol Framework, revision 34) from
// libsodium primitives, as a state machine: bytes in, bytes out. docs/protocol/transport.md.
// Ephemeral keys are arguments. Threads: none; one object per connection.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "protocol/base/bytes.h"
#include "protocol/base/result.h"
#include "protocol/crypto/keys.h"

namespace lienthong {

// On the wire: never change.
enum class NoisePattern : std::uint8_t { kIK = 1, kXX = 2, kIKpsk2 = 3 };
enum class NoiseRole : std::uint8_t { kInitiator, kResponder };

using DhPublic = std::array<std::uint8_t, 32>;
using Psk = std::array<std::uint8_t, 32>;

// One direction's ChaCha20-Poly1305 state (RFC 8439; nonce: 4 zero bytes, then the counter,
// little-endian). Nonces count up, from 0 in a session; at 2^64-1 it fails (kTooLarge), long after
// the session was replaced. A copy repeats nonces: never encrypt with both.
class CipherState {
 public:
  explicit CipherState(const std::array<std::uint8_t, 32>& key, std::uint64_t nonce = 0)
      : key_(key), nonce_(nonce) {}
  CipherState(const CipherState&) = default;
  CipherState& operator=(const CipherState&) = default;
  ~CipherState();  // wipes
  Result<Bytes> encrypt(ByteView associated, ByteView plaintext);
  // kTruncated (no room for a tag), kBadSignature when the tag does not verify. After either the
  // state refuses everything (kTooLarge): on a stream nothing that follows can be trusted.
  Result<Bytes> decrypt(ByteView associated, ByteView ciphertext);

 private:
  std::array<std::uint8_t, 32> key_;
  std::uint64_t nonce_;
};

class NoiseHandshake {
 public:
  struct Config {
    NoisePattern pattern = NoisePattern::kIK;
    NoiseRole role = NoiseRole::kInitiator;
    Bytes prologue;
    DhKey local_static;
    DhKey local_ephemeral;
    std::optional<DhPublic> remote_static;  // needed by the initiator of IK and IKpsk2
    std::optional<Psk> psk;                 // IKpsk2; a responder may set it before message 2
    Config(NoisePattern p, NoiseRole r, Bytes prologue_bytes, DhKey statics, DhKey ephemeral)
        : pattern(p),
          role(r),
          prologue(std::move(prologue_bytes)),
          local_static(std::move(statics)),
          local_ephemeral(std::move(ephemeral)) {}
    Config(const Config&) = default;
    Config& operator=(const Config&) = default;
    ~Config();  // wipes
  };
  // The initiator of IK and IKpsk2 has a remote_static (LT_CHECK).
  explicit NoiseHandshake(Config config);
  NoiseHandshake(const NoiseHandshake&) = default;
  NoiseHandshake& operator=(const NoiseHandshake&) = default;
  ~NoiseHandshake();  // wipes

  bool my_turn() const;   // write_message is next
  bool finished() const;  // split() may be called
  // kOutOfOrder, with nothing changed, when it is not our turn or the psk is needed and missing.
  // kTooLarge when the message would be over 65,535 bytes; kMalformed when remote_static is of
  // small order; after these two every call fails with kOutOfOrder: throw away.
  Result<Bytes> write_message(ByteView payload);
  // The payload. kOutOfOrder as above. kTruncated, kTooLarge, kBadSignature, kMalformed (a key of
  // small order): throw away; remote_static() is then unknown if the message brought it.
  Result<Bytes> read_message(ByteView message);
  void set_psk(const Psk& psk);  // IKpsk2 responder, after it has read message 1
  const std::optional<DhPublic>& remote_static() const;  // known once it was received
  const std::optional<DhPublic>& remote_ephemeral() const { return remote_ephemeral_; }  // as well
  struct Transport {
    CipherState send;
    CipherState receive;
    Hash256 handshake_hash;
  };
  Transport split();  // finished() only, once (LT_CHECK)

 private:
  using Key = std::array<std::uint8_t, 32>;
  enum class State : std::uint8_t { kRunning, kSplit, kFailed };

  bool initiator() const { return config_.role == NoiseRole::kInitiator; }
  void mix_hash(ByteView data);
  void mix_key(ByteView material);
  void mix_psk(const Psk& psk);
  Result<void> mix_dh(const DhKey& ours, const std::optional<DhPublic>& theirs);
  Result<Bytes> encrypt_and_hash(ByteView plaintext);
  Result<Bytes> decrypt_and_hash(ByteView ciphertext);
  bool ready() const;  // the next message needs no psk that is missing
  // The tokens that both sides carry out alike: ee, es, se, ss, psk.
  Result<void> mix_token(char token);
  Result<void> write_token(char token, Bytes& out);
  Result<void> read_token(char token, ByteReader& in);
  Result<Bytes> write_tokens(ByteView payload);
  Result<Bytes> read_tokens(ByteView message);

  Config config_;
  // SymmetricState
  Key chaining_key_{};
  std::array<std::uint8_t, 32> hash_{};
  std::optional<CipherState> cipher_;  // none until the first mix_key
  std::optional<DhPublic> remote_static_;
  std::optional<DhPublic> remote_ephemeral_;
  unsigned message_index_ = 0;
  State state_ = State::kRunning;
};

}  // namespace lienthong
