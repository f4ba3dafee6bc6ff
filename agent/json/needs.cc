#include "agent/json/needs.h"

#include <algorithm>

namespace lienthong::agent {
namespace {

bool says(const std::vector<FieldWrite>& writes, std::initializer_list<Field> fields) {
  return std::ranges::any_of(writes, [&](const FieldWrite& write) {
    return std::ranges::find(fields, static_cast<Field>(write.field)) != fields.end() &&
           !std::holds_alternative<std::monostate>(write.value);
  });
}

}  // namespace

Result<void> check_needs(const store::Operation& operation, const Needs& needs) {
  const auto* dossier = std::get_if<store::CreateDossier>(&operation.deed);
  if (dossier == nullptr) return {};
  const bool who = says(dossier->closed, {Field::kApplicantName, Field::kApplicantIdNumber,
                                          Field::kApplicantPhone, Field::kApplicantEmail});
  const bool what = says(dossier->open, {Field::kProcedure, Field::kProcedureName}) ||
                    says(dossier->closed, {Field::kSummary, Field::kComponents});
  // Other systems send dossiers on by their field of work alone; that is not enough for an office
  // that asks for more.
  if (!who && !what && !says(dossier->open, {Field::kFieldOfWork}))
    return Error(Errc::kInvalidArgument,
                 "nothing is said of who applies and for what, so no number is given: name at "
                 "least applicant.name, procedure or summary");
  if (needs.who && !who)
    return Error(Errc::kInvalidArgument,
                 "nothing is said of who applies, so no number is given: name applicant.name or "
                 "applicant.id_number ([office] needs)");
  if (needs.what && !what)
    return Error(Errc::kInvalidArgument,
                 "nothing is said of what is applied for, so no number is given: name procedure, "
                 "procedure_name or summary ([office] needs)");
  return {};
}

}  // namespace lienthong::agent
