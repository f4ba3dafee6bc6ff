// What the office's rules say about the states and dates of a dossier: which version of its
// procedure counts, when it is due, and what cannot be. Domain "States and transitions" and
// "Counting deadlines"; NĐ 61/2018.
#include <algorithm>

#include "store/desk/application.h"

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

std::string name_of_field(Field field) {
  const FieldInfo* info = find_field(number_of(field));
  return std::string(info != nullptr ? info->json : "?");
}

bool is_set(const std::vector<FieldWrite>& writes, Field field) {
  const FieldWrite* write = find_write(writes, field);
  return write != nullptr && !std::holds_alternative<std::monostate>(write->value);
}

}  // namespace

const char* to_string(WarningCode code) {
  switch (code) {
    case WarningCode::kNoVersionInForce: return "no-version-in-force";
    case WarningCode::kNoLimit: return "no-limit";
    case WarningCode::kSucceeded: return "succeeded";
    case WarningCode::kNoHolidayData: return "no-holiday-data";
    case WarningCode::kLateApology: return "late-apology";
    case WarningCode::kDueOnDayOff: return "due-on-day-off";
  }
  return "unknown";
}

std::string_view rule_against(std::optional<Status> from, Status to) {
  if (!from) return "a dossier begins as registered online, accepted, or refused (NĐ 61/2018 Đ.17)";
  switch (*from) {
    case Status::kRefused: return "a refusal ends the dossier (NĐ 61/2018 Đ.17, Đ.19(8))";
    case Status::kWithdrawn: return "the applicant took it back, which ends the dossier";
    case Status::kRegistered:
      return "what was handed in online is accepted or refused first (NĐ 61/2018 Đ.17); papers may "
             "be asked for before that, but no clock runs yet";
    case Status::kAccepted:
      if (to == Status::kSupplement || to == Status::kPayment || to == Status::kStopped)
        return "it is handed on for processing first (NĐ 61/2018 Đ.18), and asked for while that "
               "goes on (Đ.19(4))";
      break;
    case Status::kSupplement:
    case Status::kPayment:
      if (to == Status::kDone || to == Status::kReturned)
        return "its clock stands still until the applicant has answered; the answer brings it back "
               "to processing (NĐ 61/2018 Đ.19(4))";
      break;
    case Status::kStopped: return "what was stopped goes on by being processed again";
    case Status::kDone:
    case Status::kReturned:
      return "the work has ended (NĐ 61/2018 Đ.20); an error is corrected in a new cycle, which "
             "begins with processing and a reason (Đ.21)";
    case Status::kProcessing: break;
  }
  if (to == Status::kReturned)
    return "a result is returned once it is there: done comes first (NĐ 61/2018 Đ.20)";
  if (to == Status::kRegistered || to == Status::kAccepted)
    return "a reception is not undone (NĐ 61/2018 Đ.5(1)c); correct its fields instead";
  return "the states of the national portal know no such step";
}

// ---- values as they will be ----

std::optional<std::int64_t> Application::integer_after(const std::vector<FieldWrite>& writes,
                                                       Field field) const {
  const FieldWrite* write = find_write(writes, field);
  const auto value = write != nullptr ? std::optional(write->value) : current(state_, field);
  const auto* number = value ? std::get_if<std::int64_t>(&*value) : nullptr;
  return number != nullptr ? std::optional(*number) : std::nullopt;
}

std::string Application::text_after(const std::vector<FieldWrite>& writes, Field field) const {
  const FieldWrite* write = find_write(writes, field);
  const auto value = write != nullptr ? std::optional(write->value) : current(state_, field);
  const auto* text = value ? std::get_if<std::string>(&*value) : nullptr;
  return text != nullptr ? *text : std::string();
}

void Application::warn(WarningCode code, std::string value) {
  warnings_.push_back({code, std::move(value)});
}

void Application::warn_of_years(const Deadline& deadline) {
  for (const TraceStep& step : deadline.trace)
    if (step.step == DeadlineStep::kNoHolidayData)
      warn(WarningCode::kNoHolidayData, std::to_string(step.amount));
}

WorkReader Application::read_work() const {
  WorkReader reader(transaction_.registry(),
                    [this](const RecordId& id) { return transaction_.find_record(id); });
  for (const UpdateId& id : state_.timeline)
    if (const auto update = transaction_.find_update(id)) reader.take(*update);
  return reader;
}

// The change as it will read once it is written.
StoredUpdate Application::pending(const std::vector<FieldWrite>& writes, bool creating) const {
  StoredUpdate out;
  out.agency = ours_;
  out.open.kind = creating ? UpdateKind::kCreated : UpdateKind::kSet;
  out.open.writes = writes;
  out.open.at = event_time();
  return out;
}

// ---- what cannot be ----

Result<void> Application::check_dates(const std::vector<FieldWrite>& writes) const {
  const auto date = [&](Field field) { return integer_after(writes, field); };
  const UnixMillis now = transaction_.now();
  for (const Field field : kDates) {
    if (!is_set(writes, field) || *date(field) <= now + kFarMillis) continue;
    return Error(Errc::kInvalidArgument,
                 name_of_field(field) + " " + to_date(day_at(*date(field))) +
                     " is more than 50 years ahead of this machine's clock, which says " +
                     to_date(day_at(now)));
  }
  // Against what was written before, or filled in by the clock, they are flagged only
  // (data_check.h): an office may know better than a moment noted when a change was typed in.
  for (const DateRule& rule : kDateRules) {
    if (!is_set(writes, rule.earlier) || !is_set(writes, rule.later)) continue;
    const auto earlier = date(rule.earlier), later = date(rule.later);
    if (day_at(*later) >= day_at(*earlier)) continue;
    return Error(Errc::kInvalidArgument, name_of_field(rule.later) + " " + to_date(day_at(*later)) +
                                             " is before " + name_of_field(rule.earlier) + " " +
                                             to_date(day_at(*earlier)) + ": " +
                                             std::string(rule.why) + "; correct one of them");
  }
  return {};
}

// What a change must not do to a dossier that is there already.
Result<void> Application::check_change(const std::vector<FieldWrite>& writes) const {
  if (find_write(writes, Field::kReappointedAt) != nullptr)
    return Error(Errc::kNotAllowed,
                 "reappointed_at is written by the operation apologise, with the new due_at and "
                 "the reason (NĐ 61/2018 Đ.19(9))");
  const auto before = current_status(state_);
  const FieldWrite* write = find_write(writes, Field::kStatus);
  const bool ended = before == Status::kDone || before == Status::kReturned;
  if (!ended || write == nullptr || status_of(write->value) != Status::kProcessing) return {};
  if (operation_.event && !operation_.event->note.empty()) return {};
  return Error(Errc::kNotAllowed,
               code_of(state_) + " is " + std::string(to_json(*before)) +
                   ": to take it up again corrects its result (đính chính, NĐ 61/2018 Đ.21) and "
                   "needs an event with a note that says why");
}

Result<void> Application::check_step(const std::vector<FieldWrite>& writes,
                                     const Work& after) const {
  if (!is_set(writes, Field::kStep)) return {};
  const auto step = *integer_after(writes, Field::kStep);
  const std::size_t count = after.version ? after.version->definition.steps.size() : 0;
  if (step >= 1 && static_cast<std::size_t>(step) <= count) return {};
  return Error(Errc::kInvalidArgument,
               count == 0 ? "step: no version of the procedure with steps counts for " +
                                (state_.chain.empty() ? "this dossier" : code_of(state_)) +
                                "; see procedure list"
                          : "step " + std::to_string(step) + ": the procedure has steps 1 to " +
                                std::to_string(count));
}

// ---- what follows ----

// The version that was in force at the reception, once there is one; and what it says where the
// office did not.
Result<void> Application::pin_version(std::vector<FieldWrite>& writes) {
  const std::string code = text_after(writes, Field::kProcedure);
  const auto received = integer_after(writes, Field::kReceivedAt);
  const bool moved = is_set(writes, Field::kProcedure) || is_set(writes, Field::kReceivedAt);
  if (code.empty() || !received || !moved) return {};
  const auto versions = versions_of(code);
  if (const FieldWrite* given = find_write(writes, Field::kProcedureVersion)) {
    const auto* bytes = std::get_if<Bytes>(&given->value);
    const auto entry = bytes != nullptr && bytes->size() == RecordId::kSize
                           ? transaction_.find_record(RecordId::from(*bytes))
                           : std::nullopt;
    if (!entry) return {};  // of another deployment: kept as it is
    const auto version = read_procedure(entry->state);
    if (version && (version->code == code || version->code == base_code(code))) return {};
    return Error(Errc::kInvalidArgument,
                 "procedure_version is no version of procedure " + code +
                     "; leave it out, and the one in force at the reception is taken");
  }
  const Procedure* version = choose_version(versions, ours_, transaction_.registry(), *received);
  if (version == nullptr) {
    if (!versions.empty()) warn(WarningCode::kNoVersionInForce, code);
    return {};
  }
  put(writes, Field::kProcedureVersion, to_bytes(version->record.view()));
  const auto fill = [&](Field field, const std::string& value) {
    if (!value.empty() && text_after(writes, field).empty()) put(writes, field, value);
  };
  fill(Field::kProcedureName, version->name);
  fill(Field::kFieldOfWork, version->field);
  if (!version->successor.empty()) warn(WarningCode::kSucceeded, version->successor);
  return {};
}

// Whether the change can move the date or the step, so that the dossier's past has to be read.
bool Application::touches_clock(const std::vector<FieldWrite>& writes, bool creating) const {
  if (creating) return true;
  for (const Field field : {Field::kChannel, Field::kProcedureVersion, Field::kReceivedAt,
                            Field::kClockStartsAt, Field::kStep})
    if (find_write(writes, field) != nullptr) return true;
  const auto before = current_status(state_);
  return before && stops_clock(*before) && find_write(writes, Field::kStatus) != nullptr;
}

Result<void> Application::keep_clock(std::vector<FieldWrite>& writes, bool creating) {
  LT_TRY_VOID(check_dates(operation_.open));
  if (!creating) LT_TRY_VOID(check_change(writes));
  LT_TRY_VOID(pin_version(writes));
  if (!touches_clock(writes, creating)) return {};
  WorkReader reader = read_work();
  const Work before = reader.work();
  const bool given = find_write(writes, Field::kDueAt) != nullptr;
  reader.take(pending(writes, creating));
  const Work& after = reader.work();
  LT_TRY_VOID(check_step(writes, after));
  if (!after.version || !after.clock.received_at || !after.status) return {};
  // A dossier that comes with an end or a pause comes with a past that is not known here.
  const bool begins = !before.clock.received_at.has_value();
  if (begins && (stops_clock(*after.status) || ends_clock(*after.status))) return {};
  const bool goes_on = before.status && stops_clock(*before.status) && !stops_clock(*after.status);
  const ClockEvent* last = after.clock.events.empty() ? nullptr : &after.clock.events.back();
  const bool changed = !begins && last != nullptr &&
                       (last->received_at || last->clock_starts_at || last->limit_changed);
  if (!begins && !goes_on && !changed) return {};
  const Deadline deadline = find_deadline(after.clock, calendar_);
  if (begins && deadline.starts_at)
    put_if_absent(writes, Field::kClockStartsAt, *deadline.starts_at);
  if (given) return {};
  if (!deadline.due_at) {
    if (begins) warn(WarningCode::kNoLimit, after.version->code);
    return {};
  }
  if (deadline.due_at != integer_after(writes, Field::kDueAt))
    put(writes, Field::kDueAt, *deadline.due_at);
  warn_of_years(deadline);
  return {};
}

// ---- an apology ----

Result<OperationResult> Application::apologise() {
  const std::string code = code_of(state_);
  if (state_.kind != RecordKind::kDossier)
    return Error(Errc::kInvalidArgument, code + " is no dossier: only these are apologised for");
  LT_TRY_VOID(require_custody("apologise for it"));
  if (!operation_.event || operation_.event->note.empty())
    return Error(Errc::kInvalidArgument,
                 "an apology states its reason (NĐ 61/2018 Đ.19(9)): give one");
  const auto due = integer_after(operation_.open, Field::kDueAt);
  if (!is_set(operation_.open, Field::kDueAt))
    return Error(Errc::kInvalidArgument,
                 "an apology proposes a new date (NĐ 61/2018 Đ.19(9)): give due_at");
  const auto status = current_status(state_);
  if (status && ends_clock(*status))
    return Error(Errc::kNotAllowed,
                 code + " is " + std::string(to_json(*status)) + ": its work has ended already");
  if (const auto first = current(state_, Field::kReappointedAt))
    return Error(Errc::kNotAllowed,
                 code + " was given a new date once, on " +
                     to_date(day_at(std::get<std::int64_t>(*first))) +
                     ": a second is not allowed (NĐ 61/2018 Đ.19(9)); finish it, and it counts as "
                     "late from the date promised");
  const auto old_value = current(state_, Field::kDueAt);
  if (!old_value)
    return Error(Errc::kNotAllowed, code + " has no due date that could be moved; set due_at");
  const UnixMillis old_due = std::get<std::int64_t>(*old_value);
  if (*due <= old_due)
    return Error(Errc::kInvalidArgument, "the new date " + to_date(day_at(*due)) +
                                             " is not later than the old one, " +
                                             to_date(day_at(old_due)));
  LT_TRY_VOID(check_dates(operation_.open));
  const UnixMillis at = event_time();
  if (calendar_.working_days_between(day_at(at), day_at(old_due)) < 1)
    warn(WarningCode::kLateApology, to_date(day_at(old_due)));
  if (!calendar_.is_working_day(day_at(*due)))
    warn(WarningCode::kDueOnDayOff, to_date(day_at(*due)));
  std::vector<FieldWrite> writes;
  put(writes, Field::kReappointedAt, at);
  put(writes, Field::kDueAt, *due);
  Draft out = draft(UpdateKind::kSet);
  put_note(out);
  out.open.at = at;
  if (out.open.action.empty()) out.open.action = "apologise";
  put_writes(out, std::move(writes), {});
  return write(std::move(out));
}

}  // namespace lienthong::store
