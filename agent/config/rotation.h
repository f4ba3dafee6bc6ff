// Other keys for a machine that stays where it is, while no agent runs on its folder: the key of
// conversations alone (X25519), or both. docs/operations.md, "Other keys". Blocking; any thread.
#pragma once

#include <filesystem>
#include <string_view>

#include "agent/engine/clock.h"
#include "protocol/crypto/keys.h"

namespace lienthong::agent {

struct RotationRequest {
  std::filesystem::path data_dir;
  std::string_view token;      // of the office above, for a machine of our agency
  bool exchange_only = false;  // the X25519 key alone: the machine stays the same
};
struct RotationOutcome {
  NodeId before, node;  // the same with exchange_only
};
// The database stays. With both keys the machine becomes another one: nothing that is only here may
// be left behind, and the office above revokes the machine before where the invitation says so. If
// it fails, the keys before are as they were; the same command goes on with the same new keys.
// Fails: kBusy (an agent is at work there), kInvalidArgument (the token is for another agency or
// root), kConflict (the office above does not have everything yet), and as enroll_with_token().
Result<RotationOutcome> rotate_keys(const RotationRequest& request, const WallClock& clock,
                                    Entropy& entropy);

}  // namespace lienthong::agent
