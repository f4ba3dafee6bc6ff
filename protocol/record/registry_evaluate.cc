#include <algorithm>
#include <optional>
#include <tuple>

#include "protocol/base/limits.h"
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
  return from.shape.parent(agency, version);
}

Index up_at(const Evaluated& from, Index agency, TreeVersion version) {
  return from.shape.up(agency, version);
}

unsigned level_at(const Evaluated& from, Index agency, TreeVersion version) {
  return from.shape.level(agency, version);
}

bool above_or_equal_at(const Evaluated& from, Index upper, Index lower, TreeVersion version) {
  return from.shape.above_or_equal(upper, lower, version);
}

bool superior_at(const Evaluated& from, Index upper, Index lower, TreeVersion version) {
  return from.shape.superior(upper, lower, version);
}

const std::vector<Index>* successors_at(const Evaluated& from, Index agency, TreeVersion version) {
  return value_at(from.agencies[agency].dissolutions, version);
}

bool dissolved_at(const Evaluated& from, Index agency, TreeVersion version) {
  return from.shape.dissolved(agency, version);
}

Index resolve_at(const Evaluated& from, Index agency, TreeVersion version) {
  return from.shape.resolve(agency, version);
}

TreeVersion held_to(const CertificateNode& author, std::span<const HeldSeal> seals,
                    TreeVersion named) {
  for (auto closing = author.closed.rbegin();
       closing != author.closed.rend() && closing->first > named; ++closing) {
    const auto beyond = [&](const HeldSeal& held) {
      return !closing->second.within(held.seal, held.id);
    };
    if (std::ranges::all_of(seals, beyond)) return closing->first;
  }
  return named;
}

namespace {

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
  LT_CHECK(out.shape.add(node.declared_parent) == self);
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
  if (node.issuer != kNone) node.depth = out.certificates[node.issuer].depth + 1;
  out.certificates.push_back(std::move(node));
}

// Whose tree the agencies declared under each root belong to, as the steps go on.
using Trees = std::map<RootFingerprint, RootFingerprint>;

bool belongs(const Evaluated& out, const Trees& trees, const RootFingerprint& tree, Index agency) {
  return trees.at(out.agencies[agency].entry->root) == tree;
}

// A root speaks of its own tree alone.
bool is_about(const Evaluated& out, const Trees& trees, const RootFingerprint& tree,
              const AgencyChange& change) {
  const auto ours = [&](const AgencyId& id) {
    return belongs(out, trees, tree, out.agency_index.at(id));
  };
  if (!ours(change.agency)) return false;
  if (const auto* reparent = std::get_if<Reparent>(&change.change)) return ours(reparent->parent);
  if (const auto* dissolve = std::get_if<Dissolve>(&change.change))
    return std::ranges::all_of(dissolve->successors, ours);
  return true;
}

// The topmost agencies of the adopted tree come below the place.
void join(Evaluated& out, Trees& trees, const Adoption& adoption) {
  if (out.roots.at(adoption.adopted).adopted_by == nullptr ||
      out.roots.at(adoption.adopted).adopted_by->adoption() != &adoption)
    return;
  const Index place = out.agency_index.at(adoption.place);
  if (!belongs(out, trees, adoption.adopter, place)) return;
  out.agencies[place].named = true;
  for (Index i = 0; i < out.agencies.size(); ++i) {
    AgencyNode& node = out.agencies[i];
    if (!belongs(out, trees, adoption.adopted, i) || node.declared_parent != kNone || node.joined ||
        node.moved)
      continue;
    node.joined = out.shape.move(i, place);
    out.agencies[place].ever_children.push_back(i);
  }
  for (auto& [root, tree] : trees)
    if (tree == adoption.adopted) tree = adoption.adopter;
}

void apply(Evaluated& out, TreeVersion version, const AgencyChange& change) {
  const Index agency = out.agency_index.at(change.agency);
  AgencyNode& node = out.agencies[agency];
  node.named = true;
  if (const auto* reparent = std::get_if<Reparent>(&change.change)) {
    const Index parent = out.agency_index.at(reparent->parent);
    if (!out.shape.move(agency, parent)) return;  // a circle
    node.moved = true;
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
    out.shape.dissolve(agency, successors.size() == 1 ? successors[0] : kNone);
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
        CuttingNode node;
        node.revocation = revocation;
        add_cutting(entry, std::move(node), {revocation->node, 0}, revocation->after);
      } else if (const auto* closing = std::get_if<Closing>(&entry.body)) {
        CuttingNode node;
        node.closing = closing;
        add_cutting(entry, std::move(node), {closing->node, closing->version}, closing->after);
      } else if (const auto* withdrawal = std::get_if<Withdrawal>(&entry.body)) {
        out_.withdrawals.push_back({&entry, withdrawal, issuer_of(out_, entry)});
      }
    }
    Trees trees;
    for (const auto& [root, node] : out_.roots) trees.emplace(root, root);
    for (std::size_t i = 0; i < out_.steps.size(); ++i) {
      const Step& step = out_.steps[i];
      if (const Adoption* adoption = step.entry->adoption()) {
        join(out_, trees, *adoption);
      } else {
        for (const AgencyChange& change : std::get<TreeChange>(step.entry->body).changes)
          if (is_about(out_, trees, step.root, change)) apply(out_, step.number, change);
      }
      if (i + 1 == out_.steps.size() || out_.steps[i + 1].number != step.number)
        out_.shape.finish(step.number);
    }
  }

  void run() {
    place();
    find_rights();
    for (CuttingNode& cutting : out_.cuttings) {
      if (cutting.author == kNone) cutting.active = by_trusted_root(out_, *cutting.entry);
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

  // Revocations of one node, or closings of it for one tree version; version 0: revocations.
  using About = std::pair<NodeId, TreeVersion>;

  void add_cutting(const Entry& entry, CuttingNode node, const About& about,
                   const std::vector<StatementId>& after) {
    node.entry = &entry;
    node.author = issuer_of(out_, entry);
    auto& list = cuttings_[about.first][about.second];
    for (const StatementId& id : after) node.after.push_back(cutting_place_.at(id));
    cutting_place_.emplace(entry.id, static_cast<std::uint32_t>(list.size()));
    list.push_back(static_cast<Index>(out_.cuttings.size()));
    out_.cuttings.push_back(std::move(node));
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

  // Whether the declaration had the right under that version; not for the root's.
  bool may_declare(const AgencyNode& node, TreeVersion version) const {
    return has_right(node.declarer, version) && !out_.agencies[node.declared_parent].no_right &&
           superior_at(out_, out_.certificates[node.declarer].agency, node.declared_parent,
                       version);
  }

  bool may_certify(const CertificateNode& node, TreeVersion version) const {
    if (dissolved_at(out_, node.agency, version)) return false;
    if (node.issuer == kNone)
      return node.entry->root == out_.agencies[node.agency].entry->root &&
             parent_at(out_, node.agency, version) == kNone;
    const Index issuing = out_.certificates[node.issuer].agency;
    return has_right(node.issuer, version) && !out_.agencies[node.agency].no_right &&
           issuing != node.agency && superior_at(out_, issuing, node.agency, version);
  }

  void find_rights() {
    for (const Item& item : items_) {
      if (item.kind == Kind::kAgency) {
        AgencyNode& node = out_.agencies[item.index];
        if (node.declarer != kNone && !node.confirmed)
          node.no_right = !may_declare(node, node.body->tree_version);
      } else {
        CertificateNode& node = out_.certificates[item.index];
        node.no_right = !may_certify(node, node.body->tree_version);
      }
    }
  }

  // The agency as whose a revocation or closing by `author` acts now; kNone: nobody's.
  Index speaks_for(Index author) const {
    const Index heir = resolve_at(out_, author, newest_);
    return dissolved_at(out_, heir, newest_) ? kNone : heir;
  }

  // On the topmost agencies of its tree; an adopted root on those that were when it was adopted.
  bool root_acts(const Entry& word, Index agency) const {
    if (out_.agencies[agency].entry->root != word.root) return false;
    const Entry* adopted_by = out_.roots.at(word.root).adopted_by;
    if (adopted_by == nullptr) return out_.agencies[agency].level == 0;
    return parent_at(out_, agency, adopted_by->adoption()->number - 1) == kNone;
  }

  // nullopt: does not act on certificates for `agency`. 0: the root; else 1 + level of the agency
  // that it acts as.
  std::optional<unsigned> acts(const CuttingNode& cutting, Index agency) const {
    if (!cutting.active) return std::nullopt;
    if (cutting.author == kNone)
      return root_acts(*cutting.entry, agency) ? std::optional<unsigned>(0) : std::nullopt;
    const Index author = out_.certificates[cutting.author].agency;
    if (out_.agencies[author].rank >= out_.agencies[agency].rank) return std::nullopt;
    const Index acting = speaks_for(author);
    if (acting == kNone || acting == agency || !superior_at(out_, acting, agency, newest_))
      return std::nullopt;
    return 1 + out_.agencies[acting].level;
  }

  // What the revocations of a node, or the closings of it for one version, do to a certificate.
  Limits limits(const std::vector<Index>& list, Index agency) const {
    std::vector<CutWord> words;
    for (const Index index : list) {
      const CuttingNode& node = out_.cuttings[index];
      CutWord& word = words.emplace_back();
      word.id = &node.entry->id;
      word.stretch = node.closing != nullptr ? &node.closing->stretch : &node.revocation->stretch;
      word.cuts = node.closing != nullptr ? &node.closing->cuts : &node.revocation->cuts;
      word.after = node.after;
      word.height = acts(node, agency);
    }
    const bool closings = out_.cuttings[list.front()].closing != nullptr;
    return Limits(words, closings ? Limits::Several::kWithinAny : Limits::Several::kWithinEach);
  }

  void find_limits(CertificateNode& certificate) const {
    certificate.revoked = {};
    certificate.closed.clear();
    const auto found = cuttings_.find(certificate.body->node);
    if (found == cuttings_.end()) return;
    for (const auto& [version, list] : found->second) {
      Limits made = limits(list, certificate.agency);
      if (version == 0)
        certificate.revoked = std::move(made);
      else if (!made.empty())
        certificate.closed.emplace_back(version, std::move(made));
    }
  }

  bool sealed_in_force(Index issuer, const Entry& entry) const {
    const CertificateNode& node = out_.certificates[issuer];
    return node.may_issue && !node.over && node.revoked.within(*entry.seal(), entry.seal_id);
  }

  // The version to which a statement sealed under that certificate is held.
  TreeVersion version_of(Index issuer, const Entry& entry, TreeVersion named) const {
    const HeldSeal held{*entry.seal(), entry.seal_id};
    return held_to(out_.certificates[issuer], std::span(&held, 1), named);
  }

  bool issued_in_force(const CertificateNode& node) const {
    if (node.issuer == kNone) return by_trusted_root(out_, *node.entry);
    if (!sealed_in_force(node.issuer, *node.entry)) return false;
    const TreeVersion named = node.body->tree_version;
    const TreeVersion version = version_of(node.issuer, *node.entry, named);
    return version == named || may_certify(node, version);
  }

  bool declared_in_force(const AgencyNode& node) const {
    if (!out_.agencies[node.declared_parent].believed ||
        !sealed_in_force(node.declarer, *node.entry))
      return false;
    const TreeVersion named = node.body->tree_version;
    const TreeVersion version = version_of(node.declarer, *node.entry, named);
    return version == named || may_declare(node, version);
  }

  // True when it is believed from now on.
  bool update(AgencyNode& node) const {
    if (node.believed || node.no_right) return false;
    if (node.confirmed)
      node.believed = true;
    else if (node.declarer == kNone)
      node.believed = by_root_ever(out_, *node.entry);
    else
      node.believed = declared_in_force(node);
    return node.believed;
  }

  // True when it is believed, or may issue, from now on.
  bool update(CertificateNode& node) const {
    if (node.may_issue || node.no_right) return false;
    if (node.revoked.nothing()) return false;
    const bool own = issued_in_force(node);
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
      find_limits(node);
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
    for (CuttingNode& cutting : out_.cuttings) {
      if (cutting.author == kNone) continue;
      if (out_.agencies[out_.certificates[cutting.author].agency].rank != rank) continue;
      cutting.active = has_right(cutting.author, version_of(cutting.author, *cutting.entry,
                                                            cutting.tree_version())) &&
                       sealed_in_force(cutting.author, *cutting.entry);
    }
  }

  TreeVersion newest_;
  Evaluated& out_;
  std::vector<Item> items_;
  std::unordered_map<NodeId, std::map<TreeVersion, std::vector<Index>>> cuttings_;
  std::unordered_map<StatementId, std::uint32_t> cutting_place_;
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
  for (const Step& step : out.steps) {
    const Adoption* adoption = step.entry->adoption();
    newest =
        std::max(newest, adoption != nullptr ? adoption->decided_at
                                             : std::get<TreeChange>(step.entry->body).decided_at);
  }
  for (const AgencyNode& node : out.agencies)
    if (node.declarer == kNone && node.believed) newest = std::max(newest, node.body->declared_at);
  for (const CertificateNode& node : out.certificates)
    if (node.issuer == kNone && node.believed) newest = std::max(newest, node.body->issued_at);
  for (const CuttingNode& node : out.cuttings)
    if (node.author == kNone && node.active)
      newest = std::max(
          newest, node.closing != nullptr ? node.closing->decided_at : node.revocation->decided_at);
  return newest;
}

Hash256 digest_of(const Held& data) {
  std::vector<StatementId> ids = data.order;
  std::sort(ids.begin(), ids.end());
  Hasher hasher(kTagRegistry, data.root_keys.begin()->first);  // the same wherever it is asked
  for (const StatementId& id : ids) hasher.add(id);
  return hasher.finish();
}

}  // namespace

void evaluate(Data& data) {
  Evaluated out;
  stand_chains(data, out);
  Judge judge(data, out);
  judge.number(data);
  share_room(data, out);
  judge.run();
  tell_beliefs(out);
  settle_codes(data, out);
  out.newest_root_word = newest_root_word(data, out);
  out.digest = digest_of(data);
  data.evaluated = std::move(out);
}

}  // namespace lienthong::registry_detail
