// Scans out of a damaged database into a new one: every chunk that can be read and is what the
// file's name says; a file that lost one is partial, and the rest of it is asked for as usual.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "store/replica/replica.h"

namespace lienthong::store {

struct ScanRows {  // of the damaged one; what cannot be read is not there
  std::function<std::optional<std::string>(std::string_view key)> get;
  std::function<void(std::string_view prefix,
                     const std::function<void(std::string_view key, std::string_view value)>&)>
      scan;
};

// How many files lack a chunk that they had, for want of room as well. Before Blobs is opened on
// `to`. Not synced.
Result<std::uint64_t> salvage_scans(const ScanRows& from, const Replica& to);

}  // namespace lienthong::store
