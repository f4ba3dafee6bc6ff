// Work between agencies as the API shows it: legs of a dossier, consultations, and the way home.
// Any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "protocol/record/registry.h"
#include "store/office/leg.h"
#include "store/replica/replica.h"

namespace lienthong::agent {

nlohmann::json leg_json(const store::Leg& leg, const Registry& registry, UnixMillis now);

// Where two wrote the next link of custody: the branches, which stands, who decided.
nlohmann::json forks_json(const RecordState& state, const store::Replica& replica,
                          const Registry& registry);

// Adds "legs" of a dossier, "lead" of a leg or copy, "forks", "consultations" and "to_return_to",
// each where there is any.
void put_work(nlohmann::json& out, const store::Replica& replica, const RecordState& state,
              UnixMillis now);

}  // namespace lienthong::agent
