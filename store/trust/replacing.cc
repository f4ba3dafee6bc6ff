#include "store/trust/replacing.h"

#include "store/replica/local_names.h"

namespace lienthong::store {
namespace {

std::string key_of(std::string_view invite) {
  return std::string(local::kReplaces) + std::string(invite);
}

std::optional<NodeId> decode(const std::optional<Bytes>& value) {
  if (!value || value->size() != NodeId::kSize) return std::nullopt;
  return NodeId::from(*value);
}

RevocationRequest replaced(const NodeId& old) {
  RevocationRequest out;
  out.node = old;
  out.reason = "replaced by another machine";
  return out;
}

}  // namespace

Result<void> note_replacement(Transaction& transaction, const Replica& replica,
                              std::string_view invite, const AgencyId& agency, const NodeId& old) {
  LT_TRY(const RevocationPlan plan, plan_revocation(replica, replaced(old), transaction.now()));
  if (plan.agency != agency)
    return Error(Errc::kInvalidArgument,
                 "machine " + old.short_hex() + " is of another agency than the invitation");
  transaction.set_local_value(key_of(invite), to_bytes(old.view()));
  return {};
}

std::optional<NodeId> replaced_by(const Replica& replica, std::string_view invite) {
  return decode(replica.local_value(key_of(invite)));
}

Result<void> revoke_replaced(Transaction& transaction, const Replica& replica,
                             std::string_view invite, const NodeId& newcomer) {
  const auto old = decode(transaction.local_value(key_of(invite)));
  if (!old || *old == newcomer) return {};
  LT_TRY(const RevocationPlan plan, plan_revocation(replica, replaced(*old), transaction.now()));
  LT_TRY_VOID(carry_out(transaction, plan));
  transaction.set_local_value(key_of(invite), std::nullopt);
  return {};
}

}  // namespace lienthong::store
