// How one operation is carried out; private to operations*.cc. See operations.h.
#pragma once

#include <string>
#include <vector>

#include "protocol/record/fields.h"
#include "store/operations.h"

namespace lienthong::store {

inline constexpr std::string_view kLocalKeyPrefix = "operation-key/";  // keys of offers withdrawn

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
// kNotAllowed, naming what may come.
Result<void> check_transition(std::optional<Status> from, Status to);

// One operation on one record inside a transaction.
class Application final {
 public:
  Application(Transaction& transaction, const Operation& operation)
      : transaction_(transaction), operation_(operation), ours_(transaction.identity().agency) {}

  Result<OperationResult> run();

 private:
  Result<std::optional<OperationResult>> find_repeated() const;
  Result<void> find_target();
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
  AgencyId ours_;
  RecordState state_;
};

}  // namespace lienthong::store
