#include "protocol/session/handshake.h"

#include <algorithm>

#include "protocol/base/limits.h"

namespace lienthong {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHandshakeBytesMax = kHelloBytesMax + 256;  // hello, keys and tags

}  // namespace

Rejection judge_number(const SessionConfig& config, const NodeId& node, std::uint64_t number) {
  if (config.initiator || !config.last_session_number) return {};
  const std::uint64_t seen = config.last_session_number(node);
  if (number > seen) return {};
  return Rejection{CloseCode::kReplay, "session number; last seen: " + std::to_string(seen)};
}

Handshake::Handshake(const ReplicaView& view, SessionConfig& config, HelloWriter& writer)
    : view_(view), config_(config), writer_(writer) {}

void Handshake::start_dialling() {
  output_.u8(kVersion);
  const NoisePattern pattern = config_.peer_dh_key ? NoisePattern::kIK : NoisePattern::kXX;
  output_.u8(static_cast<std::uint8_t>(pattern));
  Bytes payload;
  if (pattern == NoisePattern::kIK) {
    Judgement guess;
    if (config_.peer_certificate)
      guess.identity = identity_under(*view_.registry(), *config_.peer_certificate);
    payload = encode_hello(writer_.write_hello(&guess, nullptr));
  } else if (view_.registry()->roots().size() > 1) {
    payload = to_bytes(config_.root.view());
  }
  // The only failure is a peer key of small order: nothing follows, and the time-out ends it.
  if (start(pattern).ok() && !write(payload).ok()) noise_.reset();
}

Error Handshake::fail(CloseCode code, Error error) {
  failure_ = code;
  return error;
}

Bytes Handshake::take_output() {
  const bool version_alone = !config_.initiator && output_.bytes().size() == 1;
  if (version_alone && failure_ == CloseCode::kNone) return {};
  Bytes out = output_.take();
  output_ = ByteWriter();
  return out;
}

Result<void> Handshake::start(NoisePattern pattern) {
  if (pattern != NoisePattern::kIK && pattern != NoisePattern::kXX) {
    return fail(CloseCode::kProtocolError, Error(Errc::kMalformed, "Noise pattern of a session"));
  }
  pattern_ = pattern;
  Bytes prologue{kVersion, static_cast<std::uint8_t>(pattern)};
  prologue.insert(prologue.end(), config_.root.bytes.begin(), config_.root.bytes.end());
  NoiseHandshake::Config config(pattern,
                                config_.initiator ? NoiseRole::kInitiator : NoiseRole::kResponder,
                                std::move(prologue), config_.dh_key, config_.ephemeral);
  if (config_.initiator) config.remote_static = config_.peer_dh_key;
  noise_.emplace(std::move(config));
  return {};
}

Result<void> Handshake::write(ByteView payload) {
  LT_TRY(const Bytes message, noise_->write_message(payload));
  output_.u16(static_cast<std::uint16_t>(message.size()));
  output_.raw(message);
  return {};
}

Result<std::size_t> Handshake::consume_preamble(ByteView in) {
  if (in.empty()) return std::size_t{0};
  if (config_.initiator) {
    if (in[0] == kVersion) {
      preamble_done_ = true;
      return std::size_t{1};
    }
    if (in[0] == 0 && in.size() < 3) return std::size_t{0};
    if (in[0] != 0)
      return fail(CloseCode::kBadVersion, Error(Errc::kBadVersion, std::string(kNoAgentThere)));
    const std::string detail =
        "the peer speaks versions " + std::to_string(in[2]) + " to " + std::to_string(in[1]);
    return fail(CloseCode::kBadVersion, Error(Errc::kBadVersion, detail));
  }
  if (in[0] != kVersion) {
    output_.u8(0);
    output_.u8(kVersionHighest);
    output_.u8(kVersionLowest);
    return fail(CloseCode::kBadVersion,
                Error(Errc::kBadVersion, "version " + std::to_string(in[0]) + " asked for"));
  }
  if (in.size() < 2) return std::size_t{0};
  LT_TRY_VOID(start(static_cast<NoisePattern>(in[1])));
  output_.u8(kVersion);
  preamble_done_ = true;
  return std::size_t{2};
}

Result<std::size_t> Handshake::consume(ByteView in) {
  if (!preamble_done_) return consume_preamble(in);
  if (in.size() < 2) return std::size_t{0};
  const std::size_t size = in[0] | static_cast<std::size_t>(in[1]) << 8;
  if (size > kHandshakeBytesMax) {
    return fail(CloseCode::kLimit, Error(Errc::kTooLarge, "handshake message"));
  }
  if (in.size() < 2 + size) return std::size_t{0};
  LT_TRY_VOID(read_message(in.subspan(2, size)));
  return 2 + size;
}

// The dialler may go by another of the roots that are here.
Result<Bytes> Handshake::read_first(ByteView message) {
  const auto roots = view_.registry()->roots();
  if (pattern_ == NoisePattern::kXX) {
    constexpr std::size_t kKey = 32;
    const bool named = message.size() == kKey + RootFingerprint::kSize;
    const auto root = named ? RootFingerprint::from(message.subspan(kKey)) : config_.root;
    if (root != config_.root && std::ranges::find(roots, root) != roots.end()) {
      config_.root = root;
      LT_TRY_VOID(start(pattern_));
    }
    return noise_->read_message(message);
  }
  auto payload = noise_->read_message(message);
  const RootFingerprint own = config_.root;
  for (const RootFingerprint& root : roots) {
    if (payload.ok() || payload.error().code() != Errc::kBadSignature) break;
    if (root == own) continue;
    config_.root = root;
    LT_TRY_VOID(start(pattern_));
    payload = noise_->read_message(message);
  }
  if (!payload.ok()) config_.root = own;
  return payload;
}

Result<void> Handshake::read_message(ByteView message) {
  if (!noise_ || noise_->my_turn()) {
    return fail(CloseCode::kProtocolError, Error(Errc::kOutOfOrder, "handshake message"));
  }
  const bool first = !config_.initiator && read_count_ == 0;
  auto payload = first ? read_first(message) : noise_->read_message(message);
  if (!payload.ok()) {
    // The prologue holds the root, so that another root looks like this, and so does an IK message
    // for another machine's key.
    const bool unreadable = payload.error().code() == Errc::kBadSignature;
    return fail(unreadable ? CloseCode::kWrongRoot : CloseCode::kProtocolError,
                Error(payload.error().code(), "handshake: " + payload.error().detail()));
  }
  ++read_count_;
  return config_.initiator ? read_as_initiator(*payload) : read_as_responder(*payload);
}

Result<Hello> Handshake::read_hello(ByteView payload) {
  auto hello = decode_hello(payload);
  if (!hello.ok()) {
    return fail(
        hello.error().code() == Errc::kTooLarge ? CloseCode::kLimit : CloseCode::kProtocolError,
        hello.error());
  }
  if (hello->version_lowest > kVersion ||
      std::min(hello->version_highest, kVersionHighest) != kVersion) {
    return fail(CloseCode::kBadVersion,
                Error(Errc::kBadVersion, "a higher common version was talked down"));
  }
  hello->program_version = printable(std::move(hello->program_version));
  return hello;
}

Speaker Handshake::speaker_of(const Hello& hello) const {
  return {*noise_->remote_static(), *noise_->remote_ephemeral(), hello.speaker, config_.root};
}

// Whoever answers is judged as any peer. What went with our first message was for one machine.
Judgement Handshake::judge_answer(const Hello& hello) const {
  const auto registry = view_.registry();
  Judgement out = judge(*registry, speaker_of(hello), config_.expected_agency);
  if (!out.identity || pattern_ != NoisePattern::kIK || !config_.peer_certificate) return out;
  const Certificate* dialled = registry->find_certificate(*config_.peer_certificate);
  if (dialled == nullptr || dialled->node == out.identity->node) return out;
  return Judgement{std::nullopt, Rejection{CloseCode::kWrongAgency,
                                           "another machine than the one that was dialled"}};
}

Result<void> Handshake::read_as_initiator(ByteView payload) {
  LT_TRY(Hello peer, read_hello(payload));
  Judgement judgement = judge_answer(peer);
  if (pattern_ == NoisePattern::kXX) {
    LT_TRY_VOID(write(encode_hello(writer_.write_hello(&judgement, &peer))));
  }
  finish(std::move(peer), std::move(judgement));
  return {};
}

Result<void> Handshake::read_as_responder(ByteView payload) {
  if (pattern_ == NoisePattern::kXX && read_count_ == 1) {
    return write(encode_hello(writer_.write_hello(nullptr, nullptr)));
  }
  LT_TRY(Hello peer, read_hello(payload));
  Judgement judgement = judge(*view_.registry(), speaker_of(peer), std::nullopt);
  if (judgement.identity) {
    judgement.rejection = judge_number(config_, judgement.identity->node, peer.session_number);
  }
  if (pattern_ == NoisePattern::kIK) {
    LT_TRY_VOID(write(encode_hello(writer_.write_hello(&judgement, &peer))));
  }
  finish(std::move(peer), std::move(judgement));
  return {};
}

void Handshake::finish(Hello peer, Judgement judgement) {
  const bool due = peer.credentials_wanted || (pattern_ == NoisePattern::kXX && config_.initiator);
  const Speaker speaker = speaker_of(peer);
  outcome_.emplace(noise_->split(), std::move(peer), speaker, std::move(judgement));
  outcome_->credentials_due = due;
}

}  // namespace lienthong
