#include "protocol/record/fold.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <tuple>
#include <unordered_map>

#include "protocol/base/limits.h"
#include "protocol/record/ancestors.h"
#include "protocol/record/custody.h"

namespace lienthong {
namespace {

using custody::kNoLink;
using Index = std::uint32_t;
using People = std::shared_ptr<const std::vector<AgencyId>>;

constexpr Index kNone = UINT32_MAX;

template <class T>
void insert_sorted(std::vector<T>& values, const T& value) {
  const auto at = std::lower_bound(values.begin(), values.end(), value);
  if (at == values.end() || *at != value) values.insert(at, value);
}

template <class T>
void insert_by_id(std::vector<T>& values, T value) {
  const auto before = [](const T& a, const T& b) { return a.id < b.id; };
  values.insert(std::lower_bound(values.begin(), values.end(), value, before), std::move(value));
}

template <class T>
void sort_unique(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

void add_person(std::vector<AgencyId>& people, const AgencyId& agency) {
  if (agency.is_zero()) return;
  if (std::find(people.begin(), people.end(), agency) == people.end()) people.push_back(agency);
}

bool is_first(const GraphUpdate& update) {
  return update.open.kind == UpdateKind::kCreated && update.envelope.deps.empty() &&
         !update.envelope.link;
}

bool older(const GraphUpdate& a, const GraphUpdate& b) {
  return std::tie(a.envelope.hlc, a.id) < std::tie(b.envelope.hlc, b.id);
}

// Order among concurrent writes to one field: the greatest is shown.
bool shown_before(const GraphUpdate& a, const GraphUpdate& b) {
  return std::tie(a.envelope.tree_version, a.envelope.hlc, a.id) >
         std::tie(b.envelope.tree_version, b.envelope.hlc, b.id);
}

Invitation invitation_of(const GraphUpdate& update) {
  return {update.id, update.open.kind, update.open.target, *update.envelope.link,
          update.envelope.tree_version};
}

// All a state says of a record whose rules we do not know.
RecordState unreadable(const RecordId& record, RecordKind kind, std::uint16_t rules_needed) {
  RecordState state;
  state.record = record;
  state.kind = kind;
  state.rules_needed = rules_needed;
  return state;
}

struct Node {
  const GraphUpdate* update = nullptr;
  Index agency = 0;                         // place in the table of agencies
  Index link = kNone;                       // the update named as link, where it is an ancestor
  Index custody_link = kNoLink;             // place among the custody links that had the right
  InertReason reason = InertReason::kNone;  // as judged for ever
};

struct LinkPath {  // of a custody link that had the right
  custody::Standing standing;
  People people;
};

class Folder {
 public:
  Folder(std::span<const GraphUpdate> updates, const TreeView& tree)
      : updates_(updates), tree_(tree), ancestors_(updates.size()) {
    order();
  }

  RecordState run() {
    RecordState state;
    const GraphUpdate& first = *nodes_[0].update;
    state.record = id_cast<RecordId>(first.id);
    state.kind = first.open.record_kind;
    state.rules_needed = 0;
    for (const GraphUpdate& update : updates_) {
      state.rules_needed = std::max(state.rules_needed, update.envelope.rules_version);
    }
    if (state.needs_newer_rules()) {
      state = unreadable(state.record, state.kind, state.rules_needed);
      find_heads(state);
      return state;
    }
    state.origin = first.agency;
    state.lead = first.open.lead;
    find_heads(state);
    find_ancestors();
    judge_all();
    custody::find_in_force(links_, agencies_, tree_);
    chain_ = custody::find_chain(links_, agencies_, tree_);
    fill_chain(state);
    fill_lists(state);
    fill_registers(state);
    fill_participants(state);
    return state;
  }

 private:
  // Parents first; the record's first update is at 0.
  void order() {
    std::unordered_map<UpdateId, Index> place;
    const auto count = static_cast<Index>(updates_.size());
    place.reserve(count);
    for (Index i = 0; i < count; ++i) place.emplace(updates_[i].id, i);
    LT_CHECK(place.size() == count);
    std::vector<Index> missing(count, 0);
    std::vector<std::vector<Index>> children(count);
    std::vector<Index> ready;
    for (Index i = 0; i < count; ++i) {
      for (const UpdateId& dep : updates_[i].envelope.deps) {
        const auto parent = place.find(dep);
        LT_CHECK(parent != place.end());
        children[parent->second].push_back(i);
      }
      missing[i] = static_cast<Index>(updates_[i].envelope.deps.size());
      if (missing[i] == 0) ready.push_back(i);
    }
    const auto first =
        std::find_if(ready.begin(), ready.end(), [&](Index i) { return is_first(updates_[i]); });
    LT_CHECK(first != ready.end());
    std::iter_swap(first, ready.end() - 1);
    nodes_.reserve(count);
    index_.reserve(count);
    while (!ready.empty()) {
      const Index i = ready.back();
      ready.pop_back();
      for (const Index child : children[i]) {
        if (--missing[child] == 0) ready.push_back(child);
      }
      index_.emplace(updates_[i].id, static_cast<Index>(nodes_.size()));
      nodes_.push_back(Node{&updates_[i], intern(updates_[i].agency)});
    }
    LT_CHECK(nodes_.size() == count);
  }

  Index intern(const AgencyId& agency) {
    const auto [at, added] = agency_index_.emplace(agency, static_cast<Index>(agencies_.size()));
    if (added) {
      agencies_.push_back(agency);
      written_.push_back(0);
    }
    ++written_[at->second];
    return at->second;
  }

  void find_heads(RecordState& state) const {
    std::vector<bool> has_child(nodes_.size(), false);
    for (const Node& node : nodes_) {
      for (const UpdateId& dep : node.update->envelope.deps) has_child[index_.at(dep)] = true;
    }
    for (Index i = 0; i < nodes_.size(); ++i) {
      if (!has_child[i]) state.heads.push_back(nodes_[i].update->id);
    }
    std::sort(state.heads.begin(), state.heads.end());
  }

  void find_ancestors() {
    for (Index i = 0; i < nodes_.size(); ++i) {
      Node& node = nodes_[i];
      for (const UpdateId& dep : node.update->envelope.deps) {
        ancestors_.add_parent(i, index_.at(dep));
      }
      if (!node.update->envelope.link) continue;
      const auto link = index_.find(*node.update->envelope.link);
      if (link != index_.end() && ancestors_.has(i, link->second)) node.link = link->second;
    }
  }

  bool too_deep(Index i) {
    const Index agency = nodes_[i].agency;
    if (written_[agency] <= kAncestorCountMax) return false;
    std::vector<std::uint64_t>& set = updates_of_[agency];
    if (set.empty()) {
      set.resize((nodes_.size() + 63) / 64);
      for (Index k = 0; k < nodes_.size(); ++k) {
        if (nodes_[k].agency == agency) set[k / 64] |= std::uint64_t{1} << k % 64;
      }
    }
    return ancestors_.count_in(i, set) > kAncestorCountMax;
  }

  void judge_all() {
    add_link(0, custody::Standing{}, nullptr);
    for (Index i = 1; i < nodes_.size(); ++i) {
      Node& node = nodes_[i];
      if (node.link == kNone) {
        node.reason = InertReason::kBadLink;
        continue;
      }
      const Node& link = nodes_[node.link];
      custody::Place place;
      place.kind = link.update->open.kind;
      place.tree_version = link.update->envelope.tree_version;
      place.reason = link.reason;
      place.origin = nodes_[0].update->agency;
      Index under = kNoLink;
      if (link.reason == InertReason::kNone) {
        under = custody_link_of(link);
        if (custody::is_invitation(place.kind)) place.invited = link.update->open.target;
      }
      if (under != kNoLink) {
        place.standing = paths_[under].standing;
        place.people = *paths_[under].people;
      }
      node.reason = custody::judge(*node.update, place, tree_);
      if (node.reason == InertReason::kNone && too_deep(i)) node.reason = InertReason::kTooDeep;
      if (node.reason == InertReason::kNone && is_link(node.update->open.kind)) {
        add_link(i, place.standing, &paths_[under]);
      }
    }
    for (const Node& node : nodes_) {
      if (node.reason != InertReason::kNone || !node.update->believed) continue;
      if (custody::is_field_write(node.update->open.kind)) {
        links_[custody_link_of(node)].writers.push_back(node.agency);
      }
    }
    for (custody::LinkNode& link : links_) sort_unique(link.writers);
  }

  // Where an update that had the right stands: the link itself, or the one at or above what it
  // names.
  Index custody_link_of(const Node& node) const {
    const Node* at = &node;
    while (at->custody_link == kNoLink) {
      if (at->link == kNone || at->reason != InertReason::kNone) return kNoLink;
      at = &nodes_[at->link];
    }
    return at->custody_link;
  }

  void add_link(Index i, const custody::Standing& before, const LinkPath* above) {
    Node& node = nodes_[i];
    const LinkEntry entry = custody::link_entry(*node.update);
    custody::LinkNode link;
    link.update = node.update;
    link.agency = node.agency;
    if (above != nullptr) link.previous = static_cast<Index>(above - paths_.data());
    LinkPath path{custody::step(before, entry), above != nullptr ? above->people : nullptr};
    std::vector<AgencyId> people;
    if (path.people) people = *path.people;
    const std::size_t known = people.size();
    add_person(people, entry.by);
    add_person(people, entry.to);
    if (people.size() != known) {
      path.people = std::make_shared<const std::vector<AgencyId>>(std::move(people));
    }
    node.custody_link = static_cast<Index>(links_.size());
    links_.push_back(std::move(link));
    node_of_link_.push_back(i);
    paths_.push_back(std::move(path));
  }

  bool in_force(const Node& node) const {
    if (node.reason != InertReason::kNone || chain_.links.empty()) return false;
    return node.custody_link != kNoLink ? links_[node.custody_link].in_force
                                        : node.update->believed;
  }

  // Of those in force: whether it counts, or is set aside.
  bool counts(Index i) const {
    const Node& node = nodes_[i];
    if (node.custody_link != kNoLink) return position_[node.custody_link] != kNone;
    if (!custody::is_custodial(node.update->open.kind)) return true;  // these only grow
    const Index position = position_[nodes_[node.link].custody_link];
    if (position == kNone) return false;
    if (position + 1 == chain_.links.size()) return true;
    return ancestors_.has(node_of_link_[chain_.links[position + 1]], i);
  }

  void fill_chain(RecordState& state) {
    position_.assign(links_.size(), kNone);
    custody::Standing standing;
    for (const Index link : chain_.links) {
      position_[link] = static_cast<Index>(state.chain.size());
      state.chain.push_back(custody::link_entry(*links_[link].update));
      standing = paths_[link].standing;
    }
    state.holder = standing.holder;
    state.offered = standing.offered;
    for (const Index link : chain_.forks) {
      ForkEntry fork;
      fork.link = links_[link].update->id;
      for (const Index next : links_[link].next) fork.branches.push_back(links_[next].update->id);
      std::sort(fork.branches.begin(), fork.branches.end());
      fork.stands = links_[chain_.links[position_[link] + 1]].update->id;
      state.forks.push_back(fork);
    }
  }

  void fill_lists(RecordState& state) {
    std::vector<const GraphUpdate*> timeline;
    std::vector<UpdateId> taken_over;
    const GraphUpdate* erased = nullptr;
    for (Index i = 0; i < nodes_.size(); ++i) {
      const Node& node = nodes_[i];
      const GraphUpdate& update = *node.update;
      if (!in_force(node)) {
        const bool had_right = node.reason == InertReason::kNone;
        state.inert.push_back({update.id, had_right ? InertReason::kCutOff : node.reason});
        continue;
      }
      if (custody::is_invitation(update.open.kind)) {
        state.invitations.push_back(invitation_of(update));
      }
      if (!counts(i)) {
        state.set_aside.push_back(update.id);
        continue;
      }
      timeline.push_back(&update);
      counting_.push_back(i);
      const std::vector<UpdateId>& references = update.open.references;
      if (update.open.kind == UpdateKind::kAdopt) {
        taken_over.insert(taken_over.end(), references.begin(), references.end());
      }
      if (update.open.kind == UpdateKind::kErase) {
        if (erased == nullptr || older(update, *erased)) erased = &update;
      }
    }
    std::sort(timeline.begin(), timeline.end(),
              [](const GraphUpdate* a, const GraphUpdate* b) { return older(*a, *b); });
    for (const GraphUpdate* update : timeline) state.timeline.push_back(update->id);
    if (!timeline.empty()) state.latest = timeline.back()->envelope.hlc;
    if (erased != nullptr) state.erased_by = erased->id;
    std::sort(state.set_aside.begin(), state.set_aside.end());
    sort_unique(taken_over);
    std::set_intersection(taken_over.begin(), taken_over.end(), state.set_aside.begin(),
                          state.set_aside.end(), std::back_inserter(state.adopted));
    const auto by_id = [](const auto& a, const auto& b) { return a.id < b.id; };
    std::sort(state.inert.begin(), state.inert.end(), by_id);
    std::sort(state.invitations.begin(), state.invitations.end(), by_id);
  }

  using Latest = std::map<std::uint16_t, std::vector<Index>>;

  void write_field(Latest& latest, std::uint16_t field, Index i) const {
    std::vector<Index>& writes = latest[field];
    std::erase_if(writes, [&](Index earlier) { return ancestors_.has(i, earlier); });
    writes.push_back(i);
  }

  Register make_register(std::vector<Index>& writes) const {
    Register result;
    std::sort(writes.begin(), writes.end(),
              [&](Index a, Index b) { return shown_before(*nodes_[a].update, *nodes_[b].update); });
    for (const Index i : writes) result.writes.push_back(nodes_[i].update->id);
    return result;
  }

  void fill_registers(RecordState& state) const {
    Latest open;
    Latest closed;
    for (const Index i : counting_) {
      const OpenBody& body = nodes_[i].update->open;
      if (body.kind != UpdateKind::kCreated && !custody::is_field_write(body.kind)) continue;
      for (const FieldWrite& write : body.writes) write_field(open, write.field, i);
      for (const std::uint16_t field : body.closed_fields) write_field(closed, field, i);
    }
    for (auto& [field, writes] : open) {
      Register shown = make_register(writes);
      for (const FieldWrite& write : nodes_[writes[0]].update->open.writes) {
        if (write.field == field) shown.value = write.value;
      }
      state.open_fields.emplace(field, std::move(shown));
    }
    for (auto& [field, writes] : closed) state.closed_fields.emplace(field, make_register(writes));
  }

  void fill_participants(RecordState& state) const {
    std::vector<AgencyId>& people = state.participants;
    people.push_back(state.origin);
    std::vector<bool> stands(links_.size(), false);  // in force, and so is every link before it
    for (Index i = 0; i < links_.size(); ++i) {
      const custody::LinkNode& link = links_[i];
      stands[i] = link.in_force && (link.previous == kNoLink || stands[link.previous]);
      if (!stands[i]) continue;
      people.push_back(link.update->agency);
      const AgencyId to = custody::link_entry(*link.update).to;
      if (!to.is_zero()) people.push_back(to);
    }
    for (const Node& node : nodes_) {
      if (!custody::is_invitation(node.update->open.kind) || !in_force(node)) continue;
      const AgencyId& target = node.update->open.target;
      if (stands[custody_link_of(node)] && !target.is_zero()) people.push_back(target);
    }
    sort_unique(people);
  }

  std::span<const GraphUpdate> updates_;
  const TreeView& tree_;
  Ancestors ancestors_;
  std::vector<Node> nodes_;  // parents first
  std::unordered_map<UpdateId, Index> index_;
  std::vector<AgencyId> agencies_;
  std::unordered_map<AgencyId, Index> agency_index_;
  std::vector<std::size_t> written_;  // updates of each agency
  std::map<Index, std::vector<std::uint64_t>> updates_of_;
  std::vector<custody::LinkNode> links_;
  std::vector<LinkPath> paths_;
  std::vector<Index> node_of_link_;
  custody::Chain chain_;
  std::vector<Index> position_;  // of each link in the chain
  std::vector<Index> counting_;  // parents first
};

// ---- the fast path ----

bool only_believed(const RecordState& state) {
  return std::none_of(state.inert.begin(), state.inert.end(),
                      [](const InertEntry& entry) { return entry.reason == InertReason::kCutOff; });
}

// fold() of a record's first update, believed and of rules that we know.
RecordState created(const GraphUpdate& update) {
  RecordState state;
  state.record = id_cast<RecordId>(update.id);
  state.kind = update.open.record_kind;
  state.rules_needed = update.envelope.rules_version;
  state.origin = state.holder = update.agency;
  state.lead = update.open.lead;
  state.chain.push_back(custody::link_entry(update));
  for (const FieldWrite& write : update.open.writes)
    state.open_fields.emplace(write.field, Register{{update.id}, write.value});
  for (const std::uint16_t field : update.open.closed_fields)
    state.closed_fields.emplace(field, Register{{update.id}, {}});
  state.heads = state.timeline = {update.id};
  state.latest = update.envelope.hlc;
  state.participants.push_back(update.agency);
  return state;
}

// The place of a link in the chain; kNone: not there. Nearly always the last.
Index find_link(const RecordState& state, const UpdateId& id) {
  for (auto i = static_cast<Index>(state.chain.size()); i-- > 0;) {
    if (state.chain[i].id == id) return i;
  }
  return kNone;
}

const Invitation* find_invitation(const RecordState& state, const UpdateId& id) {
  const auto at = std::lower_bound(state.invitations.begin(), state.invitations.end(), id,
                                   [](const Invitation& a, const UpdateId& b) { return a.id < b; });
  return at != state.invitations.end() && at->id == id ? &*at : nullptr;
}

void set_aside_or_count(RecordState& state, const GraphUpdate& update, bool closed) {
  if (custody::is_invitation(update.open.kind)) {
    insert_by_id(state.invitations, invitation_of(update));
    if (!update.open.target.is_zero()) insert_sorted(state.participants, update.open.target);
  }
  if (closed) {
    insert_sorted(state.set_aside, update.id);
    return;
  }
  state.timeline.push_back(update.id);
  state.latest = update.envelope.hlc;
  const UpdateKind kind = update.open.kind;
  if (kind == UpdateKind::kErase && state.erased_by.is_zero()) state.erased_by = update.id;
  if (kind == UpdateKind::kAdopt) {
    for (const UpdateId& id : update.open.references) {
      if (std::binary_search(state.set_aside.begin(), state.set_aside.end(), id)) {
        insert_sorted(state.adopted, id);
      }
    }
  }
  if (!custody::is_field_write(kind)) return;
  for (const FieldWrite& write : update.open.writes) {
    state.open_fields[write.field] = Register{{update.id}, write.value};
  }
  for (const std::uint16_t field : update.open.closed_fields) {
    state.closed_fields[field] = Register{{update.id}, {}};
  }
}

void add_to_chain(RecordState& state, const GraphUpdate& update, const custody::Standing& before) {
  const LinkEntry entry = custody::link_entry(update);
  const custody::Standing after = custody::step(before, entry);
  state.chain.push_back(entry);
  state.holder = after.holder;
  state.offered = after.offered;
  insert_sorted(state.participants, entry.by);
  if (!entry.to.is_zero()) insert_sorted(state.participants, entry.to);
}

bool extend_readable(RecordState& state, const GraphUpdate& update, const TreeView& tree) {
  if (state.chain.empty() || !state.forks.empty() || !update.believed) return false;
  if (!update.envelope.link || !only_believed(state)) return false;
  const std::size_t known = state.timeline.size() + state.set_aside.size() + state.inert.size();
  if (known > kAncestorCountMax) return false;
  if (std::tie(update.envelope.hlc, update.id) <= std::tie(state.latest, state.timeline.back())) {
    return false;
  }
  const Invitation* invitation = find_invitation(state, *update.envelope.link);
  const Index position =
      find_link(state, invitation != nullptr ? invitation->link : *update.envelope.link);
  if (position == kNone) return false;
  const bool closed = position + 1 != state.chain.size();
  const bool is_custody_link = is_link(update.open.kind);
  if (is_custody_link && closed) return false;  // a fork, perhaps

  custody::Place place;
  std::vector<AgencyId> people;
  for (Index i = 0; i <= position; ++i) {
    place.standing = custody::step(place.standing, state.chain[i]);
    add_person(people, state.chain[i].by);
    add_person(people, state.chain[i].to);
  }
  place.kind = invitation != nullptr ? invitation->kind : state.chain[position].kind;
  place.tree_version =
      invitation != nullptr ? invitation->tree_version : state.chain[position].tree_version;
  if (invitation != nullptr) place.invited = invitation->target;
  place.origin = state.origin;
  place.people = people;
  const InertReason reason = custody::judge(update, place, tree);
  if (reason != InertReason::kNone) {
    insert_by_id(state.inert, InertEntry{update.id, reason});
  } else {
    if (is_custody_link) add_to_chain(state, update, place.standing);
    set_aside_or_count(state, update, closed && custody::is_custodial(update.open.kind));
  }
  state.rules_needed = std::max(state.rules_needed, update.envelope.rules_version);
  state.heads.assign(1, update.id);
  return true;
}

}  // namespace

const char* to_string(InertReason reason) {
  switch (reason) {
    case InertReason::kNone: return "none";
    case InertReason::kNotItsTurn: return "not-its-turn";
    case InertReason::kBadLink: return "bad-link";
    case InertReason::kTreeOlderThanLink: return "tree-older-than-link";
    case InertReason::kDissolved: return "dissolved";
    case InertReason::kNotInAudience: return "not-in-audience";
    case InertReason::kTooDeep: return "too-deep";
    case InertReason::kCutOff: return "cut-off";
    case InertReason::kClosed: return "closed";
  }
  return "unknown";
}

const char* to_string(ForkLine line) {
  switch (line) {
    case ForkLine::kDecided: return "decided";
    case ForkLine::kCommonSuperior: return "common-superior";
    case ForkLine::kParts: return "parts";
    case ForkLine::kTakenUp: return "taken-up";
  }
  return "unknown";
}

TreeVersion version_of(const GraphUpdate& update) {
  return std::max(update.held_to, update.envelope.tree_version);
}

RecordState fold(std::span<const GraphUpdate> updates, const TreeView& tree) {
  if (updates.empty()) return {};
  return Folder(updates, tree).run();
}

bool extend(RecordState& state, const GraphUpdate& update, const TreeView& tree) {
  if (state.record.is_zero()) {
    if (!is_first(update)) return false;
    const bool plain = update.believed && update.envelope.rules_version <= kRulesVersion;
    state = plain ? created(update) : fold({&update, 1}, tree);
    return true;
  }
  if (update.envelope.deps != state.heads) return false;
  const std::uint16_t needed = std::max(state.rules_needed, update.envelope.rules_version);
  if (needed > kRulesVersion) {
    state = unreadable(state.record, state.kind, needed);
    state.heads.assign(1, update.id);
    return true;
  }
  return extend_readable(state, update, tree);
}

std::vector<AgencyId> audience(const RecordState& state, const TreeView& tree) {
  const TreeVersion newest = tree.newest();
  std::vector<AgencyId> all = state.participants;
  if (state.kind == RecordKind::kProcedure) {
    const std::vector<AgencyId> everyone = tree.everyone();
    all.insert(all.end(), everyone.begin(), everyone.end());
  }
  for (const AgencyId& agency : state.participants) {
    all.push_back(tree.resolve(agency, newest));
  }
  sort_unique(all);
  const std::vector<AgencyId> members = all;
  for (const AgencyId& agency : members) {
    const std::vector<AgencyId> superiors = tree.superiors(agency, newest);
    all.insert(all.end(), superiors.begin(), superiors.end());
  }
  sort_unique(all);
  return all;
}

}  // namespace lienthong
