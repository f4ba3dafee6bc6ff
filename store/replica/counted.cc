// What of a feed healing counts, so that two neighbours that lack nothing of each other count the
// same. Usually each entry, once. What a neighbour delivered counts with him though the record is
// not, or no longer, for his agency: he has it. What a revoked machine wrote beyond its cuts counts
// nowhere as long as nothing else builds on it: whoever hears of it later keeps it in the pen.
// docs/protocol/feed.md and healing.md.
#include <algorithm>

#include "store/replica/transaction_impl.h"

namespace lienthong::store {
namespace {

// Both on disk: never change.
std::string beside_key(std::uint32_t feed, std::uint64_t number) {  // → its place there
  return "wb" + encode_number4(feed) + encode_number(number);
}
std::string beyond_prefix(std::uint32_t record) { return "wc" + encode_number4(record); }
std::string beyond_key(std::uint32_t record, std::uint64_t number) {  // → nothing
  return beyond_prefix(record) + encode_number(number);
}

}  // namespace

void load_counted(const Database& database, Ledger& ledger) {
  database.scan("wb", "wb",
                [&](std::string_view, std::string_view) { return ++ledger.beside > 0; });
  database.scan("wc", "wc",
                [&](std::string_view, std::string_view) { return ++ledger.beyond > 0; });
}

// ---- entries ----

// Zero: it does not count.
void Transaction::Impl::name_entry(std::uint32_t feed, std::uint64_t place, const IdPrefix& id) {
  const std::string at = key::feed_entry(feed, place);
  FeedEntry entry = decode_feed_entry(overlay.get(at).value());
  if (entry.id == id) return;
  const bool counted = entry.id != IdPrefix{};
  const bool counts = id != IdPrefix{};
  const auto exchange = [&](IdPrefix& sum, std::uint64_t& withdrawn) {
    take_from_sum(sum, entry.id);
    add_to_sum(sum, id);
    withdrawn = withdrawn + (counts ? 0 : 1) - (counted ? 0 : 1);
  };
  for (auto& [agency, meta] : ledger.feeds) {
    if (meta.number != feed) continue;
    exchange(meta.sum, meta.withdrawn);
    if (meta.sealed && place <= meta.sealed->end)
      exchange(meta.sealed->sum, meta.sealed->withdrawn);
  }
  entry.id = id;
  overlay.put(at, encode(entry));
}

// In each feed in which the update lies, where it lies first.
void Transaction::Impl::count_entries(const OpenRecord& record, std::uint64_t number,
                                      const IdPrefix& id) {
  const auto nth = static_cast<std::size_t>(std::ranges::lower_bound(record.row.updates, number) -
                                            record.row.updates.begin());
  for (const auto& [agency, meta] : ledger.feeds) {
    auto place = place_beside(meta.number, number);
    const auto fed = std::ranges::find(record.row.feeds, meta.number, &FedFeed::feed);
    if (!place && fed != record.row.feeds.end() && nth < fed->places.size())
      place = fed->places[nth];
    if (place) name_entry(meta.number, *place, id);
  }
}

// ---- what neighbours delivered ----

// Where it lies in that feed because its reader delivered it, and nullopt: it does not.
std::optional<std::uint64_t> Transaction::Impl::place_beside(std::uint32_t feed,
                                                             std::uint64_t number) const {
  const auto row = ledger.beside > 0 ? overlay.get(beside_key(feed, number)) : std::nullopt;
  return row ? std::optional(decode_number(*row)) : std::nullopt;
}

FeedMeta* Transaction::Impl::feed_for_node(std::uint32_t number) {
  const auto row = number != 0 ? overlay.get(key::node(number)) : std::nullopt;
  if (!row) return nullptr;
  const auto certificate = registry().certificate_of(NodeId::from(as_bytes(*row)));
  if (!certificate) return nullptr;
  const auto at = ledger.feeds.find(registry().find_certificate(*certificate)->agency);
  return at == ledger.feeds.end() ? nullptr : &at->second;
}

// What he has lies in the feed for him, as an echo. Nearly always it does already.
void Transaction::Impl::note_delivered() {
  std::map<std::uint32_t, FeedMeta*> feeds;  // by the node that delivered
  for (const Delivered& came : std::exchange(delivered, {})) {
    const auto [at, fresh] = feeds.try_emplace(came.source, nullptr);
    if (fresh) at->second = feed_for_node(came.source);
    FeedMeta* meta = at->second;
    if (meta == nullptr) continue;
    const auto bytes =
        came.record == 0 ? overlay.get(key::update(came.number)) : std::optional<std::string>();
    const OpenRecord* record =
        find(came.record != 0 ? came.record : decode_update_head(*bytes).record);
    const auto& updates = record->row.updates;
    const auto nth =
        static_cast<std::size_t>(std::ranges::lower_bound(updates, came.number) - updates.begin());
    const auto fed = std::ranges::find(record->row.feeds, meta->number, &FedFeed::feed);
    const bool lies_there = fed != record->row.feeds.end() && nth < fed->places.size();
    if (lies_there || place_beside(meta->number, came.number)) continue;
    // Whoever shows an update without its closed part is not given that for it.
    if (!came.whole &&
        !decode_update_row(overlay.get(key::update(came.number)).value()).update.closed.empty())
      continue;
    FreshUpdate entry = feedable(came.number);
    entry.source = came.source;
    entry.custody = false;  // nothing of it overtakes
    append(*meta, came.number, entry);
    overlay.put(beside_key(meta->number, came.number), encode_number(meta->end));
    ++ledger.beside;
  }
}

// ---- what lies beyond the cuts ----

bool Transaction::Impl::is_beyond(std::uint32_t record, std::uint64_t number) const {
  return ledger.beyond > 0 && overlay.get(beyond_key(record, number));
}

// Whether each seal that is held of it lies beyond the cuts of its machine.
bool Transaction::Impl::lies_beyond(const UpdateRow& row, std::uint64_t number) const {
  const auto first = read_update_seal(overlay, row, number);
  if (!first) return false;
  std::vector<HeldSeal> seals;
  add_held_seal(overlay, registry(), first->seal, seals);
  const std::string prefix = key::further_seals(number);
  overlay.scan(prefix, prefix, [&](std::string_view k, std::string_view) {
    add_held_seal(overlay, registry(), decode_number4(k.substr(9)), seals);
    return true;
  });
  return std::ranges::all_of(seals, [&](const HeldSeal& held) {
    return registry().beyond_revocation(held.seal, held.id);
  });
}

// The same function of what is here as the one by which a receiver lets such updates in, whenever
// it hears of the cut: see hold_back().
std::set<std::uint64_t> Transaction::Impl::beyond_and_unused(const OpenRecord& record) const {
  std::set<std::uint64_t> out;
  std::set<UpdateId> built_upon;
  for (auto at = record.row.updates.rbegin(); at != record.row.updates.rend(); ++at) {
    const UpdateRow row = decode_update_row(overlay.get(key::update(*at)).value());
    if (!built_upon.contains(row.id) && lies_beyond(row, *at))
      out.insert(*at);
    else
      built_upon.insert(row.update.envelope.deps.begin(), row.update.envelope.deps.end());
  }
  return out;
}

void Transaction::Impl::settle_beyond(const OpenRecord& record, std::uint32_t number) {
  const bool cut_off = std::ranges::any_of(record.state.inert, [](const InertEntry& entry) {
    return entry.reason == InertReason::kCutOff;
  });
  if (!cut_off && ledger.beyond == 0) return;
  const std::set<std::uint64_t> after =
      cut_off ? beyond_and_unused(record) : std::set<std::uint64_t>();
  std::set<std::uint64_t> before;
  const std::string prefix = beyond_prefix(number);
  overlay.scan(prefix, prefix, [&](std::string_view k, std::string_view) {
    before.insert(decode_number(k.substr(prefix.size())));
    return true;
  });
  for (const std::uint64_t update : before) {
    if (after.contains(update)) continue;
    overlay.erase(beyond_key(number, update));
    --ledger.beyond;
    const auto row = overlay.get(key::update(update));  // none: withdrawn
    if (!row) continue;
    const bool stripped = ledger.stripped > 0 && overlay.get(key::stripped(update));
    count_entries(record, update, healing_id(decode_update_head(*row).id, stripped));
  }
  for (const std::uint64_t update : after) {
    if (before.contains(update)) continue;
    overlay.put(beyond_key(number, update), "");
    ++ledger.beyond;
    count_entries(record, update, {});
  }
}

}  // namespace lienthong::store
