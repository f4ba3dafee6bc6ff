// Several roots: an adoption joins two deployments that began apart.
#include <gtest/gtest.h>

#include <deque>

#include "protocol/record/adoption.h"
#include "protocol/record/codec.h"
#include "tests/support/deployment.h"

namespace lienthong {
namespace {

using test::SeededEntropy;
using test::TestDeployment;
using test::TestNode;

// Two provinces with a district and a commune each; the west adopts the east below its province.
class RegistryRoots : public testing::Test {
 protected:
  struct Side {
    Side(std::uint64_t seed, const std::string& code)
        : world(seed),
          province(world.add_agency({}, code, "Tỉnh " + code, "province")),
          p(world.add_node(province, true)),
          district(world.add_agency(province, code + ".1", "Huyện Một", "district")),
          d(world.add_node(district, true)),
          commune(world.add_agency(district, code + ".1.1", "Xã Một", "commune")),
          c(world.add_node(commune)) {}
    const Registry& reg() const { return *world.registry(); }
    Belief belief(const TestNode& node) const { return reg().certificate_belief(node.certificate); }

    TestDeployment world;
    AgencyId province;
    TestNode& p;
    AgencyId district;
    TestNode& d;
    AgencyId commune;
    TestNode& c;
  };

  RegistryRoots() : west(1, "H47"), east(2, "H49") {}

  // Both learn it, in ways of their own.
  void join() {
    adoption = west.world.adopts(east.world, west.province);
    const TestDeployment west_before = west.world;
    west.world.learn(adoption, east.world);
    east.world.learn(adoption, west_before);
  }
  const Adoption& joined() {
    decoded = wire::decode_statement(adoption.body).value();
    return std::get<Adoption>(*decoded);
  }
  // What is asked of either from now on must be answered alike.
  void expect_alike() {
    EXPECT_EQ(west.reg().digest(), east.reg().digest());
    EXPECT_EQ(west.reg().tree_head().id, east.reg().tree_head().id);
    EXPECT_EQ(told(west.reg()), told(east.reg()));
  }
  void both_learn(const Statement& statement) {
    west.world.add(statement);
    east.world.add(statement);
  }
  // All verdicts, by id.
  static std::vector<std::string> told(const Registry& registry) {
    std::vector<std::string> out;
    const TreeVersion newest = registry.newest();
    out.push_back("newest " + std::to_string(newest) + " word " +
                  std::to_string(registry.newest_root_word()));
    for (const StatementId& id : registry.statements()) {
      std::string line = id.hex();
      if (const AgencyInfo* agency = registry.find_agency(id_cast<AgencyId>(id))) {
        line += " " + agency->code + " " + std::to_string(static_cast<int>(agency->belief)) + " " +
                std::to_string(static_cast<int>(agency->code_right)) + " " +
                std::to_string(static_cast<int>(agency->withdrawn));
        for (TreeVersion version = 0; version <= newest; ++version) {
          const auto parent = registry.parent(agency->id, version);
          line += " " + (parent ? parent->short_hex() : "-") + "/" +
                  registry.resolve(agency->id, version).short_hex() +
                  (registry.dissolved(agency->id, version) ? "x" : "");
        }
      }
      const auto certificate = id_cast<CertificateId>(id);
      if (registry.find_certificate(certificate) != nullptr) {
        line += " " + registry.root_of(certificate).short_hex() + " " +
                std::to_string(static_cast<int>(registry.certificate_belief(certificate))) + " " +
                std::to_string(static_cast<int>(registry.may_connect(certificate))) + " " +
                std::to_string(registry.room_left(certificate));
        for (const TreeVersion version : registry.closings_of(certificate))
          line += " closed " + std::to_string(version);
      }
      out.push_back(line);
    }
    std::ranges::sort(out);
    return out;
  }
  AgencyDeclaration top(TestDeployment& of, const std::string& code) {
    return of.declaration({}, code);
  }

  Side west, east;
  Statement adoption;
  std::optional<StatementBody> decoded;
};

TEST_F(RegistryRoots, AnAdoptionPutsTheOtherTreeBelowAPlaceFromItsVersionOn) {
  east.world.change_tree({{east.commune, Rename{"", "Xã Hai"}}});
  east.world.change_tree({});
  join();
  expect_alike();
  EXPECT_EQ(joined().number, 3u);
  for (const Registry* registry : {&west.reg(), &east.reg()}) {
    EXPECT_EQ(registry->newest(), 3u);
    EXPECT_EQ(registry->tree_head().number, 3u);
    EXPECT_EQ(registry->writing_root(), west.world.root());
    EXPECT_EQ(registry->parent(east.province, 3), west.province);
    EXPECT_TRUE(registry->superior(west.province, east.commune, 3));
    for (TreeVersion version = 0; version < 3; ++version) {
      EXPECT_FALSE(registry->parent(east.province, version).has_value());
      EXPECT_FALSE(registry->above_or_equal(west.province, east.commune, version));
      EXPECT_TRUE(registry->superior(east.province, east.commune, version));
    }
    for (const TestNode* node : {&west.p, &west.d, &west.c, &east.p, &east.d, &east.c}) {
      EXPECT_EQ(registry->certificate_belief(node->certificate), Belief::kBelieved);
      EXPECT_TRUE(registry->may_connect(node->certificate));
    }
    EXPECT_EQ(registry->root_of(east.c.certificate), east.world.root());
    EXPECT_EQ(registry->root_of(west.c.certificate), west.world.root());
    EXPECT_EQ(registry->find_agency(east.commune)->name, "Xã Hai");
  }
}

TEST_F(RegistryRoots, WhatEitherSaysAfterwardsCountsForBoth) {
  join();
  // The new superior certifies and revokes machines of the adopted tree, under its own root.
  TestNode fresh = east.world.make_node(east.district);
  Certificate certificate = west.world.certificate(east.district, fresh);
  certificate.dh_key = fresh.dh_key.public_key();
  certificate.possession =
      sign_possession(west.world.root(), east.district, fresh.key, certificate.dh_key);
  const Statement certified = west.p.say(west.world.root(), certificate);
  both_learn(certified);
  const auto id = id_cast<CertificateId>(west.reg().id_of(certified));
  EXPECT_EQ(west.reg().certificate_belief(id), Belief::kBelieved);
  EXPECT_EQ(west.reg().root_of(id), west.world.root());
  // A renewal bears the signature that the machine made under its first root.
  Certificate renewed = *east.reg().find_certificate(east.c.certificate);
  renewed.replaces = east.c.certificate;
  renewed.tree_version = east.reg().newest();
  const Statement renewal = west.p.say(west.world.root(), renewed);
  both_learn(renewal);
  EXPECT_EQ(west.reg().certificate_belief(id_cast<CertificateId>(west.reg().id_of(renewal))),
            Belief::kBelieved);
  // The adopted offices go on under theirs.
  AgencyDeclaration below = east.world.declaration(east.district, "H49.1.2");
  both_learn(east.d.say(east.world.root(), below));
  expect_alike();
  Revocation revocation;
  revocation.node = east.p.id();
  revocation.reason = "mất máy";
  revocation.decided_at = west.world.tick();
  revocation.tree_version = west.reg().newest();
  both_learn(west.p.say(west.world.root(), revocation));
  expect_alike();
  EXPECT_EQ(west.belief(east.p), Belief::kCutOff);
  EXPECT_EQ(west.belief(east.d), Belief::kCutOff);
  EXPECT_EQ(west.belief(east.c), Belief::kBelieved);  // the new superior has certified it anew
  // And the one root that is left writes the tree.
  both_learn(west.world.by_root(west.world.tree_change({{east.commune, Reparent{west.district}}})));
  expect_alike();
  EXPECT_EQ(west.reg().tree_head().number, 2u);
  EXPECT_EQ(east.reg().parent(east.commune, 2), west.district);
}

TEST_F(RegistryRoots, TheAdoptedRootsKeysDoNothingMore) {
  // Kept: what it had said when it was adopted.
  TestNode lost = east.world.make_node(east.province);
  Certificate first = east.world.certificate(east.province, lost);
  lost.certificate = id_cast<CertificateId>(east.world.add(east.world.by_root(first)));
  Revocation revocation;
  revocation.node = lost.id();
  revocation.reason = "mất máy";
  revocation.decided_at = east.world.tick();
  east.world.add(east.world.by_root(revocation));
  EXPECT_EQ(east.belief(lost), Belief::kCutOff);
  const TreeHead before = east.reg().tree_head();
  const AgencyDeclaration other = top(east.world, "H50");
  TestNode machine = east.world.make_node(east.province);
  const Certificate late = east.world.certificate(east.province, machine);
  join();
  EXPECT_EQ(east.belief(lost), Belief::kCutOff);
  EXPECT_EQ(west.belief(lost), Belief::kCutOff);
  for (const bool paper : {false, true}) {
    const auto sign = [&](const StatementBody& what) {
      return paper ? east.world.by_paper(what) : east.world.by_root(what);
    };
    const Statement agency = sign(other);
    both_learn(agency);
    EXPECT_EQ(west.reg().find_agency(id_cast<AgencyId>(west.reg().id_of(agency)))->belief,
              Belief::kCutOff);
    const Statement certificate = sign(late);
    both_learn(certificate);
    EXPECT_NE(west.reg().certificate_belief(id_cast<CertificateId>(west.reg().id_of(certificate))),
              Belief::kBelieved);
    revocation.node = east.p.id();
    both_learn(sign(revocation));
    EXPECT_EQ(west.belief(east.p), Belief::kBelieved);
    TreeChange change;  // beside the adoption
    change.number = before.number + 1;
    change.previous = before.id;
    change.changes = {{east.commune, Reparent{east.province}}};
    change.decided_at = east.world.tick();
    both_learn(sign(change));
    EXPECT_EQ(west.reg().tree_id(1), west.reg().id_of(adoption));
    EXPECT_EQ(east.reg().parent(east.commune, 1), east.district);
    change.number = 2;  // and after it
    change.previous = east.reg().id_of(adoption);
    EXPECT_EQ(east.reg().check(sign(change)).error().code(), Errc::kMalformed);
    expect_alike();
  }
}

TEST_F(RegistryRoots, TheAdoptedRootSignsWithItsKeyOnPaperAndBothSignTheSame) {
  const Adoption what = west.world.adoption_of(east.world, west.province);
  const RootSignature by_west = sign_adoption(west.world.root(), west.world.key_in_use(), what);
  const RootSignature by_east = sign_adoption(east.world.root(), east.world.key_on_paper(), what);
  const RootSignature in_use = sign_adoption(east.world.root(), east.world.key_in_use(), what);
  const auto refused = [&](const Statement& statement) {
    return west.reg().check(statement).error().code();
  };
  EXPECT_EQ(refused(make_adoption(what, by_east, by_west)), Errc::kBadSignature);
  EXPECT_EQ(refused(make_adoption(what, by_west, by_west)), Errc::kBadSignature);
  EXPECT_EQ(refused(west.world.by_root(what)), Errc::kMalformed);
  Statement alone = west.world.by_root(west.world.tree_change({}));
  alone.authority = BothRoots{by_west, by_east};
  EXPECT_EQ(refused(alone), Errc::kMalformed);
  Adoption wrong = what;
  wrong.number = 7;  // said to follow versions 0 and, of a root that is not here, whatever
  const auto make = [&](const Adoption& of) {
    return make_adoption(of, sign_adoption(west.world.root(), west.world.key_in_use(), of),
                         sign_adoption(east.world.root(), east.world.key_on_paper(), of));
  };
  west.world.learn(make(wrong), east.world);
  EXPECT_FALSE(west.reg().parent(east.province, 7).has_value());
  EXPECT_EQ(west.reg().newest(), 0u);
  wrong.number = 0;
  EXPECT_EQ(refused(make(wrong)), Errc::kMalformed);
  // The key in use is not enough: whoever has stolen it cannot give a province away.
  const Statement stolen = make_adoption(what, by_west, in_use);
  both_learn(stolen);
  EXPECT_FALSE(west.reg().parent(east.province, west.reg().newest()).has_value());
  both_learn(make_adoption(what, by_west, by_east));
  EXPECT_EQ(west.reg().parent(east.province, west.reg().newest()), west.province);
}

TEST_F(RegistryRoots, NamesWhatIsHereOrWaits) {
  const Adoption what = west.world.adoption_of(east.world, west.province);
  const auto make = [&](const Adoption& of) {
    return make_adoption(of, sign_adoption(west.world.root(), west.world.key_in_use(), of),
                         sign_adoption(east.world.root(), east.world.key_on_paper(), of));
  };
  const auto code = [&](const Registry& registry, const Statement& statement) {
    return registry.check(statement).error().code();
  };
  // A genesis that no adoption names belongs to another deployment.
  EXPECT_EQ(code(west.reg(), east.world.statements().front()), Errc::kBadHash);
  Adoption other = what;
  other.previous = StatementId{west.world.entropy().array<32>()};
  EXPECT_EQ(code(west.reg(), make(other)), Errc::kUnknownParent);
  EXPECT_TRUE(east.reg().check(make(other)).ok());  // it cannot know
  other = what;
  other.place = AgencyId{west.world.entropy().array<32>()};
  EXPECT_EQ(code(west.reg(), make(other)), Errc::kUnknownAgency);
  const TestDeployment stranger(9);
  EXPECT_EQ(code(stranger.registry() ? *stranger.registry() : west.reg(), make(what)),
            Errc::kUnknownCertificate);
  // Until what it follows is here it changes nothing.
  const Statement good = make(what);
  east.world.add(good);
  EXPECT_EQ(east.reg().newest(), 0u);
  EXPECT_EQ(east.reg().writing_root(), east.world.root());
  for (const Statement& statement : west.world.statements()) east.world.add(statement);
  EXPECT_EQ(east.reg().newest(), 1u);
  EXPECT_EQ(east.reg().writing_root(), west.world.root());
}

TEST_F(RegistryRoots, ARootSpeaksOfItsOwnTreeAlone) {
  adoption = west.world.adopts(east.world, west.province);
  // Both know each other's agencies; the adoption's step comes later than these versions.
  const Statement meddling = [&] {
    TestDeployment copy = west.world;
    copy.learn(adoption, east.world);
    TreeChange change = west.world.tree_change(
        {{east.commune, Reparent{west.district}}, {west.commune, Reparent{west.province}}});
    return west.world.by_root(change);
  }();
  west.world.learn(adoption, east.world);
  west.world.add(meddling);
  // Beside the adoption, which of the two stands is decided by the lower id; either way it moves
  // nothing of the other tree before it is joined.
  EXPECT_EQ(west.reg().parent(east.commune, west.reg().newest()), east.district);
  Revocation revocation;
  revocation.node = east.p.id();
  revocation.reason = "mất máy";
  revocation.decided_at = west.world.tick();
  west.world.add(west.world.by_root(revocation));
  EXPECT_EQ(west.belief(east.p), Belief::kBelieved);
  TestNode machine = west.world.make_node(east.province);
  Certificate certificate = west.world.certificate(east.province, machine);
  certificate.tree_version = 0;
  const auto id = id_cast<CertificateId>(west.world.add(west.world.by_root(certificate)));
  EXPECT_EQ(west.reg().certificate_belief(id), Belief::kNoRight);
}

TEST_F(RegistryRoots, ACodeThatBothBearIsNobodysUntilOneIsNamedByItsId) {
  Side twin(3, "H47");
  const Statement both = west.world.adopts(twin.world, west.province);
  west.world.learn(both, twin.world);
  for (const char* code : {"H47", "H47.1", "H47.1.1"}) {
    const auto named = west.reg().agency_named(code);
    ASSERT_FALSE(named.ok());
    EXPECT_EQ(named.error().code(), Errc::kConflict);
    EXPECT_EQ(west.reg().find_agency_by_code(code), nullptr);
  }
  const auto named = west.reg().agency_named("H47.1.1~" + twin.commune.hex().substr(0, 8));
  ASSERT_TRUE(named.ok());
  EXPECT_EQ((*named)->id, twin.commune);
  // The root that is left gives another code.
  west.world.change_tree({{twin.province, Rename{"H47.9", ""}}});
  EXPECT_EQ((*west.reg().agency_named("H47"))->id, west.province);
}

TEST_F(RegistryRoots, OneThatHasAdoptedIsAdopted) {
  join();
  TestDeployment top(5);
  const AgencyId country = top.add_agency({}, "VN", "Trung ương", "country");
  const Statement second = top.adopts(west.world, country);
  TestDeployment before = top;
  top.learn(second, west.world);
  west.world.learn(second, before);
  east.world.learn(second, before);
  expect_alike();
  EXPECT_EQ(top.registry()->digest(), west.reg().digest());
  EXPECT_EQ(told(*top.registry()), told(west.reg()));
  EXPECT_EQ(east.reg().writing_root(), top.root());
  EXPECT_EQ(east.reg().parent(west.province, 2), country);
  EXPECT_EQ(east.reg().parent(east.province, 2), west.province);
  for (const TestNode* node : {&west.p, &east.p, &east.c})
    EXPECT_EQ(east.reg().certificate_belief(node->certificate), Belief::kBelieved);
}

TEST_F(RegistryRoots, OfTwoThatAdoptOneTheLowerIdStandsWhereverItIsAsked) {
  Side third(4, "H50");
  const Statement one = west.world.adopts(east.world, west.province);
  const Statement other = third.world.adopts(east.world, third.province);
  const TestDeployment west_before = west.world, third_before = third.world;
  west.world.learn(one, east.world);
  third.world.learn(other, east.world);
  east.world.learn(one, west_before);
  east.world.learn(other, third_before);
  west.world.learn(other, third_before);
  third.world.learn(one, west_before);
  EXPECT_EQ(west.reg().digest(), east.reg().digest());
  EXPECT_EQ(told(west.reg()), told(east.reg()));
  EXPECT_EQ(told(third.reg()), told(west.reg()));
  const bool lower = west.reg().id_of(one) < west.reg().id_of(other);
  EXPECT_EQ(west.reg().parent(east.province, west.reg().newest()),
            lower ? west.province : third.province);
}

// Grown apart at random, joined, grown on; then taken in by replicas of either root in orders of
// their own, one by one and at once.
class RegistryRootsAtRandom : public RegistryRoots {
 protected:
  std::size_t below(std::size_t limit) {
    const auto bytes = entropy.array<8>();
    ByteReader in(bytes);
    return static_cast<std::size_t>(*in.u64() % limit);
  }
  // Declarations, revocations and, while its root writes the tree, versions of it.
  void grow(Side& side, bool writes_tree, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const TreeVersion newest = side.reg().newest();
      if (below(3) == 0) {
        AgencyDeclaration said =
            side.world.declaration(side.district, "H4" + std::to_string(below(30)));
        said.tree_version = static_cast<TreeVersion>(below(newest + 1));
        side.world.add(side.d.say(side.world.root(), said));
      } else if (below(2) == 0) {
        Revocation said;
        said.node = below(2) == 0 ? side.c.id() : side.d.id();
        said.cuts = {{side.d.incarnation, static_cast<std::uint32_t>(below(6)), {}}};
        said.decided_at = side.world.tick();
        said.tree_version = newest;
        side.world.add(side.p.say(side.world.root(), said));
      } else if (writes_tree) {
        const AgencyId parent = below(2) == 0 ? side.province : side.district;
        side.world.change_tree({below(4) == 0
                                    ? AgencyChange{side.commune, Dissolve{{side.district}}}
                                    : AgencyChange{side.commune, Reparent{parent}}});
      }
    }
  }
  std::vector<Statement> shuffled(std::vector<Statement> all) {
    for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[below(i)]);
    return all;
  }
  // What waits is tried again as long as something comes in.
  static std::shared_ptr<const Registry> take_in(const TestDeployment& pinned,
                                                 std::vector<Statement> left, bool at_once) {
    auto registry = std::make_shared<const Registry>(
        Registry::create(pinned.root(), pinned.statements().front()).value());
    for (std::size_t size = left.size() + 1; left.size() < size;) {
      size = left.size();
      std::vector<std::optional<Error>> failed(left.size());
      if (at_once) registry = registry->grow(left, failed);
      std::vector<Statement> still;
      for (std::size_t i = 0; i < left.size(); ++i) {
        if (!at_once) {
          auto grown = registry->with(std::span(&left[i], 1));
          if (grown.ok())
            registry = *std::move(grown);
          else
            failed[i] = grown.error();
        }
        if (failed[i]) still.push_back(left[i]);
      }
      left = std::move(still);
    }
    EXPECT_TRUE(left.empty()) << left.size() << " left over";
    return registry;
  }
  SeededEntropy entropy{77};
};

TEST_F(RegistryRootsAtRandom, VerdictsFollowFromTheSetWhateverTheOrderOfArrival) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Side one(100 + seed, "H47"), other(200 + seed, "H49");
    grow(one, true, 8);
    grow(other, true, 8);
    const Statement joint = one.world.adopts(other.world, one.district);
    grow(other, true, 2);  // said under the other root before it knew
    const TestDeployment before = one.world;
    one.world.learn(joint, other.world);
    const std::size_t known = other.world.statements().size();
    other.world.learn(joint, before);
    grow(one, true, 5);
    grow(other, false, 4);
    std::vector<Statement> all = one.world.statements();
    const auto& theirs = other.world.statements();
    all.insert(all.end(), theirs.begin() + static_cast<std::ptrdiff_t>(known), theirs.end());
    const auto expected = told(*take_in(one.world, all, false));
    for (int order = 0; order < 6; ++order) {
      const TestDeployment& pinned = order % 2 == 0 ? one.world : other.world;
      EXPECT_EQ(told(*take_in(pinned, shuffled(all), order >= 4)), expected)
          << "seed " << seed << ", order " << order;
    }
  }
}

TEST_F(RegistryRoots, TheFileThatGoesBetweenTheTwoHoldsWhatItSays) {
  AdoptionFile file{east.world.root(), east.world.statements(), {}, {}, {}};
  const auto offered = decode_adoption_file(encode_adoption_file(file));
  ASSERT_TRUE(offered.ok());
  EXPECT_EQ(offered->statements, file.statements);
  const auto theirs = registry_in(*offered);
  ASSERT_TRUE(theirs.ok());
  const Adoption what = propose_adoption(west.reg(), **theirs, west.province, 5, "NQ");
  EXPECT_EQ(what.kept, east.reg().words_of_root(east.world.root()));
  EXPECT_EQ(what.kept.size(), 2u);  // the province and its machine
  file = {west.world.root(),
          west.world.statements(),
          what,
          sign_adoption(west.world.root(), west.world.key_in_use(), what),
          {}};
  const Bytes bytes = encode_adoption_file(file);
  const auto back = decode_adoption_file(bytes);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->adoption, what);
  EXPECT_EQ(back->adopter, file.adopter);
  EXPECT_FALSE(back->adopted.has_value());
  file.adopter->signature[3] ^= 1;
  EXPECT_EQ(decode_adoption_file(encode_adoption_file(file)).error().code(), Errc::kBadSignature);
  for (const std::size_t size : {std::size_t{3}, bytes.size() / 2, bytes.size() - 1})
    EXPECT_FALSE(decode_adoption_file(ByteView(bytes).first(size)).ok());
}

}  // namespace
}  // namespace lienthong
