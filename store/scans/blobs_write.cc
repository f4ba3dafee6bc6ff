// Scans: chunks in and out, uploads, wishes.
#include <algorithm>

#include "store/scans/blobs_rows.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kProofBatch = 1024;

std::string proof_bytes(const std::vector<Hash256>& proof) {
  std::string out;
  for (const Hash256& hash : proof) out.append(as_text(hash.view()));
  return out;
}

}  // namespace

std::uint64_t Blobs::next_number(Batch& batch) {
  batch.put(blob_key::kNumbers, encode_number(++numbers_));
  return numbers_;
}

void Blobs::put_row(Batch& batch, const BlobId& id, const Row& row) {
  batch.put(blob_key::blob(id), row.encode());
  batch.rows[id] = row;
  if (row.complete() && get(blob_key::damaged(id))) batch.erase(blob_key::damaged(id));
}

void Blobs::erase_blob(Batch& batch, const BlobId& id) {
  const auto before = row(id);
  if (!before) return;
  batch.erase(blob_key::blob(id));
  batch.erase(blob_key::map(before->number));
  batch.erase(blob_key::damaged(id));
  batch.freed.push_back(before->number);
  batch.rows[id] = std::nullopt;
  scan(blob_key::of('g', id), [&batch](std::string_view key, std::string_view) {
    batch.erase(std::string(key));
    return true;
  });
}

void Blobs::put_want(Batch& batch, const BlobWant& want) {
  ByteWriter out;
  out.u8(want.reasons);
  out.u64(static_cast<std::uint64_t>(want.since));
  batch.put(blob_key::wanted(want.id), out.bytes());
  batch.wants[want.id] = want;
}

void Blobs::erase_want(Batch& batch, const BlobId& id) {
  batch.erase(blob_key::wanted(id));
  batch.wants[id] = std::nullopt;
}

// With `writer_` held, or before anybody else has this.
Result<void> Blobs::write(Batch& batch) {
  for (const std::uint64_t number : batch.freed)
    erase_chunks(batch.writes(), database().scans(), number);
  if (batch.empty()) return {};
  BlobCounts change;  // modulo 2^64
  const auto count = [&change](const Row& row, std::uint64_t sign) {
    change.files += row.complete() ? sign : 0;
    change.partial += row.complete() ? 0 : sign;
    change.bytes += sign * row.held_bytes();
    change.only_here += row.complete() && row.holders.empty() ? sign : 0;
  };
  for (const auto& [id, after] : batch.rows) {
    if (const auto before = row(id)) count(*before, ~std::uint64_t{0});
    if (after) count(*after, 1);
  }
  for (const auto& [id, after] : batch.wants) {
    if (get(blob_key::wanted(id))) --change.wanted;
    if (after) ++change.wanted;
  }
  LT_TRY_VOID(database().write(batch.writes(), batch.synced() ? Sync::kYes : Sync::kNo));
  const std::lock_guard lock(counting_);
  counts_.files += change.files;
  counts_.partial += change.partial;
  counts_.bytes += change.bytes;
  counts_.only_here += change.only_here;
  counts_.wanted += change.wanted;
  return {};
}

Result<void> Blobs::check_room() const {
  const auto room = replica_.free_bytes();
  if (!room || *room >= kBlobRoomMin) return {};
  return Error(Errc::kDiskFull, "less than " + std::to_string(kBlobRoomMin >> 20) +
                                    " MiB are free, and those are for records");
}

Result<bool> Blobs::put_chunk(const BlobId& id, std::uint32_t index, const HeldChunk& chunk,
                              UnixMillis now, const RecordId& under) {
  LT_TRY_VOID(check_room());
  const std::lock_guard lock(writer_);
  Batch batch(database().scans(), true);
  auto found = row(id);
  if (!found) {
    found.emplace();
    found->number = next_number(batch);
    found->size = chunk.size;
    found->since = now;
    found->under = under;
  }
  auto map = map_of(*found).value_or(ChunkMap(chunk_count(found->size)));
  if (index >= map.count() || map.has(index)) return found->complete();
  map.set(index);
  found->held = map.held();
  if (found->under != under) found->under = RecordId{};
  batch.put(blob_key::chunk(found->number, index), chunk.bytes);
  batch.put(blob_key::proof(found->number, index), proof_bytes(chunk.proof));
  batch.put(blob_key::map(found->number), map.bits());
  put_row(batch, id, *found);
  if (found->complete()) erase_want(batch, id);
  if (found->complete() && !found->under.is_zero())
    batch.put(blob_key::shown(id, found->under), std::string_view());
  LT_TRY_VOID(write(batch));
  return found->complete();
}

Result<void> Blobs::note_shown(const BlobId& id, const RecordId& under) {
  const std::lock_guard lock(writer_);
  const auto found = row(id);
  if (!found || !found->complete()) return {};
  Batch batch(database().scans(), true);
  batch.put(blob_key::shown(id, under), std::string_view());
  return write(batch);
}

Result<void> Blobs::want(const BlobId& id, BlobReason reason, UnixMillis now) {
  const std::lock_guard lock(writer_);
  if (const auto found = row(id); found && found->complete()) return {};
  BlobWant want = find_want(id).value_or(BlobWant{id, 0, now, 0});
  if (want.has(reason)) return {};
  want.reasons = static_cast<std::uint8_t>(want.reasons | static_cast<std::uint8_t>(reason));
  Batch batch(database().scans(), true);
  put_want(batch, want);
  return write(batch);
}

Result<void> Blobs::note_holder(const BlobId& id, const BlobHolder& holder) {
  const std::lock_guard lock(writer_);
  auto found = row(id);
  if (!found || std::ranges::count(found->holders, holder) != 0 ||
      found->holders.size() >= kBlobHolderCountMax)
    return {};
  found->holders.push_back(holder);
  Batch batch(database().scans(), true);
  put_row(batch, id, *found);
  return write(batch);
}

// ---- uploads ----

Result<BlobUpload> Blobs::begin_upload() {
  const std::lock_guard lock(writer_);
  Batch batch(database().scans(), false);
  const std::uint64_t number = next_number(batch);
  batch.put(blob_key::upload(number), std::string_view());
  LT_TRY_VOID(write(batch));
  return BlobUpload(*this, number, replica_.root());
}

BlobUpload::BlobUpload(Blobs& blobs, std::uint64_t number, const RootFingerprint& root)
    : blobs_(&blobs), number_(number), root_(root), hasher_(root) {}

Result<void> BlobUpload::add(ByteView bytes) {
  LT_TRY_VOID(blobs_->check_room());
  Blobs::Batch batch(blobs_->database().scans(), false);
  const auto keep = [&](std::uint32_t index, ByteView chunk) {
    batch.put(blob_key::chunk(number_, index), chunk);
  };
  LT_TRY_VOID(hasher_.add(bytes, keep));
  return blobs_->write(batch);  // touches this number alone
}

Result<BlobInfo> BlobUpload::finish(UnixMillis now) {
  rocksdb::ColumnFamilyHandle* family = blobs_->database().scans();
  Blobs::Batch last(family, true);
  LT_TRY(const ChunkTree tree, hasher_.finish([&](std::uint32_t index, ByteView chunk) {
    last.put(blob_key::chunk(number_, index), chunk);
  }));
  for (std::uint32_t index = 0; index < tree.count();) {
    Blobs::Batch proofs(family, false);
    for (std::size_t i = 0; i < kProofBatch && index < tree.count(); ++i, ++index)
      proofs.put(blob_key::proof(number_, index), proof_bytes(tree.proof(index)));
    LT_TRY_VOID(blobs_->write(proofs));
  }
  const std::lock_guard lock(blobs_->writer_);
  const auto before = blobs_->row(tree.id());
  if (before && before->complete()) {
    Blobs::Batch batch(family, true);
    batch.freed.push_back(number_);
    batch.erase(blob_key::upload(number_));
    LT_TRY_VOID(blobs_->write(batch));
    return blobs_->info(tree.id(), *before);
  }
  if (before) {  // some of it came from elsewhere
    last.erase(blob_key::map(before->number));
    last.freed.push_back(before->number);
  }
  Blobs::Row row;
  row.number = number_;
  row.size = tree.size();
  row.held = tree.count();
  row.since = before ? before->since : now;
  if (before) row.holders = before->holders;
  ChunkMap map(tree.count());
  for (std::uint32_t i = 0; i < tree.count(); ++i) map.set(i);
  last.put(blob_key::map(number_), map.bits());
  last.erase(blob_key::upload(number_));
  blobs_->put_row(last, tree.id(), row);
  if (blobs_->find_want(tree.id())) blobs_->erase_want(last, tree.id());
  LT_TRY_VOID(blobs_->write(last));
  return blobs_->info(tree.id(), row);
}

Result<void> BlobUpload::abandon() {
  Blobs::Batch batch(blobs_->database().scans(), false);
  batch.freed.push_back(number_);
  batch.erase(blob_key::upload(number_));
  return blobs_->write(batch);
}

}  // namespace lienthong::store
