// A newcomer and a parent with one token between them, and peers of either that know the secret
// and are no machine of ours.
#pragma once

#include "protocol/enrolment/enrolment.h"
#include "tests/support/deployment.h"

namespace lienthong::test {

inline Token make_token(SeededEntropy& entropy, const DhPublic& parent) {
  Token token;
  token.addresses = {"10.0.0.1:7410", "[fd00::1]:7410"};
  token.parent_dh_key = parent;
  token.root.bytes = entropy.array<32>();
  token.agency.bytes = entropy.array<32>();
  token.invite = entropy.array<8>();
  token.secret = entropy.array<32>();
  token.expires_at = 1'680'307'200'000;
  return token;
}

struct EnrolmentPair {
  explicit EnrolmentPair(std::uint64_t seed)
      : entropy(seed),
        parent_key(entropy.array<32>()),
        child_keys(make_node_keys(entropy)),
        token(make_token(entropy, parent_key.public_key())),
        child(token, child_keys, DhKey(entropy.array<32>())),
        parent(token.root, parent_key, DhKey(entropy.array<32>())) {}

  MachineKeys machine() const {
    return {child_keys.signing.public_key(), child_keys.dh.public_key()};
  }

  static Bytes frame(ByteView content) {
    ByteWriter out;
    out.u16(static_cast<std::uint16_t>(content.size()));
    out.raw(content);
    return out.take();
  }

  // Up to where the parent is asked for the grant.
  void prove() {
    LT_CHECK(parent.on_bytes(*child.start()).ok());
    LT_CHECK(parent.on_bytes(*child.on_bytes(*parent.answer(token.secret, token.agency))).ok());
    LT_CHECK(parent.need() == EnrolmentParent::Need::kGrant);
  }

  NoiseHandshake handshake(NoiseRole role) {
    Bytes prologue(kEnrolmentPreamble.begin(), kEnrolmentPreamble.end());
    prologue.insert(prologue.end(), token.root.bytes.begin(), token.root.bytes.end());
    const bool asks = role == NoiseRole::kInitiator;
    NoiseHandshake::Config config(NoisePattern::kIKpsk2, role, prologue,
                                  asks ? child_keys.dh : parent_key, DhKey(entropy.array<32>()));
    if (asks) config.remote_static = token.parent_dh_key;
    config.psk = token.secret;
    return NoiseHandshake(config);
  }

  // Preamble and a first message with that payload.
  Bytes forged_request(ByteView payload) {
    Bytes out(kEnrolmentPreamble.begin(), kEnrolmentPreamble.end());
    const Bytes framed = frame(*handshake(NoiseRole::kInitiator).write_message(payload));
    out.insert(out.end(), framed.begin(), framed.end());
    return out;
  }

  // Someone with the secret shakes hands with `parent`, which then waits for kConfirm.
  NoiseHandshake::Transport hostile_child_shakes_hands() {
    ByteWriter payload;
    payload.raw(token.invite);
    payload.raw(machine().node.view());
    payload.raw(sign_possession(token.root, token.agency, child_keys.signing, machine().dh));
    NoiseHandshake noise = handshake(NoiseRole::kInitiator);
    Bytes request(kEnrolmentPreamble.begin(), kEnrolmentPreamble.end());
    const Bytes framed = frame(*noise.write_message(payload.bytes()));
    request.insert(request.end(), framed.begin(), framed.end());
    LT_CHECK(parent.on_bytes(request).ok());
    LT_CHECK(
        noise.read_message(ByteView(*parent.answer(token.secret, token.agency)).subspan(2)).ok());
    return noise.split();
  }

  // Someone with the parent's key and the secret shakes hands with `child`, which then waits for
  // the grant.
  NoiseHandshake::Transport hostile_parent_shakes_hands() {
    const Bytes request = *child.start();
    NoiseHandshake noise = handshake(NoiseRole::kResponder);
    LT_CHECK(noise.read_message(ByteView(request).subspan(4)).ok());
    LT_CHECK(child.on_bytes(frame(*noise.write_message({}))).ok());
    return noise.split();
  }

  SeededEntropy entropy;
  DhKey parent_key;
  NodeKeys child_keys;
  Token token;
  EnrolmentChild child;
  EnrolmentParent parent;
};

}  // namespace lienthong::test
