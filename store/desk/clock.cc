#include "store/desk/clock.h"

#include "store/desk/carry_out.h"
#include "store/desk/procedures.h"
#include "store/office/work.h"

namespace lienthong::store {
namespace {

constexpr UnixMillis kFarMillis = 50LL * 366 * kDayMillis;

struct DateRule {  // what cannot be: `later` on a day before `earlier`
  Field earlier, later;
  std::string_view why;
};
constexpr DateRule kDateRules[] = {
    {Field::kSubmittedAt, Field::kReceivedAt, "a dossier is received after it was handed in"},
    {Field::kReceivedAt, Field::kClockStartsAt, "the clock starts at the valid reception"},
    {Field::kReceivedAt, Field::kDueAt, "the limit is counted from the valid reception"},
    {Field::kReceivedAt, Field::kFinishedAt, "work ends after it has begun"},
    {Field::kFinishedAt, Field::kReturnedAt, "a result is returned once it is there"},
    {Field::kReceivedAt, Field::kReturnedAt, "a result is returned after the reception"},
};
constexpr Field kDates[] = {Field::kSubmittedAt,   Field::kReceivedAt, Field::kClockStartsAt,
                            Field::kDueAt,         Field::kFinishedAt, Field::kReturnedAt,
                            Field::kResultSignedAt};

void warn_of_years(Task& task, const Deadline& deadline) {
  for (const TraceStep& step : deadline.trace) {
    if (step.step == DeadlineStep::kNoHolidayData)
      task.warn(WarningCode::kNoHolidayData, std::to_string(step.amount));
    if (step.step == DeadlineStep::kNotDecided)
      task.warn(WarningCode::kNotDecided, std::to_string(step.amount));
  }
}

WorkReader read_work(const Task& task) {
  const Transaction& transaction = task.transaction();
  WorkReader reader(task.registry(),
                    [&transaction](const RecordId& id) { return transaction.find_record(id); });
  take_all(reader, task.state(),
           [&](const auto& visit) { transaction.for_each_update(task.state().record, visit); });
  return reader;
}

// The change as it will read once it is written.
StoredUpdate pending(const Task& task, UpdateKind kind, UnixMillis at, const Writes& writes) {
  StoredUpdate out;
  out.agency = task.ours();
  out.open.kind = kind;
  out.open.writes = writes;
  out.open.at = at;
  return out;
}

Result<void> check_step(const Task& task, const Writes& writes, const Work& after) {
  const auto* given = value_of<std::int64_t>(writes, Field::kStep);
  if (given == nullptr) return {};
  const std::int64_t step = *given;
  const std::size_t count = after.version ? after.version->definition.steps.size() : 0;
  if (step >= 1 && static_cast<std::size_t>(step) <= count) return {};
  return Error(Errc::kInvalidArgument,
               count == 0 ? "step: no version of the procedure with steps counts for " +
                                (task.state().chain.empty() ? "this dossier" : task.code()) +
                                "; see procedure list"
                          : "step " + std::to_string(step) + ": the procedure has steps 1 to " +
                                std::to_string(count));
}

// The version that was in force at the reception, once there is one; and what it says where the
// office did not.
Result<void> pin_version(Task& task, Writes& writes) {
  const std::string code = text_after(task.state(), writes, Field::kProcedure);
  const auto received = integer_after(task.state(), writes, Field::kReceivedAt);
  const bool moved =
      writes_value(writes, Field::kProcedure) || writes_value(writes, Field::kReceivedAt);
  if (code.empty() || !received || !moved) return {};
  const auto versions = versions_of(task.transaction(), code);
  if (const FieldWrite* given = find_write(writes, Field::kProcedureVersion)) {
    const auto* bytes = std::get_if<Bytes>(&given->value);
    const auto entry = bytes != nullptr && bytes->size() == RecordId::kSize
                           ? task.transaction().find_record(RecordId::from(*bytes))
                           : std::nullopt;
    if (!entry) return {};  // of another deployment: kept as it is
    const auto version = read_procedure(entry->state);
    if (version && (version->code == code || version->code == base_code(code))) return {};
    return Error(Errc::kInvalidArgument,
                 "procedure_version is no version of procedure " + code +
                     "; leave it out, and the one in force at the reception is taken");
  }
  const Procedure* version = choose_version(versions, task.ours(), task.registry(), *received);
  if (version == nullptr) {
    if (!versions.empty()) task.warn(WarningCode::kNoVersionInForce, code);
    return {};
  }
  put(writes, Field::kProcedureVersion, to_bytes(version->record.view()));
  const auto fill = [&](Field field, const std::string& value) {
    if (!value.empty() && text_after(task.state(), writes, field).empty())
      put(writes, field, value);
  };
  fill(Field::kProcedureName, version->name);
  fill(Field::kFieldOfWork, version->field);
  if (!version->successor.empty()) task.warn(WarningCode::kSucceeded, version->successor);
  return {};
}

// Whether the change can move the date or the step, so that the dossier's past has to be read.
bool touches_clock(const Task& task, UpdateKind kind, const Writes& writes) {
  if (kind == UpdateKind::kCreated) return true;
  for (const Field field : {Field::kChannel, Field::kProcedureVersion, Field::kReceivedAt,
                            Field::kClockStartsAt, Field::kStep})
    if (find_write(writes, field) != nullptr) return true;
  const auto before = task.status();
  return before && stops_clock(*before) && find_write(writes, Field::kStatus) != nullptr;
}

}  // namespace

Result<void> check_dates(const Task& task, const Writes& given) {
  for (const Field field : kDates) {
    const auto* date = value_of<std::int64_t>(given, field);
    if (date == nullptr || *date <= task.now() + kFarMillis) continue;
    if (*date <= task.today() + kFarMillis) continue;
    return Error(Errc::kInvalidArgument,
                 name_of(field) + " " + to_date(day_at(*date)) +
                     " is more than 50 years ahead of this machine's clock, which says " +
                     to_date(day_at(task.now())));
  }
  // Against what was written before, or filled in by the clock, they are flagged only
  // (data_check.h): an office may know better than a moment noted when a change was typed in.
  for (const DateRule& rule : kDateRules) {
    const auto* earlier = value_of<std::int64_t>(given, rule.earlier);
    const auto* later = value_of<std::int64_t>(given, rule.later);
    if (earlier == nullptr || later == nullptr || day_at(*later) >= day_at(*earlier)) continue;
    return Error(Errc::kInvalidArgument, name_of(rule.later) + " " + to_date(day_at(*later)) +
                                             " is before " + name_of(rule.earlier) + " " +
                                             to_date(day_at(*earlier)) + ": " +
                                             std::string(rule.why) + "; correct one of them");
  }
  return {};
}

Result<void> keep_clock(Task& task, UpdateKind kind, UnixMillis at, Writes& writes) {
  LT_TRY_VOID(pin_version(task, writes));
  if (!touches_clock(task, kind, writes)) return {};
  WorkReader reader = read_work(task);
  const Work before = reader.work();
  const bool given = find_write(writes, Field::kDueAt) != nullptr;
  reader.take(pending(task, kind, at, writes));
  const Work& after = reader.work();
  LT_TRY_VOID(check_step(task, writes, after));
  if (!after.version || !after.clock.received_at || !after.status) return {};
  // A dossier that comes with an end or a pause comes with a past that is not known here.
  const bool begins = !before.clock.received_at.has_value();
  if (begins && (stops_clock(*after.status) || ends_clock(*after.status))) return {};
  const bool goes_on = before.status && stops_clock(*before.status) && !stops_clock(*after.status);
  const ClockEvent* last = after.clock.events.empty() ? nullptr : &after.clock.events.back();
  const bool changed = !begins && last != nullptr &&
                       (last->received_at || last->clock_starts_at || last->limit_changed);
  const bool came_back = last != nullptr && last->outside && last->outside->empty();
  if (!begins && !goes_on && !changed && !came_back) return {};
  const Deadline deadline = find_deadline(after.clock, task.calendar());
  if (begins && deadline.starts_at)
    put_if_absent(writes, Field::kClockStartsAt, *deadline.starts_at);
  if (given) return {};
  if (!deadline.due_at) {
    if (begins) task.warn(WarningCode::kNoLimit, after.version->code);
    return {};
  }
  if (deadline.due_at != integer_after(task.state(), writes, Field::kDueAt))
    put(writes, Field::kDueAt, *deadline.due_at);
  warn_of_years(task, deadline);
  return {};
}

// ---- an apology ----

Result<OperationResult> carry_out(Task& task, const Apologise& what) {
  const std::string code = task.code();
  if (task.state().kind != RecordKind::kDossier)
    return Error(Errc::kInvalidArgument, code + " is no dossier: only these are apologised for");
  LT_TRY_VOID(task.require_custody("apologise for it"));
  if (what.remark.note.empty())
    return Error(Errc::kInvalidArgument,
                 "an apology states its reason (NĐ 61/2018 Đ.19(9)): give one");
  if (!what.due_at)
    return Error(Errc::kInvalidArgument,
                 "an apology proposes a new date (NĐ 61/2018 Đ.19(9)): give due_at");
  const UnixMillis due = *what.due_at;
  const auto status = task.status();
  if (status && ends_clock(*status))
    return Error(Errc::kNotAllowed,
                 code + " is " + std::string(to_json(*status)) + ": its work has ended already");
  if (const auto first = integer_after(task.state(), {}, Field::kReappointedAt))
    return Error(Errc::kNotAllowed,
                 code + " was given a new date once, on " + to_date(day_at(*first)) +
                     ": a second is not allowed (NĐ 61/2018 Đ.19(9)); finish it, and it counts as "
                     "late from the date promised");
  const auto old_due = integer_after(task.state(), {}, Field::kDueAt);
  if (!old_due)
    return Error(Errc::kNotAllowed, code + " has no due date that could be moved; set due_at");
  if (due <= *old_due)
    return Error(Errc::kInvalidArgument, "the new date " + to_date(day_at(due)) +
                                             " is not later than the old one, " +
                                             to_date(day_at(*old_due)));
  const UnixMillis at = task.moment(what.remark.at);
  const Writes writes = {{number_of(Field::kDueAt), due}, {number_of(Field::kReappointedAt), at}};
  LT_TRY_VOID(check_dates(task, writes));
  if (task.calendar().working_days_between(day_at(at), day_at(*old_due)) < 1)
    task.warn(WarningCode::kLateApology, to_date(day_at(*old_due)));
  if (!task.calendar().is_working_day(day_at(due)))
    task.warn(WarningCode::kDueOnDayOff, to_date(day_at(due)));
  Draft out = task.draft(UpdateKind::kSet);
  put_remark(out, what.remark);
  out.open.at = at;
  out.open.action = "apologise";
  put_writes(out, writes, {});
  return task.write(std::move(out));
}

}  // namespace lienthong::store
