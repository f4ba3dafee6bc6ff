// What one side can name shortly in a part: the fewest bytes that tell a thing from all others
// here, and what stands at a place that both sides know. docs/protocol/parts.md, "Names".
// The encoder asks what is here; the decoder asks the other way round. A short name is a guess that
// the other side holds the same: whoever stores a part checks what comes out against the seals.
// Threads: those of the implementation.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "protocol/base/ids.h"
#include "protocol/record/seal.h"
#include "protocol/record/update.h"

namespace lienthong::wire {

// Fewest bytes of a short name. On the wire: never change.
inline constexpr std::size_t kShortNameBytes = 4;    // of all but updates and held seals
inline constexpr std::size_t kShortUpdateBytes = 6;  // of an update
inline constexpr std::size_t kShortSealBytes = 3;    // of a held seal: its leaves tell the rest
// So many seals whose names begin alike are tried; a program's own bound.
inline constexpr std::size_t kHeldSealsTriedMax = 8;

// Where a record stands: what the next update of it would name, were it written now.
struct RecordPlace {
  std::vector<UpdateId> heads;   // ascending
  std::optional<UpdateId> link;  // last custody link of the standing chain
};

// The newest seal of each of the incarnations that were heard of last.
class RecentSeals {
 public:
  static constexpr std::size_t kCountMax = 512;
  struct Entry {
    CertificateId certificate;
    std::uint64_t incarnation = 0;
    std::uint32_t number = 0;
    SealId id;
  };

  void note(const Seal& seal, const SealId& id) {
    const auto same = [&](const Entry& entry) {
      return entry.incarnation == seal.incarnation && entry.certificate == seal.certificate;
    };
    const auto at = std::ranges::find_if(entries_, same);
    if (at != entries_.end()) {
      if (at->number > seal.number) return;
      entries_.erase(at);
    } else if (entries_.size() == kCountMax) {
      entries_.erase(entries_.begin());
    }
    entries_.push_back({seal.certificate, seal.incarnation, seal.number, id});
  }
  // nullopt: it is not the newest, or not heard of lately.
  std::optional<SealId> find(const CertificateId& certificate, std::uint64_t incarnation,
                             std::uint32_t number) const {
    for (const Entry& entry : entries_)
      if (entry.number == number && entry.incarnation == incarnation &&
          entry.certificate == certificate)
        return entry.id;
    return std::nullopt;
  }
  // Of all incarnations of that certificate the one heard of last. Null: none; valid until the next
  // note().
  const Entry* newest(const CertificateId& certificate) const {
    const auto at = std::find_if(entries_.rbegin(), entries_.rend(), [&](const Entry& entry) {
      return entry.certificate == certificate;
    });
    return at == entries_.rend() ? nullptr : &*at;
  }

 private:
  std::vector<Entry> entries_;  // the one heard of last at the end
};

class Names {
 public:
  virtual ~Names() = default;

  // The encoder: what the other side has acknowledged; the decoder: what is here. Outlives this.
  const RecentSeals* seals = nullptr;
  // The encoder: the other side understands a seal that goes on from the newest one there.
  bool goes_on = false;
  // The encoder: the other side understands a column of accounts.
  bool accounts = false;

  // The encoder: of a seal that a part does not bear whole, the other side is taken to lack only
  // what the part bears, so it is named, and its proof left out.
  bool seals_held = false;

  // ---- the encoder's questions ----

  // The fewest bytes, at least kShortNameBytes (updates: kShortUpdateBytes, seals:
  // kShortSealBytes), by which this is told from every other of its kind here. 32: write it in
  // full.
  virtual std::size_t prefix_size(const RecordId& id) const = 0;
  virtual std::size_t prefix_size(const UpdateId& id) const = 0;
  virtual std::size_t prefix_size(const AgencyId& id) const = 0;
  virtual std::size_t prefix_size(const CertificateId& id) const = 0;
  virtual std::size_t prefix_size(const SealId&) const { return SealId::kSize; }
  // Where the record stood when `update` entered here. nullopt: not cheaply known.
  virtual std::optional<RecordPlace> place_before(const RecordId& record,
                                                  const UpdateId& update) const = 0;
  // The seal `number` of that incarnation, if the other side certainly has something under it.
  virtual std::optional<SealId> common_seal(const CertificateId& certificate,
                                            std::uint64_t incarnation, std::uint32_t number) const {
    return seals == nullptr ? std::nullopt : seals->find(certificate, incarnation, number);
  }

  // ---- the decoder's ----

  // The one thing here whose id begins so. nullopt: none or several.
  virtual std::optional<RecordId> find_record(ByteView prefix) const = 0;
  virtual std::optional<UpdateId> find_update(ByteView prefix) const = 0;
  virtual std::optional<AgencyId> find_agency(ByteView prefix) const = 0;
  virtual std::optional<CertificateId> find_certificate(ByteView prefix) const = 0;
  // The seals here whose ids begin so; none if they are over kHeldSealsTriedMax.
  struct HeldSeal {
    SealId id;
    Seal seal;
  };
  virtual std::vector<HeldSeal> held_seals(ByteView /*prefix*/) const { return {}; }
  // A proof for those of its leaves (ascending, below its count) from what is held of its tree.
  // nullopt: too little is held.
  virtual std::optional<std::vector<Hash256>> seal_proof(
      const SealId&, std::span<const std::uint16_t> /*indices*/) const {
    return std::nullopt;
  }
  // Where the record stands now. nullopt: it is not here.
  virtual std::optional<RecordPlace> place_now(const RecordId& record) const = 0;
  // The seal `number` of that incarnation. nullopt: not here.
  virtual std::optional<SealId> find_seal(const CertificateId& certificate,
                                          std::uint64_t incarnation, std::uint32_t number) const {
    return seals == nullptr ? std::nullopt : seals->find(certificate, incarnation, number);
  }

  // ---- both ----

  // What the salts of the record's closed parts are derived from. nullopt: not here, or erased.
  virtual std::optional<RecordSecret> secret(const RecordId& record) const = 0;
};

}  // namespace lienthong::wire
