// A file that only takes up room, so that a full disk still has some for opening the database again
// and putting it in order. docs/storage.md, "Transactions". Threads: one at a time.
#pragma once

#include <cstdint>
#include <filesystem>

#include "protocol/base/result.h"

namespace lienthong::agent {

inline constexpr std::uint64_t kReserveBytes = 16ULL << 20;
inline constexpr const char* kReserveFile = "reserve";  // in the data folder

class Reserve {
 public:
  explicit Reserve(std::filesystem::path file) : file_(std::move(file)) {}
  bool whole() const;
  // Blocks of the disk, not a hole. kDiskFull, kIo: nothing is left behind.
  Result<void> make() const;
  void release() const;  // gives the room back; nothing if it is not there

 private:
  std::filesystem::path file_;
};

}  // namespace lienthong::agent
