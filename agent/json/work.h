// Work between agencies as the API shows it: legs of a dossier, consultations, and the way home.
// Any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "protocol/record/registry.h"
#include "store/office/leg.h"
#include "store/replica/replica.h"

namespace lienthong::agent {

// Legs here that name the dossier, in the order in which they came.
std::vector<store::Leg> legs_of(const store::Replica& replica, const RecordState& dossier);
nlohmann::json leg_json(const store::Leg& leg, const Registry& registry, UnixMillis now);

struct Consultation {
  UpdateId id;  // what a reply is about
  AgencyId from, to;
  UnixMillis asked_at = 0;
  UnixMillis deadline = 0;     // 0: none was set
  UnixMillis answered_at = 0;  // 0: open
};
// In the order of asking.
std::vector<Consultation> consultations_of(const store::Replica& replica, const RecordState& state);

// The desk that received a dossier whose work is over, while another agency holds it; nullopt: it
// is there, or still worked on. Legs have none: they go back to their dossier.
std::optional<AgencyId> to_return_to(const RecordState& state, const Registry& registry);

// Adds "legs" of a dossier, "lead" of a leg or copy, "consultations" and "to_return_to", each where
// there is any.
void put_work(nlohmann::json& out, const store::Replica& replica, const RecordState& state,
              UnixMillis now);

}  // namespace lienthong::agent
