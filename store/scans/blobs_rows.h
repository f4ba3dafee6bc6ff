// Keys and rows of the column family "scans"; private to blobs*.cc. On disk: never change their
// meaning. docs/storage.md, "Scans".
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>

#include "protocol/base/bytes.h"
#include "protocol/record/fold.h"
#include "store/replica/raw.h"
#include "store/replica/reads.h"
#include "store/scans/blobs.h"

namespace lienthong::store {

// Whether an update counts for nothing in the state, so that what it names is not named.
inline bool is_inert(const RecordState& state, const UpdateId& id) {
  return std::ranges::binary_search(state.inert, id, {}, &InertEntry::id);
}

struct Blobs::Row {
  std::uint64_t number = 0;  // names its chunks
  std::uint64_t size = 0;
  std::uint32_t held = 0;
  UnixMillis since = 0;
  std::vector<BlobHolder> holders;
  RecordId under;  // all chunks so far were given as a file of it; zero: not of one

  bool complete() const { return held == chunk_count(size); }
  std::uint64_t held_bytes() const {  // the last chunk may be shorter
    return complete() ? size : std::min<std::uint64_t>(size, std::uint64_t{held} * kChunkBytes);
  }
  std::string encode() const;
  static Row decode(std::string_view bytes);
};

// What one call writes, with what it does to the counts once it is written.
class Blobs::Batch {
 public:
  Batch(rocksdb::ColumnFamilyHandle* family, bool synced) : family_(family), synced_(synced) {}
  void put(const std::string& key, std::string_view value) {
    batch_.Put(family_, key, rocksdb::Slice(value.data(), value.size()));
  }
  void put(const std::string& key, ByteView value) { put(key, as_text(value)); }
  void erase(const std::string& key) { batch_.Delete(family_, key); }
  void erase_range(const std::string& begin, const std::string& end) {
    batch_.DeleteRange(family_, begin, end);
  }
  bool empty() const { return batch_.Count() == 0; }
  rocksdb::WriteBatch& writes() { return batch_; }
  bool synced() const { return synced_; }
  // Written rows of this batch, so that later steps of it see them.
  std::map<BlobId, std::optional<Row>> rows;
  std::map<BlobId, std::optional<BlobWant>> wants;
  std::vector<std::uint64_t> freed;  // numbers whose chunks are gone

 private:
  rocksdb::ColumnFamilyHandle* family_;
  bool synced_;
  rocksdb::WriteBatch batch_;
};

namespace blob_key {

inline std::string big_endian(std::uint64_t value, unsigned size) {
  std::string out(size, '\0');
  for (unsigned i = 0; i < size; ++i)
    out[i] = static_cast<char>(static_cast<std::uint8_t>(value >> (8 * (size - 1 - i))));
  return out;
}
template <class Tag>
std::string of(char kind, const Id<Tag>& id) {
  return std::string(1, kind).append(as_text(id.view()));
}
inline std::string blob(const BlobId& id) { return of('b', id); }     // → Row
inline std::string wanted(const BlobId& id) { return of('w', id); }   // → reasons, since
inline std::string damaged(const BlobId& id) { return of('d', id); }  // → since when
inline std::string name(const BlobId& id, const RecordId& record) {   // → update that names it
  return of('n', id).append(as_text(record.view()));
}
inline std::string named(const RecordId& record, const BlobId& id) {  // → length as the record says
  return of('r', record).append(as_text(id.view()));
}
inline std::string shown(const BlobId& id, const RecordId& record) {  // → nothing: see came_with()
  return of('g', id).append(as_text(record.view()));
}
inline std::string map(std::uint64_t number) { return "m" + big_endian(number, 8); }  // → ChunkMap
inline std::string upload(std::uint64_t number) { return "u" + big_endian(number, 8); }
inline std::string chunk(std::uint64_t number, std::uint32_t index) {
  return "c" + big_endian(number, 8) + big_endian(index, 4);
}
inline std::string proof(std::uint64_t number, std::uint32_t index) {
  return "p" + big_endian(number, 8) + big_endian(index, 4);
}
inline const std::string kNumbers = "xnumbers";  // → last number used
inline const std::string kIndexed = "xindexed";  // → last update taken in

}  // namespace blob_key

// All chunks and proofs under that number.
inline void erase_chunks(rocksdb::WriteBatch& batch, rocksdb::ColumnFamilyHandle* family,
                         std::uint64_t number) {
  batch.DeleteRange(family, blob_key::chunk(number, 0), blob_key::chunk(number + 1, 0));
  batch.DeleteRange(family, blob_key::proof(number, 0), blob_key::proof(number + 1, 0));
}

}  // namespace lienthong::store
