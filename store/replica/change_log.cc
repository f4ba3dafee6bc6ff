#include "store/replica/change_log.h"

#include <stdexcept>

#include "protocol/base/bytes.h"
#include "store/replica/replica_impl.h"

namespace lienthong::store {
namespace {

ChangeEvent event_of(const StoredUpdate& update) {
  ChangeEvent out;
  out.number = update.number;
  out.kind = ChangeKind::kUpdate;
  out.record = record_of(update.update, update.id);
  out.at = update.open.at != 0 ? update.open.at : update.update.envelope.hlc.millis();
  out.update = update.id;
  out.update_kind = update.open.kind;
  out.by = update.agency;
  return out;
}

ChangeEvent event_of(const ChangeRow& row, std::uint64_t number, const AgencyId& ours) {
  ChangeEvent out;
  out.number = number;
  out.kind = row.kind;
  out.record = row.record;
  out.at = row.at;
  if (row.kind != ChangeKind::kWithdrawn) return out;
  out.update = row.update;
  out.update_number = row.update_number;
  out.update_kind = row.update_kind;
  out.by = ours;
  return out;
}

Result<ChangeRow> decode(ByteView bytes) {
  ByteReader in(bytes);
  ChangeRow row;
  LT_TRY(const std::uint8_t kind, in.u8());
  row.kind = static_cast<ChangeKind>(kind);
  LT_TRY(row.record.bytes, in.array<32>());
  LT_TRY(const std::uint64_t at, in.u64());
  row.at = static_cast<UnixMillis>(at);
  if (row.kind != ChangeKind::kWithdrawn) return row;
  LT_TRY(row.update.bytes, in.array<32>());
  LT_TRY(row.update_number, in.varint());
  LT_TRY(const std::uint8_t update_kind, in.u8());
  row.update_kind = static_cast<UpdateKind>(update_kind);
  return row;
}

}  // namespace

std::string encode(const ChangeRow& row) {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(row.kind));
  out.raw(row.record.view());
  out.u64(static_cast<std::uint64_t>(row.at));
  if (row.kind == ChangeKind::kWithdrawn) {
    out.raw(row.update.view());
    out.varint(row.update_number);
    out.u8(static_cast<std::uint8_t>(row.update_kind));
  }
  return std::string(as_text(out.bytes()));
}

ChangeRow decode_change_row(std::string_view bytes) {
  auto row = decode(as_bytes(bytes));
  if (!row.ok()) throw std::runtime_error("stored change: " + row.error().message());
  return *std::move(row);
}

void log_change(Overlay& overlay, Ledger& ledger, const ChangeRow& row) {
  overlay.put(key::change(++ledger.updates), encode(row));
  ++ledger.without_update;
}

ChangePage Replica::change_events(std::uint64_t since, std::size_t limit) const {
  const auto ledger = impl_->ledger();
  const Database& database = *impl_->database;
  ChangePage page;
  page.last = since;
  while (page.last < ledger->updates && page.events.size() < limit) {
    const std::uint64_t number = ++page.last;
    if (const auto update = read_update(database, *ledger, number))
      page.events.push_back(event_of(*update));
    else if (const auto row = database.get(key::change(number)))
      page.events.push_back(event_of(decode_change_row(*row), number, impl_->identity.agency));
  }
  return page;
}

}  // namespace lienthong::store
