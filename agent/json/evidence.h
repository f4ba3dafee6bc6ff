// What evidence proves, as JSON: of a file on the command line, of a record here for the API.
// docs/protocol/evidence.md has each member; another verifier gives the same. Any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "protocol/evidence/evidence.h"

namespace lienthong::agent {

nlohmann::json evidence_json(const ProvedRecord& proved);
// By the full rules, which what is not plain needs: holder, open offer and the chain, with forks
// and who was cut off.
nlohmann::json full_rules_json(const ProvedRecord& proved);

}  // namespace lienthong::agent
