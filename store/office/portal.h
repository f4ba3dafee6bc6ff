// What the national portal is told beside the fields: moments in its form, and whether the office
// above has what is here. Its codes of the states are their numbers (protocol/record/status.h).
// Any thread.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/record/fields.h"
#include "store/replica/replica.h"

namespace lienthong::store {

// "yyyyMMddHHmmss" at the office.
std::string portal_time(UnixMillis time);

// Where the last changes of a record have got to, apart from the record's state.
enum class SyncState : std::uint8_t {
  kOnlyHere,      // never left this machine for the office above
  kNotConfirmed,  // for the office above, which has not said that it has it
  kAtParent,
  kNoParent,  // nobody is above us
};
std::string_view to_string(SyncState state);  // "only_here", …

// What the office above had confirmed when this was made; for many records at once.
class SyncView {
 public:
  explicit SyncView(const Replica& replica);
  SyncState of(const RecordState& state) const;

 private:
  const Replica& replica_;
  bool has_parent_ = false, has_feed_ = false;
  std::vector<IdPrefix> pending_;  // ascending: of updates that were not confirmed
};

}  // namespace lienthong::store
