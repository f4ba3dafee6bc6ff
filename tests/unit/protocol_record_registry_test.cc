#include <gtest/gtest.h>

#include "protocol/record/codec.h"
#include "protocol/record/registry.h"
#include "tests/support/registry_world.h"

namespace lienthong {
namespace {

using test::TestDeployment;
using test::TestNode;
using RegistryTest = test::RegistryWorld;

// ---- the tree ----

TEST_F(RegistryTest, KnowsWhoIsAboveWhom) {
  EXPECT_TRUE(reg().above_or_equal(province, commune, 0));
  EXPECT_TRUE(reg().above_or_equal(commune, commune, 0));
  EXPECT_FALSE(reg().above_or_equal(south, commune, 0));
  EXPECT_FALSE(reg().above_or_equal(commune, north, 0));
  EXPECT_FALSE(reg().above_or_equal(AgencyId{}, AgencyId{}, 0));
  EXPECT_EQ(reg().level(commune, 0), 2u);
  EXPECT_EQ(reg().level(province, 0), 0u);
  EXPECT_EQ(reg().superiors(commune, 0), (std::vector{north, province}));
  EXPECT_EQ(reg().parent(province, 0), std::nullopt);
  EXPECT_EQ(reg().parent(commune, 0), north);
  EXPECT_EQ(reg().children(north, 0), std::vector{commune});
  EXPECT_EQ(reg().find_agency(commune)->declared_parent, north);
  EXPECT_EQ(reg().find_agency_by_code("H47.1.1")->id, commune);
  EXPECT_EQ(reg().find_agency_by_code("H47.1.9"), nullptr);
  std::vector<std::string> codes;
  for (const AgencyInfo* info : reg().agencies()) codes.push_back(info->code);
  EXPECT_EQ(codes, (std::vector<std::string>{"H47", "H47.1", "H47.1.1", "H47.2"}));
}

TEST_F(RegistryTest, ReparentHoldsFromItsVersionOn) {
  world.change_tree({{commune, Reparent{south}}});
  EXPECT_EQ(newest(), 1u);
  EXPECT_EQ(reg().parent(commune, 0), north);
  EXPECT_EQ(reg().parent(commune, 1), south);
  EXPECT_EQ(reg().parent(commune, 9), south);
  EXPECT_EQ(reg().children(north, 0), std::vector{commune});
  EXPECT_TRUE(reg().children(north, 1).empty());
  EXPECT_EQ(reg().children(south, 1), std::vector{commune});
  EXPECT_EQ(belief(c), Belief::kBelieved);  // issued under the older tree
}

TEST_F(RegistryTest, ReparentIntoACircleIsPassedOver) {
  world.change_tree({{north, Reparent{commune}}, {north, Rename{"H47.7", ""}}});
  EXPECT_EQ(reg().parent(north, 1), province);
  EXPECT_EQ(reg().find_agency(north)->code, "H47.7");
}

TEST_F(RegistryTest, RenameKeepsWhatItDoesNotName) {
  world.change_tree({{commune, Rename{"", "Xã Mới"}}});
  EXPECT_EQ(reg().find_agency(commune)->code, "H47.1.1");
  EXPECT_EQ(reg().find_agency(commune)->name, "Xã Mới");
}

TEST_F(RegistryTest, CodeUsedAgainNamesTheAgencyThatIsNotDissolved) {
  const AgencyId merged = world.add_agency(north, "H47.1.2", "Xã Hai", "commune");
  world.change_tree({{commune, Dissolve{{merged}}}, {merged, Rename{"H47.1.1", "Xã Một Hai"}}});
  EXPECT_EQ(reg().find_agency_by_code("H47.1.1")->id, merged);
  EXPECT_EQ(reg().find_agency_by_code("H47.1.2"), nullptr);
  EXPECT_EQ(reg().find_agency(commune)->code, "H47.1.1");
}

TEST_F(RegistryTest, DissolvedKeepsItsParentAndHasOneHeirOrNone) {
  const AgencyId heir = world.add_agency(north, "H47.1.2", "Xã Hai", "commune");
  const AgencyId last = world.add_agency(north, "H47.1.3", "Xã Ba", "commune");
  world.change_tree({{commune, Dissolve{{heir}}}});
  world.change_tree({{heir, Dissolve{{last}}}});
  world.change_tree({{last, Dissolve{{north, south}}}});
  EXPECT_FALSE(reg().dissolved(commune, 0));
  EXPECT_TRUE(reg().dissolved(commune, 1));
  EXPECT_EQ(reg().parent(commune, 3), north);
  EXPECT_EQ(reg().resolve(commune, 0), commune);
  EXPECT_EQ(reg().resolve(commune, 1), heir);
  EXPECT_EQ(reg().resolve(commune, 2), last);
  EXPECT_EQ(reg().resolve(commune, 3), last);
  EXPECT_EQ(reg().successors(last, 3), (std::vector{north, south}));
  EXPECT_TRUE(reg().successors(last, 2).empty());
}

TEST_F(RegistryTest, SuccessorsInACircleEnd) {
  world.change_tree({{north, Dissolve{{south}}}, {south, Dissolve{{north}}}});
  EXPECT_EQ(reg().resolve(north, 1), south);
  EXPECT_EQ(reg().resolve(south, 1), north);
}

// ---- the chain of tree versions ----

TEST_F(RegistryTest, OfTwoVersionsWithOneNumberTheLowerIdStands) {
  const Statement a = world.by_root(world.tree_change({{commune, Rename{"A", ""}}}));
  const Statement b = world.by_root(world.tree_change({{commune, Rename{"B", ""}}}));
  world.add(a);
  world.add(b);
  const bool first = statement_id(root(), a) < statement_id(root(), b);
  EXPECT_EQ(reg().find_agency(commune)->code, first ? "A" : "B");
  EXPECT_EQ(reg().tree_head().id, statement_id(root(), first ? a : b));
  EXPECT_EQ(newest(), 1u);
}

TEST_F(RegistryTest, PaperKeyStandsOverTheKeyInUseAndWhatFollowedIt) {
  const Statement paper = world.by_paper(world.tree_change({{commune, Rename{"P", ""}}}));
  world.change_tree({{commune, Rename{"A", ""}}});
  world.change_tree({{commune, Rename{"B", ""}}});
  EXPECT_EQ(reg().find_agency(commune)->code, "B");
  const StatementId id = world.add(paper);
  EXPECT_EQ(reg().find_agency(commune)->code, "P");
  EXPECT_EQ(reg().tree_head().number, 1u);
  EXPECT_EQ(reg().tree_head().id, id);
  EXPECT_EQ(newest(), 2u);  // what named version 2 does not begin to wait again
}

TEST_F(RegistryTest, StolenOldKeyCannotGoBackBehindAWordOfThePaperKey) {
  const SigningKey fresh(world.entropy().array<32>());
  std::vector<Statement> forged;
  for (int i = 0; i < 8; ++i)  // some have lower ids than the true version 1
    forged.push_back(world.by_root(world.tree_change({{commune, Rename{"FORGED", ""}}})));
  world.change_tree({{commune, Rename{"TRUE", ""}}});
  TreeChange replace = world.tree_change({});
  replace.key_in_use = fresh.public_key();
  world.add(world.by_paper(replace));
  for (const Statement& statement : forged) world.add(statement);
  EXPECT_EQ(reg().find_agency(commune)->code, "TRUE");
  EXPECT_EQ(reg().tree_head().number, 2u);
}

TEST_F(RegistryTest, OnlyThePaperKeyReplacesThePaperKey) {
  const SigningKey fresh(world.entropy().array<32>());
  TreeChange change = world.tree_change({});
  change.key_on_paper = fresh.public_key();
  world.add(world.by_root(change));
  EXPECT_EQ(reg().tree_head().number, 0u);
  world.add(world.by_paper(change));
  EXPECT_EQ(reg().tree_head().number, 1u);
  world.add(sign_by_root(root(), fresh, world.tree_change({{commune, Rename{"N", ""}}})));
  EXPECT_EQ(reg().find_agency(commune)->code, "N");
}

TEST_F(RegistryTest, KeyInUseReplacesItselfAndTheOldOneSignsNoMoreVersions) {
  const SigningKey fresh(world.entropy().array<32>());
  TreeChange change = world.tree_change({});
  change.key_in_use = fresh.public_key();
  world.add(world.by_root(change));
  EXPECT_EQ(belief(p), Belief::kBelieved);  // certified by the old key
  world.add(world.by_root(world.tree_change({{commune, Rename{"OLD", ""}}})));
  EXPECT_EQ(reg().find_agency(commune)->code, "H47.1.1");
  world.add(sign_by_root(root(), fresh, world.tree_change({{commune, Rename{"NEW", ""}}})));
  EXPECT_EQ(reg().find_agency(commune)->code, "NEW");
}

TEST_F(RegistryTest, WhatAKeyCertifiedFallsWhenThePaperKeyReplacesItUntilReplaced) {
  const SigningKey fresh(world.entropy().array<32>());
  TreeChange change = world.tree_change({});
  change.key_in_use = fresh.public_key();
  world.add(world.by_paper(change));
  EXPECT_EQ(reg().find_agency(province)->belief, Belief::kBelieved);
  EXPECT_EQ(belief(p), Belief::kCutOff);
  EXPECT_EQ(belief(c), Belief::kCutOff);
  Certificate again = world.certificate(province, p);
  again.replaces = p.certificate;
  world.add(sign_by_root(root(), fresh, again));
  EXPECT_EQ(belief(p), Belief::kBelieved);
  EXPECT_EQ(belief(c), Belief::kBelieved);
}

TEST_F(RegistryTest, VersionWaitsForTheOneBefore) {
  const Statement first = world.by_root(world.tree_change({{commune, Rename{"A", ""}}}));
  TreeChange second = world.tree_change({});
  second.number = 2;
  second.previous = statement_id(root(), first);
  EXPECT_EQ(refused(world.by_root(second)), Errc::kUnknownParent);
  world.add(first);
  EXPECT_TRUE(reg().check(world.by_root(second)).ok());
  second.number = 3;
  EXPECT_EQ(refused(world.by_root(second)), Errc::kMalformed);
}

// ---- form and signatures ----

TEST_F(RegistryTest, RefusesTheGenesisOfAnotherDeployment) {
  const TestDeployment other(2);
  EXPECT_EQ(refused(other.statements().front()), Errc::kBadHash);
  const auto created = Registry::create(root(), other.statements().front());
  ASSERT_FALSE(created.ok());
  EXPECT_EQ(created.error().code(), Errc::kBadHash);
  EXPECT_TRUE(reg().check(world.statements().front()).ok());
}

TEST_F(RegistryTest, RefusesARootSignatureMadeForAnotherDeployment) {
  const TestDeployment other(2);
  const Statement elsewhere =
      sign_by_root(other.root(), world.key_in_use(), world.declaration({}, "H48"));
  EXPECT_EQ(refused(elsewhere), Errc::kBadSignature);
}

TEST_F(RegistryTest, RefusesASealMadeForAnotherDeployment) {
  const TestDeployment other(2);
  const Statement elsewhere = p.say(other.root(), world.declaration(province, "H47.9"));
  EXPECT_EQ(refused(elsewhere), Errc::kBadHash);
}

TEST_F(RegistryTest, RefusesChangedBodiesAndSignatures) {
  Statement statement = world.by_root(world.declaration({}, "H48"));
  std::get<RootSignature>(statement.authority).signature[5] ^= 1;
  EXPECT_EQ(refused(statement), Errc::kBadSignature);
  statement = p.say(root(), world.declaration(province, "H47.9"));
  std::get<Seal>(statement.authority).signature[5] ^= 1;
  EXPECT_EQ(refused(statement), Errc::kBadSignature);
  statement = p.say(root(), world.declaration(province, "H47.9"));
  statement.body = p.say(root(), world.declaration(province, "H47.8")).body;
  EXPECT_EQ(refused(statement), Errc::kBadHash);
  statement.authority = std::monostate{};
  EXPECT_EQ(refused(statement), Errc::kBadSignature);
}

TEST_F(RegistryTest, RefusesASealByAnotherKeyThanItsCertificates) {
  TestNode thief = world.make_node(province);
  thief.certificate = p.certificate;
  EXPECT_EQ(refused(thief.say(root(), world.declaration(province, "H47.9"))), Errc::kBadSignature);
}

TEST_F(RegistryTest, RefusesAStatementAmongOtherLeaves) {
  Statement statement = p.say(root(), world.declaration(province, "H47.9"));
  const std::vector leaves{statement_hash(root(), statement.body), Hash256{}};
  statement.authority = p.seal(root(), leaves);
  EXPECT_EQ(refused(statement), Errc::kMalformed);
}

TEST_F(RegistryTest, KeyThatNoStatementNamesAsTheRootsWaits) {
  const SigningKey stranger(world.entropy().array<32>());
  EXPECT_EQ(refused(sign_by_root(root(), stranger, world.declaration({}, "H48"))),
            Errc::kUnknownCertificate);
}

TEST_F(RegistryTest, WhatNamesSomethingUnknownWaits) {
  const auto unknown = AgencyId{world.entropy().array<32>()};
  EXPECT_EQ(refused(p.say(root(), world.declaration(unknown, "X"))), Errc::kUnknownAgency);
  TestNode node = world.make_node(commune);
  Certificate body = world.certificate(commune, node);
  body.tree_version = 1;
  EXPECT_EQ(refused(n.say(root(), body)), Errc::kUnknownParent);
  body.tree_version = 0;
  body.replaces = id_cast<CertificateId>(unknown);
  EXPECT_EQ(refused(n.say(root(), body)), Errc::kUnknownParent);
  EXPECT_EQ(refused(n.say(root(), revocation(c, {}, {id_cast<StatementId>(unknown)}))),
            Errc::kUnknownParent);
  node.certificate = id_cast<CertificateId>(unknown);
  EXPECT_EQ(refused(node.say(root(), world.declaration(commune, "X"))), Errc::kUnknownCertificate);
}

TEST_F(RegistryTest, RefusesStatementsThatNameTheWrongKindOfThing) {
  const auto not_an_agency = id_cast<AgencyId>(p.certificate);
  EXPECT_EQ(refused(p.say(root(), world.declaration(not_an_agency, "X"))), Errc::kMalformed);
  Certificate body = world.certificate(commune, c);
  body.replaces = n.certificate;  // another node's
  EXPECT_EQ(refused(n.say(root(), body)), Errc::kMalformed);
  const StatementId of_other = revoke(p, s);
  EXPECT_EQ(refused(n.say(root(), revocation(c, {}, {of_other}))), Errc::kMalformed);
  EXPECT_EQ(refused(n.say(root(), revocation(c, {{2, 1, {}}, {1, 1, {}}}))), Errc::kMalformed);
  EXPECT_EQ(refused(world.by_root(world.tree_change({{north, Reparent{north}}}))),
            Errc::kMalformed);
  EXPECT_EQ(refused(world.by_root(world.tree_change({{north, Dissolve{{north}}}}))),
            Errc::kMalformed);
}

// 32 times 0x02 is on no curve, 1 is the identity, the third has a component of order 8.
TEST_F(RegistryTest, RefusesKeysThatAreNoPointsOfPrimeOrder) {
  const Bytes mixed =
      from_hex("fbb3211d177bccefd763d01a88f6473e43e5cf0a0740e44ab5c64460eefd4675").value();
  const Certificate good = world.certificate(commune, c);
  EXPECT_TRUE(reg().check(n.say(root(), good)).ok());
  for (const NodeId& key : {NodeId::from(Bytes(32, 2)), NodeId{{1}}, NodeId::from(mixed)}) {
    Certificate body = good;
    body.node = key;
    EXPECT_EQ(refused(n.say(root(), body)), Errc::kMalformed) << key.hex();
    TreeChange change = world.tree_change({});
    change.key_in_use = key;
    EXPECT_EQ(refused(world.by_paper(change)), Errc::kMalformed) << key.hex();
    change = world.tree_change({});
    change.key_on_paper = key;
    EXPECT_EQ(refused(world.by_paper(change)), Errc::kMalformed) << key.hex();
    Genesis genesis;
    genesis.key_in_use = key;
    genesis.key_on_paper = world.key_on_paper().public_key();
    const Bytes encoded = wire::encode(StatementBody(genesis));
    EXPECT_EQ(Registry::create(root_fingerprint(encoded), Statement{encoded, {}}).error().code(),
              Errc::kMalformed);
  }
  Certificate body = good;
  body.dh_key = {};  // of small order
  EXPECT_EQ(refused(n.say(root(), body)), Errc::kMalformed);
  body.dh_key = good.dh_key;
  body.dh_key[31] |= 0x80;  // the same key once more
  EXPECT_EQ(refused(n.say(root(), body)), Errc::kMalformed);
}

TEST_F(RegistryTest, RefusesBytesThatAreNoStatement) {
  Statement statement = world.by_root(world.declaration({}, "H48"));
  statement.body = {1, 2, 3};
  EXPECT_EQ(refused(statement), Errc::kMalformed);
  statement.body.assign(70'000, 0);
  EXPECT_EQ(refused(statement), Errc::kTooLarge);
}

TEST_F(RegistryTest, BoundsNamesAndDepth) {
  EXPECT_EQ(refused(p.say(root(), world.declaration(province, std::string(65, 'x')))),
            Errc::kTooLarge);
  AgencyId at = commune;
  for (std::size_t depth = 2; depth < kAgencyDepthMax; ++depth)
    at = id_cast<AgencyId>(world.add(p.say(root(), world.declaration(at, "X"))));
  EXPECT_EQ(refused(p.say(root(), world.declaration(at, "X"))), Errc::kTooLarge);
}

TEST_F(RegistryTest, AddingTwiceChangesNothing) {
  const auto before = world.registry();
  const auto again = before->with(world.statements());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->digest(), before->digest());
  EXPECT_EQ((*again)->size(), before->size());
  EXPECT_EQ((*again)->statements(), before->statements());
}

TEST_F(RegistryTest, AddsAllOfABatchOrNothing) {
  const Statement good = p.say(root(), world.declaration(province, "H47.9"));
  Statement bad = p.say(root(), world.declaration(province, "H47.8"));
  std::get<Seal>(bad.authority).signature[0] ^= 1;
  const std::vector batch{good, bad};
  const auto result = reg().with(batch);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Errc::kBadSignature);
  EXPECT_FALSE(reg().contains(statement_id(root(), good)));
}

TEST_F(RegistryTest, CopyOfAStatementUnderAnotherAuthorityDoesNotPushItOut) {
  const Statement* original = reg().find_statement(id_cast<StatementId>(n.certificate));
  ASSERT_NE(original, nullptr);
  Statement copy = *original;
  const Hash256 leaf = statement_hash(root(), copy.body);
  copy.authority = s.seal(root(), std::span(&leaf, 1));
  const StatementId id = world.add(copy);
  EXPECT_NE(id, id_cast<StatementId>(n.certificate));
  EXPECT_EQ(reg().certificate_belief(id_cast<CertificateId>(id)), Belief::kNoRight);
  EXPECT_EQ(belief(n), Belief::kBelieved);
}

}  // namespace
}  // namespace lienthong
