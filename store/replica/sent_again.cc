// What neighbours have refused of ours, sent to them again: once the cause is mended on either side
// it is taken, otherwise it is refused and listed as before. What was sealed under a key that is
// not that of its certificate is sealed anew. docs/operations.md, "What neighbours refuse".
#include "store/replica/transaction_impl.h"

namespace lienthong::store {
namespace {

// Seals of one node whose signatures are not that node's.
class BadSeals {
 public:
  BadSeals(const Overlay& overlay, const Registry& registry, const RootFingerprint& root,
           const NodeId& node)
      : overlay_(overlay), registry_(registry), root_(root), node_(node) {}

  // One that is ours by its certificate, and not by its signature.
  bool is_bad(std::uint32_t number) {
    const auto [at, fresh] = known_.try_emplace(number, false);
    if (!fresh) return at->second;
    const auto seal = read_seal(overlay_, number);
    if (!seal || !ours(*seal)) return false;
    at->second = !verify_seal(root_, *seal, node_).ok();
    if (at->second) incarnations_.insert(seal->incarnation);
    return at->second;
  }
  const std::set<std::uint64_t>& incarnations() const { return incarnations_; }

 private:
  bool ours(const Seal& seal) const {
    const Certificate* certificate = registry_.find_certificate(seal.certificate);
    return certificate != nullptr && certificate->node == node_;
  }

  const Overlay& overlay_;
  const Registry& registry_;
  const RootFingerprint& root_;
  const NodeId node_;
  std::map<std::uint32_t, bool> known_;
  std::set<std::uint64_t> incarnations_;  // of those that are bad
};

}  // namespace

// In each feed in which it lies, or in that of one agency, once more behind all others.
void Transaction::Impl::feed_again(std::uint64_t number, const AgencyId* only) {
  const UpdateRow row = decode_update_row(overlay.get(key::update(number)).value());
  const OpenRecord& record = *find(row.record);
  const auto nth = static_cast<std::size_t>(std::ranges::lower_bound(record.row.updates, number) -
                                            record.row.updates.begin());
  FreshUpdate again = feedable(number);
  again.again = true;
  for (auto& [agency, meta] : ledger.feeds) {
    if (only != nullptr && agency != *only) continue;
    const auto fed = std::ranges::find(record.row.feeds, meta.number, &FedFeed::feed);
    if (fed != record.row.feeds.end() && nth < fed->places.size()) append(meta, number, again);
  }
}

// Its updates wait to be sealed, as if it had never been made.
std::size_t Transaction::Impl::break_seal(std::uint32_t number) {
  const auto evidence = read_evidence(overlay, number);
  if (!evidence) return 0;
  const Seal& seal = evidence->seal();
  std::size_t count = 0;
  for (std::uint16_t leaf = 0; leaf < seal.count; ++leaf) {
    const auto hash = evidence->leaf(leaf);
    const auto update = hash ? update_number(overlay, id_cast<UpdateId>(*hash)) : std::nullopt;
    const auto sealed = update ? overlay.get(key::update_seal(*update)) : std::nullopt;
    if (!sealed || decode_update_seal(*sealed).seal != number) continue;
    const std::string bytes = overlay.get(key::update(*update)).value();
    const UpdateHead head = decode_update_head(bytes);
    overlay.erase(key::update_seal(*update));
    overlay.put(key::unsealed(*update), encode(UnsealedRow{head.id, head.record, bytes.size()}));
    ++ledger.unsealed;
    ledger.unsealed_from = std::min(ledger.unsealed_from, *update);
    feed_again(*update, nullptr);
    ++count;
  }
  const SealId id = seal_id(root(), seal);
  const NodeId& node = registry().find_certificate(seal.certificate)->node;
  overlay.erase(key::seal_index(id));
  overlay.erase(key::node_seal(node, seal.incarnation, seal.number, id));
  overlay.erase(key::seal(number));
  overlay.erase(key::evidence(number));
  return count;
}

SentAgain Transaction::send_refused_again() {
  Impl& tx = *impl_;
  SentAgain out;
  tx.flush();
  std::vector<RefusedEntry> entries;
  tx.replica.database->scan("Q", "Q", [&](std::string_view, std::string_view value) {
    if (RefusedEntry entry = decode_refused_row(value); entry.by_peer)
      entries.push_back(std::move(entry));
    return true;
  });
  if (entries.empty()) return out;
  const NodeId ours = tx.replica.identity.node;
  BadSeals seals(tx.overlay, tx.registry(), tx.root(), ours);
  for (const RefusedEntry& entry : entries) {
    const auto number = update_number(tx.overlay, entry.id);
    const auto sealed = number ? tx.overlay.get(key::update_seal(*number)) : std::nullopt;
    if (!number) continue;
    const UpdateRow row = decode_update_row(tx.overlay.get(key::update(*number)).value());
    const Certificate* author = tx.registry().find_certificate(row.update.envelope.certificate);
    // Written under a certificate that is not this machine's: nobody will ever take it from here.
    if (row.source == 0 && (author == nullptr || author->node != ours)) continue;
    const bool bad = sealed && seals.is_bad(decode_update_seal(*sealed).seal);
    if (!bad) tx.feed_again(*number, &entry.from_agency);
    tx.overlay.erase(key::refused(entry.number));
    --tx.ledger.refused_kept;
    ++out.updates;
  }
  // The list has an end, and what was sealed so has not: all of that life of the machine.
  const auto incarnations = seals.incarnations();
  std::vector<std::uint32_t> bad;
  const std::string prefix = key::node_seals(ours);
  if (!incarnations.empty()) {
    tx.replica.database->scan(prefix, prefix, [&](std::string_view k, std::string_view value) {
      const NodeSeal row = decode_node_seal(k, value);
      if (!row.statement && incarnations.contains(row.incarnation) && seals.is_bad(row.row))
        bad.push_back(row.row);
      return true;
    });
  }
  for (const std::uint32_t number : bad) out.resealed += tx.break_seal(number);
  if (!bad.empty())
    for (auto& [agency, meta] : tx.ledger.feeds) meta.sealed.reset();
  tx.refused_there.reset();
  return out;
}

}  // namespace lienthong::store
