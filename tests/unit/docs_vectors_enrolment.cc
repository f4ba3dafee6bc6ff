// Theme "enrolment": the token, all that both sides say over the network, and the two files of the
// way by hand. The commune's node enrols under the province's.
#include "protocol/enrolment/by_hand.h"
#include "protocol/enrolment/enrolment.h"
#include "protocol/enrolment/token.h"
#include "tests/unit/docs_vectors_noise.h"
#include "tests/unit/docs_vectors_world.h"

namespace lienthong::agent {}

namespace lienthong::vectors {
namespace {

using namespace lienthong::agent;

[[maybe_unused]] Bytes got(const Bytes& bytes) { return bytes; }
[[maybe_unused]] Bytes got(const Result<Bytes>& bytes) {
  LT_CHECK(bytes.ok());
  return *bytes;
}

// All frames of the grant, whether the parent gives them at once or one by one.
template <class Parent>
Bytes granted_by(Parent& parent, const Bytes& grant) {
  const auto taken = parent.grant(grant);
  LT_CHECK(taken.ok());
  if constexpr (requires { parent.next_piece(); }) {
    Bytes out;
    while (parent.need() == Parent::Need::kSending) {
      const Bytes piece = got(parent.next_piece());
      out.insert(out.end(), piece.begin(), piece.end());
    }
    return out;
  } else {
    return *taken;
  }
}

Token token_of(const Example& example) {
  Token token;
  token.addresses = {"10.20.0.1:7410"};
  token.parent_dh_key = example.province.dh_key.public_key();
  token.root = example.root;
  token.agency = example.commune.agency;
  token.invite = filled<8>(0x0a);
  token.secret = filled<32>(0x0b);
  token.expires_at = kNow;
  return token;
}

// Payload of the first message.
Bytes request_of(const Example& example, const Token& token, Theme& out) {
  const Hash256 signed_hash =
      hash(kTagPossession, example.root, example.commune.agency, example.commune.id(),
           ByteView(example.commune.dh_key.public_key()));
  ByteWriter request;
  request.raw(token.invite);
  request.raw(example.commune.id().view());
  request.raw(example.commune.key.sign(signed_hash.view()));
  out.result("possession.signed", signed_hash);
  out.result("request", request.bytes());
  return request.take();
}

void conversation(const Example& example, Theme& out) {
  const Token token = token_of(example);
  const DhKey newcomer_ephemeral(seed_of(0x51)), parent_ephemeral(seed_of(0x52));
  NoiseInput in{"Noise_IKpsk2_25519_ChaChaPoly_SHA256",
                {"e es s ss", "e ee se psk"},
                {request_of(example, token, out), {}},
                true,
                {1, 3},
                token.secret,
                {example.commune.dh_key, newcomer_ephemeral},
                {example.province.dh_key, parent_ephemeral}};
  in.prologue.insert(in.prologue.end(), example.root.bytes.begin(), example.root.bytes.end());
  const NoiseOutput noise = run_noise(in, "noise", out);

  const EnrolmentGrant grant{example.commune.certificate, example.statements};
  const Bytes granted = encode_grant(grant);
  const MachineKeys machine{example.commune.id(), example.commune.dh_key.public_key()};
  LT_CHECK(check_grant(example.root, machine, *decode_grant(granted)).ok());
  out.result("grant", granted);

  EnrolmentChild child(token, NodeKeys{example.commune.key, example.commune.dh_key},
                       newcomer_ephemeral);
  EnrolmentParent parent(example.root, example.province.dh_key, parent_ephemeral);
  Bytes expected{1, 3};
  const Bytes first = framed(noise.messages[0]);
  expected.insert(expected.end(), first.begin(), first.end());
  const Bytes start = got(child.start());
  LT_CHECK(start == expected);
  out.result("step.1", start);
  LT_CHECK(parent.on_bytes(start).ok());
  out.result("step.2.refused", got(EnrolmentParent(parent).refuse(EnrolmentRefusal::kExpired)));
  const Bytes answer = *parent.answer(token.secret, token.agency);
  LT_CHECK(answer == framed(noise.messages[1]));
  out.result("step.2", answer);
  const Bytes confirm = *child.on_bytes(answer);
  LT_CHECK(confirm == noise_frame(noise.initiator_key, 0, Bytes{1}));
  out.result("step.3", confirm);
  LT_CHECK(parent.on_bytes(confirm).ok());
  const Bytes refused = got(EnrolmentParent(parent).refuse(EnrolmentRefusal::kNotAllowed));
  LT_CHECK(refused == noise_frame(noise.responder_key, 0, Bytes{5, 4}));
  out.result("step.4.refused", refused);
  const Bytes given = granted_by(parent, granted);
  Bytes last{3};
  last.insert(last.end(), granted.begin(), granted.end());
  LT_CHECK(given == noise_frame(noise.responder_key, 0, last));
  out.result("step.4", given);
  LT_CHECK(child.on_bytes(given)->empty() && child.complete() && child.grant() == granted);
  const Bytes stored = got(child.stored());
  LT_CHECK(stored == noise_frame(noise.initiator_key, 1, Bytes{4}));
  out.result("step.5", stored);
  LT_CHECK(parent.on_bytes(stored).ok() && parent.need() == EnrolmentParent::Need::kNothing);
}

void by_hand(const Example& example, const Token& token, Theme& out) {
  const NodeKeys keys{example.commune.key, example.commune.dh_key};
  const DhPublic& dh = keys.dh.public_key();
  const Hash256 proof = hash(kTagInviteProof, example.root, ByteView(token.secret),
                             ByteView(token.invite), example.commune.id(), ByteView(dh));
  const std::string request = render_request(token, keys);
  LT_CHECK(parse_request(request)->proof == proof);
  out.result("hand.proof", proof);
  out.result("hand.request", std::string_view(request));
  CertificateFile file;
  file.root = example.root;
  file.parent_code = "H47";
  file.addresses = {"10.20.0.1:7410"};
  file.grant = {example.commune.certificate, example.statements};
  const std::string text = render_certificate_file(file);
  LT_CHECK(parse_certificate_file(text)->grant.statements == example.statements);
  out.result("hand.certificate", std::string_view(text));
}

}  // namespace

void enrolment(Theme& out) {
  const Example example;
  const Token token = token_of(example);
  out.input("token.address", std::string_view(token.addresses[0]));
  out.input("invitation", token.invite);
  out.input("secret", token.secret);
  out.input("expiry", static_cast<std::uint64_t>(token.expires_at));
  out.input("newcomer.ephemeral.secret", seed_of(0x51));
  out.input("parent.ephemeral.secret", seed_of(0x52));
  const std::string text = encode_token(token);
  LT_CHECK(decode_token(text)->root == example.root);
  out.result("token", std::string_view(text));
  conversation(example, out);
  by_hand(example, token, out);
}

}  // namespace lienthong::vectors
