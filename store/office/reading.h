// Whether what closed parts say may be given out here. A superior's replica keeps them, for
// recovery and for passing them on; to read one is an act that is written into the record first:
// docs/operations.md, "Reading what is below". Reads one replica; any thread.
#pragma once

#include <map>
#include <string_view>

#include "store/office/dossier.h"

namespace lienthong::store {

// Our office takes part in it (or, of a leg, in its dossier), or acts for one that does and is
// dissolved, or it is everybody's (procedures).
bool takes_part(const Replica& replica, const RecordState& state);

// How long an inspection opens a record to the account that wrote it, by this machine's clock.
inline constexpr UnixMillis kInspectionMillis = 24LL * 3600 * 1000;

// By an inspection in force that this machine wrote at that account's word less than
// kInspectionMillis before `now`. Reads the newest updates of the record.
bool inspected(const Replica& replica, const RecordState& state, std::string_view account,
               UnixMillis now);

// Takes out what comes from closed parts.
void withhold(std::map<Field, FieldValue>& values);
void withhold(Dossier& dossier);
void withhold(TimelineEntry& entry);

}  // namespace lienthong::store
