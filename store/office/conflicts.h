// What machines that wrote apart have left for people to settle, and what waits for something that
// is not here. Reads one replica; any thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/record/fields.h"
#include "store/replica/replica.h"

namespace lienthong::store {

// A register with several writes, none of which saw the other; fields that we know only.
struct FieldConflict {
  const FieldInfo* info = nullptr;
  std::vector<UpdateId> writes;
};
// Open fields, then closed ones, ascending.
std::vector<FieldConflict> conflicts_of(const RecordState& state);

// One of the writes of a register.
struct WrittenValue {
  AgencyId by;
  UnixMillis at = 0;
  std::optional<FieldValue> value;  // none: its part is not here
};
std::optional<WrittenValue> written_by(const Replica& replica, const FieldInfo& info,
                                       const UpdateId& update);

// ---- waiting ----

struct WaitingGroup {
  std::size_t count = 0;
  UnixMillis since = 0;  // of the oldest
};
// Updates of a record that came and do not count yet, by what they wait for: an update that has not
// come; one that was refused here; a certificate, an agency or a tree version; the word of whoever
// revoked their machine.
struct WaitingUpdates {
  WaitingGroup on_missing, on_refused, on_registry, on_revoked;
};
WaitingUpdates waiting_of(const Replica& replica, const RecordId& record);

}  // namespace lienthong::store
