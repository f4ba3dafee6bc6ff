#include "store/desk/task.h"

#include "store/office/meant.h"

namespace lienthong::store {
namespace {

void put_words(Draft& out, const std::string& officer, const std::string& note) {
  if (officer.empty() && note.empty()) return;
  if (!out.closed) out.closed.emplace();
  out.closed->officer = officer;
  out.closed->note = note;
}

}  // namespace

// ---- the clock ----

UnixMillis Task::today() const { return std::max(now(), transaction_.clock().proof); }

Result<void> Task::require_clock() const {
  if (accept_clock_) return {};
  const ClockVerdict verdict = transaction_.clock();
  const std::string today = to_date(day_at(now())), proof = to_date(day_at(verdict.proof));
  switch (verdict.fault) {
    case ClockFault::kNone: return {};
    case ClockFault::kBeforeRelease:
      return Error(Errc::kNotAllowed,
                   "the clock of this machine says " + today +
                       ", but this program was made after " + proof +
                       ": set it; or give code and date; or say accept_clock to go by it");
    case ClockFault::kBeforeRoot:
      return Error(Errc::kNotAllowed,
                   "the clock of this machine says " + today +
                       ", but the root has said something on " + proof +
                       ": set it; or give code and date; or say accept_clock to go by it");
    case ClockFault::kNeighbours:
      return Error(Errc::kNotAllowed,
                   "the clock of this machine says " + today + ", those of its neighbours " +
                       proof + ": set it; or give code and date; or say accept_clock to go by it");
    case ClockFault::kBehindRecords:
      return Error(Errc::kNotAllowed,
                   "the clock of this machine says " + today + ", but a change of " + proof +
                       " is here: set it; or give code and date; or say accept_clock to go by it");
  }
  return {};
}

// ---- the record that it is done to ----

Result<void> Task::find_target(const std::string& record) {
  std::vector<RecordId> found;
  if (record.size() == 2 * RecordId::kSize) {
    if (auto bytes = from_hex(record); bytes.ok()) found.push_back(RecordId::from(*bytes));
  }
  if (found.empty()) found = records_meant(transaction_, ours_, registry(), record).best();
  if (found.size() > 1) {
    std::string list;
    for (const RecordId& id : found) list += (list.empty() ? "" : ", ") + id.hex();
    return Error(Errc::kConflict, "several records bear the code " + record +
                                      "; name one by its record id: " + list);
  }
  auto entry = found.empty() ? std::nullopt : transaction_.find_record(found.front());
  if (!entry) return Error(Errc::kNotFound, "no dossier " + record + " on this machine");
  state_ = std::move(entry->state);
  if (state_.needs_newer_rules())
    return Error(Errc::kNotAllowed,
                 "dossier " + record + " needs rules version " +
                     std::to_string(state_.rules_needed) +
                     "; upgrade this program, it is only kept and passed on until then");
  if (state_.chain.empty())
    return Error(Errc::kNotAllowed, "the creation of dossier " + record +
                                        " was cut off by a revocation; a superior must confirm it");
  return {};
}

std::vector<RecordId> Task::own_records(std::string_view code) const {
  return records_meant(transaction_, ours_, registry(), code).own;
}

Result<void> Task::reload() {
  auto entry = transaction_.find_record(state_.record);
  if (!entry || entry->state.chain.empty())
    return Error(Errc::kCorrupt, "a record without its chain");
  state_ = std::move(entry->state);
  return {};
}

// ---- whose turn it is ----

Result<void> Task::require_custody(std::string_view what) const {
  if (!state_.offered.is_zero()) {
    if (state_.offered == ours_)
      return Error(Errc::kNotAllowed, code() + " is offered to us by " + name_of(state_.holder) +
                                          ": accept it first, then " + std::string(what));
    if (state_.holder == ours_)
      return Error(Errc::kNotAllowed,
                   code() + " is offered to " + name_of(state_.offered) +
                       " and rests until it answers: recall the offer, or wait, to " +
                       std::string(what));
  }
  if (state_.holder == ours_) return {};
  return Error(Errc::kNotAllowed, code() + " is held by " + name_of(state_.holder) +
                                      ": only the holder may " + std::string(what) +
                                      "; leave a note, or ask for the dossier");
}

Result<void> Task::require_offer() const {
  if (!state_.offered.is_zero()) return {};
  return Error(Errc::kNotAllowed,
               "no offer of " + code() + " is open; it is held by " + name_of(state_.holder));
}

Result<void> Task::require_agency(const AgencyId& to, std::string_view what) const {
  if (to.is_zero()) return Error(Errc::kInvalidArgument, std::string(what) + " needs an agency");
  if (registry().find_agency(to) == nullptr)
    return Error(Errc::kUnknownAgency, "agency " + to.short_hex() + " is not in the registry");
  if (to == ours_)
    return Error(Errc::kInvalidArgument, "cannot " + std::string(what) + " to ourselves");
  if (registry().dissolved(to, registry().newest()))
    return Error(Errc::kNotAllowed, name_of(to) + " is dissolved; name its successor");
  return {};
}

std::string Task::name_of(const AgencyId& agency) const {
  const AgencyInfo* info = registry().find_agency(agency);
  return info != nullptr ? info->code + " (" + info->name + ")" : agency.short_hex();
}

// ---- writing ----

Draft Task::begin(RecordKind kind) const {
  Draft out;
  out.open.kind = UpdateKind::kCreated;
  out.open.record_kind = kind;
  out.key_hash = key_hash_;
  out.account = account_;
  return out;
}

Draft Task::draft(UpdateKind kind) const {
  Draft out = further(state_.record, kind);
  out.key_hash = key_hash_;
  return out;
}

Draft Task::further(const RecordId& record, UpdateKind kind) const {
  Draft out;
  out.record = record;
  out.open.kind = kind;
  out.account = account_;
  return out;
}

Result<OperationResult> Task::write(Draft draft) {
  LT_TRY(const UpdateId id, transaction_.write(std::move(draft)));
  return result(id);
}

Result<UpdateId> Task::offer(const RecordId& record, const AgencyId& to, bool urgent) {
  Draft out = further(record, UpdateKind::kOffer);
  out.open.target = to;
  out.open.urgent = urgent;
  return transaction_.write(std::move(out));
}

void put_remark(Draft& out, const Remark& remark) {
  out.open.at = remark.at;
  put_words(out, remark.officer, remark.note);
}

void put_event(Draft& out, const Event& event) {
  out.open.at = event.at;
  put_words(out, event.officer, event.note);
  if (event.action.empty() || is_action_code(event.action)) {
    out.open.action = event.action;
    return;
  }
  if (!out.closed) out.closed.emplace();
  out.closed->action = event.action;
}

// ---- the answer ----

void Task::warn(WarningCode code, std::string value) {
  warnings_.push_back({code, std::move(value)});
}

OperationResult Task::result(const UpdateId& update) const {
  return begun(state_.record, update, code());
}

OperationResult Task::begun(const RecordId& record, const UpdateId& update,
                            std::string code) const {
  return {record, update, std::move(code), false, {}, warnings_};
}

}  // namespace lienthong::store
