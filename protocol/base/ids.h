// Distinct types for the 32-byte names of things, so that they cannot be mixed up.
// All but NodeId are hashes (crypto/hash.h); NodeId is the node's Ed25519 public key.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>

#include "protocol/base/bytes.h"

namespace lienthong {

template <class Tag>
struct Id {
  static constexpr std::size_t kSize = 32;
  std::array<std::uint8_t, kSize> bytes{};

  // By the bytes, the first the most significant. Long tables of ids are sorted and searched all
  // the time, and nearly always differ in the first eight.
  std::strong_ordering operator<=>(const Id& other) const {
    const std::uint64_t a = head(), b = other.head();
    if (a != b) return a <=> b;
    return std::memcmp(bytes.data(), other.bytes.data(), kSize) <=> 0;
  }
  bool operator==(const Id& other) const {
    return std::memcmp(bytes.data(), other.bytes.data(), kSize) == 0;
  }
  bool is_zero() const {
    return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
  }
  ByteView view() const { return bytes; }
  std::string hex() const { return to_hex(bytes); }
  // First 8 bytes, for people and logs.
  std::string short_hex() const { return to_hex(ByteView(bytes).first(8)); }
  static Id from(ByteView view) {
    LT_CHECK(view.size() == kSize);
    Id id;
    std::memcpy(id.bytes.data(), view.data(), kSize);
    return id;
  }

 private:
  std::uint64_t head() const {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    return std::endian::native == std::endian::little ? __builtin_bswap64(value) : value;
  }
};

using Hash256 = Id<struct HashTag>;
using RootFingerprint = Id<struct RootTag>;       // hash of the genesis statement
using StatementId = Id<struct StatementTag>;      // any statement of the registry
using AgencyId = Id<struct AgencyTag>;            // hash of the statement that declared the agency
using CertificateId = Id<struct CertificateTag>;  // hash of the certificate
using NodeId = Id<struct NodeTag>;                // Ed25519 public key
using UpdateId = Id<struct UpdateTag>;
using RecordId = Id<struct RecordTag>;  // id of the record's first update
using SealId = Id<struct SealTag>;

// The same 32 bytes under another type: an agency's id is its statement's, a record's its first
// update's.
template <class To, class From>
To id_cast(const From& from) {
  To to;
  to.bytes = from.bytes;
  return to;
}

using TreeVersion = std::uint32_t;  // 0: the tree as first declared

}  // namespace lienthong

template <class Tag>
struct std::hash<lienthong::Id<Tag>> {
  std::size_t operator()(const lienthong::Id<Tag>& id) const noexcept {
    std::size_t value;  // ids are hashes or keys: their first bytes are as good as any hash of them
    std::memcpy(&value, id.bytes.data(), sizeof value);
    return value;
  }
};
