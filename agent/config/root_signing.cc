#include "agent/config/root_signing.h"

#include <map>

#include "protocol/base/text_fields.h"
#include "protocol/crypto/secret_file.h"
#include "protocol/record/adoption.h"
#include "protocol/record/codec.h"
#include "store/trust/tree.h"

namespace lienthong::agent {
namespace {

using What = RootWord::What;

// Says in words what each statement would do to the registry.
class Speaker {
 public:
  Speaker(const Registry& registry, std::vector<RootWord>& words)
      : registry_(registry), words_(words) {}

  Result<void> operator()(const TreeChange& body) {
    if (body.previous != registry_.tree_head().id)
      return Error(Errc::kConflict, "the tree has changed since the file was made: make it anew");
    say(What::kVersion, {std::to_string(body.number), body.note});
    if (!body.key_in_use.is_zero()) say(What::kNewKeyInUse, {body.key_in_use.hex()});
    if (!body.key_on_paper.is_zero()) say(What::kNewKeyOnPaper, {body.key_on_paper.hex()});
    if (body.changes.empty()) return {};
    LT_TRY(const auto then, store::outlook(registry_, body.changes, body.note, body.decided_at));
    for (const AgencyChange& change : body.changes) {
      if (const auto* rename = std::get_if<Rename>(&change.change))
        say(What::kRenamed, {name(change.agency), called(change.agency, *rename)});
      if (const auto* reparent = std::get_if<Reparent>(&change.change)) {
        const auto parent = registry_.parent(change.agency, registry_.newest());
        say(What::kMoved, {name(change.agency), parent ? name(*parent) : std::string("–"),
                           name(reparent->parent)});
      }
    }
    for (const store::Dissolved& one : then.dissolved) say(one);
    if (!then.closed.empty()) say(What::kClosed, {std::to_string(then.closed.size())});
    return {};
  }
  Result<void> operator()(const AgencyDeclaration& body) {
    say(What::kDeclared, {body.code + " " + body.name, body.tier});
    return {};
  }
  Result<void> operator()(const Certificate& body) {
    say(body.may_issue ? What::kCertifiedToIssue : What::kCertified,
        {body.node.short_hex(), name(body.agency)});
    return {};
  }
  Result<void> operator()(const Revocation& body) {
    say(What::kRevoked,
        {body.node.short_hex(), name(agency_of(body.node)), std::to_string(body.cuts.size())});
    return {};
  }
  Result<void> operator()(const Closing& body) {
    say(What::kClosedByRoot,
        {body.node.short_hex(), name(agency_of(body.node)), std::to_string(body.version)});
    return {};
  }
  Result<void> operator()(const Withdrawal& body) {
    say(What::kWithdrawn, {name(body.agency)});
    return {};
  }
  // Not in such a file.
  Result<void> operator()(const Genesis&) { return {}; }
  Result<void> operator()(const Adoption&) { return {}; }

 private:
  void say(What what, std::vector<std::string> values) {
    words_.push_back({what, std::move(values)});
  }

  void say(const store::Dissolved& one) {
    if (!one.named) {
      const auto parent = registry_.parent(one.agency, registry_.newest());
      const std::string above = parent ? name(*parent) : std::string("–");
      return one.heir.is_zero() ? say(What::kGoesAlongUndecided, {name(one.agency), above})
                                : say(What::kGoesAlong, {name(one.agency), above, name(one.heir)});
    }
    if (one.successors.empty()) return say(What::kEnded, {name(one.agency)});
    if (one.successors.size() == 1)
      return say(What::kSucceeded, {name(one.agency), name(one.successors.front())});
    std::string all;
    for (const AgencyId& successor : one.successors)
      all += (all.empty() ? "" : ", ") + name(successor);
    say(What::kSplit, {name(one.agency), all});
  }

  std::string name(const AgencyId& agency) const {
    const AgencyInfo* info = registry_.find_agency(agency);
    return info == nullptr ? agency.short_hex() : info->code + " " + info->name;
  }
  std::string called(const AgencyId& agency, const Rename& rename) const {
    const AgencyInfo* info = registry_.find_agency(agency);
    const std::string code = rename.code.empty() && info != nullptr ? info->code : rename.code;
    return code + " " + (rename.name.empty() && info != nullptr ? info->name : rename.name);
  }
  AgencyId agency_of(const NodeId& node) const {
    const auto line = registry_.issuing_line(node);
    return line.empty() ? AgencyId() : line.back();
  }

  const Registry& registry_;
  std::vector<RootWord>& words_;
};

Result<std::string> sign(const RootPlan& plan, const Seed& seed) {
  LT_TRY(const RootFile out, sign_root_file(plan.file, SigningKey(seed)));
  return std::string(as_text(encode_root_file(out)));
}

}  // namespace

Result<std::string> make_root_file(std::string_view registry,
                                   const std::vector<std::string>& bodies) {
  LT_TRY(AdoptionFile own, decode_adoption_file(as_bytes(registry)));
  RootFile out;
  out.root = own.root;
  out.registry = std::move(own.statements);
  for (const std::string& hex : bodies) {
    LT_TRY(const Bytes bytes, from_hex(hex));
    LT_TRY(StatementBody body, wire::decode_statement(bytes));
    out.said.push_back(std::move(body));
  }
  return std::string(as_text(encode_root_file(out)));
}

Result<RootPlan> plan_root_file(std::string_view file) {
  RootPlan out;
  LT_TRY(out.file, decode_root_file(as_bytes(file)));
  out.root = out.file.root.hex();
  if (out.file.is_signed()) return out;
  LT_TRY(const auto registry, registry_in(out.file));
  out.root = registry->writing_root().hex();
  Speaker speaker(*registry, out.words);
  for (const StatementBody& body : out.file.said) LT_TRY_VOID(std::visit(speaker, body));
  return out;
}

Result<std::string> sign_by_root_key(const RootPlan& plan, std::string_view root_key,
                                     std::string_view passphrase) {
  LT_TRY(const Seed seed, open_secret(root_key, passphrase));
  return sign(plan, seed);
}

Result<std::string> sign_by_root_paper(const RootPlan& plan, std::string_view root_paper) {
  LT_TRY(const TextFields fields, TextFields::parse(root_paper, "root-paper"));
  LT_TRY(const Seed seed, fields.bytes<32>("seed"));
  return sign(plan, seed);
}

Result<RenewedRoot> renew_root_key(const RootRenewal& renewal, Entropy& entropy) {
  if (renewal.passphrase.empty())
    return Error(Errc::kInvalidArgument, "the root key needs a passphrase");
  LT_TRY(const AdoptionFile own, decode_adoption_file(as_bytes(renewal.registry)));
  LT_TRY(const auto registry, registry_in(own));
  LT_TRY(const TextFields fields, TextFields::parse(renewal.root_paper, "root-paper"));
  LT_TRY(const Seed paper, fields.bytes<32>("seed"));
  const TreeVersion after = renewal.after.value_or(registry->tree_head().number);
  if (after > registry->tree_head().number)
    return Error(Errc::kInvalidArgument, "the tree has no version " + std::to_string(after));
  const Seed fresh = entropy.array<32>();
  TreeChange change;
  change.number = after + 1;
  change.previous = registry->tree_id(after);
  change.decided_at = renewal.now;
  change.note = renewal.note;
  change.key_in_use = SigningKey(fresh).public_key();
  const Statement statement =
      sign_by_root(registry->writing_root(), SigningKey(paper), StatementBody(change));
  const auto id = registry->check(statement);
  const auto then = id.ok() ? registry->with(std::span(&statement, 1)) : id.error();
  if (!then.ok() || (*then)->tree_id(change.number) != *id)
    return Error(Errc::kNotAllowed,
                 "the key is not the one on paper of the root that writes the "
                 "tree, or its word does not stand there");
  RootFile file;
  file.root = own.root;
  file.said = {StatementBody(change)};
  file.by = {std::get<RootSignature>(statement.authority)};
  const auto salt = entropy.array<16>();
  const auto nonce = entropy.array<24>();
  return RenewedRoot{seal_secret(fresh, renewal.passphrase, salt, nonce, renewal.cost),
                     std::string(as_text(encode_root_file(file))), change.key_in_use.hex(),
                     change.number};
}

}  // namespace lienthong::agent
