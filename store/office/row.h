// One dossier as reports and lists read it: a compact row that is a pure function of the record's
// updates in force and of its state. docs/storage.md, "Office rows".
//
// A row is a head (what is so now) and moments (what was written, with the time at which it
// happened at the office), in the order of the record's timeline. To see the dossier as it was at a
// moment T, what happened after T is passed over and of the rest the last word counts. Of two
// concurrent writes to one field the later one of the timeline counts here.
//
// The time at the office is, of an update: what it says itself of the state that it brings
// (received_at, finished_at, returned_at), else the time of its timeline entry, else its clock
// (HLC). A first update that brings a past (received_at, finished_at) makes a moment for each.
// Pure; no threads, no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/record/fields.h"
#include "protocol/record/fold.h"

namespace lienthong::store {

enum class NameKind : std::uint8_t { kAgency = 1, kText = 2 };  // on disk: never change

// Gives names of agencies and texts local numbers from 1. Never 0, which stands for none.
class Interner {
 public:
  virtual ~Interner() = default;
  virtual std::uint32_t intern(NameKind kind, std::string_view bytes) = 0;
};

enum class Attr : std::uint8_t {  // on disk: never change
  kStatus = 0,
  kReceived = 1,  // instants as differences to the moment
  kDue = 2,
  kFinished = 3,
  kReturned = 4,
  kSubmitted = 5,
  kReappointed = 6,
  kChannel = 7,
  kFieldOfWork = 8,  // texts and agencies by local number
  kProcedure = 9,
  kIntake = 10,
  kCompetent = 11,
  kComponents = 12,
  kDigitised = 13,
  kResult = 14,  // 1: a digest of the digitised result is there
  kFees = 15,    // count · 4 + (1: something is to be paid) + (2: something was paid online)
  kSurvey = 16,  // 1: answered
  kHolder = 17,
  kOffered = 18,
};
inline constexpr unsigned kAttrCount = 19;
constexpr bool is_instant(unsigned attr) {
  return attr >= static_cast<unsigned>(Attr::kReceived) &&
         attr <= static_cast<unsigned>(Attr::kReappointed);
}
constexpr std::uint32_t bit(Attr attr) { return 1U << static_cast<unsigned>(attr); }

struct OfficeRow {
  // head
  std::string code;
  std::uint32_t holder = 0, offered = 0;
  std::vector<std::uint32_t> participants;  // in the order of their ids
  UnixMillis last_link = 0;                 // clock of the last custody link
  UnixMillis updated = 0;                   // newest clock of any update of the record
  // moments
  UnixMillis base = 0;  // of the first
  std::string moments;
  bool operator==(const OfficeRow&) const = default;
};
std::string encode(const OfficeRow& row);
// Throws std::runtime_error, as for all rows of ours that do not decode.
OfficeRow decode_office_row(std::string_view bytes);

// The same without copies, for scans. Views point into the row's bytes.
struct RowView {
  std::string_view code, participants, moments;
  std::uint32_t holder = 0, offered = 0;
  UnixMillis last_link = 0, updated = 0, base = 0;
};
RowView view_office_row(std::string_view bytes);
bool has_participant(const RowView& row, std::uint32_t agency);

// An update that counts in the record's timeline, later than those before it. `state`: after it.
void add_update(OfficeRow& row, const GraphUpdate& update, const RecordState& state,
                Interner& names);
// The head, from the state; `updated` is kept.
void set_head(OfficeRow& row, const RecordState& state, Interner& names);
// From scratch. `updates`: all of the record. The state has a chain.
OfficeRow build_row(const RecordState& state, std::span<const GraphUpdate> updates,
                    Interner& names);
// Whether the record has a row.
bool has_row(const RecordState& state);

// A dossier at a moment. Unknown: absent or 0.
struct Facts {
  std::optional<Status> status;
  bool received_ever = false;  // accepted at a desk; not: only registered, refused or withdrawn
                               // before that, nor refused straight from that (annulled)
  bool resolved = false;       // done, refused after reception or withdrawn; the first time counts
  bool withdrawn = false;      // it was resolved by withdrawal
  bool apology = false;        // a re-appointment was made
  std::optional<UnixMillis> received;            // reception, else the first state after it
  std::optional<UnixMillis> due;                 // in force at its end, else at the moment
  std::optional<UnixMillis> first_due;           // as first appointed
  std::optional<UnixMillis> last_due;            // as last written
  std::optional<UnixMillis> end;                 // of what is resolved
  std::optional<UnixMillis> finished, returned;  // registers, as last written
  std::uint32_t channel = 0, field = 0, procedure = 0, intake = 0, competent = 0;
  std::uint32_t components = 0, digitised = 0, fees = 0, holder = 0, supplements = 0;
  bool result = false, survey = false;

  bool paused() const {  // the clock stands: supplement, payment, stopped
    return !resolved && (status == Status::kSupplement || status == Status::kPayment ||
                         status == Status::kStopped);
  }
};
Facts facts_at(const RowView& row, UnixMillis as_of);
inline constexpr UnixMillis kEver = INT64_MAX;

}  // namespace lienthong::store
