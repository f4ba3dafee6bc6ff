// Publishing procedures: versions that everybody goes by. Domain "Procedure versions".
#include "store/desk/procedures.h"

#include "store/desk/carry_out.h"
#include "store/desk/checks.h"
#include "store/office/calendars.h"

namespace lienthong::store {
namespace {

Result<void> check_publication(const Task& task, const Writes& writes) {
  const RecordState& state = task.state();
  const std::string definition = text_after(state, writes, Field::kDefinition);
  if (!definition.empty()) {
    const auto parsed = parse_definition(definition);
    if (!parsed.ok()) return Error(parsed.error().code(), "definition." + parsed.error().detail());
  }
  const auto from = integer_after(state, writes, Field::kEffectiveFrom);
  const auto to = integer_after(state, writes, Field::kEffectiveTo);
  if (from && to && *to < *from)
    return Error(Errc::kInvalidArgument, "effective_to " + to_date(day_at(*to)) +
                                             " is before effective_from " + to_date(day_at(*from)));
  const std::string successor = text_after(state, writes, Field::kSuccessor);
  if (!successor.empty() && !is_plain_code(successor))
    return Error(Errc::kInvalidArgument, "successor must be the code of a procedure");
  if (!successor.empty() && successor == text_after(state, writes, Field::kCode))
    return Error(Errc::kInvalidArgument, "a procedure is not its own successor");
  return {};
}

}  // namespace

std::vector<Procedure> versions_of(const Transaction& transaction, std::string_view code) {
  std::vector<Procedure> out;
  const auto add = [&](std::string_view named) {
    for (const RecordId& id : transaction.find_code(named)) {
      const auto entry = transaction.find_record(id);
      auto version = entry ? read_procedure(entry->state) : std::nullopt;
      if (version) out.push_back(*std::move(version));
    }
  };
  add(code);
  const std::string base = base_code(code);  // a code with the place at its end
  if (out.empty() && base != code) add(base);
  return out;
}

namespace {

// A table of days off, for everybody below (store/office/calendars.h).
Result<OperationResult> publish_calendar(Task& task, Writes writes) {
  const std::string text = text_after(task.state(), writes, Field::kCalendar);
  const auto reading = parse_calendar(text);
  if (!reading.mistakes.empty()) {
    const CalendarMistake& first = reading.mistakes.front();
    return Error(Errc::kInvalidArgument,
                 "calendar: line " + std::to_string(first.line) + ": " + first.text);
  }
  for (const Field field : {Field::kDefinition, Field::kSuccessor, Field::kProcedure})
    if (writes_value(writes, field))
      return Error(Errc::kInvalidArgument, "a calendar has no " + name_of(field));
  for (const RecordId& id : task.transaction().find_code(kCalendarCode)) {
    const auto entry = task.transaction().find_record(id);
    if (entry && entry->state.origin == task.ours() && !entry->state.chain.empty() &&
        open_text(entry->state, Field::kCalendar) == text)
      return Error(Errc::kConflict, "that table is published by us already, as record " + id.hex());
  }
  put(writes, Field::kCode, std::string(kCalendarCode));
  put_if_absent(writes, Field::kProcedureName, std::string("Lịch làm việc"));
  Draft out = task.begin(RecordKind::kProcedure);
  put_writes(out, std::move(writes), {});
  LT_TRY(const UpdateId id, task.transaction().write(std::move(out)));
  return task.begun(id_cast<RecordId>(id), id, std::string(kCalendarCode));
}

}  // namespace

Result<OperationResult> carry_out(Task& task, const PublishProcedure& what) {
  Writes writes = what.open;
  if (writes_value(writes, Field::kCalendar)) return publish_calendar(task, std::move(writes));
  const auto written = [&](Field field) { return text_after(task.state(), writes, field); };
  std::string code = written(Field::kCode);
  if (code.empty()) code = written(Field::kProcedure);
  if (code == kCalendarCode)
    return Error(Errc::kInvalidArgument, "\"calendar\" is the code of tables of days off");
  if (!is_plain_code(code))
    return Error(Errc::kInvalidArgument,
                 "a procedure needs its code, such as 1.001193: 1 to 64 letters, digits, '.', '-' "
                 "and '_'; codes are not invented here");
  put(writes, Field::kCode, code);
  if (written(Field::kProcedureName).empty())
    return Error(Errc::kInvalidArgument, "procedure " + code + " needs its procedure_name");
  LT_TRY_VOID(check_publication(task, writes));
  const std::string decision = written(Field::kDecision);
  const auto from = integer_after(task.state(), writes, Field::kEffectiveFrom);
  for (const Procedure& version : versions_of(task.transaction(), code))
    if (version.author == task.ours() && version.code == code && version.decision == decision &&
        version.effective_from == from)
      return Error(Errc::kConflict, "procedure " + code +
                                        " is published by us already with that decision and date, "
                                        "as record " +
                                        version.record.hex() +
                                        "; a change is a new version with its own");
  Draft out = task.begin(RecordKind::kProcedure);
  put_writes(out, std::move(writes), {});
  LT_TRY(const UpdateId id, task.transaction().write(std::move(out)));
  return task.begun(id_cast<RecordId>(id), id, std::move(code));
}

// A version that dossiers go by does not change; it ends, or is replaced.
Result<OperationResult> change_procedure(Task& task, const SetFields& what) {
  for (const FieldWrite& write : what.open) {
    const auto field = static_cast<Field>(write.field);
    if (field == Field::kEffectiveTo || field == Field::kSuccessor || field == Field::kFieldOfWork)
      continue;
    const FieldInfo* info = find_field(write.field);
    return Error(Errc::kNotAllowed,
                 std::string(info != nullptr ? info->json : "this field") +
                     " of a published version does not change, for dossiers go by it; publish a "
                     "new version, or set effective_to, successor or field");
  }
  LT_TRY_VOID(check_publication(task, what.open));
  Draft out = task.draft(UpdateKind::kSet);
  if (what.event) {
    put_event(out, *what.event);
    out.open.at = task.moment(what.event->at);
  }
  put_writes(out, what.open, what.closed);
  return task.write(std::move(out));
}

}  // namespace lienthong::store
