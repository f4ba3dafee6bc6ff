#include "protocol/base/bytes.h"

namespace lienthong {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

Result<Bytes> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return Error(Errc::kMalformed, "hexadecimal of odd length");
  Bytes out;
  out.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_digit(hex[i]);
    const int low = hex_digit(hex[i + 1]);
    if (high < 0 || low < 0) return Error(Errc::kMalformed, "not a hexadecimal digit");
    out.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return out;
}

void ByteWriter::varint(std::uint64_t value) {
  while (value >= 0x80) {
    out_.push_back(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  out_.push_back(static_cast<std::uint8_t>(value));
}

void ByteWriter::sized(ByteView bytes) {
  varint(bytes.size());
  raw(bytes);
}

Result<std::uint64_t> ByteReader::fixed(unsigned size) {
  if (in_.size() < size) return Error(Errc::kTruncated, "integer");
  std::uint64_t value = 0;
  for (unsigned i = 0; i < size; ++i) value |= static_cast<std::uint64_t>(in_[i]) << (8 * i);
  in_ = in_.subspan(size);
  return value;
}

Result<std::uint8_t> ByteReader::u8() {
  LT_TRY(const auto value, fixed(1));
  return static_cast<std::uint8_t>(value);
}
Result<std::uint16_t> ByteReader::u16() {
  LT_TRY(const auto value, fixed(2));
  return static_cast<std::uint16_t>(value);
}
Result<std::uint32_t> ByteReader::u32() {
  LT_TRY(const auto value, fixed(4));
  return static_cast<std::uint32_t>(value);
}
Result<std::uint64_t> ByteReader::u64() { return fixed(8); }

Result<std::uint64_t> ByteReader::varint() {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 10; ++i) {
    if (in_.empty()) return Error(Errc::kTruncated, "varint");
    const std::uint8_t byte = in_[0];
    in_ = in_.subspan(1);
    if (i == 9 && byte > 1) return Error(Errc::kMalformed, "varint over 64 bits");
    value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) {
      if (byte == 0 && i > 0) return Error(Errc::kMalformed, "varint not minimal");
      return value;
    }
  }
  return Error(Errc::kMalformed, "varint over 10 bytes");
}

Result<ByteView> ByteReader::raw(std::size_t size) {
  if (in_.size() < size) return Error(Errc::kTruncated, "bytes");
  const ByteView out = in_.first(size);
  in_ = in_.subspan(size);
  return out;
}

Result<ByteView> ByteReader::sized(std::size_t size_max) {
  LT_TRY(const auto size, varint());
  if (size > size_max) return Error(Errc::kTooLarge, "length " + std::to_string(size));
  return raw(static_cast<std::size_t>(size));
}

Result<void> ByteReader::finish(std::string_view what) const {
  if (in_.empty()) return {};
  return Error(Errc::kMalformed,
               std::string(what) + " has " + std::to_string(in_.size()) + " bytes too many");
}

}  // namespace lienthong
