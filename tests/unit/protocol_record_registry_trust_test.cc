#include <gtest/gtest.h>

#include "protocol/record/registry.h"
#include "tests/support/registry_world.h"

namespace lienthong {
namespace {

using test::TestNode;
using RegistryTrust = test::RegistryWorld;

// ---- declarations ----

TEST_F(RegistryTrust, OnlyTheRootDeclaresTopmostAgencies) {
  EXPECT_EQ(refused(p.say(root(), world.declaration({}, "H48"))), Errc::kMalformed);
  EXPECT_EQ(refused(world.by_root(world.declaration(province, "H47.9"))), Errc::kMalformed);
}

TEST_F(RegistryTrust, AnAgencyIsDeclaredByItsParentOrOneAboveIt) {
  const auto declared = [&](TestNode& by, const AgencyId& parent) {
    const StatementId id = world.add(by.say(root(), world.declaration(parent, "X")));
    return reg().find_agency(id_cast<AgencyId>(id))->belief;
  };
  EXPECT_EQ(declared(n, north), Belief::kBelieved);
  EXPECT_EQ(declared(p, north), Belief::kBelieved);
  EXPECT_EQ(declared(s, north), Belief::kNoRight);
  EXPECT_EQ(declared(c, north), Belief::kNoRight);
  EXPECT_EQ(declared(s, province), Belief::kNoRight);
}

TEST_F(RegistryTrust, AgencyDeclaredWithoutRightIsListedNowhereUntilTheRootMovesIt) {
  const auto id = id_cast<AgencyId>(world.add(s.say(root(), world.declaration(north, "H47.1.5"))));
  EXPECT_EQ(reg().find_agency_by_code("H47.1.5"), nullptr);
  EXPECT_EQ(reg().children(north, 0), std::vector{commune});
  TestNode node = world.make_node(id);
  EXPECT_EQ(certify(p, node), Belief::kNoRight);
  world.change_tree({{id, Reparent{south}}});
  EXPECT_EQ(reg().find_agency_by_code("H47.1.5")->id, id);
  EXPECT_EQ(belief(node), Belief::kBelieved);
}

// ---- certificates ----

TEST_F(RegistryTrust, CertificatesComeFromStrictlyAbove) {
  TestNode node = world.make_node(commune);
  EXPECT_EQ(certify(n, node), Belief::kBelieved);
  EXPECT_EQ(certify(p, node), Belief::kBelieved);
  EXPECT_EQ(certify(s, node), Belief::kNoRight);  // a sibling of the parent
  EXPECT_EQ(certify(c, node), Belief::kNoRight);  // the agency itself
  TestNode upper = world.make_node(north);
  EXPECT_EQ(certify(c, upper), Belief::kNoRight);  // from below
  EXPECT_EQ(certify(n, upper), Belief::kNoRight);
  EXPECT_EQ(certify(s, upper), Belief::kNoRight);
}

TEST_F(RegistryTrust, RootCertifiesTopmostAgenciesOnly) {
  TestNode node = world.make_node(commune);
  const auto id = world.add(world.by_root(world.certificate(commune, node)));
  EXPECT_EQ(reg().certificate_belief(id_cast<CertificateId>(id)), Belief::kNoRight);
  EXPECT_EQ(belief(p), Belief::kBelieved);
}

TEST_F(RegistryTrust, NodeWithoutMayIssueCertifiesNobody) {
  TestNode& clerk = world.add_node(north, false);
  TestNode node = world.make_node(commune);
  EXPECT_EQ(belief(clerk), Belief::kBelieved);
  const StatementBody body(world.certificate(commune, node));
  EXPECT_EQ(reg().check(clerk.say(world.root(), body)).error().code(), Errc::kNotAllowed);
  EXPECT_FALSE(reg().may_issue_for(clerk.certificate, commune, 0));
}

TEST_F(RegistryTrust, WhatAnUnrightfulCertificateSignedIsWorthNothing) {
  TestNode node = world.make_node(north);
  node.may_issue = true;
  ASSERT_EQ(certify(s, node), Belief::kNoRight);
  TestNode below = world.make_node(commune);
  EXPECT_EQ(certify(node, below), Belief::kNoRight);
  EXPECT_FALSE(reg().may_connect(below.certificate));
  EXPECT_EQ(reg().certificate_of(below.id()), std::nullopt);
  EXPECT_EQ(belief(some_seal(node)), Belief::kNoRight);
}

TEST_F(RegistryTrust, CertificateIsJudgedUnderTheTreeVersionItNames) {
  world.change_tree({{commune, Reparent{south}}});
  TestNode node = world.make_node(commune);
  EXPECT_EQ(certify(n, node), Belief::kNoRight);
  EXPECT_EQ(certify(s, node), Belief::kBelieved);
  Certificate old_tree = world.certificate(commune, node);
  old_tree.tree_version = 0;
  const auto by_north = world.add(n.say(root(), old_tree));
  EXPECT_EQ(reg().certificate_belief(id_cast<CertificateId>(by_north)), Belief::kBelieved);
}

TEST_F(RegistryTrust, DissolvedAgencyIssuesNothingUnderThatTreeAndKeepsWhatItIssued) {
  world.change_tree({{north, Dissolve{{south}}}, {commune, Reparent{south}}});
  EXPECT_EQ(belief(c), Belief::kBelieved);
  EXPECT_EQ(belief(n), Belief::kBelieved);
  const AgencyId other =
      id_cast<AgencyId>(world.add(n.say(root(), world.declaration(north, "H47.1.8"))));
  EXPECT_EQ(reg().find_agency(other)->belief, Belief::kNoRight);
  EXPECT_FALSE(reg().may_issue_for(n.certificate, commune, 1));
  EXPECT_TRUE(reg().may_issue_for(n.certificate, commune, 0));
  EXPECT_TRUE(reg().may_issue_for(s.certificate, commune, 1));
}

TEST_F(RegistryTrust, ListsBelievedCertificatesLatestFirst) {
  const CertificateId first = c.certificate;
  ASSERT_EQ(certify(n, c, first), Belief::kBelieved);
  const CertificateId second = c.certificate;
  EXPECT_EQ(reg().certificates_of(commune), (std::vector{second, first}));
  EXPECT_EQ(reg().certificate_of(c.id()), second);
  EXPECT_EQ(reg().find_certificate(second)->replaces, first);
  EXPECT_EQ(reg().find_certificate(CertificateId{}), nullptr);
  EXPECT_EQ(reg().certificate_belief(CertificateId{}), Belief::kUnknown);
}

// ---- revocations ----

TEST_F(RegistryTrust, RevocationWithoutCutsEndsANode) {
  const Seal seal = some_seal(c);
  EXPECT_EQ(belief(seal), Belief::kBelieved);
  EXPECT_TRUE(reg().may_connect(c.certificate));
  revoke(n, c);
  EXPECT_EQ(belief(c), Belief::kCutOff);
  EXPECT_EQ(belief(seal), Belief::kCutOff);
  EXPECT_FALSE(reg().may_connect(c.certificate));
  EXPECT_EQ(reg().certificate_of(c.id()), std::nullopt);
  EXPECT_TRUE(reg().certificates_of(commune).empty());
}

TEST_F(RegistryTrust, CutNamesTheLastBelievedSealOfEachIncarnation) {
  const Seal first = some_seal(c), second = some_seal(c), third = some_seal(c);
  TestNode clone = c;  // the same number 2 again
  clone.number = first.number;
  clone.last_seal = seal_id(root(), first);
  const Seal twin = some_seal(clone);
  clone.incarnation += 1;
  clone.number = 0;
  clone.last_seal = {};
  const Seal elsewhere = some_seal(clone);
  const StatementId revoked = revoke(n, c, {cut(c, second.number)});
  EXPECT_EQ(belief(first), Belief::kBelieved);
  EXPECT_EQ(belief(second), Belief::kBelieved);
  EXPECT_EQ(belief(twin), Belief::kBelieved);
  EXPECT_EQ(belief(third), Belief::kCutOff);
  EXPECT_EQ(belief(elsewhere), Belief::kCutOff);
  EXPECT_EQ(belief(c), Belief::kBelieved);
  EXPECT_FALSE(reg().may_connect(c.certificate));
  revoke(n, c, {{c.incarnation, second.number, seal_id(root(), second)}}, {revoked});
  EXPECT_EQ(belief(first), Belief::kBelieved);
  EXPECT_EQ(belief(second), Belief::kBelieved);
  EXPECT_EQ(belief(twin), Belief::kCutOff);
}

TEST_F(RegistryTrust, RevocationCanBeMovedDownAndUpAgain) {
  const Seal first = some_seal(c), second = some_seal(c);
  const StatementId low = revoke(n, c, {cut(c, first.number)});
  EXPECT_EQ(belief(second), Belief::kCutOff);
  const StatementId high = revoke(n, c, {cut(c, second.number)}, {low});
  EXPECT_EQ(belief(second), Belief::kBelieved);
  revoke(n, c, {}, {high});
  EXPECT_EQ(belief(first), Belief::kCutOff);
}

TEST_F(RegistryTrust, OfConcurrentRevocationsTheHigherAgencysCounts) {
  const Seal first = some_seal(c), second = some_seal(c);
  revoke(n, c, {cut(c, first.number)});
  revoke(p, c, {cut(c, second.number)});
  EXPECT_EQ(belief(second), Belief::kBelieved);
}

TEST_F(RegistryTrust, OfConcurrentRevocationsOfOneAgencyTheLowerCutCounts) {
  const Seal first = some_seal(c), second = some_seal(c);
  revoke(n, c, {cut(c, second.number)});
  revoke(n, c, {cut(c, first.number)});
  EXPECT_EQ(belief(first), Belief::kBelieved);
  EXPECT_EQ(belief(second), Belief::kCutOff);
}

TEST_F(RegistryTrust, LaterRevocationCountsOverAnEarlierOneOfAHigherAgency) {
  const Seal first = some_seal(c);
  const StatementId upper = revoke(p, c);
  EXPECT_EQ(belief(first), Belief::kCutOff);
  revoke(n, c, {cut(c, first.number)}, {upper});
  EXPECT_EQ(belief(first), Belief::kBelieved);
}

TEST_F(RegistryTrust, RevocationFromBesideOrBelowDoesNothing) {
  revoke(s, c);
  revoke(c, n);
  revoke(c, c);
  revoke(c, p);
  EXPECT_EQ(belief(c), Belief::kBelieved);
  EXPECT_EQ(belief(n), Belief::kBelieved);
  EXPECT_EQ(belief(p), Belief::kBelieved);
  TestNode& clerk = world.add_node(north, false);
  const Statement said = clerk.say(world.root(), StatementBody(revocation(c)));
  EXPECT_EQ(reg().check(said).error().code(), Errc::kNotAllowed);
}

TEST_F(RegistryTrust, RootRevokesTopmostNodesOnly) {
  world.add(world.by_root(revocation(c)));
  EXPECT_EQ(belief(c), Belief::kBelieved);
  world.add(world.by_root(revocation(p)));
  EXPECT_EQ(belief(p), Belief::kCutOff);
  EXPECT_EQ(belief(c), Belief::kCutOff);
}

TEST_F(RegistryTrust, TwoNodesOfOneAgencyCannotRevokeEachOther) {
  TestNode& other = world.add_node(north, true);
  revoke(n, other);
  revoke(other, n);
  EXPECT_EQ(belief(n), Belief::kBelieved);
  EXPECT_EQ(belief(other), Belief::kBelieved);
}

TEST_F(RegistryTrust, OfTwoThatRevokeEachOtherUnderTwoTreesTheHigherTodayIsBelieved) {
  // South below north at first, later above it: each was strictly above the other once.
  world.change_tree({{south, Reparent{north}}});
  revoke(n, s);
  EXPECT_EQ(belief(s), Belief::kCutOff);
  world.change_tree({{south, Reparent{province}}, {north, Reparent{south}}});
  revoke(s, n);
  EXPECT_EQ(belief(s), Belief::kBelieved);
  EXPECT_EQ(belief(n), Belief::kCutOff);
}

TEST_F(RegistryTrust, IssuerThatNowLiesBelowIsJudgedWithoutTheWordOfThoseItCertified) {
  // North certified the commune's node, then the tree was turned over and the commune lies above
  // it.
  world.change_tree({{commune, Reparent{province}}, {north, Reparent{commune}}});
  revoke(c, n);
  EXPECT_EQ(belief(n), Belief::kCutOff);
  EXPECT_EQ(belief(c), Belief::kBelieved);
}

TEST_F(RegistryTrust, RevokedIssuerTakesWithItWhatItSignedAfterTheCut) {
  const std::uint32_t before = n.number;
  TestNode late = world.make_node(commune);
  late.may_issue = true;
  ASSERT_EQ(certify(n, late), Belief::kBelieved);
  const auto declared =
      id_cast<AgencyId>(world.add(n.say(root(), world.declaration(north, "H47.1.9"))));
  const Seal seal = some_seal(late);
  revoke(p, n, {cut(n, before)});
  EXPECT_EQ(belief(late), Belief::kCutOff);
  EXPECT_EQ(belief(seal), Belief::kCutOff);
  EXPECT_EQ(reg().find_agency(declared)->belief, Belief::kCutOff);
  EXPECT_EQ(belief(c), Belief::kBelieved);  // certified before the cut
}

TEST_F(RegistryTrust, RevocationByARevokedNodeDoesNothing) {
  const std::uint32_t before = n.number;
  revoke(n, c);
  EXPECT_EQ(belief(c), Belief::kCutOff);
  revoke(p, n, {cut(n, before)});
  EXPECT_EQ(belief(c), Belief::kBelieved);
}

TEST_F(RegistryTrust, ReplacedCertificateCountsAgain) {
  const Seal seal = some_seal(c);
  revoke(p, n);
  EXPECT_EQ(belief(seal), Belief::kCutOff);
  EXPECT_EQ(reg().find_agency(commune)->belief, Belief::kCutOff);  // north declared it
  const CertificateId old = c.certificate;
  ASSERT_EQ(certify(p, c, old), Belief::kBelieved);
  EXPECT_EQ(reg().find_agency(commune)->belief, Belief::kBelieved);
  EXPECT_EQ(reg().certificate_belief(old), Belief::kBelieved);
  EXPECT_EQ(belief(seal), Belief::kBelieved);
  EXPECT_TRUE(reg().may_connect(c.certificate));
}

TEST_F(RegistryTrust, ReplacementByOneWithoutRightRevivesNothing) {
  const std::uint32_t before = n.number;
  TestNode late = world.make_node(commune);
  ASSERT_EQ(certify(n, late), Belief::kBelieved);
  const CertificateId old = late.certificate;
  revoke(p, n, {cut(n, before)});
  EXPECT_EQ(certify(s, late, old), Belief::kNoRight);
  EXPECT_EQ(reg().certificate_belief(old), Belief::kCutOff);
  EXPECT_EQ(certify(p, late, old), Belief::kBelieved);
  EXPECT_EQ(reg().certificate_belief(old), Belief::kBelieved);
}

TEST_F(RegistryTrust, RevivedCertificateIssuesOnlyWhatItsReplacementMay) {
  const std::uint32_t before = p.number;
  TestNode second = world.make_node(north);
  second.may_issue = true;
  ASSERT_EQ(certify(p, second), Belief::kBelieved);
  TestNode below = world.make_node(commune);
  ASSERT_EQ(certify(second, below), Belief::kBelieved);
  world.add(world.by_root(revocation(p, {cut(p, before)})));
  ASSERT_EQ(belief(below), Belief::kCutOff);
  TestNode& other = world.add_node(province, true);
  const CertificateId old = second.certificate;
  second.may_issue = false;
  ASSERT_EQ(certify(other, second, old), Belief::kBelieved);
  EXPECT_EQ(reg().certificate_belief(old), Belief::kBelieved);
  EXPECT_EQ(belief(below), Belief::kCutOff);
  second.may_issue = true;
  ASSERT_EQ(certify(other, second, old), Belief::kBelieved);
  EXPECT_EQ(belief(below), Belief::kBelieved);
}

TEST_F(RegistryTrust, RevocationOfADissolvedAgencyStandsAsItsSoleSuccessors) {
  revoke(n, c);
  world.change_tree({{north, Dissolve{{province}}}, {commune, Reparent{province}}});
  EXPECT_EQ(belief(c), Belief::kCutOff);
  EXPECT_FALSE(reg().may_connect(c.certificate));
}

TEST_F(RegistryTrust, RevokedNodeMayIssueNothingMore) {
  EXPECT_TRUE(reg().may_issue_for(n.certificate, commune, 0));
  EXPECT_FALSE(reg().may_issue_for(n.certificate, north, 0));
  EXPECT_FALSE(reg().may_issue_for(n.certificate, south, 0));
  revoke(p, n, {cut(n, n.number)});
  EXPECT_EQ(belief(n), Belief::kBelieved);
  EXPECT_FALSE(reg().may_issue_for(n.certificate, commune, 0));
}

TEST_F(RegistryTrust, ShowsTheNewestWordOfTheRoot) {
  const UnixMillis before = reg().newest_root_word();
  world.add(n.say(root(), world.declaration(north, "H47.1.9")));
  EXPECT_EQ(reg().newest_root_word(), before);
  TreeChange change = world.tree_change({});
  world.add(world.by_root(change));
  EXPECT_EQ(reg().newest_root_word(), change.decided_at);
  EXPECT_GT(change.decided_at, before);
}

}  // namespace
}  // namespace lienthong
