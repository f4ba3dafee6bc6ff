// Sealing: one signature over a batch of our updates when they first leave the machine.
#include <algorithm>

#include "protocol/wire/limits.h"
#include "store/transaction_impl.h"

namespace lienthong::store {

void Transaction::Impl::mint_incarnation() { ledger.own = OwnSeals{random_number(), 0, SealId{}}; }

Seal Transaction::Impl::next_seal(std::span<const Hash256> leaves) {
  if (ledger.own.incarnation == 0) mint_incarnation();
  const Identity& self = replica.identity;
  Seal seal = make_seal(root(), self.key, self.certificate, ledger.own.incarnation,
                        ledger.own.number + 1, ledger.own.last, leaves);
  ledger.own.number = seal.number;
  ledger.own.last = seal_id(root(), seal);
  return seal;
}

std::uint32_t Transaction::Impl::store_seal(const Seal& seal, const SealId& id,
                                            std::span<const IndexedLeaf> leaves,
                                            std::span<const Hash256> proof) {
  std::uint32_t number = 0;
  SealEvidence evidence(seal);
  if (const auto known = seal_number(overlay, id)) {
    number = *known;
    if (auto before = read_evidence(overlay, number)) evidence = *std::move(before);
  } else {
    number = ++ledger.seals;
    overlay.put(key::seal_index(id), encode_number(number));
    overlay.put(key::seal(number), std::string(as_text(encode_seal(seal))));
  }
  const auto absorbed = evidence.absorb(root(), leaves, proof);
  LT_CHECK(absorbed.ok());  // verified, or made, before
  overlay.put(key::evidence(number), std::string(as_text(evidence.encode())));
  return number;
}

Result<std::size_t> Transaction::seal_pending(const AgencyId& reader) {
  Impl& tx = *impl_;
  if (tx.ledger.unsealed == 0) return std::size_t{0};
  tx.flush();
  struct Pending {
    std::vector<AgencyId> audience;
    std::uint32_t record;
    std::uint64_t number;
    UpdateId id;
  };
  std::vector<Pending> pending;
  std::map<std::uint32_t, std::vector<AgencyId>> audiences;
  tx.overlay.scan("X", "X", [&](std::string_view k, std::string_view) {
    const std::uint64_t number = decode_number(k.substr(1));
    const UpdateRow row = decode_update_row(tx.overlay.get(key::update(number)).value());
    auto [at, added] = audiences.try_emplace(row.record);
    if (added) at->second = audience(tx.find(row.record)->state, tx.registry());
    if (std::ranges::binary_search(at->second, reader))
      pending.push_back(Pending{at->second, row.record, number, row.id});
    return true;
  });
  // One batch holds updates of one audience, ordered by record.
  std::ranges::sort(pending, [](const Pending& a, const Pending& b) {
    return std::tie(a.audience, a.record, a.number) < std::tie(b.audience, b.record, b.number);
  });
  for (std::size_t begin = 0; begin < pending.size();) {
    std::size_t end = begin;
    std::vector<Hash256> leaves;
    std::vector<IndexedLeaf> indexed;
    while (end < pending.size() && leaves.size() < kSealUpdateCountMax &&
           pending[end].audience == pending[begin].audience) {
      leaves.push_back(id_cast<Hash256>(pending[end++].id));
      indexed.push_back({static_cast<std::uint16_t>(leaves.size() - 1), leaves.back()});
    }
    const Seal seal = tx.next_seal(leaves);
    const std::uint32_t number = tx.store_seal(seal, tx.ledger.own.last, indexed, {});
    for (std::size_t i = begin; i < end; ++i) {
      tx.overlay.put(key::update_seal(pending[i].number),
                     encode(UpdateSeal{number, static_cast<std::uint16_t>(i - begin)}));
      tx.overlay.erase(key::unsealed(pending[i].number));
    }
    begin = end;
  }
  tx.ledger.unsealed -= pending.size();
  return pending.size();
}

}  // namespace lienthong::store
