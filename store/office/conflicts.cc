#include "store/office/conflicts.h"

#include <algorithm>
#include <set>

#include "protocol/record/codec.h"
#include "protocol/record/registers.h"
#include "store/replica/raw.h"
#include "store/replica/rows.h"

namespace lienthong::store {

std::vector<FieldConflict> conflicts_of(const RecordState& state) {
  std::vector<FieldConflict> out;
  for (const auto* fields : {&state.open_fields, &state.closed_fields})
    for (const auto& [number, field_register] : *fields) {
      const FieldInfo* info = find_field(number);
      if (info != nullptr && field_register.writes.size() > 1)
        out.push_back({info, field_register.writes});
    }
  return out;
}

std::optional<WrittenValue> written_by(const Replica& replica, const FieldInfo& info,
                                       const UpdateId& id) {
  const auto update = replica.find_update(id);
  if (!update) return std::nullopt;
  WrittenValue out{update->agency, update->update.envelope.hlc.millis(), std::nullopt};
  const auto take = [&](const std::vector<FieldWrite>& writes) {
    if (const FieldValue* value = written_value(writes, info.field)) out.value = *value;
  };
  if (info.part == Part::kOpen) {
    take(update->open.writes);
  } else if (!update->update.closed.empty()) {
    if (const auto closed = wire::decode_closed(update->update.closed); closed.ok())
      take(closed->writes);
  }
  return out;
}

WaitingUpdates waiting_of(const Replica& replica, const RecordId& record) {
  WaitingUpdates out;
  if (replica.counts().waiting == 0) return out;
  std::set<UpdateId> refused;
  for (const RefusedEntry& entry : replica.refused(SIZE_MAX))
    if (!entry.by_peer) refused.insert(entry.id);
  RawReplica(replica).database().scan("P", "P", [&](std::string_view, std::string_view value) {
    const PenRow row = decode_pen_row(value);
    if (record_of(row.unit.leaves.front().update, row.entry.id) != record) return true;
    WaitingGroup& group = row.why == PenReason::kRevoked  ? out.on_revoked
                          : row.missing.is_zero()         ? out.on_registry
                          : refused.contains(row.missing) ? out.on_refused
                                                          : out.on_missing;
    const UnixMillis since = row.entry.since;
    group.since = ++group.count == 1 ? since : std::min(group.since, since);
    return true;
  });
  return out;
}

}  // namespace lienthong::store
