// Distinct types for the 32-byte names of things, so that they cannot be mixed up.
// All but NodeId are hashes (crypto/hash.h); NodeId is the node's Ed25519 public key.
#pragma once

#include <algorithm>
#include <array>
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

  auto operator<=>(const Id&) const = default;
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
