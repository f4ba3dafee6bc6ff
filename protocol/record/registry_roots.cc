// The chains of tree versions, one for each root, and how adoptions join them.
// docs/protocol/registry.md, "The chain of tree versions" and "Several roots".
#include <algorithm>
#include <set>
#include <tuple>

#include "protocol/record/codec.h"
#include "protocol/record/registry_state.h"

namespace lienthong::registry_detail {

bool by_trusted_root(const Evaluated& from, const Entry& entry) {
  const RootNode& root = from.roots.at(entry.root);
  return root.keys_trusted.contains(entry.root_key()) && root.stays(entry.id);
}

bool by_root_ever(const Evaluated& from, const Entry& entry) {
  const RootNode& root = from.roots.at(entry.root);
  return root.keys_ever.contains(entry.root_key()) && root.stays(entry.id);
}

std::optional<TreeVersion> number_in_chain(const Entry& entry, const RootFingerprint& root) {
  if (const Adoption* adoption = entry.adoption())
    return adoption->adopter == root ? std::optional(adoption->number) : std::nullopt;
  if (entry.root != root) return std::nullopt;
  if (const auto* change = std::get_if<TreeChange>(&entry.body)) return change->number;
  return std::holds_alternative<Genesis>(entry.body) ? std::optional<TreeVersion>(0) : std::nullopt;
}

std::optional<RootFingerprint> root_of(const Held& data, const Statement& statement) {
  if (std::holds_alternative<std::monostate>(statement.authority))
    return root_fingerprint(statement.body);
  if (std::holds_alternative<BothRoots>(statement.authority)) {
    const auto body = wire::decode_statement(statement.body);
    const auto* adoption = body.ok() ? std::get_if<Adoption>(&*body) : nullptr;
    return adoption == nullptr ? std::nullopt : std::optional(adoption->adopter);
  }
  if (const auto* seal = std::get_if<Seal>(&statement.authority)) {
    const Entry* certificate = data.find(id_cast<StatementId>(seal->certificate));
    return certificate == nullptr ? std::nullopt : std::optional(certificate->root);
  }
  const auto* by = std::get_if<RootSignature>(&statement.authority);
  if (by == nullptr) return std::nullopt;
  std::vector<RootFingerprint> having;
  for (const auto& [root, keys] : data.root_keys)
    if (keys.contains(by->key)) having.push_back(root);
  if (having.size() == 1) return having.front();
  // One key of several roots, or of one that is to be named yet: the signature says of which.
  if (having.empty() && data.root_keys.size() > 1)
    for (const auto& [root, keys] : data.root_keys) having.push_back(root);
  for (const RootFingerprint& root : having) {
    const Hash256 hash = statement_hash(root, statement.body);
    if (verify(by->key, root_signing_bytes(root, hash), by->signature).ok()) return root;
  }
  return std::nullopt;
}

namespace {

struct ChainNode {
  const Entry* entry = nullptr;
  Index previous = kNone;
  TreeVersion number = 0;
  NodeId in_use, on_paper;  // after it
  std::vector<Index> next;  // valid ones
  bool valid = false;
  bool by_paper = false;
  bool paper_in_branch = false;  // by_paper, or some valid change after it is
  bool ends = false;             // an adoption of this root that stands in the adopter's chain
  bool end_in_branch = false;
};

// The tree versions of one root, each after the one before it.
struct Chain {
  std::vector<ChainNode> nodes;
  std::unordered_map<StatementId, Index> index;
  bool standing = false;
  bool in_hand = false;
  std::vector<Index> line;  // those that stand

  const ChainNode* find(const StatementId& id) const {
    const auto found = index.find(id);
    return found == index.end() ? nullptr : &nodes[found->second];
  }
};

// What the keys before it make of a change.
void judge(ChainNode& node, const ChainNode& previous, const NodeId& signer, const NodeId& in_use,
           const NodeId& on_paper) {
  if (!previous.valid) return;
  node.by_paper = signer == previous.on_paper;
  if (!node.by_paper && signer != previous.in_use) return;
  node.in_use = in_use.is_zero() ? previous.in_use : in_use;
  node.on_paper = on_paper.is_zero() ? previous.on_paper : on_paper;
  if (!node.by_paper && node.on_paper != previous.on_paper) return;
  node.valid = node.in_use != node.on_paper;
}

bool stands_over(const ChainNode& a, const ChainNode& b) {
  if (a.end_in_branch != b.end_in_branch) return a.end_in_branch;
  if (a.by_paper != b.by_paper) return a.by_paper;
  if (a.paper_in_branch != b.paper_in_branch) return a.paper_in_branch;
  return a.entry->id < b.entry->id;
}

class Chains {
 public:
  Chains(const Held& data, Evaluated& out) : data_(data), out_(out) {}

  void run() {
    std::vector<const Entry*> left;
    for (const StatementId& id : data_.order) {
      const Entry* entry = data_.find(id);
      if (const auto* genesis = std::get_if<Genesis>(&entry->body))
        begin(*entry, *genesis);
      else if (std::holds_alternative<TreeChange>(entry->body) || entry->adoption() != nullptr)
        left.push_back(entry);
    }
    // An adoption may have come before what it follows under the other root.
    for (std::size_t before = left.size() + 1; left.size() < before;) {
      before = left.size();
      std::erase_if(left, [this](const Entry* entry) { return take(*entry); });
    }
    for (auto& [root, chain] : chains_) stand(root);
    for (auto& [root, chain] : chains_) tell(root, chain);
    std::ranges::sort(out_.steps, [](const Step& a, const Step& b) {
      return std::tie(a.number, a.root) < std::tie(b.number, b.root);
    });
    RootFingerprint root = data_.root;
    TreeVersion from = 1;
    for (std::set<RootFingerprint> seen; seen.insert(root).second;) {
      for (const Step& step : out_.steps)
        if (step.root == root && step.number >= from) out_.line.push_back(step);
      const Entry* end = out_.roots.at(root).adopted_by;
      if (end == nullptr) break;
      root = end->adoption()->adopter;
      from = end->adoption()->number;
    }
  }

 private:
  void begin(const Entry& entry, const Genesis& genesis) {
    Chain& chain = chains_[entry.root];
    ChainNode node;
    node.entry = &entry;
    node.in_use = genesis.key_in_use;
    node.on_paper = genesis.key_on_paper;
    node.valid = true;
    chain.index.emplace(entry.id, 0);
    chain.nodes.push_back(std::move(node));
  }

  static void add(Chain& chain, ChainNode node) {
    const auto self = static_cast<Index>(chain.nodes.size());
    chain.index.emplace(node.entry->id, self);
    if (node.valid) chain.nodes[node.previous].next.push_back(self);
    chain.nodes.push_back(std::move(node));
  }

  // False: what it follows is not here yet.
  bool take(const Entry& entry) {
    if (const Adoption* adoption = entry.adoption()) return take(entry, *adoption);
    const auto& body = std::get<TreeChange>(entry.body);
    Chain& chain = chains_.at(entry.root);
    const auto previous = chain.index.find(body.previous);
    if (previous == chain.index.end()) return false;
    ChainNode node;
    node.entry = &entry;
    node.previous = previous->second;
    node.number = body.number;
    judge(node, chain.nodes[node.previous], entry.root_key(), body.key_in_use, body.key_on_paper);
    add(chain, std::move(node));
    return true;
  }

  // It is a tree version of both if either root could sign it.
  bool take(const Entry& entry, const Adoption& adoption) {
    const auto adopter = chains_.find(adoption.adopter), adopted = chains_.find(adoption.adopted);
    if (adopter == chains_.end() || adopted == chains_.end()) return false;
    const auto before = adopter->second.index.find(adoption.previous);
    const auto last = adopted->second.index.find(adoption.adopted_previous);
    if (before == adopter->second.index.end() || last == adopted->second.index.end() ||
        data_.find_body<AgencyDeclaration>(id_cast<StatementId>(adoption.place)) == nullptr)
      return false;
    const auto& both = std::get<BothRoots>(entry.statement.authority);
    ChainNode step, end;
    step.entry = end.entry = &entry;
    step.number = end.number = adoption.number;
    step.previous = before->second;
    end.previous = last->second;
    const ChainNode& step_before = adopter->second.nodes[step.previous];
    const ChainNode& end_before = adopted->second.nodes[end.previous];
    judge(step, step_before, both.adopter.key, {}, {});
    judge(end, end_before, both.adopted.key, {}, {});
    const bool valid = step.valid && end.valid && end.by_paper &&
                       adoption.number == std::max(step_before.number, end_before.number) + 1;
    step.valid = end.valid = valid;
    end.ends = true;
    add(adopter->second, std::move(step));
    add(adopted->second, std::move(end));
    return true;
  }

  // Those that adopt are decided first. In a circle of adoptions the first by fingerprint goes on.
  void stand(const RootFingerprint& root) {
    Chain& chain = chains_.at(root);
    if (chain.standing || chain.in_hand) return;
    chain.in_hand = true;
    auto& nodes = chain.nodes;
    for (ChainNode& node : nodes) {
      if (!node.ends) continue;
      const Chain& adopter = chains_.at(node.entry->adoption()->adopter);
      stand(node.entry->adoption()->adopter);
      const auto at = adopter.index.find(node.entry->id);
      node.ends = node.valid && adopter.standing && at != adopter.index.end() &&
                  std::ranges::find(adopter.line, at->second) != adopter.line.end();
      node.end_in_branch = node.ends;
      if (node.ends) continue;
      node.valid = false;
      std::erase(nodes[node.previous].next, chain.index.at(node.entry->id));
    }
    for (std::size_t i = nodes.size() - 1; i > 0; --i) {
      ChainNode& node = nodes[i];
      node.paper_in_branch |= node.by_paper;
      if (!node.valid) continue;
      nodes[node.previous].paper_in_branch |= node.paper_in_branch;
      nodes[node.previous].end_in_branch |= node.end_in_branch;
    }
    for (Index at = 0; !nodes[at].next.empty() && !nodes[at].ends;) {
      at = *std::ranges::min_element(
          nodes[at].next, [&](Index a, Index b) { return stands_over(nodes[a], nodes[b]); });
      chain.line.push_back(at);
    }
    chain.in_hand = false;
    chain.standing = true;
  }

  void tell(const RootFingerprint& root, const Chain& chain) {
    RootNode& out = out_.roots[root];
    const ChainNode* before = &chain.nodes[0];
    out.keys_ever = {before->in_use, before->on_paper};
    out.keys_trusted = out.keys_ever;
    for (const Index at : chain.line) {
      const ChainNode& node = chain.nodes[at];
      if (node.ends) {
        out.adopted_by = node.entry;
        return;
      }
      if (node.by_paper && node.in_use != before->in_use) out.keys_trusted.erase(before->in_use);
      for (const NodeId& key : {node.in_use, node.on_paper}) {
        out.keys_ever.insert(key);
        out.keys_trusted.insert(key);
      }
      out_.steps.push_back({node.number, root, node.entry});
      before = &node;
    }
  }

  const Held& data_;
  Evaluated& out_;
  std::map<RootFingerprint, Chain> chains_;
};

}  // namespace

void stand_chains(const Held& data, Evaluated& out) { Chains(data, out).run(); }

}  // namespace lienthong::registry_detail

namespace lienthong {

// ---- several roots ----

const RootFingerprint& Registry::root_of(const CertificateId& certificate) const {
  const auto* node = registry_detail::node_of(state_->evaluated, certificate);
  return node == nullptr ? state_->root : node->entry->root;
}

const RootFingerprint& Registry::writing_root() const {
  const auto& line = state_->evaluated.line;
  return line.empty() ? state_->root : line.back().root;
}

std::vector<RootFingerprint> Registry::roots() const {
  std::vector<RootFingerprint> out{state_->root};
  for (const auto& [root, keys] : state_->root_keys)
    if (root != state_->root) out.push_back(root);
  return out;
}

std::vector<StatementId> Registry::words_of_root(const RootFingerprint& root) const {
  std::vector<StatementId> out;
  for (const StatementId& id : state_->order) {
    const registry_detail::Entry& entry = *state_->find(id);
    if (entry.root != root || !std::holds_alternative<RootSignature>(entry.statement.authority) ||
        std::holds_alternative<TreeChange>(entry.body))
      continue;
    const bool declares = std::holds_alternative<AgencyDeclaration>(entry.body);
    if (declares ? registry_detail::by_root_ever(state_->evaluated, entry)
                 : registry_detail::by_trusted_root(state_->evaluated, entry))
      out.push_back(id);
  }
  std::ranges::sort(out);
  return out;
}

StatementId Registry::id_of(const Statement& statement) const {
  return statement_id(registry_detail::root_of(*state_, statement).value_or(state_->root),
                      statement);
}

SealId seal_id(const Registry& registry, const Seal& seal) {
  return seal_id(registry.root_of(seal.certificate), seal);
}

UpdateId update_id(const Registry& registry, const Update& update) {
  return update_id(registry.root_of(update.envelope.certificate), update);
}

RootSignature sign_adoption(const RootFingerprint& root, const SigningKey& key,
                            const Adoption& adoption) {
  const Bytes body = wire::encode(StatementBody(adoption));
  RootSignature out;
  out.key = key.public_key();
  out.signature = key.sign(root_signing_bytes(root, statement_hash(root, body)));
  return out;
}

Statement make_adoption(const Adoption& adoption, const RootSignature& adopter,
                        const RootSignature& adopted) {
  return Statement{wire::encode(StatementBody(adoption)), BothRoots{adopter, adopted}};
}

}  // namespace lienthong
