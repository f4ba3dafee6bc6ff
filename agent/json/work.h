// Work between agencies as the API shows it: legs of a dossier, consultations, and the way home.
// Any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "protocol/record/registry.h"
#include "store/office/leg.h"
#include "store/replica/replica.h"

namespace lienthong::agent {

nlohmann::json leg_json(const store::Leg& leg, const Registry& registry, UnixMillis now);

// Adds "legs" of a dossier, "lead" of a leg or copy, "consultations" and "to_return_to", each where
// there is any.
void put_work(nlohmann::json& out, const store::Replica& replica, const RecordState& state,
              UnixMillis now);

}  // namespace lienthong::agent
