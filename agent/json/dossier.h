// A record as JSON: the whole dossier, and the short form of lists. docs/operations.md, "A dossier
// in JSON".
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "store/office/dossier.h"
#include "store/office/find.h"

namespace lienthong::agent {

nlohmann::json dossier_json(const store::Dossier& dossier, const Registry& registry);

// From the open part alone; `summary` is added where the caller has it.
nlohmann::json short_json(const RecordState& state, const Registry& registry, UnixMillis now,
                          store::Updated updated);

}  // namespace lienthong::agent
