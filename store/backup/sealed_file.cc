#include "store/backup/sealed_file.h"

#include <fcntl.h>
#include <sodium/crypto_secretstream_xchacha20poly1305.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lienthong::store::backup {
namespace {

constexpr std::size_t kPieceBytes = 64U << 10;
constexpr std::size_t kSealBytes = crypto_secretstream_xchacha20poly1305_ABYTES;
constexpr std::size_t kHeaderBytes = crypto_secretstream_xchacha20poly1305_HEADERBYTES;

}  // namespace

Error file_error(const std::filesystem::path& path) {
  const int cause = errno;
  const bool full = cause == ENOSPC || cause == EDQUOT;
  return Error(full              ? Errc::kDiskFull
               : cause == ENOENT ? Errc::kNotFound
                                 : Errc::kIo,
               path.string() + ": " + std::strerror(cause));
}

Error file_error(const std::filesystem::path& path, const std::error_code& problem) {
  errno = problem.value();
  return file_error(path);
}

Result<File> File::open(const std::filesystem::path& path, int flags) {
  File out;
  out.path_ = path;
  out.fd_ = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (out.fd_ < 0) return file_error(path);
  return out;
}

File& File::operator=(File&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  return *this;
}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Bytes> File::read(std::size_t size) {
  Bytes out(size);
  std::size_t had = 0;
  while (had < size) {
    const ssize_t count = ::read(fd_, out.data() + had, size - had);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_error(path_);
    if (count == 0) break;
    had += static_cast<std::size_t>(count);
  }
  out.resize(had);
  return out;
}

Result<void> File::write(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return file_error(path_);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> File::sync() {
  if (::fsync(fd_) != 0) return file_error(path_);
  return {};
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  LT_TRY(File file, File::open(folder, O_RDONLY | O_DIRECTORY));
  return file.sync();
}

ContentHash::ContentHash(const Key32& key) {
  crypto_generichash_init(&state_, key.data(), key.size(), 32);
}

void ContentHash::add(ByteView bytes) {
  crypto_generichash_update(&state_, bytes.data(), bytes.size());
}

Hash256 ContentHash::finish() {
  Hash256 out;
  crypto_generichash_final(&state_, out.bytes.data(), out.bytes.size());
  return out;
}

Key32 derive(const Key32& key, std::string_view purpose, ByteView about) {
  ContentHash hash(key);
  hash.add(as_bytes(purpose));
  hash.add(about);
  return hash.finish().bytes;
}

Key32 backup_secret(const Identity& identity) {
  return derive(identity.key.seed(), "lienthong backup 1", {});
}

Result<void> encrypt(const Key32& key, const Source& from, File& to) {
  crypto_secretstream_xchacha20poly1305_state state;
  std::array<std::uint8_t, kHeaderBytes> header;
  crypto_secretstream_xchacha20poly1305_init_push(&state, header.data(), key.data());
  LT_TRY_VOID(to.write(header));
  for (bool last = false; !last;) {
    LT_TRY(const Bytes piece, from(kPieceBytes));
    last = piece.size() < kPieceBytes;
    Bytes sealed(piece.size() + kSealBytes);
    crypto_secretstream_xchacha20poly1305_push(
        &state, sealed.data(), nullptr, piece.data(), piece.size(), nullptr, 0,
        last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0);
    LT_TRY_VOID(to.write(sealed));
  }
  return {};
}

Result<void> decrypt(const Key32& key, File& from, const Sink& to, const std::string& what) {
  const Error changed(Errc::kBadSignature, what + " was changed, or is cut");
  LT_TRY(const Bytes header, from.read(kHeaderBytes));
  crypto_secretstream_xchacha20poly1305_state state;
  if (header.size() != kHeaderBytes ||
      crypto_secretstream_xchacha20poly1305_init_pull(&state, header.data(), key.data()) != 0)
    return changed;
  for (bool last = false; !last;) {
    LT_TRY(const Bytes sealed, from.read(kPieceBytes + kSealBytes));
    if (sealed.size() < kSealBytes) return changed;
    Bytes piece(sealed.size() - kSealBytes);
    unsigned char tag = 0;
    if (crypto_secretstream_xchacha20poly1305_pull(&state, piece.data(), nullptr, &tag,
                                                   sealed.data(), sealed.size(), nullptr, 0) != 0)
      return changed;
    last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    if (!last && piece.size() < kPieceBytes) return changed;
    LT_TRY_VOID(to(piece));
  }
  LT_TRY(const Bytes rest, from.read(1));
  return rest.empty() ? Result<void>() : Result<void>(changed);
}

std::uint64_t sealed_size(std::uint64_t size) {
  return kHeaderBytes + size + kSealBytes * (size / kPieceBytes + 1);
}

}  // namespace lienthong::store::backup
