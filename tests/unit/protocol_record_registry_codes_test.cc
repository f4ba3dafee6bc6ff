// Whose keys a certificate may bear, who bears which code, and declarations taken back.
#include "protocol/record/agency_code.h"
#include "tests/support/registry_world.h"

namespace lienthong::test {
namespace {

using RegistryKeys = RegistryWorld;
using RegistryCodes = RegistryWorld;

// ---- keys ----

TEST_F(RegistryKeys, ACertificateBearsTheSignatureOfItsOwnMachine) {
  const TestNode node = world.make_node(commune);
  const TestNode other = world.make_node(commune);
  const Certificate good = world.certificate(commune, node);
  ASSERT_TRUE(reg().check(n.say(root(), good)).ok());
  const auto refuses = [&](auto change) {
    Certificate body = good;
    change(body);
    EXPECT_EQ(refused(n.say(root(), body)), Errc::kBadSignature);
    EXPECT_EQ(refused(world.by_root(body)), Errc::kBadSignature);
  };
  refuses([](Certificate& body) { body.possession[9] ^= 1; });
  refuses([](Certificate& body) { body.possession = {}; });
  refuses([&](Certificate& body) { body.agency = south; });
  refuses([&](Certificate& body) { body.node = other.id(); });
  refuses([&](Certificate& body) { body.dh_key = other.dh_key.public_key(); });
  refuses([&](Certificate& body) {  // what everybody can read in another machine's certificate
    body.node = c.id();
    body.possession = reg().find_certificate(c.certificate)->possession;
  });
  refuses([&](Certificate& body) {
    RootFingerprint elsewhere = root();
    elsewhere.bytes[0] ^= 1;
    body.possession = sign_possession(elsewhere, commune, node.key, body.dh_key);
  });
}

TEST_F(RegistryKeys, ABadSignatureIsRefusedForEverWhateverElseIsMissing) {
  const TestNode node = world.make_node(commune);
  Certificate body = world.certificate(commune, node);
  body.tree_version = newest() + 7;  // names what is not here
  EXPECT_EQ(refused(n.say(root(), body)), Errc::kUnknownParent);
  body.possession[0] ^= 1;
  EXPECT_EQ(refused(n.say(root(), body)), Errc::kBadSignature);
}

TEST_F(RegistryKeys, ARenewalBearsTheSameSignatureAgain) {
  Certificate body = *reg().find_certificate(c.certificate);  // the machine is not asked
  body.issued_at = world.tick();
  body.renew_by = body.issued_at + 1000;
  body.replaces = c.certificate;
  body.may_issue = false;
  const auto renewed = id_cast<CertificateId>(world.add(n.say(root(), body)));
  EXPECT_EQ(reg().certificate_belief(renewed), Belief::kBelieved);
  EXPECT_EQ(reg().certificate_of(c.id()), renewed);
}

TEST_F(RegistryKeys, TheNewestCertificateOfAMachineBringsItsNewKeyAndTheOldOneStands) {
  const CertificateId old = c.certificate;
  const DhPublicKey before = c.dh_key.public_key();
  c.dh_key = DhKey(world.entropy().array<32>());
  ASSERT_EQ(certify(n, c, old), Belief::kBelieved);
  EXPECT_EQ(reg().certificate_of(c.id(), commune), c.certificate);
  EXPECT_EQ(reg().find_certificate(c.certificate)->dh_key, c.dh_key.public_key());
  EXPECT_TRUE(reg().may_connect(old));
  EXPECT_TRUE(reg().may_connect(c.certificate));
  EXPECT_EQ(reg().certificates_with(before), std::vector{old});
  EXPECT_EQ(reg().certificates_with(c.dh_key.public_key()), std::vector{c.certificate});
}

TEST_F(RegistryKeys, AnothersX25519KeyInACertificateOfOnesOwnIsListedBesideTheOwners) {
  TestNode thief = world.make_node(south);
  thief.dh_key = c.dh_key;  // its public half is in everybody's registry
  ASSERT_EQ(certify(p, thief), Belief::kBelieved);
  const auto found = reg().certificates_with(c.dh_key.public_key());
  EXPECT_EQ(std::set(found.begin(), found.end()), (std::set{c.certificate, thief.certificate}));
  EXPECT_EQ(reg().certificate_of(c.id()), c.certificate);
}

// ---- what lies under what ----

TEST(AgencyCode, LiesUnderThoseWhoseGroupsItBeginsWith) {
  EXPECT_TRUE(lies_under("H47.12", "H47"));
  EXPECT_TRUE(lies_under("H47.12.05", "H47"));
  EXPECT_TRUE(lies_under("H15.50.05.13", "H15.50.05"));
  EXPECT_FALSE(lies_under("H47", "H47"));
  EXPECT_FALSE(lies_under("H47.120", "H47.12"));
  EXPECT_FALSE(lies_under("H47.1", "H47.1.1"));
  EXPECT_FALSE(lies_under("H471", "H47"));
  EXPECT_FALSE(lies_under("H47.", "H47"));
  EXPECT_FALSE(lies_under("H47..1", "H47"));
  EXPECT_FALSE(lies_under("", "H47"));
  EXPECT_FALSE(lies_under("ZZ0", "H47"));
}

TEST(AgencyCode, OfTheOlderFormIsReadFromItsEnd) {
  EXPECT_TRUE(lies_under("000.00.22.H56", "H56"));
  EXPECT_TRUE(lies_under("000.00.22.H56", "000.00.00.H56"));
  EXPECT_TRUE(lies_under("000.17.22.H56", "000.00.22.H56"));
  EXPECT_FALSE(lies_under("000.17.22.H56", "000.00.17.H56"));
  EXPECT_FALSE(lies_under("000.00.00.H56", "H56"));
  EXPECT_FALSE(lies_under("000.00.22.H47", "H56"));
}

TEST(AgencyCode, HasNothingInItThatCouldBeTakenForSomethingElse) {
  for (const char* code : {"H47", "H47.12.05", "000.17.22.H56", "A-1_b"})
    EXPECT_TRUE(is_agency_code(code)) << code;
  for (const char* code : {"", ".", "H47.", ".H47", "H47..1", "H47 .1", "H47.1~ab", "H47.１", "\n"})
    EXPECT_FALSE(is_agency_code(code)) << code;
}

// ---- whose code it is ----

Errc named(const Registry& registry, std::string_view name) {
  const auto found = registry.agency_named(name);
  return found.ok() ? Errc::kIo : found.error().code();
}

TEST_F(RegistryCodes, AnotherOfficesCodeIsNotTakenOverByDeclaringItAgain) {
  for (int i = 0; i < 20; ++i) {  // ids higher and lower than the one that bears it
    const AgencyId taken = world.add_agency(south, "H47.1.1", "Xã Một", "commune");
    EXPECT_EQ(reg().find_agency(taken)->belief, Belief::kBelieved);
    EXPECT_EQ(reg().find_agency(taken)->code_right, CodeRight::kNone);
    EXPECT_EQ(reg().find_agency(taken)->declared_by, south);
    ASSERT_TRUE(reg().agency_named("H47.1.1").ok());
    EXPECT_EQ((*reg().agency_named("H47.1.1"))->id, commune);
  }
  EXPECT_EQ(reg().bearers_of("H47.1.1").size(), 21U);
  // Nor through a place below it that calls itself like the one above.
  const AgencyId false_north = world.add_agency(south, "H47.1", "Huyện Bắc", "district");
  const AgencyId below = world.add_agency(false_north, "H47.1.9", "Xã Chín", "commune");
  EXPECT_EQ(reg().find_agency(below)->code_right, CodeRight::kNone);
  EXPECT_EQ((*reg().agency_named("H47.1"))->id, north);
  const auto nobody = reg().agency_named("H47.1.9");
  ASSERT_FALSE(nobody.ok());
  EXPECT_EQ(nobody.error().code(), Errc::kUnknownAgency);
  EXPECT_NE(nobody.error().detail().find(below.short_hex()), std::string::npos);
}

TEST_F(RegistryCodes, DeclaredTwiceByRightNamesNeitherAndBothAreNamed) {
  const AgencyId twin = world.add_agency(north, "H47.1.1", "Xã Một mới", "commune");
  EXPECT_EQ(reg().find_agency_by_code("H47.1.1"), nullptr);
  const auto found = reg().agency_named("H47.1.1");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code(), Errc::kConflict);
  for (const AgencyId& id : {commune, twin})
    EXPECT_NE(found.error().detail().find("H47.1.1~" + id.short_hex()), std::string::npos);
  EXPECT_NE(found.error().detail().find("declared by H47.1)"), std::string::npos);
  // Whoever is named by more than the code is meant.
  EXPECT_EQ((*reg().agency_named("H47.1.1~" + twin.short_hex()))->id, twin);
  EXPECT_EQ((*reg().agency_named(commune.hex()))->id, commune);
  EXPECT_EQ(named(reg(), "H47.1.1~0000"), Errc::kUnknownAgency);
  EXPECT_EQ(named(reg(), "H47.1.1~"), Errc::kUnknownAgency);
  EXPECT_EQ(named(reg(), "H47.1~" + twin.short_hex()), Errc::kUnknownAgency);
}

TEST_F(RegistryCodes, OneThatLooksLikeACodeWithAnIdIsNobodys) {
  const std::string decoy = "H47.1.1~" + commune.short_hex();
  world.add_agency(north, decoy, "Xã Một", "commune");
  EXPECT_EQ((*reg().agency_named(decoy))->id, commune);
  world.add_agency(province, "H47.9~aaaa", "Ai đó", "district");
  EXPECT_EQ(named(reg(), "H47.9~aaaa"), Errc::kUnknownAgency);
}

TEST_F(RegistryCodes, TheHigherOfTwoThatMayGiveItDoesNotWinEither) {
  const AgencyId twin = world.add_agency(province, "H47.1.1", "Xã Một", "commune");
  EXPECT_EQ(reg().find_agency(twin)->code_right, CodeRight::kGiven);
  EXPECT_EQ(named(reg(), "H47.1.1"), Errc::kConflict);
}

TEST_F(RegistryCodes, ARenamedOfficeGivesCodesUnderItsNewOneAndThoseBelowKeepTheirs) {
  world.change_tree({{north, Rename{"H47.3", ""}}});
  EXPECT_EQ((*reg().agency_named("H47.3"))->id, north);
  EXPECT_EQ(named(reg(), "H47.1"), Errc::kUnknownAgency);
  EXPECT_EQ((*reg().agency_named("H47.1.1"))->id, commune);
  EXPECT_EQ(reg().find_agency(commune)->code_right, CodeRight::kFormer);
  const AgencyId fresh = world.add_agency(north, "H47.3.1", "Xã Mới", "commune");
  EXPECT_EQ(reg().find_agency(fresh)->code_right, CodeRight::kGiven);
  // The old code is given to another office, which gives out what lies under it.
  const AgencyId next = world.add_agency(province, "H47.1", "Huyện khác", "district");
  world.add_node(next, true);
  const AgencyId given = world.add_agency(next, "H47.1.1", "Xã khác", "commune");
  EXPECT_EQ((*reg().agency_named("H47.1.1"))->id, given);
  world.change_tree({{commune, Rename{"H47.3.2", ""}}});
  EXPECT_EQ((*reg().agency_named("H47.3.2"))->id, commune);
}

TEST_F(RegistryCodes, WhatTheRootRenamesBearsItsCodeWhereverItLies) {
  world.change_tree({{commune, Rename{"H99.7", ""}}});
  EXPECT_EQ((*reg().agency_named("H99.7"))->id, commune);
  EXPECT_EQ(reg().find_agency(commune)->code_right, CodeRight::kGiven);
}

// ---- declarations taken back ----

Withdrawal withdrawal(const Registry& registry, const AgencyId& agency) {
  Withdrawal body;
  body.agency = agency;
  body.reason = "khai nhầm";
  body.tree_version = registry.newest();
  return body;
}

TEST_F(RegistryCodes, ADeclarationIsTakenBackByWhoMayDeclareThere) {
  const AgencyId slip = world.add_agency(north, "H47.1.7", "Xã Bẩy", "commune");
  world.add(s.say(root(), withdrawal(reg(), slip)));  // from beside
  world.add(c.say(root(), withdrawal(reg(), slip)));  // from below
  EXPECT_FALSE(reg().find_agency(slip)->withdrawn);
  EXPECT_TRUE(reg().agency_named("H47.1.7").ok());
  world.add(n.say(root(), withdrawal(reg(), slip)));
  EXPECT_TRUE(reg().find_agency(slip)->withdrawn);
  EXPECT_EQ(named(reg(), "H47.1.7"), Errc::kUnknownAgency);
  for (const AgencyInfo* info : reg().agencies()) EXPECT_NE(info->id, slip);
  const AgencyId again = world.add_agency(north, "H47.1.7", "Xã Bảy", "commune");
  EXPECT_EQ((*reg().agency_named("H47.1.7"))->id, again);
  world.add(p.say(root(), withdrawal(reg(), again)));  // from above
  EXPECT_TRUE(reg().find_agency(again)->withdrawn);
}

TEST_F(RegistryCodes, WhatSomethingRestsOnStays) {
  const auto stays = [&](const AgencyId& agency) {
    world.add(p.say(root(), withdrawal(reg(), agency)));
    return !reg().find_agency(agency)->withdrawn;
  };
  EXPECT_TRUE(stays(commune));  // its machine has a certificate
  EXPECT_TRUE(stays(south));
  const AgencyId upper = world.add_agency(north, "H47.1.8", "Cụm", "commune");
  const AgencyId lower = world.add_agency(upper, "H47.1.8.1", "Tổ", "commune");
  EXPECT_TRUE(stays(upper));
  EXPECT_FALSE(stays(lower));
  EXPECT_TRUE(reg().find_agency(upper)->withdrawn) << "nothing rests on it any more";
  const AgencyId heir = world.add_agency(province, "H47.4", "Huyện Mới", "district");
  world.change_tree({{south, Dissolve{{heir}}}});
  EXPECT_TRUE(stays(heir));
}

TEST_F(RegistryCodes, ACertificateThatComesLaterKeepsTheAgency) {
  const AgencyId slip = world.add_agency(north, "H47.1.7", "Xã Bảy", "commune");
  world.add(n.say(root(), withdrawal(reg(), slip)));
  ASSERT_TRUE(reg().find_agency(slip)->withdrawn);
  TestNode late = world.make_node(slip);
  ASSERT_EQ(certify(p, late), Belief::kBelieved);
  EXPECT_FALSE(reg().find_agency(slip)->withdrawn);
  EXPECT_EQ((*reg().agency_named("H47.1.7"))->id, slip);
}

TEST_F(RegistryCodes, TakingBackIsNotLeftStandingByARevokedMachine) {
  const AgencyId slip = world.add_agency(north, "H47.1.7", "Xã Bảy", "commune");
  const std::uint32_t before = n.number;
  world.add(n.say(root(), withdrawal(reg(), slip)));
  ASSERT_TRUE(reg().find_agency(slip)->withdrawn);
  revoke(p, n, {cut(n, before)});
  EXPECT_FALSE(reg().find_agency(slip)->withdrawn);
}

TEST_F(RegistryCodes, OnlyTheRootTakesATopmostAgencyBack) {
  const AgencyId other = world.add_agency({}, "H48", "Tỉnh khác", "province");
  EXPECT_EQ(refused(p.say(root(), withdrawal(reg(), other))), Errc::kMalformed);
  EXPECT_EQ(refused(world.by_root(withdrawal(reg(), north))), Errc::kMalformed);
  AgencyId nobody;
  nobody.bytes[0] = 1;
  EXPECT_EQ(refused(p.say(root(), withdrawal(reg(), nobody))), Errc::kUnknownAgency);
  world.add(world.by_root(withdrawal(reg(), other)));
  EXPECT_EQ(named(reg(), "H48"), Errc::kUnknownAgency);
}

}  // namespace
}  // namespace lienthong::test
