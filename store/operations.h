// What an office does to a dossier, as one operation that is checked against the rules of the
// office (workflow, custody) and written as updates. docs/operations.md, "Operations file".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/replica.h"

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
};

struct Event {        // a line of the timeline
  UnixMillis at = 0;  // 0: now
  std::string officer, unit, action, note;
};

struct Operation {
  OperationKind kind = OperationKind::kNote;
  RecordKind record_kind = RecordKind::kDossier;  // create
  std::string code;                               // the dossier; empty on create: numbered here
  std::vector<FieldWrite> open;                   // create, set, adopt
  std::vector<FieldWrite> closed;
  std::optional<Event> event;     // set, event, note (the text is event->note)
  std::vector<Event> history;     // create: earlier timeline, oldest first
  AgencyId to;                    // offer, consult, share
  bool urgent = false;            // offer
  UnixMillis deadline = 0;        // consult
  std::optional<UpdateId> about;  // reply: the consult; adopt: the write set aside (none: all)
  Bytes key_hash;                 // of the idempotency key; empty: none
};

struct OperationResult {
  RecordId record;
  UpdateId update;  // the last one written
  std::string code;
  bool repeated = false;  // the key was known: nothing was written
};

// Within a transaction, so that its caller decides what is committed together. On failure the
// caller must roll back to its savepoint. Fails: kNotFound (code), kConflict (code exists, several
// records bear it), kNotAllowed (not our turn, transition; the detail says who holds it and what to
// do), kInvalidArgument, kTooLarge.
Result<OperationResult> apply_operation(Transaction& transaction, const Operation& operation);

// BLAKE2b-128 of the key under the deployment's tag.
Bytes idempotency_hash(const RootFingerprint& root, std::string_view key);

}  // namespace lienthong::store
