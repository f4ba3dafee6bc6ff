// What would become of records if the registry said something more: read from one replica, with
// nothing written. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/replica/replica.h"

namespace lienthong::store {

// A record whose state would be another one.
struct Consequence {
  RecordId record;
  RecordKind kind = RecordKind::kDossier;
  std::string code;                      // empty: it bears none
  AgencyId holder_before, holder_after;  // zero: nobody's, its creation does not count
  AgencyId offered_before, offered_after;
  std::vector<LinkEntry> links_fallen;  // of the chain of custody as it stands
  std::vector<LinkEntry> links_risen;
  std::size_t updates_fallen = 0;  // links included
  std::size_t updates_risen = 0;

  bool begins() const { return holder_before.is_zero() && !holder_after.is_zero(); }
  bool ends() const { return !holder_before.is_zero() && holder_after.is_zero(); }
};

// The registry with what this machine would say, as if it had said it. Fails: kNotAllowed (it would
// have no effect, since this machine has no word there), and as Registry::check().
Result<std::shared_ptr<const Registry>> registry_after(const Replica& replica,
                                                       const std::vector<StatementBody>& said);

// In the order of local record numbers; stops when `visit` returns false. Reads the records with
// something of machines that `after` judges otherwise, and no others. Fails: kCorrupt.
Result<void> for_each_consequence(const Replica& replica,
                                  const std::shared_ptr<const Registry>& after,
                                  const std::function<bool(const Consequence&)>& visit);

}  // namespace lienthong::store
