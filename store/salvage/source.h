// What can be read of a damaged database: its files through RocksDB, repaired in a copy where
// RocksDB does not open them as they are, and over them what its logs say, read past what is
// damaged in them. Nothing in the damaged folder is changed. One thread at a time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/replica/database_options.h"
#include "store/replica/soundness.h"
#include "store/salvage/blob_files.h"

namespace lienthong::store {

class SalvageSource {
 public:
  // kIo, kDiskFull, kBusy.
  static Result<std::unique_ptr<SalvageSource>> open(const std::string& path);
  ~SalvageSource();

  // nullopt: it is not there, or cannot be read; the latter are counted.
  std::optional<std::string> get(std::string_view key) const;
  std::optional<std::string> get_scan_row(std::string_view key) const;
  // All with the prefix that can be read, ascending; what is damaged between them is passed over.
  using Visit = std::function<void(std::string_view key, std::string_view value)>;
  void scan(std::string_view prefix, const Visit& visit) const;
  void scan_scan_rows(std::string_view prefix, const Visit& visit) const;
  // The highest number in a key of that letter and 8 bytes, also of rows that cannot be read.
  std::uint64_t last_number(char letter) const;

  std::uint64_t unreadable() const { return unreadable_; }  // rows, and stretches of rows
  // Files, and what was wrong with them.
  const std::vector<std::string>& findings() const { return findings_; }
  const std::vector<WriteGap>& gaps() const { return gaps_; }
  bool repaired() const { return repaired_; }
  // What is left is whole, and an older copy of what was there.
  bool lacks_only_its_end() const;

 private:
  using Rows = std::map<std::string, std::optional<std::string>, std::less<>>;
  class LogRows;
  explicit SalvageSource(std::string path);
  Result<void> read();
  Result<void> repair();
  void apply_logs(const LogReading& logs);
  bool names_all_files() const;
  std::optional<std::string> get(const Rows& rows, std::size_t family, std::string_view key) const;
  std::optional<std::string> get_from_tables(std::string_view key) const;
  void scan(const Rows& rows, std::size_t family, std::string_view prefix,
            const Visit& visit) const;

  const std::string path_;
  LookedAt looked_;
  Rows rows_, scan_rows_;  // of the logs; nullopt: taken away
  std::vector<std::string> findings_;
  std::vector<WriteGap> gaps_;
  bool repaired_ = false;
  bool suspected_ = false;
  mutable std::uint64_t unreadable_ = 0;
  std::optional<BlobFiles> blob_files_;
};

}  // namespace lienthong::store
