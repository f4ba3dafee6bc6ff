// Receiving dossiers, and changing, annotating and noting what is here.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "protocol/record/codec.h"
#include "store/desk/begin.h"
#include "store/desk/carry_out.h"
#include "store/desk/checks.h"
#include "store/desk/clock.h"

namespace lienthong::store {
namespace {

// What reports count of the closed part, where that is written: in the open part there is only how
// many.
void count_closed(const Writes& closed, Writes& open) {
  if (find_write(closed, Field::kResultDigest) != nullptr)
    put(open, Field::kResultDigitised,
        std::int64_t{writes_text(closed, Field::kResultDigest) ? 1 : 0});
  if (find_write(closed, Field::kSurvey) != nullptr) {
    const auto* text = value_of<std::string>(closed, Field::kSurvey);
    const auto list = nlohmann::json::parse(text != nullptr ? *text : "", nullptr, false);
    put(open, Field::kSurveyCount,
        list.is_array() ? static_cast<std::int64_t>(list.size()) : std::int64_t{0});
  }
  const FieldWrite* components = find_write(closed, Field::kComponents);
  if (components == nullptr) return;
  std::int64_t count = 0, digitised = 0;
  if (const auto* bytes = std::get_if<Bytes>(&components->value)) {
    if (const auto list = wire::decode_components(*bytes); list.ok()) {
      count = static_cast<std::int64_t>(list->size());
      digitised = std::ranges::count_if(*list, [](const wire::Component& item) {
        return !item.digest.empty() || item.kind == "digital";
      });
    }
  }
  put(open, Field::kComponentCount, count);
  put(open, Field::kDigitisedCount, digitised);
}

// The moments that a change of state itself says, where the office does not say otherwise.
void date_status(const Task& task, Writes& writes, UnixMillis at) {
  const FieldWrite* write = find_write(writes, Field::kStatus);
  if (write == nullptr) return;
  const auto to = status_of(write->value);
  if (!to || to == task.status()) return;
  if (to == Status::kAccepted && !task.current(Field::kReceivedAt))
    put_if_absent(writes, Field::kReceivedAt, at);
  // A correction ends later; reports go by the first end.
  if (to == Status::kDone && !task.current(Field::kFinishedAt))
    put_if_absent(writes, Field::kFinishedAt, at);
  if (to == Status::kReturned && !task.current(Field::kReturnedAt))
    put_if_absent(writes, Field::kReturnedAt, at);
}

// An apology has an operation of its own, and a correction its reason.
Result<void> check_dossier_change(const Task& task, const SetFields& what) {
  if (find_write(what.open, Field::kReappointedAt) != nullptr)
    return Error(Errc::kNotAllowed,
                 "reappointed_at is written by the operation apologise, with the new due_at and "
                 "the reason (NĐ 61/2018 Đ.19(9))");
  const auto before = task.status();
  const FieldWrite* write = find_write(what.open, Field::kStatus);
  if (write != nullptr && before == Status::kAccepted &&
      status_of(write->value) == Status::kRefused && !(what.event && !what.event->note.empty()))
    return Error(
        Errc::kNotAllowed,
        task.code() +
            " is accepted: to refuse it annuls a reception that was made by mistake, which "
            "reports then do not count, and needs an event with a note that says why");
  const bool ended = before == Status::kDone || before == Status::kReturned;
  if (!ended || write == nullptr || status_of(write->value) != Status::kProcessing) return {};
  if (what.event && !what.event->note.empty()) return {};
  return Error(Errc::kNotAllowed,
               task.code() + " is " + std::string(to_json(*before)) +
                   ": to take it up again corrects its result (đính chính, NĐ 61/2018 Đ.21) and "
                   "needs an event with a note that says why");
}

// Of a dossier or leg.
Result<OperationResult> change_case(Task& task, const SetFields& what) {
  Writes open = what.open;
  if (const FieldWrite* status = find_write(open, Field::kStatus)) {
    const auto to = status_of(status->value);
    if (!to) return Error(Errc::kInvalidArgument, "status cannot be cleared");
    LT_TRY_VOID(check_transition(task.status(), *to));
  }
  LT_TRY_VOID(check_fields(task, open, what.closed));
  LT_TRY_VOID(check_single_result(task, open, what.closed));
  const UnixMillis at = task.moment(what.event ? what.event->at : 0);
  date_status(task, open, at);
  const FieldWrite* received = find_write(open, Field::kReceivedAt);
  if (received != nullptr && received->value == FieldValue(task.now()))
    LT_TRY_VOID(task.require_clock());
  count_closed(what.closed, open);
  if (task.state().kind == RecordKind::kDossier) {
    LT_TRY_VOID(check_dates(task, what.open));
    LT_TRY_VOID(check_dossier_change(task, what));
    LT_TRY_VOID(keep_clock(task, UpdateKind::kSet, at, open));
  }
  return write_change(task, what, std::move(open));
}

Result<OperationResult> change(Task& task, const SetFields& what) {
  if (task.state().kind == RecordKind::kProcedure) return change_procedure(task, what);
  if (find_write(what.open, Field::kCode) != nullptr)
    return Error(Errc::kInvalidArgument, "the code of a dossier does not change");
  if (task.state().kind == RecordKind::kFeedback) return change_feedback(task, what);
  if (task.state().kind == RecordKind::kDocument) return change_document(task, what);
  return change_case(task, what);
}

}  // namespace

Result<OperationResult> carry_out(Task& task, const CreateDossier& what) {
  Writes open = what.open;
  LT_TRY_VOID(check_first_status(open, what.history));
  LT_TRY(std::string code, choose_code(task, open));
  put(open, Field::kCode, std::move(code));
  put_if_absent(open, Field::kIntakeAgency, to_bytes(task.ours().view()));
  if (find_write(open, Field::kStatus) == nullptr) {
    const auto* channel = value_of<std::int64_t>(open, Field::kChannel);
    const bool online = channel != nullptr && *channel == 2;
    const bool received = find_write(open, Field::kReceivedAt) != nullptr;
    const Status status = online && !received ? Status::kRegistered : Status::kAccepted;
    put(open, Field::kStatus, status);
    if (status == Status::kAccepted && !received) {
      LT_TRY_VOID(task.require_clock());
      put(open, Field::kReceivedAt, task.now());
    }
  }
  // Said to be received, and not when: now, unless it comes with a past.
  const auto* said = value_of<std::int64_t>(what.open, Field::kStatus);
  if (said != nullptr && status_of(*said) == Status::kAccepted && what.history.empty() &&
      find_write(open, Field::kReceivedAt) == nullptr) {
    LT_TRY_VOID(task.require_clock());
    put(open, Field::kReceivedAt, task.now());
  }
  count_closed(what.closed, open);
  LT_TRY_VOID(check_dates(task, what.open));
  LT_TRY_VOID(keep_clock(task, UpdateKind::kCreated, task.now(), open));
  return begin_record(task, RecordKind::kDossier, std::move(open), what.closed, what.history);
}

Result<OperationResult> carry_out(Task& task, const SetFields& what) {
  if (what.open.empty() && what.closed.empty() && !what.event)
    return Error(Errc::kInvalidArgument, "nothing to write: give fields or an event");
  LT_TRY_VOID(task.require_custody("change it"));
  return change(task, what);
}

Result<OperationResult> carry_out(Task& task, const AddEvent& what) {
  if (what.event.action.empty() && what.event.note.empty())
    return Error(Errc::kInvalidArgument, "an event needs an action or a note");
  LT_TRY_VOID(task.require_custody("add events"));
  return change(task, SetFields{.record = what.record, .event = what.event});
}

Result<OperationResult> carry_out(Task& task, const AddNote& what) {
  if (what.remark.note.empty()) return Error(Errc::kInvalidArgument, "a note needs a text");
  Draft out = task.draft(UpdateKind::kNote);
  put_remark(out, what.remark);
  return task.write(std::move(out));
}

}  // namespace lienthong::store
