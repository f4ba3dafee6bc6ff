// A second opinion on the custody of one record: the model of tests/support/custody_model.h over
// the updates that a replica holds, beside what the replica says.
#pragma once

#include <string>

#include "store/replica/replica.h"

namespace lienthong::sim {

// Where the two differ, in words; empty: nowhere, or the model does not reach so far (agencies that
// are too many for it, another tree than the first, revocations, more updates than it takes).
std::string second_opinion(const store::Replica& replica, const store::RecordEntry& entry);

}  // namespace lienthong::sim
