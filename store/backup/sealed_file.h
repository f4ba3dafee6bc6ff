// Files that are encrypted piece by piece, and what names and keys them. Internal to store/backup.
// Blocking; any thread.
#pragma once

#include <sodium/crypto_generichash.h>

#include <filesystem>
#include <functional>
#include <string>
#include <system_error>

#include "store/replica/replica.h"

namespace lienthong::store::backup {

using Key32 = std::array<std::uint8_t, 32>;

// kDiskFull, kNotFound, kIo: of errno, or of that code.
Error file_error(const std::filesystem::path& path);
Error file_error(const std::filesystem::path& path, const std::error_code& problem);

class File {
 public:
  // `flags` as of open(2). A new one has mode 0600.
  static Result<File> open(const std::filesystem::path& path, int flags);
  File(File&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept;
  ~File();
  Result<Bytes> read(std::size_t size);  // fewer only at the end
  Result<void> write(ByteView bytes);
  Result<void> sync();

 private:
  File() = default;
  std::filesystem::path path_;
  int fd_ = -1;
};
Result<void> sync_folder(const std::filesystem::path& folder);

class ContentHash {  // BLAKE2b-256, keyed
 public:
  explicit ContentHash(const Key32& key);
  void add(ByteView bytes);
  Hash256 finish();  // once

 private:
  crypto_generichash_state state_;
};
Key32 derive(const Key32& key, std::string_view purpose, ByteView about);
// Of this machine, the same for all its backups: so what did not change has the same name again.
// Whoever has the machine's key has the database itself.
Key32 backup_secret(const Identity& identity);

// Plain bytes piece by piece; fewer than asked for only at the end.
using Source = std::function<Result<Bytes>(std::size_t)>;
using Sink = std::function<Result<void>(ByteView)>;

// libsodium's secretstream in pieces of 64 KiB; the last one, which is shorter and may be empty,
// says that it is the last.
Result<void> encrypt(const Key32& key, const Source& from, File& to);
// kBadSignature: changed, cut, or under another key.
Result<void> decrypt(const Key32& key, File& from, const Sink& to, const std::string& what);
std::uint64_t sealed_size(std::uint64_t size);

}  // namespace lienthong::store::backup
