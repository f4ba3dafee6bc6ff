// The pen: updates that cannot enter the graph yet. Nobody fills it for others: what neighbours
// bring counts for everybody to whom their certificates go back.
#include <algorithm>

#include "protocol/base/limits.h"
#include "store/replica/transaction_impl.h"

namespace lienthong::store {
namespace {

constexpr UnixMillis kWaitMax = 30LL * 86'400'000, kSweepPause = 3'600'000;

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

// What a row in the pen can be woken by, first 16 bytes each: the update that it misses; or, by
// what its update and its seal name, a statement or a tree version. Of what lies beyond the cuts
// of its machine: the word of that machine's certificate.
enum class Awaits : char { kUpdate = 'u', kStatement = 's', kTree = 'v', kCut = 'c' };

std::string await_key(Awaits what, ByteView id) {  // on disk: never change
  return std::string("p").append(1, static_cast<char>(what)).append(as_text(id.first(16)));
}
std::string await_tree(TreeVersion version) {
  std::string out = std::string("p").append(1, static_cast<char>(Awaits::kTree));
  return out + encode_number(0) + encode_number(version);
}

std::vector<std::string> awaits(const PenRow& row) {
  const CertificateId& sealer = row.unit.seal.certificate;
  if (row.why == PenReason::kRevoked) return {await_key(Awaits::kCut, sealer.view())};
  if (row.why == PenReason::kUnverified) return {await_key(Awaits::kStatement, sealer.view())};
  if (!row.missing.is_zero()) return {await_key(Awaits::kUpdate, row.missing.view())};
  const Update& update = row.unit.leaves.front().update;
  std::vector<std::string> out = {await_key(Awaits::kStatement, update.envelope.certificate.view()),
                                  await_tree(update.envelope.tree_version)};
  const AgencyId target = decode_stored_open(update).target;
  if (!target.is_zero()) out.push_back(await_key(Awaits::kStatement, target.view()));
  return out;
}

std::string pen_name(const UpdateId& id) { return key::pen(id).substr(1); }

}  // namespace

void count_pen_row(PenShares& shares, const PenRow& row, int change) {
  switch (row.why) {
    case PenReason::kMissing: return count(shares.waiting, row.entry.from, change);
    case PenReason::kUnverified: return count(shares.unverified, row.entry.from, change);
    case PenReason::kRevoked: return count(shares.held, row.unit.seal.certificate, change);
  }
}

void load_pen(const Database& database, Ledger& ledger) {
  database.scan("P", "P", [&](std::string_view, std::string_view value) {
    count_pen_row(ledger.pen, decode_pen_row(value), 1);
    ledger.pen_indexed = false;
    return true;
  });
  database.scan("p", "p", [&](std::string_view, std::string_view) {
    ledger.pen_indexed = true;
    return false;
  });
  database.scan("wr", "wr",
                [&](std::string_view, std::string_view) { return ++ledger.pushes > 0; });
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

// Leaves of one unit follow each other: their hashes are computed once.
SealEvidence& Transaction::Impl::evidence_of(const SealedUnit& unit) {
  if (pen_unit == &unit) return *pen_evidence;
  std::vector<IndexedLeaf> indexed;
  const RootFingerprint& root = registry().root_of(unit.seal.certificate);
  for (const SealedLeaf& leaf : unit.leaves)
    indexed.push_back({leaf.index, id_cast<Hash256>(update_id(registry(), leaf.update))});
  pen_evidence.emplace(unit.seal);
  const auto absorbed = pen_evidence->absorb(root, indexed, unit.proof);
  LT_CHECK(absorbed.ok());  // verified by the caller
  pen_unit = &unit;
  return *pen_evidence;
}

void Transaction::Impl::put_into_pen(PenRow row, const SealedUnit& unit, const SealedLeaf& leaf) {
  row.entry.since = now;
  row.unit.seal = unit.seal;
  row.unit.leaves.push_back(leaf);
  const std::uint16_t index = leaf.index;
  row.unit.proof =
      evidence_of(unit).prove(registry().root_of(unit.seal.certificate), std::span(&index, 1));
  store_in_pen(row);
}

void Transaction::Impl::store_in_pen(const PenRow& row) {
  overlay.put(key::pen(row.entry.id), encode(row));
  for (const std::string& place : awaits(row)) overlay.put(place + pen_name(row.entry.id), "");
  ++ledger.waiting;
  count_pen_row(ledger.pen, row, 1);
  if (row.missing.is_zero()) return;
  if (const auto other = overlay.get(key::pen(row.missing)))  // held back: it is built upon
    if (decode_pen_row(*other).why == PenReason::kRevoked)
      pen_woken.push_back(key::pen(row.missing));
}

void Transaction::Impl::take_from_pen(const PenRow& row) {
  overlay.erase(key::pen(row.entry.id));
  for (const std::string& place : awaits(row)) overlay.erase(place + pen_name(row.entry.id));
  --ledger.waiting;
  count_pen_row(ledger.pen, row, -1);
}

void Transaction::Impl::wait(const SealedUnit& unit, const SealedLeaf& leaf, const UpdateId& id,
                             const UpdateId& missing, std::string reason, const NodeId& from,
                             PenReason why) {
  if (overlay.get(key::pen(id))) return;
  if (!waking && !pen_full) {
    pen_full = pen_is_full(from);
    if (*pen_full && drop_what_waited_long()) pen_full = pen_is_full(from);
  }
  if (!waking && *pen_full) return;  // the part is not taken
  PenRow row;
  row.why = why;
  row.entry = WaitingEntry{id, from, std::move(reason)};
  row.missing = missing;
  put_into_pen(std::move(row), unit, leaf);
}

// What is missing does not come any more: what has waited for it so long makes room for others. At
// most once in an hour. False: nothing did.
bool Transaction::Impl::drop_what_waited_long() {
  if (now - ledger.pen_swept_at < kSweepPause && now >= ledger.pen_swept_at) return false;
  ledger.pen_swept_at = now;
  std::vector<PenRow> rows;
  overlay.scan("P", "P", [&](std::string_view, std::string_view value) {
    PenRow row = decode_pen_row(value);
    if (now - row.entry.since > kWaitMax) rows.push_back(std::move(row));
    return true;
  });
  for (const PenRow& row : rows) {
    take_from_pen(row);
    refuse(row.entry.from, AgencyId{}, row.entry.id,
           "it waited for 30 days, and the room was needed: " + row.entry.reason);
  }
  return !rows.empty();
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
    if (numbers[i] || is_awaited(ids[i])) return false;
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

// Whether something in the pen misses it.
bool Transaction::Impl::is_awaited(const UpdateId& id) {
  if (ledger.waiting == 0) return false;
  index_pen();
  const std::string prefix = await_key(Awaits::kUpdate, id.view());
  bool found = false;
  overlay.scan(prefix, prefix, [&](std::string_view, std::string_view) {
    found = true;
    return false;
  });
  return found;
}

// Of a database that a program wrote which looked through all of the pen.
void Transaction::Impl::index_pen() {
  if (std::exchange(ledger.pen_indexed, true)) return;
  std::vector<PenRow> rows;
  overlay.scan("P", "P", [&](std::string_view, std::string_view value) {
    rows.push_back(decode_pen_row(value));
    return true;
  });
  for (const PenRow& row : rows)
    for (const std::string& place : awaits(row)) overlay.put(place + pen_name(row.entry.id), "");
}

// ---- what has come, and wakes what waits for it ----

void Transaction::Impl::came(const UpdateId& update) {
  if (ledger.waiting > 0) pen_came.push_back(await_key(Awaits::kUpdate, update.view()));
}
void Transaction::Impl::came(const StatementId& statement) {
  if (ledger.waiting > 0) pen_came.push_back(await_key(Awaits::kStatement, statement.view()));
}

void Transaction::Impl::wake_for_registry(const Registry& before) {
  if (ledger.waiting > 0) {
    for (TreeVersion v = before.newest(); v < registry().newest();)
      pen_came.push_back(await_tree(++v));
    const auto moved = registry().judged_otherwise(before);
    for (const auto& [certificate, rows] : ledger.pen.held)
      if (std::ranges::find(moved, registry().find_certificate(certificate)->node) != moved.end())
        pen_came.push_back(await_key(Awaits::kCut, certificate.view()));
  }
  wake();
}

// Each row is tried once for each thing that it waited for and that came.
void Transaction::Impl::wake() {
  if (ledger.waiting > 0) index_pen();
  waking = true;
  while (!pen_came.empty() || !pen_woken.empty()) {
    for (const std::string& prefix : std::exchange(pen_came, {}))
      overlay.scan(prefix, prefix, [&](std::string_view k, std::string_view) {
        pen_woken.push_back("P" + std::string(k.substr(prefix.size())));
        return true;
      });
    for (const std::string& place : std::exchange(pen_woken, {})) {
      const auto bytes = overlay.get(place);
      if (!bytes) continue;  // it was tried for something else
      const PenRow row = decode_pen_row(*bytes);
      take_from_pen(row);
      ReceiveOutcome outcome;
      receive_waiting(row, outcome);
      for (const Refusal& refused : outcome.refused)
        refuse(row.entry.from, AgencyId{}, refused.id,
               std::string(to_string(refused.code)) + ": " + refused.detail);
    }
  }
  waking = false;
}

void Transaction::Impl::receive_waiting(const PenRow& row, ReceiveOutcome& outcome) {
  pen_unit = nullptr;
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
