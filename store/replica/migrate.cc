// From older layouts to this one, when a database is opened. docs/storage.md, "Version and
// migration".
#include "store/replica/replica_impl.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kBatchBytesMax = 1U << 20;

// Of one feed: where each update lies; 0: nowhere. If it lies there twice, the last place counts.
std::vector<std::uint64_t> places_of(const Database& database, const FeedMeta& meta,
                                     std::uint64_t updates) {
  std::vector<std::uint64_t> places(updates + 1);
  const std::string prefix = key::feed_prefix(meta.number);
  database.scan(prefix, prefix, [&](std::string_view k, std::string_view value) {
    const std::uint64_t update = decode_feed_entry(value).update;
    if (update != 0 && update <= updates) places[update] = decode_number(k.substr(k.size() - 8));
    return true;
  });
  return places;
}

// What is not found, or not in its order, is fed again at the record's next change.
void fill_places(FedFeed& fed, const std::vector<std::uint64_t>& updates,
                 const std::vector<std::uint64_t>& places) {
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < fed.places.size(); ++i) {
    const std::uint64_t place =
        i < updates.size() && updates[i] < places.size() ? places[updates[i]] : 0;
    if (place <= last) return fed.places.resize(i);
    last = fed.places[i] = place;
  }
}

// 1 → 2: RecordRow says where its updates lie in each feed, not only how many are there. Rows tell
// which of the two they are, so the work can be cut anywhere and begun again.
Result<void> migrate_from_first_layout(Database& database, const Ledger& ledger) {
  std::map<std::uint32_t, std::vector<std::uint64_t>> places;
  for (const auto& [agency, meta] : ledger.feeds)
    places.emplace(meta.number, places_of(database, meta, ledger.updates));
  Changes changes;
  Result<void> written;
  database.scan("R", "R", [&](std::string_view k, std::string_view value) {
    auto row = decode_first_record_row(value);
    if (!row) return true;
    for (FedFeed& fed : row->feeds) fill_places(fed, row->updates, places[fed.feed]);
    std::string encoded = encode(*row);
    changes.bytes += encoded.size();
    changes.rows.emplace(k, std::move(encoded));
    if (changes.bytes < kBatchBytesMax) return true;
    written = database.write(std::exchange(changes, {}));
    return written.ok();
  });
  if (!written.ok()) return written;
  changes.rows[key::meta("version")] = encode_number(2);
  return database.write(changes);
}

// 2 → 3: what names a lead. Projections are kept from here on, and this database has none yet.
Result<void> migrate_to_leads(Database& database) {
  Changes changes;
  Result<void> written;
  database.scan("R", "R", [&](std::string_view k, std::string_view value) {
    const RecordId lead = decode_stored_state(decode_record_row(value)).lead;
    if (lead.is_zero()) return true;
    std::string place = key::led(lead, decode_number4(k.substr(1)));
    changes.bytes += place.size();
    changes.rows.emplace(std::move(place), "");
    if (changes.bytes < kBatchBytesMax) return true;
    written = database.write(std::exchange(changes, {}));
    return written.ok();
  });
  if (!written.ok()) return written;
  changes.rows[key::meta(kProjectionsNote)] = "";
  changes.rows[key::meta("version")] = encode_number(3);
  return database.write(changes);
}

}  // namespace

// 3 → 4 comes first, for the others read updates: these move to a family of their own.
Result<void> migrate(Database& database, std::uint64_t version, const Ledger& ledger) {
  if (version == kLayoutVersion) return {};
  LT_TRY_VOID(database.move_updates());
  if (version < 2) LT_TRY_VOID(migrate_from_first_layout(database, ledger));
  if (version < 3) LT_TRY_VOID(migrate_to_leads(database));
  Changes changes;
  changes.rows[key::meta("version")] = encode_number(kLayoutVersion);
  return database.write(changes);
}

}  // namespace lienthong::store
