#include "tests/support/deployment.h"

#include "protocol/crypto/hash.h"
#include "protocol/record/adoption.h"

namespace lienthong::test {

void SeededEntropy::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    ByteWriter input;
    input.u64(seed_);
    input.u64(counter_++);
    const Hash256 block =
        hash("lienthong/test entropy", RootFingerprint{}, ByteView(input.bytes()));
    const std::size_t size = std::min(out.size(), block.bytes.size());
    std::copy_n(block.bytes.begin(), size, out.begin());
    out = out.subspan(size);
  }
}

Seal TestNode::seal(const RootFingerprint& root, std::span<const Hash256> leaves) {
  const Seal made = make_seal(root, key, certificate, incarnation, ++number, last_seal, leaves);
  last_seal = seal_id(root, made);
  return made;
}

Statement TestNode::say(const RootFingerprint& root, const StatementBody& body) {
  const Statement said =
      sign_by_node(root, key, certificate, incarnation, ++number, last_seal, body);
  last_seal = seal_id(root, std::get<Seal>(said.authority));
  return said;
}

TestDeployment::TestDeployment(std::uint64_t seed)
    : entropy_((init_crypto(), seed)),
      key_in_use_(entropy_.array<32>()),
      key_on_paper_(entropy_.array<32>()) {
  statements_.push_back(make_genesis(key_in_use_, key_on_paper_, now_, entropy_.array<16>()));
  root_ = root_fingerprint(statements_.front().body);
  auto created = Registry::create(root_, statements_.front());
  LT_CHECK(created.ok());
  registry_ = std::make_shared<const Registry>(*std::move(created));
}

AgencyDeclaration TestDeployment::declaration(const AgencyId& parent, std::string_view code) {
  AgencyDeclaration body;
  body.parent = parent;
  body.code = code;
  body.name = "Cơ quan " + std::string(code);
  body.tier = "commune";
  body.declared_at = tick();
  body.nonce = to_bytes(entropy_.array<16>());
  body.tree_version = registry_->newest();
  return body;
}

AgencyId TestDeployment::add_agency(const AgencyId& parent, std::string_view code,
                                    std::string_view name, std::string_view tier) {
  AgencyDeclaration body = declaration(parent, code);
  body.name = name;
  body.tier = tier;
  if (parent.is_zero()) return id_cast<AgencyId>(add(by_root(body)));
  TestNode* issuer = find_issuer(parent);
  if (issuer == nullptr) issuer = &issuer_above(parent);
  return id_cast<AgencyId>(add(issuer->say(root_, body)));
}

TestNode TestDeployment::make_node(const AgencyId& agency) {
  TestNode node{.agency = agency,
                .certificate = {},
                .key = SigningKey(entropy_.array<32>()),
                .dh_key = DhKey(entropy_.array<32>()),
                .may_issue = false,
                .incarnation = 0,
                .number = 0,
                .last_seal = {}};
  const auto bytes = entropy_.array<8>();
  ByteReader random(bytes);
  node.incarnation = *random.u64();
  return node;
}

Certificate TestDeployment::certificate(const AgencyId& agency, const TestNode& node) {
  Certificate body;
  body.agency = agency;
  body.node = node.id();
  body.dh_key = node.dh_key.public_key();
  body.may_issue = node.may_issue;
  body.issued_at = tick();
  body.renew_by = body.issued_at + 365LL * 86'400'000;
  body.tree_version = registry_->newest();
  body.possession = sign_possession(root_, agency, node.key, body.dh_key);
  return body;
}

TestNode& TestDeployment::add_node(const AgencyId& agency, bool may_issue) {
  TestNode node = make_node(agency);
  node.may_issue = may_issue;
  const Certificate body = certificate(agency, node);
  const bool topmost = !registry_->parent(agency, registry_->newest());
  const Statement made = topmost ? by_root(body) : issuer_above(agency).say(root_, body);
  node.certificate = id_cast<CertificateId>(add(made));
  nodes_.push_back(std::move(node));
  return nodes_.back();
}

TreeChange TestDeployment::tree_change(std::vector<AgencyChange> changes) {
  TreeChange body;
  body.number = registry_->tree_head().number + 1;
  body.previous = registry_->tree_head().id;
  body.changes = std::move(changes);
  body.decided_at = tick();
  body.note = "QĐ " + std::to_string(body.number);
  return body;
}

StatementId TestDeployment::change_tree(std::vector<AgencyChange> changes) {
  return add(by_root(tree_change(std::move(changes))));
}

Adoption TestDeployment::adoption_of(const TestDeployment& other, const AgencyId& place) {
  return propose_adoption(*registry_, *other.registry_, place, tick(), "NQ 202/2025/QH15");
}

Statement TestDeployment::adopts(const TestDeployment& other, const AgencyId& place) {
  const Adoption body = adoption_of(other, place);
  return make_adoption(body, sign_adoption(root_, key_in_use_, body),
                       sign_adoption(other.root_, other.key_on_paper_, body));
}

void TestDeployment::learn(const Statement& adoption, const TestDeployment& other) {
  add(adoption);
  const std::vector<Statement> theirs = other.statements_;
  for (const Statement& statement : theirs) add(statement);
}

StatementId TestDeployment::add(const Statement& statement) {
  auto grown = registry_->with(std::span(&statement, 1));
  LT_CHECK(grown.ok());
  if ((*grown)->size() != registry_->size()) statements_.push_back(statement);
  registry_ = *std::move(grown);
  return registry_->id_of(statement);
}

TestNode* TestDeployment::find_issuer(const AgencyId& agency) {
  for (TestNode& node : nodes_)
    if (node.agency == agency && node.may_issue) return &node;
  return nullptr;
}

TestNode& TestDeployment::issuer_above(const AgencyId& agency) {
  for (const AgencyId& superior : registry_->superiors(agency, registry_->newest()))
    if (TestNode* node = find_issuer(superior)) return *node;
  LT_CHECK(false && "no node above may issue");
  return nodes_.front();
}

}  // namespace lienthong::test
