// What an office does to a record, as one operation that is checked against the rules of the
// office (workflow, custody, dates) and written as updates. docs/operations.md, "Operations file".
// One struct for each kind, with what that kind is told and nothing else. Values: any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "protocol/record/fields.h"
#include "store/office/calendar.h"
#include "store/replica/replica.h"

namespace lienthong::store {

// ---- what is said with an operation ----

// A line of the timeline.
struct Event {
  UnixMillis at = 0;  // 0: now
  std::string officer{};
  std::string unit{};
  std::string action{};
  std::string note{};
};

// Said with a link of custody, a consultation, a note. Officer and note are closed.
struct Remark {
  UnixMillis at = 0;  // 0: now
  std::string officer{};
  std::string note{};
};

// ---- operations that begin a record ----

// `open` and `closed` are what is written into the registers of either part, in any order, each
// register once. Dossiers and feedback bear the code that `open` writes (Field::kCode); without it
// they are numbered here. The past of a record, oldest first, becomes a `set` for each line.

// A `created`. What the office does not say is filled in: code, intake agency, state, reception,
// counts of components, the version of the procedure, when the clock starts, the date due.
struct CreateDossier {
  std::vector<FieldWrite> open{};
  std::vector<FieldWrite> closed{};
  std::vector<Event> history{};
};

// Work by another agency on a dossier that we hold: the `created` of the leg, its `offer` to that
// agency, and, with `share`, a `share` of the dossier. Always numbered here, `<code>/N`.
struct CreateLeg {
  std::string dossier{};  // code or id
  AgencyId to{};          // who is to do it
  bool urgent = false;
  bool share = true;                 // let that agency read the dossier as well
  std::vector<FieldWrite> open{};    // Field::kProcedure at least, or
  std::vector<FieldWrite> closed{};  // Field::kDuty
};

// A `created`, with code, intake agency, state and reception filled in, and the moments of its
// state.
struct CreateFeedback {
  std::vector<FieldWrite> open{};
  std::vector<FieldWrite> closed{};  // Field::kTitle or Field::kContent at least
  std::vector<Event> history{};
};

// A `created`. The code is made of the number in its register: it is never given, the number may
// be.
struct CreateDocument {
  std::vector<FieldWrite> open{};    // Field::kDirection at least
  std::vector<FieldWrite> closed{};  // Field::kTitle or Field::kSummary at least
  std::vector<Event> history{};
};

// The `created` of a version of a procedure, for everybody. Its code is among `open` (Field::kCode
// or Field::kProcedure): such codes are not invented here.
struct PublishProcedure {
  std::vector<FieldWrite> open{};
};

// ---- operations on a record that is here ----

// In each of them `record` is its code or, of 64 hexadecimal digits, its id.

// A `set` by the holder, with what follows from it: moments of a new state, the date due. Of a
// procedure only its end, successor and field of work change.
struct SetFields {
  std::string record{};
  std::vector<FieldWrite> open{};  // monostate clears
  std::vector<FieldWrite> closed{};
  std::optional<Event> event{};  // with a note where a finished dossier is taken up again
};

enum class ListAct : std::uint8_t { kAdd, kReplace, kRemove };

// A `set` by the holder of a list with one entry more, another one, or one less. Whoever reads the
// list and writes it back loses what came between; this does not.
struct ChangeList {
  std::string record{};
  Field list = Field::kComponents;  // kComponents, kFees or kSurvey
  ListAct act = ListAct::kAdd;
  // Which one is replaced or removed: its name, its place from 1, or the first digits of its file's
  // digest, at least eight. Empty: the name of `entry`.
  std::string at{};
  // A list of one, as the field has it. Added to the components, one with a file takes the place of
  // the first of its name that has none yet.
  FieldValue entry{};
};

// A `set` by the holder that is a line of the timeline, and moves the dossier to the event's unit.
struct AddEvent {
  std::string record{};
  Event event{};  // an action or a note at least
};

// A `note`, by anybody who has the record.
struct AddNote {
  std::string record{};
  Remark remark{};  // a note at least
};

// A `note` that another system gave the dossier a code, or that one is not its own, by anybody who
// has the record. The dossier is found by it from then on; its local code stays.
struct SayCode {
  std::string record{};
  std::string code{};    // as it was given
  std::string system{};  // which system gave it, in the office's words; may be empty
  bool withdraw = false;
  Remark remark{};
};

// An `offer` by the holder: the record rests until `to` answers.
struct Offer {
  std::string record{};
  AgencyId to{};
  bool urgent = false;
  Remark remark{};
};

// An `accept` by the agency that it is offered to, which holds it from then on.
struct Accept {
  std::string record{};
  Remark remark{};
};

// A `decline` by the agency that it is offered to: the holder holds it as before.
struct Decline {
  std::string record{};
  Remark remark{};
};

// By the holder. An offer that never left this machine is taken back as if it had not been made,
// and nothing is written; else a `recallRequest`, once.
struct Recall {
  std::string record{};
  Remark remark{};
};

// A `reclaim`, by a superior of the holder and, if an offer is open, of the agency it is made to,
// which is not the one whose turn it is.
struct Reclaim {
  std::string record{};
  Remark remark{};
};

// An `uphold`: the word of an agency at or above the author of the last link of a branch of custody
// that this branch stands. The holder stays.
struct Uphold {
  std::string record{};
  // Id of a link of the branch, or the first digits of it, at least four; the word is for where its
  // branch ends. Empty: the one that stands now.
  std::string branch{};
  std::string decision{};  // number of the decision
};

// An `erase`, by the agency that began the record or one above it: closed parts and files of the
// record go, here and wherever else it is.
struct Erase {
  std::string record{};
  std::string decision{};  // number of the decision; refused without
};

// A `succeed` by the sole successor of the dissolved agency whose turn it is.
struct Succeed {
  std::string record{};
  Remark remark{};
};

// A `consult` by the holder: `to` reads the record and is asked.
struct Consult {
  std::string record{};
  AgencyId to{};
  UnixMillis deadline = 0;  // 0: none
  Remark remark{};
};

// A `reply` by the agency consulted.
struct Reply {
  std::string record{};
  std::optional<UpdateId> about{};  // the consultation; refused without
  Remark remark{};
};

// A `share` by the holder: `to` reads the record.
struct Share {
  std::string record{};
  AgencyId to{};
  Remark remark{};
};

// By the holder, an `adopt` for each change that was set aside, as far as the rules let it.
struct Adopt {
  std::string record{};
  std::optional<UpdateId> change{};  // only this one; none: all
};

// A `set` by the holder: the one new date that a dossier may be given (NĐ 61/2018 Đ.19(9)).
struct Apologise {
  std::string record{};
  std::optional<UnixMillis> due_at{};  // refused without
  Remark remark{};                     // a note at least: the reason
};

// A leg, by its holder: a `set` that writes the outcome and makes it done, and an `offer` to
// whoever holds its dossier.
struct FinishLeg {
  std::string record{};
  std::string outcome{};  // empty where it is written already
  Remark remark{};
};

// An `offer` by the holder to the desk that received the dossier.
struct ReturnHome {
  std::string record{};
  bool urgent = false;
  Remark remark{};
};

// A document of a register, by its holder: a copy that is a record of its own, and its `offer`.
struct SendDocument {
  std::string record{};
  AgencyId to{};
  bool urgent = false;
};

// An `inspect`, by an agency above one that takes part: written before it reads closed parts.
struct Inspect {
  std::string record{};
  Remark remark{};  // a note at least: why
};

// ---- any of them ----

using Deed = std::variant<CreateDossier, CreateLeg, CreateFeedback, CreateDocument,
                          PublishProcedure, SetFields, ChangeList, AddEvent, AddNote, Offer, Accept,
                          Decline, Recall, Reclaim, Uphold, Succeed, Consult, Reply, Share, Adopt,
                          Apologise, FinishLeg, ReturnHome, SendDocument, Erase, SayCode, Inspect>;

template <class Kind, class Variant>
inline constexpr bool kIsKindOf = false;
template <class Kind, class... Kinds>
inline constexpr bool kIsKindOf<Kind, std::variant<Kinds...>> = (std::is_same_v<Kind, Kinds> ||
                                                                 ...);

struct Operation {
  template <class Kind>
  requires kIsKindOf<Kind, Deed> Operation(Kind what)
      : deed(std::move(what)) {}  // NOLINT(*-explicit-*)
  Operation(Deed what, Bytes key) : deed(std::move(what)), key_hash(std::move(key)) {}

  Deed deed;
  Bytes key_hash;               // of the idempotency key, see idempotency_hash(); empty: none
  bool accept_clock = false;    // date and number by this machine's clock, though it is doubted
  bool key_is_content = false;  // the key was made of all that the operation says
  // What its record has to be at, revision_of(); empty: whatever it is at.
  std::string revision{};
  std::string account{};  // who asked for it, see ClosedBody; empty: nobody is known
};

// ---- carrying it out ----

// What was done all the same, but somebody should know.
enum class WarningCode : std::uint8_t {
  kNoVersionInForce,  // value: the procedure's code; it is published, but nothing was in force then
  kNoLimit,           // value: the procedure's code; its version says no limit, so no date is known
  kSucceeded,         // value: the code that replaces the procedure's
  kNoHolidayData,     // value: the year; counted by weekends alone
  kNotDecided,        // value: the year; counted from the law, some days off are not decided
  kLateApology,       // value: due_at's date; less than a working day before it (Đ.19(9))
  kDueOnDayOff,       // value: the date
  kCodeClaimed,       // value: a code that another dossier bears as well, and that dossier's
  kCodeFormUnknown,   // value: a code of no form that is known
};
const char* to_string(WarningCode code);
struct Warning {
  WarningCode code = WarningCode::kNoLimit;
  std::string value;
  bool operator==(const Warning&) const = default;
};

struct OperationResult {
  RecordId record;         // the one that was begun, else the one that it was done to
  UpdateId update;         // the last one written; of an offer taken back: the link before it
  std::string code;        // of that record
  bool repeated = false;   // the key was known, or that recall was asked for: nothing was written
  std::string revision{};  // of that record, from now on
  std::vector<Warning> warnings{};
};

// Of the detail of a kConflict: the record is at another revision than the operation names.
inline constexpr std::string_view kChangedSince = " has been changed since";

// Within a transaction, so that its caller decides what is committed together. On failure the
// caller must roll back to its savepoint: several updates may have been written before it. An
// operation whose key is known writes nothing and is answered as the first time, without warnings.
// Fails:
// - kNotFound: no such record, consultation or change set aside on this machine
// - kConflict: the code, number or version exists; several records bear the code; the key was used
//   for another operation, of any kind: both are named, of a dossier with what differs; the record
//   is at another revision (kChangedSince)
// - kNotAllowed: not our turn, or a rule of the office; says who holds it and what to do; or a
//   reception would be dated, or a number given, by a clock that is known to be wrong
// - kInvalidArgument: something is missing, or cannot be
// - kUnknownAgency: `to` is not in the registry
// - kMalformed, kTooLarge and others of decode_closed: the closed part of a change set aside
// - kCorrupt: what this machine stored is not what it wrote
// and as next_code, Transaction::write and withdraw.
Result<OperationResult> apply_operation(Transaction& transaction, const Operation& operation,
                                        const Calendar& calendar = built_in_calendar());

// BLAKE2b-128 of the key under the deployment's tag.
Bytes idempotency_hash(const RootFingerprint& root, std::string_view key);

}  // namespace lienthong::store
