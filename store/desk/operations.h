// What an office does to a dossier, as one operation that is checked against the rules of the
// office (workflow, custody) and written as updates. docs/operations.md, "Operations file".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/office/calendar.h"
#include "store/replica/replica.h"

namespace lienthong::store {

enum class OperationKind : std::uint8_t {
  kCreate,
  kSet,
  kEvent,
  kNote,
  kOffer,
  kAccept,
  kDecline,
  kRecall,
  kReclaim,
  kSucceed,
  kConsult,
  kReply,
  kShare,
  kAdopt,
  kApologise,
  kFinish,      // a leg: its outcome is written, and it is offered back to the lead
  kReturnHome,  // a dossier is offered to the desk that received it
  kSend,        // a document: a copy of its own is offered to an agency
};

struct Event {        // a line of the timeline
  UnixMillis at = 0;  // 0: now
  std::string officer, unit, action, note;
};

struct Operation {
  OperationKind kind = OperationKind::kNote;
  RecordKind record_kind = RecordKind::kDossier;  // create
  std::string code;                               // the dossier; empty on create: numbered here
  std::vector<FieldWrite> open;                   // create, set, adopt; apologise: due_at
  std::vector<FieldWrite> closed;
  std::optional<Event> event;     // set, event, note (the text is event->note)
  std::vector<Event> history;     // create: earlier timeline, oldest first
  AgencyId to;                    // offer, consult, share; create of a leg: who is to do it
  bool urgent = false;            // offer; create of a leg
  std::string lead;               // create of a leg: code or id of its dossier
  bool share = true;              // create of a leg: let its agency read the dossier as well
  UnixMillis deadline = 0;        // consult
  std::optional<UpdateId> about;  // reply: the consult; adopt: the write set aside (none: all)
  Bytes key_hash;                 // of the idempotency key; empty: none
};

// What was done all the same, but somebody should know.
enum class WarningCode : std::uint8_t {
  kNoVersionInForce,  // value: the procedure's code; it is published, but nothing was in force then
  kNoLimit,           // value: the procedure's code; its version says no limit, so no date is known
  kSucceeded,         // value: the code that replaces the procedure's
  kNoHolidayData,     // value: the year; counted by weekends alone
  kLateApology,       // value: due_at's date; less than a working day before it (Đ.19(9))
  kDueOnDayOff,       // value: the date
};
const char* to_string(WarningCode code);
struct Warning {
  WarningCode code = WarningCode::kNoLimit;
  std::string value;
  bool operator==(const Warning&) const = default;
};

struct OperationResult {
  RecordId record;
  UpdateId update;  // the last one written
  std::string code;
  bool repeated = false;  // the key was known: nothing was written
  std::vector<Warning> warnings{};
};

// Within a transaction, so that its caller decides what is committed together. On failure the
// caller must roll back to its savepoint. Fails: kNotFound (code), kConflict (code exists, several
// records bear it), kNotAllowed (not our turn, transition; the detail says who holds it and what to
// do), kInvalidArgument, kTooLarge.
Result<OperationResult> apply_operation(Transaction& transaction, const Operation& operation,
                                        const Calendar& calendar = built_in_calendar());

// BLAKE2b-128 of the key under the deployment's tag.
Bytes idempotency_hash(const RootFingerprint& root, std::string_view key);

}  // namespace lienthong::store
