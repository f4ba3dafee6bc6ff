// Inter-agency work: legs of a dossier and their outcomes (domain: NĐ 61/2018 Đ.19(6)).
#include <algorithm>

#include "store/desk/begin.h"
#include "store/desk/carry_out.h"
#include "store/desk/checks.h"
#include "store/office/leg.h"
#include "store/office/procedure.h"

namespace lienthong::store {
namespace {

bool is_over(Status status) {
  return status == Status::kRefused || status == Status::kWithdrawn || status == Status::kStopped ||
         status == Status::kReturned;
}

// That the dossier, which is the task's record, may have this leg.
Result<void> check_leg(const Task& task, const CreateLeg& what) {
  const std::string dossier = task.code();
  if (task.state().kind != RecordKind::kDossier)
    return Error(Errc::kInvalidArgument, dossier + " is not a dossier: only a dossier has legs");
  LT_TRY_VOID(task.require_agency(what.to, "give a leg"));
  LT_TRY_VOID(task.require_custody("give parts of it to others"));
  if (const auto status = task.status(); status && is_over(*status))
    return Error(Errc::kNotAllowed, dossier + " is " + std::string(to_json(*status)) +
                                        ": no more work is given out on it");
  if (!writes_text(what.closed, Field::kDuty) && !writes_text(what.open, Field::kProcedure))
    return Error(Errc::kInvalidArgument,
                 "a leg needs its duty, what is asked, or a procedure of its own");
  if (find_write(what.open, Field::kStatus) != nullptr ||
      find_write(what.open, Field::kCode) != nullptr)
    return Error(Errc::kInvalidArgument, "a leg begins as accepted and is numbered here");
  return {};
}

// The leg of the group of procedures that this one is; none: the dossier is of no such group.
struct Planned {
  const PlannedLeg* leg = nullptr;
  const std::vector<PlannedLeg>* all = nullptr;
};
Planned planned_leg(const Definition& definition, const CreateLeg& what) {
  const auto* procedure = value_of<std::string>(what.open, Field::kProcedure);
  const auto* duty = value_of<std::string>(what.closed, Field::kDuty);
  for (const PlannedLeg& leg : definition.legs)
    if ((procedure != nullptr && !leg.procedure.empty() && *procedure == leg.procedure) ||
        (duty != nullptr && !leg.name.empty() && *duty == leg.name))
      return {&leg, &definition.legs};
  return {};
}

// Legs of the group that have their result already, by their procedure.
bool has_result(const Task& task, const PlannedLeg& wanted) {
  for (const RecordId& id : task.transaction().led_by(task.state().record)) {
    const auto entry = task.transaction().find_record(id);
    if (!entry || entry->state.kind != RecordKind::kLeg || entry->state.chain.empty()) continue;
    const Leg leg = read_leg(task.state(), entry->state);
    if (leg.procedure == wanted.procedure && leg.state == LegState::kGathered) return true;
  }
  return false;
}

// A leg of a group waits for the results that it needs, and is due as the group says.
Result<void> follow_plan(Task& task, const CreateLeg& what, Writes& open) {
  const auto pinned = open_bytes(task.state(), Field::kProcedureVersion);
  if (!pinned || pinned->size() != RecordId::kSize) return {};
  const auto entry = task.transaction().find_record(RecordId::from(*pinned));
  const auto version = entry ? read_procedure(entry->state) : std::nullopt;
  if (!version) return {};
  const Planned planned = planned_leg(version->definition, what);
  if (planned.leg == nullptr) return {};
  for (const std::size_t place : planned.leg->after) {
    const PlannedLeg& before = planned.all->at(place - 1);
    if (before.procedure.empty() || has_result(task, before)) continue;
    return Error(Errc::kNotAllowed,
                 "that leg waits for the result of " + before.procedure +
                     (before.name.empty() ? "" : " (" + before.name + ")") +
                     ", which has not come back yet; see: lienthong dossier show " + task.code());
  }
  const auto* received = value_of<std::int64_t>(open, Field::kReceivedAt);
  if (planned.leg->limit && received != nullptr)
    put_if_absent(open, Field::kDueAt,
                  add_limit(find_start(*received, task.calendar(), nullptr), *planned.leg->limit,
                            task.calendar(), nullptr));
  return {};
}

}  // namespace

Result<OperationResult> carry_out(Task& task, const CreateLeg& what) {
  if (what.dossier.empty())
    return Error(Errc::kInvalidArgument, "a leg needs the dossier that it is a part of");
  LT_TRY_VOID(task.find_target(what.dossier));
  LT_TRY_VOID(check_leg(task, what));
  Writes open = what.open;
  LT_TRY(const std::string code, choose_led_code(task));
  put(open, Field::kCode, code);
  put(open, Field::kStatus, Status::kAccepted);
  put_if_absent(open, Field::kReceivedAt, task.now());
  put_if_absent(open, Field::kIntakeAgency, to_bytes(task.ours().view()));
  put_if_absent(open, Field::kCompetentAgency, to_bytes(what.to.view()));
  LT_TRY_VOID(follow_plan(task, what, open));
  const auto* due = value_of<std::int64_t>(open, Field::kDueAt);
  const auto* received = value_of<std::int64_t>(open, Field::kReceivedAt);
  if (due != nullptr && received != nullptr && *due < *received)
    return Error(Errc::kInvalidArgument, "the leg would be due before it was asked for");
  Draft out = task.begin(RecordKind::kLeg);
  out.open.lead = task.state().record;
  put_writes(out, std::move(open), what.closed);
  LT_TRY(UpdateId last, task.transaction().write(std::move(out)));
  const auto leg = id_cast<RecordId>(last);
  LT_TRY(last, task.offer(leg, what.to, what.urgent));
  if (what.share && !std::ranges::binary_search(task.state().participants, what.to)) {
    Draft share = task.further(task.state().record, UpdateKind::kShare);
    share.open.target = what.to;
    const auto shared = task.transaction().write(std::move(share));
    if (!shared.ok()) return shared.error();
  }
  return task.begun(leg, last, code);
}

// Goes back to whoever holds the dossier as far as is known here, or to the agency that asked.
Result<OperationResult> carry_out(Task& task, const FinishLeg& what) {
  const RecordState& state = task.state();
  if (state.kind != RecordKind::kLeg)
    return Error(Errc::kInvalidArgument,
                 task.code() + " is not a leg; a dossier is finished by writing its status");
  LT_TRY_VOID(task.require_custody("finish it"));
  const auto before = task.status();
  const bool has_outcome = state.closed_fields.contains(number_of(Field::kOutcome));
  if (what.outcome.empty() && !has_outcome)
    return Error(Errc::kInvalidArgument,
                 "a leg is finished with its outcome: what was found or decided");
  UpdateId last = state.tip();
  const bool is_done = before == Status::kDone;
  if (!is_done || !what.outcome.empty()) {
    LT_TRY_VOID(check_transition(before, Status::kDone));
    Writes open, closed;
    if (!what.outcome.empty()) put(closed, Field::kOutcome, what.outcome);
    put(open, Field::kStatus, Status::kDone);
    if (!is_done) put(open, Field::kFinishedAt, task.moment(what.remark.at));
    Draft out = task.draft(UpdateKind::kSet);
    put_remark(out, what.remark);
    put_writes(out, std::move(open), std::move(closed));
    LT_TRY(last, task.transaction().write(std::move(out)));
  }
  const Registry& registry = task.registry();
  const auto lead = task.transaction().find_record(state.lead);
  const AgencyId asked = lead && !lead->state.chain.empty() ? lead->state.holder : state.origin;
  const AgencyId back = registry.resolve(asked, registry.newest());
  if (back != task.ours()) {
    LT_TRY(last, task.offer(state.record, back, false));
  }
  return task.result(last);
}

}  // namespace lienthong::store
