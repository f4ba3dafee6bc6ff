// The registers of records: their numbers on the wire (never change), names in JSON, types, and
// whether they lie in the open or the closed part of an update. One table, used by every layer.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "protocol/record/status.h"
#include "protocol/record/update.h"

namespace lienthong {

enum class FieldType : std::uint8_t {
  kText,
  kInstant,  // integer: milliseconds since 1970; RFC 3339 in JSON
  kInteger,
  kStatus,      // integer 1 to 10: see status.h
  kChannel,     // integer 1 counter, 2 online, 3 postal
  kAgency,      // data: AgencyId; the agency's code in JSON
  kComponents,  // data: canonical ComponentList
  kFees,        // data: canonical FeeList
  kRecord,      // data: RecordId; hexadecimal in JSON
  kJson,        // text: one compact JSON value, names in order, for lists that only offices read
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
  kProcedureVersion = 19,  // the record of the procedure that the dossier goes by
  kStep = 20,              // of that version's steps, from 1: where the work is now
  kResultNumber = 21,
  kResultSignedAt = 22,
  kResultKind = 23,       // code of the kind of result, as KQ.G15.000031
  kResultDigitised = 24,  // 1: there is a digitised result, see kResultDigest; for reports
  kSurveyCount = 25,      // answers in kSurvey; for reports
  kReappointedAt = 26,    // when the one apology was made; the new date is in kDueAt
  kSupportAgency = 28,    // that only helped to hand it in, where another one received it
  // feedback and documents
  kTopic = 32,
  kAboutDossier = 33,
  kSource = 34,
  kAnsweredAt = 35,
  kPublishedAt = 36,
  kSatisfaction = 37,
  kDirection = 38,
  kRegisterBook = 39,  // "register" in JSON: the book that numbers it
  kNumber = 40,
  kNotation = 41,
  kSignedAt = 42,
  kOrganization = 43,
  kPriority = 44,
  kReceipt = 45,
  // procedures
  kDefinition = 64,
  kDecision = 65,
  kEffectiveFrom = 66,
  kEffectiveTo = 67,
  kSuccessor = 68,
  kCalendar = 69,  // a table of days off, for everybody below; such a record is no procedure
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
  kTitle = 0x400a,
  kContent = 0x400b,
  kAnswer = 0x400c,
  kSigner = 0x400d,
  kApplicantPostalCode = 0x400e,
  kDuty = 0x400f,          // of a leg: what is asked
  kOutcome = 0x4010,       // of a leg: what was found or decided
  kResultDigest = 0x4011,  // of the digitised result
  kSurvey = 0x4012,        // answers of the citizen
};

// Kinds of records that have a field, as a set of bits.
constexpr std::uint8_t bit(RecordKind kind) {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(kind));
}

struct FieldInfo {
  Field field;
  std::string_view json;  // "applicant.name": nested under "applicant"
  FieldType type;
  Part part;
  std::uint8_t kinds;  // see bit()
};

std::span<const FieldInfo> all_fields();            // ascending by number
const FieldInfo* find_field(std::uint16_t number);  // null: unknown, kept all the same
const FieldInfo* find_field_by_json(std::string_view json);

}  // namespace lienthong
