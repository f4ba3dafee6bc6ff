#include "store/scans/blobs.h"

#include <algorithm>
#include <stdexcept>

#include "store/scans/blobs_rows.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kRowBytesMax = 64 * 1024;

// Our own rows: one that does not decode is a bug or a broken disk.
template <class T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error("stored scan: " + result.error().message());
  return *std::move(result);
}

}  // namespace

std::string Blobs::Row::encode() const {
  ByteWriter out;
  out.varint(number);
  out.varint(size);
  out.varint(held);
  out.u64(static_cast<std::uint64_t>(since));
  out.varint(holders.size());
  for (const BlobHolder& holder : holders) {
    out.raw(holder.node.view());
    out.raw(holder.agency.view());
  }
  out.raw(under.view());
  return std::string(as_text(out.bytes()));
}

Blobs::Row Blobs::Row::decode(std::string_view bytes) {
  if (bytes.size() > kRowBytesMax) throw std::runtime_error("stored scan: too large");
  ByteReader in(as_bytes(bytes));
  Row row;
  row.number = must(in.varint());
  row.size = must(in.varint());
  row.held = static_cast<std::uint32_t>(must(in.varint()));
  row.since = static_cast<UnixMillis>(must(in.u64()));
  const std::uint64_t count = must(in.varint());
  for (std::uint64_t i = 0; i < count; ++i) {
    BlobHolder holder;
    holder.node.bytes = must(in.array<32>());
    holder.agency.bytes = must(in.array<32>());
    row.holders.push_back(holder);
  }
  row.under.bytes = must(in.array<32>());
  if (row.size < 1 || row.size > kBlobBytesMax)
    throw std::runtime_error("stored scan: length out of range");
  return row;
}

Blobs::Blobs(const Replica& replica) : replica_(replica) {}
Blobs::~Blobs() = default;

Database& Blobs::database() const { return RawReplica(replica_).database(); }

Result<std::unique_ptr<Blobs>> Blobs::open(const Replica& replica) {
  auto blobs = std::unique_ptr<Blobs>(new Blobs(replica));
  try {
    LT_TRY_VOID(blobs->load());
  } catch (const std::exception& problem) {
    return Error(Errc::kCorrupt, problem.what());
  }
  return blobs;
}

Result<void> Blobs::load() {
  if (const auto value = get(blob_key::kNumbers)) numbers_ = decode_number(*value);
  if (const auto value = get(blob_key::kIndexed)) indexed_ = decode_number(*value);
  for_each([this](const BlobInfo& blob) {
    if (blob.complete()) {
      ++counts_.files;
      if (blob.holders.empty()) ++counts_.only_here;
    } else {
      ++counts_.partial;
    }
    counts_.bytes += blob.held_bytes;
    return true;
  });
  scan("w", [this](std::string_view, std::string_view) {
    ++counts_.wanted;
    return true;
  });
  Batch batch(database().scans(), true);
  scan("u", [&](std::string_view key, std::string_view) {
    batch.freed.push_back(decode_number(key.substr(1)));
    batch.erase(std::string(key));
    return true;
  });
  return write(batch);
}

std::optional<std::string> Blobs::get(const std::string& key) const {
  std::string value;
  const auto status = database().db().Get(rocksdb::ReadOptions(), database().scans(), key, &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) throw std::runtime_error("read of scans: " + status.ToString());
  return value;
}

void Blobs::scan(const std::string& prefix,
                 const std::function<bool(std::string_view, std::string_view)>& visit) const {
  scan_from(prefix, prefix, visit);
}

void Blobs::scan_from(const std::string& prefix, const std::string& from,
                      const std::function<bool(std::string_view, std::string_view)>& visit) const {
  const std::unique_ptr<rocksdb::Iterator> at(
      database().db().NewIterator(rocksdb::ReadOptions(), database().scans()));
  for (at->Seek(from); at->Valid() && at->key().starts_with(prefix); at->Next()) {
    if (!visit({at->key().data(), at->key().size()}, {at->value().data(), at->value().size()}))
      return;
  }
  if (!at->status().ok()) throw std::runtime_error("read of scans: " + at->status().ToString());
}

std::optional<Blobs::Row> Blobs::row(const BlobId& id) const {
  const auto value = get(blob_key::blob(id));
  return value ? std::optional(Row::decode(*value)) : std::nullopt;
}

std::optional<ChunkMap> Blobs::map_of(const Row& row) const {
  const auto value = get(blob_key::map(row.number));
  if (!value) return std::nullopt;
  return must(ChunkMap::decode(chunk_count(row.size), as_bytes(*value)));
}

BlobInfo Blobs::info(const BlobId& id, const Row& row) const {
  BlobInfo out;
  out.id = id;
  out.size = row.size;
  out.chunks = chunk_count(row.size);
  out.held = row.held;
  out.held_bytes = row.held_bytes();
  out.since = row.since;
  out.holders = row.holders;
  return out;
}

// ---- BlobView ----

// The file must have come with that very record: who names another office's digest in a record of
// his own has not given it to anybody.
BlobEnd Blobs::may_read(const AgencyId& reader, const BlobId& id, const RecordId& under) const {
  const auto named = get(blob_key::name(id, under));
  const auto record = named ? replica_.find_record(under) : std::nullopt;
  if (!record) return BlobEnd::kNoRight;
  const RecordState& state = record->state;
  if (!std::ranges::binary_search(replica_.audience_of(state), reader) ||
      is_inert(state, UpdateId::from(as_bytes(*named))))
    return BlobEnd::kNoRight;
  if (!state.erased_by.is_zero()) return BlobEnd::kErased;
  return came_with(id, under) ? BlobEnd::kSent : BlobEnd::kNotHere;
}

bool Blobs::came_with(const BlobId& id, const RecordId& under) const {
  if (get(blob_key::shown(id, under))) return true;
  const auto named = get(blob_key::name(id, under));
  const auto update = named ? replica_.find_update(UpdateId::from(as_bytes(*named))) : std::nullopt;
  return update && update->agency == replica_.identity().agency;
}

// First one in which that agency was the first to name it: it had the bytes.
std::optional<RecordId> Blobs::asked_under(const AgencyId& peer, const BlobId& id,
                                           const std::set<RecordId>& refused) const {
  std::optional<RecordId> found;
  const AgencyId& ours = replica_.identity().agency;
  for (const RecordId& record : records(id)) {
    const auto entry = refused.contains(record) ? std::nullopt : replica_.find_record(record);
    if (!entry || !entry->state.erased_by.is_zero()) continue;
    const auto members = replica_.audience_of(entry->state);
    if (!std::ranges::binary_search(members, peer) || !std::ranges::binary_search(members, ours))
      continue;
    const auto named = get(blob_key::name(id, record));
    const auto update =
        named ? replica_.find_update(UpdateId::from(as_bytes(*named))) : std::nullopt;
    if (update && update->agency == peer) return record;
    if (!found) found = record;
  }
  return found;
}

std::optional<std::uint64_t> Blobs::held_size(const BlobId& id) const {
  const auto found = row(id);
  return found ? std::optional(found->size) : std::nullopt;
}

// ---- looking ----

std::optional<BlobInfo> Blobs::find(const BlobId& id) const {
  const auto found = row(id);
  return found ? std::optional(info(id, *found)) : std::nullopt;
}

std::optional<ChunkMap> Blobs::held(const BlobId& id) const {
  const auto found = row(id);
  return found ? map_of(*found) : std::nullopt;
}

std::vector<RecordId> Blobs::records(const BlobId& id) const {
  std::vector<RecordId> out;
  scan(blob_key::of('n', id), [&out](std::string_view key, std::string_view) {
    out.push_back(RecordId::from(as_bytes(key.substr(1 + 32))));
    return out.size() < kBlobNameCountMax;
  });
  return out;
}

std::vector<BlobId> Blobs::named_by(const RecordId& id) const {
  std::vector<BlobId> out;
  scan(blob_key::of('r', id), [&out](std::string_view key, std::string_view) {
    out.push_back(BlobId::from(as_bytes(key.substr(1 + 32))));
    return true;
  });
  return out;
}

std::vector<AgencyId> Blobs::readers(const BlobId& id) const {
  std::vector<AgencyId> out;
  for (const RecordId& record : records(id)) {
    const auto entry = replica_.find_record(record);
    if (!entry || !entry->state.erased_by.is_zero()) continue;
    for (const AgencyId& agency : replica_.audience_of(entry->state)) out.push_back(agency);
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool Blobs::is_reader(const AgencyId& agency, const RecordId& record) const {
  const auto entry = replica_.find_record(record);
  return entry && std::ranges::binary_search(replica_.audience_of(entry->state), agency);
}

std::vector<AgencyId> Blobs::origins(const BlobId& id) const {
  std::vector<AgencyId> out;
  for (const RecordId& record : records(id)) {
    const auto entry = replica_.find_record(record);
    if (entry && !std::ranges::count(out, entry->state.origin)) out.push_back(entry->state.origin);
  }
  return out;
}

std::uint64_t Blobs::named_size(const BlobId& id) const {
  for (const RecordId& record : records(id)) {
    const auto value = get(blob_key::named(record, id));
    if (value) return decode_number(*value);
  }
  return 0;
}

std::optional<BlobWant> Blobs::find_want(const BlobId& id) const {
  const auto value = get(blob_key::wanted(id));
  if (!value) return std::nullopt;
  ByteReader in(as_bytes(*value));
  BlobWant want;
  want.id = id;
  want.reasons = must(in.u8());
  want.since = static_cast<UnixMillis>(must(in.u64()));
  want.size = named_size(id);
  return want;
}

std::vector<BlobWant> Blobs::wants(std::size_t limit) const {
  std::vector<BlobId> ids;
  scan("w", [&](std::string_view key, std::string_view) {
    ids.push_back(BlobId::from(as_bytes(key.substr(1))));
    return ids.size() < limit;
  });
  std::vector<BlobWant> out;
  for (const BlobId& id : ids)
    if (auto want = find_want(id)) out.push_back(*std::move(want));
  return out;
}

BlobCounts Blobs::counts() const {
  const std::lock_guard lock(counting_);
  return counts_;
}

std::uint64_t Blobs::caught_up() const {
  const std::lock_guard lock(counting_);
  return indexed_;
}

std::uint64_t Blobs::disk_bytes() const {
  std::uint64_t bytes = 0;
  std::uint64_t part = 0;
  for (const char* property : {"rocksdb.total-sst-files-size", "rocksdb.total-blob-file-size"})
    if (database().db().GetIntProperty(database().scans(), property, &part)) bytes += part;
  return bytes;
}

void Blobs::for_each(const std::function<bool(const BlobInfo&)>& visit) const {
  scan("b", [&](std::string_view key, std::string_view value) {
    return visit(info(BlobId::from(as_bytes(key.substr(1))), Row::decode(value)));
  });
}

std::vector<NamedBlob> named_blobs(const FieldValue& components) {
  std::vector<NamedBlob> out;
  const auto* bytes = std::get_if<Bytes>(&components);
  if (bytes == nullptr) return out;
  const auto items = wire::decode_components(*bytes);
  if (!items.ok()) return out;
  for (const wire::Component& item : *items)
    if (const auto id = blob_from_text(item.digest)) out.push_back({*id, item});
  return out;
}

}  // namespace lienthong::store
