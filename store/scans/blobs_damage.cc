// Scans that do not read back: found when somebody reads them or by a slow look through all of
// them, taken for what is not here, wanted again from whoever has them. docs/storage.md, "Scans".
#include <algorithm>

#include "store/scans/blobs_rows.h"

namespace lienthong::store {
namespace {

std::vector<Hash256> decode_proof(std::string_view bytes) {
  std::vector<Hash256> out;
  for (std::size_t at = 0; at + Hash256::kSize <= bytes.size(); at += Hash256::kSize)
    out.push_back(Hash256::from(as_bytes(bytes).subspan(at, Hash256::kSize)));
  return out;
}

}  // namespace

void Blobs::note_damage(const BlobId& id, std::uint32_t index) const {
  const std::lock_guard lock(damage_);
  damaged_[id].insert(index);
}

// nullopt also where it cannot be read, or is not what the name says: then that is noted.
std::optional<HeldChunk> Blobs::read_chunk(const BlobId& id, std::uint32_t index) const {
  std::optional<HeldChunk> chunk;
  bool held = false;
  try {
    const auto found = row(id);
    if (!found || index >= chunk_count(found->size)) return std::nullopt;
    held = found->complete();
    const auto bytes = get(blob_key::chunk(found->number, index));
    const auto proof = get(blob_key::proof(found->number, index));
    if (!bytes || !proof) {
      if (!held) {
        const auto map = map_of(*found);
        held = map && map->has(index);
      }
      if (held) note_damage(id, index);
      return std::nullopt;
    }
    chunk.emplace();
    chunk->size = found->size;
    chunk->bytes = to_bytes(as_bytes(*bytes));
    chunk->proof = decode_proof(*proof);
  } catch (const std::exception&) {  // what was read says nothing of what is there
    note_damage(id, index);
    return std::nullopt;
  }
  if (verify_chunk(replica_.root(), id, chunk->size, index, chunk->bytes, chunk->proof).ok())
    return chunk;
  note_damage(id, index);
  return std::nullopt;
}

bool Blobs::has_damage() const {
  const std::lock_guard lock(damage_);
  return !damaged_.empty();
}

// Chunks that do not read back are here no longer; of a file whose own rows cannot be read nothing
// is.
Result<std::vector<BlobId>> Blobs::give_up_damaged(UnixMillis now) {
  std::map<BlobId, std::set<std::uint32_t>> found;
  {
    const std::lock_guard lock(damage_);
    found.swap(damaged_);
  }
  std::vector<BlobId> out;
  const std::lock_guard lock(writer_);
  for (const auto& [id, chunks] : found) {
    Batch batch(database().scans(), true);
    std::optional<Row> row;
    std::optional<ChunkMap> map;
    try {
      row = this->row(id);
      map = row ? map_of(*row) : std::nullopt;
    } catch (const std::exception&) {
      row.reset();
      batch.erase(blob_key::blob(id));
    }
    if (row) {
      ChunkMap left(chunk_count(row->size));
      for (std::uint32_t index = 0; index < left.count(); ++index) {
        if (chunks.contains(index)) {
          batch.erase(blob_key::chunk(row->number, index));
          batch.erase(blob_key::proof(row->number, index));
        } else if (map && map->has(index)) {
          left.set(index);
        }
      }
      row->held = left.held();
      batch.put(blob_key::map(row->number), left.bits());
      put_row(batch, id, *row);
    }
    batch.put(blob_key::damaged(id), encode_number(static_cast<std::uint64_t>(now)));
    constexpr auto kDemand = static_cast<std::uint8_t>(BlobReason::kDemand);
    BlobWant want = find_want(id).value_or(BlobWant{id, 0, now, 0});
    want.reasons = static_cast<std::uint8_t>(want.reasons | kDemand);
    put_want(batch, want);
    LT_TRY_VOID(write(batch));
    out.push_back(id);
  }
  return out;
}

std::vector<DamagedBlob> Blobs::damaged(std::size_t limit) const {
  std::vector<DamagedBlob> out;
  scan("d", [&](std::string_view key, std::string_view value) {
    out.push_back(
        {BlobId::from(as_bytes(key.substr(1))), static_cast<UnixMillis>(decode_number(value))});
    return out.size() < limit;
  });
  return out;
}

// Files in the order of their names, each from its first chunk on.
void Blobs::look_through(BlobPlace& place, std::uint32_t chunks) const {
  while (chunks > 0) {
    std::optional<BlobInfo> next;
    scan_from("b", blob_key::blob(place.id), [&](std::string_view key, std::string_view value) {
      next = info(BlobId::from(as_bytes(key.substr(1))), Row::decode(value));
      return false;
    });
    if (!next) {
      place = BlobPlace();  // from the beginning, the next time
      return;
    }
    if (next->id != place.id) place = {next->id, 0};
    const auto map = held(next->id);
    for (; chunks > 0 && place.chunk < next->chunks; ++place.chunk, --chunks)
      if (map && map->has(place.chunk)) (void)read_chunk(next->id, place.chunk);
    if (place.chunk < next->chunks) return;
    place = {after(next->id), 0};
    if (place.id.is_zero()) return;
  }
}

BlobId Blobs::after(const BlobId& id) {
  BlobId out = id;
  for (std::size_t i = BlobId::kSize; i-- > 0;)
    if (++out.bytes[i] != 0) break;
  return out;
}

}  // namespace lienthong::store
