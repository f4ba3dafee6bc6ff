// What did not go in, or not alone: quarantine and conflicts.
#include <map>

#include "agent/api/routes.h"
#include "agent/json/fields.h"
#include "agent/json/reasons.h"
#include "agent/json/status.h"
#include "agent/json/work.h"
#include "protocol/record/codec.h"
#include "protocol/record/registers.h"
#include "store/office/conflicts.h"
#include "store/office/marks.h"
#include "store/office/reading.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

constexpr std::size_t kRefusedCountMax = 1'000;

// One of the concurrent writes of a register.
json written_json(const store::Replica& replica, const Registry& registry, const FieldInfo& info,
                  const UpdateId& id) {
  json out = {{"update", id.hex()}, {"value", nullptr}};
  const auto written = store::written_by(replica, info, id);
  if (!written) return out;
  out["by"] = agency_code(written->by, registry);
  out["at"] = time_json(written->at);
  if (written->value) out["value"] = write_field(info, *written->value, registry);
  return out;
}

void put_field_conflicts(json& list, const store::Replica& replica, const Registry& registry,
                         const RecordState& state) {
  for (const store::FieldConflict& conflict : store::conflicts_of(state)) {
    json values = json::array();
    if (conflict.info->part == Part::kClosed && !store::takes_part(replica, state)) continue;
    for (const UpdateId& id : conflict.writes)
      values.push_back(written_json(replica, registry, *conflict.info, id));
    list.push_back({{"code", code_or_empty(state)},
                    {"record", state.record.hex()},
                    {"field", conflict.info->json},
                    {"values", std::move(values)}});
  }
}

// Zero: no certificate of the node is believed.
AgencyId agency_of(const NodeId& node, const Registry& registry) {
  const auto certificate = registry.certificate_of(node);
  return certificate ? registry.find_certificate(*certificate)->agency : AgencyId();
}

}  // namespace

void get_quarantine(ApiCall& call) {
  const store::Replica& replica = call.api.replica();
  const auto registry = replica.registry();
  json refused = json::array(), waiting = json::array(), inert = json::array();
  for (const store::RefusedEntry& entry : replica.refused(kRefusedCountMax)) {
    refused.push_back({{"number", entry.number},
                       {"id", entry.id.is_zero() ? json(nullptr) : json(entry.id.hex())},
                       {"from", agency_json(entry.from_agency, *registry)},
                       {"node", entry.from.hex()},
                       {"refused_by", entry.by_peer ? "neighbour" : "us"},
                       {"reason", entry.reason},
                       {"at", time_json(entry.at)}});
    put_texts(refused.back(), entry.reason);
  }
  for (const store::WaitingEntry& entry : replica.waiting()) {
    waiting.push_back(
        {{"id", entry.id.hex()},
         {"record", entry.record.hex()},
         {"missing", entry.missing.is_zero() ? json(nullptr) : json(entry.missing.hex())},
         {"from", agency_json(agency_of(entry.from, *registry), *registry)},
         {"node", entry.from.hex()},
         {"reason", entry.reason},
         {"since", time_json(entry.since)}});
    put_texts(waiting.back(), entry.reason);
  }
  store::for_each_marked(replica, {store::Mark::kInert}, [&](const store::RecordEntry& record) {
    const RecordState& state = record.state;
    for (const InertEntry& entry : state.inert) {
      inert.push_back({{"code", open_text(state, Field::kCode).value_or("")},
                       {"record", state.record.hex()},
                       {"id", entry.id.hex()},
                       {"reason", to_string(entry.reason)}});
      put_texts(inert.back(), to_string(entry.reason));
    }
    return !call.api.stopping;
  });
  send_json(call.response, {{"refused", std::move(refused)},
                            {"waiting", std::move(waiting)},
                            {"inert", std::move(inert)}});
}

void get_conflicts(ApiCall& call) {
  const store::Replica& replica = call.api.replica();
  const auto registry = replica.registry();
  json list = json::array();
  std::map<std::string, std::vector<RecordId>> documents;  // a code is a number of a register
  const auto look = [&](const store::RecordEntry& record) {
    const RecordState& state = record.state;
    if (state.kind == RecordKind::kDocument && !state.chain.empty())
      documents[open_text(state, Field::kCode).value_or("")].push_back(state.record);
    put_field_conflicts(list, replica, *registry, state);
    if (!state.forks.empty())
      list.push_back({{"code", code_or_empty(state)},
                      {"record", state.record.hex()},
                      {"holder", agency_json(state.holder, *registry)},
                      {"forks", forks_json(state, replica, *registry)}});
    const auto aside = open_set_aside(state);
    if (aside.empty()) return !call.api.stopping;
    json ids = json::array();
    for (const UpdateId& id : aside) ids.push_back(id.hex());
    list.push_back({{"code", open_text(state, Field::kCode).value_or("")},
                    {"record", state.record.hex()},
                    {"holder", agency_json(state.holder, *registry)},
                    {"set_aside", std::move(ids)}});
    return !call.api.stopping;
  };
  store::for_each_marked(replica, {store::Mark::kConflict, store::Mark::kDocument}, look);
  for (const auto& [code, records] : documents) {
    if (records.size() < 2) continue;
    json ids = json::array();
    for (const RecordId& id : records) ids.push_back(id.hex());
    list.push_back({{"code", code}, {"same_number", std::move(ids)}});
  }
  send_json(call.response, list);
}

}  // namespace lienthong::agent
