// Names in a part: places in tables that both sides fill alike, short prefixes, or in full.
// docs/protocol/parts.md, "Names". Internal to protocol/wire. No threads.
#pragma once

#include <unordered_map>

#include "protocol/wire/columns_io.h"
#include "protocol/wire/short_names.h"

namespace lienthong::wire {

// Codes of names: 0 the shortest prefix, raw; 1 a size, then so many bytes, raw; 2 and more a
// place.
inline constexpr std::uint64_t kShortName = 0, kSizedName = 1, kPlacedName = 2;

inline std::optional<RecordId> find_by(const Names& names, ByteView prefix, const RecordId*) {
  return names.find_record(prefix);
}
inline std::optional<UpdateId> find_by(const Names& names, ByteView prefix, const UpdateId*) {
  return names.find_update(prefix);
}
inline std::optional<AgencyId> find_by(const Names& names, ByteView prefix, const AgencyId*) {
  return names.find_agency(prefix);
}
inline std::optional<CertificateId> find_by(const Names& names, ByteView prefix,
                                            const CertificateId*) {
  return names.find_certificate(prefix);
}

// The writer's choice for a name that has no place: how many bytes of it.
template <class IdType>
std::size_t name_size(const Names* names, const IdType& id, std::size_t shortest) {
  if (names == nullptr) return IdType::kSize;
  return std::max(shortest, std::min(names->prefix_size(id), IdType::kSize));
}

// The bytes of a name with code 0 or 1. `size`: the writer's choice.
template <class Io>
void name_prefix(Io& io, std::size_t shortest, std::uint64_t code, std::size_t size, ByteView id,
                 ByteView& view) {
  std::uint64_t bytes = size;
  if (code == kSizedName)
    io.varint(bytes);
  else
    bytes = shortest;
  if constexpr (!Io::kWriting)
    if (bytes < shortest || bytes > Hash256::kSize)
      return io.fail(Errc::kMalformed, "size of a short name");
  if constexpr (Io::kWriting) view = id.first(bytes);
  io.raw(view, bytes);
}

// What they name. Fails: kUnclear.
template <class Io, class IdType>
void name_bytes(Io& io, const Names* names, std::size_t shortest, std::uint64_t code,
                std::size_t size, IdType& id) {
  ByteView view;
  name_prefix(io, shortest, code, size, id.view(), view);
  if constexpr (!Io::kWriting) {
    if (!io.ok()) return;
    if (view.size() == IdType::kSize) {
      id = IdType::from(view);
      return;
    }
    const auto found = names == nullptr ? std::nullopt : find_by(*names, view, &id);
    if (!found) return io.fail(Errc::kUnclear, "a short name leads nowhere");
    id = *found;
  }
}

// Agencies and certificates: a table from its start, so that who is named often keeps its number.
template <class IdType>
class IdTable {
 public:
  // A column of names: one for each of them.
  struct Column {
    SymbolModel coded;
  };
  template <class Io>
  void name(Io& io, const Names* names, Column& column, std::uint64_t context, IdType& id) {
    std::uint64_t code = kShortName;
    std::size_t size = 0;
    if constexpr (Io::kWriting) {
      if (const auto known = places_.find(id); known != places_.end()) {
        code = kPlacedName + known->second;
      } else {
        size = name_size(names, id, kShortNameBytes);
        code = size > kShortNameBytes ? kSizedName : kShortName;
      }
    }
    if (io.coded())
      symbol(io, column.coded, context, code);
    else
      io.varint(code);
    if (code >= kPlacedName) {
      if constexpr (!Io::kWriting) {
        if (code - kPlacedName >= ids_.size())
          return io.fail(Errc::kMalformed, "place outside a table of names");
        id = ids_[code - kPlacedName];
      }
      return;
    }
    name_bytes(io, names, kShortNameBytes, code, size, id);
    if constexpr (Io::kWriting) places_.emplace(id, ids_.size());
    ids_.push_back(id);
  }

 private:
  std::vector<IdType> ids_;
  std::unordered_map<IdType, std::uint64_t> places_;  // the writer's
};

// A record that the part names.
struct RecordEntry {
  static constexpr std::uint32_t kNotHere = ~std::uint32_t{0};
  RecordId id;  // the reader: zero until the update that creates it is rebuilt
  std::uint32_t created_by = kNotHere;  // update of the part
  bool place_known = false;
  RecordPlace place;  // before the part's next update of it
  bool secret_known = false;
  std::optional<RecordSecret> secret;
};

// An update named by another: in the part, or by its id.
struct UpdateRef {
  static constexpr std::uint32_t kOutside = ~std::uint32_t{0};
  std::uint32_t inside = kOutside;
  UpdateId id;
};

}  // namespace lienthong::wire
