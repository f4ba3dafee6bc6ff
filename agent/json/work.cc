#include "agent/json/work.h"

#include <nlohmann/json.hpp>

#include "agent/json/fields.h"
#include "agent/json/time.h"
#include "protocol/record/registers.h"
#include "store/office/between.h"

namespace lienthong::agent {

using nlohmann::json;
using store::Leg;

json leg_json(const Leg& leg, const Registry& registry, UnixMillis now) {
  json out = {{"code", leg.code},
              {"record", leg.record.hex()},
              {"agency", agency_json(leg.agency, registry)},
              {"state", store::to_string(leg.state)},
              {"asked_at", format_time(leg.asked_at)},
              {"open", store::is_open(leg.state)},
              {"late", store::is_late(leg, now)}};
  if (!leg.duty.empty()) out["duty"] = leg.duty;
  if (!leg.procedure.empty()) out["procedure"] = leg.procedure;
  if (!leg.outcome.empty()) out["outcome"] = leg.outcome;
  for (const Field field : leg.missing)
    out["missing"].push_back(find_field(static_cast<std::uint16_t>(field))->json);
  if (leg.due_at != 0) out["due_at"] = format_time(leg.due_at);
  if (leg.finished_at != 0) out["finished_at"] = format_time(leg.finished_at);
  if (!leg.asked_by_holder) out["asked_by_holder"] = false;
  return out;
}

json forks_json(const RecordState& state, const store::Replica& replica, const Registry& registry) {
  const auto author = [&](const UpdateId& id) {
    const auto update = replica.find_update(id);
    return update ? json(agency_code(update->agency, registry)) : json(nullptr);
  };
  json list = json::array();
  for (const ForkEntry& fork : state.forks) {
    json branches = json::array();
    for (const UpdateId& first : fork.branches)
      branches.push_back(
          {{"first", first.hex()}, {"by", author(first)}, {"stands", first == fork.stands}});
    const bool decided = !fork.decision.is_zero();
    list.push_back({{"link", fork.link.hex()},
                    {"branches", std::move(branches)},
                    {"decided", fork.bound},
                    {"stands_because", to_string(fork.line)},
                    {"decision", decided ? json(fork.decision.hex()) : json(nullptr)},
                    {"decided_by", decided ? author(fork.decision) : json(nullptr)},
                    {"notary", agency_json(fork.notary, registry)}});
  }
  return list;
}

void put_work(json& out, const store::Replica& replica, const RecordState& state, UnixMillis now) {
  const auto registry = replica.registry();
  json legs = json::array();
  for (const Leg& leg : store::legs_of(replica, state))
    legs.push_back(leg_json(leg, *registry, now));
  if (!legs.empty()) out["legs"] = std::move(legs);
  if (!state.lead.is_zero()) {
    out["lead"] = {{"record", state.lead.hex()}};
    if (const auto lead = replica.find_record(state.lead))
      if (const auto code = open_text(lead->state, Field::kCode)) out["lead"]["code"] = *code;
  }
  if (!state.forks.empty()) out["forks"] = forks_json(state, replica, *registry);
  json asked = json::array();
  for (const store::Consultation& consultation : store::consultations_of(replica, state)) {
    json line = {{"id", consultation.id.hex()},
                 {"from", agency_json(consultation.from, *registry)},
                 {"to", agency_json(consultation.to, *registry)},
                 {"asked_at", format_time(consultation.asked_at)},
                 {"open", consultation.is_open()}};
    if (consultation.deadline != 0) line["deadline"] = format_time(consultation.deadline);
    if (consultation.answered_at != 0) line["answered_at"] = format_time(consultation.answered_at);
    line["overdue"] = store::is_overdue(consultation, now);
    asked.push_back(std::move(line));
  }
  if (!asked.empty()) out["consultations"] = std::move(asked);
  if (const auto home = store::to_return_to(state, *registry))
    out["to_return_to"] = agency_json(*home, *registry);
}

}  // namespace lienthong::agent
