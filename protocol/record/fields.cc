#include "protocol/record/fields.h"

#include <algorithm>
#include <array>

namespace lienthong {
namespace {

constexpr std::array kFields = {
    FieldInfo{Field::kCode, "code", FieldType::kText, Part::kOpen},
    FieldInfo{Field::kProcedure, "procedure", FieldType::kText, Part::kOpen},
    FieldInfo{Field::kProcedureName, "procedure_name", FieldType::kText, Part::kOpen},
    FieldInfo{Field::kFieldOfWork, "field", FieldType::kText, Part::kOpen},
    FieldInfo{Field::kChannel, "channel", FieldType::kChannel, Part::kOpen},
    FieldInfo{Field::kSubmittedAt, "submitted_at", FieldType::kInstant, Part::kOpen},
    FieldInfo{Field::kReceivedAt, "received_at", FieldType::kInstant, Part::kOpen},
    FieldInfo{Field::kClockStartsAt, "clock_starts_at", FieldType::kInstant, Part::kOpen},
    FieldInfo{Field::kDueAt, "due_at", FieldType::kInstant, Part::kOpen},
    FieldInfo{Field::kFinishedAt, "finished_at", FieldType::kInstant, Part::kOpen},
    FieldInfo{Field::kReturnedAt, "returned_at", FieldType::kInstant, Part::kOpen},
    FieldInfo{Field::kStatus, "status", FieldType::kStatus, Part::kOpen},
    FieldInfo{Field::kIntakeAgency, "intake_agency", FieldType::kAgency, Part::kOpen},
    FieldInfo{Field::kCompetentAgency, "competent_agency", FieldType::kAgency, Part::kOpen},
    FieldInfo{Field::kUnit, "unit", FieldType::kText, Part::kOpen},
    FieldInfo{Field::kFees, "fees", FieldType::kFees, Part::kOpen},
    FieldInfo{Field::kComponentCount, "component_count", FieldType::kInteger, Part::kOpen},
    FieldInfo{Field::kDigitisedCount, "digitised_count", FieldType::kInteger, Part::kOpen},
    FieldInfo{Field::kApplicantName, "applicant.name", FieldType::kText, Part::kClosed},
    FieldInfo{Field::kApplicantKind, "applicant.kind", FieldType::kText, Part::kClosed},
    FieldInfo{Field::kApplicantIdNumber, "applicant.id_number", FieldType::kText, Part::kClosed},
    FieldInfo{Field::kApplicantPhone, "applicant.phone", FieldType::kText, Part::kClosed},
    FieldInfo{Field::kApplicantEmail, "applicant.email", FieldType::kText, Part::kClosed},
    FieldInfo{Field::kApplicantAddress, "applicant.address", FieldType::kText, Part::kClosed},
    FieldInfo{Field::kSummary, "summary", FieldType::kText, Part::kClosed},
    FieldInfo{Field::kOfficer, "officer", FieldType::kText, Part::kClosed},
    FieldInfo{Field::kComponents, "components", FieldType::kComponents, Part::kClosed},
};

constexpr std::array<std::string_view, 11> kStatusNames = {
    "",        "registered", "accepted", "refused", "processing", "supplement",
    "payment", "withdrawn",  "stopped",  "done",    "returned"};

constexpr unsigned bit(Status status) { return 1U << static_cast<unsigned>(status); }

// Rows of domain "States and transitions": what may follow each state.
constexpr unsigned kNext[11] = {
    /* new        */ bit(Status::kRegistered) | bit(Status::kAccepted) | bit(Status::kRefused),
    /* registered */ bit(Status::kAccepted) | bit(Status::kRefused) | bit(Status::kWithdrawn),
    /* accepted   */ bit(Status::kProcessing) | bit(Status::kWithdrawn) | bit(Status::kDone),
    /* refused    */ 0,
    /* processing */ bit(Status::kSupplement) | bit(Status::kPayment) | bit(Status::kWithdrawn) |
        bit(Status::kStopped) | bit(Status::kDone) | bit(Status::kRefused),
    /* supplement */ bit(Status::kProcessing) | bit(Status::kStopped) | bit(Status::kRefused) |
        bit(Status::kWithdrawn),
    /* payment    */ bit(Status::kProcessing) | bit(Status::kWithdrawn),
    /* withdrawn  */ 0,
    /* stopped    */ bit(Status::kProcessing),
    /* done       */ bit(Status::kReturned) | bit(Status::kProcessing),
    /* returned   */ bit(Status::kProcessing),
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

std::string_view to_json(Status status) { return kStatusNames[static_cast<std::size_t>(status)]; }

std::optional<Status> status_from_json(std::string_view text) {
  for (std::size_t i = 1; i < kStatusNames.size(); ++i)
    if (kStatusNames[i] == text) return static_cast<Status>(i);
  return std::nullopt;
}

bool transition_allowed(std::optional<Status> from, Status to) {
  if (from == to) return true;
  return (kNext[from ? static_cast<std::size_t>(*from) : 0] & bit(to)) != 0;
}

}  // namespace lienthong
