// Themes "statements" and "registries": what was said about agencies, keys and trust, and what
// follows from it.
#include <algorithm>

#include "tests/unit/golden_themes.h"

namespace lienthong::golden {
namespace {

// By its place in StatementBody; a kind that has no name here yet is still told from the others.
std::string kind_of(const StatementBody& body) {
  static constexpr const char* kNames[] = {"genesis",    "agency",  "tree",      "certificate",
                                           "revocation", "closing", "withdrawal"};
  if (body.index() < std::size(kNames)) return kNames[body.index()];
  return "kind-" + std::to_string(body.index());
}

std::string key_text(const NodeId& key) { return key.is_zero() ? "unchanged" : key.hex(); }

// What a statement says, field by field.
class Saying {
 public:
  Saying(Item& out, const Context& context) : out_(out), context_(context) {}

  void operator()(const Genesis& body) {
    out_.say("key-in-use", body.key_in_use).say("key-on-paper", body.key_on_paper);
    out_.say("time", time_text(body.created_at)).say("nonce", to_hex(body.nonce));
  }
  void operator()(const AgencyDeclaration& body) {
    out_.say("parent", context_.agency(body.parent)).say("code", body.code);
    out_.say("agency-name", body.name).say("tier", body.tier);
    out_.say("time", time_text(body.declared_at)).say("nonce", to_hex(body.nonce));
    out_.say("tree-version", std::uint64_t{body.tree_version});
  }
  void operator()(const TreeChange& body) {
    out_.say("number", std::uint64_t{body.number}).say("previous", body.previous);
    for (const AgencyChange& change : body.changes)
      out_.say("change", context_.agency(change.agency) + ' ' + text(change));
    out_.say("time", time_text(body.decided_at)).say("note", body.note);
    out_.say("key-in-use", key_text(body.key_in_use));
    out_.say("key-on-paper", key_text(body.key_on_paper));
  }
  void operator()(const Certificate& body) {
    out_.say("agency", context_.agency(body.agency)).say("node", body.node);
    out_.say("dh-key", to_hex(body.dh_key)).say("may-issue", body.may_issue ? "yes" : "no");
    out_.say("thousand", std::uint64_t{body.thousand});
    out_.say("renew-by", time_text(body.renew_by)).say("time", time_text(body.issued_at));
    out_.say("replaces", body.replaces.is_zero() ? "none" : body.replaces.hex());
    out_.say("tree-version", std::uint64_t{body.tree_version});
    const auto hash = possession_hash(context_.root(), body.agency, body.node, body.dh_key);
    const bool good = verify(body.node, hash.view(), body.possession).ok();
    out_.say("possession", good ? "is the machine's own" : "is not the machine's");
  }
  void operator()(const Revocation& body) {
    out_.say("node", body.node).say("reason", body.reason);
    cuts(body.cuts, body.stretch, body.after);
    out_.say("time", time_text(body.decided_at));
    out_.say("tree-version", std::uint64_t{body.tree_version});
  }
  void operator()(const Closing& body) {
    out_.say("node", body.node).say("version", std::uint64_t{body.version});
    cuts(body.cuts, body.stretch, body.after);
    out_.say("time", time_text(body.decided_at));
    out_.say("tree-version", std::uint64_t{body.tree_version});
  }
  void operator()(const Withdrawal& body) {
    out_.say("agency", context_.agency(body.agency)).say("reason", body.reason);
    out_.say("time", time_text(body.decided_at));
    out_.say("tree-version", std::uint64_t{body.tree_version});
  }
  // Of a kind that nobody has taught this to yet: its bytes alone.
  template <class Body>
  void operator()(const Body&) {}

 private:
  std::string text(const AgencyChange& change) const {
    if (const auto* moved = std::get_if<Reparent>(&change.change))
      return "below " + context_.agency(moved->parent);
    if (const auto* named = std::get_if<Rename>(&change.change))
      return "called " + (named->code.empty() ? "as before" : named->code) + ' ' + named->name;
    if (const auto* ended = std::get_if<Dissolve>(&change.change)) {
      std::vector<std::string> heirs;
      for (const AgencyId& heir : ended->successors) heirs.push_back(context_.agency(heir));
      return "dissolved into " + list_of(heirs);
    }
    return "change-" + std::to_string(change.change.index());
  }
  void cuts(const std::vector<Cut>& cuts, const Stretch& stretch,
            const std::vector<StatementId>& after) {
    for (const Cut& cut : cuts) {
      std::string line = std::to_string(cut.incarnation) + " to " + std::to_string(cut.number) +
                         (cut.seal.is_zero() ? " any" : " " + cut.seal.hex());
      for (const CutException& one : cut.except)
        line += " except " + std::to_string(one.first) + '-' + std::to_string(one.last) +
                (one.seal.is_zero() ? " all" : " but " + one.seal.hex());
      out_.say("cut", line);
    }
    out_.say("stretch", std::to_string(stretch.first) + '-' + std::to_string(stretch.last));
    for (const StatementId& id : after) out_.say("after", id);
  }

  Item& out_;
  const Context& context_;
};

std::string authority_of(const Statement& statement, const Context& context) {
  if (const auto* by_root = std::get_if<RootSignature>(&statement.authority))
    return "root key " + by_root->key.hex();
  if (const auto* seal = std::get_if<Seal>(&statement.authority))
    return "seal of " + context.signer(seal->certificate) + " number " +
           std::to_string(seal->number);
  return statement.authority.index() == 0
             ? "nobody"
             : "authority-" + std::to_string(statement.authority.index());
}

const char* belief_text(Belief belief) {
  switch (belief) {
    case Belief::kBelieved: return "believed";
    case Belief::kUnknown: return "unknown";
    case Belief::kNoRight: return "no right";
    case Belief::kCutOff: return "cut off";
  }
  return "";
}

const char* right_text(CodeRight right) {
  switch (right) {
    case CodeRight::kNone: return "no right to it";
    case CodeRight::kFormer: return "a former right";
    case CodeRight::kGiven: return "given";
  }
  return "";
}

}  // namespace

void make_statements(const World& world, std::vector<Item>& out) {
  for (const Statement& statement : world.deployment.statements()) {
    const std::string kind = kind_of(wire::decode_statement(statement.body).value());
    Item& item = out.emplace_back();
    item.name = std::to_string(out.size()) + '.' + kind;
    item.give("statement", encode_statement(statement));
  }
}

Item read_statement(const Item& item, const Context& context) {
  Item out;
  out.name = item.name;
  const Statement statement = need(decode_statement(item["statement"]), item);
  const StatementBody body = need(wire::decode_statement(statement.body), item);
  Statement again = statement;
  again.body = wire::encode(body);
  out.give("statement", encode_statement(again));
  out.say("kind", kind_of(body)).say("id", statement_id(context.root(), statement));
  out.say("body-hash", statement_hash(context.root(), statement.body));
  out.say("authority", authority_of(statement, context));
  std::visit(Saying(out, context), body);
  // Form, hashes and signatures: judged against those before it.
  const auto at = std::ranges::find(context.statements(), statement);
  const auto before = static_cast<std::size_t>(at - context.statements().begin());
  if (before > 0) {
    const auto checked = context.registry(before)->check(statement);
    out.say("check", checked.ok() ? std::string("good") : checked.error().message());
  }
  return out;
}

void make_registries(const World& world, std::vector<Item>& out) {
  for (const std::size_t count : {world.statements_before, world.deployment.statements().size()})
    out.emplace_back().give_number("statements", count).name = "of-" + std::to_string(count);
}

Item read_registry(const Item& item, const Context& context) {
  Item out;
  out.name = item.name;
  const std::size_t count = item.number("statements");
  out.give_number("statements", count);
  const auto registry = context.registry(count);
  const TreeVersion newest = registry->newest();
  out.say("digest", registry->digest()).say("newest", std::uint64_t{newest});
  for (TreeVersion version = 0; version <= newest; ++version)
    out.say("tree", std::to_string(version) + ' ' + registry->tree_id(version).hex());
  for (const AgencyId& id : registry->everyone()) {
    const AgencyInfo& info = *registry->find_agency(id);
    const auto parent = registry->parent(id, newest);
    out.say("agency", context.agency(id) + " is " + info.code + ' ' + info.name + ", below " +
                          (parent ? context.agency(*parent) : "nobody") + ", " +
                          belief_text(info.belief) + ", code: " + right_text(info.code_right) +
                          (info.withdrawn ? ", withdrawn" : "") +
                          (registry->dissolved(id, newest)
                               ? ", dissolved into " + context.agency(registry->resolve(id, newest))
                               : ""));
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = id_cast<CertificateId>(statement_id(context.root(), context.statements()[i]));
    if (registry->find_certificate(id) == nullptr) continue;
    out.say("certificate", std::to_string(i + 1) + " of " + context.signer(id) + ": " +
                               belief_text(registry->certificate_belief(id)) +
                               (registry->may_connect(id) ? ", connects" : ", may not connect"));
  }
  return out;
}

}  // namespace lienthong::golden
