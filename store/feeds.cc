// Feeds: for each neighbouring agency the updates of its audience, in the order in which they
// entered.
#include <algorithm>

#include "protocol/wire/limits.h"
#include "store/transaction_impl.h"

namespace lienthong::store {
namespace {

// sum += the first 16 bytes of the id, little-endian, modulo 2^128.
void add_to_sum(std::array<std::uint8_t, 16>& sum, ByteView id) {
  unsigned carry = 0;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    carry += sum[i] + id[i];
    sum[i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
}

}  // namespace

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
void Transaction::Impl::renew_feed_unless_it_fits(FeedKind kind, const NodeId& reader,
                                                  const FeedMark& mark) {
  if (kind == FeedKind::kRegistry) {
    if (mark.epoch != ledger.statement_epoch || mark.number == 0) return;
    const auto row =
        mark.number > ledger.statements ? std::nullopt : overlay.get(key::statement(mark.number));
    if (!row || decode_statement_row(*row).hash != mark.hash)
      ledger.statement_epoch = random_number();
    return;
  }
  const auto certificate = registry().certificate_of(reader);
  if (!certificate) return;
  const auto at = ledger.feeds.find(registry().find_certificate(*certificate)->agency);
  if (at == ledger.feeds.end() || mark.epoch != at->second.epoch || mark.number == 0) return;
  const auto row = mark.number > at->second.end
                       ? std::nullopt
                       : overlay.get(key::feed_entry(at->second.number, mark.number));
  if (!row || decode_feed_entry(*row).hash != mark.hash) at->second.epoch = random_number();
}

void Transaction::Impl::append(FeedMeta& meta, std::uint64_t update, std::uint32_t source,
                               const UpdateId& id) {
  meta.hash = next_feed_hash(root(), meta.hash, id.view());
  add_to_sum(meta.sum, id.view());
  overlay.put(key::feed_entry(meta.number, ++meta.end),
              encode(FeedEntry{update, source, meta.hash}));
}

// Brings every feed of the record's audience up to its last update. Updates lie in the record in
// the order in which they entered, parents first, so feeds are closed under parents; an agency that
// joins the audience gets the history, one that left and came back what it missed.
void Transaction::Impl::feed_record(OpenRecord& record) {
  if (ledger.feeds.empty()) return;
  for (const AgencyId& agency : audience(record.state, registry())) {
    const auto meta = ledger.feeds.find(agency);
    if (meta == ledger.feeds.end()) continue;
    auto fed = std::ranges::find(record.row.feeds, meta->second.number, &FedFeed::feed);
    if (fed == record.row.feeds.end())
      fed = record.row.feeds.insert(fed, FedFeed{meta->second.number, 0});
    for (; fed->fed < record.row.updates.size(); ++fed->fed) {
      const std::uint64_t number = record.row.updates[fed->fed];
      const UpdateRow row = decode_update_row(overlay.get(key::update(number)).value());
      append(meta->second, number, row.source, row.id);
    }
    record.dirty = true;
  }
}

// Takes the record out of the feeds of agencies that came into its audience by an update that was
// withdrawn: they are not to see it, and what is not sealed for anybody else would hold up the
// feed.
void Transaction::Impl::leave_feeds(OpenRecord& record) {
  const std::vector<AgencyId> members = audience(record.state, registry());
  for (const auto& [agency, meta] : ledger.feeds) {
    const auto fed = std::ranges::find(record.row.feeds, meta.number, &FedFeed::feed);
    if (fed == record.row.feeds.end() || std::ranges::binary_search(members, agency)) continue;
    record.row.feeds.erase(fed);
    std::vector<std::pair<std::string, FeedEntry>> entries;
    const std::string prefix = key::feed_prefix(meta.number);
    overlay.scan(prefix, prefix, [&](std::string_view at, std::string_view value) {
      const FeedEntry entry = decode_feed_entry(value);
      if (std::ranges::binary_search(record.row.updates, entry.update))
        entries.emplace_back(at, entry);
      return true;
    });
    for (auto& [at, entry] : entries) {
      entry.update = 0;
      overlay.put(at, encode(entry));
    }
  }
}

void Transaction::Impl::fill_feed(const AgencyId& reader) {
  feed(reader);
  flush();
  for (std::uint32_t number = 1; number <= ledger.records; ++number) {
    OpenRecord* record = find(number);
    if (record == nullptr) continue;
    feed_record(*record);
    if (record->dirty) flush();
    open.erase(number);
  }
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
      fill_feed(agency);
}

Result<void> Transaction::ensure_feed(const AgencyId& reader) {
  if (impl_->registry().find_agency(reader) == nullptr)
    return Error(Errc::kUnknownAgency, "agency " + reader.short_hex());
  if (!impl_->ledger.feeds.contains(reader)) impl_->fill_feed(reader);
  return {};
}

// ---- reading ----

FeedMark Replica::feed_end(FeedKind kind, const AgencyId& reader) const {
  const auto ledger = impl_->ledger();
  if (kind == FeedKind::kRegistry)
    return {ledger->statement_epoch, ledger->statements, ledger->statement_hash};
  const auto at = ledger->feeds.find(reader);
  if (at == ledger->feeds.end()) return {};
  return {at->second.epoch, at->second.end, at->second.hash};
}

std::optional<std::uint64_t> Replica::feed_hash(FeedKind kind, const AgencyId& reader,
                                                std::uint64_t number) const {
  if (number == 0) return 0;
  if (kind == FeedKind::kRegistry) {
    const auto row = impl_->database->get(key::statement(number));
    if (!row) return std::nullopt;
    return decode_statement_row(*row).hash;
  }
  const auto ledger = impl_->ledger();
  const auto at = ledger->feeds.find(reader);
  if (at == ledger->feeds.end() || number > at->second.end) return std::nullopt;
  const auto row = impl_->database->get(key::feed_entry(at->second.number, number));
  if (!row) return std::nullopt;
  return decode_feed_entry(*row).hash;
}

std::optional<std::uint64_t> Replica::feed_position(const AgencyId& reader,
                                                    const UpdateId& id) const {
  const auto ledger = impl_->ledger();
  const auto at = ledger->feeds.find(reader);
  const auto number = update_number(*impl_->database, id);
  if (at == ledger->feeds.end() || !number) return std::nullopt;
  std::optional<std::uint64_t> found;
  impl_->database->scan_back(key::feed_prefix(at->second.number),
                             [&](std::string_view k, std::string_view value) {
                               if (decode_feed_entry(value).update == *number)
                                 found = decode_number(k.substr(k.size() - 8));
                               return !found;
                             });
  return found;
}

namespace {

using PickedLeaves = std::map<std::uint32_t, std::vector<std::pair<std::uint16_t, Update>>>;

SealedUnit make_unit(const Database& database, const RootFingerprint& root, std::uint32_t seal,
                     std::vector<std::pair<std::uint16_t, Update>> leaves) {
  const auto evidence = read_evidence(database, seal);
  LT_CHECK(evidence.has_value());
  std::ranges::sort(leaves, {}, [](const auto& leaf) { return leaf.first; });
  SealedUnit unit;
  unit.seal = evidence->seal();
  std::vector<std::uint16_t> indices;
  for (auto& [index, update] : leaves) {
    indices.push_back(index);
    unit.leaves.push_back(SealedLeaf{index, std::move(update)});
  }
  unit.proof = evidence->prove(root, indices);
  return unit;
}

Result<std::optional<FeedPart>> read_statements(const Database& database, const Ledger& ledger,
                                                std::uint32_t reader, Echo echo,
                                                std::uint64_t carry_to, std::uint64_t first,
                                                std::size_t bytes_max) {
  if (first == 0 || first > ledger.statements) return std::optional<FeedPart>();
  FeedPart part{.epoch = ledger.statement_epoch,
                .first = first,
                .last = 0,
                .hash = 0,
                .units = {},
                .statements = {}};
  std::size_t bytes = 0;
  for (std::uint64_t number = first; number <= ledger.statements && bytes < bytes_max; ++number) {
    const auto bytes_of_row = database.get(key::statement(number));
    if (!bytes_of_row)
      return Error(Errc::kCorrupt, "statement " + std::to_string(number) + " is missing");
    StatementRow row = decode_statement_row(*bytes_of_row);
    const bool echoed = reader != 0 && row.source == reader;
    if (echoed && echo == Echo::kStopBefore) break;
    part.last = number;
    part.hash = row.hash;
    if (echoed && echo == Echo::kPassOver && number > carry_to) continue;
    bytes += row.statement.body.size() + kSealSize;
    part.statements.push_back(std::move(row.statement));
  }
  if (part.last == 0) return std::optional<FeedPart>();
  return std::optional<FeedPart>(std::move(part));
}

}  // namespace

Result<std::optional<FeedPart>> Replica::read_feed(FeedKind kind, const AgencyId& reader,
                                                   const NodeId& reader_node, Echo echo,
                                                   std::uint64_t first,
                                                   std::size_t bytes_max) const {
  const auto ledger = impl_->ledger();
  const Database& database = *impl_->database;
  const auto known = ledger->node_numbers.find(reader_node);
  const std::uint32_t reader_number = known == ledger->node_numbers.end() ? 0 : known->second;
  const auto carry = database.get(key::carry(kind, reader_node));
  const std::uint64_t carry_to = carry ? decode_number(*carry) : 0;
  if (kind == FeedKind::kRegistry)
    return read_statements(database, *ledger, reader_number, echo, carry_to, first, bytes_max);
  const auto meta = ledger->feeds.find(reader);
  if (meta == ledger->feeds.end() || first == 0 || first > meta->second.end)
    return std::optional<FeedPart>();
  FeedPart part{.epoch = meta->second.epoch,
                .first = first,
                .last = 0,
                .hash = 0,
                .units = {},
                .statements = {}};
  PickedLeaves picked;
  std::size_t bytes = 0;
  database.scan(key::feed_prefix(meta->second.number), key::feed_entry(meta->second.number, first),
                [&](std::string_view k, std::string_view value) {
                  const std::uint64_t position = decode_number(k.substr(k.size() - 8));
                  const FeedEntry entry = decode_feed_entry(value);
                  if (position > meta->second.end) return false;
                  const bool echoed = entry.source != 0 && entry.source == reader_number;
                  if (echoed && echo == Echo::kStopBefore) return false;
                  const bool passed = echoed && echo == Echo::kPassOver && position > carry_to;
                  if (entry.update != 0 && !passed) {
                    const auto sealed = database.get(key::update_seal(entry.update));
                    if (!sealed) return false;  // not sealed yet: it waits for the next batch
                    const auto row = database.get(key::update(entry.update));
                    LT_CHECK(row.has_value());
                    Update update = decode_update_row(*row).update;
                    const UpdateSeal where = decode_update_seal(*sealed);
                    bytes += update.open.size() + update.closed.size() + 150;
                    picked[where.seal].emplace_back(where.leaf, std::move(update));
                  }
                  part.last = position;
                  part.hash = entry.hash;
                  return bytes < bytes_max;
                });
  if (part.last == 0) return std::optional<FeedPart>();
  for (auto& [seal, leaves] : picked)
    part.units.push_back(make_unit(database, impl_->root, seal, std::move(leaves)));
  return std::optional<FeedPart>(std::move(part));
}

}  // namespace lienthong::store
