// One machine in the place of another: certified and the other revoked in one commit, so that there
// is never a moment with two, nor with none. docs/operations.md, "Machines".
#pragma once

#include <string_view>

#include "store/trust/machines.h"

namespace lienthong::store {

// Whether a machine of that agency may be replaced by whoever uses the invitation; then it is noted
// beside it. `invite`: its number in hexadecimal. Fails: as plan_revocation(); kInvalidArgument (it
// is of another agency).
Result<void> note_replacement(Transaction& transaction, const Replica& replica,
                              std::string_view invite, const AgencyId& agency, const NodeId& old);
// The machine that is noted; nullopt: none is.
std::optional<NodeId> replaced_by(const Replica& replica, std::string_view invite);
// To be called in the commit that certifies the newcomer: revokes the other from the last seal that
// is known here. Nothing where none is noted, it is the newcomer itself, or it was done before.
// `replica`: as it was before the commit. Fails as Transaction::state().
Result<void> revoke_replaced(Transaction& transaction, const Replica& replica,
                             std::string_view invite, const NodeId& newcomer);

}  // namespace lienthong::store
