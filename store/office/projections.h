// What the office keeps beside the records (store/replica/projection.h): rows for reports, lists
// and searches, and marks of the few records among many that somebody looks for.
#pragma once

#include <memory>

#include "store/replica/projection.h"
#include "store/replica/replica.h"

namespace lienthong::store {

std::unique_ptr<Projection> office_projection();          // rows O, G, o, A (writer.h)
std::unique_ptr<Projection> marks_projection();           // rows m (marks.h)
std::unique_ptr<Projection> official_codes_projection();  // rows b; stands before the office's
std::unique_ptr<Projection> lists_projection();  // rows l, i (lists.h); stands behind the office's

// What a replica of this program is opened with; path, entropy and the rest are filled in by the
// caller.
Options office_options();

}  // namespace lienthong::store
