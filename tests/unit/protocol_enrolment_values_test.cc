// What enrolment carries: the token, the grant, and the files of the way by hand.
#include <gtest/gtest.h>

#include "protocol/base/limits.h"
#include "protocol/enrolment/by_hand.h"
#include "tests/support/deployment.h"
#include "tests/support/enrolment_pair.h"

namespace lienthong {
namespace {

using test::make_token;
using test::SeededEntropy;
using test::TestDeployment;
using test::TestNode;

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
  EXPECT_EQ(back->agency, token.agency);
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

TEST(Token, IsBounded) {
  SeededEntropy entropy(3);
  Token token = make_token(entropy, entropy.array<32>());
  token.addresses.assign(kTokenAddressCountMax, std::string(kTokenAddressBytesMax, 'a'));
  const std::string text = encode_token(token);
  ASSERT_LE(text.size(), kTokenBytesMax);
  EXPECT_EQ(decode_token(text)->addresses, token.addresses);
  EXPECT_EQ(decode_token(text + std::string(kTokenBytesMax, 'A')).error().code(), Errc::kMalformed);
}

// ---- the way by hand ----

TEST(Request, IsReadBackAndItsSignatureIsChecked) {
  SeededEntropy entropy(10);
  const NodeKeys keys = make_node_keys(entropy);
  const Token token = make_token(entropy, entropy.array<32>());
  const std::string text = render_request(token, keys);
  const auto request = parse_request(text);
  ASSERT_TRUE(request.ok());
  const MachineKeys machine{keys.signing.public_key(), keys.dh.public_key()};
  EXPECT_EQ(request->machine, machine);
  EXPECT_EQ(request->root, token.root);
  EXPECT_EQ(request->agency, token.agency);
  EXPECT_EQ(request->invite, token.invite);
  EXPECT_EQ(request->possession,
            sign_possession(token.root, token.agency, keys.signing, machine.dh));
  EXPECT_EQ(request->proof, invite_proof(token.root, token.secret, token.invite, machine));
  EXPECT_EQ(text.find(to_hex(token.secret)), std::string::npos);
  for (const char* line : {"\nroot ", "\nagency ", "\nnode ", "\ndh ", "\npossession "}) {
    std::string changed = text;
    char& digit = changed[changed.find(line) + std::string_view(line).size()];
    digit = digit == '0' ? '1' : '0';
    EXPECT_EQ(parse_request(changed).error().code(), Errc::kBadSignature) << line;
  }
  EXPECT_EQ(parse_request("lienthong request 2\n").error().code(), Errc::kBadVersion);
  EXPECT_EQ(parse_request("lienthong certificate 1\n").error().code(), Errc::kMalformed);
}

TEST(CertificateFile, ComesBackAsItWas) {
  TestDeployment deployment(11);
  const AgencyId province = deployment.add_agency(AgencyId{}, "H47", "Quảng Nam", "province");
  TestNode& node = deployment.add_node(province, true);
  CertificateFile file;
  file.root = deployment.root();
  file.parent_code = "H47";
  file.addresses = {"10.0.0.1:7410", "[fd00::1]:7410"};
  file.grant = make_grant(*deployment.registry(), node.certificate);
  const std::string text = render_certificate_file(file);
  const auto back = parse_certificate_file(text);
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(back->root, file.root);
  EXPECT_EQ(back->parent_code, "H47");
  EXPECT_EQ(back->addresses, file.addresses);
  EXPECT_EQ(encode_grant(back->grant), encode_grant(file.grant));
  const auto last = text.rfind("statement ");
  EXPECT_EQ(parse_certificate_file(text.substr(0, last + 40)).error().code(), Errc::kTruncated);
  EXPECT_EQ(parse_certificate_file(text.substr(0, last + 41)).error().code(), Errc::kMalformed);
  EXPECT_EQ(parse_certificate_file(text.substr(0, text.find("\ncertificate "))).error().code(),
            Errc::kMalformed);
  EXPECT_EQ(parse_certificate_file("lienthong certificate 2\n").error().code(), Errc::kBadVersion);
  EXPECT_EQ(parse_certificate_file("lienthong request 1\n").error().code(), Errc::kMalformed);
  EXPECT_EQ(parse_certificate_file("").error().code(), Errc::kMalformed);
}

TEST(CertificateFile, RefusesAStatementOverItsSize) {
  TestDeployment deployment(12);
  CertificateFile file;
  file.root = deployment.root();
  file.parent_code = "H47";
  file.grant.statements = {Statement{Bytes(kStatementBytesMax + 1), {}}};
  EXPECT_EQ(parse_certificate_file(render_certificate_file(file)).error().code(), Errc::kTooLarge);
}

// ---- the grant ----

struct Granted {
  TestDeployment deployment{13};
  AgencyId province = deployment.add_agency(AgencyId{}, "H47", "Quảng Nam", "province");
  TestNode& node = deployment.add_node(province, true);
  AgencyId district = deployment.add_agency(province, "H47.12", "Phú Ninh", "district");
  TestNode& below = deployment.add_node(district);
  MachineKeys machine{node.id(), node.dh_key.public_key()};
  EnrolmentGrant grant = make_grant(*deployment.registry(), node.certificate);
};

TEST(Grant, IsForOneMachineUnderOnePinnedRoot) {
  Granted place;
  const auto back = decode_grant(encode_grant(place.grant));
  ASSERT_TRUE(back.ok());
  const auto granted = check_grant(place.deployment.root(), place.machine, *back);
  ASSERT_TRUE(granted.ok()) << granted.error().message();
  EXPECT_EQ(granted->agency, place.province);
  EXPECT_EQ(granted->certificate.node, place.machine.node);
  EXPECT_EQ(granted->registry->digest(), place.deployment.registry()->digest());
  MachineKeys other = place.machine;
  other.dh[0] ^= 1;
  EXPECT_EQ(check_grant(place.deployment.root(), other, *back).error().code(),
            Errc::kInvalidArgument);
  other = {place.below.id(), place.machine.dh};
  EXPECT_EQ(check_grant(place.deployment.root(), other, *back).error().code(),
            Errc::kInvalidArgument);
  EXPECT_EQ(check_grant(RootFingerprint{}, place.machine, *back).error().code(), Errc::kBadHash);
}

TEST(Grant, RefusesARegistryThatDoesNotStand) {
  Granted place;
  const auto code = [&](const EnrolmentGrant& grant) {
    return check_grant(place.deployment.root(), place.machine, grant).error().code();
  };
  EnrolmentGrant empty;
  EXPECT_EQ(code(empty), Errc::kBadHash);
  EnrolmentGrant headless = place.grant;
  headless.statements.erase(headless.statements.begin());
  EXPECT_EQ(code(headless), Errc::kBadHash);
  EnrolmentGrant only_genesis = place.grant;
  only_genesis.statements.resize(1);
  EXPECT_EQ(code(only_genesis), Errc::kInvalidArgument);  // where is the certificate?
  EnrolmentGrant another = place.grant;
  another.certificate.bytes[0] ^= 1;
  EXPECT_EQ(code(another), Errc::kInvalidArgument);
  EnrolmentGrant gap = place.grant;  // the certificate's agency is missing
  gap.statements.erase(gap.statements.begin() + 1);
  EXPECT_EQ(code(gap), Errc::kUnknownAgency);
  EnrolmentGrant spoilt = place.grant;
  std::get<RootSignature>(spoilt.statements[1].authority).signature[0] ^= 1;
  EXPECT_EQ(code(spoilt), Errc::kBadSignature);
}

TEST(Grant, RefusesACertificateThatNobodyBelieves) {
  TestDeployment deployment(14);
  const AgencyId province = deployment.add_agency(AgencyId{}, "H47", "Quảng Nam", "province");
  TestNode& issuer = deployment.add_node(province, true);  // of an agency that is not above
  const AgencyId district = deployment.add_agency(AgencyId{}, "H48", "Đà Nẵng", "province");
  TestNode newcomer = deployment.make_node(district);
  const StatementBody body(deployment.certificate(district, newcomer));
  const StatementId id = deployment.add(issuer.say(deployment.root(), body));
  const auto grant = make_grant(*deployment.registry(), id_cast<CertificateId>(id));
  const MachineKeys machine{newcomer.id(), newcomer.dh_key.public_key()};
  EXPECT_EQ(check_grant(deployment.root(), machine, grant).error().code(), Errc::kNotAllowed);
}

TEST(Grant, RefusesEveryPartOfItself) {
  Granted place;
  const Bytes whole = encode_grant(place.grant);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const auto part = decode_grant(ByteView(whole).first(i));
    ASSERT_FALSE(part.ok()) << "cut at " << i;
    ASSERT_EQ(part.error().code(), Errc::kTruncated) << "cut at " << i;
  }
  Bytes longer = whole;
  longer.push_back(0);
  EXPECT_EQ(decode_grant(longer).error().code(), Errc::kMalformed);
}

// The bytes of a grant as a parent sends them, and as a newcomer reads them.
Result<GrantedNode> read_in_pieces(const Granted& place, GrantSource source, std::size_t most,
                                   std::size_t& held) {
  GrantReader reader(place.deployment.root(), place.machine);
  for (;;) {
    LT_TRY(const GrantPiece piece, source(most));
    LT_TRY_VOID(reader.take(piece.bytes));
    held = std::max(held, reader.held_bytes());
    if (piece.last) return reader.finish();
  }
}

GrantSource source_of(const EnrolmentGrant& grant) {
  return stream_grant(grant.certificate, grant.statements.size(),
                      [&grant](std::size_t i) { return Result<Statement>(grant.statements[i]); });
}

TEST(Grant, IsReadAsItComesHoweverItIsCut) {
  Granted place;
  Bytes streamed;
  for (auto source = source_of(place.grant);;) {
    const auto piece = source(10);
    ASSERT_TRUE(piece.ok());
    streamed.insert(streamed.end(), piece->bytes.begin(), piece->bytes.end());
    if (piece->last) break;
  }
  EXPECT_EQ(streamed, encode_grant(place.grant));
  for (const std::size_t most : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
    std::size_t held = 0;
    const auto granted = read_in_pieces(place, source_of(place.grant), most, held);
    ASSERT_TRUE(granted.ok()) << granted.error().message();
    EXPECT_EQ(granted->agency, place.province);
    EXPECT_EQ(granted->certificate_id, place.grant.certificate);
    EXPECT_EQ(granted->registry->digest(), place.deployment.registry()->digest());
  }
  // What is wrong ends it where it stands, and what is missing at the end.
  GrantReader foreign(RootFingerprint{}, place.machine);
  EXPECT_EQ(foreign.take(ByteView(streamed).first(streamed.size() / 2)).error().code(),
            Errc::kBadHash);
  for (std::size_t i = 0; i < streamed.size(); ++i) {
    GrantReader reader(place.deployment.root(), place.machine);
    ASSERT_TRUE(reader.take(ByteView(streamed).first(i)).ok());
    ASSERT_EQ(reader.finish().error().code(), Errc::kTruncated) << "cut at " << i;
  }
  streamed.push_back(0);
  GrantReader longer(place.deployment.root(), place.machine);
  ASSERT_TRUE(longer.take(streamed).ok());
  EXPECT_EQ(longer.finish().error().code(), Errc::kMalformed);
}

TEST(Grant, OfALargeRegistryIsHeldInPartsOnly) {
  Granted place;
  for (int i = 0; i < 2'600; ++i) {
    AgencyDeclaration body =
        place.deployment.declaration(AgencyId{}, "H" + std::to_string(1000 + i));
    body.name = std::string(1000, 'x');
    place.grant.statements.push_back(place.deployment.by_root(body));
  }
  const auto whole = check_grant(place.deployment.root(), place.machine, place.grant);
  ASSERT_TRUE(whole.ok());
  std::size_t held = 0;
  const auto granted = read_in_pieces(place, source_of(place.grant), 32 * 1024, held);
  ASSERT_TRUE(granted.ok()) << granted.error().message();
  EXPECT_EQ(granted->registry->size(), place.grant.statements.size());
  EXPECT_EQ(granted->registry->digest(), whole->registry->digest());
  EXPECT_GT(encode_grant(place.grant).size(), 2'600'000U);
  EXPECT_LT(held, 1'500'000U);
}

TEST(Grant, RefusesCountsAndLengthsOverTheirLimits) {
  const auto code = [](std::uint64_t count, std::uint64_t size) {
    ByteWriter out;
    out.raw(Bytes(32, 1));
    out.varint(count);
    out.varint(size);
    return decode_grant(out.bytes()).error().code();
  };
  EXPECT_EQ(code(kGrantStatementCountMax + 1, 10), Errc::kTooLarge);
  EXPECT_EQ(code(kGrantStatementCountMax, 10), Errc::kTruncated);
  EXPECT_EQ(code(UINT64_MAX, 10), Errc::kTooLarge);
  EXPECT_EQ(code(1, UINT64_MAX), Errc::kTooLarge);
  EXPECT_EQ(code(1, 2 * kStatementBytesMax + 1), Errc::kTooLarge);
  EXPECT_EQ(decode_grant(Bytes(kGrantBytesMax + 1)).error().code(), Errc::kTooLarge);
}

}  // namespace
}  // namespace lienthong
