// The pen: updates that cannot enter the graph yet. Nobody fills it for others: what neighbours
// bring counts for everybody to whom their certificates go back.
#include <algorithm>

#include "protocol/base/limits.h"
#include "store/replica/transaction_impl.h"

namespace lienthong::store {
namespace {

// Of the agency that stands there on an issuing line, 0: certified by the root.
std::size_t share_max(std::size_t depth) {
  return std::max(kPenShareCountMax >> std::min<std::size_t>(2 * depth, 32), kPenShareCountMin);
}

template <class Key>
void count(std::map<Key, std::uint32_t>& shares, const Key& key, int change) {
  const auto at = shares.try_emplace(key).first;
  at->second += static_cast<std::uint32_t>(change);
  if (at->second == 0) shares.erase(at);
}

}  // namespace

void count_pen_row(PenShares& shares, const PenRow& row, int change) {
  switch (row.why) {
    case PenReason::kMissing: return count(shares.waiting, row.entry.from, change);
    case PenReason::kUnverified: return count(shares.unverified, row.entry.from, change);
    case PenReason::kRevoked: return count(shares.held, row.unit.seal.certificate, change);
  }
}

// Those above us share the whole of it with us. While all is taken, whoever has next to nothing in
// it is still let in.
bool Transaction::Impl::pen_is_full(const NodeId& from) const {
  if (ledger.waiting < kPenShareCountMin) return false;
  const auto ours = registry().issuing_line(replica.identity.node);
  const auto line = registry().issuing_line(from);
  std::map<AgencyId, std::size_t> shares;
  std::size_t all = 0, own = 0;
  for (const auto& [node, waiting] : ledger.pen.waiting) {
    all += waiting;
    own += node == from ? waiting : 0;
    for (const AgencyId& agency : registry().issuing_line(node)) shares[agency] += waiting;
  }
  if (own >= share_max(std::max<std::size_t>(line.size(), 1) - 1)) return true;
  bool much = own >= kPenShareCountMin;
  for (std::size_t depth = 0; depth < line.size(); ++depth) {
    if (std::ranges::find(ours, line[depth]) != ours.end()) continue;
    if (shares[line[depth]] >= share_max(depth)) return true;
    much = much || shares[line[depth]] >= kPenShareCountMin;
  }
  return all >= kPenEntryCountMax && much;
}

void Transaction::Impl::put_into_pen(PenRow row, const SealedUnit& unit, const SealedLeaf& leaf) {
  if (overlay.get(key::pen(row.entry.id))) return;
  std::vector<IndexedLeaf> indexed;
  for (const SealedLeaf& other : unit.leaves)
    indexed.push_back({other.index, id_cast<Hash256>(update_id(registry(), other.update))});
  const RootFingerprint& root = registry().root_of(unit.seal.certificate);
  SealEvidence evidence(unit.seal);
  const auto absorbed = evidence.absorb(root, indexed, unit.proof);
  LT_CHECK(absorbed.ok());  // verified by the caller
  row.entry.since = now;
  row.unit.seal = unit.seal;
  row.unit.leaves.push_back(leaf);
  const std::uint16_t index = leaf.index;
  row.unit.proof = evidence.prove(root, std::span(&index, 1));
  overlay.put(key::pen(row.entry.id), encode(row));
  ++ledger.waiting;
  count_pen_row(ledger.pen, row, 1);
  if (row.missing.is_zero()) return;
  awaited().insert(row.missing);
  if (const auto other = overlay.get(key::pen(row.missing)))
    pen_released = pen_released || decode_pen_row(*other).why == PenReason::kRevoked;
}

void Transaction::Impl::take_from_pen(const PenRow& row) {
  overlay.erase(key::pen(row.entry.id));
  --ledger.waiting;
  count_pen_row(ledger.pen, row, -1);
}

void Transaction::Impl::wait(const SealedUnit& unit, const SealedLeaf& leaf, const UpdateId& id,
                             const UpdateId& missing, std::string reason, const NodeId& from,
                             PenReason why) {
  PenRow row;
  row.why = why;
  row.entry = WaitingEntry{id, from, std::move(reason)};
  row.missing = missing;
  put_into_pen(std::move(row), unit, leaf);
}

// What nobody can check yet is kept, but little of it.
void Transaction::Impl::keep_unverified(const SealedUnit& unit, const SealedLeaf& leaf,
                                        const UpdateId& id, const NodeId& from,
                                        ReceiveOutcome& outcome) {
  std::size_t all = 0;
  for (const auto& [node, waiting] : ledger.pen.unverified) all += waiting;
  const auto share = ledger.pen.unverified.find(from);
  const bool much = share != ledger.pen.unverified.end() && share->second >= kPenUnknownCountMax;
  if (much || all >= kPenEntryCountMax) {
    outcome.refused.push_back(
        {id, Errc::kUnknownCertificate, "the sealer's certificate is not here"});
    return;
  }
  wait(unit, leaf, id, UpdateId{}, "the sealer's certificate is not here", from,
       PenReason::kUnverified);
  ++outcome.waiting;
}

// What a revoked machine wrote beyond the cuts is kept aside, and not passed on, until the cut is
// moved or an update that does not come from such a machine builds on it. False: one does.
bool Transaction::Impl::hold_back(const SealedUnit& unit, std::span<const UpdateId> ids,
                                  std::span<const std::optional<std::uint64_t>> numbers,
                                  const NodeId& from, ReceiveOutcome& outcome) {
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (numbers[i] || awaited().contains(ids[i])) return false;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto share = ledger.pen.held.find(unit.seal.certificate);
    if (share != ledger.pen.held.end() && share->second >= kPenRevokedCountMax) {
      outcome.refused.push_back({ids[i], Errc::kRevoked, "its machine is revoked"});
      continue;
    }
    wait(unit, unit.leaves[i], ids[i], UpdateId{}, "its machine is revoked", from,
         PenReason::kRevoked);
    ++outcome.waiting;
  }
  return true;
}

// Parents that something in the pen misses.
std::set<UpdateId>& Transaction::Impl::awaited() {
  if (!pen_awaits) {
    pen_awaits.emplace();
    if (ledger.waiting > 0)
      overlay.scan("P", "P", [&](std::string_view, std::string_view value) {
        const PenRow row = decode_pen_row(value);
        if (!row.missing.is_zero()) pen_awaits->insert(row.missing);
        return true;
      });
  }
  return *pen_awaits;
}

// Tries what waits again, as long as something moves. The pen is nearly always empty.
void Transaction::Impl::wake() {
  for (bool progress = ledger.waiting > 0; progress;) {
    progress = false;
    pen_released = false;
    std::vector<PenRow> rows;
    overlay.scan("P", "P", [&](std::string_view, std::string_view value) {
      PenRow row = decode_pen_row(value);
      const bool ready = row.missing.is_zero()
                             ? pen_registry_changed || (row.why == PenReason::kRevoked &&
                                                        awaited().contains(row.entry.id))
                             : update_number(overlay, row.missing).has_value();
      if (ready) rows.push_back(std::move(row));
      return true;
    });
    pen_registry_changed = false;
    for (const PenRow& row : rows) {
      take_from_pen(row);
      ReceiveOutcome outcome;
      receive_waiting(row, outcome);
      progress = progress || outcome.added > 0;
      for (const Refusal& refused : outcome.refused)
        refuse(row.entry.from, AgencyId{}, refused.id,
               std::string(to_string(refused.code)) + ": " + refused.detail);
    }
    progress = progress || pen_released;
  }
}

void Transaction::Impl::receive_waiting(const PenRow& row, ReceiveOutcome& outcome) {
  const std::uint32_t source = node_number(row.entry.from);
  for (const VerifiedLeaf& leaf :
       verify_unit(row.unit, row.entry.from, Naming::kInFull, nullptr, outcome)) {
    const auto refused = receive_leaf(row.unit, leaf, row.entry.from, source, outcome);
    if (!refused) continue;
    if (refused->code == Errc::kUnknownParent)
      wait(row.unit, *leaf.leaf, leaf.id, missing_parent(leaf.leaf->update), "a parent is missing",
           row.entry.from);
    else
      outcome.refused.push_back(*refused);
  }
}

}  // namespace lienthong::store
