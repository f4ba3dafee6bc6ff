#include "protocol/record/fold.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "protocol/base/check.h"
#include "protocol/record/branches.h"
#include "protocol/record/fold_common.h"
#include "protocol/record/judged.h"

namespace lienthong {
namespace {

using custody::Index;
using custody::JudgedUpdate;
using custody::kNone;
using custody::shown_before;
using custody::sort_unique;

bool older(const GraphUpdate& a, const GraphUpdate& b) {
  return std::tie(a.envelope.hlc, a.id) < std::tie(b.envelope.hlc, b.id);
}

std::vector<UpdateId> heads_of(std::span<const GraphUpdate> updates) {
  std::vector<UpdateId> named;
  std::vector<UpdateId> all;
  for (const GraphUpdate& update : updates) {
    all.push_back(update.id);
    named.insert(named.end(), update.envelope.deps.begin(), update.envelope.deps.end());
  }
  sort_unique(named);
  std::sort(all.begin(), all.end());
  std::vector<UpdateId> heads;
  std::set_difference(all.begin(), all.end(), named.begin(), named.end(),
                      std::back_inserter(heads));
  return heads;
}

class Folder {
 public:
  Folder(std::span<const GraphUpdate> updates, const TreeView& tree)
      : record_(updates, tree), nodes_(record_.updates()), chain_(custody::find_chain(record_)) {}

  void fill(RecordState& state) {
    const GraphUpdate& first = *nodes_[0].update;
    state.origin = first.agency;
    state.lead = first.open.lead;
    fill_chain(state);
    fill_forks(state);
    fill_lists(state);
    fill_registers(state);
    fill_participants(state);
  }

 private:
  bool in_force(const JudgedUpdate& judged) const {
    if (judged.reason != InertReason::kNone || chain_.links.empty()) return false;
    return judged.custody_link != kNone ? record_.links()[judged.custody_link].in_force
                                        : judged.trusted;
  }

  static InertReason why_inert(const JudgedUpdate& judged) {
    if (judged.reason != InertReason::kNone) return judged.reason;
    return judged.update->believed && !judged.trusted ? InertReason::kClosed : InertReason::kCutOff;
  }

  // Of those in force: whether it counts, or is set aside.
  bool counts(Index i) const {
    const JudgedUpdate& judged = nodes_[i];
    if (judged.custody_link != kNone) return position_[judged.custody_link] != kNone;
    if (!custody::is_custodial(judged.update->open.kind)) return true;  // these only grow
    const Index position = position_[nodes_[judged.link].custody_link];
    if (position == kNone) return false;
    // The next link of the chain closes what does not lie before it.
    return position + 1 == chain_.links.size() || closed_at_[i] <= position + 1;
  }

  void fill_chain(RecordState& state) {
    position_.assign(record_.links().size(), kNone);
    std::vector<Index> marks(nodes_.size(), kNone);
    for (const Index link : chain_.links) {
      const auto position = static_cast<Index>(state.chain.size());
      const custody::LinkNode& node = record_.links()[link];
      position_[link] = position;
      marks[node.update] = position;
      state.chain.push_back(custody::link_entry(record_.update_of(node)));
    }
    closed_at_ = record_.graph().lowest_from(std::move(marks));
    if (chain_.links.empty()) return;
    const custody::Standing& standing = record_.standing(chain_.links.back());
    state.holder = standing.holder;
    state.offered = standing.offered;
  }

  void fill_forks(RecordState& state) const {
    const std::vector<custody::LinkNode>& links = record_.links();
    for (const Index link : chain_.forks) {
      const custody::JudgedFork& judged = chain_.decided.at(link);
      ForkEntry fork;
      fork.link = record_.update_of(links[link]).id;
      for (const Index next : links[link].next) {
        fork.branches.push_back(record_.update_of(links[next]).id);
      }
      std::sort(fork.branches.begin(), fork.branches.end());
      fork.stands = record_.update_of(links[judged.stands]).id;
      fork.line = judged.line;
      if (judged.decision != kNone) fork.decision = nodes_[judged.decision].update->id;
      fork.notary = judged.notary;
      fork.bound = judged.bound;
      state.forks.push_back(std::move(fork));
    }
  }

  void fill_lists(RecordState& state) {
    std::vector<const GraphUpdate*> timeline;
    std::vector<UpdateId> taken_over;
    const GraphUpdate* erased = nullptr;
    for (Index i = 0; i < nodes_.size(); ++i) {
      const GraphUpdate& update = *nodes_[i].update;
      if (!in_force(nodes_[i])) {
        state.inert.push_back({update.id, why_inert(nodes_[i])});
        continue;
      }
      if (custody::is_invitation(update.open.kind)) {
        state.invitations.push_back(custody::invitation_of(update));
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

  // The writes that count of each field, and of those the ones with no other among what came after.
  using Fields = std::map<std::uint16_t, std::vector<Index>>;

  void keep_latest(Fields& fields) const {
    std::vector<std::uint64_t> written(nodes_.size(), 0);
    for (auto from = fields.begin(); from != fields.end();) {
      auto to = from;
      bool any = false;  // a field with one write has it
      for (unsigned bit = 0; bit < 64 && to != fields.end(); ++bit, ++to) {
        any = any || to->second.size() > 1;
        for (const Index i : to->second) written[i] |= std::uint64_t{1} << bit;
      }
      if (any) {
        const std::vector<std::uint64_t> later = record_.graph().bits_after(written);
        unsigned bit = 0;
        for (auto it = from; it != to; ++it, ++bit) {
          std::erase_if(it->second, [&](Index i) { return (later[i] >> bit & 1) != 0; });
        }
      }
      std::fill(written.begin(), written.end(), 0);
      from = to;
    }
  }

  Register make_register(std::vector<Index>& writes) const {
    Register result;
    std::sort(writes.begin(), writes.end(),
              [&](Index a, Index b) { return shown_before(*nodes_[a].update, *nodes_[b].update); });
    for (const Index i : writes) result.writes.push_back(nodes_[i].update->id);
    return result;
  }

  void fill_registers(RecordState& state) const {
    Fields open;
    Fields closed;
    for (const Index i : counting_) {
      const OpenBody& body = nodes_[i].update->open;
      if (body.kind != UpdateKind::kCreated && !custody::is_field_write(body.kind)) continue;
      for (const FieldWrite& write : body.writes) open[write.field].push_back(i);
      for (const std::uint16_t field : body.closed_fields) closed[field].push_back(i);
    }
    keep_latest(open);
    keep_latest(closed);
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
    const std::vector<custody::LinkNode>& links = record_.links();
    std::vector<AgencyId>& people = state.participants;
    people.push_back(state.origin);
    std::vector<bool> stands(links.size(), false);  // in force, and so is every link before it
    for (Index i = 0; i < links.size(); ++i) {
      const custody::LinkNode& link = links[i];
      stands[i] = link.in_force && (link.previous == kNone || stands[link.previous]);
      if (!stands[i]) continue;
      const LinkEntry entry = custody::link_entry(record_.update_of(link));
      people.push_back(entry.by);
      if (!entry.to.is_zero()) people.push_back(entry.to);
    }
    for (const JudgedUpdate& judged : nodes_) {
      if (!custody::is_invitation(judged.update->open.kind) || !in_force(judged)) continue;
      const AgencyId& target = judged.update->open.target;
      if (stands[record_.custody_link_of(judged)] && !target.is_zero()) people.push_back(target);
    }
    sort_unique(people);
  }

  custody::Judged record_;
  const std::vector<JudgedUpdate>& nodes_;  // parents first
  custody::Chain chain_;
  std::vector<Index> position_;   // of each link in the chain
  std::vector<Index> closed_at_;  // of each update: position of the first link of the chain that it
                                  // is or lies before
  std::vector<Index> counting_;   // parents first
};

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
  const auto first = std::find_if(updates.begin(), updates.end(), custody::is_first);
  LT_CHECK(first != updates.end());
  std::uint16_t rules_needed = 0;
  for (const GraphUpdate& update : updates) {
    rules_needed = std::max(rules_needed, update.envelope.rules_version);
  }
  RecordState state =
      custody::unreadable(id_cast<RecordId>(first->id), first->open.record_kind, rules_needed);
  state.heads = heads_of(updates);
  if (!state.needs_newer_rules()) Folder(updates, tree).fill(state);
  return state;
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
  for (const ForkEntry& fork : state.forks) {  // who may have upheld from above, and is to hear
    if (!fork.notary.is_zero()) all.push_back(fork.notary);
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
