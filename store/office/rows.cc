#include "store/office/rows.h"

#include <rocksdb/db.h>

#include <algorithm>

#include "store/office/keys.h"
#include "store/office/writer.h"
#include "store/replica/raw.h"
#include "store/replica/reads.h"

namespace lienthong::store {
namespace {

void scan_rows(const Database& database, const OfficeSnapshot& snapshot, const std::string& first,
               const std::string& after, const OfficeReader::VisitRow& visit) {
  database.scan_range(snapshot.rows.get(), first, after,
                      [&](std::string_view k, std::string_view value) {
                        return visit(decode_number4(k.substr(1)), value);
                      });
}

}  // namespace

const NameTable& OfficeReader::names() const {
  return RawReplica(replica_).projection<OfficeProjection>().names();
}

OfficeSnapshot OfficeReader::snapshot() const {
  const Database& database = RawReplica(replica_).database();
  rocksdb::DB& db = database.db();
  OfficeSnapshot out;
  out.rows = {db.GetSnapshot(), [&db](const rocksdb::Snapshot* held) { db.ReleaseSnapshot(held); }};
  Ledger ledger;
  if (const auto counters = database.get(key::meta("counters"), out.rows.get()))
    decode_counters(*counters, ledger);
  out.last_record = ledger.records;
  out.last_change = ledger.updates;
  return out;
}

void OfficeReader::scan(const OfficeSnapshot& snapshot, std::uint32_t first, std::uint32_t last,
                        const VisitRow& visit) const {
  scan_rows(RawReplica(replica_).database(), snapshot, key::office(first), key::office(last) + '\0',
            visit);
}

void OfficeReader::scan_search(const OfficeSnapshot& snapshot, std::uint32_t first,
                               std::uint32_t last, const VisitRow& visit) const {
  scan_rows(RawReplica(replica_).database(), snapshot, key::search(first), key::search(last) + '\0',
            visit);
}

std::optional<std::string> OfficeReader::row(std::uint32_t record) const {
  return RawReplica(replica_).database().get(key::office(record));
}

std::optional<std::string> OfficeReader::row(std::uint32_t record,
                                             const OfficeSnapshot& snapshot) const {
  return RawReplica(replica_).database().get(key::office(record), snapshot.rows.get());
}

std::optional<std::string> OfficeReader::search_row(std::uint32_t record,
                                                    const OfficeSnapshot& snapshot) const {
  return RawReplica(replica_).database().get(key::search(record), snapshot.rows.get());
}

void OfficeReader::walk_shelf(
    const OfficeSnapshot& snapshot, const ShelfRange& range, const Match& after,
    const std::function<bool(std::string_view, std::uint32_t)>& visit) const {
  store::walk_shelf(RawReplica(replica_).database(), snapshot.rows.get(), range, after, visit);
}

std::uint64_t OfficeReader::shelf_bytes(const ShelfRange& range) const {
  return store::shelf_bytes(RawReplica(replica_).database(), range);
}

std::optional<std::vector<std::uint32_t>> OfficeReader::records_with_grams(
    const OfficeSnapshot& snapshot, std::string_view text,
    const std::function<bool()>& stopping) const {
  return store::records_with_grams(RawReplica(replica_).database(), snapshot.rows.get(), text,
                                   stopping);
}

std::optional<RecordEntry> OfficeReader::record(std::uint32_t record) const {
  return read_record(RawReplica(replica_).database(), record);
}

std::optional<std::uint32_t> OfficeReader::number_of(const RecordId& record) const {
  return record_number(RawReplica(replica_).database(), record);
}

std::vector<std::pair<AgencyId, UnixMillis>> OfficeReader::heard() const {
  std::vector<std::pair<AgencyId, UnixMillis>> out;
  RawReplica(replica_).database().scan("A", "A", [&](std::string_view k, std::string_view value) {
    out.emplace_back(AgencyId::from(as_bytes(k.substr(1))), Hlc{decode_number(value)}.millis());
    return true;
  });
  return out;
}

std::vector<std::uint32_t> OfficeReader::touched_since(std::uint64_t update) const {
  std::vector<std::uint32_t> out;
  RawReplica(replica_).database().scan("U", key::update(update + 1),
                                       [&](std::string_view, std::string_view value) {
                                         out.push_back(decode_update_head(value).record);
                                         return true;
                                       });
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::optional<std::string> OfficeReader::row_at(std::uint32_t record, std::uint64_t update) const {
  const RawReplica raw(replica_);
  const auto bytes = raw.database().get(key::record(record));
  if (!bytes) return std::nullopt;
  RecordRow row = decode_record_row(*bytes);
  std::erase_if(row.updates, [update](std::uint64_t number) { return number > update; });
  if (row.updates.empty()) return std::nullopt;
  const auto ledger = raw.ledger();
  const auto graph = read_graph(raw.database(), *ledger, row);
  const RecordState state = fold(graph, *ledger->registry);
  if (!has_row(state)) return std::nullopt;
  KnownNames known(names());
  return encode(build_row(state, graph, known));
}

std::optional<OfficeReader::Cause> OfficeReader::cause(std::uint32_t record,
                                                       std::uint64_t update) const {
  const RawReplica raw(replica_);
  const auto bytes = raw.database().get(key::record(record));
  if (!bytes) return std::nullopt;
  const RecordRow row = decode_record_row(*bytes);
  if (row.updates.empty() || row.updates.back() <= update) return std::nullopt;
  const auto stored = replica_.find_update(row.updates.back());
  if (!stored) return std::nullopt;
  return Cause{stored->number, stored->agency,
               stored->open.at != 0 ? stored->open.at : stored->update.envelope.hlc.millis(),
               stored->received_at};
}

}  // namespace lienthong::store
