// Updates out of a database of this machine that was damaged, entered into a new one.
#include <algorithm>

#include "protocol/record/codec.h"
#include "store/replica/transaction_impl.h"

namespace lienthong::store {
namespace {

constexpr std::uint64_t kCameBackToo = std::uint64_t{1} << 63;  // in `restored_below`

}  // namespace

// One of ours that was never sealed, as it was; false: a parent is not here.
bool Transaction::Impl::take_back_unsealed(const UpdateId& id, const Update& sent) {
  const bool first = sent.envelope.record.is_zero();
  if (!first && !check_parents(sent).ok()) return false;
  NewUpdate update;
  update.id = id;
  update.update = sent;
  auto body = check_form(sent);
  if (!body.ok() || sent.envelope.tree_version > registry().newest()) return false;
  update.body = *std::move(body);
  if (!closed_part_fits(update, std::nullopt)) return false;
  enter(std::move(update));
  return true;
}

ReceiveOutcome Transaction::take_back(const Salvaged& salvaged) {
  Impl& tx = *impl_;
  ReceiveOutcome outcome;
  const UpdateId id = update_id(tx.root(), salvaged.update);
  tx.came_first = 1;  // recovery tells nothing of what came before what
  SealedUnit unit;
  unit.leaves.push_back({salvaged.index, salvaged.update});
  const auto* author = tx.registry().find_certificate(salvaged.update.envelope.certificate);
  const bool written_here = author != nullptr && author->node == tx.replica.identity.node;
  if (!salvaged.seal && !written_here) {
    outcome.refused.push_back({id, Errc::kBadSignature, "what proves it is not here"});
    return outcome;
  }
  if (salvaged.seal) {
    unit.seal = *salvaged.seal;
    unit.proof = salvaged.proof;
  } else if (update_number(tx.overlay, id)) {
    ++outcome.duplicates;
    return outcome;
  } else if (tx.take_back_unsealed(id, salvaged.update)) {
    ++outcome.added;
    return outcome;
  } else {  // it waits, and what waits is sealed
    const Hash256 leaf = id_cast<Hash256>(id);
    unit.leaves[0].index = 0;
    unit.seal = tx.next_seal(std::span(&leaf, 1));
  }
  const bool ours = salvaged.from.is_zero();
  const NodeId from = ours ? tx.replica.identity.node : salvaged.from;
  tx.receive_units({unit}, from, ours ? 0 : tx.node_number(from), Impl::Naming::kInFull, {},
                   outcome);
  tx.recalls.clear();  // what was asked for then was answered then
  return outcome;
}

void Transaction::end_taking_back(Lost lost) {
  const std::uint64_t below = std::max<std::uint64_t>(impl_->ledger.updates, 1);
  impl_->ledger.restored_below = lost == Lost::kYes ? below | kCameBackToo : 0;
}

// Of an older copy what it held; of what was salvaged also what comes back: what we did to it last
// may come after it.
bool Transaction::Impl::custody_rests(const OpenRecord& record) const {
  if (ledger.restored_below == 0) return false;
  const std::uint64_t first = record.row.updates.front();
  if (first <= (ledger.restored_below & ~kCameBackToo)) return true;
  if ((ledger.restored_below & kCameBackToo) == 0) return false;
  const auto row = overlay.get(key::update(first));
  return row && decode_update_head(*row).source != 0;
}

}  // namespace lienthong::store
