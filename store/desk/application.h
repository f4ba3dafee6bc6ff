// How one operation is carried out; private to operations*.cc. See operations.h.
#pragma once

#include <string>
#include <vector>

#include "protocol/record/fields.h"
#include "store/desk/operations.h"
#include "store/office/work.h"
#include "store/replica/local_names.h"

namespace lienthong::store {

constexpr std::uint16_t number_of(Field field) { return static_cast<std::uint16_t>(field); }

// ---- values ----

// Null where the list does not write the field.
const FieldWrite* find_write(const std::vector<FieldWrite>& writes, Field field);
void put(std::vector<FieldWrite>& writes, Field field, FieldValue value);
void put_if_absent(std::vector<FieldWrite>& writes, Field field, FieldValue value);
// Sorts both lists and names the closed ones in the open part.
void put_writes(Draft& out, std::vector<FieldWrite> open, std::vector<FieldWrite> closed);
std::optional<Status> status_of(const FieldValue& value);
std::optional<FieldValue> current(const RecordState& state, Field field);
std::optional<Status> current_status(const RecordState& state);
std::string code_of(const RecordState& state);  // or the start of its id
// "supplement, payment, …", or "nothing".
std::string allowed_after(std::optional<Status> from);
// Why a transition is refused: the decree's article or the row of the states' table.
std::string_view rule_against(std::optional<Status> from, Status to);
// kNotAllowed, naming the rule and what may come.
Result<void> check_transition(std::optional<Status> from, Status to);

// One operation on one record inside a transaction.
class Application final {
 public:
  Application(Transaction& transaction, const Operation& operation, const Calendar& calendar)
      : transaction_(transaction),
        operation_(operation),
        calendar_(calendar),
        ours_(transaction.identity().agency) {}

  Result<OperationResult> run();

 private:
  Result<std::optional<OperationResult>> find_repeated() const;
  Result<void> find_target(const std::string& code);
  Result<OperationResult> dispatch();
  Result<OperationResult> create();
  Result<std::string> choose_code() const;
  Result<void> check_new_code(const std::string& code) const;
  Result<void> write_history(const RecordId& record, UpdateId& last);
  Result<void> check_new_status(const std::vector<FieldWrite>& writes) const;
  Result<OperationResult> set();
  void date_status(std::vector<FieldWrite>& writes, UnixMillis at) const;
  Result<OperationResult> note();
  Result<OperationResult> offer();
  Result<OperationResult> answer(UpdateKind kind);
  Result<OperationResult> recall();
  Result<OperationResult> withdraw_offer(const UpdateId& offer);
  Result<OperationResult> reclaim();
  Result<OperationResult> succeed();
  Result<OperationResult> consult();
  Result<OperationResult> reply();
  Result<OperationResult> share();
  Result<OperationResult> adopt();
  Result<UpdateId> adopt_one(const UpdateId& id, bool with_key);
  Result<OperationResult> create_feedback();
  Result<OperationResult> create_document();
  Result<OperationResult> create_record(RecordKind kind, std::vector<FieldWrite> open);
  Result<OperationResult> set_record(std::vector<FieldWrite> open);
  Result<void> check_feedback(std::vector<FieldWrite>& open) const;
  Result<void> check_receipt(const std::vector<FieldWrite>& open) const;
  Result<std::string> number_document(std::vector<FieldWrite>& open);
  Result<OperationResult> send_copy();
  std::vector<FieldWrite> closed_values() const;  // of `state_`, as far as they are here
  Result<OperationResult> create_leg();
  Result<std::string> choose_led_code() const;  // `<code>/N`
  Result<OperationResult> finish();
  Result<OperationResult> return_home();
  Result<UpdateId> offer_to(const RecordId& record, const AgencyId& to);
  // Fields that this kind of record has; a dossier is not done while legs are open.
  Result<void> check_writes(const std::vector<FieldWrite>& open) const;
  Result<void> check_no_open_legs() const;

  // ---- procedures, dates, states (operations_clock.cc, operations_procedure.cc) ----
  Result<OperationResult> publish();
  Result<void> check_publication(const std::vector<FieldWrite>& writes) const;
  Result<OperationResult> amend();  // set on a procedure
  Result<OperationResult> apologise();
  // Before a change is written: `writes` are completed by what follows from them, and refused when
  // they cannot be.
  Result<void> keep_clock(std::vector<FieldWrite>& writes, bool creating);
  Result<void> check_dates(const std::vector<FieldWrite>& writes) const;
  Result<void> check_change(const std::vector<FieldWrite>& writes) const;
  bool touches_clock(const std::vector<FieldWrite>& writes, bool creating) const;
  Result<void> check_step(const std::vector<FieldWrite>& writes, const Work& after) const;
  Result<void> pin_version(std::vector<FieldWrite>& writes);
  std::vector<Procedure> versions_of(std::string_view code) const;
  WorkReader read_work() const;
  StoredUpdate pending(const std::vector<FieldWrite>& writes, bool creating) const;
  std::optional<std::int64_t> integer_after(const std::vector<FieldWrite>& writes,
                                            Field field) const;
  std::string text_after(const std::vector<FieldWrite>& writes, Field field) const;
  void warn(WarningCode code, std::string value);
  void warn_of_years(const Deadline& deadline);

  // Holder and no open offer, else the reason and the remedy.
  Result<void> require_custody(std::string_view what) const;
  Result<void> require_target(std::string_view what) const;
  Draft draft(UpdateKind kind) const;
  void put_note(Draft& draft) const;
  Result<OperationResult> write(Draft draft);
  OperationResult result(const UpdateId& update, bool repeated = false) const;
  std::string name_of(const AgencyId& agency) const;
  UnixMillis event_time() const;

  Transaction& transaction_;
  const Operation& operation_;
  const Calendar& calendar_;
  AgencyId ours_;
  RecordState state_;
  std::vector<Warning> warnings_;
};

}  // namespace lienthong::store
