#include "store/replica/erasures.h"

#include <rocksdb/db.h>

#include <algorithm>

#include "store/replica/local_names.h"
#include "store/replica/raw.h"

namespace lienthong::store {
namespace {

rocksdb::CompactRangeOptions to_the_bottom() {
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  // Without this a file at the bottom in which nothing newer lies is left as it is.
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  return options;
}

// Of one record: an update's row was written anew where it stood.
rocksdb::Status rewrite_updates(const Database& database, std::vector<std::uint64_t> numbers) {
  std::ranges::sort(numbers);
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t end = i + 1;
    while (end < numbers.size() && numbers[end] - numbers[end - 1] < 64) ++end;
    const std::string first = key::update(numbers[i]), last = key::update(numbers[end - 1] + 1);
    const rocksdb::Slice from(first), to(last);
    const auto status =
        database.db().CompactRange(to_the_bottom(), database.family_of(first), &from, &to);
    if (!status.ok()) return status;
    i = end;
  }
  return rocksdb::Status::OK();
}

rocksdb::Status rewrite(const Replica& replica, const Database& database,
                        const std::vector<RecordId>& records) {
  rocksdb::DB& db = database.db();
  rocksdb::ColumnFamilyHandle* const main = database.family_of("R");
  rocksdb::ColumnFamilyHandle* const updates = database.family_of(key::update(1));
  // Tables first, so that the logs of before are of no more use and go.
  auto status = db.Flush({}, {main, updates, database.scans()});
  for (const RecordId& record : records)
    if (const auto entry = replica.find_record(record); entry && status.ok())
      status = rewrite_updates(database, entry->updates);
  if (status.ok()) status = db.CompactRange(to_the_bottom(), main, nullptr, nullptr);
  if (!status.ok()) return status;
  auto scans = to_the_bottom();
  scans.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
  scans.blob_garbage_collection_age_cutoff = 1.0;
  return db.CompactRange(scans, database.scans(), nullptr, nullptr);
}

}  // namespace

std::vector<RecordId> erased_to_clear(const Replica& replica, UnixMillis until) {
  std::vector<RecordId> out;
  for (const auto& [name, value] : replica.local_values(local::kErased)) {
    const ByteView id = as_bytes(name).subspan(local::kErased.size());
    if (id.size() != RecordId::kSize || value.size() != 8) continue;
    if (static_cast<UnixMillis>(decode_number(as_text(value))) < until)
      out.push_back(RecordId::from(id));
  }
  return out;
}

Result<void> clear_erased(const Replica& replica, const std::vector<RecordId>& records) {
  const Database& database = RawReplica(replica).database();
  std::uint64_t snapshots = 0;
  database.db().GetIntProperty("rocksdb.num-snapshots", &snapshots);
  if (snapshots > 0) return Error(Errc::kBusy, "somebody reads an older state of the database");
  const auto status = rewrite(replica, database, records);
  return status.ok() ? Result<void>() : Result<void>(to_error(status, database.path()));
}

void note_cleared(Transaction& transaction, const std::vector<RecordId>& records) {
  for (const RecordId& record : records)
    transaction.set_local_value(std::string(local::kErased) + std::string(as_text(record.view())),
                                std::nullopt);
}

}  // namespace lienthong::store
