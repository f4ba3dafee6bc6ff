#include "store/office/reading.h"

#include <algorithm>

#include "protocol/record/codec.h"

namespace lienthong::store {
namespace {

bool is_among(const std::vector<AgencyId>& participants, const AgencyId& ours,
              const Registry& registry) {
  if (std::ranges::binary_search(participants, ours)) return true;
  const TreeVersion newest = registry.newest();
  return std::ranges::any_of(participants, [&](const AgencyId& agency) {
    return registry.dissolved(agency, newest) && registry.resolve(agency, newest) == ours;
  });
}

}  // namespace

bool takes_part(const Replica& replica, const RecordState& state) {
  if (state.kind == RecordKind::kProcedure) return true;
  const AgencyId& ours = replica.identity().agency;
  const auto registry = replica.registry();
  if (is_among(state.participants, ours, *registry)) return true;
  if (state.lead.is_zero()) return false;
  const auto lead = replica.find_record(state.lead);
  return lead && is_among(lead->state.participants, ours, *registry);
}

bool inspected(const Replica& replica, const RecordState& state, std::string_view account,
               UnixMillis now) {
  for (auto id = state.timeline.rbegin(); id != state.timeline.rend(); ++id) {
    const auto update = replica.find_update(*id);
    if (!update) continue;
    const UnixMillis at = update->update.envelope.hlc.millis();
    if (at + kInspectionMillis < now) return false;  // the timeline goes by clocks
    if (update->open.kind != UpdateKind::kInspect || update->node != replica.identity().node ||
        at > now + kInspectionMillis)
      continue;
    const auto closed = wire::decode_closed(update->update.closed);
    if (closed.ok() && closed->account == account) return true;
  }
  return false;
}

void withhold(std::map<Field, FieldValue>& values) {
  std::erase_if(values, [](const auto& entry) {
    const FieldInfo* info = find_field(static_cast<std::uint16_t>(entry.first));
    return info == nullptr || info->part == Part::kClosed;
  });
}

void withhold(TimelineEntry& entry) {
  entry.officer.clear();
  entry.note.clear();
  entry.account.clear();
  if (!is_action_code(entry.action)) entry.action.clear();  // words are a closed part's
}

void withhold(Dossier& dossier) {
  withhold(dossier.values);
  for (TimelineEntry& entry : dossier.timeline) withhold(entry);
}

}  // namespace lienthong::store
