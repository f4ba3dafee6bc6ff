// A small deployment as a fixture, with the verbs that tests of the registry need.
#pragma once

#include <gtest/gtest.h>

#include "tests/support/deployment.h"

namespace lienthong::test {

// A province, two districts, communes below them, one node each; the upper ones may issue.
class RegistryWorld : public testing::Test {
 protected:
  RegistryWorld()
      : world(1),
        province(world.add_agency({}, "H47", "Tỉnh Quảng Nam", "province")),
        p(world.add_node(province, true)),
        north(world.add_agency(province, "H47.1", "Huyện Bắc", "district")),
        south(world.add_agency(province, "H47.2", "Huyện Nam", "district")),
        n(world.add_node(north, true)),
        s(world.add_node(south, true)),
        commune(world.add_agency(north, "H47.1.1", "Xã Một", "commune")),
        c(world.add_node(commune, true)) {}

  const Registry& reg() const { return *world.registry(); }
  RootFingerprint root() const { return world.root(); }
  TreeVersion newest() const { return reg().newest(); }

  Belief belief(const TestNode& node) const { return reg().certificate_belief(node.certificate); }
  Belief belief(const Seal& seal) const { return reg().seal_belief(seal, seal_id(root(), seal)); }

  // Certifies `node` by a statement of `issuer`; returns its belief.
  Belief certify(TestNode& issuer, TestNode& node, CertificateId replaces = {}) {
    Certificate body = world.certificate(node.agency, node);
    body.replaces = replaces;
    node.certificate = id_cast<CertificateId>(world.add(issuer.say(root(), body)));
    return belief(node);
  }
  Seal some_seal(TestNode& node) {
    const auto leaf = Hash256{world.entropy().array<32>()};
    return node.seal(root(), std::span(&leaf, 1));
  }
  Revocation revocation(const TestNode& node, std::vector<Cut> cuts = {},
                        std::vector<StatementId> after = {}) {
    Revocation body;
    body.node = node.id();
    body.cuts = std::move(cuts);
    body.after = std::move(after);
    body.reason = "mất máy";
    body.decided_at = world.tick();
    body.tree_version = newest();
    return body;
  }
  StatementId revoke(TestNode& author, const TestNode& node, std::vector<Cut> cuts = {},
                     std::vector<StatementId> after = {}) {
    return world.add(author.say(root(), revocation(node, std::move(cuts), std::move(after))));
  }
  Errc refused(const Statement& statement) {
    const auto result = reg().check(statement);
    EXPECT_FALSE(result.ok());
    return result.ok() ? Errc::kIo : result.error().code();
  }
  Cut cut(const TestNode& node, std::uint32_t number) { return {node.incarnation, number, {}}; }

  TestDeployment world;
  AgencyId province;
  TestNode& p;
  AgencyId north, south;
  TestNode& n;
  TestNode& s;
  AgencyId commune;
  TestNode& c;
};

}  // namespace lienthong::test
