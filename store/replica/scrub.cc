#include "store/replica/scrub.h"

#include <rocksdb/env.h>
#include <rocksdb/sst_file_reader.h>

#include <algorithm>

#include "protocol/base/bytes.h"
#include "store/replica/database_options.h"
#include "store/replica/raw.h"

namespace lienthong::store {
namespace {

constexpr std::string_view kRow = "scrub";

}  // namespace

std::vector<ScrubFile> files_to_scrub(const Replica& replica) {
  std::vector<rocksdb::LiveFileMetaData> live;
  RawReplica(replica).database().db().GetLiveFilesMetaData(&live);
  std::vector<ScrubFile> out;
  out.reserve(live.size());
  for (const auto& file : live) {
    const bool slash = file.name.starts_with('/');
    out.push_back({file.file_number, file.db_path + (slash ? "" : "/") + file.name, file.size});
  }
  std::ranges::sort(out, {}, &ScrubFile::number);
  return out;
}

Result<void> scrub_file(const Replica& replica, const ScrubFile& file) {
  Database& database = RawReplica(replica).database();
  rocksdb::Options options;
  options.env = database.db().GetEnv();
  rocksdb::SstFileReader reader(options);
  rocksdb::ReadOptions how;
  how.fill_cache = false;
  how.readahead_size = 256U << 10;
  auto status = reader.Open(file.path);
  if (status.ok()) status = reader.VerifyChecksum(how);
  if (status.ok()) return {};
  if (!options.env->FileExists(file.path).ok()) {
    const auto now = files_to_scrub(replica);
    if (std::ranges::find(now, file.number, &ScrubFile::number) == now.end()) return {};
    status = rocksdb::Status::Corruption(file.path, "is missing");
  }
  if (!status.IsCorruption() && !status.IsIOError())
    status = rocksdb::Status::Corruption(file.path, status.ToString());
  const Error why = to_error(status, file.path);
  if (status.IsCorruption()) database.note_damage(status);
  return why;
}

ScrubState scrub_state(const Replica& replica) {
  ScrubState out;
  const auto row = replica.local_value(kRow);
  if (!row) return out;
  ByteReader in(*row);
  const auto begun = in.u64(), finished = in.u64(), file = in.u64();
  if (!begun.ok() || !finished.ok() || !file.ok()) return out;
  out.begun = static_cast<UnixMillis>(*begun);
  out.finished = static_cast<UnixMillis>(*finished);
  out.file = *file;
  return out;
}

void note_scrub_state(Transaction& transaction, const ScrubState& state) {
  ByteWriter out;
  out.u64(static_cast<std::uint64_t>(state.begun));
  out.u64(static_cast<std::uint64_t>(state.finished));
  out.u64(state.file);
  const ByteView bytes = out.bytes();
  transaction.set_local_value(kRow, Bytes(bytes.begin(), bytes.end()));
}

}  // namespace lienthong::store
