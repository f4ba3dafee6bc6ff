// Enrolment over the network, both sides as state machines: bytes in, bytes out.
// docs/protocol/enrolment.md. Threads: none.
//
// A connection begins with the two bytes {1, 3} (major version, Noise_IKpsk2), which with the
// root's fingerprint are the prologue, then frames of a u16 (little-endian) length and that many
// bytes:
//   1  newcomer   Noise message 1; payload: invite number 8, node key 32 (Ed25519), signature 64 by
//   that
//                 key over the hash of invite number, node key and X25519 key
//   2  parent     Noise message 2, empty payload: 48 bytes. Or one byte, a refusal, in clear: it is
//   a
//                 hint and no proof, since without the invitation there is no common secret
//   3  newcomer   transport: kConfirm. It proves the secret; only then is a certificate written
//   4  parent     transport: kGrant …, kGrantEnd: the grant (invitation.h) in pieces. Or kRefused,
//   code 5  newcomer   transport: kStored, once its data folder is complete
// Until 5 the newcomer may start again with the same keys. A length of 0 or a message out of turn
// ends it.
#pragma once

#include <optional>

#include "agent/joining/identity_files.h"
#include "agent/joining/invitation.h"
#include "agent/joining/invite.h"

namespace lienthong::agent {

inline constexpr std::array<std::uint8_t, 2> kEnrolmentPreamble{1, 3};
inline constexpr std::size_t kGrantBytesMax = 64ULL << 20;

enum class EnrolmentRefusal : std::uint8_t {  // on the wire: never change
  kUnknownInvite = 1,
  kExpired = 2,
  kUsed = 3,        // by another machine
  kNotAllowed = 4,  // the parent may not issue for that agency any more
  kBusy = 5,        // try again
};
Error to_error(EnrolmentRefusal refusal);  // what the newcomer's operator reads
EnrolmentRefusal to_refusal(Errc code);

// Cuts a stream into frames. next(): nullopt when more bytes are needed; kMalformed for a length of
// 0.
class FrameCutter {
 public:
  void add(ByteView bytes) { buffer_.insert(buffer_.end(), bytes.begin(), bytes.end()); }
  Result<std::optional<Bytes>> next();

 private:
  Bytes buffer_;
};

class EnrolmentChild {
 public:
  EnrolmentChild(const Token& token, const NodeKeys& keys, const DhKey& ephemeral);
  Bytes start();  // once: preamble and first message
  // What to send, maybe nothing. Errors are final: kBadSignature (the parent does not know the
  // token's secret), kNotFound, kExpired, kConflict, kNotAllowed, kBusy (refused), kMalformed,
  // kTooLarge.
  Result<Bytes> on_bytes(ByteView in);
  bool complete() const { return complete_; }
  const Bytes& grant() const { return grant_; }
  Bytes stored();  // complete() only, once: the last frame

 private:
  Result<Bytes> on_frame(ByteView frame);
  Result<void> on_message(ByteView message);
  NoiseHandshake handshake_;
  Bytes hello_;
  FrameCutter frames_;
  std::optional<NoiseHandshake::Transport> transport_;
  Bytes grant_;
  bool complete_ = false;
};

class EnrolmentParent {
 public:
  enum class Need : std::uint8_t { kBytes, kInvitation, kGrant, kNothing };

  EnrolmentParent(const RootFingerprint& root, const DhKey& ours, const DhKey& ephemeral);
  // Preamble included. Errors are final: kMalformed, kBadSignature (wrong secret, wrong root, bad
  // request).
  Result<void> on_bytes(ByteView in);
  // kInvitation: answer() or refuse(); kGrant: grant() or refuse(); kNothing: the newcomer has
  // stored it.
  Need need() const { return need_; }
  const InviteNumber& invite() const { return invite_; }  // from kInvitation on
  const MachineKeys& machine() const { return machine_; }
  Result<Bytes> answer(const Psk& secret);
  Result<Bytes> grant(ByteView grant);
  Bytes refuse(EnrolmentRefusal refusal);

 private:
  Result<void> on_frame(ByteView frame);
  Result<void> on_request(ByteView payload);
  RootFingerprint root_;
  NoiseHandshake handshake_;
  Bytes preamble_;
  FrameCutter frames_;
  std::optional<NoiseHandshake::Transport> transport_;
  InviteNumber invite_{};
  MachineKeys machine_;
  Need need_ = Need::kBytes;
  bool asked_ = false, confirmed_ = false;
};

}  // namespace lienthong::agent
