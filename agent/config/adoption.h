// The steps by which one root adopts another's agencies, each at whoever keeps the root key in
// question. Pure but for the key files' text; the agent never sees a root key.
// docs/protocol/registry.md, "Several roots".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/record/adoption.h"

namespace lienthong::agent {

enum class AdoptionStep : std::uint8_t {
  kSign,         // at the adopter: the other side has offered its registry
  kCountersign,  // at the adopted root: the adopter has signed
  kTakeIn,       // at the adopter: both have signed
};

// What the next step would do, computed from the two registries and not from what a file says.
struct AdoptionPlan {
  AdoptionStep step = AdoptionStep::kSign;
  AdoptionFile theirs, own;
  Adoption adoption;
  std::string topmost;       // codes and names of the agencies that come below
  std::size_t agencies = 0;  // with all below them
  std::string place_code, place_name;
};

// `theirs`: the file that came; `own`: the registry here, as GET /v1/registry gives it. `under` and
// `note` are the adopter's, for its first step.
// Fails: as decode_adoption_file() and registry_in(); kInvalidArgument (no place named), kConflict
// (both are of one root; a registry has changed since the adoption was signed), kNotAllowed (the
// adopter has not signed).
Result<AdoptionPlan> plan_adoption(std::string_view theirs, std::string_view own,
                                   std::string_view under, std::string note, UnixMillis now);

// The file to be carried on. Fails: as open_secret(), and kMalformed.
Result<std::string> sign_as_adopter(const AdoptionPlan& plan, std::string_view root_key,
                                    std::string_view passphrase);
Result<std::string> sign_as_adopted(AdoptionPlan& plan, std::string_view root_paper);
// What the agent here is to take in, in pieces of about that many bytes, once both have signed.
std::vector<std::string> pieces_for_agent(const AdoptionPlan& plan, std::size_t bytes);

}  // namespace lienthong::agent
