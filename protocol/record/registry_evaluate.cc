#include <algorithm>
#include <numeric>
#include <optional>
#include <tuple>

#include "protocol/crypto/hash.h"
#include "protocol/record/registry_state.h"

namespace lienthong::registry_detail {

// ---- the shape of the tree ----

namespace {

// The last value that holds under `version`; null: none yet.
template <class Value>
const Value* value_at(const std::vector<std::pair<TreeVersion, Value>>& history,
                      TreeVersion version) {
  const auto after =
      std::upper_bound(history.begin(), history.end(), version,
                       [](TreeVersion v, const auto& item) { return v < item.first; });
  return after == history.begin() ? nullptr : &std::prev(after)->second;
}

template <class Value>
void set_from(std::vector<std::pair<TreeVersion, Value>>& history, TreeVersion version,
              Value value) {
  if (!history.empty() && history.back().first == version)
    history.back().second = std::move(value);
  else
    history.emplace_back(version, std::move(value));
}

}  // namespace

Index parent_at(const Evaluated& from, Index agency, TreeVersion version) {
  return *value_at(from.agencies[agency].parents, version);
}

unsigned level_at(const Evaluated& from, Index agency, TreeVersion version) {
  unsigned level = 0;
  for (Index above = parent_at(from, agency, version); above != kNone;
       above = parent_at(from, above, version))
    ++level;
  return level;
}

bool above_or_equal_at(const Evaluated& from, Index upper, Index lower, TreeVersion version) {
  while (lower != kNone && lower != upper) lower = parent_at(from, lower, version);
  return lower == upper;
}

const std::vector<Index>* successors_at(const Evaluated& from, Index agency, TreeVersion version) {
  return value_at(from.agencies[agency].dissolutions, version);
}

bool dissolved_at(const Evaluated& from, Index agency, TreeVersion version) {
  return successors_at(from, agency, version) != nullptr;
}

Index resolve_at(const Evaluated& from, Index agency, TreeVersion version) {
  std::vector<Index> path{agency};
  for (;;) {
    const auto* successors = successors_at(from, path.back(), version);
    if (successors == nullptr || successors->size() != 1) return path.back();
    const Index next = successors->front();
    if (std::find(path.begin(), path.end(), next) != path.end()) return path.back();  // a circle
    path.push_back(next);
  }
}

bool within_cuts(const Revocation* revocation, const Seal& seal, const SealId& id) {
  if (revocation == nullptr) return true;
  const auto& cuts = revocation->cuts;
  const auto cut = std::lower_bound(
      cuts.begin(), cuts.end(), seal.incarnation,
      [](const Cut& item, std::uint64_t incarnation) { return item.incarnation < incarnation; });
  if (cut == cuts.end() || cut->incarnation != seal.incarnation) return false;
  if (seal.number == cut->number) return cut->seal.is_zero() || cut->seal == id;
  return seal.number < cut->number;
}

namespace {

// ---- the chain of tree versions ----

struct TreeNode {
  const Entry* entry = nullptr;
  const TreeChange* body = nullptr;
  NodeId in_use, on_paper;  // after it
  std::vector<Index> next;  // valid ones
  bool valid = false;
  bool by_paper = false;
  bool paper_in_branch = false;  // by_paper, or some valid change after it is
};

// Fills in what the keys before it make of a change.
void judge(TreeNode& node, const TreeNode& previous) {
  if (!previous.valid) return;
  const NodeId& signer = node.entry->root_key();
  node.by_paper = signer == previous.on_paper;
  if (!node.by_paper && signer != previous.in_use) return;
  node.in_use = node.body->key_in_use.is_zero() ? previous.in_use : node.body->key_in_use;
  node.on_paper = node.body->key_on_paper.is_zero() ? previous.on_paper : node.body->key_on_paper;
  if (!node.by_paper && node.on_paper != previous.on_paper) return;
  node.valid = node.in_use != node.on_paper;
}

bool stands_over(const TreeNode& a, const TreeNode& b) {
  if (a.by_paper != b.by_paper) return a.by_paper;
  if (a.paper_in_branch != b.paper_in_branch) return a.paper_in_branch;
  return a.entry->id < b.entry->id;
}

void stand_chain(const Held& data, Evaluated& out) {
  const Entry* genesis_entry = data.find(id_cast<StatementId>(data.root));
  const auto& genesis = std::get<Genesis>(genesis_entry->body);
  std::vector<TreeNode> nodes(1);
  nodes[0].in_use = genesis.key_in_use;
  nodes[0].on_paper = genesis.key_on_paper;
  nodes[0].valid = true;
  std::vector<Index> previous_of{kNone};
  std::unordered_map<StatementId, Index> index{{genesis_entry->id, 0}};
  for (const StatementId& id : data.order) {
    const Entry* entry = data.find(id);
    const auto* body = std::get_if<TreeChange>(&entry->body);
    if (body == nullptr) continue;
    const Index previous = index.at(body->previous);
    TreeNode node;
    node.entry = entry;
    node.body = body;
    judge(node, nodes[previous]);
    const auto self = static_cast<Index>(nodes.size());
    index.emplace(id, self);
    if (node.valid) nodes[previous].next.push_back(self);
    nodes.push_back(std::move(node));
    previous_of.push_back(previous);
  }
  for (std::size_t i = nodes.size() - 1; i > 0; --i) {
    nodes[i].paper_in_branch |= nodes[i].by_paper;
    if (nodes[i].valid && nodes[i].paper_in_branch) nodes[previous_of[i]].paper_in_branch = true;
  }
  out.keys_ever = {genesis.key_in_use, genesis.key_on_paper};
  out.keys_trusted = out.keys_ever;
  const TreeNode* at = &nodes[0];
  while (!at->next.empty()) {
    const Index best = *std::min_element(at->next.begin(), at->next.end(), [&](Index a, Index b) {
      return stands_over(nodes[a], nodes[b]);
    });
    const TreeNode& node = nodes[best];
    if (node.by_paper && node.in_use != at->in_use) out.keys_trusted.erase(at->in_use);
    for (const NodeId& key : {node.in_use, node.on_paper}) {
      out.keys_ever.insert(key);
      out.keys_trusted.insert(key);
    }
    out.chain.push_back(node.entry);
    at = &node;
  }
}

// ---- numbering what is here ----

Index issuer_of(const Evaluated& out, const Entry& entry) {
  const Seal* seal = entry.seal();
  return seal == nullptr ? kNone : out.certificate_index.at(seal->certificate);
}

void add_agency(Evaluated& out, const Entry& entry, const AgencyDeclaration& body) {
  AgencyNode node;
  node.entry = &entry;
  node.body = &body;
  node.info.id = id_cast<AgencyId>(entry.id);
  node.info.declared_parent = body.parent;
  node.info.code = body.code;
  node.info.name = body.name;
  node.info.tier = body.tier;
  node.info.declared_at = body.declared_at;
  node.declarer = issuer_of(out, entry);
  if (node.declarer != kNone) node.info.declared_by = out.certificates[node.declarer].body->agency;
  const auto self = static_cast<Index>(out.agencies.size());
  if (!body.parent.is_zero()) {
    node.declared_parent = out.agency_index.at(body.parent);
    out.agencies[node.declared_parent].ever_children.push_back(self);
  }
  node.parents.emplace_back(0, node.declared_parent);
  out.agency_index.emplace(node.info.id, self);
  out.agencies.push_back(std::move(node));
}

void add_certificate(Evaluated& out, const Entry& entry, const Certificate& body) {
  CertificateNode node;
  node.entry = &entry;
  node.body = &body;
  node.agency = out.agency_index.at(body.agency);
  node.issuer = issuer_of(out, entry);
  const auto self = static_cast<Index>(out.certificates.size());
  if (!body.replaces.is_zero())
    out.certificates[out.certificate_index.at(body.replaces)].replaced_by.push_back(self);
  out.agencies[node.agency].certificates.push_back(self);
  out.node_certificates[body.node].push_back(self);
  out.dh_certificates.emplace(body.dh_key, self);
  out.certificate_index.emplace(id_cast<CertificateId>(entry.id), self);
  out.certificates.push_back(std::move(node));
}

void apply(Evaluated& out, TreeVersion version, const AgencyChange& change) {
  const Index agency = out.agency_index.at(change.agency);
  AgencyNode& node = out.agencies[agency];
  node.named = true;
  if (const auto* reparent = std::get_if<Reparent>(&change.change)) {
    const Index parent = out.agency_index.at(reparent->parent);
    if (above_or_equal_at(out, agency, parent, version)) return;  // a circle
    set_from(node.parents, version, parent);
    out.agencies[parent].named = true;
    auto& children = out.agencies[parent].ever_children;
    if (std::find(children.begin(), children.end(), agency) == children.end())
      children.push_back(agency);
    node.confirmed = true;
  } else if (const auto* dissolve = std::get_if<Dissolve>(&change.change)) {
    std::vector<Index> successors;
    for (const AgencyId& id : dissolve->successors) {
      successors.push_back(out.agency_index.at(id));
      out.agencies[successors.back()].named = true;
    }
    set_from(node.dissolutions, version, std::move(successors));
  } else {
    const auto& rename = std::get<Rename>(change.change);
    if (!rename.code.empty()) {
      node.former_codes.push_back(std::exchange(node.info.code, rename.code));
      node.renamed = true;
    }
    if (!rename.name.empty()) node.info.name = rename.name;
    node.confirmed = true;
  }
}

// ---- trust ----

class Judge {
 public:
  Judge(const Held& data, Evaluated& out) : newest_(data.highest), out_(out) {}

  void number(const Held& data) {
    for (const StatementId& id : data.order) {
      const Entry& entry = *data.find(id);
      if (const auto* agency = std::get_if<AgencyDeclaration>(&entry.body)) {
        items_.push_back({Kind::kAgency, static_cast<Index>(out_.agencies.size())});
        add_agency(out_, entry, *agency);
      } else if (const auto* certificate = std::get_if<Certificate>(&entry.body)) {
        items_.push_back({Kind::kCertificate, static_cast<Index>(out_.certificates.size())});
        add_certificate(out_, entry, *certificate);
      } else if (const auto* revocation = std::get_if<Revocation>(&entry.body)) {
        add_revocation(entry, *revocation);
      } else if (const auto* withdrawal = std::get_if<Withdrawal>(&entry.body)) {
        out_.withdrawals.push_back({&entry, withdrawal, issuer_of(out_, entry)});
      }
    }
    for (const Entry* entry : out_.chain) {
      const auto& body = std::get<TreeChange>(entry->body);
      for (const AgencyChange& change : body.changes) apply(out_, body.number, change);
    }
  }

  void run() {
    place();
    find_rights();
    for (RevocationNode& revocation : out_.revocations) {
      if (revocation.author == kNone)
        revocation.active = out_.keys_trusted.contains(revocation.entry->root_key());
    }
    std::vector<unsigned> ranks;
    for (const AgencyNode& node : out_.agencies) ranks.push_back(node.rank);
    std::sort(ranks.begin(), ranks.end());
    ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
    for (const unsigned rank : ranks) run_from(rank);
  }

 private:
  enum class Kind : std::uint8_t { kAgency, kCertificate };
  struct Item {
    Kind kind;
    Index index;
  };

  void add_revocation(const Entry& entry, const Revocation& body) {
    RevocationNode node;
    node.entry = &entry;
    node.body = &body;
    node.author = issuer_of(out_, entry);
    for (const StatementId& id : body.after) node.after.push_back(revocation_index_.at(id));
    const auto self = static_cast<Index>(out_.revocations.size());
    revocation_index_.emplace(entry.id, self);
    node_revocations_[body.node].push_back(self);
    out_.revocations.push_back(std::move(node));
  }

  // Levels in the newest tree and the order of evaluation: an agency after those above it; a
  // dissolved one also after its sole successor, whose rights its old revocations keep.
  void place() {
    for (Index i = 0; i < out_.agencies.size(); ++i)
      out_.agencies[i].level = level_at(out_, i, newest_);
    for (Index i = 0; i < out_.agencies.size(); ++i) {
      AgencyNode& node = out_.agencies[i];
      node.rank = 2 * node.level + 2;
      if (!dissolved_at(out_, i, newest_)) continue;
      node.rank = 2 * node.level + 1;
      const Index heir = resolve_at(out_, i, newest_);
      if (heir != i) node.rank = std::max(node.rank, 2 * out_.agencies[heir].level + 3);
    }
  }

  // Whether a certificate lets its node speak at all about what lies below `above`, or is it, under
  // `version`: what no revocation changes.
  bool has_right(Index issuer, TreeVersion version) const {
    const CertificateNode& node = out_.certificates[issuer];
    return node.body->may_issue && !node.no_right && !dissolved_at(out_, node.agency, version);
  }

  void find_rights() {
    for (const Item& item : items_) {
      if (item.kind == Kind::kAgency) {
        AgencyNode& node = out_.agencies[item.index];
        if (node.declarer == kNone || node.confirmed) continue;
        const TreeVersion version = node.body->tree_version;
        node.no_right = !has_right(node.declarer, version) ||
                        out_.agencies[node.declared_parent].no_right ||
                        !above_or_equal_at(out_, out_.certificates[node.declarer].agency,
                                           node.declared_parent, version);
        continue;
      }
      CertificateNode& node = out_.certificates[item.index];
      const TreeVersion version = node.body->tree_version;
      if (node.issuer == kNone) {
        node.no_right = parent_at(out_, node.agency, version) != kNone;
        continue;
      }
      const Index issuing = out_.certificates[node.issuer].agency;
      node.no_right = !has_right(node.issuer, version) || out_.agencies[node.agency].no_right ||
                      issuing == node.agency ||
                      !above_or_equal_at(out_, issuing, node.agency, version);
    }
  }

  // The agency as whose a revocation by `author` acts now; kNone: nobody's.
  Index speaks_for(Index author) const {
    const Index heir = resolve_at(out_, author, newest_);
    return dissolved_at(out_, heir, newest_) ? kNone : heir;
  }

  struct Candidate {
    const RevocationNode* revocation;
    unsigned height;  // 0: the root; else 1 + level of the agency it acts as
  };

  // nullopt: does not act on certificates for `agency`.
  std::optional<unsigned> acts(const RevocationNode& revocation, Index agency) const {
    if (!revocation.active) return std::nullopt;
    if (revocation.author == kNone)
      return out_.agencies[agency].level == 0 ? std::optional<unsigned>(0) : std::nullopt;
    const Index author = out_.certificates[revocation.author].agency;
    if (out_.agencies[author].rank >= out_.agencies[agency].rank) return std::nullopt;
    const Index acting = speaks_for(author);
    if (acting == kNone || acting == agency || !above_or_equal_at(out_, acting, agency, newest_))
      return std::nullopt;
    return 1 + out_.agencies[acting].level;
  }

  static bool lower_cut(const Revocation& a, const Revocation& b) {
    const auto sum = [](const Revocation& of) {
      return std::accumulate(
          of.cuts.begin(), of.cuts.end(), std::uint64_t{0},
          [](std::uint64_t so_far, const Cut& cut) { return so_far + cut.number; });
    };
    const auto key = [](const Cut& cut) { return std::tie(cut.incarnation, cut.number, cut.seal); };
    if (sum(a) != sum(b)) return sum(a) < sum(b);
    if (a.cuts.size() != b.cuts.size()) return a.cuts.size() < b.cuts.size();
    return std::lexicographical_compare(
        a.cuts.begin(), a.cuts.end(), b.cuts.begin(), b.cuts.end(),
        [&](const Cut& x, const Cut& y) { return key(x) < key(y); });
  }

  static bool counts_before(const Candidate& a, const Candidate& b) {
    if (a.height != b.height) return a.height < b.height;
    if (lower_cut(*a.revocation->body, *b.revocation->body)) return true;
    if (lower_cut(*b.revocation->body, *a.revocation->body)) return false;
    return a.revocation->entry->id < b.revocation->entry->id;
  }

  // The revocation that counts for a node's certificates for an agency.
  const Revocation* effective(const CertificateNode& certificate) const {
    const auto found = node_revocations_.find(certificate.body->node);
    if (found == node_revocations_.end()) return nullptr;
    std::unordered_set<Index> overtaken;  // followed, at any distance, by one that acts
    std::optional<Candidate> best;
    for (auto it = found->second.rbegin(); it != found->second.rend(); ++it) {
      const RevocationNode& revocation = out_.revocations[*it];
      const auto height = acts(revocation, certificate.agency);
      const bool followed = overtaken.contains(*it);
      if (height || followed) overtaken.insert(revocation.after.begin(), revocation.after.end());
      if (!height || followed) continue;
      const Candidate candidate{&revocation, *height};
      if (!best || counts_before(candidate, *best)) best = candidate;
    }
    return best ? best->revocation->body : nullptr;
  }

  bool sealed_in_force(Index issuer, const Entry& entry) const {
    const CertificateNode& node = out_.certificates[issuer];
    return node.may_issue && within_cuts(node.revoked, *entry.seal(), entry.seal_id);
  }

  // True when it is believed from now on.
  bool update(AgencyNode& node) const {
    if (node.believed || node.no_right) return false;
    if (node.confirmed)
      node.believed = true;
    else if (node.declarer == kNone)
      node.believed = out_.keys_ever.contains(node.entry->root_key());
    else
      node.believed = out_.agencies[node.declared_parent].believed &&
                      sealed_in_force(node.declarer, *node.entry);
    return node.believed;
  }

  // True when it is believed, or may issue, from now on.
  bool update(CertificateNode& node) const {
    if (node.may_issue || node.no_right) return false;
    if (node.revoked != nullptr && node.revoked->cuts.empty()) return false;
    const bool own = node.issuer == kNone ? out_.keys_trusted.contains(node.entry->root_key())
                                          : sealed_in_force(node.issuer, *node.entry);
    AgencyNode& agency = out_.agencies[node.agency];
    agency.believed |= own;  // whoever is above it confirms it by certifying its node
    if (!agency.believed) return false;
    bool believed = own;
    bool may_issue = own;
    for (const Index other : node.replaced_by) {
      believed |= out_.certificates[other].believed;
      may_issue |= out_.certificates[other].may_issue;
    }
    may_issue &= node.body->may_issue;
    const bool changed = believed != node.believed || may_issue != node.may_issue;
    node.believed = believed;
    node.may_issue = may_issue;
    return changed;
  }

  // Judges all agencies of that rank and later with the revocations of earlier ones; what it says
  // of the later ones is said anew in their turn.
  void run_from(unsigned rank) {
    for (AgencyNode& node : out_.agencies)
      if (node.rank >= rank) node.believed = false;
    for (CertificateNode& node : out_.certificates) {
      if (out_.agencies[node.agency].rank < rank) continue;
      node.believed = node.may_issue = false;
      node.revoked = effective(node);
    }
    // The least fixed point; what is named comes first, so only `replaces` needs a second round.
    for (bool changed = true; changed;) {
      changed = false;
      for (const Item& item : items_) {
        if (item.kind == Kind::kAgency) {
          AgencyNode& node = out_.agencies[item.index];
          if (node.rank >= rank) changed |= update(node);
        } else {
          CertificateNode& node = out_.certificates[item.index];
          if (out_.agencies[node.agency].rank >= rank) changed |= update(node);
        }
      }
    }
    for (RevocationNode& revocation : out_.revocations) {
      if (revocation.author == kNone) continue;
      if (out_.agencies[out_.certificates[revocation.author].agency].rank != rank) continue;
      revocation.active = has_right(revocation.author, revocation.body->tree_version) &&
                          sealed_in_force(revocation.author, *revocation.entry);
    }
  }

  TreeVersion newest_;
  Evaluated& out_;
  std::vector<Item> items_;
  std::unordered_map<StatementId, Index> revocation_index_;
  std::unordered_map<NodeId, std::vector<Index>> node_revocations_;
};

// ---- what is asked often ----

void tell_beliefs(Evaluated& out) {
  for (AgencyNode& node : out.agencies)
    node.info.belief = node.believed   ? Belief::kBelieved
                       : node.no_right ? Belief::kNoRight
                                       : Belief::kCutOff;
}

UnixMillis newest_root_word(const Held& data, const Evaluated& out) {
  const Entry* genesis = data.find(id_cast<StatementId>(data.root));
  UnixMillis newest = std::get<Genesis>(genesis->body).created_at;
  for (const Entry* entry : out.chain)
    newest = std::max(newest, std::get<TreeChange>(entry->body).decided_at);
  for (const AgencyNode& node : out.agencies)
    if (node.declarer == kNone && node.believed) newest = std::max(newest, node.body->declared_at);
  for (const CertificateNode& node : out.certificates)
    if (node.issuer == kNone && node.believed) newest = std::max(newest, node.body->issued_at);
  for (const RevocationNode& node : out.revocations)
    if (node.author == kNone && node.active) newest = std::max(newest, node.body->decided_at);
  return newest;
}

Hash256 digest_of(const Held& data) {
  std::vector<StatementId> ids = data.order;
  std::sort(ids.begin(), ids.end());
  Hasher hasher(kTagRegistry, data.root);
  for (const StatementId& id : ids) hasher.add(id);
  return hasher.finish();
}

}  // namespace

void evaluate(Data& data) {
  Evaluated out;
  stand_chain(data, out);
  Judge judge(data, out);
  judge.number(data);
  judge.run();
  tell_beliefs(out);
  settle_codes(data, out);
  out.newest_root_word = newest_root_word(data, out);
  out.digest = digest_of(data);
  data.evaluated = std::move(out);
}

}  // namespace lienthong::registry_detail
