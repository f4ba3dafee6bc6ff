// A deployment for tests: root keys, a tree of agencies with nodes and their keys, and the registry
// that says so. Everything follows from one seed.
#pragma once

#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "protocol/record/registry.h"

namespace lienthong::test {

// BLAKE2b of (seed, counter): repeats from one seed.
class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : seed_(seed) {}
  void fill(std::span<std::uint8_t> out) override;

 private:
  std::uint64_t seed_;
  std::uint64_t counter_ = 0;
};

// One machine. Its seals are numbered here, so keep one of each (a copy is a cloned disk).
struct TestNode {
  AgencyId agency;
  CertificateId certificate;
  SigningKey key;
  DhKey dh_key;
  bool may_issue = false;
  std::uint64_t incarnation = 0;
  std::uint32_t number = 0;  // of its last seal
  SealId last_seal;

  NodeId id() const { return key.public_key(); }
  // The next seal of its incarnation.
  Seal seal(const RootFingerprint& root, std::span<const Hash256> leaves);
  Statement say(const RootFingerprint& root, const StatementBody& body);
};

class TestDeployment {
 public:
  explicit TestDeployment(std::uint64_t seed);

  // Zero parent: topmost, declared by the root; else by the parent's first node that may issue, or
  // the nearest superior's, which must exist.
  AgencyId add_agency(const AgencyId& parent, std::string_view code, std::string_view name,
                      std::string_view tier);
  // Certified by the root (topmost) or by a node above. The reference stays good.
  TestNode& add_node(const AgencyId& agency, bool may_issue = false);
  // The next tree version, signed by the key in use.
  StatementId change_tree(std::vector<AgencyChange> changes);

  // ---- several roots ----
  // What would put the other's agencies below `place`, and the same signed by both.
  Adoption adoption_of(const TestDeployment& other, const AgencyId& place);
  Statement adopts(const TestDeployment& other, const AgencyId& place);
  // Takes in an adoption and what the other deployment has said so far.
  void learn(const Statement& adoption, const TestDeployment& other);

  // Adds a statement, which must pass check(); returns its id.
  StatementId add(const Statement& statement);

  // ---- parts, for tests that forge ----
  const RootFingerprint& root() const { return root_; }
  const SigningKey& key_in_use() const { return key_in_use_; }
  const SigningKey& key_on_paper() const { return key_on_paper_; }
  Statement by_root(const StatementBody& body) const {
    return sign_by_root(root_, key_in_use_, body);
  }
  Statement by_paper(const StatementBody& body) const {
    return sign_by_root(root_, key_on_paper_, body);
  }
  AgencyDeclaration declaration(const AgencyId& parent, std::string_view code);
  Certificate certificate(const AgencyId& agency, const TestNode& node);
  TestNode make_node(const AgencyId& agency);  // keys only; not certified
  TreeChange tree_change(std::vector<AgencyChange> changes);
  // First node strictly above (or at, for declaring below) that agency which may issue; must exist.
  TestNode& issuer_above(const AgencyId& agency);

  std::shared_ptr<const Registry> registry() const { return registry_; }
  // Genesis first, in an order in which each passes check() after those before it.
  const std::vector<Statement>& statements() const { return statements_; }
  SeededEntropy& entropy() { return entropy_; }
  UnixMillis tick() { return now_ += 1000; }  // a second later each time

 private:
  TestNode* find_issuer(const AgencyId& agency);

  SeededEntropy entropy_;
  SigningKey key_in_use_;
  SigningKey key_on_paper_;
  UnixMillis now_ = 1'680'307'200'000;  // 2023-04-01T00:00:00Z
  RootFingerprint root_;
  std::shared_ptr<const Registry> registry_;
  std::vector<Statement> statements_;
  std::deque<TestNode> nodes_;
};

}  // namespace lienthong::test
