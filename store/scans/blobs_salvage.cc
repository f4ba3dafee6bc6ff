#include "store/scans/blobs_salvage.h"

#include <algorithm>
#include <exception>

#include "store/scans/blobs_rows.h"

namespace lienthong::store {

class BlobSalvage {
 public:
  BlobSalvage(const ScanRows& from, const Replica& to)
      : from_(from), to_(to), database_(RawReplica(to).database()) {}

  Result<std::uint64_t> run() {
    // Files that nobody else is known to hold come first, for there may not be room for all.
    for (const bool only_here : {true, false}) {
      from_.scan("b", [&](std::string_view key, std::string_view value) {
        if (!written_.ok() || key.size() != 1 + BlobId::kSize) return;
        if (const auto row = decode(value); row && row->holders.empty() == only_here)
          take(BlobId::from(as_bytes(key.substr(1))), *row);
      });
    }
    from_.scan("w", [this](std::string_view key, std::string_view value) { put(key, value); });
    put(blob_key::kNumbers, encode_number(numbers_));
    write();
    if (!written_.ok()) return written_.error();
    return missing_;
  }

 private:
  static std::optional<Blobs::Row> decode(std::string_view value) {
    try {
      return Blobs::Row::decode(value);
    } catch (const std::exception&) {
      return std::nullopt;
    }
  }

  void take(const BlobId& id, Blobs::Row row) {
    numbers_ = std::max(numbers_, row.number);
    const std::uint32_t had = row.held;
    ChunkMap map(chunk_count(row.size));
    for (std::uint32_t index = 0; index < map.count() && written_.ok(); ++index)
      if (take_chunk(id, row, index)) map.set(index);
    if (map.held() < had) ++missing_;
    if (map.held() == 0) return;
    row.held = map.held();
    put(blob_key::map(row.number), as_text(map.bits()));
    put(blob_key::blob(id), row.encode());
    if (!row.complete()) return;
    from_.scan(blob_key::of('g', id),
               [this](std::string_view key, std::string_view value) { put(key, value); });
  }

  bool take_chunk(const BlobId& id, const Blobs::Row& row, std::uint32_t index) {
    const auto bytes = from_.get(blob_key::chunk(row.number, index));
    const auto proof = bytes ? from_.get(blob_key::proof(row.number, index)) : std::nullopt;
    if (!bytes || !proof) return false;
    std::vector<Hash256> path;
    for (std::size_t at = 0; at + Hash256::kSize <= proof->size(); at += Hash256::kSize)
      path.push_back(Hash256::from(as_bytes(*proof).subspan(at, Hash256::kSize)));
    if (!verify_chunk(to_.root(), id, row.size, index, as_bytes(*bytes), path).ok()) return false;
    const auto room = to_.free_bytes();
    if (room && *room < kBlobRoomMin + bytes->size()) return false;
    put(blob_key::chunk(row.number, index), *bytes);
    put(blob_key::proof(row.number, index), *proof);
    if (bytes_ > (1U << 20)) write();
    return true;
  }

  void put(std::string_view key, std::string_view value) {
    bytes_ += key.size() + value.size();
    batch_.Put(database_.scans(), rocksdb::Slice(key.data(), key.size()),
               rocksdb::Slice(value.data(), value.size()));
  }

  void write() {
    if (written_.ok()) written_ = database_.write(batch_, Sync::kNo);
    batch_.Clear();
    bytes_ = 0;
  }

  const ScanRows& from_;
  const Replica& to_;
  Database& database_;
  rocksdb::WriteBatch batch_;
  std::size_t bytes_ = 0;
  Result<void> written_;
  std::uint64_t numbers_ = 0, missing_ = 0;
};

Result<std::uint64_t> salvage_scans(const ScanRows& from, const Replica& to) {
  return BlobSalvage(from, to).run();
}

}  // namespace lienthong::store
