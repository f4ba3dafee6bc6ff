// Closings: what a machine sealed beyond one, and says under an older tree, needs its right under
// the newer too. And cuts: numbers used twice, stretches of incarnations.
#include <gtest/gtest.h>

#include "protocol/base/limits.h"
#include "protocol/record/closings.h"
#include "protocol/record/codec.h"
#include "tests/support/registry_world.h"

namespace lienthong {
namespace {

using test::RegistryWorld;
using test::TestNode;

class RegistryClosing : public RegistryWorld {
 protected:
  Closing closing(const TestNode& node, std::vector<Cut> cuts = {},
                  std::vector<StatementId> after = {}, TreeVersion version = 1) {
    Closing body;
    body.node = node.id();
    body.version = version;
    body.cuts = std::move(cuts);
    body.after = std::move(after);
    body.decided_at = world.tick();
    body.tree_version = newest();
    return body;
  }
  StatementId close(TestNode& author, const TestNode& node, std::vector<Cut> cuts = {},
                    std::vector<StatementId> after = {}, TreeVersion version = 1) {
    return world.add(author.say(root(), closing(node, std::move(cuts), std::move(after), version)));
  }
  TreeVersion held(const TestNode& author, const std::vector<Seal>& seals, TreeVersion named = 0) {
    std::vector<HeldSeal> under;
    for (const Seal& seal : seals) under.push_back({seal, seal_id(root(), seal)});
    return reg().held_to(author.certificate, under, named);
  }
  // The commune goes to the other district.
  void move_commune() { world.change_tree({{commune, Reparent{south}}}); }
  Belief declared(const StatementId& id) {
    return reg().find_agency(id_cast<AgencyId>(id))->belief;
  }
};

TEST_F(RegistryClosing, HoldsWhatWasSealedBeyondItToItsVersion) {
  const Seal first = some_seal(n), second = some_seal(n);
  move_commune();
  EXPECT_EQ(held(n, {first}), 0u);
  close(p, n, {cut(n, first.number)});
  EXPECT_EQ(held(n, {first}), 0u);
  EXPECT_EQ(held(n, {second}), 1u);
  EXPECT_EQ(held(n, {second}, 1), 1u);
  EXPECT_EQ(held(n, {}), 1u);  // not sealed yet
  EXPECT_EQ(held(c, {second}), 0u);
  EXPECT_TRUE(reg().may_connect(n.certificate));  // it closes no session
  EXPECT_EQ(belief(second), Belief::kBelieved);
}

TEST_F(RegistryClosing, AnUpdateIsBeyondOnlyIfEverySealHeldOfItIs) {
  const Seal first = some_seal(n), second = some_seal(n);
  move_commune();
  close(p, n, {cut(n, first.number)});
  EXPECT_EQ(held(n, {second, first}), 0u);
  EXPECT_EQ(held(n, {second, some_seal(n)}), 1u);
  revoke(p, n, {cut(n, first.number)});
  const auto trust = [&](std::vector<Seal> seals) {
    std::vector<HeldSeal> under;
    for (const Seal& seal : seals) under.push_back({seal, seal_id(root(), seal)});
    return reg().trust_in(n.certificate, under, 0).believed;
  };
  EXPECT_TRUE(trust({second, first}));
  EXPECT_FALSE(trust({second}));
}

TEST_F(RegistryClosing, TheGreatestOfSeveralVersionsHolds) {
  const Seal first = some_seal(n), second = some_seal(n);
  move_commune();
  world.change_tree({});
  close(p, n, {cut(n, first.number)}, {}, 1);
  close(p, n, {cut(n, second.number)}, {}, 2);
  EXPECT_EQ(held(n, {first}), 0u);
  EXPECT_EQ(held(n, {second}), 1u);
  EXPECT_EQ(held(n, {some_seal(n)}), 2u);
}

TEST_F(RegistryClosing, ComesFromStrictlyAboveByBothWalksUnderTheNewestTree) {
  const Seal seal = some_seal(c);
  move_commune();
  close(n, c);  // its former superior
  EXPECT_EQ(held(c, {seal}), 0u);
  close(c, c);
  EXPECT_EQ(held(c, {seal}), 0u);
  close(s, c);
  EXPECT_EQ(held(c, {seal}), 1u);
}

TEST_F(RegistryClosing, TheRootClosesMachinesOfTopmostAgencies) {
  const Seal seal = some_seal(p);
  move_commune();
  world.add(world.by_root(closing(p)));
  EXPECT_EQ(held(p, {seal}), 1u);
  world.add(world.by_root(closing(c)));
  EXPECT_EQ(held(c, {some_seal(c)}), 0u);
}

TEST_F(RegistryClosing, IsMovedUpAndDownByALaterOne) {
  const Seal first = some_seal(n), second = some_seal(n);
  move_commune();
  const StatementId low = close(p, n, {cut(n, first.number)});
  EXPECT_EQ(held(n, {second}), 1u);
  const StatementId high = close(p, n, {cut(n, second.number)}, {low});
  EXPECT_EQ(held(n, {second}), 0u);
  close(p, n, {}, {high});
  EXPECT_EQ(held(n, {first}), 1u);
}

TEST_F(RegistryClosing, OfConcurrentOnesTheHigherAgencysCountsAndOfOneAgencyWhatEitherHeld) {
  TestNode twin = c;
  twin.incarnation += 1;
  const Seal first = some_seal(c), second = some_seal(c), other = some_seal(twin);
  world.change_tree({{commune, Dissolve{{north}}}});
  close(n, c, {cut(c, second.number)});
  close(n, c, {{twin.incarnation, other.number, {}}});
  EXPECT_EQ(held(c, {second}), 0u);
  EXPECT_EQ(held(c, {other}), 0u);
  close(p, c, {cut(c, first.number)});
  EXPECT_EQ(held(c, {first}), 0u);
  EXPECT_EQ(held(c, {second}), 1u);
  EXPECT_EQ(held(c, {other}), 1u);
}

TEST_F(RegistryClosing, AFormerSuperiorCertifiesAndDeclaresNothingLate) {
  const std::uint32_t before = n.number;
  move_commune();
  Certificate body = world.certificate(commune, world.make_node(commune));
  body.tree_version = 0;
  const auto late = id_cast<CertificateId>(world.add(n.say(root(), body)));
  AgencyDeclaration below = world.declaration(commune, "H47.1.1.1");
  below.tree_version = 0;
  const StatementId agency = world.add(n.say(root(), below));
  EXPECT_EQ(reg().certificate_belief(late), Belief::kBelieved);
  EXPECT_EQ(declared(agency), Belief::kBelieved);
  const StatementId closed = close(p, n, {cut(n, before)});
  EXPECT_EQ(reg().certificate_belief(late), Belief::kCutOff);
  EXPECT_EQ(declared(agency), Belief::kCutOff);
  EXPECT_EQ(belief(c), Belief::kBelieved);  // certified before
  // What it may say under the new tree too it says as before.
  TestNode own = world.make_node(north);
  AgencyDeclaration beside = world.declaration(north, "H47.1.2");
  beside.tree_version = 0;
  EXPECT_EQ(declared(world.add(n.say(root(), beside))), Belief::kBelieved);
  close(p, n, {cut(n, n.number)}, {closed});
  EXPECT_EQ(reg().certificate_belief(late), Belief::kBelieved);
  EXPECT_EQ(declared(agency), Belief::kBelieved);
}

TEST_F(RegistryClosing, RevocationsAndClosingsOfADissolvedAgencysMachineBeyondOneDoNothing) {
  const std::uint32_t before = n.number;
  world.change_tree({{north, Dissolve{{province}}}, {commune, Reparent{province}}});
  Revocation late = revocation(c);
  late.tree_version = 0;
  world.add(n.say(root(), late));
  EXPECT_EQ(belief(c), Belief::kCutOff);
  close(p, n, {cut(n, before)});
  EXPECT_EQ(belief(c), Belief::kBelieved);
}

TEST_F(RegistryClosing, ADissolvedAgencyGetsNoCertificates) {
  world.change_tree({{commune, Dissolve{{north}}}});
  TestNode node = world.make_node(commune);
  EXPECT_EQ(certify(n, node), Belief::kNoRight);
  Certificate old = world.certificate(commune, node);
  old.tree_version = 0;
  const auto id = world.add(n.say(root(), old));
  EXPECT_EQ(reg().certificate_belief(id_cast<CertificateId>(id)), Belief::kBelieved);
}

TEST_F(RegistryClosing, NamesAVersionThatIsHereAndClosingsOfTheSameNodeAndVersion) {
  move_commune();
  world.change_tree({});
  Closing body = closing(n);
  body.version = 0;
  EXPECT_EQ(refused(p.say(root(), body)), Errc::kMalformed);
  body.version = 2;
  body.tree_version = 1;
  EXPECT_EQ(refused(p.say(root(), body)), Errc::kMalformed);
  body.version = body.tree_version = 3;
  EXPECT_EQ(refused(p.say(root(), body)), Errc::kUnknownParent);
  const StatementId first = close(p, n, {}, {}, 1);
  EXPECT_EQ(refused(p.say(root(), closing(n, {}, {first}, 2))), Errc::kMalformed);
  EXPECT_EQ(refused(p.say(root(), closing(s, {}, {first}, 1))), Errc::kMalformed);
  EXPECT_EQ(
      refused(p.say(
          root(), closing(n, {}, {id_cast<StatementId>(Hash256{world.entropy().array<32>()})}, 1))),
      Errc::kUnknownParent);
}

// ---- cuts ----

TEST_F(RegistryClosing, ACutBindsLowerNumbersToo) {
  const Seal first = some_seal(c), second = some_seal(c), third = some_seal(c);
  TestNode again = c;  // whoever has the key signs the first number once more
  again.number = first.number - 1;
  const Seal twin = some_seal(again);
  Cut bound = cut(c, third.number);
  bound.seal = seal_id(root(), third);
  bound.except = {{first.number, first.number, seal_id(root(), first)},
                  {second.number, second.number, {}}};
  revoke(n, c, {bound});
  EXPECT_EQ(belief(first), Belief::kBelieved);
  EXPECT_EQ(belief(twin), Belief::kCutOff);
  EXPECT_EQ(belief(second), Belief::kCutOff);  // said not to have been there
  EXPECT_EQ(belief(third), Belief::kBelieved);
}

TEST_F(RegistryClosing, RefusesExceptionsThatAreNoneOrOutOfOrder) {
  const auto malformed = [&](std::vector<CutException> except) {
    Cut bound = cut(c, 10);
    bound.except = std::move(except);
    return refused(n.say(root(), revocation(c, {bound})));
  };
  const SealId seal = seal_id(root(), some_seal(c));
  EXPECT_EQ(malformed({{0, 1, {}}}), Errc::kMalformed);
  EXPECT_EQ(malformed({{9, 10, {}}}), Errc::kMalformed);
  EXPECT_EQ(malformed({{3, 2, {}}}), Errc::kMalformed);
  EXPECT_EQ(malformed({{3, 4, seal}}), Errc::kMalformed);
  EXPECT_EQ(malformed({{3, 5, {}}, {5, 6, {}}}), Errc::kMalformed);
}

TEST_F(RegistryClosing, AStatementSpeaksOfItsStretchOfIncarnationsAlone) {
  TestNode later = c;
  later.incarnation = c.incarnation + 1;
  const Seal here = some_seal(c), there = some_seal(later);
  Revocation body = revocation(c);
  body.stretch = {0, c.incarnation};
  const StatementId lower = world.add(n.say(root(), body));
  EXPECT_EQ(belief(here), Belief::kCutOff);
  EXPECT_EQ(belief(there), Belief::kBelieved);
  EXPECT_EQ(belief(c), Belief::kBelieved);
  EXPECT_FALSE(reg().may_connect(c.certificate));
  body.stretch = {later.incarnation, UINT64_MAX};
  world.add(n.say(root(), body));
  EXPECT_EQ(belief(there), Belief::kCutOff);
  EXPECT_EQ(belief(c), Belief::kCutOff);  // nothing is left of any incarnation
  // One part is moved, the other stays.
  Revocation moved = revocation(c, {cut(c, here.number)}, {lower});
  moved.stretch = {0, c.incarnation};
  world.add(n.say(root(), moved));
  EXPECT_EQ(belief(here), Belief::kBelieved);
  EXPECT_EQ(belief(there), Belief::kCutOff);
  moved.stretch = {5, 4};
  EXPECT_EQ(refused(n.say(root(), moved)), Errc::kMalformed);
}

TEST_F(RegistryClosing, AMachineStartedEveryDayForTenYearsIsClosedAndRevoked) {
  constexpr std::uint64_t kStarts = 3'650;
  std::vector<Cut> cuts;
  for (std::uint64_t i = 0; i < kStarts; ++i)
    cuts.push_back({(i + 1) << 40, 7, SealId{world.entropy().array<32>()}});
  move_commune();
  const auto closings = in_statements(closing(n, cuts));
  const auto revocations = in_statements(revocation(n, cuts));
  EXPECT_GT(closings.size(), 1u);
  for (const Closing& part : closings) {
    ASSERT_LE(wire::encode(StatementBody(part)).size(), kStatementBytesMax);
    world.add(p.say(root(), part));
  }
  const auto seal_of = [&](std::size_t start, std::uint32_t number) {
    TestNode node = n;
    node.incarnation = cuts[start].incarnation;
    node.number = number - 1;
    return some_seal(node);
  };
  for (const std::size_t start : {std::size_t{0}, std::size_t{1'500}, std::size_t{3'649}}) {
    EXPECT_EQ(held(n, {seal_of(start, 6)}), 0u);
    EXPECT_EQ(held(n, {seal_of(start, 8)}), 1u);
  }
  EXPECT_EQ(held(n, {some_seal(n)}), 1u);
  for (const Revocation& part : revocations) {
    ASSERT_LE(wire::encode(StatementBody(part)).size(), kStatementBytesMax);
    world.add(p.say(root(), part));
  }
  for (const std::size_t start : {std::size_t{0}, std::size_t{1'500}, std::size_t{3'649}}) {
    EXPECT_EQ(belief(seal_of(start, 6)), Belief::kBelieved);
    EXPECT_EQ(belief(seal_of(start, 8)), Belief::kCutOff);
  }
  EXPECT_EQ(belief(some_seal(n)), Belief::kCutOff);
}

// ---- what a desk owes ----

TEST_F(RegistryClosing, WhoeverIsDissolvedOrLosesSomebodyIsClosed) {
  move_commune();
  EXPECT_EQ(closed_agencies(reg(), 1), std::vector{north});
  world.change_tree({{commune, Dissolve{{north}}}});
  std::vector<AgencyId> both{commune, south};  // south lost it, north has it by the walk
  std::ranges::sort(both);
  EXPECT_EQ(closed_agencies(reg(), 2), both);
  for (const AgencyId& agency : {province, north, south, commune})
    EXPECT_EQ(closes(reg(), 2, agency), std::ranges::binary_search(both, agency));
  EXPECT_EQ(closing_agency(reg(), north), province);
  EXPECT_EQ(closing_agency(reg(), commune), province);  // by both walks
  EXPECT_EQ(closing_agency(reg(), province), AgencyId{});
}

TEST_F(RegistryClosing, TheDeskOwesOneForEachMachineInTheCommitThatBringsTheVersion) {
  const auto before = world.registry();
  move_commune();
  const auto seals = [&](const NodeId& node) {
    return node == n.id() ? std::vector{cut(n, 3)} : std::vector<Cut>{};
  };
  const auto owed = closings_owed(*before, reg(), province, seals, 5);
  ASSERT_EQ(owed.size(), 1u);
  EXPECT_EQ(owed[0].node, n.id());
  EXPECT_EQ(owed[0].version, 1u);
  EXPECT_EQ(owed[0].tree_version, 1u);
  EXPECT_EQ(owed[0].cuts, std::vector{cut(n, 3)});
  EXPECT_TRUE(closings_owed(*before, reg(), north, seals, 5).empty());
  EXPECT_TRUE(closings_owed(*world.registry(), reg(), province, seals, 5).empty());
  // Written once: where one counts, none more, whoever looks anew.
  world.add(p.say(root(), owed[0]));
  EXPECT_TRUE(closings_owed(*before, reg(), province, seals, 5).empty());
}

TEST_F(RegistryClosing, ACertificateThatComesLateIsClosedWithNothing) {
  move_commune();
  close(p, n, {cut(n, n.number)});
  const auto before = world.registry();
  TestNode second = world.make_node(north);
  Certificate body = world.certificate(north, second);
  body.tree_version = 0;
  second.certificate = id_cast<CertificateId>(world.add(p.say(root(), body)));
  ASSERT_EQ(belief(second), Belief::kBelieved);
  const auto seals = [&](const NodeId&) { return std::vector{cut(n, 9)}; };
  const auto owed = closings_owed(*before, reg(), province, seals, 5);
  ASSERT_EQ(owed.size(), 1u);
  EXPECT_EQ(owed[0].node, second.id());
  EXPECT_TRUE(owed[0].cuts.empty());
}

// ---- room for statements ----

class RegistryQuota : public RegistryWorld {
 protected:
  // A machine of an agency below the commune's; it may issue.
  TestNode& below_the_commune(int number) {
    const auto agency = id_cast<AgencyId>(
        world.add(c.say(root(), world.declaration(commune, "E" + std::to_string(number)))));
    TestNode& node = *made_.emplace_back(std::make_unique<TestNode>(world.make_node(agency)));
    node.may_issue = true;
    EXPECT_EQ(certify(c, node), Belief::kBelieved);
    return node;
  }
  AgencyDeclaration long_one(const AgencyId& parent) {
    AgencyDeclaration body = world.declaration(parent, "F");
    body.name = std::string(kAgencyNameBytesMax, 'x');
    return body;
  }
  Belief declared(const StatementId& id) {
    return reg().find_agency(id_cast<AgencyId>(id))->belief;
  }
  std::vector<std::unique_ptr<TestNode>> made_;
};

TEST_F(RegistryQuota, WhoeverSaysTooMuchHurtsNobodyButItself) {
  AgencyId parent = commune;
  std::vector<TestNode*> line{&c};  // each certified by the one before
  for (int i = 0; i < 3; ++i) {
    parent = id_cast<AgencyId>(
        world.add(line.back()->say(root(), world.declaration(parent, "D" + std::to_string(i)))));
    TestNode& node = *made_.emplace_back(std::make_unique<TestNode>(world.make_node(parent)));
    node.may_issue = true;
    ASSERT_EQ(certify(*line.back(), node), Belief::kBelieved);
    line.push_back(&node);
  }
  TestNode& guilty = *line.back();
  const auto before = world.registry();
  std::vector<Statement> flood;
  for (int i = 0; i < 150; ++i) {
    AgencyDeclaration body = world.declaration(parent, "F" + std::to_string(i));
    body.name = std::string(kAgencyNameBytesMax, 'x');
    flood.push_back(guilty.say(root(), body));
  }
  // Two replicas that took in different parts of it, until it was over.
  const auto take_in = [&](const auto& statements) {
    auto registry = before;
    std::vector<StatementId> taken;
    for (const Statement& statement : statements) {
      if (!registry->admit(statement).ok()) continue;
      registry = *registry->with(std::span(&statement, 1));
      taken.push_back(statement_id(root(), statement));
    }
    EXPECT_LT(taken.size(), flood.size());
    for (const StatementId& id : taken)
      EXPECT_EQ(registry->find_agency(id_cast<AgencyId>(id))->belief, Belief::kCutOff);
    return registry;
  };
  const auto one = take_in(flood);
  const auto other = take_in(std::vector(flood.rbegin(), flood.rend()));
  EXPECT_NE(one->digest(), other->digest());
  for (const auto& registry : {one, other}) {
    EXPECT_EQ(registry->admit(flood.back()).error().code(), Errc::kNotAllowed);
    for (const TestNode* node : line)
      EXPECT_EQ(registry->certificate_belief(node->certificate), Belief::kBelieved);
    const Statement beside = line[2]->say(root(), world.declaration(line[2]->agency, "G"));
    EXPECT_TRUE(registry->admit(beside).ok());
    const auto grown = *registry->with(std::span(&beside, 1));
    const auto id = id_cast<AgencyId>(statement_id(root(), beside));
    EXPECT_EQ(grown->find_agency(id)->belief, Belief::kBelieved);
  }
}

TEST_F(RegistryQuota, EightWhoFloodHurtNeitherTheirSuperiorNorThoseBesideThem) {
  std::vector<TestNode*> below;
  for (int i = 0; i < 9; ++i) below.push_back(&below_the_commune(i));
  const auto cost = [](const StatementBody& body) { return statement_cost(body); };
  for (int i = 0; i < 8; ++i)
    while (reg().room_left(below[i]->certificate) > 0) {
      const StatementBody body = long_one(below[i]->agency);
      EXPECT_GT(cost(body), kAgencyNameBytesMax + kStatementExtraBytes);
      world.add(below[i]->say(root(), body));
    }
  for (int i = 0; i < 8; ++i) EXPECT_EQ(reg().room_left(below[i]->certificate), 0u);
  for (TestNode* honest : {below[8], &c, &n, &p}) {
    const Statement said = honest->say(root(), long_one(honest->agency));
    ASSERT_TRUE(reg().admit(said).ok());
    EXPECT_EQ(declared(world.add(said)), Belief::kBelieved);
  }
  // What the commune says itself comes before what those below it say.
  const std::uint64_t room = reg().room_of(c.certificate);
  EXPECT_EQ(room, kIssuedBytesMax / 64);
  while (reg().room_left(c.certificate) >= cost(long_one(commune)))
    EXPECT_EQ(declared(world.add(c.say(root(), long_one(commune)))), Belief::kBelieved);
  EXPECT_TRUE(reg().admit(n.say(root(), long_one(north))).ok());
  EXPECT_EQ(belief(c), Belief::kBelieved);
  EXPECT_LT(reg().room_of(below[8]->certificate), reg().room_of(c.certificate) / 8);
}

TEST_F(RegistryQuota, ClosingsTakeAnEighthOfTheirBytes) {
  Closing body;
  body.node = n.id();
  body.version = body.tree_version = 1;
  const std::uint64_t none = statement_cost(body);
  for (std::uint64_t i = 0; i < 400; ++i) body.cuts.push_back({i + 1, 7, SealId{{1}}});
  const std::uint64_t bytes = wire::encode(StatementBody(body)).size();
  EXPECT_GT(bytes, 400u * 60);
  EXPECT_EQ(statement_cost(body), kStatementExtraBytes + bytes / kIssuedCutsShare);
  EXPECT_LT(none, statement_cost(body));
}

// Replicas take in a flood by several in orders of their own, each until it is over.
TEST_F(RegistryQuota, TheVerdictIsTheSameWhateverPartOfAFloodCame) {
  std::vector<TestNode*> below;
  for (int i = 0; i < 12; ++i) below.push_back(&below_the_commune(i));
  const auto before = world.registry();
  std::vector<Statement> all;
  for (std::size_t i = 0; i < below.size(); ++i)
    for (std::size_t k = 0; k < 4 * i; ++k)
      all.push_back(below[i]->say(root(), long_one(below[i]->agency)));
  const auto told = [&](std::uint64_t seed) {
    test::SeededEntropy entropy(seed);
    std::vector<std::pair<std::uint64_t, const Statement*>> order;
    for (const Statement& statement : all) {
      const auto bytes = entropy.array<8>();
      ByteReader random(bytes);
      order.emplace_back(*random.u64(), &statement);
    }
    std::ranges::sort(order);
    auto registry = before;
    for (const auto& [place, statement] : order)
      if (registry->admit(*statement).ok()) registry = *registry->with(std::span(statement, 1));
    std::vector<bool> over;
    for (const TestNode* node : below) over.push_back(registry->room_left(node->certificate) == 0);
    return std::pair(over, registry->size());
  };
  const auto [over, size] = told(1);
  EXPECT_FALSE(over.front());
  EXPECT_TRUE(over.back());
  std::set<std::size_t> sizes{size};
  for (std::uint64_t seed = 2; seed < 6; ++seed) {
    const auto [other, more] = told(seed);
    EXPECT_EQ(other, over);
    sizes.insert(more);
  }
}

TEST_F(RegistryQuota, WhatARevokedMachineSealsLaterIsKeptAside) {
  const std::uint32_t last = n.number;
  const Statement within = n.say(root(), world.declaration(north, "X"));
  const Statement beyond = n.say(root(), world.declaration(north, "Y"));
  const StatementId revoked = revoke(p, n, {cut(n, last + 1)});
  EXPECT_TRUE(reg().admit(within).ok());
  ASSERT_FALSE(reg().admit(beyond).ok());
  EXPECT_EQ(reg().admit(beyond).error().code(), Errc::kRevoked);
  revoke(p, n, {cut(n, last + 2)}, {revoked});
  EXPECT_TRUE(reg().admit(beyond).ok());
}

}  // namespace
}  // namespace lienthong
