// A dossier under the names that the national portal's interface has (DongBoHoSoMC, as systems in
// use send it). Only what is known is there; custody never changes the state, and how far the
// change has travelled stands apart in `sync_state`. docs/operations.md, "In and out".
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "store/forms/form_values.h"
#include "store/office/portal.h"

namespace lienthong::agent {

nlohmann::json portal_json(const store::FormSource& source, const Registry& registry,
                           store::SyncState sync);

}  // namespace lienthong::agent
