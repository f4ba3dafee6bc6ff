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
using registry_detail::number_in_chain;
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

bool by_root(const Entry& entry) {
  return std::holds_alternative<RootSignature>(entry.statement.authority);
}

Result<void> check_body(const Held& data, const Genesis& body, const Entry& entry) {
  const bool named = std::ranges::any_of(data.adoptions, [&](const auto& adoption) {
    const Adoption& of = *adoption->adoption();
    return of.adopter == entry.root || of.adopted == entry.root;
  });
  if (!named) return Error(Errc::kBadHash, "genesis of another deployment");
  if (!std::holds_alternative<std::monostate>(entry.statement.authority))
    return Error(Errc::kMalformed, "a genesis that somebody signed");
  return check_genesis(body);
}

Result<void> check_body(const Held& data, const AgencyDeclaration& body, const Entry& entry) {
  LT_TRY_VOID(check_names(body.code, body.name, body.tier));
  if (body.parent.is_zero() != by_root(entry))
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

// The number of a tree version that another follows under that root.
Result<TreeVersion> number_before(const Held& data, const StatementId& id,
                                  const RootFingerprint& root) {
  const Entry* previous = data.find(id);
  if (previous == nullptr) return Error(Errc::kUnknownParent, "tree version " + id.short_hex());
  const auto number = number_in_chain(*previous, root);
  if (!number) return Error(Errc::kMalformed, "the statement before is no tree version");
  return *number;
}

Result<void> check_body(const Held& data, const TreeChange& body, const Entry& entry) {
  if (!by_root(entry)) return Error(Errc::kMalformed, "only the root changes the tree");
  LT_TRY(const TreeVersion before, number_before(data, body.previous, entry.root));
  if (body.number != before + 1) return Error(Errc::kMalformed, "number of a tree version");
  for (const AgencyChange& item : body.changes) LT_TRY_VOID(check_change(data, item));
  for (const NodeId& key : {body.key_in_use, body.key_on_paper})
    if (!key.is_zero()) LT_TRY_VOID(check_key(key));
  return {};
}

// Of a root that is not here yet nothing is known: the adoption brings its genesis, and does not
// stand until what it follows there has come too.
Result<void> check_body(const Held& data, const Adoption& body, const Entry& entry) {
  const auto& both = std::get<BothRoots>(entry.statement.authority);
  std::optional<TreeVersion> before, last;
  if (const auto keys = data.root_keys.find(body.adopter); keys != data.root_keys.end()) {
    if (!keys->second.contains(both.adopter.key))
      return Error(Errc::kUnknownCertificate, "root key " + both.adopter.key.short_hex());
    LT_TRY(before, number_before(data, body.previous, body.adopter));
    LT_TRY_VOID(check_agency(data, body.place));
  }
  if (const auto keys = data.root_keys.find(body.adopted); keys != data.root_keys.end()) {
    if (!keys->second.contains(both.adopted.key))
      return Error(Errc::kUnknownCertificate, "root key " + both.adopted.key.short_hex());
    LT_TRY(last, number_before(data, body.adopted_previous, body.adopted));
  }
  if (!before && !last) return Error(Errc::kUnknownCertificate, "an adoption among other roots");
  if (body.number <= std::max(before.value_or(0), last.value_or(0)) ||
      (before && last && body.number != std::max(*before, *last) + 1))
    return Error(Errc::kMalformed, "number of a tree version");
  return {};
}

// The machine says under some root that is here that it has the keys.
Result<void> check_possession(const Held& data, const Certificate& body, const Entry& entry) {
  const auto proved = [&](const RootFingerprint& root) {
    const Hash256 possession = possession_hash(root, body.agency, body.node, body.dh_key);
    return verify(body.node, possession.view(), body.possession);
  };
  const auto own = proved(entry.root);
  if (own.ok() || data.root_keys.size() == 1) return own;
  for (const auto& [root, keys] : data.root_keys)
    if (root != entry.root && proved(root).ok()) return {};
  return own;
}

Result<void> check_body(const Held& data, const Certificate& body, const Entry& entry) {
  LT_TRY_VOID(check_key(body.node));
  LT_TRY_VOID(check_dh_key(body.dh_key));
  LT_TRY_VOID(check_possession(data, body, entry));
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

Result<void> check_body(const Held& data, const Revocation& body, const Entry&) {
  for (const StatementId& id : body.after) {
    const Entry* earlier = data.find(id);
    if (earlier == nullptr) return Error(Errc::kUnknownParent, "the revocation before");
    const auto* revocation = std::get_if<Revocation>(&earlier->body);
    if (revocation == nullptr || revocation->node != body.node)
      return Error(Errc::kMalformed, "follows what is no revocation of that node");
  }
  return check_version(data, body.tree_version);
}

Result<void> check_body(const Held& data, const Closing& body, const Entry&) {
  for (const StatementId& id : body.after) {
    const Entry* earlier = data.find(id);
    if (earlier == nullptr) return Error(Errc::kUnknownParent, "the closing before");
    const auto* closing = std::get_if<Closing>(&earlier->body);
    if (closing == nullptr || closing->node != body.node || closing->version != body.version)
      return Error(Errc::kMalformed, "follows what is no closing of that node for that version");
  }
  return check_version(data, body.tree_version);
}

Result<void> check_body(const Held& data, const Withdrawal& body, const Entry& entry) {
  LT_TRY_VOID(check_agency(data, body.agency));
  const auto* declared = data.find_body<AgencyDeclaration>(id_cast<StatementId>(body.agency));
  if (declared->parent.is_zero() != by_root(entry))
    return Error(Errc::kMalformed, "the root takes topmost agencies back and no others");
  return check_version(data, body.tree_version);
}

Result<void> check_both(const BothRoots& both, const Statement& statement,
                        const StatementBody& body) {
  const auto* adoption = std::get_if<Adoption>(&body);
  if (adoption == nullptr) return Error(Errc::kMalformed, "signed by two roots");
  const auto signed_by = [&](const RootFingerprint& root, const RootSignature& by) {
    return verify(by.key, root_signing_bytes(root, statement_hash(root, statement.body)),
                  by.signature);
  };
  LT_TRY_VOID(signed_by(adoption->adopter, both.adopter));
  return signed_by(adoption->adopted, both.adopted);
}

Result<void> check_authority(const Held& data, const Statement& statement,
                             const StatementBody& body, const RootFingerprint& under) {
  if (const auto* both = std::get_if<BothRoots>(&statement.authority))
    return check_both(*both, statement, body);
  if (std::holds_alternative<Adoption>(body))
    return Error(Errc::kMalformed, "an adoption that one root signed");
  const Hash256 hash = statement_hash(under, statement.body);
  if (const auto* root = std::get_if<RootSignature>(&statement.authority)) {
    LT_TRY_VOID(verify(root->key, root_signing_bytes(under, hash), root->signature));
    if (!data.root_keys.at(under).contains(root->key))
      return Error(Errc::kUnknownCertificate, "root key " + root->key.short_hex());
    return {};
  }
  const auto* seal = std::get_if<Seal>(&statement.authority);
  if (seal == nullptr) return Error(Errc::kBadSignature, "a statement that nobody vouches for");
  if (seal->count != 1 || seal->number == 0)
    return Error(Errc::kMalformed, "a statement's seal has one leaf");
  const auto* certificate = data.find_body<Certificate>(id_cast<StatementId>(seal->certificate));
  // With several roots it is not known yet under which one it was sealed.
  if (certificate == nullptr && (data.root_keys.size() > 1 || !data.adoptions.empty()))
    return Error(Errc::kUnknownCertificate, seal->certificate.short_hex());
  if (seal->root != merkle_root(under, std::span(&hash, 1)))
    return Error(Errc::kBadHash, "seal of another statement");
  if (certificate == nullptr)
    return Error(Errc::kUnknownCertificate, seal->certificate.short_hex());
  if (!certificate->may_issue)
    return Error(Errc::kNotAllowed, "sealed under a certificate that may not issue");
  return verify_seal(under, *seal, certificate->node);
}

// The entry to add; null: it is here already.
Result<std::shared_ptr<const Entry>> examine(const Held& data, const Statement& statement) {
  if (statement.body.size() > kStatementBytesMax) return Error(Errc::kTooLarge, "statement");
  auto entry = std::make_shared<Entry>();
  LT_TRY(entry->body, wire::decode_statement(statement.body));
  entry->root = registry_detail::root_of(data, statement).value_or(data.root);
  entry->id = statement_id(entry->root, statement);
  // The signature is no part of the id: what is here was verified, a copy with a bad one adds
  // nothing.
  if (data.entries.contains(entry->id)) return std::shared_ptr<const Entry>();
  // Nothing waits for what it names unless somebody vouches for it who might have the right.
  if (!std::holds_alternative<Genesis>(entry->body))
    LT_TRY_VOID(check_authority(data, statement, entry->body, entry->root));
  entry->statement = statement;
  LT_TRY_VOID(
      std::visit([&](const auto& body) { return check_body(data, body, *entry); }, entry->body));
  if (const Seal* seal = entry->seal()) entry->seal_id = seal_id(entry->root, *seal);
  return std::shared_ptr<const Entry>(std::move(entry));
}

// Adoptions count as tree versions from when all that they follow is here.
void find_highest(Held& data) {
  for (const auto& entry : data.adoptions) {
    const Adoption& adoption = *entry->adoption();
    const auto before = number_before(data, adoption.previous, adoption.adopter);
    const auto last = number_before(data, adoption.adopted_previous, adoption.adopted);
    if (before.ok() && last.ok() && adoption.number == std::max(*before, *last) + 1)
      data.highest = std::max(data.highest, adoption.number);
  }
}

void insert(Held& data, std::shared_ptr<const Entry> entry) {
  data.order.push_back(entry->id);
  const StatementId id = entry->id;
  const Entry& added = *entry;
  if (added.adoption() != nullptr) data.adoptions.push_back(entry);
  data.entries.emplace(id, std::move(entry));
  if (const auto* genesis = std::get_if<Genesis>(&added.body)) {
    data.root_keys[added.root] = {genesis->key_in_use, genesis->key_on_paper};
  } else if (const auto* tree = std::get_if<TreeChange>(&added.body)) {
    data.highest = std::max(data.highest, tree->number);
    auto& keys = data.root_keys[added.root];
    if (!tree->key_in_use.is_zero()) keys.insert(tree->key_in_use);
    if (!tree->key_on_paper.is_zero()) keys.insert(tree->key_on_paper);
  } else if (added.adoption() == nullptr) {
    return;
  }
  find_highest(data);
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
  entry->root = root;
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
  return id_of(statement);
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
  if (!sealer->revoked.within(*seal, seal_id(sealer->entry->root, *seal)))
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
  const auto& line = state_->evaluated.line;
  if (line.empty()) return {0, id_cast<StatementId>(state_->root)};
  return {line.back().number, line.back().entry->id};
}

StatementId Registry::tree_id(TreeVersion version) const {
  const auto& line = state_->evaluated.line;
  if (!line.empty() && version > line.back().number) return {};
  StatementId id = id_cast<StatementId>(state_->root);
  for (const auto& step : line)
    if (step.number <= version) id = step.entry->id;
  return line.empty() && version > 0 ? StatementId{} : id;
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
