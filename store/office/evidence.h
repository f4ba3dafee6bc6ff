// One record's signed history gathered from the replica, with what proves it, for a file.
// docs/protocol/evidence.md. Only reads; any thread.
#pragma once

#include <set>

#include "protocol/evidence/evidence.h"
#include "store/replica/replica.h"

namespace lienthong::store {

// The closed parts that are shown with it, each under a salt of its own: of no other one anything
// can be told.
struct Disclosure {
  bool all = false;            // that are here
  std::set<UpdateId> updates;  // each has one, and it is here, or gathering fails
};

struct Gathered {
  Evidence evidence;
  // Changes of the record that are left out, for no seal covers them: they never left this machine.
  std::size_t unsealed = 0;
};

// As much of the registry goes with it as gives the record the state that it has here. Fails:
// kNotFound (no such record, no such change in it, a closed part that is not here), kBusy (none of
// its changes is sealed yet: Transaction::seal_pending()).
Result<Gathered> gather_evidence(const Replica& replica, const RecordId& record,
                                 const Disclosure& disclosed);

}  // namespace lienthong::store
