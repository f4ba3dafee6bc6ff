#include "agent/json/work.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/json/dossier.h"
#include "agent/json/fields.h"
#include "agent/json/time.h"
#include "protocol/record/registers.h"

namespace lienthong::agent {

using nlohmann::json;
using store::Leg;

std::vector<Leg> legs_of(const store::Replica& replica, const RecordState& dossier) {
  std::vector<Leg> out;
  for (const RecordId& id : replica.led_by(dossier.record)) {
    const auto entry = replica.find_record(id);
    if (!entry || entry->state.kind != RecordKind::kLeg || entry->state.chain.empty()) continue;
    out.push_back(store::read_leg(dossier, entry->state));
  }
  return out;
}

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
  if (leg.due_at != 0) out["due_at"] = format_time(leg.due_at);
  if (leg.finished_at != 0) out["finished_at"] = format_time(leg.finished_at);
  if (!leg.asked_by_holder) out["asked_by_holder"] = false;
  return out;
}

std::vector<Consultation> consultations_of(const store::Replica& replica,
                                           const RecordState& state) {
  std::vector<Consultation> out;
  for (const Invitation& invitation : state.invitations) {
    if (invitation.kind != UpdateKind::kConsult) continue;
    const auto asked = replica.find_update(invitation.id);
    if (!asked) continue;
    out.push_back({invitation.id, asked->agency, invitation.target,
                   asked->update.envelope.hlc.millis(), asked->open.deadline, 0});
  }
  if (out.empty()) return out;
  for (const UpdateId& id : state.timeline) {
    const auto update = replica.find_update(id);
    if (!update || update->open.kind != UpdateKind::kReply) continue;
    for (Consultation& consultation : out)
      if (consultation.answered_at == 0 &&
          std::ranges::find(update->open.references, consultation.id) !=
              update->open.references.end())
        consultation.answered_at = update->update.envelope.hlc.millis();
  }
  std::ranges::stable_sort(out, {}, &Consultation::asked_at);
  return out;
}

std::optional<AgencyId> to_return_to(const RecordState& state, const Registry& registry) {
  const auto status = open_integer(state, Field::kStatus);
  const auto is = [&](Status wanted) { return status == static_cast<std::int64_t>(wanted); };
  const bool over = is(Status::kDone) || is(Status::kRefused) || is(Status::kWithdrawn);
  if (state.kind != RecordKind::kDossier || state.chain.empty() || !over) return std::nullopt;
  const auto at = state.open_fields.find(static_cast<std::uint16_t>(Field::kIntakeAgency));
  const auto* named =
      at != state.open_fields.end() ? std::get_if<Bytes>(&at->second.value) : nullptr;
  const AgencyId intake =
      named != nullptr && named->size() == AgencyId::kSize ? AgencyId::from(*named) : state.origin;
  const AgencyId home = registry.resolve(intake, registry.newest());
  if (home == state.holder) return std::nullopt;
  return home;
}

void put_work(json& out, const store::Replica& replica, const RecordState& state, UnixMillis now) {
  const auto registry = replica.registry();
  json legs = json::array();
  for (const Leg& leg : legs_of(replica, state)) legs.push_back(leg_json(leg, *registry, now));
  if (!legs.empty()) out["legs"] = std::move(legs);
  if (!state.lead.is_zero()) {
    out["lead"] = {{"record", state.lead.hex()}};
    if (const auto lead = replica.find_record(state.lead))
      if (const auto code = open_text(lead->state, Field::kCode)) out["lead"]["code"] = *code;
  }
  json asked = json::array();
  for (const Consultation& consultation : consultations_of(replica, state)) {
    json line = {{"id", consultation.id.hex()},
                 {"from", agency_json(consultation.from, *registry)},
                 {"to", agency_json(consultation.to, *registry)},
                 {"asked_at", format_time(consultation.asked_at)},
                 {"open", consultation.answered_at == 0}};
    if (consultation.deadline != 0) line["deadline"] = format_time(consultation.deadline);
    if (consultation.answered_at != 0) line["answered_at"] = format_time(consultation.answered_at);
    const UnixMillis end = consultation.answered_at != 0 ? consultation.answered_at : now;
    line["overdue"] = consultation.deadline != 0 && end > consultation.deadline;
    asked.push_back(std::move(line));
  }
  if (!asked.empty()) out["consultations"] = std::move(asked);
  if (const auto home = to_return_to(state, *registry))
    out["to_return_to"] = agency_json(*home, *registry);
}

}  // namespace lienthong::agent
