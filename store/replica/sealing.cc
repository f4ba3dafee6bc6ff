// Sealing: one signature over a batch of our updates when they first leave the machine.
#include <algorithm>

#include "protocol/base/limits.h"
#include "store/replica/transaction_impl.h"

namespace lienthong::store {

void Transaction::Impl::mint_incarnation() { ledger.own = OwnSeals{random_number(), 0, SealId{}}; }

Seal Transaction::Impl::next_seal(std::span<const Hash256> leaves) {
  if (ledger.own.incarnation == 0) mint_incarnation();
  const Identity& self = replica.identity;
  Seal seal = make_seal(registry().root_of(self.certificate), self.key, self.certificate,
                        ledger.own.incarnation, ledger.own.number + 1, ledger.own.last, leaves);
  ledger.own.number = seal.number;
  ledger.own.last = seal_id(registry(), seal);
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
    note_node_seal(seal, {seal.incarnation, seal.number, id, number, false});
  }
  const auto absorbed = evidence.absorb(registry().root_of(seal.certificate), leaves, proof);
  LT_CHECK(absorbed.ok());  // verified, or made, before
  overlay.put(key::evidence(number), std::string(as_text(evidence.encode())));
  return number;
}

void Transaction::Impl::note_node_seal(const Seal& seal, const NodeSeal& row) {
  const Certificate* certificate = registry().find_certificate(seal.certificate);
  LT_CHECK(certificate != nullptr);  // it was verified under it
  const std::string at = key::node_seal(certificate->node, row.incarnation, row.number, row.id);
  if (registry().is_cut(seal.certificate)) {
    const std::string prefix = at.substr(0, at.size() - 8);
    overlay.scan(prefix, prefix, [&](std::string_view, std::string_view) {
      used_twice.emplace(seal.certificate, std::pair(row.incarnation, row.number));
      return false;
    });
  }
  overlay.put(at, encode(row));
}

namespace {

// A seal must fit into one part of a feed, or the path of its leaves travels with each of them.
constexpr std::size_t kSealBytesMax = 160 * 1024;

// Where the batch that begins there ends.
std::size_t end_of_batch(const std::vector<Unsealed>& pending, std::size_t begin) {
  std::size_t end = begin, bytes = 0;
  while (end < pending.size() && end - begin < kSealUpdateCountMax &&
         pending[end].audience == pending[begin].audience) {
    bytes += pending[end].bytes;
    if (end > begin && bytes > kSealBytesMax) break;
    ++end;
  }
  return end;
}

}  // namespace

std::vector<Unsealed> Transaction::Impl::unsealed_for(const AgencyId& reader, std::size_t limit) {
  struct OfRecord {
    bool concerned = false;
    std::uint32_t audience = 0;
    std::vector<std::uint64_t> updates, places;
  };
  std::vector<Unsealed> out;
  std::map<std::vector<AgencyId>, std::uint32_t> audiences;
  std::unordered_map<std::uint32_t, OfRecord> records;
  flush();
  const auto meta = ledger.feeds.find(reader);
  const std::uint32_t feed_number = meta == ledger.feeds.end() ? 0 : meta->second.number;
  const auto look_at = [&](const OpenRecord& record, OfRecord& of) {
    const auto members = audience_of(record.state);
    of.concerned = std::ranges::binary_search(members, reader);
    if (!of.concerned) return;
    of.audience = audiences.try_emplace(members, audiences.size()).first->second;
    of.updates = record.row.updates;
    const auto fed = std::ranges::find(record.row.feeds, feed_number, &FedFeed::feed);
    if (fed != record.row.feeds.end()) of.places = fed->places;
  };
  // What was sealed before left a row that is gone, and takes its time to be passed over.
  bool lowest = true;
  const std::string from = key::unsealed(ledger.unsealed_from);
  overlay.scan("X", from, [&](std::string_view k, std::string_view value) {
    const std::uint64_t number = decode_number(k.substr(1));
    if (std::exchange(lowest, false)) ledger.unsealed_from = number;
    const UnsealedRow head = decode_unsealed_row(value);
    auto [of, added] = records.try_emplace(head.record);
    if (added) {
      const OpenRecord& record = *find(head.record);
      flush();  // it may be to be judged anew, and then has other readers
      look_at(record, of->second);
      flush();  // its lead as well
    }
    if (open.size() > kOpenRecordsMax) open.clear();  // all were flushed
    if (!of->second.concerned) return true;
    const auto nth = static_cast<std::size_t>(std::ranges::lower_bound(of->second.updates, number) -
                                              of->second.updates.begin());
    const auto& places = of->second.places;
    out.push_back({of->second.audience, head.record, nth < places.size() ? places[nth] : 0, number,
                   head.id, head.bytes});
    return out.size() < limit;
  });
  return out;
}

void Transaction::Impl::seal_batch(std::span<const Unsealed> batch) {
  std::vector<Hash256> leaves;
  std::vector<IndexedLeaf> indexed;
  for (const Unsealed& update : batch) {
    leaves.push_back(id_cast<Hash256>(update.id));
    indexed.push_back({static_cast<std::uint16_t>(leaves.size() - 1), leaves.back()});
  }
  const Seal seal = next_seal(leaves);
  const std::uint32_t number = store_seal(seal, ledger.own.last, indexed, {});
  const bool cut = registry().is_cut(replica.identity.certificate);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    overlay.put(key::update_seal(batch[i].number),
                encode(UpdateSeal{number, static_cast<std::uint16_t>(i)}));
    overlay.erase(key::unsealed(batch[i].number));
    if (cut) mark_stale(batch[i].record);  // judged so far as what has no seal
  }
  ledger.unsealed -= batch.size();
}

// A batch holds updates of one audience that follow each other in the feed that is to be sent, so a
// part of it bears whole batches. Inside, its leaves are ordered by record,
// parents first.
Result<std::size_t> Transaction::seal_pending(const AgencyId& reader, std::size_t limit) {
  if (impl_->ledger.unsealed == 0) {
    impl_->note_sealed(reader);
    return std::size_t{0};
  }
  std::vector<Unsealed> pending = impl_->unsealed_for(reader, limit);
  std::ranges::sort(pending, {},
                    [](const Unsealed& u) { return std::tuple(u.audience, u.place, u.number); });
  for (std::size_t begin = 0; begin < pending.size();) {
    const std::size_t end = end_of_batch(pending, begin);
    const std::span batch = std::span(pending).subspan(begin, end - begin);
    std::ranges::sort(batch, {}, [](const Unsealed& u) { return std::pair(u.record, u.number); });
    impl_->seal_batch(batch);
    begin = end;
  }
  if (pending.size() < limit) impl_->note_sealed(reader);
  return pending.size();
}

}  // namespace lienthong::store
