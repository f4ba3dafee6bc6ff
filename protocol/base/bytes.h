// Bytes, views of them, hexadecimal, and the little-endian reader and writer that every fixed
// layout of ours uses (docs/protocol/notation.md).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"

namespace lienthong {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }

std::string to_hex(ByteView bytes);
// Lower or upper case, even length; kMalformed otherwise.
Result<Bytes> from_hex(std::string_view hex);

// Appends; never fails. Integers little-endian; varint is LEB128, at most 10 bytes.
class ByteWriter {
 public:
  void u8(std::uint8_t value) { out_.push_back(value); }
  void u16(std::uint16_t value) { fixed(value, 2); }
  void u32(std::uint32_t value) { fixed(value, 4); }
  void u64(std::uint64_t value) { fixed(value, 8); }
  void varint(std::uint64_t value);
  void raw(ByteView bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  // varint length, then the bytes.
  void sized(ByteView bytes);
  void sized(std::string_view text) { sized(as_bytes(text)); }
  void reserve(std::size_t size) { out_.reserve(size); }
  std::size_t size() const { return out_.size(); }
  const Bytes& bytes() const { return out_; }
  Bytes take() { return std::move(out_); }

 private:
  void fixed(std::uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) out_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  Bytes out_;
};

// Reads what ByteWriter wrote. Views returned point into the input, which must outlive them.
// Fails: kTruncated; kMalformed (varint over 10 bytes or not minimal); kTooLarge (`sized` over
// max).
class ByteReader {
 public:
  explicit ByteReader(ByteView in) : in_(in) {}
  Result<std::uint8_t> u8();
  Result<std::uint16_t> u16();
  Result<std::uint32_t> u32();
  Result<std::uint64_t> u64();
  Result<std::uint64_t> varint();
  Result<ByteView> raw(std::size_t size);
  Result<ByteView> sized(std::size_t size_max);
  template <std::size_t N>
  Result<std::array<std::uint8_t, N>> array() {
    LT_TRY(const ByteView view, raw(N));
    std::array<std::uint8_t, N> out;
    std::memcpy(out.data(), view.data(), N);
    return out;
  }
  ByteView rest() const { return in_; }
  bool empty() const { return in_.empty(); }
  // kMalformed unless everything was consumed; `what` names the structure.
  Result<void> finish(std::string_view what) const;

 private:
  Result<std::uint64_t> fixed(unsigned size);
  ByteView in_;
};

}  // namespace lienthong
