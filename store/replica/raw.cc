#include "store/replica/raw.h"

#include <utility>

#include "protocol/record/registry.h"
#include "store/replica/replica_impl.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kBeginBytesMax = 4U << 20;  // of statements in one write

}  // namespace

Database& RawReplica::database() const { return *impl_.database; }
std::shared_ptr<const Ledger> RawReplica::ledger() const { return impl_.ledger(); }
const RootFingerprint& RawReplica::root() const { return impl_.root; }

std::vector<const Projection*> RawReplica::projections() const {
  std::vector<const Projection*> out;
  for (const auto& projection : impl_.projections) out.push_back(projection.get());
  return out;
}

Result<void> RawReplica::begin(Replica& replica, const std::shared_ptr<const Registry>& registry) {
  Replica::Impl& impl = *replica.impl_;
  auto ledger = std::make_shared<Ledger>(*impl.ledger());
  if (ledger->registry) return Error(Errc::kConflict, "the replica has a registry already");
  ledger->registry = registry;
  Changes changes;
  std::size_t bytes = 0;
  for (const StatementId& id : registry->statements()) {
    const Statement& statement = *registry->find_statement(id);
    ledger->statement_hash = next_feed_hash(impl.root, ledger->statement_hash, id.view());
    changes.rows[key::statement(++ledger->statements)] =
        encode(StatementRow{0, ledger->statement_hash, statement});
    bytes += statement.body.size();
    if (const auto* seal = std::get_if<Seal>(&statement.authority)) {
      const NodeSeal row{seal->incarnation, seal->number, seal_id(*registry, *seal), 0, true};
      const NodeId& node = registry->find_certificate(seal->certificate)->node;
      changes.ordered[key::node_seal(node, row.incarnation, row.number, row.id)] = encode(row);
    }
    if (bytes < kBeginBytesMax) continue;
    LT_TRY_VOID(impl.database->write(std::exchange(changes, {})));
    bytes = 0;
  }
  changes.rows[key::meta("counters")] = encode_counters(*ledger);
  LT_TRY_VOID(impl.database->write(changes));
  const std::lock_guard lock(impl.mutex);
  impl.published = std::move(ledger);
  return {};
}

}  // namespace lienthong::store
