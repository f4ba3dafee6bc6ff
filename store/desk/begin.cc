#include "store/desk/begin.h"

#include "store/desk/checks.h"
#include "store/desk/numbering.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kLedCountMax = 999;  // legs of a dossier, copies of a document

Result<void> check_new_code(const Task& task, const std::string& code) {
  if (!is_plain_code(code))
    return Error(Errc::kInvalidArgument, "a code is 1 to 64 letters, digits, '.', '-' and '_'");
  const AgencyInfo* ours = task.registry().find_agency(task.ours());
  const std::string prefix = code.substr(0, code.find('-'));
  // Ours stay ours, whoever else calls himself so.
  const bool ours_by_name = ours != nullptr && ours->code == prefix;
  const AgencyInfo* named = nullptr;
  if (!ours_by_name) {
    const auto found = task.registry().agency_named(prefix);
    if (!found.ok() && found.error().code() == Errc::kConflict) return found.error();
    if (found.ok()) named = *found;
  }
  if (named != nullptr && named->id != task.ours())
    return Error(Errc::kNotAllowed, "code " + code + " belongs to " + task.name_of(named->id) +
                                        "; ours begin with " +
                                        (ours != nullptr ? ours->code : "?") +
                                        "-, or leave the code out and it is numbered here");
  const auto taken = task.own_records(code);
  if (taken.empty()) return {};
  const auto entry = task.transaction().find_record(taken.front());
  return Error(Errc::kConflict,
               "code " + code + " is taken by record " + taken.front().short_hex() +
                   (entry ? ", held by " + task.name_of(entry->state.holder) : ""));
}

Result<UpdateId> write_history(Task& task, const RecordId& record, const Writes& open,
                               const std::vector<Event>& history, UpdateId last) {
  const auto* wanted = value_of<std::string>(open, Field::kUnit);
  std::string unit = wanted != nullptr ? *wanted : "";
  for (const Event& event : history) {
    Draft out = task.further(record, UpdateKind::kSet);
    put_event(out, event);
    if (!event.unit.empty()) {
      put(out.open.writes, Field::kUnit, event.unit);
      unit = event.unit;
    }
    LT_TRY(last, task.transaction().write(std::move(out)));
  }
  if (wanted == nullptr || unit == *wanted) return last;
  // Where the record lies today, not where its history ends.
  Draft out = task.further(record, UpdateKind::kSet);
  put(out.open.writes, Field::kUnit, *wanted);
  return task.transaction().write(std::move(out));
}

}  // namespace

Result<std::string> choose_code(const Task& task, const Writes& open) {
  const auto* given = value_of<std::string>(open, Field::kCode);
  if (given != nullptr && !given->empty()) {
    LT_TRY_VOID(check_new_code(task, *given));
    return *given;
  }
  LT_TRY_VOID(task.require_clock());
  for (;;) {  // numbers given out by hand are passed over; ends with the day's
    LT_TRY(std::string code, next_code(task.transaction()));
    if (task.own_records(code).empty()) return code;
  }
}

Result<std::string> choose_led_code(const Task& task) {
  const std::string prefix = task.code() + "/";
  for (std::size_t number = 1; number <= kLedCountMax; ++number) {
    std::string code = prefix + std::to_string(number);
    if (task.own_records(code).empty()) return code;
  }
  return Error(Errc::kNotAllowed,
               task.code() + " has " + std::to_string(kLedCountMax) + " numbers below it already");
}

Result<void> check_first_status(const Writes& open, const std::vector<Event>& history) {
  const FieldWrite* status = find_write(open, Field::kStatus);
  if (status == nullptr || !history.empty() || find_write(open, Field::kReceivedAt) != nullptr)
    return {};
  const auto to = status_of(status->value);
  if (!to) return Error(Errc::kInvalidArgument, "status is out of range");
  if (transition_allowed(std::nullopt, *to)) return {};
  return Error(Errc::kNotAllowed,
               "a new dossier cannot begin as " + std::string(to_json(*to)) + "; it may be " +
                   allowed_after(std::nullopt) +
                   ", or give received_at or history of a dossier that is under way");
}

Result<OperationResult> begin_record(Task& task, RecordKind kind, Writes open, const Writes& closed,
                                     const std::vector<Event>& history) {
  Draft out = task.begin(kind);
  put_writes(out, open, closed);
  LT_TRY(UpdateId last, task.transaction().write(std::move(out)));
  const auto record = id_cast<RecordId>(last);
  LT_TRY(last, write_history(task, record, open, history, last));
  const auto* code = value_of<std::string>(open, Field::kCode);
  return task.begun(record, last, code != nullptr ? *code : "");
}

Result<OperationResult> write_change(Task& task, const SetFields& what, Writes open) {
  Draft out = task.draft(UpdateKind::kSet);
  if (what.event) {
    put_event(out, *what.event);
    out.open.at = task.moment(what.event->at);
    if (!what.event->unit.empty()) put_if_absent(open, Field::kUnit, what.event->unit);
  }
  put_writes(out, std::move(open), what.closed);
  return task.write(std::move(out));
}

}  // namespace lienthong::store
