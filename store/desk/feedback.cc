// Feedback of citizens: received, answered, published. docs/operations.md, "Feedback".
#include "store/office/feedback.h"

#include "store/desk/begin.h"
#include "store/desk/carry_out.h"
#include "store/desk/checks.h"

namespace lienthong::store {
namespace {

// Values, order of moments, and the moments that a status brings with it.
Result<void> complete(const Task& task, Writes& open, const Writes& closed, UnixMillis at) {
  LT_TRY_VOID(check_one_of(open, Field::kTopic, kFeedbackTopics));
  LT_TRY_VOID(check_one_of(open, Field::kSource, kFeedbackSources));
  if (const auto* given = value_of<std::int64_t>(open, Field::kSatisfaction);
      given != nullptr && (*given < 1 || *given > kSatisfactionMax))
    return Error(Errc::kInvalidArgument,
                 "satisfaction is 1 to " + std::to_string(kSatisfactionMax));
  if (const auto* received = value_of<std::int64_t>(open, Field::kReceivedAt);
      received != nullptr && *received > task.now() + kDayMillis &&
      *received > task.today() + kDayMillis)
    return Error(Errc::kInvalidArgument, "received_at lies in the future");
  if (const FieldWrite* status = find_write(open, Field::kStatus)) {
    const auto to = status_of(status->value);
    if (!to) return Error(Errc::kInvalidArgument, "status cannot be cleared");
    if (*to == Status::kPayment)
      return Error(Errc::kNotAllowed, "feedback costs nothing: it has no status payment");
    const auto from = task.status();
    if (!task.state().chain.empty()) LT_TRY_VOID(check_transition(from, *to));
    const bool has_answer = writes_text(closed, Field::kAnswer) ||
                            task.state().closed_fields.contains(number_of(Field::kAnswer));
    if (*to == Status::kDone && !has_answer)
      return Error(Errc::kInvalidArgument,
                   "feedback is done with its answer: write the field answer with it");
    if (from != to) {
      if (*to == Status::kDone) put_if_absent(open, Field::kAnsweredAt, at);
      if (*to == Status::kReturned) put_if_absent(open, Field::kPublishedAt, at);
      if (*to == Status::kDone || *to == Status::kRefused || *to == Status::kWithdrawn ||
          *to == Status::kStopped)
        put_if_absent(open, Field::kFinishedAt, at);
    }
  }
  LT_TRY_VOID(check_order(
      task.state(), open,
      {Field::kSubmittedAt, Field::kReceivedAt, Field::kAnsweredAt, Field::kPublishedAt}));
  return check_order(task.state(), open, {Field::kReceivedAt, Field::kDueAt});
}

}  // namespace

Result<OperationResult> carry_out(Task& task, const CreateFeedback& what) {
  Writes open = what.open;
  if (!writes_text(what.closed, Field::kTitle) && !writes_text(what.closed, Field::kContent))
    return Error(Errc::kInvalidArgument, "feedback needs a title or its content");
  LT_TRY_VOID(check_first_status(open, what.history));
  LT_TRY(std::string code, choose_code(task, open));
  put(open, Field::kCode, std::move(code));
  put_if_absent(open, Field::kStatus, static_cast<std::int64_t>(Status::kRegistered));
  if (find_write(open, Field::kReceivedAt) == nullptr) {
    LT_TRY_VOID(task.require_clock());
    put(open, Field::kReceivedAt, task.now());
  }
  put_if_absent(open, Field::kIntakeAgency, to_bytes(task.ours().view()));
  LT_TRY_VOID(complete(task, open, what.closed, task.now()));
  return begin_record(task, RecordKind::kFeedback, std::move(open), what.closed, what.history);
}

Result<OperationResult> change_feedback(Task& task, const SetFields& what) {
  Writes open = what.open;
  LT_TRY_VOID(check_fields(task, open, what.closed));
  LT_TRY_VOID(complete(task, open, what.closed, task.moment(what.event ? what.event->at : 0)));
  return write_change(task, what, std::move(open));
}

}  // namespace lienthong::store
