// Enrolment over the network, both sides as state machines: bytes in, bytes out.
// docs/protocol/enrolment.md. Threads: none; an object is one connection's.
//
// A connection begins with the two bytes {1, 3} (major version, Noise_IKpsk2), which with the
// root's fingerprint are the prologue, then frames of a u16 (little-endian) length and that many
// bytes:
//   1  newcomer  Noise message 1; payload: invite number 8, node key 32 (Ed25519), the possession
//                signature 64 by that key that its certificate will bear (record/statement.h)
//   2  parent    Noise message 2, empty payload: 48 bytes. Or one byte, a refusal, in clear: it is
//                a hint and no proof, since without the invitation there is no common secret
//   3  newcomer  transport: kConfirm. It proves the secret; only then is a certificate written
//   4  parent    transport: kGrant …, kGrantEnd: the grant (grant.h) in pieces. Or kRefused, code
//   5  newcomer  transport: kStored, once its data folder is complete
// Until 5 the newcomer may start again with the same keys. A length of 0 or a message out of turn
// ends it.
//
// A stranger reaches the parent before anything is proved. So each message of a newcomer has one
// size, a longer one is refused by its length alone, and bytes that come before they are due end
// the conversation: what is held for a stranger is one unfinished frame, at most
// kEnrolmentRequestBytes and its length. How long he may take for it is the driver's to bound: a
// frame that drips looks here like one that is late.
//
// Calls out of turn fail (kOutOfOrder) and change nothing. Errors of on_bytes() are final: the
// machine has ended, forgets what it held, and gives the same error to whatever comes.
#pragma once

#include <optional>
#include <utility>

#include "protocol/enrolment/frame_cutter.h"
#include "protocol/enrolment/grant.h"
#include "protocol/enrolment/token.h"

namespace lienthong {

inline constexpr std::array<std::uint8_t, 2> kEnrolmentPreamble{1, 3};
inline constexpr std::size_t kEnrolmentRequestBytes = 200;  // message 1
inline constexpr std::size_t kEnrolmentAnswerBytes = 48;    // message 2
inline constexpr std::size_t kEnrolmentShortBytes = 17;     // kConfirm, kStored
// Of a grant, as this program sends it and as it takes it.
inline constexpr std::size_t kGrantPieceBytes = 32 * 1024;
inline constexpr std::size_t kGrantPieceCountMax = 64 * 1024;

enum class EnrolmentRefusal : std::uint8_t {  // on the wire: never change
  kUnknownInvite = 1,
  kExpired = 2,
  kUsed = 3,        // by another machine
  kNotAllowed = 4,  // the parent may not issue for that agency any more
  kBusy = 5,        // try again
};
Error to_error(EnrolmentRefusal refusal);  // what the newcomer's operator reads
EnrolmentRefusal to_refusal(Errc code);    // what is not listed above: kBusy

class EnrolmentChild {
 public:
  EnrolmentChild(const Token& token, const NodeKeys& keys, const DhKey& ephemeral);
  // Once, first: preamble and message 1. kMalformed: no machine can have the parent's key that the
  // token names; kOutOfOrder.
  Result<Bytes> start();
  // What to send, maybe nothing. `in` may be cut anywhere. kBadSignature (the parent does not know
  // the token's secret, or what it says was changed), kMalformed, kTooLarge, kOutOfOrder; refused:
  // kNotFound, kExpired, kConflict, kNotAllowed, kBusy.
  Result<Bytes> on_bytes(ByteView in);
  // The parent has shown that it knows the secret, or has refused: another of its addresses would
  // say the same. Before that whoever is at the address may be somebody else.
  bool answered() const { return answered_; }
  bool complete() const { return state_ == State::kComplete || state_ == State::kTold; }
  // What has come of the grant and was not taken: whole when complete() if nothing was. Of what is
  // left lying there is at most kGrantBytesMax.
  const Bytes& grant() const { return grant_; }
  Bytes take_grant() { return std::exchange(grant_, Bytes()); }  // for a GrantReader
  // complete() only, once: the last frame. kOutOfOrder.
  Result<Bytes> stored();

  std::size_t held_bytes() const { return frames_.held_bytes() + grant_.size(); }

 private:
  enum class State : std::uint8_t { kNew, kAnswer, kGrant, kComplete, kTold, kEnded };
  Result<void> take(ByteView in, Bytes& out);
  Result<void> on_answer(ByteView frame, Bytes& out);
  Result<void> on_grant(ByteView frame);
  Error end(Error error);

  NoiseHandshake handshake_;
  Bytes hello_;
  FrameCutter frames_;
  std::optional<NoiseHandshake::Transport> transport_;
  Bytes grant_;
  std::size_t piece_count_ = 0;
  State state_ = State::kNew;
  bool answered_ = false;
  std::optional<Error> error_;
};

class EnrolmentParent {
 public:
  enum class Need : std::uint8_t {
    kBytes,       // on_bytes()
    kInvitation,  // answer() or refuse()
    kGrant,       // grant() or refuse(): the secret is proved
    kSending,     // next_piece(), again and again
    kNothing,     // it is over
  };

  EnrolmentParent(const RootFingerprint& root, const DhKey& ours, const DhKey& ephemeral);
  // Preamble included, cut anywhere. kMalformed, kTruncated, kTooLarge, kBadSignature (wrong
  // secret, wrong root, bad request), kOutOfOrder (bytes that are not due). What follows the last
  // message is passed over.
  Result<void> on_bytes(ByteView in);
  Need need() const;
  bool proved() const { return proved_; }                       // the newcomer knows the secret
  bool enrolled() const { return state_ == State::kEnrolled; }  // it has stored the grant
  const InviteNumber& invite() const { return invite_; }        // from kInvitation on
  const MachineKeys& machine() const { return machine_; }
  // From kConfirm on; it is good for the agency of the invitation.
  const Signature& possession() const { return possession_; }

  // All: kOutOfOrder unless that is what is needed.
  // `agency`: whose machine the invitation is for. kBadSignature (final): the newcomer has not
  // signed for that agency, or not with the keys that it shows.
  Result<Bytes> answer(const Psk& secret, const AgencyId& agency);
  // Asked for its bytes as they are sent.
  Result<void> stream(GrantSource grant);
  // One that is held whole. kTooLarge (over kGrantBytesMax), with nothing changed.
  Result<void> grant(Bytes encoded);
  // The next frame with a piece of the grant, at most kGrantPieceBytes. Fails as the source does,
  // and with kTooLarge beyond kGrantPieceCountMax; final.
  Result<Bytes> next_piece();
  // Ends it: the frame to send first.
  Result<Bytes> refuse(EnrolmentRefusal refusal);

  std::size_t held_bytes() const { return frames_.held_bytes(); }  // of what the newcomer sent

 private:
  enum class State : std::uint8_t {
    kPreamble,
    kRequest,
    kInvitation,
    kConfirm,
    kGrant,
    kSending,
    kStored,
    kEnrolled,
    kEnded,
  };
  Result<void> take(ByteView in);
  Result<void> take_preamble(ByteView& in);
  Result<void> on_frame(ByteView frame);
  Result<void> on_request(ByteView frame);
  Error end(Error error);

  RootFingerprint root_;
  NoiseHandshake handshake_;
  std::size_t preamble_size_ = 0;
  FrameCutter frames_;
  std::optional<NoiseHandshake::Transport> transport_;
  InviteNumber invite_{};
  MachineKeys machine_;
  Signature possession_{};
  GrantSource grant_;
  std::size_t piece_count_ = 0;  // that next_piece() has given out
  State state_ = State::kPreamble;
  bool proved_ = false;
  std::optional<Error> error_;
};

}  // namespace lienthong
