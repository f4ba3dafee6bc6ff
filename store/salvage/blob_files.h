// Large values out of RocksDB's blob files, read without RocksDB, which needs a whole list of files
// for it and the end of each file: where either is gone, what lies before can still be read here.
// Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace lienthong::store {

class BlobFiles {
 public:
  // Of that folder. Remembers where each value lies, of a key that lies in several the newest.
  explicit BlobFiles(const std::string& folder);
  // nullopt: there is none. What it is must be checked: nothing here does.
  std::optional<std::string> get(std::string_view key) const;

 private:
  struct Place {
    std::string file;
    std::uint64_t offset = 0, size = 0;
  };
  void read(const std::string& file);
  std::map<std::string, Place, std::less<>> places_;
};

}  // namespace lienthong::store
