// A record as it is judged without what a revoked machine wrote beyond its cuts and nothing builds
// on: who had it before the cut keeps it, without effect, and others keep it aside.
#pragma once

#include "store/replica/replica.h"

namespace lienthong::sim {

Bytes state_without_beyond(const store::Replica& replica, const store::RecordEntry& entry);

// Whether what made the record was sealed beyond what a revocation lets count: then nobody holds
// it, whatever others still have of it (docs/protocol/custody.md, "In force").
bool begins_beyond_a_cut(const RecordState& state);

}  // namespace lienthong::sim
