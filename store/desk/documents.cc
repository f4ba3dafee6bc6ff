// Documents in and out: numbered in registers, sent as copies. docs/operations.md, "Documents".
#include <algorithm>
#include <cctype>

#include "protocol/record/codec.h"
#include "store/desk/begin.h"
#include "store/desk/carry_out.h"
#include "store/desk/checks.h"
#include "store/office/document.h"
#include "store/replica/local_names.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kRegisterBytesMax = 24;

// The next number of its register and year, or the one given, which nothing here may bear. The code
// says which number it is, so that two documents under one number have one code: it is refused on
// one machine, and shown as a conflict where two machines of the agency gave it out apart.
Result<std::string> number_document(const Task& task, Writes& open) {
  const std::string direction = *value_of<std::string>(open, Field::kDirection);
  const auto* dated =
      value_of<std::int64_t>(open, direction == "in" ? Field::kReceivedAt : Field::kSignedAt);
  if (dated == nullptr) LT_TRY_VOID(task.require_clock());
  const int year = office_year(dated != nullptr ? *dated : task.now());
  const auto* book = value_of<std::string>(open, Field::kRegisterBook);
  const std::string name = book != nullptr ? *book : "";
  const AgencyInfo* ours = task.registry().find_agency(task.ours());
  const auto code_with = [&](std::int64_t number) {
    return document_code(ours != nullptr ? ours->code : "?", direction, name, year, number);
  };
  const std::string counter =
      std::string(local::kDocumentNumber) + direction + "/" + name + "/" + std::to_string(year);
  const auto row = task.transaction().local_value(counter);
  std::int64_t last = row ? std::stoll(std::string(as_text(*row))) : 0;
  const auto* given = value_of<std::int64_t>(open, Field::kNumber);
  std::int64_t number = given != nullptr ? *given : last + 1;
  if (number < 1 || number > kDocumentNumberMax)
    return Error(Errc::kInvalidArgument, "a number is 1 to " + std::to_string(kDocumentNumberMax));
  if (given == nullptr)
    while (!task.own_records(code_with(number)).empty()) ++number;
  std::string code = code_with(number);
  if (!task.own_records(code).empty())
    return Error(Errc::kConflict, "number " + std::to_string(number) + " of this register and " +
                                      std::to_string(year) + " is taken by " + code +
                                      "; leave the number out and the next one is given");
  last = std::max(last, number);
  task.transaction().set_local_value(counter, to_bytes(as_bytes(std::to_string(last))));
  put(open, Field::kNumber, number);
  return code;
}

// What a new document says, whatever its number.
Result<void> check_document(const CreateDocument& what) {
  const auto* direction = value_of<std::string>(what.open, Field::kDirection);
  if (direction == nullptr || (*direction != "in" && *direction != "out"))
    return Error(Errc::kInvalidArgument, "a document needs its direction, in or out");
  if (find_write(what.open, Field::kCode) != nullptr)
    return Error(Errc::kInvalidArgument,
                 "a document bears the number of its register: leave the code out, and give the "
                 "number if it has one already");
  if (const auto* book = value_of<std::string>(what.open, Field::kRegisterBook)) {
    const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.'; };
    if (book->empty() || book->size() > kRegisterBytesMax || !std::ranges::all_of(*book, plain))
      return Error(Errc::kInvalidArgument,
                   "a register is named by 1 to 24 letters without diacritics, digits, '_' and "
                   "'.'");
  }
  if (!writes_text(what.closed, Field::kTitle) && !writes_text(what.closed, Field::kSummary))
    return Error(Errc::kInvalidArgument, "a document needs its title or summary");
  if (find_write(what.open, Field::kReceipt) != nullptr)
    return Error(Errc::kInvalidArgument, "a new document has no receipt yet");
  return {};
}

// Arrived, declined and accepted are said by custody; who has accepted says how far the work is.
Result<void> check_receipt(const Task& task, const Writes& open) {
  for (const Field field : {Field::kDirection, Field::kRegisterBook, Field::kNumber})
    if (find_write(open, field) != nullptr)
      return Error(Errc::kNotAllowed,
                   "the place of a document in its register does not change: " + name_of(field));
  const FieldWrite* write = find_write(open, Field::kReceipt);
  if (write == nullptr) return {};
  const auto* wanted = std::get_if<std::int64_t>(&write->value);
  if (wanted == nullptr || *wanted < kReceiptAssigned || *wanted > kReceiptDone)
    return Error(Errc::kInvalidArgument,
                 "receipt is 4 (assigned), 5 (in work) or 6 (done); 1 to 3 come from the handing "
                 "over: accept or decline the document");
  const auto direction = task.current(Field::kDirection);
  if (!direction || *direction != FieldValue(std::string("in")))
    return Error(Errc::kNotAllowed,
                 task.code() +
                     " went out from here: its receipts are written by the agencies "
                     "that it was sent to");
  if (const auto now = receipt_of(task.state(), Arrived::kYes); *wanted < now)
    return Error(Errc::kNotAllowed, "receipt cannot go back from " + std::to_string(now) + " to " +
                                        std::to_string(*wanted));
  return {};
}

// Of the record, as far as its closed parts are here.
Writes closed_values(const Task& task) {
  Writes out;
  for (const auto& [field, writes] : task.state().closed_fields) {
    if (writes.writes.empty()) continue;
    const auto update = task.transaction().find_update(writes.writes.front());
    if (!update || update->update.closed.empty()) continue;
    const auto closed = wire::decode_closed(update->update.closed);
    if (!closed.ok()) continue;
    const auto at = std::ranges::find(closed->writes, field, &FieldWrite::field);
    if (at != closed->writes.end()) out.push_back(*at);
  }
  return out;
}

}  // namespace

Result<OperationResult> carry_out(Task& task, const CreateDocument& what) {
  LT_TRY_VOID(check_document(what));
  Writes open = what.open;
  if (*value_of<std::string>(open, Field::kDirection) == "in") {
    if (find_write(open, Field::kReceivedAt) == nullptr) {
      LT_TRY_VOID(task.require_clock());
      put(open, Field::kReceivedAt, task.now());
    }
    LT_TRY_VOID(
        check_order(task.state(), open, {Field::kSignedAt, Field::kReceivedAt, Field::kDueAt}));
  }
  for (const Field field : {Field::kReceivedAt, Field::kSignedAt})
    if (const auto* moment = value_of<std::int64_t>(open, field);
        moment != nullptr && *moment > task.now() + kDayMillis &&
        *moment > task.today() + kDayMillis)
      return Error(Errc::kInvalidArgument, name_of(field) + " lies in the future");
  LT_TRY(std::string code, number_document(task, open));
  put(open, Field::kCode, std::move(code));
  return begin_record(task, RecordKind::kDocument, std::move(open), what.closed, what.history);
}

Result<OperationResult> change_document(Task& task, const SetFields& what) {
  LT_TRY_VOID(check_fields(task, what.open, what.closed));
  LT_TRY_VOID(check_receipt(task, what.open));
  LT_TRY_VOID(check_order(task.state(), what.open, {Field::kReceivedAt, Field::kFinishedAt}));
  return write_change(task, what, what.open);
}

// Each agency gets a copy that is a record of its own, led by the document: its custody says
// whether it has arrived, was taken or turned down (edXML 01 to 03), and the sender sees all.
Result<OperationResult> carry_out(Task& task, const SendDocument& what) {
  const std::string code = task.code();
  if (task.state().kind != RecordKind::kDocument || !task.state().lead.is_zero())
    return Error(Errc::kInvalidArgument,
                 code + " is not a document of a register; a dossier is handed over by offer");
  LT_TRY_VOID(task.require_agency(what.to, "send it"));
  LT_TRY_VOID(task.require_custody("send it"));
  for (const RecordId& id : task.transaction().led_by(task.state().record)) {
    const auto copy = task.transaction().find_record(id);
    if (!copy || copy->state.chain.empty()) continue;
    if (copy->state.offered == what.to || copy->state.holder == what.to)
      return Error(Errc::kNotAllowed, code + " was sent to " + task.name_of(what.to) +
                                          " already, as " + code_of(copy->state));
  }
  Writes open;
  for (const Field field :
       {Field::kNumber, Field::kNotation, Field::kSignedAt, Field::kPriority, Field::kTopic,
        Field::kDueAt, Field::kAboutDossier, Field::kFieldOfWork, Field::kOrganization})
    if (const auto value = task.current(field)) put(open, field, *value);
  const AgencyInfo* ours = task.registry().find_agency(task.ours());
  if (ours != nullptr) put_if_absent(open, Field::kOrganization, ours->name);
  LT_TRY(const std::string copy_code, choose_led_code(task));
  put(open, Field::kCode, copy_code);
  put(open, Field::kDirection, std::string("in"));
  Draft out = task.begin(RecordKind::kDocument);
  out.open.lead = task.state().record;
  put_writes(out, std::move(open), closed_values(task));
  LT_TRY(UpdateId last, task.transaction().write(std::move(out)));
  const auto copy = id_cast<RecordId>(last);
  LT_TRY(last, task.offer(copy, what.to, what.urgent));
  return task.begun(copy, last, copy_code);
}

}  // namespace lienthong::store
