// The registers of records: their numbers on the wire (never change), names in JSON, types, and
// whether they lie in the open or the closed part of an update. One table, used by every layer.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace lienthong {

enum class FieldType : std::uint8_t {
  kText,
  kInstant,  // integer: milliseconds since 1970; RFC 3339 in JSON
  kInteger,
  kStatus,      // integer 1 to 10: the portal's states in its order
  kChannel,     // integer 1 counter, 2 online, 3 postal
  kAgency,      // data: AgencyId; the agency's code in JSON
  kComponents,  // data: canonical ComponentList
  kFees,        // data: canonical FeeList
};

enum class Part : std::uint8_t { kOpen, kClosed };

enum class Field : std::uint16_t {  // on the wire and on disk: never change
  kCode = 1,
  kProcedure = 2,
  kProcedureName = 3,
  kFieldOfWork = 4,  // "field" in JSON: lĩnh vực
  kChannel = 5,
  kSubmittedAt = 6,
  kReceivedAt = 7,
  kClockStartsAt = 8,
  kDueAt = 9,
  kFinishedAt = 10,
  kReturnedAt = 11,
  kStatus = 12,
  kIntakeAgency = 13,
  kCompetentAgency = 14,
  kUnit = 15,
  kFees = 16,
  kComponentCount = 17,  // of the closed list, for reports
  kDigitisedCount = 18,
  // closed
  kApplicantName = 0x4001,
  kApplicantKind = 0x4002,
  kApplicantIdNumber = 0x4003,
  kApplicantPhone = 0x4004,
  kApplicantEmail = 0x4005,
  kApplicantAddress = 0x4006,
  kSummary = 0x4007,
  kOfficer = 0x4008,
  kComponents = 0x4009,
};

struct FieldInfo {
  Field field;
  std::string_view json;  // "applicant.name": nested under "applicant"
  FieldType type;
  Part part;
};

std::span<const FieldInfo> all_fields();            // ascending by number
const FieldInfo* find_field(std::uint16_t number);  // null: unknown, kept all the same
const FieldInfo* find_field_by_json(std::string_view json);

enum class Status : std::uint8_t {  // the national portal's codes (domain: NĐ 61/2018, DVCQG 1–10)
  kRegistered = 1,
  kAccepted = 2,
  kRefused = 3,
  kProcessing = 4,
  kSupplement = 5,
  kPayment = 6,
  kWithdrawn = 7,
  kStopped = 8,
  kDone = 9,
  kReturned = 10,
};
std::string_view to_json(Status status);
std::optional<Status> status_from_json(std::string_view text);
// Whether the office may move a dossier from one state to the other; `nullopt` stands for "new".
// Checked where a change is written, only flagged elsewhere.
bool transition_allowed(std::optional<Status> from, Status to);

}  // namespace lienthong
