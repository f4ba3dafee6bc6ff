#include "store/salvage/blob_files.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <vector>

namespace lienthong::store {
namespace {

// The file begins with 30 bytes; each value has a head of 32: length of the key 8, of the value 8,
// expiry 8, checksums 4 and 4, then key and value follow.
constexpr std::uint64_t kFileHead = 30, kValueHead = 32;
constexpr std::uint64_t kKeyMax = 256, kValueMax = 1U << 20;

std::uint64_t little_endian(const char* bytes) {
  std::uint64_t value = 0;
  for (int i = 8; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

}  // namespace

BlobFiles::BlobFiles(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".blob") files.push_back(entry.path().string());
  std::ranges::sort(files);
  for (const std::string& file : files) read(file);
}

void BlobFiles::read(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::array<char, kValueHead> head{};
  for (std::uint64_t at = kFileHead;;) {
    in.seekg(static_cast<std::streamoff>(at));
    if (!in.read(head.data(), head.size())) return;
    const std::uint64_t key_size = little_endian(head.data());
    const std::uint64_t size = little_endian(head.data() + 8);
    if (key_size == 0 || key_size > kKeyMax || size > kValueMax) return;  // the end, or damage
    std::string key(key_size, '\0');
    if (!in.read(key.data(), static_cast<std::streamsize>(key_size))) return;
    at += kValueHead + key_size;
    places_[key] = {file, at, size};
    at += size;
  }
}

std::optional<std::string> BlobFiles::get(std::string_view key) const {
  const auto place = places_.find(key);
  if (place == places_.end()) return std::nullopt;
  std::ifstream in(place->second.file, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(place->second.offset));
  std::string value(place->second.size, '\0');
  if (!in.read(value.data(), static_cast<std::streamsize>(value.size()))) return std::nullopt;
  return value;
}

}  // namespace lienthong::store
