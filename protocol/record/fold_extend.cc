// The fast path: a state and one update on top of it.
#include <algorithm>
#include <tuple>

#include "protocol/base/limits.h"
#include "protocol/record/custody.h"
#include "protocol/record/fold.h"
#include "protocol/record/fold_common.h"

namespace lienthong {
namespace {

using custody::add_person;
using custody::Index;
using custody::insert_sorted;
using custody::invitation_of;
using custody::is_first;
using custody::kNone;
using custody::unreadable;

template <class T>
void insert_by_id(std::vector<T>& values, T value) {
  const auto before = [](const T& a, const T& b) { return a.id < b.id; };
  values.insert(std::lower_bound(values.begin(), values.end(), value, before), std::move(value));
}

// Whether nothing is inert for want of trust, which a reclaim could bring back.
bool only_believed(const RecordState& state) {
  return std::none_of(state.inert.begin(), state.inert.end(), [](const InertEntry& entry) {
    return entry.reason == InertReason::kCutOff || entry.reason == InertReason::kClosed;
  });
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
  place.author = state.chain[position].by;  // asked of custody links alone
  if (invitation != nullptr) place.invited = invitation->target;
  place.origin = state.origin;
  place.people = people;
  const TreeVersion named = update.envelope.tree_version;
  const InertReason reason = custody::judge(update, place, tree, named);
  if (reason == InertReason::kNone && !custody::right_as_held(update, place, tree)) return false;
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

}  // namespace lienthong
