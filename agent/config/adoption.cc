#include "agent/config/adoption.h"

#include "protocol/base/text_fields.h"
#include "protocol/crypto/secret_file.h"

namespace lienthong::agent {
namespace {

std::string text_of(const AdoptionFile& file) {
  return std::string(as_text(encode_adoption_file(file)));
}

Result<void> describe(AdoptionPlan& plan, const Registry& adopter, const Registry& adopted) {
  for (const AgencyInfo* agency : adopted.agencies()) {
    ++plan.agencies;
    if (adopted.parent(agency->id, adopted.newest())) continue;
    plan.topmost += (plan.topmost.empty() ? "" : ", ") + agency->code + " " + agency->name;
  }
  const AgencyInfo* place = adopter.find_agency(plan.adoption.place);
  if (place == nullptr)
    return Error(Errc::kUnknownAgency, "the place is not in the adopter's tree");
  plan.place_code = place->code;
  plan.place_name = place->name;
  return {};
}

}  // namespace

Result<AdoptionPlan> plan_adoption(std::string_view theirs, std::string_view own,
                                   std::string_view under, std::string note, UnixMillis now) {
  AdoptionPlan plan;
  LT_TRY(plan.theirs, decode_adoption_file(as_bytes(theirs)));
  LT_TRY(plan.own, decode_adoption_file(as_bytes(own)));
  LT_TRY(const auto here, registry_in(plan.own));
  LT_TRY(const auto there, registry_in(plan.theirs));
  if (plan.theirs.root == plan.own.root)
    return Error(Errc::kConflict, "both files are of one root");
  if (!plan.theirs.adoption) {
    if (under.empty())
      return Error(Errc::kInvalidArgument, "name the agency below which they are to come");
    LT_TRY(const AgencyInfo* place, here->agency_named(under));
    plan.adoption = propose_adoption(*here, *there, place->id, now, std::move(note));
    LT_TRY_VOID(describe(plan, *here, *there));
    return plan;
  }
  const Adoption& signed_one = *plan.theirs.adoption;
  if (!plan.theirs.adopter) return Error(Errc::kNotAllowed, "the adopter has not signed");
  plan.adoption = signed_one;
  if (plan.theirs.adopted) {
    plan.step = AdoptionStep::kTakeIn;
    LT_TRY_VOID(describe(plan, *here, *there));
    return plan;
  }
  plan.step = AdoptionStep::kCountersign;
  if (signed_one !=
      propose_adoption(*there, *here, signed_one.place, signed_one.decided_at, signed_one.note))
    return Error(Errc::kConflict,
                 "a registry has changed since the adoption was signed; offer it anew");
  LT_TRY_VOID(describe(plan, *there, *here));
  return plan;
}

Result<std::string> sign_as_adopter(const AdoptionPlan& plan, std::string_view root_key,
                                    std::string_view passphrase) {
  LT_TRY(const Seed seed, open_secret(root_key, passphrase));
  AdoptionFile out = plan.own;
  out.adoption = plan.adoption;
  out.adopter = sign_adoption(plan.adoption.adopter, SigningKey(seed), plan.adoption);
  return text_of(out);
}

Result<std::string> sign_as_adopted(AdoptionPlan& plan, std::string_view root_paper) {
  LT_TRY(const TextFields fields, TextFields::parse(root_paper, "root-paper"));
  LT_TRY(const Seed seed, fields.bytes<32>("seed"));
  plan.theirs.adopted = sign_adoption(plan.adoption.adopted, SigningKey(seed), plan.adoption);
  AdoptionFile out = plan.own;
  out.adoption = plan.adoption;
  out.adopter = plan.theirs.adopter;
  out.adopted = plan.theirs.adopted;
  return text_of(out);
}

std::vector<std::string> pieces_for_agent(const AdoptionPlan& plan, std::size_t bytes) {
  std::vector<std::string> out;
  AdoptionFile piece = plan.theirs;
  const auto& all = plan.theirs.statements;
  for (std::size_t at = 0; at < all.size();) {
    piece.statements.clear();
    for (std::size_t size = 0; at < all.size() && size < bytes; ++at) {
      size += all[at].body.size();
      piece.statements.push_back(all[at]);
    }
    out.push_back(text_of(piece));
  }
  return out;
}

}  // namespace lienthong::agent
