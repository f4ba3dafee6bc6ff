// Operations of inter-agency work: legs of a dossier, their outcomes, and the way home of a dossier
// to the desk that received it (domain: NĐ 61/2018 Đ.19(6) and (7)).
#include <algorithm>

#include "store/desk/application.h"
#include "store/office/leg.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kLedCountMax = 999;  // legs of a dossier, copies of a document

bool has_ended(Status status) {
  return status == Status::kRefused || status == Status::kWithdrawn || status == Status::kStopped ||
         status == Status::kReturned;
}

bool has_text(const std::vector<FieldWrite>& writes, Field field) {
  const FieldWrite* write = find_write(writes, field);
  const auto* text = write != nullptr ? std::get_if<std::string>(&write->value) : nullptr;
  return text != nullptr && !text->empty();
}

}  // namespace

Result<UpdateId> Application::offer_to(const RecordId& record, const AgencyId& to) {
  Draft out;
  out.record = record;
  out.open.kind = UpdateKind::kOffer;
  out.open.target = to;
  out.open.urgent = operation_.urgent;
  return transaction_.write(std::move(out));
}

// The first number that nothing here bears.
Result<std::string> Application::choose_led_code() const {
  const std::string prefix = code_of(state_) + "/";
  for (std::size_t number = 1; number <= kLedCountMax; ++number) {
    std::string code = prefix + std::to_string(number);
    if (transaction_.find_code(code).empty()) return code;
  }
  return Error(Errc::kNotAllowed, code_of(state_) + " has " + std::to_string(kLedCountMax) +
                                      " numbers below it already");
}

// The leg, its offer and the agency's view of the dossier are one change: all or nothing of it
// leaves this machine. `state_` is the dossier's.
Result<OperationResult> Application::create_leg() {
  if (operation_.lead.empty())
    return Error(Errc::kInvalidArgument, "a leg needs the dossier that it is a part of");
  LT_TRY_VOID(find_target(operation_.lead));
  const std::string dossier = code_of(state_);
  if (state_.kind != RecordKind::kDossier)
    return Error(Errc::kInvalidArgument, dossier + " is not a dossier: only a dossier has legs");
  LT_TRY_VOID(require_target("give a leg"));
  LT_TRY_VOID(require_custody("give parts of it to others"));
  if (const auto status = current_status(state_); status && has_ended(*status))
    return Error(Errc::kNotAllowed, dossier + " is " + std::string(to_json(*status)) +
                                        ": no more work is given out on it");
  if (!has_text(operation_.open, Field::kDuty) && !has_text(operation_.open, Field::kProcedure))
    return Error(Errc::kInvalidArgument,
                 "a leg needs its duty, what is asked, or a procedure of its own");
  if (find_write(operation_.open, Field::kStatus) != nullptr ||
      find_write(operation_.open, Field::kCode) != nullptr)
    return Error(Errc::kInvalidArgument, "a leg begins as accepted and is numbered here");
  std::vector<FieldWrite> open = operation_.open;
  LT_TRY(const std::string code, choose_led_code());
  put(open, Field::kCode, code);
  put(open, Field::kStatus, static_cast<std::int64_t>(Status::kAccepted));
  put_if_absent(open, Field::kReceivedAt, transaction_.now());
  put_if_absent(open, Field::kIntakeAgency, to_bytes(ours_.view()));
  put_if_absent(open, Field::kCompetentAgency, to_bytes(operation_.to.view()));
  const auto* due = find_write(open, Field::kDueAt);
  const auto* due_at = due != nullptr ? std::get_if<std::int64_t>(&due->value) : nullptr;
  const auto received = std::get<std::int64_t>(find_write(open, Field::kReceivedAt)->value);
  if (due_at != nullptr && *due_at < received)
    return Error(Errc::kInvalidArgument, "the leg would be due before it was asked for");
  Draft out;
  out.open.kind = UpdateKind::kCreated;
  out.open.record_kind = RecordKind::kLeg;
  out.open.lead = state_.record;
  out.open.key_hash = operation_.key_hash;
  put_note(out);
  put_writes(out, std::move(open), operation_.closed);
  LT_TRY(UpdateId last, transaction_.write(std::move(out)));
  const auto leg = id_cast<RecordId>(last);
  LT_TRY(last, offer_to(leg, operation_.to));
  if (operation_.share && !std::ranges::binary_search(state_.participants, operation_.to)) {
    Draft share;
    share.record = state_.record;
    share.open.kind = UpdateKind::kShare;
    share.open.target = operation_.to;
    const auto shared = transaction_.write(std::move(share));
    if (!shared.ok()) return shared.error();
  }
  return OperationResult{leg, last, code, false};
}

// Writes the outcome, and sends the leg back to whoever holds its dossier as far as is known here,
// or to the agency that asked.
Result<OperationResult> Application::finish() {
  const std::string code = code_of(state_);
  if (state_.kind != RecordKind::kLeg)
    return Error(Errc::kInvalidArgument,
                 code + " is not a leg; a dossier is finished by writing its status");
  LT_TRY_VOID(require_custody("finish it"));
  const auto before = current_status(state_);
  if (!has_text(operation_.open, Field::kOutcome) && !current(state_, Field::kOutcome))
    return Error(Errc::kInvalidArgument,
                 "a leg is finished with its outcome: what was found or decided");
  UpdateId last = state_.tip();
  const bool is_done = before == Status::kDone;
  if (!is_done || !operation_.open.empty()) {
    LT_TRY_VOID(check_transition(before, Status::kDone));
    std::vector<FieldWrite> open = operation_.open;
    put(open, Field::kStatus, static_cast<std::int64_t>(Status::kDone));
    if (!is_done) put_if_absent(open, Field::kFinishedAt, event_time());
    LT_TRY_VOID(check_writes(open));
    Draft out = draft(UpdateKind::kSet);
    put_note(out);
    put_writes(out, std::move(open), operation_.closed);
    LT_TRY(last, transaction_.write(std::move(out)));
  }
  const Registry& registry = transaction_.registry();
  const auto lead = transaction_.find_record(state_.lead);
  const AgencyId asked = lead && !lead->state.chain.empty() ? lead->state.holder : state_.origin;
  const AgencyId back = registry.resolve(asked, registry.newest());
  if (back != ours_) {
    LT_TRY(last, offer_to(state_.record, back));
  }
  return result(last);
}

Result<OperationResult> Application::return_home() {
  const std::string code = code_of(state_);
  if (state_.kind == RecordKind::kLeg)
    return Error(Errc::kInvalidArgument,
                 code + " is a leg: finish it with its outcome, and it goes back by itself");
  const auto written = current(state_, Field::kIntakeAgency);
  const auto* bytes = written ? std::get_if<Bytes>(&*written) : nullptr;
  const bool named = bytes != nullptr && bytes->size() == AgencyId::kSize;
  const Registry& registry = transaction_.registry();
  const AgencyId home =
      registry.resolve(named ? AgencyId::from(*bytes) : state_.origin, registry.newest());
  if (home == state_.holder && state_.offered.is_zero())
    return Error(Errc::kNotAllowed,
                 code + " is with " + name_of(home) + ", the desk that received it, already");
  LT_TRY_VOID(require_custody("send it back to the desk that received it"));
  if (registry.dissolved(home, registry.newest()))
    return Error(Errc::kNotAllowed, name_of(home) + ", which received " + code +
                                        ", is dissolved without a sole successor: offer it to the "
                                        "agency that answers the citizen now");
  Draft out = draft(UpdateKind::kOffer);
  out.open.target = home;
  out.open.urgent = operation_.urgent;
  put_note(out);
  return write(std::move(out));
}

// ---- what may be written ----

Result<void> Application::check_no_open_legs() const {
  std::string list;
  for (const RecordId& id : transaction_.led_by(state_.record)) {
    const auto entry = transaction_.find_record(id);
    if (!entry || entry->state.kind != RecordKind::kLeg || entry->state.chain.empty()) continue;
    const Leg leg = read_leg(state_, entry->state);
    if (!is_open(leg.state) || !leg.asked_by_holder) continue;
    list += (list.empty() ? "" : ", ") + leg.code + " (" + std::string(to_string(leg.state)) +
            ", " + name_of(leg.agency) + ")";
  }
  if (list.empty()) return {};
  return Error(Errc::kNotAllowed,
               code_of(state_) + " is not done while legs are open: " + list +
                   "; accept what comes back with its outcome, and write status withdrawn to a leg "
                   "that is not needed any more");
}

Result<void> Application::check_writes(const std::vector<FieldWrite>& open) const {
  for (const auto* writes : {&open, &operation_.closed}) {
    for (const FieldWrite& write : *writes) {
      const FieldInfo* info = find_field(write.field);
      if (info != nullptr && (info->kinds & bit(state_.kind)) == 0)
        return Error(Errc::kInvalidArgument,
                     code_of(state_) + " has no field \"" + std::string(info->json) + "\"");
    }
  }
  const FieldWrite* status = find_write(open, Field::kStatus);
  if (status == nullptr || state_.kind != RecordKind::kDossier) return {};
  if (status_of(status->value) != Status::kDone || current_status(state_) == Status::kDone)
    return {};
  return check_no_open_legs();
}

}  // namespace lienthong::store
