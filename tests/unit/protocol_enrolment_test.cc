#include <gtest/gtest.h>

#include "protocol/enrolment/by_hand.h"
#include "protocol/enrolment/enrolment.h"
#include "tests/support/deployment.h"

namespace lienthong {
namespace {

using test::SeededEntropy;

Token make_token(SeededEntropy& entropy, const DhPublic& parent) {
  Token token;
  token.addresses = {"10.0.0.1:7410", "[fd00::1]:7410"};
  token.parent_dh_key = parent;
  token.root.bytes = entropy.array<32>();
  token.invite = entropy.array<8>();
  token.secret = entropy.array<32>();
  token.expires_at = 1'680'307'200'000;
  return token;
}

TEST(Token, ComesBackAsItWas) {
  SeededEntropy entropy(1);
  const Token token = make_token(entropy, entropy.array<32>());
  const std::string text = encode_token(token);
  EXPECT_TRUE(text.starts_with("lt1-"));
  EXPECT_EQ(text.find_first_of(" \n="), std::string::npos);
  const auto back = decode_token("  " + text + "\n");
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(back->addresses, token.addresses);
  EXPECT_EQ(back->parent_dh_key, token.parent_dh_key);
  EXPECT_EQ(back->root, token.root);
  EXPECT_EQ(back->invite, token.invite);
  EXPECT_EQ(back->secret, token.secret);
  EXPECT_EQ(back->expires_at, token.expires_at);
}

TEST(Token, EverySingleSlipInCopyingIsNoticed) {
  SeededEntropy entropy(2);
  const std::string text = encode_token(make_token(entropy, entropy.array<32>()));
  for (std::size_t i = 4; i < text.size(); ++i) {
    std::string slip = text;
    slip[i] = slip[i] == 'A' ? 'B' : 'A';
    const auto decoded = decode_token(slip);
    ASSERT_FALSE(decoded.ok()) << "at " << i;
    EXPECT_EQ(decoded.error().code(), Errc::kMalformed);
    EXPECT_FALSE(decode_token(text.substr(0, i)).ok()) << "cut at " << i;
  }
}

TEST(Token, SaysWhatIsWrongWithIt) {
  EXPECT_EQ(decode_token("").error().code(), Errc::kMalformed);
  EXPECT_EQ(decode_token("hello").error().code(), Errc::kMalformed);
  EXPECT_EQ(decode_token("lt2-AAAA").error().code(), Errc::kBadVersion);
  EXPECT_EQ(decode_token("lt1-").error().code(), Errc::kMalformed);
  EXPECT_EQ(decode_token("lt1-!!!!").error().code(), Errc::kMalformed);
}

// ---- enrolment, both sides ----

struct Pair {
  explicit Pair(std::uint64_t seed)
      : entropy(seed),
        parent_key(entropy.array<32>()),
        child_keys(make_node_keys(entropy)),
        token(make_token(entropy, parent_key.public_key())),
        child(token, child_keys, DhKey(entropy.array<32>())),
        parent(token.root, parent_key, DhKey(entropy.array<32>())) {}
  SeededEntropy entropy;
  DhKey parent_key;
  NodeKeys child_keys;
  Token token;
  EnrolmentChild child;
  EnrolmentParent parent;
};

TEST(Enrolment, BringsAGrantOfManyPiecesAcross) {
  Pair pair(3);
  ASSERT_TRUE(pair.parent.on_bytes(pair.child.start()).ok());
  ASSERT_EQ(pair.parent.need(), EnrolmentParent::Need::kInvitation);
  EXPECT_EQ(pair.parent.invite(), pair.token.invite);
  EXPECT_EQ(pair.parent.machine().node, pair.child_keys.signing.public_key());
  EXPECT_EQ(pair.parent.machine().dh, pair.child_keys.dh.public_key());
  const auto confirm = pair.child.on_bytes(*pair.parent.answer(pair.token.secret));
  ASSERT_TRUE(confirm.ok());
  ASSERT_TRUE(pair.parent.on_bytes(*confirm).ok());
  ASSERT_EQ(pair.parent.need(), EnrolmentParent::Need::kGrant);
  const Bytes grant(200'000, 7);
  const auto sent = pair.parent.grant(grant);
  ASSERT_TRUE(sent.ok());
  for (std::size_t i = 0; i < sent->size(); i += 999) {  // cut anywhere
    EXPECT_FALSE(pair.child.complete());
    ASSERT_TRUE(
        pair.child
            .on_bytes(ByteView(*sent).subspan(i, std::min<std::size_t>(999, sent->size() - i)))
            .ok());
  }
  ASSERT_TRUE(pair.child.complete());
  EXPECT_EQ(pair.child.grant(), grant);
  ASSERT_TRUE(pair.parent.on_bytes(pair.child.stored()).ok());
  EXPECT_EQ(pair.parent.need(), EnrolmentParent::Need::kNothing);
}

TEST(Enrolment, NeedsTheSecretAndNotOnlyTheInvitationsNumber) {
  Pair pair(4);
  ASSERT_TRUE(pair.parent.on_bytes(pair.child.start()).ok());
  Psk other = pair.token.secret;
  other[0] ^= 1;
  const auto confirm = pair.child.on_bytes(*pair.parent.answer(other));
  ASSERT_FALSE(confirm.ok());
  EXPECT_EQ(confirm.error().code(), Errc::kBadSignature);
}

TEST(Enrolment, TellsTheNewcomerWhyItIsRefused) {
  for (const auto& [refusal, code] : {std::pair(EnrolmentRefusal::kUnknownInvite, Errc::kNotFound),
                                      std::pair(EnrolmentRefusal::kExpired, Errc::kExpired),
                                      std::pair(EnrolmentRefusal::kUsed, Errc::kConflict)}) {
    Pair early(5);
    ASSERT_TRUE(early.parent.on_bytes(early.child.start()).ok());
    EXPECT_EQ(early.child.on_bytes(early.parent.refuse(refusal)).error().code(), code);
    Pair late(6);
    ASSERT_TRUE(late.parent.on_bytes(late.child.start()).ok());
    const auto confirm = late.child.on_bytes(*late.parent.answer(late.token.secret));
    ASSERT_TRUE(late.parent.on_bytes(*confirm).ok());
    EXPECT_EQ(late.child.on_bytes(late.parent.refuse(refusal)).error().code(), code);
  }
}

TEST(Enrolment, RefusesARequestForAnotherDeployment) {
  Pair pair(7);
  RootFingerprint other = pair.token.root;
  other.bytes[0] ^= 1;
  EnrolmentParent parent(other, pair.parent_key, DhKey(pair.entropy.array<32>()));
  EXPECT_FALSE(parent.on_bytes(pair.child.start()).ok());
}

TEST(Enrolment, RefusesRubbishFrames) {
  Pair pair(8);
  const Bytes empty_frame{1, 3, 0, 0};
  EXPECT_EQ(pair.parent.on_bytes(empty_frame).error().code(), Errc::kMalformed);
  Pair second(9);
  const Bytes short_answer{2, 0, 9, 9};
  (void)second.child.start();
  EXPECT_EQ(second.child.on_bytes(short_answer).error().code(), Errc::kMalformed);
}

// ---- the offline way ----

TEST(Request, IsReadBackAndItsSignatureIsChecked) {
  SeededEntropy entropy(10);
  const NodeKeys keys = make_node_keys(entropy);
  std::string text = render_request(keys.signing, keys.dh.public_key());
  const auto machine = parse_request(text);
  ASSERT_TRUE(machine.ok());
  EXPECT_EQ(machine->node, keys.signing.public_key());
  const auto at = text.find("\ndh ") + 4;
  text[at] = text[at] == '0' ? '1' : '0';
  EXPECT_EQ(parse_request(text).error().code(), Errc::kBadSignature);
  EXPECT_EQ(parse_request("lienthong request 2\n").error().code(), Errc::kBadVersion);
  EXPECT_EQ(parse_request("lienthong certificate 1\n").error().code(), Errc::kMalformed);
}

TEST(Grant, IsForOneMachineUnderOnePinnedRoot) {
  test::TestDeployment deployment(11);
  const AgencyId province = deployment.add_agency(AgencyId{}, "H47", "Quảng Nam", "province");
  test::TestNode& node = deployment.add_node(province, true);
  const EnrolmentGrant grant = make_grant(*deployment.registry(), node.certificate);
  const auto back = decode_grant(encode_grant(grant));
  ASSERT_TRUE(back.ok());
  const MachineKeys machine{node.id(), node.dh_key.public_key()};
  const auto granted = check_grant(deployment.root(), machine, *back);
  ASSERT_TRUE(granted.ok()) << granted.error().message();
  EXPECT_EQ(granted->agency, province);
  MachineKeys other = machine;
  other.dh[0] ^= 1;
  EXPECT_EQ(check_grant(deployment.root(), other, *back).error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(check_grant(RootFingerprint{}, machine, *back).error().code(), Errc::kBadHash);
  EXPECT_FALSE(decode_grant(ByteView(encode_grant(grant)).first(100)).ok());
}

}  // namespace
}  // namespace lienthong
