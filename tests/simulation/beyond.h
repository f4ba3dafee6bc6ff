// A record as it is judged without what a revoked machine wrote beyond its cuts and nothing builds
// on: who had it before the cut keeps it, without effect, and others keep it aside.
#pragma once

#include "store/replica/replica.h"

namespace lienthong::sim {

Bytes state_without_beyond(const store::Replica& replica, const store::RecordEntry& entry);

}  // namespace lienthong::sim
