#include "store/replica/sync_mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "store/replica/log_files.h"
#include "store/replica/rows.h"

namespace lienthong::store {
namespace {

constexpr std::string_view kHead = "lienthong mark 1";
constexpr std::size_t kBytes = 36;  // head 16, sequence 8, write 8, checksum 4

std::string encode(const SyncMark& mark) {
  std::string out(kHead);
  out += encode_number(mark.sequence) + encode_number(mark.write);
  return out + encode_number4(crc32c(out));
}

std::optional<SyncMark> decode(std::string_view bytes) {
  if (bytes.size() != kBytes || !bytes.starts_with(kHead)) return std::nullopt;
  if (decode_number4(bytes.substr(kBytes - 4)) != crc32c(bytes.substr(0, kBytes - 4)))
    return std::nullopt;
  return SyncMark{decode_number(bytes.substr(16, 8)), decode_number(bytes.substr(24, 8))};
}

}  // namespace

std::optional<SyncMark> SyncMark::read(const std::string& folder) {
  const int file = ::open(path_of(folder).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  std::array<char, kBytes + 1> bytes{};
  const ssize_t got = ::pread(file, bytes.data(), bytes.size(), 0);
  ::close(file);
  return got < 0 ? std::nullopt : decode({bytes.data(), static_cast<std::size_t>(got)});
}

SyncMarkFile::SyncMarkFile(const std::string& folder)
    : file_(::open(SyncMark::path_of(folder).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640)) {}

SyncMarkFile::~SyncMarkFile() {
  if (file_ < 0) return;
  ::fdatasync(file_);
  ::close(file_);
}

void SyncMarkFile::note(const SyncMark& mark) {
  const std::lock_guard lock(mutex_);
  if (file_ < 0 || mark.sequence <= last_.sequence) return;
  last_ = mark;
  const std::string bytes = encode(mark);
  const ssize_t written = ::pwrite(file_, bytes.data(), bytes.size(), 0);
  if (written != static_cast<ssize_t>(bytes.size())) (void)::ftruncate(file_, 0);
}

}  // namespace lienthong::store
