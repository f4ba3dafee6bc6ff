#include "protocol/record/registry.h"

#include <algorithm>
#include <tuple>

#include "protocol/base/limits.h"
#include "protocol/crypto/hash.h"
#include "protocol/record/codec.h"
#include "protocol/record/registry_state.h"

namespace lienthong {

using registry_detail::above_or_equal_at;
using registry_detail::AgencyNode;
using registry_detail::CertificateNode;
using registry_detail::dissolved_at;
using registry_detail::Entry;
using registry_detail::evaluate;
using registry_detail::Evaluated;
using registry_detail::Held;
using registry_detail::Index;
using registry_detail::index_of;
using registry_detail::kNone;
using registry_detail::level_at;
using registry_detail::node_of;
using registry_detail::parent_at;
using registry_detail::resolve_at;
using registry_detail::successors_at;
using registry_detail::superior_at;
using registry_detail::up_at;

namespace {

// ---- check() ----

Result<void> check_genesis(const Genesis& genesis) {
  LT_TRY_VOID(check_key(genesis.key_in_use));
  LT_TRY_VOID(check_key(genesis.key_on_paper));
  if (genesis.key_in_use == genesis.key_on_paper)
    return Error(Errc::kMalformed, "the two root keys are one");
  return {};
}

Result<void> check_agency(const Held& data, const AgencyId& id) {
  const Entry* entry = data.find(id_cast<StatementId>(id));
  if (entry == nullptr) return Error(Errc::kUnknownAgency, id.short_hex());
  if (!std::holds_alternative<AgencyDeclaration>(entry->body))
    return Error(Errc::kMalformed, "names a statement that declares no agency");
  return {};
}

Result<void> check_version(const Held& data, TreeVersion version) {
  if (version > data.highest)
    return Error(Errc::kUnknownParent, "tree version " + std::to_string(version));
  return {};
}

Result<void> check_names(std::string_view code, std::string_view name, std::string_view tier) {
  if (code.size() > kAgencyCodeBytesMax) return Error(Errc::kTooLarge, "code of an agency");
  if (name.size() > kAgencyNameBytesMax) return Error(Errc::kTooLarge, "name of an agency");
  if (tier.size() > kAgencyCodeBytesMax) return Error(Errc::kTooLarge, "tier of an agency");
  return {};
}

Result<void> check_body(const Held&, const Genesis&, const Authority&) {
  return Error(Errc::kBadHash, "genesis of another deployment");
}

Result<void> check_body(const Held& data, const AgencyDeclaration& body,
                        const Authority& authority) {
  LT_TRY_VOID(check_names(body.code, body.name, body.tier));
  if (body.parent.is_zero() != std::holds_alternative<RootSignature>(authority))
    return Error(Errc::kMalformed, "the root declares the topmost agencies and no others");
  std::size_t depth = 0;
  for (AgencyId above = body.parent; !above.is_zero(); ++depth) {
    LT_TRY_VOID(check_agency(data, above));
    if (depth == kAgencyDepthMax) return Error(Errc::kTooLarge, "depth of the tree");
    above = data.find_body<AgencyDeclaration>(id_cast<StatementId>(above))->parent;
  }
  return check_version(data, body.tree_version);
}

Result<void> check_change(const Held& data, const AgencyChange& change) {
  LT_TRY_VOID(check_agency(data, change.agency));
  if (const auto* reparent = std::get_if<Reparent>(&change.change)) {
    if (reparent->parent == change.agency) return Error(Errc::kMalformed, "an agency below itself");
    return check_agency(data, reparent->parent);
  }
  if (const auto* dissolve = std::get_if<Dissolve>(&change.change)) {
    for (const AgencyId& successor : dissolve->successors) {
      if (successor == change.agency) return Error(Errc::kMalformed, "an agency succeeds itself");
      LT_TRY_VOID(check_agency(data, successor));
    }
    return {};
  }
  const auto& rename = std::get<Rename>(change.change);
  return check_names(rename.code, rename.name, "");
}

Result<void> check_body(const Held& data, const TreeChange& body, const Authority& authority) {
  if (!std::holds_alternative<RootSignature>(authority))
    return Error(Errc::kMalformed, "only the root changes the tree");
  const Entry* previous = data.find(body.previous);
  if (previous == nullptr)
    return Error(Errc::kUnknownParent, "tree version " + std::to_string(body.number - 1));
  const auto* change = std::get_if<TreeChange>(&previous->body);
  if (change == nullptr && !std::holds_alternative<Genesis>(previous->body))
    return Error(Errc::kMalformed, "the statement before is no tree version");
  if (body.number != (change == nullptr ? 0 : change->number) + 1)
    return Error(Errc::kMalformed, "number of a tree version");
  for (const AgencyChange& item : body.changes) LT_TRY_VOID(check_change(data, item));
  for (const NodeId& key : {body.key_in_use, body.key_on_paper})
    if (!key.is_zero()) LT_TRY_VOID(check_key(key));
  return {};
}

Result<void> check_body(const Held& data, const Certificate& body, const Authority&) {
  LT_TRY_VOID(check_key(body.node));
  LT_TRY_VOID(check_dh_key(body.dh_key));
  const Hash256 possession = possession_hash(data.root, body.agency, body.node, body.dh_key);
  LT_TRY_VOID(verify(body.node, possession.view(), body.possession));
  LT_TRY_VOID(check_agency(data, body.agency));
  if (!body.replaces.is_zero()) {
    const Entry* replaced = data.find(id_cast<StatementId>(body.replaces));
    if (replaced == nullptr) return Error(Errc::kUnknownParent, "the certificate replaced");
    const auto* old = std::get_if<Certificate>(&replaced->body);
    if (old == nullptr || old->node != body.node || old->agency != body.agency)
      return Error(Errc::kMalformed, "replaces a certificate of another node or agency");
  }
  return check_version(data, body.tree_version);
}

Result<void> check_body(const Held& data, const Revocation& body, const Authority&) {
  for (const StatementId& id : body.after) {
    const Entry* earlier = data.find(id);
    if (earlier == nullptr) return Error(Errc::kUnknownParent, "the revocation before");
    const auto* revocation = std::get_if<Revocation>(&earlier->body);
    if (revocation == nullptr || revocation->node != body.node)
      return Error(Errc::kMalformed, "follows what is no revocation of that node");
  }
  return check_version(data, body.tree_version);
}

Result<void> check_body(const Held& data, const Closing& body, const Authority&) {
  for (const StatementId& id : body.after) {
    const Entry* earlier = data.find(id);
    if (earlier == nullptr) return Error(Errc::kUnknownParent, "the closing before");
    const auto* closing = std::get_if<Closing>(&earlier->body);
    if (closing == nullptr || closing->node != body.node || closing->version != body.version)
      return Error(Errc::kMalformed, "follows what is no closing of that node for that version");
  }
  return check_version(data, body.tree_version);
}

Result<void> check_body(const Held& data, const Withdrawal& body, const Authority& authority) {
  LT_TRY_VOID(check_agency(data, body.agency));
  const auto* declared = data.find_body<AgencyDeclaration>(id_cast<StatementId>(body.agency));
  if (declared->parent.is_zero() != std::holds_alternative<RootSignature>(authority))
    return Error(Errc::kMalformed, "the root takes topmost agencies back and no others");
  return check_version(data, body.tree_version);
}

Result<void> check_authority(const Held& data, const Statement& statement) {
  const Hash256 hash = statement_hash(data.root, statement.body);
  if (const auto* root = std::get_if<RootSignature>(&statement.authority)) {
    LT_TRY_VOID(verify(root->key, root_signing_bytes(data.root, hash), root->signature));
    if (!data.root_keys.contains(root->key))
      return Error(Errc::kUnknownCertificate, "root key " + root->key.short_hex());
    return {};
  }
  const auto* seal = std::get_if<Seal>(&statement.authority);
  if (seal == nullptr) return Error(Errc::kBadSignature, "a statement that nobody vouches for");
  if (seal->count != 1 || seal->number == 0)
    return Error(Errc::kMalformed, "a statement's seal has one leaf");
  if (seal->root != merkle_root(data.root, std::span(&hash, 1)))
    return Error(Errc::kBadHash, "seal of another statement");
  const auto* certificate = data.find_body<Certificate>(id_cast<StatementId>(seal->certificate));
  if (certificate == nullptr)
    return Error(Errc::kUnknownCertificate, seal->certificate.short_hex());
  if (!certificate->may_issue)
    return Error(Errc::kNotAllowed, "sealed under a certificate that may not issue");
  return verify_seal(data.root, *seal, certificate->node);
}

// The entry to add; null: it is here already.
Result<std::shared_ptr<const Entry>> examine(const Held& data, const Statement& statement) {
  if (statement.body.size() > kStatementBytesMax) return Error(Errc::kTooLarge, "statement");
  auto entry = std::make_shared<Entry>();
  LT_TRY(entry->body, wire::decode_statement(statement.body));
  entry->id = statement_id(data.root, statement);
  // The signature is no part of the id: what is here was verified, a copy with a bad one adds
  // nothing.
  if (data.entries.contains(entry->id)) return std::shared_ptr<const Entry>();
  // Nothing waits for what it names unless somebody vouches for it who might have the right.
  if (!std::holds_alternative<Genesis>(entry->body)) LT_TRY_VOID(check_authority(data, statement));
  LT_TRY_VOID(std::visit(
      [&](const auto& body) { return check_body(data, body, statement.authority); }, entry->body));
  entry->statement = statement;
  if (const Seal* seal = entry->seal()) entry->seal_id = seal_id(data.root, *seal);
  return std::shared_ptr<const Entry>(std::move(entry));
}

void insert(Held& data, std::shared_ptr<const Entry> entry) {
  if (const auto* genesis = std::get_if<Genesis>(&entry->body)) {
    data.root_keys = {genesis->key_in_use, genesis->key_on_paper};
  } else if (const auto* tree = std::get_if<TreeChange>(&entry->body)) {
    data.highest = std::max(data.highest, tree->number);
    if (!tree->key_in_use.is_zero()) data.root_keys.insert(tree->key_in_use);
    if (!tree->key_on_paper.is_zero()) data.root_keys.insert(tree->key_on_paper);
  }
  data.order.push_back(entry->id);
  const StatementId id = entry->id;
  data.entries.emplace(id, std::move(entry));
}

}  // namespace

Result<Registry> Registry::create(const RootFingerprint& root, const Statement& genesis) {
  if (genesis.body.size() > kStatementBytesMax) return Error(Errc::kTooLarge, "genesis");
  if (root_fingerprint(genesis.body) != root)
    return Error(Errc::kBadHash, "genesis does not match the root fingerprint");
  auto entry = std::make_shared<Entry>();
  LT_TRY(entry->body, wire::decode_statement(genesis.body));
  const auto* body = std::get_if<Genesis>(&entry->body);
  if (body == nullptr || !std::holds_alternative<std::monostate>(genesis.authority))
    return Error(Errc::kMalformed, "no genesis");
  LT_TRY_VOID(check_genesis(*body));
  entry->id = id_cast<StatementId>(root);
  entry->statement = genesis;
  auto state = std::make_shared<State>();
  state->root = root;
  insert(*state, std::move(entry));
  evaluate(*state);
  return Registry(std::move(state));
}

Result<StatementId> Registry::check(const Statement& statement) const {
  const auto entry = examine(*state_, statement);
  if (!entry) return entry.error();
  return statement_id(state_->root, statement);
}

Result<void> Registry::admit(const Statement& statement) const {
  const auto* seal = std::get_if<Seal>(&statement.authority);
  const CertificateNode* sealer =
      seal == nullptr ? nullptr : node_of(state_->evaluated, seal->certificate);
  if (sealer == nullptr) return {};
  const auto& certificates = state_->evaluated.certificates;
  for (const CertificateNode* at = sealer; at != nullptr;
       at = at->issuer == kNone ? nullptr : &certificates[at->issuer])
    if (at->over)
      return Error(Errc::kNotAllowed, "too much was said under certificate " +
                                          id_cast<CertificateId>(at->entry->id).short_hex());
  if (!sealer->revoked.within(*seal, seal_id(state_->root, *seal)))
    return Error(Errc::kRevoked, "sealed by a machine that is revoked");
  return {};
}

Result<std::shared_ptr<const Registry>> Registry::with(
    std::span<const Statement> statements) const {
  auto state = std::make_shared<State>();
  static_cast<Held&>(*state) = *state_;
  for (const Statement& statement : statements) {
    LT_TRY(auto entry, examine(*state, statement));
    if (entry != nullptr) insert(*state, std::move(entry));
  }
  evaluate(*state);
  return std::shared_ptr<const Registry>(new Registry(std::move(state)));
}

std::shared_ptr<const Registry> Registry::grow(std::span<const Statement> statements,
                                               std::vector<std::optional<Error>>& failed) const {
  auto state = std::make_shared<State>();
  static_cast<Held&>(*state) = *state_;
  failed.clear();
  for (const Statement& statement : statements) {
    auto entry = examine(*state, statement);
    failed.push_back(entry.ok() ? std::nullopt : std::optional(entry.error()));
    if (entry.ok() && *entry != nullptr) insert(*state, *std::move(entry));
  }
  evaluate(*state);
  return std::shared_ptr<const Registry>(new Registry(std::move(state)));
}

const RootFingerprint& Registry::root() const { return state_->root; }
Hash256 Registry::digest() const { return state_->evaluated.digest; }
std::size_t Registry::size() const { return state_->order.size(); }
bool Registry::contains(const StatementId& id) const { return state_->entries.contains(id); }
std::vector<StatementId> Registry::statements() const { return state_->order; }
UnixMillis Registry::newest_root_word() const { return state_->evaluated.newest_root_word; }

const Statement* Registry::find_statement(const StatementId& id) const {
  const Entry* entry = state_->find(id);
  return entry == nullptr ? nullptr : &entry->statement;
}

// ---- agencies ----

const AgencyInfo* Registry::find_agency(const AgencyId& id) const {
  const Index agency = index_of(state_->evaluated, id);
  return agency == kNone ? nullptr : &state_->evaluated.agencies[agency].info;
}

const AgencyInfo* Registry::find_agency_by_code(std::string_view code) const {
  const auto found = state_->evaluated.by_code.find(std::string(code));
  if (found == state_->evaluated.by_code.end() || found->second.size() != 1) return nullptr;
  return &state_->evaluated.agencies[found->second.front()].info;
}

std::vector<const AgencyInfo*> Registry::bearers_of(std::string_view code) const {
  std::vector<const AgencyInfo*> out;
  const Evaluated& from = state_->evaluated;
  for (Index i = 0; i < from.agencies.size(); ++i) {
    const AgencyNode& node = from.agencies[i];
    if (node.info.code == code && node.believed && !node.info.withdrawn &&
        !dissolved_at(from, i, state_->highest))
      out.push_back(&node.info);
  }
  std::ranges::sort(out, {}, &AgencyInfo::id);
  return out;
}

std::vector<const AgencyInfo*> Registry::agencies() const {
  std::vector<const AgencyInfo*> out;
  for (const AgencyNode& node : state_->evaluated.agencies)
    if (node.believed && !node.info.withdrawn) out.push_back(&node.info);
  std::sort(out.begin(), out.end(), [](const AgencyInfo* a, const AgencyInfo* b) {
    return std::tie(a->code, a->id) < std::tie(b->code, b->id);
  });
  return out;
}

std::optional<AgencyId> Registry::parent(const AgencyId& id, TreeVersion version) const {
  const Evaluated& from = state_->evaluated;
  const Index agency = index_of(from, id);
  if (agency == kNone) return std::nullopt;
  const Index above = parent_at(from, agency, version);
  if (above == kNone) return std::nullopt;
  return from.agencies[above].info.id;
}

std::vector<AgencyId> Registry::children(const AgencyId& id, TreeVersion version) const {
  const Evaluated& from = state_->evaluated;
  std::vector<AgencyId> out;
  const Index agency = index_of(from, id);
  if (agency == kNone) return out;
  for (const Index child : from.agencies[agency].ever_children) {
    if (from.agencies[child].believed && !from.agencies[child].info.withdrawn &&
        parent_at(from, child, version) == agency)
      out.push_back(from.agencies[child].info.id);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<AgencyId> Registry::successors(const AgencyId& id, TreeVersion version) const {
  const Evaluated& from = state_->evaluated;
  std::vector<AgencyId> out;
  const Index agency = index_of(from, id);
  if (agency == kNone) return out;
  if (const auto* successors = successors_at(from, agency, version))
    for (const Index successor : *successors) out.push_back(from.agencies[successor].info.id);
  return out;
}

TreeHead Registry::tree_head() const {
  const auto& chain = state_->evaluated.chain;
  if (chain.empty()) return {0, id_cast<StatementId>(state_->root)};
  return {static_cast<TreeVersion>(chain.size()), chain.back()->id};
}

StatementId Registry::tree_id(TreeVersion version) const {
  const auto& chain = state_->evaluated.chain;
  if (version == 0) return id_cast<StatementId>(state_->root);
  return version <= chain.size() ? chain[version - 1]->id : StatementId{};
}

// ---- TreeView ----

TreeVersion Registry::newest() const { return state_->highest; }

bool Registry::above_or_equal(const AgencyId& upper, const AgencyId& lower,
                              TreeVersion version) const {
  const Index above = index_of(state_->evaluated, upper);
  const Index below = index_of(state_->evaluated, lower);
  return above != kNone && below != kNone &&
         above_or_equal_at(state_->evaluated, above, below, version);
}

bool Registry::superior(const AgencyId& upper, const AgencyId& lower, TreeVersion version) const {
  const Index above = index_of(state_->evaluated, upper);
  const Index below = index_of(state_->evaluated, lower);
  return above != kNone && below != kNone && superior_at(state_->evaluated, above, below, version);
}

unsigned Registry::level(const AgencyId& agency, TreeVersion version) const {
  const Index index = index_of(state_->evaluated, agency);
  return index == kNone ? 0 : level_at(state_->evaluated, index, version);
}

bool Registry::dissolved(const AgencyId& agency, TreeVersion version) const {
  const Index index = index_of(state_->evaluated, agency);
  return index != kNone && dissolved_at(state_->evaluated, index, version);
}

AgencyId Registry::resolve(const AgencyId& agency, TreeVersion version) const {
  const Index index = index_of(state_->evaluated, agency);
  if (index == kNone) return agency;
  return state_->evaluated.agencies[resolve_at(state_->evaluated, index, version)].info.id;
}

std::vector<AgencyId> Registry::superiors(const AgencyId& agency, TreeVersion version) const {
  const Evaluated& from = state_->evaluated;
  std::vector<AgencyId> out;
  const Index index = index_of(from, agency);
  if (index == kNone) return out;
  for (Index above = up_at(from, index, version); above != kNone;
       above = up_at(from, above, version))
    out.push_back(from.agencies[above].info.id);
  return out;
}

std::vector<AgencyId> Registry::everyone() const {
  std::vector<AgencyId> out;
  for (const AgencyNode& agency : state_->evaluated.agencies)
    if (agency.believed) out.push_back(agency.info.id);
  std::ranges::sort(out);
  return out;
}

// ---- making statements ----

Statement make_genesis(const SigningKey& in_use, const SigningKey& on_paper, UnixMillis now,
                       const std::array<std::uint8_t, 16>& nonce) {
  Genesis genesis;
  genesis.key_in_use = in_use.public_key();
  genesis.key_on_paper = on_paper.public_key();
  genesis.created_at = now;
  genesis.nonce = to_bytes(nonce);
  Statement statement;
  statement.body = wire::encode(StatementBody(genesis));
  return statement;
}

Statement sign_by_root(const RootFingerprint& root, const SigningKey& key,
                       const StatementBody& body) {
  Statement statement;
  statement.body = wire::encode(body);
  RootSignature signature;
  signature.key = key.public_key();
  signature.signature = key.sign(root_signing_bytes(root, statement_hash(root, statement.body)));
  statement.authority = signature;
  return statement;
}

Statement sign_by_node(const RootFingerprint& root, const SigningKey& key,
                       const CertificateId& certificate, std::uint64_t incarnation,
                       std::uint32_t number, const SealId& previous, const StatementBody& body) {
  Statement statement;
  statement.body = wire::encode(body);
  const Hash256 leaf = statement_hash(root, statement.body);
  statement.authority =
      make_seal(root, key, certificate, incarnation, number, previous, std::span(&leaf, 1));
  return statement;
}

}  // namespace lienthong
