// What revoked machines sealed beyond the cuts of their revocation and what came here all the same:
// it is kept aside, within bounds and not passed on, until the cut is moved or something that
// counts builds on it. docs/protocol/custody.md. Threads: any.
#pragma once

#include <vector>

#include "store/replica/replica.h"

namespace lienthong::store {

struct LateWork {  // of one machine
  AgencyId agency;
  NodeId node;
  std::uint64_t updates = 0, statements = 0;
  UnixMillis since = 0;  // when the oldest of the updates came; 0: there is none
};
std::vector<LateWork> late_work(const Replica& replica);  // ascending by agency and node

}  // namespace lienthong::store
