#include "store/office/rows.h"

#include <algorithm>

#include "store/office/writer.h"
#include "store/replica/replica_impl.h"

namespace lienthong::store {
namespace {

std::uint32_t number_in(std::string_view key) {
  std::uint32_t number = 0;
  for (const char byte : key.substr(1)) number = number << 8 | static_cast<std::uint8_t>(byte);
  return number;
}

void scan_rows(const Database& database, const OfficeSnapshot& snapshot, const std::string& first,
               const std::string& after, const OfficeReader::VisitRow& visit) {
  database.scan_range(
      snapshot.rows.get(), first, after,
      [&](std::string_view k, std::string_view value) { return visit(number_in(k), value); });
}

}  // namespace

const NameTable& OfficeReader::names() const { return replica_.impl_->names; }

OfficeSnapshot OfficeReader::snapshot() const {
  rocksdb::DB& db = replica_.impl_->database->db();
  OfficeSnapshot out;
  out.rows = {db.GetSnapshot(), [&db](const rocksdb::Snapshot* held) { db.ReleaseSnapshot(held); }};
  Ledger ledger;
  if (const auto counters = replica_.impl_->database->get(key::meta("counters"), out.rows.get()))
    decode_counters(*counters, ledger);
  out.last_record = ledger.records;
  out.last_change = ledger.updates;
  return out;
}

void OfficeReader::scan(const OfficeSnapshot& snapshot, std::uint32_t first, std::uint32_t last,
                        const VisitRow& visit) const {
  scan_rows(*replica_.impl_->database, snapshot, key::office(first), key::office(last) + '\0',
            visit);
}

void OfficeReader::scan_search(const OfficeSnapshot& snapshot, std::uint32_t first,
                               std::uint32_t last, const VisitRow& visit) const {
  scan_rows(*replica_.impl_->database, snapshot, key::search(first), key::search(last) + '\0',
            visit);
}

std::optional<std::string> OfficeReader::row(std::uint32_t record) const {
  return replica_.impl_->database->get(key::office(record));
}

std::optional<RecordEntry> OfficeReader::record(std::uint32_t record) const {
  const auto bytes = replica_.impl_->database->get(key::record(record));
  if (!bytes) return std::nullopt;
  RecordRow row = decode_record_row(*bytes);
  return RecordEntry{decode_stored_state(row), std::move(row.updates)};
}

std::vector<std::pair<AgencyId, UnixMillis>> OfficeReader::heard() const {
  std::vector<std::pair<AgencyId, UnixMillis>> out;
  replica_.impl_->database->scan("A", "A", [&](std::string_view k, std::string_view value) {
    out.emplace_back(AgencyId::from(as_bytes(k.substr(1))), Hlc{decode_number(value)}.millis());
    return true;
  });
  return out;
}

std::vector<std::uint32_t> OfficeReader::touched_since(std::uint64_t update) const {
  std::vector<std::uint32_t> out;
  replica_.impl_->database->scan("U", key::update(update + 1),
                                 [&](std::string_view, std::string_view value) {
                                   out.push_back(decode_update_head(value).record);
                                   return true;
                                 });
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

std::optional<std::string> OfficeReader::row_at(std::uint32_t record, std::uint64_t update) const {
  const Replica::Impl& impl = *replica_.impl_;
  const auto bytes = impl.database->get(key::record(record));
  if (!bytes) return std::nullopt;
  RecordRow row = decode_record_row(*bytes);
  std::erase_if(row.updates, [update](std::uint64_t number) { return number > update; });
  if (row.updates.empty()) return std::nullopt;
  const auto ledger = impl.ledger();
  const auto graph = read_graph(*impl.database, *ledger, impl.root, row);
  const RecordState state = fold(graph, *ledger->registry);
  if (!has_row(state)) return std::nullopt;
  KnownNames known(impl.names);
  return encode(build_row(state, graph, known));
}

std::optional<OfficeReader::Cause> OfficeReader::cause(std::uint32_t record,
                                                       std::uint64_t update) const {
  const Replica::Impl& impl = *replica_.impl_;
  const auto bytes = impl.database->get(key::record(record));
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
