// What the fold and its fast path have in common. Internal to record/. Pure; no threads.
#pragma once

#include <tuple>

#include "protocol/record/fold.h"

namespace lienthong::custody {

inline bool is_first(const GraphUpdate& update) {
  return update.open.kind == UpdateKind::kCreated && update.envelope.deps.empty() &&
         !update.envelope.link;
}

inline Invitation invitation_of(const GraphUpdate& update) {
  return {update.id, update.open.kind, update.open.target, *update.envelope.link,
          update.envelope.tree_version};
}

// Order among concurrent writes to one field: the greatest is shown.
inline bool shown_before(const GraphUpdate& a, const GraphUpdate& b) {
  return std::tie(a.envelope.tree_version, a.envelope.hlc, a.id) >
         std::tie(b.envelope.tree_version, b.envelope.hlc, b.id);
}

// All a state says of a record whose rules we do not know.
inline RecordState unreadable(const RecordId& record, RecordKind kind, std::uint16_t rules_needed) {
  RecordState state;
  state.record = record;
  state.kind = kind;
  state.rules_needed = rules_needed;
  return state;
}

}  // namespace lienthong::custody
