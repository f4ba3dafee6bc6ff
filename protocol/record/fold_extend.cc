// The fast path: a state and one update on top of it.
#include <algorithm>
#include <functional>
#include <optional>
#include <tuple>
#include <unordered_map>

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
using custody::shown_before;
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

void put_head(RecordState& state, const GraphUpdate& update) {
  std::erase_if(state.heads, [&update](const UpdateId& head) {
    const auto& deps = update.envelope.deps;
    return std::find(deps.begin(), deps.end(), head) != deps.end();
  });
  insert_sorted(state.heads, update.id);
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

// What the update does not have in its past, by name.
class Others {
 public:
  explicit Others(const Beside& beside) : beside_(beside) {
    for (const GraphUpdate& update : beside.updates) by_id_.emplace(update.id, &update);
  }
  bool empty() const { return by_id_.empty(); }
  const GraphUpdate* find(const UpdateId& id) const {
    if (by_id_.empty()) return nullptr;
    const auto at = by_id_.find(id);
    return at != by_id_.end() ? at->second : nullptr;
  }
  template <class Test>
  bool any(const Test& test) const {
    return std::any_of(beside_.updates.begin(), beside_.updates.end(), test);
  }
  Hlc clock_of(const UpdateId& id) const {
    const GraphUpdate* known = find(id);
    return known != nullptr ? known->envelope.hlc : beside_.clock_of(id);
  }

 private:
  const Beside& beside_;
  std::unordered_map<UpdateId, const GraphUpdate*> by_id_;
};

// Its place in the timeline if it counts there; nullopt: before one that it has in its past.
std::optional<std::size_t> place_in_time(const RecordState& state, const GraphUpdate& update,
                                         const Others& others) {
  const auto later = [&update](Hlc hlc, const UpdateId& id) {
    return std::tie(hlc, id) > std::tie(update.envelope.hlc, update.id);
  };
  std::size_t place = state.timeline.size();
  Hlc hlc = state.latest;
  while (place > 0 && later(hlc, state.timeline[place - 1])) {
    if (others.find(state.timeline[place - 1]) == nullptr) return std::nullopt;
    if (--place > 0) hlc = others.clock_of(state.timeline[place - 1]);
  }
  return place;
}

// It takes the place of the writes in its past, and stands beside the others.
void put_write(Register& shown, const GraphUpdate& update, const Others& others,
               const std::function<FieldValue(const GraphUpdate&)>& value_of) {
  std::vector<const GraphUpdate*> writes{&update};
  for (const UpdateId& id : shown.writes)
    if (const GraphUpdate* other = others.find(id)) writes.push_back(other);
  std::sort(writes.begin(), writes.end(),
            [](const GraphUpdate* a, const GraphUpdate* b) { return shown_before(*a, *b); });
  shown.writes.clear();
  for (const GraphUpdate* write : writes) shown.writes.push_back(write->id);
  shown.value = value_of(*writes[0]);
}

void put_writes(RecordState& state, const GraphUpdate& update, const Others& others) {
  for (const FieldWrite& write : update.open.writes)
    put_write(state.open_fields[write.field], update, others, [&write](const GraphUpdate& shown) {
      FieldValue value;
      for (const FieldWrite& each : shown.open.writes)
        if (each.field == write.field) value = each.value;
      return value;
    });
  for (const std::uint16_t field : update.open.closed_fields)
    put_write(state.closed_fields[field], update, others,
              [](const GraphUpdate&) { return FieldValue(); });
}

void set_aside_or_count(RecordState& state, const GraphUpdate& update, bool closed,
                        std::size_t place, const Others& others) {
  if (custody::is_invitation(update.open.kind)) {
    insert_by_id(state.invitations, invitation_of(update));
    if (!update.open.target.is_zero()) insert_sorted(state.participants, update.open.target);
  }
  if (closed) {
    insert_sorted(state.set_aside, update.id);
    return;
  }
  if (place == state.timeline.size()) state.latest = update.envelope.hlc;
  state.timeline.insert(state.timeline.begin() + static_cast<std::ptrdiff_t>(place), update.id);
  const UpdateKind kind = update.open.kind;
  if (kind == UpdateKind::kErase && state.erased_by.is_zero()) state.erased_by = update.id;
  if (kind == UpdateKind::kAdopt) {
    for (const UpdateId& id : update.open.references) {
      if (std::binary_search(state.set_aside.begin(), state.set_aside.end(), id)) {
        insert_sorted(state.adopted, id);
      }
    }
  }
  if (custody::is_field_write(kind)) put_writes(state, update, others);
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

// Whether it signs nothing that could tell on a fork: the same agency has signed a link under the
// same version behind every one of them.
bool decides_no_fork(const RecordState& state, const GraphUpdate& update) {
  if (state.forks.empty()) return true;
  const UpdateKind kind = update.open.kind;
  if (custody::is_decision(kind) || kind == UpdateKind::kSucceed) return false;
  if (!is_link(kind) && !custody::is_field_write(kind)) return true;
  const Index last = find_link(state, state.forks.back().link);
  if (last == kNone) return false;
  return std::any_of(state.chain.begin() + last + 1, state.chain.end(), [&](const LinkEntry& link) {
    return link.by == update.agency && link.tree_version == update.envelope.tree_version;
  });
}

// Whether what lies beside it would stand otherwise for it, or it for what lies beside.
bool moves_others(const RecordState& state, const GraphUpdate& update, bool closed,
                  const Others& others) {
  if (others.empty()) return false;
  if (is_link(update.open.kind))  // it closes the link before it to what it does not know
    return others.any([](const GraphUpdate& u) { return custody::is_custodial(u.open.kind); });
  if (closed &&
      custody::is_custodial(update.open.kind))  // an adoption of it may be there before it
    return others.any([](const GraphUpdate& u) { return u.open.kind == UpdateKind::kAdopt; });
  return update.open.kind == UpdateKind::kErase && !state.erased_by.is_zero();  // which came first?
}

bool extend_readable(RecordState& state, const GraphUpdate& update, const TreeView& tree,
                     const Others& others) {
  if (state.chain.empty() || !update.believed || !update.envelope.link) return false;
  // A reclaim could bring back what is inert for want of trust.
  if (update.open.kind == UpdateKind::kReclaim && !only_believed(state)) return false;
  if (!decides_no_fork(state, update)) return false;
  const std::size_t known = state.timeline.size() + state.set_aside.size() + state.inert.size();
  if (known > kAncestorCountMax) return false;
  const auto in_time = place_in_time(state, update, others);
  if (!in_time) return false;
  if (others.find(*update.envelope.link) != nullptr)
    return false;  // what it names is not before it
  const Invitation* invitation = find_invitation(state, *update.envelope.link);
  const Index position =
      find_link(state, invitation != nullptr ? invitation->link : *update.envelope.link);
  if (position == kNone) return false;
  const bool closed = position + 1 != state.chain.size();
  const bool is_custody_link = is_link(update.open.kind);
  if (is_custody_link && (closed || *in_time != state.timeline.size())) return false;
  if (moves_others(state, update, closed, others)) return false;

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
    set_aside_or_count(state, update, closed && custody::is_custodial(update.open.kind), *in_time,
                       others);
  }
  state.rules_needed = std::max(state.rules_needed, update.envelope.rules_version);
  put_head(state, update);
  return true;
}

}  // namespace

bool extend(RecordState& state, const GraphUpdate& update, const TreeView& tree,
            const Beside& beside) {
  if (state.record.is_zero()) {
    if (!is_first(update)) return false;
    const bool plain = update.believed && update.envelope.rules_version <= kRulesVersion;
    state = plain ? created(update) : fold({&update, 1}, tree);
    return true;
  }
  const std::uint16_t needed = std::max(state.rules_needed, update.envelope.rules_version);
  if (needed > kRulesVersion) {
    RecordState readable = unreadable(state.record, state.kind, needed);
    readable.heads = std::move(state.heads);
    state = std::move(readable);
    put_head(state, update);
    return true;
  }
  return extend_readable(state, update, tree, Others(beside));
}

bool extend(RecordState& state, const GraphUpdate& update, const TreeView& tree) {
  if (!state.record.is_zero() && update.envelope.deps != state.heads) return false;
  return extend(state, update, tree, Beside{});
}

}  // namespace lienthong
