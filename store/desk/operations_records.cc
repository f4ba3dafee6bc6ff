// Operations on records that are no dossiers: feedback of citizens, and documents in and out.
// docs/operations.md, "Feedback" and "Documents".
#include <algorithm>
#include <cctype>

#include "protocol/record/codec.h"
#include "store/desk/application.h"
#include "store/office/document.h"
#include "store/office/feedback.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kRegisterBytesMax = 24;

template <class T>
const T* value_of(const std::vector<FieldWrite>& writes, Field field) {
  const FieldWrite* write = find_write(writes, field);
  return write != nullptr ? std::get_if<T>(&write->value) : nullptr;
}

bool writes_text(const std::vector<FieldWrite>& writes, Field field) {
  const auto* text = value_of<std::string>(writes, field);
  return text != nullptr && !text->empty();
}

template <std::size_t N>
Result<void> check_one_of(const std::vector<FieldWrite>& writes, Field field,
                          const std::array<std::string_view, N>& names) {
  const auto* text = value_of<std::string>(writes, field);
  if (text == nullptr || std::ranges::find(names, *text) != names.end()) return {};
  std::string list;
  for (const std::string_view name : names) list += (list.empty() ? "" : ", ") + std::string(name);
  return Error(Errc::kInvalidArgument,
               std::string(find_field(number_of(field))->json) + " must be one of " + list);
}

// Each moment that is known is not before the one known before it.
Result<void> check_order(const RecordState& state, const std::vector<FieldWrite>& open,
                         std::initializer_list<Field> fields) {
  std::int64_t before = 0;
  std::string_view before_name;
  for (const Field field : fields) {
    const auto* written = value_of<std::int64_t>(open, field);
    const auto stored = current(state, field);
    const auto* kept = stored ? std::get_if<std::int64_t>(&*stored) : nullptr;
    const auto* moment = find_write(open, field) != nullptr ? written : kept;
    if (moment == nullptr) continue;
    const std::string_view name = find_field(number_of(field))->json;
    if (*moment < before)
      return Error(Errc::kInvalidArgument, std::string(name) + " would be before " +
                                               std::string(before_name) +
                                               ": look at the two dates again");
    before = *moment;
    before_name = name;
  }
  return {};
}

}  // namespace

// ---- what is common ----

Result<OperationResult> Application::create_record(RecordKind kind, std::vector<FieldWrite> open) {
  const auto* code = value_of<std::string>(open, Field::kCode);
  const std::string named = code != nullptr ? *code : "";
  Draft out;
  out.open.kind = UpdateKind::kCreated;
  out.open.record_kind = kind;
  out.open.key_hash = operation_.key_hash;
  put_note(out);
  put_writes(out, std::move(open), operation_.closed);
  LT_TRY(UpdateId last, transaction_.write(std::move(out)));
  const auto record = id_cast<RecordId>(last);
  LT_TRY_VOID(write_history(record, last));
  return OperationResult{record, last, named, false};
}

Result<OperationResult> Application::set_record(std::vector<FieldWrite> open) {
  LT_TRY_VOID(check_writes(open));
  if (state_.kind == RecordKind::kFeedback) {
    LT_TRY_VOID(check_feedback(open));
  } else {
    LT_TRY_VOID(check_receipt(open));
    LT_TRY_VOID(check_order(state_, open, {Field::kReceivedAt, Field::kFinishedAt}));
  }
  Draft out = draft(UpdateKind::kSet);
  put_note(out);
  if (operation_.event) {
    out.open.at = event_time();
    if (!operation_.event->unit.empty()) put_if_absent(open, Field::kUnit, operation_.event->unit);
  }
  put_writes(out, std::move(open), operation_.closed);
  return write(std::move(out));
}

// ---- feedback ----

// Values, order of moments, and the moments that a status brings with it.
Result<void> Application::check_feedback(std::vector<FieldWrite>& open) const {
  LT_TRY_VOID(check_one_of(open, Field::kTopic, kFeedbackTopics));
  LT_TRY_VOID(check_one_of(open, Field::kSource, kFeedbackSources));
  if (const auto* given = value_of<std::int64_t>(open, Field::kSatisfaction);
      given != nullptr && (*given < 1 || *given > kSatisfactionMax))
    return Error(Errc::kInvalidArgument,
                 "satisfaction is 1 to " + std::to_string(kSatisfactionMax));
  if (const auto* received = value_of<std::int64_t>(open, Field::kReceivedAt);
      received != nullptr && *received > transaction_.now() + kDayMillis)
    return Error(Errc::kInvalidArgument, "received_at lies in the future");
  if (const FieldWrite* status = find_write(open, Field::kStatus)) {
    const auto to = status_of(status->value);
    if (!to) return Error(Errc::kInvalidArgument, "status cannot be cleared");
    if (*to == Status::kPayment)
      return Error(Errc::kNotAllowed, "feedback costs nothing: it has no status payment");
    const auto from = current_status(state_);
    if (!state_.chain.empty()) LT_TRY_VOID(check_transition(from, *to));
    const bool has_answer = writes_text(operation_.closed, Field::kAnswer) ||
                            state_.closed_fields.contains(number_of(Field::kAnswer));
    if (*to == Status::kDone && !has_answer)
      return Error(Errc::kInvalidArgument,
                   "feedback is done with its answer: write the field answer with it");
    if (from != to) {
      if (*to == Status::kDone) put_if_absent(open, Field::kAnsweredAt, event_time());
      if (*to == Status::kReturned) put_if_absent(open, Field::kPublishedAt, event_time());
      if (*to == Status::kDone || *to == Status::kRefused || *to == Status::kWithdrawn ||
          *to == Status::kStopped)
        put_if_absent(open, Field::kFinishedAt, event_time());
    }
  }
  LT_TRY_VOID(check_order(
      state_, open,
      {Field::kSubmittedAt, Field::kReceivedAt, Field::kAnsweredAt, Field::kPublishedAt}));
  return check_order(state_, open, {Field::kReceivedAt, Field::kDueAt});
}

Result<OperationResult> Application::create_feedback() {
  std::vector<FieldWrite> open = operation_.open;
  if (!writes_text(operation_.closed, Field::kTitle) &&
      !writes_text(operation_.closed, Field::kContent))
    return Error(Errc::kInvalidArgument, "feedback needs a title or its content");
  LT_TRY_VOID(check_new_status(open));
  LT_TRY(const std::string code, choose_code());
  put(open, Field::kCode, code);
  put_if_absent(open, Field::kStatus, static_cast<std::int64_t>(Status::kRegistered));
  put_if_absent(open, Field::kReceivedAt, transaction_.now());
  put_if_absent(open, Field::kIntakeAgency, to_bytes(ours_.view()));
  LT_TRY_VOID(check_feedback(open));
  return create_record(RecordKind::kFeedback, std::move(open));
}

// ---- documents ----

// The next number of its register and year, or the one given, which nothing here may bear. The code
// says which number it is, so that two documents under one number have one code: it is refused on
// one machine, and shown as a conflict where two machines of the agency gave it out apart.
Result<std::string> Application::number_document(std::vector<FieldWrite>& open) {
  const std::string direction = *value_of<std::string>(open, Field::kDirection);
  const auto* dated =
      value_of<std::int64_t>(open, direction == "in" ? Field::kReceivedAt : Field::kSignedAt);
  const int year = office_year(dated != nullptr ? *dated : transaction_.now());
  const auto* book = value_of<std::string>(open, Field::kRegisterBook);
  const std::string name = book != nullptr ? *book : "";
  const AgencyInfo* ours = transaction_.registry().find_agency(ours_);
  const auto code_with = [&](std::int64_t number) {
    return document_code(ours != nullptr ? ours->code : "?", direction, name, year, number);
  };
  const std::string counter =
      std::string(local::kDocumentNumber) + direction + "/" + name + "/" + std::to_string(year);
  const auto row = transaction_.local_value(counter);
  std::int64_t last = row ? std::stoll(std::string(as_text(*row))) : 0;
  const auto* given = value_of<std::int64_t>(open, Field::kNumber);
  std::int64_t number = given != nullptr ? *given : last + 1;
  if (number < 1 || number > kDocumentNumberMax)
    return Error(Errc::kInvalidArgument, "a number is 1 to " + std::to_string(kDocumentNumberMax));
  if (given == nullptr)
    while (!transaction_.find_code(code_with(number)).empty()) ++number;
  std::string code = code_with(number);
  if (!transaction_.find_code(code).empty())
    return Error(Errc::kConflict, "number " + std::to_string(number) + " of this register and " +
                                      std::to_string(year) + " is taken by " + code +
                                      "; leave the number out and the next one is given");
  last = std::max(last, number);
  transaction_.set_local_value(counter, to_bytes(as_bytes(std::to_string(last))));
  put(open, Field::kNumber, number);
  return code;
}

Result<OperationResult> Application::create_document() {
  std::vector<FieldWrite> open = operation_.open;
  const auto* direction = value_of<std::string>(open, Field::kDirection);
  if (direction == nullptr || (*direction != "in" && *direction != "out"))
    return Error(Errc::kInvalidArgument, "a document needs its direction, in or out");
  if (!operation_.code.empty() || find_write(open, Field::kCode) != nullptr)
    return Error(Errc::kInvalidArgument,
                 "a document bears the number of its register: leave the code out, and give the "
                 "number if it has one already");
  if (const auto* book = value_of<std::string>(open, Field::kRegisterBook)) {
    const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.'; };
    if (book->empty() || book->size() > kRegisterBytesMax || !std::ranges::all_of(*book, plain))
      return Error(Errc::kInvalidArgument,
                   "a register is named by 1 to 24 letters without diacritics, digits, '_' and "
                   "'.'");
  }
  if (!writes_text(operation_.closed, Field::kTitle) &&
      !writes_text(operation_.closed, Field::kSummary))
    return Error(Errc::kInvalidArgument, "a document needs its title or summary");
  if (find_write(open, Field::kReceipt) != nullptr)
    return Error(Errc::kInvalidArgument, "a new document has no receipt yet");
  if (*direction == "in") {
    put_if_absent(open, Field::kReceivedAt, transaction_.now());
    LT_TRY_VOID(check_order(state_, open, {Field::kSignedAt, Field::kReceivedAt, Field::kDueAt}));
  }
  for (const Field field : {Field::kReceivedAt, Field::kSignedAt})
    if (const auto* moment = value_of<std::int64_t>(open, field);
        moment != nullptr && *moment > transaction_.now() + kDayMillis)
      return Error(Errc::kInvalidArgument,
                   std::string(find_field(number_of(field))->json) + " lies in the future");
  LT_TRY(std::string code, number_document(open));
  put(open, Field::kCode, std::move(code));
  return create_record(RecordKind::kDocument, std::move(open));
}

// Arrived, declined and accepted are said by custody; who has accepted says how far the work is.
Result<void> Application::check_receipt(const std::vector<FieldWrite>& open) const {
  for (const Field field : {Field::kDirection, Field::kRegisterBook, Field::kNumber})
    if (find_write(open, field) != nullptr)
      return Error(Errc::kNotAllowed, "the place of a document in its register does not change: " +
                                          std::string(find_field(number_of(field))->json));
  const FieldWrite* write = find_write(open, Field::kReceipt);
  if (write == nullptr) return {};
  const auto* wanted = std::get_if<std::int64_t>(&write->value);
  if (wanted == nullptr || *wanted < kReceiptAssigned || *wanted > kReceiptDone)
    return Error(Errc::kInvalidArgument,
                 "receipt is 4 (assigned), 5 (in work) or 6 (done); 1 to 3 come from the handing "
                 "over: accept or decline the document");
  const auto direction = current(state_, Field::kDirection);
  if (!direction || *direction != FieldValue(std::string("in")))
    return Error(Errc::kNotAllowed,
                 code_of(state_) +
                     " went out from here: its receipts are written by the agencies "
                     "that it was sent to");
  if (const auto now = receipt_of(state_, Arrived::kYes); *wanted < now)
    return Error(Errc::kNotAllowed, "receipt cannot go back from " + std::to_string(now) + " to " +
                                        std::to_string(*wanted));
  return {};
}

std::vector<FieldWrite> Application::closed_values() const {
  std::vector<FieldWrite> out;
  for (const auto& [field, writes] : state_.closed_fields) {
    if (writes.writes.empty()) continue;
    const auto update = transaction_.find_update(writes.writes.front());
    if (!update || update->update.closed.empty()) continue;
    const auto closed = wire::decode_closed(update->update.closed);
    if (!closed.ok()) continue;
    const auto at = std::ranges::find(closed->writes, field, &FieldWrite::field);
    if (at != closed->writes.end()) out.push_back(*at);
  }
  return out;
}

// Each agency gets a copy that is a record of its own, led by the document: its custody says
// whether it has arrived, was taken or turned down (edXML 01 to 03), and the sender sees all.
Result<OperationResult> Application::send_copy() {
  const std::string code = code_of(state_);
  if (state_.kind != RecordKind::kDocument || !state_.lead.is_zero())
    return Error(Errc::kInvalidArgument,
                 code + " is not a document of a register; a dossier is handed over by offer");
  LT_TRY_VOID(require_target("send it"));
  LT_TRY_VOID(require_custody("send it"));
  for (const RecordId& id : transaction_.led_by(state_.record)) {
    const auto copy = transaction_.find_record(id);
    if (!copy || copy->state.chain.empty()) continue;
    if (copy->state.offered == operation_.to || copy->state.holder == operation_.to)
      return Error(Errc::kNotAllowed, code + " was sent to " + name_of(operation_.to) +
                                          " already, as " + code_of(copy->state));
  }
  std::vector<FieldWrite> open;
  for (const Field field :
       {Field::kNumber, Field::kNotation, Field::kSignedAt, Field::kPriority, Field::kTopic,
        Field::kDueAt, Field::kAboutDossier, Field::kFieldOfWork, Field::kOrganization})
    if (const auto value = current(state_, field)) put(open, field, *value);
  const AgencyInfo* ours = transaction_.registry().find_agency(ours_);
  if (ours != nullptr) put_if_absent(open, Field::kOrganization, ours->name);
  LT_TRY(const std::string copy_code, choose_led_code());
  put(open, Field::kCode, copy_code);
  put(open, Field::kDirection, std::string("in"));
  Draft out;
  out.open.kind = UpdateKind::kCreated;
  out.open.record_kind = RecordKind::kDocument;
  out.open.lead = state_.record;
  out.open.key_hash = operation_.key_hash;
  put_writes(out, std::move(open), closed_values());
  LT_TRY(UpdateId last, transaction_.write(std::move(out)));
  const auto copy = id_cast<RecordId>(last);
  LT_TRY(last, offer_to(copy, operation_.to));
  return OperationResult{copy, last, copy_code, false};
}

}  // namespace lienthong::store
