// Feeds: for each neighbouring agency the updates of its audience, in the order in which they
// entered.
#include <algorithm>
#include <limits>

#include "protocol/base/limits.h"
#include "store/replica/local_names.h"
#include "store/replica/transaction_impl.h"

namespace lienthong::store {
std::uint32_t Transaction::Impl::node_number(const NodeId& node) {
  const auto [at, added] = ledger.node_numbers.try_emplace(node, ledger.nodes + 1);
  if (added) overlay.put(key::node(++ledger.nodes), std::string(as_text(node.view())));
  return at->second;
}

FeedMeta& Transaction::Impl::feed(const AgencyId& reader) {
  const auto [at, added] = ledger.feeds.try_emplace(reader);
  if (added) {
    at->second.number = ++ledger.feed_count;
    at->second.epoch = random_number();
  }
  return at->second;
}

std::uint64_t Transaction::Impl::random_number() {
  const auto random = replica.options.entropy->array<8>();
  ByteReader in(random);
  return *in.u64() | 1;  // 0 stands for none
}

// A cursor of the feed's own epoch that names a place which is not there: one of the two disks is
// an older copy. Its numbers may have been used twice, so the feed gets a new epoch and begins
// again.
void Transaction::Impl::renew_feed_unless_it_fits(FeedKind kind, const AgencyId& agency,
                                                  const FeedMark& mark) {
  if (kind == FeedKind::kRegistry) {
    if (mark.epoch != ledger.statement_epoch_for(agency) || mark.number == 0) return;
    const auto row =
        mark.number > ledger.statements ? std::nullopt : overlay.get(key::statement(mark.number));
    if (!row || decode_statement_row(*row).hash != mark.hash) renew_statement_epoch(agency);
    return;
  }
  const auto at = ledger.feeds.find(agency);
  if (at == ledger.feeds.end() || mark.epoch != at->second.epoch || mark.number == 0) return;
  const auto row = mark.number > at->second.end
                       ? std::nullopt
                       : overlay.get(key::feed_entry(at->second.number, mark.number));
  if (!row || decode_feed_entry(*row).hash != mark.hash) at->second.epoch = random_number();
}

// For that reader alone: what one says of its disk costs the others nothing.
void Transaction::Impl::renew_statement_epoch(const AgencyId& reader) {
  const std::uint64_t epoch = random_number();
  ledger.statement_epochs[reader] = epoch;
  std::string name(local::kStatementEpoch);
  name += as_text(reader.view());
  overlay.put(key::local(name), encode_number(epoch));
}

void Transaction::Impl::append(FeedMeta& meta, std::uint64_t number, const FreshUpdate& update) {
  meta.hash = next_feed_hash(root(), meta.hash, update.id.view());
  const bool counts = !update.again && !update.beyond;
  const IdPrefix id = counts ? healing_id(update.id, update.stripped) : IdPrefix{};
  if (!counts) ++meta.withdrawn;
  add_to_sum(meta.sum, id);
  const FeedEntry entry{number, update.source, meta.hash, update.custody, id};
  overlay.put(key::feed_entry(meta.number, ++meta.end), encode(entry));
  const bool joins_on = meta.sealed && meta.sealed->end + 1 == meta.end;
  if (joins_on && update.source != 0)  // it came sealed
    meta.sealed = FeedMeta::Sealed{meta.end, meta.hash, meta.sum, meta.withdrawn};
}

FreshUpdate Transaction::Impl::feedable(std::uint64_t number) const {
  const bool stripped = ledger.stripped > 0 && overlay.get(key::stripped(number));
  if (const auto at = std::ranges::lower_bound(entered, number);
      at != entered.end() && *at == number) {
    FreshUpdate fresh = just_entered[static_cast<std::size_t>(at - entered.begin())];
    fresh.stripped = stripped;
    fresh.beyond = is_beyond(fresh.record, number);
    return fresh;
  }
  const UpdateRow row = decode_update_row(overlay.get(key::update(number)).value());
  return {
      row.id, row.record, row.source, row.custody, stripped, false, is_beyond(row.record, number)};
}

std::vector<AgencyId> united(const std::vector<AgencyId>& a, const std::vector<AgencyId>& b) {
  std::vector<AgencyId> out;
  std::ranges::set_union(a, b, std::back_inserter(out));
  return out;
}

// The same function of the lead's state as it is now, whichever of the two came first: what grows
// the lead's audience feeds those that name it again, see settle_state().
std::vector<AgencyId> Transaction::Impl::audience_of(const RecordState& state) {
  std::vector<AgencyId> members = audience(state, registry());
  if (state.lead.is_zero()) return members;
  const auto number = record_number(overlay, state.lead);
  OpenRecord* lead = number ? find(state.lead) : nullptr;
  if (lead == nullptr) return members;
  fold_if_stale(*lead, *number);
  return united(members, audience(lead->state, registry()));
}

void Transaction::Impl::find_readers(OpenRecord& record, std::uint32_t number) {
  record.readers.clear();
  if (ledger.feeds.empty()) return;
  for (const AgencyId& agency : audience_of(record.state))
    if (const auto meta = ledger.feeds.find(agency); meta != ledger.feeds.end())
      if (!is_held_back(record, number, agency, meta->second.number))
        record.readers.push_back(&meta->second);
}

// Brings every feed of the record's audience up to its update `up_to`. Updates lie in the record in
// the order in which they entered, parents first, so feeds are closed under parents; an agency that
// joins the audience gets the history, one that left and came back what it missed.
void Transaction::Impl::feed_record(OpenRecord& record, std::uint64_t up_to) {
  const auto& updates = record.row.updates;
  for (FeedMeta* meta : record.readers) {
    auto fed = std::ranges::find(record.row.feeds, meta->number, &FedFeed::feed);
    if (fed == record.row.feeds.end())
      fed = record.row.feeds.insert(fed, FedFeed{meta->number, {}});
    while (fed->places.size() < updates.size() && updates[fed->places.size()] <= up_to) {
      const std::uint64_t number = updates[fed->places.size()];
      FreshUpdate fresh = feedable(number);
      fresh.again = place_beside(meta->number, number).has_value();
      append(*meta, number, fresh);
      fed->places.push_back(meta->end);
    }
  }
}

void Transaction::Impl::blank(std::uint32_t feed, std::uint64_t place) {
  const std::string at = key::feed_entry(feed, place);
  name_entry(feed, place, {});
  FeedEntry entry = decode_feed_entry(overlay.get(at).value());
  entry.update = 0;
  overlay.put(at, encode(entry));
}

// Takes the record out of the feeds of agencies that came into its audience by an update that was
// withdrawn: they are not to see it, and what is not sealed for anybody else would hold up the
// feed.
void Transaction::Impl::leave_feeds(OpenRecord& record) {
  if (ledger.leads) {
    for (const std::uint32_t number : led_numbers(overlay, record.row.id)) {
      OpenRecord* led = find(number);
      if (led == nullptr || led->state.lead != record.row.id) continue;
      touch(*led, number);
      leave_feeds(*led);
    }
  }
  const std::vector<AgencyId> members = audience_of(record.state);
  for (const auto& [agency, meta] : ledger.feeds) {
    const auto fed = std::ranges::find(record.row.feeds, meta.number, &FedFeed::feed);
    if (fed == record.row.feeds.end() || std::ranges::binary_search(members, agency)) continue;
    for (const std::uint64_t place : fed->places) blank(meta.number, place);
    record.row.feeds.erase(fed);
  }
}

// Begins a feed, or goes on with one that is not whole yet, from what so many records have for it.
// Meanwhile it grows with the others: what enters of a record that was not reached yet brings all
// of that record. Nobody reads it before it is whole.
void Transaction::Impl::fill_feed(const AgencyId& reader, std::uint32_t records_max) {
  if (!ledger.feeds.contains(reader)) ledger.filling.emplace(reader, 0);
  const auto done = ledger.filling.find(reader);
  if (done == ledger.filling.end()) return;
  feed(reader);
  flush();
  const std::uint32_t last = done->second + std::min(records_max, ledger.records - done->second);
  for (std::uint32_t number = done->second + 1; number <= last; ++number) {
    OpenRecord* record = find(number);
    if (record == nullptr) continue;
    flush();  // it may be to be judged anew
    find_readers(*record, number);
    if (!record->readers.empty()) touch(*record, number);
    flush();  // its lead as well
    open.erase(number);
    if (open.size() > kOpenRecordsMax) open.clear();  // leads; all were flushed
  }
  const std::string row = key::filling(reader);
  if (last < ledger.records) {
    done->second = last;
    overlay.put(row, encode_number(last));
    return;
  }
  ledger.filling.erase(done);
  if (overlay.get(row)) overlay.erase(row);
}

// The agencies that can be neighbours of themselves: parent, children, and our own agency once it
// has another machine. Each must have a believed certificate, or there is nobody to talk to.
void Transaction::Impl::start_feeds_of_relatives() {
  const AgencyId& self = replica.identity.agency;
  const TreeVersion version = registry().newest();
  std::vector<AgencyId> relatives = registry().children(self, version);
  if (const auto parent = registry().parent(self, version)) relatives.push_back(*parent);
  if (registry().certificates_of(self).size() > 1) relatives.push_back(self);
  for (const AgencyId& agency : relatives)
    if (!ledger.feeds.contains(agency) && !registry().certificates_of(agency).empty())
      fill_feed(agency, replica.options.fill_records_max);
}

Result<void> Transaction::begin_feed(const AgencyId& reader) {
  if (impl_->registry().find_agency(reader) == nullptr)
    return Error(Errc::kUnknownAgency, "agency " + reader.short_hex());
  if (!impl_->ledger.feeds.contains(reader))
    impl_->fill_feed(reader, impl_->replica.options.fill_records_max);
  return {};
}

Result<void> Transaction::ensure_feed(const AgencyId& reader) {
  LT_TRY_VOID(begin_feed(reader));
  impl_->fill_feed(reader, std::numeric_limits<std::uint32_t>::max());
  return {};
}

bool Transaction::fill_feeds() {
  const std::uint32_t fill_records_max = impl_->replica.options.fill_records_max;
  std::vector<AgencyId> readers;
  for (const auto& [reader, done] : impl_->ledger.filling) readers.push_back(reader);
  for (const AgencyId& reader : readers)
    impl_->fill_feed(reader, std::max<std::uint32_t>(
                                 1, fill_records_max / static_cast<std::uint32_t>(readers.size())));
  return !impl_->ledger.filling.empty();
}

}  // namespace lienthong::store
