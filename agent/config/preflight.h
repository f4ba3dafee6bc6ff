// What would go wrong when a machine is set up, found before anything is written: all of it at
// once, each with its remedy. Blocking, but dials nobody; any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "agent/config/setup.h"

namespace lienthong::agent {

enum class ClockLook : std::uint8_t { kHeld, kTaken };  // against this program's date; as it is

// Asked under the account that will own the folder. `token`: as it was typed; empty: none is used.
// Empty: nothing is wrong. kMalformed, kBadVersion, kExpired (token), kConflict (folder), kBusy (an
// agent, a port), kNotAllowed (rights), kDiskFull, kIo (folder), kInvalidArgument (clock, address).
std::vector<Error> preflight(const SetupPlace& place, std::string_view token,
                             const WallClock& clock, ClockLook look = ClockLook::kHeld);

}  // namespace lienthong::agent
