#include "protocol/enrolment/enrolment.h"

#include <algorithm>

#include "protocol/base/limits.h"

namespace lienthong {
namespace {

enum class Type : std::uint8_t {  // first byte of a transport message; on the wire: never change
  kConfirm = 1,
  kGrant = 2,
  kGrantEnd = 3,
  kStored = 4,
  kRefused = 5,
};

Bytes prologue(const RootFingerprint& root) {
  ByteWriter out;
  out.raw(kEnrolmentPreamble);
  out.raw(root.view());
  return out.take();
}

void append_frame(Bytes& out, ByteView frame) {
  LT_CHECK(!frame.empty() && frame.size() <= kFrameBytesMax);
  out.push_back(static_cast<std::uint8_t>(frame.size() & 0xff));
  out.push_back(static_cast<std::uint8_t>(frame.size() >> 8));
  out.insert(out.end(), frame.begin(), frame.end());
}

void append_message(Bytes& out, CipherState& cipher, Type type, ByteView content) {
  Bytes plain;
  plain.reserve(1 + content.size());
  plain.push_back(static_cast<std::uint8_t>(type));
  plain.insert(plain.end(), content.begin(), content.end());
  const auto sealed = cipher.encrypt({}, plain);
  LT_CHECK(sealed.ok());  // a handful of messages: the nonce cannot be used up
  append_frame(out, *sealed);
}

std::optional<EnrolmentRefusal> refusal_in(ByteView content) {
  if (content.size() != 1 || content[0] < 1 || content[0] > 5) return std::nullopt;
  return static_cast<EnrolmentRefusal>(content[0]);
}

Error out_of_turn() { return Error(Errc::kOutOfOrder, "enrolment: a message out of turn"); }
Error not_now(const char* what) {
  return Error(Errc::kOutOfOrder, std::string("enrolment: not the moment for ") + what);
}

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

// ---- the newcomer ----

EnrolmentChild::EnrolmentChild(const Token& token, const NodeKeys& keys, const DhKey& ephemeral)
    : handshake_([&] {
        NoiseHandshake::Config config(NoisePattern::kIKpsk2, NoiseRole::kInitiator,
                                      prologue(token.root), keys.dh, ephemeral);
        config.remote_static = token.parent_dh_key;
        config.psk = token.secret;
        return config;
      }()) {
  ByteWriter out;
  out.raw(token.invite);
  out.raw(keys.signing.public_key().view());
  out.raw(sign_possession(token.root, token.agency, keys.signing, keys.dh.public_key()));
  hello_ = out.take();
}

Result<Bytes> EnrolmentChild::start() {
  if (state_ != State::kNew) return not_now("the request");
  const auto message = handshake_.write_message(hello_);
  if (!message) return end(Error(Errc::kMalformed, "the token's parent key is no machine's key"));
  LT_CHECK(message->size() == kEnrolmentRequestBytes);
  state_ = State::kAnswer;
  Bytes out(kEnrolmentPreamble.begin(), kEnrolmentPreamble.end());
  append_frame(out, *message);
  return out;
}

Result<Bytes> EnrolmentChild::on_bytes(ByteView in) {
  if (error_) return *error_;
  if (state_ == State::kNew) return not_now("bytes of the parent");
  Bytes out;
  if (auto taken = take(in, out); !taken) return end(taken.error());
  return out;
}

Result<void> EnrolmentChild::take(ByteView in, Bytes& out) {
  while (!in.empty()) {
    if (complete()) return out_of_turn();
    const std::size_t due = state_ == State::kAnswer ? kEnrolmentAnswerBytes : kFrameBytesMax;
    LT_TRY(const auto frame, frames_.next(in, due));
    if (!frame) return {};
    if (state_ == State::kAnswer) {
      LT_TRY_VOID(on_answer(*frame, out));
    } else {
      LT_TRY_VOID(on_grant(*frame));
    }
  }
  return {};
}

Result<void> EnrolmentChild::on_answer(ByteView frame, Bytes& out) {
  if (const auto refusal = refusal_in(frame)) {
    answered_ = true;
    return to_error(*refusal);
  }
  if (frame.size() != kEnrolmentAnswerBytes)
    return Error(Errc::kMalformed, "enrolment: neither an answer nor a refusal");
  if (!handshake_.read_message(frame)) {
    return Error(Errc::kBadSignature,
                 "the parent does not know this token's secret, or is another machine");
  }
  answered_ = true;
  transport_ = handshake_.split();
  state_ = State::kGrant;
  append_message(out, transport_->send, Type::kConfirm, {});
  return {};
}

Result<void> EnrolmentChild::on_grant(ByteView frame) {
  LT_TRY(const Bytes message, transport_->receive.decrypt({}, frame));
  if (message.empty()) return out_of_turn();
  const auto type = static_cast<Type>(message[0]);
  const ByteView content = ByteView(message).subspan(1);
  if (type == Type::kRefused) {
    const auto refusal = refusal_in(content);
    return refusal ? to_error(*refusal) : Error(Errc::kMalformed, "enrolment: unknown refusal");
  }
  if (type != Type::kGrant && type != Type::kGrantEnd) return out_of_turn();
  if (content.size() > kGrantBytesMax - grant_.size())
    return Error(Errc::kTooLarge, "the registry is over 64 MiB");
  if (++piece_count_ > kGrantPieceCountMax)
    return Error(Errc::kTooLarge, "the registry comes in too many pieces");
  grant_.insert(grant_.end(), content.begin(), content.end());
  if (type == Type::kGrantEnd) state_ = State::kComplete;
  return {};
}

Result<Bytes> EnrolmentChild::stored() {
  if (state_ != State::kComplete) return not_now("the last message");
  state_ = State::kTold;
  Bytes out;
  append_message(out, transport_->send, Type::kStored, {});
  return out;
}

Error EnrolmentChild::end(Error error) {
  state_ = State::kEnded;
  frames_ = FrameCutter();
  grant_ = Bytes();
  error_ = error;
  return error;
}

// ---- the parent ----

EnrolmentParent::EnrolmentParent(const RootFingerprint& root, const DhKey& ours,
                                 const DhKey& ephemeral)
    : root_(root),
      handshake_(NoiseHandshake::Config(NoisePattern::kIKpsk2, NoiseRole::kResponder,
                                        prologue(root), ours, ephemeral)) {}

EnrolmentParent::Need EnrolmentParent::need() const {
  switch (state_) {
    case State::kPreamble:
    case State::kRequest:
    case State::kConfirm:
    case State::kStored: return Need::kBytes;
    case State::kInvitation: return Need::kInvitation;
    case State::kGrant: return Need::kGrant;
    case State::kSending: return Need::kSending;
    case State::kEnrolled:
    case State::kEnded: break;
  }
  return Need::kNothing;
}

Result<void> EnrolmentParent::on_bytes(ByteView in) {
  if (error_) return *error_;
  if (auto taken = take(in); !taken) return end(taken.error());
  return {};
}

Result<void> EnrolmentParent::take(ByteView in) {
  LT_TRY_VOID(take_preamble(in));
  while (!in.empty() && state_ != State::kEnrolled) {
    if (need() != Need::kBytes) return out_of_turn();
    const std::size_t due =
        state_ == State::kRequest ? kEnrolmentRequestBytes : kEnrolmentShortBytes;
    LT_TRY(const auto frame, frames_.next(in, due));
    if (!frame) return {};
    LT_TRY_VOID(on_frame(*frame));
  }
  return {};
}

Result<void> EnrolmentParent::take_preamble(ByteView& in) {
  while (state_ == State::kPreamble && !in.empty()) {
    if (in.front() != kEnrolmentPreamble[preamble_size_])
      return Error(Errc::kMalformed, "enrolment: not its first two bytes");
    in = in.subspan(1);
    if (++preamble_size_ == kEnrolmentPreamble.size()) state_ = State::kRequest;
  }
  return {};
}

Result<void> EnrolmentParent::on_frame(ByteView frame) {
  if (state_ == State::kRequest) return on_request(frame);
  LT_TRY(const Bytes message, transport_->receive.decrypt({}, frame));
  const auto expected = state_ == State::kConfirm ? Type::kConfirm : Type::kStored;
  if (message.size() != 1 || static_cast<Type>(message[0]) != expected) return out_of_turn();
  proved_ = true;
  state_ = state_ == State::kConfirm ? State::kGrant : State::kEnrolled;
  return {};
}

Result<void> EnrolmentParent::on_request(ByteView frame) {
  LT_TRY(const Bytes payload, handshake_.read_message(frame));
  ByteReader in(payload);
  LT_TRY(invite_, in.array<8>());
  LT_TRY(machine_.node.bytes, in.array<32>());
  LT_TRY(possession_, in.array<64>());
  LT_TRY_VOID(in.finish("enrolment request"));
  machine_.dh = *handshake_.remote_static();
  state_ = State::kInvitation;
  return {};
}

Result<Bytes> EnrolmentParent::answer(const Psk& secret, const AgencyId& agency) {
  if (state_ != State::kInvitation) return not_now("an answer");
  const Hash256 signed_hash = possession_hash(root_, agency, machine_.node, machine_.dh);
  if (auto good = verify(machine_.node, signed_hash.view(), possession_); !good)
    return end(good.error());
  handshake_.set_psk(secret);
  const auto message = handshake_.write_message({});
  if (!message) return end(message.error());
  transport_ = handshake_.split();
  state_ = State::kConfirm;
  Bytes out;
  append_frame(out, *message);
  return out;
}

Result<void> EnrolmentParent::stream(GrantSource grant) {
  if (state_ != State::kGrant) return not_now("a grant");
  grant_ = std::move(grant);
  state_ = State::kSending;
  return {};
}

Result<void> EnrolmentParent::grant(Bytes encoded) {
  if (encoded.size() > kGrantBytesMax) return Error(Errc::kTooLarge, "the registry is over 64 MiB");
  return stream([whole = std::move(encoded), at = std::size_t{0}](std::size_t most) mutable {
    const ByteView piece = ByteView(whole).subspan(at).first(std::min(most, whole.size() - at));
    at += piece.size();
    return Result<GrantPiece>(GrantPiece{to_bytes(piece), at == whole.size()});
  });
}

Result<Bytes> EnrolmentParent::next_piece() {
  if (state_ != State::kSending) return not_now("a piece of the grant");
  auto piece = grant_(kGrantPieceBytes);
  if (!piece) return end(piece.error());
  if (++piece_count_ > kGrantPieceCountMax)
    return end(Error(Errc::kTooLarge, "the registry is more than a newcomer takes"));
  Bytes out;
  append_message(out, transport_->send, piece->last ? Type::kGrantEnd : Type::kGrant, piece->bytes);
  if (piece->last) {
    grant_ = nullptr;
    state_ = State::kStored;
  }
  return out;
}

Result<Bytes> EnrolmentParent::refuse(EnrolmentRefusal refusal) {
  if (state_ != State::kInvitation && state_ != State::kGrant) return not_now("a refusal");
  const std::array<std::uint8_t, 1> code{static_cast<std::uint8_t>(refusal)};
  Bytes out;
  if (state_ == State::kGrant) {
    append_message(out, transport_->send, Type::kRefused, code);
  } else {
    append_frame(out, code);
  }
  static_cast<void>(end(to_error(refusal)));
  return out;
}

Error EnrolmentParent::end(Error error) {
  state_ = State::kEnded;
  frames_ = FrameCutter();
  grant_ = nullptr;
  error_ = error;
  return error;
}

}  // namespace lienthong
