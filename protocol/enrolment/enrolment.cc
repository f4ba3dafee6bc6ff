#include "protocol/enrolment/enrolment.h"

#include <algorithm>

#include "protocol/crypto/hash.h"

namespace lienthong {
namespace {

enum class Type : std::uint8_t {  // first byte of a transport message; on the wire: never change
  kConfirm = 1,
  kGrant = 2,
  kGrantEnd = 3,
  kStored = 4,
  kRefused = 5,
};

constexpr std::size_t kAnswerSize = 48;  // ephemeral key and the tag of an empty payload
constexpr std::size_t kPieceBytesMax = 32 * 1024;

Bytes prologue(const RootFingerprint& root) {
  ByteWriter out;
  out.raw(kEnrolmentPreamble);
  out.raw(root.view());
  return out.take();
}

Hash256 request_hash(const RootFingerprint& root, const InviteNumber& invite,
                     const MachineKeys& machine) {
  return hash(kTagInvite, root, ByteView(invite), machine.node, ByteView(machine.dh));
}

void append_frame(Bytes& out, ByteView frame) {
  LT_CHECK(!frame.empty() && frame.size() <= 0xffff);
  out.push_back(static_cast<std::uint8_t>(frame.size() & 0xff));
  out.push_back(static_cast<std::uint8_t>(frame.size() >> 8));
  out.insert(out.end(), frame.begin(), frame.end());
}

void append_message(Bytes& out, CipherState& cipher, Type type, ByteView content) {
  Bytes plain{static_cast<std::uint8_t>(type)};
  plain.insert(plain.end(), content.begin(), content.end());
  const auto sealed = cipher.encrypt({}, plain);
  LT_CHECK(sealed.ok());  // a handful of messages: the nonce cannot be used up
  append_frame(out, *sealed);
}

bool known(std::uint8_t code) { return code >= 1 && code <= 5; }

Error out_of_turn() { return Error(Errc::kMalformed, "enrolment: a message out of turn"); }

}  // namespace

Error to_error(EnrolmentRefusal refusal) {
  switch (refusal) {
    case EnrolmentRefusal::kUnknownInvite:
      return Error(Errc::kNotFound, "the parent does not know this token; ask it for a new one");
    case EnrolmentRefusal::kExpired:
      return Error(Errc::kExpired, "the token has expired; ask the parent for a new one");
    case EnrolmentRefusal::kUsed:
      return Error(Errc::kConflict,
                   "another machine has used this token; ask the parent for a new one");
    case EnrolmentRefusal::kNotAllowed:
      return Error(Errc::kNotAllowed, "the parent may not issue certificates for that agency");
    case EnrolmentRefusal::kBusy:
      return Error(Errc::kBusy, "the parent cannot answer now; try again");
  }
  return Error(Errc::kMalformed, "enrolment: unknown refusal");
}

EnrolmentRefusal to_refusal(Errc code) {
  if (code == Errc::kNotFound) return EnrolmentRefusal::kUnknownInvite;
  if (code == Errc::kExpired) return EnrolmentRefusal::kExpired;
  if (code == Errc::kConflict) return EnrolmentRefusal::kUsed;
  if (code == Errc::kNotAllowed) return EnrolmentRefusal::kNotAllowed;
  return EnrolmentRefusal::kBusy;
}

Result<std::optional<Bytes>> FrameCutter::next() {
  if (buffer_.size() < 2) return std::optional<Bytes>();
  const std::size_t size =
      static_cast<std::size_t>(buffer_[0]) | static_cast<std::size_t>(buffer_[1]) << 8;
  if (size == 0) return Error(Errc::kMalformed, "a frame of length 0");
  if (buffer_.size() < 2 + size) return std::optional<Bytes>();
  const auto begin = buffer_.begin() + 2, end = begin + static_cast<std::ptrdiff_t>(size);
  std::optional<Bytes> frame(Bytes(begin, end));
  buffer_.erase(buffer_.begin(), end);
  return frame;
}

// ---- the newcomer ----

EnrolmentChild::EnrolmentChild(const Token& token, const NodeKeys& keys, const DhKey& ephemeral)
    : handshake_([&] {
        NoiseHandshake::Config config(NoisePattern::kIKpsk2, NoiseRole::kInitiator,
                                      prologue(token.root), keys.dh, ephemeral);
        config.remote_static = token.parent_dh_key;
        config.psk = token.secret;
        return config;
      }()) {
  const MachineKeys machine{keys.signing.public_key(), keys.dh.public_key()};
  ByteWriter out;
  out.raw(token.invite);
  out.raw(machine.node.view());
  out.raw(keys.signing.sign(request_hash(token.root, token.invite, machine).view()));
  hello_ = out.take();
}

Bytes EnrolmentChild::start() {
  Bytes out(kEnrolmentPreamble.begin(), kEnrolmentPreamble.end());
  const auto message = handshake_.write_message(hello_);
  LT_CHECK(message.ok());
  append_frame(out, *message);
  return out;
}

Result<Bytes> EnrolmentChild::on_bytes(ByteView in) {
  frames_.add(in);
  Bytes out;
  for (;;) {
    LT_TRY(const auto frame, frames_.next());
    if (!frame) return out;
    LT_TRY(const Bytes answer, on_frame(*frame));
    out.insert(out.end(), answer.begin(), answer.end());
  }
}

Result<Bytes> EnrolmentChild::on_frame(ByteView frame) {
  Bytes out;
  if (!transport_) {
    if (frame.size() == 1 && known(frame[0]))
      return to_error(static_cast<EnrolmentRefusal>(frame[0]));
    if (frame.size() != kAnswerSize) return out_of_turn();
    const auto payload = handshake_.read_message(frame);
    if (!payload) {
      return Error(Errc::kBadSignature,
                   "the parent does not know this token's secret, or is another machine");
    }
    transport_ = handshake_.split();
    append_message(out, transport_->send, Type::kConfirm, {});
    return out;
  }
  LT_TRY(const Bytes message, transport_->receive.decrypt({}, frame));
  LT_TRY_VOID(on_message(message));
  return out;
}

Result<void> EnrolmentChild::on_message(ByteView message) {
  if (message.empty() || complete_) return out_of_turn();
  const auto type = static_cast<Type>(message[0]);
  const ByteView content = message.subspan(1);
  if (type == Type::kRefused && content.size() == 1 && known(content[0])) {
    return to_error(static_cast<EnrolmentRefusal>(content[0]));
  }
  if (type != Type::kGrant && type != Type::kGrantEnd) return out_of_turn();
  if (grant_.size() + content.size() > kGrantBytesMax)
    return Error(Errc::kTooLarge, "the registry is over 64 MB");
  grant_.insert(grant_.end(), content.begin(), content.end());
  complete_ = type == Type::kGrantEnd;
  return {};
}

Bytes EnrolmentChild::stored() {
  LT_CHECK(complete_);
  Bytes out;
  append_message(out, transport_->send, Type::kStored, {});
  return out;
}

// ---- the parent ----

EnrolmentParent::EnrolmentParent(const RootFingerprint& root, const DhKey& ours,
                                 const DhKey& ephemeral)
    : root_(root),
      handshake_(NoiseHandshake::Config(NoisePattern::kIKpsk2, NoiseRole::kResponder,
                                        prologue(root), ours, ephemeral)) {}

Result<void> EnrolmentParent::on_bytes(ByteView in) {
  const std::size_t missing = kEnrolmentPreamble.size() - preamble_.size();
  const ByteView head = in.first(std::min(missing, in.size()));
  preamble_.insert(preamble_.end(), head.begin(), head.end());
  frames_.add(in.subspan(head.size()));
  if (preamble_.size() < kEnrolmentPreamble.size()) return {};
  if (!std::ranges::equal(preamble_, kEnrolmentPreamble)) return out_of_turn();
  while (need_ == Need::kBytes) {
    LT_TRY(const auto frame, frames_.next());
    if (!frame) return {};
    LT_TRY_VOID(on_frame(*frame));
  }
  return {};
}

Result<void> EnrolmentParent::on_frame(ByteView frame) {
  if (!asked_) {
    LT_TRY(const Bytes payload, handshake_.read_message(frame));
    return on_request(payload);
  }
  LT_TRY(const Bytes message, transport_->receive.decrypt({}, frame));
  if (message.size() != 1) return out_of_turn();
  const auto expected = confirmed_ ? Type::kStored : Type::kConfirm;
  if (static_cast<Type>(message[0]) != expected) return out_of_turn();
  need_ = confirmed_ ? Need::kNothing : Need::kGrant;
  confirmed_ = true;
  return {};
}

Result<void> EnrolmentParent::on_request(ByteView payload) {
  ByteReader in(payload);
  LT_TRY(invite_, in.array<8>());
  LT_TRY(machine_.node.bytes, in.array<32>());
  LT_TRY(const Signature signature, in.array<64>());
  LT_TRY_VOID(in.finish("enrolment request"));
  machine_.dh = *handshake_.remote_static();
  LT_TRY_VOID(verify(machine_.node, request_hash(root_, invite_, machine_).view(), signature));
  asked_ = true;
  need_ = Need::kInvitation;
  return {};
}

Result<Bytes> EnrolmentParent::answer(const Psk& secret) {
  LT_CHECK(need_ == Need::kInvitation);
  handshake_.set_psk(secret);
  LT_TRY(const Bytes message, handshake_.write_message({}));
  transport_ = handshake_.split();
  need_ = Need::kBytes;
  Bytes out;
  append_frame(out, message);
  return out;
}

Result<Bytes> EnrolmentParent::grant(ByteView grant) {
  LT_CHECK(need_ == Need::kGrant);
  if (grant.size() > kGrantBytesMax) return Error(Errc::kTooLarge, "the registry is over 64 MB");
  Bytes out;
  do {
    const ByteView piece = grant.first(std::min(grant.size(), kPieceBytesMax));
    grant = grant.subspan(piece.size());
    append_message(out, transport_->send, grant.empty() ? Type::kGrantEnd : Type::kGrant, piece);
  } while (!grant.empty());
  need_ = Need::kBytes;
  return out;
}

Bytes EnrolmentParent::refuse(EnrolmentRefusal refusal) {
  const std::array<std::uint8_t, 1> code{static_cast<std::uint8_t>(refusal)};
  Bytes out;
  if (transport_) {
    append_message(out, transport_->send, Type::kRefused, code);
  } else {
    append_frame(out, code);
  }
  return out;
}

}  // namespace lienthong
