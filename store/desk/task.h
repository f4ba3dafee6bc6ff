// One operation on one record inside a transaction: what carrying it out needs, whatever its kind.
// Private to store/desk. Of the transaction's thread; lives for the one call.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/record/registers.h"
#include "store/desk/operations.h"
#include "store/desk/writes.h"

namespace lienthong::store {

class Task final {
 public:
  // `operation` outlives it.
  Task(Transaction& transaction, const Operation& operation, const Calendar& calendar)
      : transaction_(transaction),
        key_hash_(operation.key_hash),
        account_(operation.account),
        accept_clock_(operation.accept_clock),
        calendar_(calendar),
        ours_(transaction.identity().agency) {}

  Transaction& transaction() const { return transaction_; }
  const Registry& registry() const { return transaction_.registry(); }
  const Calendar& calendar() const { return calendar_; }
  const Bytes& key_hash() const { return key_hash_; }
  const AgencyId& ours() const { return ours_; }
  UnixMillis now() const { return transaction_.now(); }
  // `at` of an event or remark: 0 is now.
  UnixMillis moment(UnixMillis at) const { return at != 0 ? at : now(); }
  // What the day is at the least: by the clock, or by what shows that it is behind.
  UnixMillis today() const;
  // Before the clock dates a reception or gives a number: kNotAllowed where it is known to be
  // wrong and nobody has said that it is to be used all the same; says why and what to do.
  Result<void> require_clock() const;

  // ---- the record that it is done to ----
  // Takes it by its code or id. Fails: kNotFound, kConflict (several bear the code), kNotAllowed
  // (needs a newer program; its creation was cut off).
  Result<void> find_target(const std::string& record);
  // Of the records that bear the code those that are ours (is_own()).
  std::vector<RecordId> own_records(std::string_view code) const;
  // Reads it again. kCorrupt where its chain is gone.
  Result<void> reload();
  const RecordState& state() const { return state_; }  // without chain where one is begun
  std::string code() const { return code_of(state_); }
  // Its value of a register: what is written now, else what is there.
  std::optional<FieldValue> current(Field field) const { return store::current(state_, field); }
  std::optional<Status> status() const { return open_status(state_); }

  // ---- whose turn it is ----
  // Ours and no offer is open, else kNotAllowed with who holds it and the remedy; `what` ends "only
  // the holder may".
  Result<void> require_custody(std::string_view what) const;
  // kNotAllowed unless an offer is open.
  Result<void> require_offer() const;
  // That agency is there, works, and is not ours: kInvalidArgument, kUnknownAgency, kNotAllowed.
  Result<void> require_agency(const AgencyId& to, std::string_view what) const;
  std::string name_of(const AgencyId& agency) const;  // code and name, or the start of its id

  // ---- writing ----
  Draft begin(RecordKind kind) const;  // of a record of that kind, with the key
  Draft draft(UpdateKind kind) const;  // on the record, with the key
  Draft further(const RecordId& record, UpdateKind kind) const;  // beside the one that has the key
  Result<OperationResult> write(Draft draft);
  Result<UpdateId> offer(const RecordId& record, const AgencyId& to, bool urgent);
  void warn(WarningCode code, std::string value);

  // ---- the answer ----
  OperationResult result(const UpdateId& update) const;
  OperationResult begun(const RecordId& record, const UpdateId& update, std::string code) const;

 private:
  Transaction& transaction_;
  const Bytes& key_hash_;
  const std::string& account_;
  const bool accept_clock_;
  const Calendar& calendar_;
  AgencyId ours_;
  RecordState state_;
  std::vector<Warning> warnings_;
};

// Officer and note go into the closed part, which is made where there is one of them; so does an
// action that is no code.
void put_remark(Draft& out, const Remark& remark);
void put_event(Draft& out, const Event& event);

}  // namespace lienthong::store
