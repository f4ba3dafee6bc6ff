#include "protocol/record/fields.h"

#include <algorithm>
#include <array>

namespace lienthong {
namespace {

constexpr std::uint8_t kD = bit(RecordKind::kDossier);
constexpr std::uint8_t kL = bit(RecordKind::kLeg);
constexpr std::uint8_t kF = bit(RecordKind::kFeedback);
constexpr std::uint8_t kW = bit(RecordKind::kDocument);
constexpr std::uint8_t kP = bit(RecordKind::kProcedure);
constexpr std::uint8_t kCase = kD | kL;
constexpr std::uint8_t kAll = kCase | kF | kW | kP;

constexpr std::array kFields = {
    FieldInfo{Field::kCode, "code", FieldType::kText, Part::kOpen, kAll},
    FieldInfo{Field::kProcedure, "procedure", FieldType::kText, Part::kOpen, kCase | kP},
    FieldInfo{Field::kProcedureName, "procedure_name", FieldType::kText, Part::kOpen, kCase | kP},
    FieldInfo{Field::kFieldOfWork, "field", FieldType::kText, Part::kOpen, kAll},
    FieldInfo{Field::kChannel, "channel", FieldType::kChannel, Part::kOpen, kCase},
    FieldInfo{Field::kSubmittedAt, "submitted_at", FieldType::kInstant, Part::kOpen, kCase | kF},
    FieldInfo{Field::kReceivedAt, "received_at", FieldType::kInstant, Part::kOpen, kCase | kF | kW},
    FieldInfo{Field::kClockStartsAt, "clock_starts_at", FieldType::kInstant, Part::kOpen,
              kCase | kF},
    FieldInfo{Field::kDueAt, "due_at", FieldType::kInstant, Part::kOpen, kCase | kF | kW},
    FieldInfo{Field::kFinishedAt, "finished_at", FieldType::kInstant, Part::kOpen, kCase | kF | kW},
    FieldInfo{Field::kReturnedAt, "returned_at", FieldType::kInstant, Part::kOpen, kCase},
    FieldInfo{Field::kStatus, "status", FieldType::kStatus, Part::kOpen, kCase | kF},
    FieldInfo{Field::kIntakeAgency, "intake_agency", FieldType::kAgency, Part::kOpen, kCase | kF},
    FieldInfo{Field::kCompetentAgency, "competent_agency", FieldType::kAgency, Part::kOpen,
              kCase | kF},
    FieldInfo{Field::kUnit, "unit", FieldType::kText, Part::kOpen, kCase | kF | kW},
    FieldInfo{Field::kFees, "fees", FieldType::kFees, Part::kOpen, kCase},
    FieldInfo{Field::kComponentCount, "component_count", FieldType::kInteger, Part::kOpen, kCase},
    FieldInfo{Field::kDigitisedCount, "digitised_count", FieldType::kInteger, Part::kOpen, kCase},
    FieldInfo{Field::kProcedureVersion, "procedure_version", FieldType::kRecord, Part::kOpen,
              kCase},
    FieldInfo{Field::kStep, "step", FieldType::kInteger, Part::kOpen, kCase},
    FieldInfo{Field::kResultNumber, "result.number", FieldType::kText, Part::kOpen, kCase},
    FieldInfo{Field::kResultSignedAt, "result.signed_at", FieldType::kInstant, Part::kOpen, kCase},
    FieldInfo{Field::kResultKind, "result.kind", FieldType::kText, Part::kOpen, kCase},
    FieldInfo{Field::kResultDigitised, "result_digitised", FieldType::kInteger, Part::kOpen, kCase},
    FieldInfo{Field::kSurveyCount, "survey_count", FieldType::kInteger, Part::kOpen, kCase},
    FieldInfo{Field::kReappointedAt, "reappointed_at", FieldType::kInstant, Part::kOpen, kCase},
    FieldInfo{Field::kSupportAgency, "support_agency", FieldType::kAgency, Part::kOpen, kCase},
    FieldInfo{Field::kTopic, "topic", FieldType::kText, Part::kOpen, kF | kW},
    FieldInfo{Field::kAboutDossier, "about", FieldType::kText, Part::kOpen, kF | kW},
    FieldInfo{Field::kSource, "source", FieldType::kText, Part::kOpen, kF},
    FieldInfo{Field::kAnsweredAt, "answered_at", FieldType::kInstant, Part::kOpen, kF},
    FieldInfo{Field::kPublishedAt, "published_at", FieldType::kInstant, Part::kOpen, kF},
    FieldInfo{Field::kSatisfaction, "satisfaction", FieldType::kInteger, Part::kOpen, kF},
    FieldInfo{Field::kDirection, "direction", FieldType::kText, Part::kOpen, kW},
    FieldInfo{Field::kRegisterBook, "register", FieldType::kText, Part::kOpen, kW},
    FieldInfo{Field::kNumber, "number", FieldType::kInteger, Part::kOpen, kW},
    FieldInfo{Field::kNotation, "notation", FieldType::kText, Part::kOpen, kW},
    FieldInfo{Field::kSignedAt, "signed_at", FieldType::kInstant, Part::kOpen, kW},
    FieldInfo{Field::kOrganization, "organization", FieldType::kText, Part::kOpen, kW},
    FieldInfo{Field::kPriority, "priority", FieldType::kText, Part::kOpen, kW},
    FieldInfo{Field::kReceipt, "receipt", FieldType::kInteger, Part::kOpen, kW},
    FieldInfo{Field::kDefinition, "definition", FieldType::kJson, Part::kOpen, kP},
    FieldInfo{Field::kDecision, "decision", FieldType::kText, Part::kOpen, kP},
    FieldInfo{Field::kEffectiveFrom, "effective_from", FieldType::kInstant, Part::kOpen, kP},
    FieldInfo{Field::kEffectiveTo, "effective_to", FieldType::kInstant, Part::kOpen, kP},
    FieldInfo{Field::kSuccessor, "successor", FieldType::kText, Part::kOpen, kP},
    FieldInfo{Field::kCalendar, "calendar", FieldType::kText, Part::kOpen, kP},
    FieldInfo{Field::kApplicantName, "applicant.name", FieldType::kText, Part::kClosed, kCase | kF},
    FieldInfo{Field::kApplicantKind, "applicant.kind", FieldType::kText, Part::kClosed, kCase | kF},
    FieldInfo{Field::kApplicantIdNumber, "applicant.id_number", FieldType::kText, Part::kClosed,
              kCase | kF},
    FieldInfo{Field::kApplicantPhone, "applicant.phone", FieldType::kText, Part::kClosed,
              kCase | kF},
    FieldInfo{Field::kApplicantEmail, "applicant.email", FieldType::kText, Part::kClosed,
              kCase | kF},
    FieldInfo{Field::kApplicantAddress, "applicant.address", FieldType::kText, Part::kClosed,
              kCase | kF},
    FieldInfo{Field::kSummary, "summary", FieldType::kText, Part::kClosed, kCase | kW},
    FieldInfo{Field::kOfficer, "officer", FieldType::kText, Part::kClosed, kCase | kF | kW},
    FieldInfo{Field::kComponents, "components", FieldType::kComponents, Part::kClosed, kCase},
    FieldInfo{Field::kTitle, "title", FieldType::kText, Part::kClosed, kF | kW},
    FieldInfo{Field::kContent, "content", FieldType::kText, Part::kClosed, kF | kW},
    FieldInfo{Field::kAnswer, "answer", FieldType::kText, Part::kClosed, kF},
    FieldInfo{Field::kSigner, "signer", FieldType::kText, Part::kClosed, kW},
    FieldInfo{Field::kApplicantPostalCode, "applicant.postal_code", FieldType::kText, Part::kClosed,
              kCase | kF},
    FieldInfo{Field::kDuty, "duty", FieldType::kText, Part::kClosed, kL},
    FieldInfo{Field::kOutcome, "outcome", FieldType::kText, Part::kClosed, kL},
    FieldInfo{Field::kResultDigest, "result.digest", FieldType::kText, Part::kClosed, kCase},
    FieldInfo{Field::kSurvey, "survey", FieldType::kJson, Part::kClosed, kCase},
};

}  // namespace

std::span<const FieldInfo> all_fields() { return kFields; }

const FieldInfo* find_field(std::uint16_t number) {
  const auto at =
      std::ranges::lower_bound(kFields, static_cast<Field>(number), {}, &FieldInfo::field);
  return at != kFields.end() && at->field == static_cast<Field>(number) ? &*at : nullptr;
}

const FieldInfo* find_field_by_json(std::string_view json) {
  const auto at = std::ranges::find(kFields, json, &FieldInfo::json);
  return at != kFields.end() ? &*at : nullptr;
}

}  // namespace lienthong
