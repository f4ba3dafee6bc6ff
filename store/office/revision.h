// Which state of a record somebody has seen, in a few letters, so that a change can be made only
// where it is still so. Pure; any thread.
#pragma once

#include <string>

#include "protocol/record/fold.h"

namespace lienthong::store {

// 32 hexadecimal digits; the same while no change of the record has come or been made. Of a record
// whose newest change is one, the start of its id.
std::string revision_of(const RecordState& state);

}  // namespace lienthong::store
