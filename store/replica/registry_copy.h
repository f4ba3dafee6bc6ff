// The registry once more, in a file beside the database: with it and the identity files a database
// that is gone is begun anew, and one whose registry rotted is salvaged. docs/storage.md, "Damage".
// Any thread, one at a time.
#pragma once

#include <string>
#include <vector>

#include "protocol/record/registry.h"
#include "store/replica/replica.h"

namespace lienthong::store {

std::string registry_copy_path(const std::string& database_path);
// Written whole: temporary file, fsync, rename. kIo, kDiskFull.
Result<void> write_registry_copy(const Replica& replica, const std::string& database_path);
// Genesis first, in the order of acceptance. kNotFound; kCorrupt: not as it was written.
Result<std::vector<Statement>> read_registry_copy(const std::string& database_path);

}  // namespace lienthong::store
