// Versions of procedures, as one who writes needs them. Private to store/desk.
#pragma once

#include <string_view>
#include <vector>

#include "store/office/procedure.h"
#include "store/replica/replica.h"

namespace lienthong::store {

// All that are here under that code, or, where none is, under the code that it localises
// (base_code()); whoever published them.
std::vector<Procedure> versions_of(const Transaction& transaction, std::string_view code);

}  // namespace lienthong::store
