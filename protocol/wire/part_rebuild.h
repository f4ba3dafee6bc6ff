// From the columns of a part back to its units. Internal to protocol/wire. docs/protocol/parts.md,
// "Updates". No threads.
#pragma once

#include "protocol/wire/columns_part.h"
#include "protocol/wire/standing.h"

namespace lienthong::wire {

// `full`: nothing is named by what the reader holds. `standing`: null: records stand for the sender
// as they do here. Fails: as decode_part.
Result<PartBody> rebuild_part(const RootOf& root, ColumnReader& io, const Names* names,
                              const Standing* standing, bool full);

}  // namespace lienthong::wire
