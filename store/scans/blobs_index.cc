// Scans: which record names which file, and what follows from it: who wants it, who may drop it.
#include <algorithm>
#include <set>

#include "protocol/record/registers.h"
#include "store/office/deadline.h"
#include "store/office/dossier.h"
#include "store/replica/change_log.h"
#include "store/scans/blobs_rows.h"

namespace lienthong::store {
namespace {

constexpr std::uint16_t kComponentsField = static_cast<std::uint16_t>(Field::kComponents);

// The files that this one update names.
std::vector<NamedBlob> named_in(const Update& update, const OpenBody& open) {
  if (update.closed.empty() || !std::ranges::binary_search(open.closed_fields, kComponentsField))
    return {};
  const auto closed = wire::decode_closed(update.closed);
  if (!closed.ok()) return {};
  const FieldValue* components = written_value(closed->writes, Field::kComponents);
  return components != nullptr ? named_blobs(*components) : std::vector<NamedBlob>();
}

}  // namespace

Result<bool> Blobs::catch_up(std::size_t limit, UnixMillis now) {
  struct Naming {
    RecordId record;
    NamedBlob blob;
    UpdateId update;
  };
  const std::lock_guard lock(writer_);
  const std::uint64_t end = RawReplica(replica_).ledger()->updates;
  const std::uint64_t last = std::min<std::uint64_t>(end, indexed_ + limit);
  std::vector<Naming> namings;
  std::set<RecordId> touched;
  RowReader updates(database());
  const auto take_names = [&namings](const UpdateRow& update) {
    const RecordId record = record_of(update.update, update.id);
    for (NamedBlob& blob : named_in(update.update, decode_stored_open(update.update)))
      namings.push_back({record, std::move(blob), update.id});
  };
  for (std::uint64_t number = indexed_ + 1; number <= last; ++number) {
    const auto bytes = updates.get(key::update(number));
    if (bytes) {
      const UpdateRow update = decode_update_row(*bytes);
      const OpenBody open = decode_stored_open(update.update);
      const RecordId record = record_of(update.update, update.id);
      take_names(update);
      const bool first = open.kind == UpdateKind::kCreated;  // nothing was named before it
      if ((is_link(open.kind) && !first) || open.kind == UpdateKind::kErase) touched.insert(record);
    } else if (const auto change = database().get(key::change(number))) {
      // Folded again: closed parts of it may have come that had not been here.
      const ChangeRow row = decode_change_row(*change);
      const auto record = replica_.find_record(row.record);
      if (row.kind != ChangeKind::kRefolded || !record) continue;
      touched.insert(row.record);
      for (const std::uint64_t one : record->updates)
        if (const auto again = updates.get(key::update(one))) take_names(decode_update_row(*again));
    }
  }
  Batch batch(database().scans(), false);  // lost, it is taken in again
  std::set<RecordId> naming;
  std::set<std::string> added;
  for (const Naming& found : namings) {
    const auto record = replica_.find_record(found.record);
    if (!record) continue;
    add_name(batch, added, found.blob.id, record->state, found.update);
    batch.put(blob_key::named(found.record, found.blob.id),
              encode_number(found.blob.component.size));
    naming.insert(found.record);
  }
  if (last > indexed_) batch.put(blob_key::kIndexed, encode_number(last));
  LT_TRY_VOID(write(batch));
  touched.merge(naming);
  for (const RecordId& record : touched) {
    Batch step(database().scans(), false);
    settle_record(step, record, now);
    LT_TRY_VOID(write(step));
  }
  const std::lock_guard counting(counting_);
  indexed_ = last;
  return last < end;
}

// The first that is in force is kept: it tells who had the file.
void Blobs::add_name(Batch& batch, std::set<std::string>& added, const BlobId& id,
                     const RecordState& state, const UpdateId& update) {
  const std::string name = blob_key::name(id, state.record);
  if (added.contains(name)) return;
  const auto before = get(name);
  if (before && (is_inert(state, update) || !is_inert(state, UpdateId::from(as_bytes(*before)))))
    return;
  batch.put(name, update.view());
  if (!is_inert(state, update)) added.insert(name);
}

// What this agency wants of what the record names now; nothing is kept of an erased one.
void Blobs::settle_record(Batch& batch, const RecordId& record, UnixMillis now) {
  const auto named = named_by(record);
  if (named.empty()) return;
  const auto entry = replica_.find_record(record);
  if (!entry) return;
  if (!entry->state.erased_by.is_zero()) return forget_record(batch, record);
  std::set<BlobId> needed;
  if (entry->state.holder == replica_.identity().agency) {
    const auto values = read_values(replica_, entry->state);
    if (const auto at = values.find(Field::kComponents); at != values.end())
      for (const NamedBlob& blob : named_blobs(at->second)) needed.insert(blob.id);
  }
  constexpr auto kCustody = static_cast<std::uint8_t>(BlobReason::kCustody);
  for (const BlobId& id : named) {
    const auto found = row(id);
    if (found && found->complete()) continue;
    const auto before = find_want(id);
    BlobWant want = before.value_or(BlobWant{id, 0, now, 0});
    const auto rest = static_cast<std::uint8_t>(want.reasons & ~kCustody);
    want.reasons = needed.contains(id) ? static_cast<std::uint8_t>(rest | kCustody) : rest;
    if (want.reasons == 0) {
      if (before) erase_want(batch, id);
    } else if (!before || before->reasons != want.reasons) {
      put_want(batch, want);
    }
  }
}

void Blobs::forget_record(Batch& batch, const RecordId& record) {
  for (const BlobId& id : named_by(record)) {
    batch.erase(blob_key::named(record, id));
    const auto others = records(id);
    const bool last = std::ranges::all_of(others, [&](const RecordId& other) {
      if (other == record) return true;
      const auto entry = replica_.find_record(other);
      return entry && !entry->state.erased_by.is_zero();
    });
    if (!last) continue;  // the name stays, and says "erased" to who asks
    erase_blob(batch, id);
    if (find_want(id)) erase_want(batch, id);
  }
}

// ---- retention ----

bool Blobs::finished_for(const RecordState& state, UnixMillis now,
                         std::chrono::milliseconds after) const {
  const auto status = open_status(state);
  if (!status || !ends_clock(*status)) return false;
  const UnixMillis at =
      std::max(state.latest.millis(), open_integer(state, Field::kFinishedAt).value_or(0));
  return now - at > after.count();
}

bool Blobs::may_drop(const BlobId& id, UnixMillis now, std::chrono::milliseconds after) const {
  const AgencyId ours = replica_.identity().agency;
  const auto found = row(id);
  if (!found || !found->complete() || find_want(id)) return false;
  const auto named = records(id);
  if (named.empty() || named.size() >= kBlobNameCountMax) return false;
  return std::ranges::all_of(named, [&](const RecordId& record) {
    const auto entry = replica_.find_record(record);
    if (!entry) return false;
    const RecordState& state = entry->state;
    return state.origin != ours && state.holder != ours && state.offered != ours &&
           finished_for(state, now, after);
  });
}

std::vector<BlobId> Blobs::droppable(UnixMillis now, std::chrono::milliseconds after,
                                     std::size_t limit) const {
  std::vector<BlobId> out;
  for_each([&](const BlobInfo& blob) {
    if (may_drop(blob.id, now, after)) out.push_back(blob.id);
    return out.size() < limit;
  });
  return out;
}

Result<bool> Blobs::drop(const BlobId& id, UnixMillis now, std::chrono::milliseconds after) {
  const std::lock_guard lock(writer_);
  if (!may_drop(id, now, after)) return false;
  Batch batch(database().scans(), true);
  erase_blob(batch, id);
  LT_TRY_VOID(write(batch));
  return true;
}

Result<std::size_t> Blobs::sweep(UnixMillis now, std::chrono::milliseconds after) {
  const std::lock_guard lock(writer_);
  std::vector<BlobId> unnamed;
  for_each([&](const BlobInfo& blob) {
    if (now - blob.since > after.count() && records(blob.id).empty()) unnamed.push_back(blob.id);
    return true;
  });
  Batch batch(database().scans(), true);
  for (const BlobId& id : unnamed) erase_blob(batch, id);
  for (BlobWant& want : wants(SIZE_MAX)) {
    constexpr auto kRelay = static_cast<std::uint8_t>(BlobReason::kRelay);
    if (!want.has(BlobReason::kRelay) || now - want.since <= after.count()) continue;
    want.reasons = static_cast<std::uint8_t>(want.reasons & ~kRelay);
    if (want.reasons == 0) {
      erase_want(batch, want.id);
    } else {
      put_want(batch, want);
    }
  }
  LT_TRY_VOID(write(batch));
  return unnamed.size();
}

}  // namespace lienthong::store
