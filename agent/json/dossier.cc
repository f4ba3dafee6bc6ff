#include "agent/json/dossier.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/json/fields.h"
#include "agent/json/time.h"
#include "protocol/record/registers.h"
#include "store/office/conflicts.h"
#include "store/office/dossier_code.h"
#include "store/office/lateness.h"
#include "store/office/revision.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;
using store::CustodyEntry;
using store::Dossier;
using store::TimelineEntry;

json ids_json(const std::vector<UpdateId>& ids) {
  json list = json::array();
  for (const UpdateId& id : ids) list.push_back(id.hex());
  return list;
}

void put_value(json& out, std::string_view name, json value) {
  if (value.is_null()) return;
  if (const std::size_t dot = name.find('.'); dot != std::string_view::npos) {
    out[std::string(name.substr(0, dot))][std::string(name.substr(dot + 1))] = std::move(value);
  } else {
    out[std::string(name)] = std::move(value);
  }
}

// A time that lay more than a day ahead when it came is shown with when that was.
void put_doubt(json& line, UnixMillis came_at) {
  if (came_at == 0) return;
  line["doubtful"] = true;
  line["came_at"] = format_time(came_at);
}

json history_json(const Dossier& dossier, const Registry& registry) {
  json list = json::array();
  for (const TimelineEntry& entry : dossier.timeline) {
    const bool plain = entry.kind == UpdateKind::kSet || entry.kind == UpdateKind::kNote ||
                       entry.kind == UpdateKind::kAdopt;
    if (is_link(entry.kind) || (plain && entry.action.empty() && entry.note.empty())) continue;
    json line = {{"at", format_time(entry.at)}, {"by", agency_code(entry.agency, registry)}};
    put_doubt(line, entry.came_at);
    if (!entry.officer.empty()) line["officer"] = entry.officer;
    if (!entry.account.empty()) line["account"] = entry.account;
    if (!entry.unit.empty()) line["unit"] = entry.unit;
    line["action"] = entry.action.empty() ? to_string(entry.kind) : entry.action;
    if (!entry.note.empty()) line["note"] = entry.note;
    if (!entry.official_code.empty()) line["official_code"] = entry.official_code;
    if (!entry.code_system.empty()) line["system"] = entry.code_system;
    if (entry.directive) line["directive"] = true;
    if (!entry.to.is_zero()) line["to"] = agency_code(entry.to, registry);
    if (entry.deadline != 0) line["deadline"] = format_time(entry.deadline);
    if (!plain) line["id"] = entry.id.hex();
    list.push_back(std::move(line));
  }
  return list;
}

json official_codes_json(const Dossier& dossier, const Registry& registry) {
  json list = json::array();
  for (const store::OfficialCodeEntry& entry : dossier.official_codes) {
    json line = {{"code", entry.code},
                 {"by", agency_code(entry.by, registry)},
                 {"at", format_time(entry.at)}};
    if (!entry.system.empty()) line["system"] = entry.system;
    if (!entry.officer.empty()) line["officer"] = entry.officer;
    if (const auto parts = store::parse_dossier_code(entry.code, store::CodeOwner::kOther)) {
      line["form"] = store::to_string(parts->form);
      if (!parts->ministry.empty()) line["ministry"] = parts->ministry;
    }
    list.push_back(std::move(line));
  }
  return list;
}

json custody_json(const Dossier& dossier, const Registry& registry) {
  json list = json::array();
  for (const CustodyEntry& entry : dossier.custody) {
    json line = {{"link", to_string(entry.link.kind)},
                 {"by", agency_code(entry.link.by, registry)},
                 {"at", format_time(entry.at)},
                 {"id", entry.link.id.hex()}};
    put_doubt(line, entry.came_at);
    if (!entry.link.to.is_zero()) line["to"] = agency_code(entry.link.to, registry);
    if (entry.link.urgent) line["urgent"] = true;
    if (!entry.node.is_zero()) line["node"] = entry.node.hex();
    if (entry.seal) line["seal"] = entry.seal->hex();
    const auto texts = std::ranges::find(dossier.timeline, entry.link.id, &TimelineEntry::id);
    if (texts != dossier.timeline.end()) {
      if (!texts->officer.empty()) line["officer"] = texts->officer;
      if (!texts->account.empty()) line["account"] = texts->account;
      if (!texts->note.empty()) line["note"] = texts->note;
      if (!texts->action.empty()) line["action"] = texts->action;
    }
    list.push_back(std::move(line));
  }
  return list;
}

// Every change by whose account it was made, of those that say so: also such as have no line in the
// history.
json writers_json(const Dossier& dossier, const Registry& registry) {
  json list = json::array();
  for (const TimelineEntry& entry : dossier.timeline) {
    if (entry.account.empty()) continue;
    list.push_back({{"id", entry.id.hex()},
                    {"kind", to_string(entry.kind)},
                    {"by", agency_code(entry.agency, registry)},
                    {"at", format_time(entry.at)},
                    {"account", entry.account}});
  }
  return list;
}

}  // namespace

json short_json(const RecordState& state, const Registry& registry, UnixMillis now,
                store::Updated updated) {
  json out = {{"record", state.record.hex()},
              {"revision", store::revision_of(state)},
              {"holder", agency_json(state.holder, registry)},
              {"offered_to", agency_json(state.offered, registry)},
              {"late", store::is_late(state, now)},
              {"conflict", has_conflict(state) || !open_set_aside(state).empty()}};
  for (const Field field : {Field::kCode, Field::kProcedure, Field::kProcedureName, Field::kStatus,
                            Field::kReceivedAt, Field::kDueAt}) {
    const FieldInfo& info = *find_field(static_cast<std::uint16_t>(field));
    if (const FieldValue* value = open_value(state, field))
      put_value(out, info.json, write_field(info, *value, registry));
  }
  if (updated.at != 0) out["updated_at"] = format_time(updated.at);
  put_doubt(out, updated.came_at);
  return out;
}

json dossier_json(const Dossier& dossier, const Registry& registry) {
  const RecordState& state = dossier.state;
  json out = json::object();
  for (const auto& [field, value] : dossier.values) {
    const FieldInfo* info = find_field(static_cast<std::uint16_t>(field));
    if (info != nullptr) put_value(out, info->json, write_field(*info, value, registry));
  }
  out["record"] = state.record.hex();
  out["revision"] = store::revision_of(state);
  out["holder"] = agency_json(state.holder, registry);
  out["offered_to"] = agency_json(state.offered, registry);
  out["history"] = history_json(dossier, registry);
  out["custody"] = custody_json(dossier, registry);
  if (json writers = writers_json(dossier, registry); !writers.empty())
    out["writers"] = std::move(writers);
  if (!dossier.official_codes.empty())
    out["official_codes"] = official_codes_json(dossier, registry);
  out["set_aside"] = ids_json(open_set_aside(state));
  out["heads"] = ids_json(state.heads);
  json inert = json::array();
  for (const InertEntry& entry : state.inert)
    inert.push_back({{"id", entry.id.hex()}, {"reason", to_string(entry.reason)}});
  out["inert"] = std::move(inert);
  json conflicts = json::array();
  for (const store::FieldConflict& conflict : store::conflicts_of(state))
    conflicts.push_back({{"field", conflict.info->json}, {"updates", ids_json(conflict.writes)}});
  out["conflicts"] = std::move(conflicts);
  json participants = json::array();
  for (const AgencyId& agency : state.participants)
    participants.push_back(agency_code(agency, registry));
  out["participants"] = std::move(participants);
  if (!dossier.missing_closed.empty()) {
    json missing = json::array();
    for (const auto& [field, writer] : dossier.missing_closed)
      missing.push_back({{"field", find_field(static_cast<std::uint16_t>(field))->json},
                         {"update", writer.hex()}});
    out["missing"] = std::move(missing);
  }
  if (!state.erased_by.is_zero()) out["erased_by"] = state.erased_by.hex();
  if (state.needs_newer_rules()) out["needs_rules_version"] = state.rules_needed;
  return out;
}

}  // namespace lienthong::agent
