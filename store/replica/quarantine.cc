// What was refused, here of what others sent, and there of what we sent.
#include "protocol/base/limits.h"
#include "store/replica/transaction_impl.h"

namespace lienthong::store {

void Transaction::Impl::keep_refusal(RefusedEntry entry) {
  entry.number = ++ledger.refused;
  entry.at = now;
  overlay.put(key::refused(entry.number), encode(entry));
  if (++ledger.refused_kept > kRefusedCountMax) drop_oldest_refusal(entry.number);
}

// Their numbers have gaps: what was sent again is on the list no longer.
void Transaction::Impl::drop_oldest_refusal(std::uint64_t newest) {
  std::string oldest = key::refused(newest - kRefusedCountMax);
  replica.database->scan("Q", key::refused(refused_from),
                         [&](std::string_view k, std::string_view) {
                           if (!overlay.get(k)) return true;  // dropped in this commit
                           oldest = k;
                           return false;
                         });
  refused_from = decode_number(std::string_view(oldest).substr(1)) + 1;
  if (!overlay.get(oldest)) return;
  overlay.erase(oldest);
  --ledger.refused_kept;
}

void Transaction::Impl::refuse(const NodeId& from, const AgencyId& agency, const UpdateId& id,
                               std::string reason) {
  keep_refusal({0, id, from, agency, std::move(reason)});
}

void Transaction::note_refused(const NodeId& from, const AgencyId& agency, const UpdateId& id,
                               std::string reason) {
  impl_->refuse(from, agency, id, std::move(reason));
}

// A neighbour says what it likes, as often as it likes: only what it can have had from us is kept,
// and once.
bool Transaction::note_refused_by_peer(const NodeId& node, const AgencyId& agency,
                                       const UpdateId& id, std::string reason) {
  Impl& tx = *impl_;
  if (!update_number(tx.overlay, id)) return false;
  if (!tx.refused_there) {
    tx.refused_there.emplace();
    tx.replica.database->scan_back("Q", [&](std::string_view, std::string_view value) {
      if (const RefusedEntry entry = decode_refused_row(value); entry.by_peer)
        tx.refused_there->emplace(entry.id, entry.from);
      return true;
    });
  }
  if (!tx.refused_there->emplace(id, node).second) return false;
  tx.keep_refusal({0, id, node, agency, std::move(reason), 0, true});
  return true;
}

}  // namespace lienthong::store
