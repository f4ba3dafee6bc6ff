#include "store/replica/database_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <cstdarg>
#include <filesystem>
#include <iterator>

namespace lienthong::store {
namespace {

// RocksDB's own log would lie beside the data. A line that does not fit on a full or read-only disk
// ends the process where RocksDB is built with its assertions, as Debian builds it: its writer must
// not be used again after an error. What went wrong is in the status that each call returns, and in
// what a FailureNote hears.
class NoLog final : public rocksdb::Logger {
 public:
  NoLog() : Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

}  // namespace

// For 24 MB resident with 20,000 dossiers: one small cache with index and filter blocks inside, two
// small write buffers, few open files (docs/storage.md, "Memory").
rocksdb::Options small_machine_options(rocksdb::Env* env, bool create) {
  rocksdb::Options options;
  if (env != nullptr) options.env = env;
  options.create_if_missing = create;
  options.write_buffer_size = 2U << 20;
  options.max_write_buffer_number = 2;
  // A batch is sorted: each kind of rows goes on from where it was last put. Most look-ups by id
  // are for something that is not there.
  options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(1));
  options.memtable_prefix_bloom_size_ratio = 0.05;
  options.memtable_whole_key_filtering = true;
  options.max_open_files = 64;
  options.table_cache_numshardbits = 0;  // of 64 shards each would keep one file open
  options.max_background_jobs = 2;
  options.max_total_wal_size = 8U << 20;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.writable_file_max_buffer_size = 128U << 10;  // of each file that is being written
  options.info_log = std::make_shared<NoLog>();
  options.level_compaction_dynamic_level_bytes = true;
  options.compression = rocksdb::kLZ4Compression;
  // A file of level 0 spans all kinds of rows, so it is merged with the whole level below: that one
  // must be small.
  options.level0_file_num_compaction_trigger = 8;
  options.max_bytes_for_level_base = 32U << 20;
  options.target_file_size_base = 16U << 20;
  options.avoid_unnecessary_blocking_io = true;
  options.paranoid_checks = true;
  // What is read of a log is checked before (soundness.h); what is left to RocksDB is a torn end.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.write_dbid_to_manifest = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(4U << 20);
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = false;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

namespace {

// Scans: chunks of 64 KiB that rarely change, in files of their own and not compressed again.
rocksdb::ColumnFamilyOptions scan_options(const rocksdb::Options& main) {
  rocksdb::ColumnFamilyOptions options(main);
  options.memtable_insert_with_hint_prefix_extractor.reset();  // fails where ranges are deleted
  options.memtable_prefix_bloom_size_ratio = 0;
  options.write_buffer_size = 4U << 20;
  options.max_write_buffer_number = 2;
  options.enable_blob_files = true;
  options.min_blob_size = 1024;
  options.blob_file_size = 64U << 20;
  options.blob_compression_type = rocksdb::kNoCompression;
  options.enable_blob_garbage_collection = true;
  options.blob_garbage_collection_force_threshold = 0.5;
  return options;
}

// Updates, by ascending number: a file begins where the one before ended, so it moves down the
// levels as it is. Whoever asks for a number knows that it is there.
rocksdb::ColumnFamilyOptions update_options(const rocksdb::Options& main) {
  rocksdb::ColumnFamilyOptions options(main);
  auto table = *main.table_factory->GetOptions<rocksdb::BlockBasedTableOptions>();
  table.filter_policy.reset();
  table.block_size = 8U << 10;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

std::vector<rocksdb::ColumnFamilyDescriptor> families_of(const rocksdb::Options& options) {
  return {{rocksdb::kDefaultColumnFamilyName, options},
          {"scans", scan_options(options)},
          {"updates", update_options(options)}};
}

bool step_past_damage(rocksdb::Iterator& at, std::string_view prefix, const std::string& from) {
  for (std::size_t keep = from.size(); keep >= prefix.size(); --keep) {
    const unsigned begin = keep < from.size() ? static_cast<unsigned char>(from[keep]) + 1U : 0;
    std::string next = from.substr(0, keep);
    next.push_back('\0');
    for (unsigned byte = begin; byte <= 0xff; ++byte) {
      next.back() = static_cast<char>(byte);
      at.Seek(next);
      if (at.status().ok()) return true;
    }
    if (keep == 0) break;
  }
  return false;
}

rocksdb::Status look_at(const std::string& path, rocksdb::Env* env, LookedAt& out) {
  rocksdb::Options options = small_machine_options(env, false);
  options.wal_dir = std::filesystem::path(path).parent_path().string();  // no logs lie there
  if (options.wal_dir.empty()) options.wal_dir.assign(1, '.');
  std::vector<std::string> names;
  auto status = rocksdb::DB::ListColumnFamilies(options, path, &names);
  if (!status.ok()) return status;
  std::vector<rocksdb::ColumnFamilyDescriptor> there;
  const auto all = families_of(options);
  const auto is_there = [&](const rocksdb::ColumnFamilyDescriptor& family) {
    return std::ranges::find(names, family.name) != names.end();
  };
  std::ranges::copy_if(all, std::back_inserter(there), is_there);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  status = rocksdb::DB::OpenForReadOnly(options, path, there, &handles, &db);
  out.db.reset(db);
  if (!status.ok()) return status;
  auto next = handles.begin();
  for (const auto& family : all) out.families.emplace_back(is_there(family) ? *next++ : nullptr);
  return status;
}

}  // namespace lienthong::store
