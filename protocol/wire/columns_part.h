// Seals and envelopes of a part, in the order of the wire. docs/protocol/parts.md, "Seals",
// "Updates". Internal to protocol/wire; part.cc has the two ends. No threads.
#pragma once

#include "protocol/record/seal.h"
#include "protocol/wire/columns_bodies.h"

namespace lienthong::wire {

// Flags of a body. The other bits are zero.
inline constexpr std::uint8_t kBodyCoded = 1;  // numbers are coded
inline constexpr std::uint8_t kBodyFull = 2;   // nothing is named by what the reader holds
// From so many updates on, models have enough to learn from.
inline constexpr std::size_t kCodedUpdateCountMin = 12;

// Flags of an update.
inline constexpr std::uint64_t kFirstOfRecord = 1;
inline constexpr std::uint64_t kSameRecord = 2;     // as the update before it in the part
inline constexpr std::uint64_t kHeads = 4;          // its parents are the heads as they stand
inline constexpr std::uint64_t kTip = 8;            // its link is the last link, as it stands
inline constexpr std::uint64_t kSealer = 16;        // its author's certificate is that of the seal
inline constexpr std::uint64_t kSameVersions = 32;  // as the update before it
inline constexpr unsigned kClosedShift = 6;
inline constexpr std::uint64_t kFlagsEnd = 256;
enum class Closed : std::uint64_t {  // on the wire
  kNone = 0,
  kComputed = 1,  // here; its hash follows from the record's secret, which is raw with the first
  kHere = 2,      // here, its hash is raw
  kHash = 3,      // only its hash, raw
};

// Flags of a seal. Bits 1 and 2: the previous seal.
inline constexpr std::uint64_t kWholeSeal = 1;
inline constexpr std::uint64_t kNoPrevious = 0, kFollowsUnit = 2, kCommonPrevious = 4,
                               kRawPrevious = 6, kPreviousMask = 6;
inline constexpr std::uint64_t kSameIncarnation = 8;  // as that certificate's last one in the part
// kCommonPrevious and kSameIncarnation where the part has none: after the newest one that is here.
inline constexpr std::uint64_t kHeldSeal = 16;  // alone: named, the reader has its tree
inline constexpr std::uint64_t kSealFlagsEnd = 17;

struct SealRow {
  std::uint64_t flags = 0;
  Seal seal;  // the reader: root and previous are set when the leaves are rebuilt
  SealId id;  // with kHeldSeal
  std::vector<Names::HeldSeal> held;  // the reader, with kHeldSeal: it is one of these
  std::vector<std::uint16_t> indices;
  std::vector<Hash256> proof;
  std::uint32_t first = 0;  // of the part's updates
};

struct UpdateCells {
  std::uint64_t flags = 0;
  std::uint32_t unit = 0;
  std::uint32_t record = 0;  // of `records`
  Envelope envelope;         // the reader: without record, deps and link
  std::vector<UpdateRef> deps;
  std::optional<UpdateRef> link;
  Hash256 closed_hash;
  RecordSecret secret{};  // of a first update with Closed::kComputed
};

template <class Io>
class PartColumns : public BodyNames<Io> {
 public:
  PartColumns(Io& io, const Names* names)
      : bodies(io, *this, names != nullptr && names->accounts), io_(io), names_(names) {}

  std::vector<ByteView> statements;
  std::vector<SealRow> seals;
  std::vector<UpdateCells> updates;
  std::vector<RecordEntry> records;   // the writer: up to what is being written
  std::vector<UpdateRef> references;  // the reader's: values of kUpdates are stretches of it
  BodyColumns<Io> bodies;

  // The writer's, in the order of the updates.
  std::vector<UpdateId> ids;
  std::unordered_map<UpdateId, std::uint32_t> places;  // of ids
  std::unordered_map<RecordId, std::uint32_t> record_places;

  void all() {
    list(statements,
         [&](ByteView& statement) { io_.verbatim(statement, kStatementBytesMax + 256); });
    std::uint64_t count = seals.size();
    io_.varint(count);
    std::uint64_t total = 0;
    for (std::uint64_t i = 0; i < count && io_.ok(); ++i) {
      if constexpr (!Io::kWriting) seals.emplace_back();
      seals[i].first = static_cast<std::uint32_t>(total);
      one_seal(seals[i], i);
      total += seals[i].indices.size();
      if (total > kPartUpdateCountMax) return too_many();
    }
    if (!io_.ok()) return;
    if constexpr (!Io::kWriting) {
      updates.resize(total);
      bodies.rows.resize(total);
      bodies.contexts.resize(total);
      io_.charge(total * 64);
      for (std::uint32_t i = 0; i < seals.size(); ++i)
        for (std::size_t k = 0; k < seals[i].indices.size(); ++k)
          updates[seals[i].first + k].unit = i;
    }
    flags();
    envelopes();
    if (!io_.ok()) return;
    bodies.all();
    for (UpdateCells& update : updates) {
      const auto closed = static_cast<Closed>(update.flags >> kClosedShift);
      if (closed == Closed::kHere || closed == Closed::kHash) raw_id(update.closed_hash);
      if (closed == Closed::kComputed && (update.flags & kFirstOfRecord) != 0)
        raw_secret(update.secret);
    }
  }

  // ---- names inside bodies ----

  void name_agency(std::uint64_t context, IdTable<AgencyId>::Column& column,
                   Value& value) override {
    AgencyId id;
    if constexpr (Io::kWriting) id = AgencyId::from(value.bytes);
    agencies_.name(io_, names_, column, context, id);
    if constexpr (!Io::kWriting) value.bytes = io_.keep(id.view());
  }
  void name_record(std::uint32_t update, Value& value) override {
    RecordId id;
    if constexpr (Io::kWriting) id = RecordId::from(value.bytes);
    value.first = record_name(update, id);
  }
  void name_updates(std::uint32_t update, Value& value) override {
    std::uint64_t count = value.bytes.size() / 32;
    io_.number(reference_count_, count);
    if constexpr (!Io::kWriting) {
      if (count == 0 || count > kReferenceCountMax) io_.fail(Errc::kTooLarge, "references");
      io_.charge(count * 64);
      if (!io_.ok()) return;
      value.first = static_cast<std::uint32_t>(references.size());
      value.count = static_cast<std::uint32_t>(count);
    }
    for (std::uint64_t i = 0; i < count && io_.ok(); ++i) {
      UpdateRef ref;
      if constexpr (Io::kWriting) ref.id = UpdateId::from(value.bytes.subspan(i * 32, 32));
      update_name(update, ref);
      if constexpr (!Io::kWriting) references.push_back(ref);
    }
  }

 private:
  template <class Move>
  void list(std::vector<ByteView>& views, const Move& move) {
    std::uint64_t count = views.size();
    io_.varint(count);
    for (std::uint64_t i = 0; i < count && io_.ok(); ++i) {
      if constexpr (!Io::kWriting) views.emplace_back();
      move(views[i]);
    }
  }
  void too_many() {
    if constexpr (Io::kWriting)
      LT_CHECK(false);
    else
      io_.fail(Errc::kTooLarge, "updates of a part");
  }
  template <class IdType>
  void raw_id(IdType& id) {
    ByteView view = id.view();
    io_.raw(view, IdType::kSize);
    if constexpr (!Io::kWriting)
      if (io_.ok()) id = IdType::from(view);
  }

  void raw_secret(RecordSecret& secret) {
    ByteView view(secret);
    io_.raw(view, kSecretSize);
    if constexpr (!Io::kWriting)
      if (io_.ok()) std::ranges::copy(view, secret.begin());
  }

  // ---- seals ----

  void one_seal(SealRow& row, std::size_t i) {
    Seal& seal = row.seal;
    certificates_.name(io_, names_, sealer_column_, 0, seal.certificate);
    io_.varint(row.flags);
    if (row.flags == kHeldSeal) return held_seal(row);
    const std::uint64_t previous = row.flags & kPreviousMask;
    const bool follows = previous == kFollowsUnit;
    if constexpr (!Io::kWriting) {
      const bool same = i > 0 && seals[i - 1].seal.certificate == seal.certificate;
      if (row.flags >= kSealFlagsEnd || (follows && !same))
        return io_.fail(Errc::kMalformed, "flags of a seal");
    }
    if (follows) {
      seal.incarnation = seals[i - 1].seal.incarnation;
      seal.number = seals[i - 1].seal.number + 1;
    } else if (previous == kCommonPrevious && goes_on(row, i)) {
      go_on(seal);
    } else {
      incarnation(row, i);
      std::uint64_t number = seal.number;
      io_.varint(number);
      seal.number = static_cast<std::uint32_t>(number);
      if (number > 0xffff'ffffU) seal.number = 0;
    }
    if constexpr (!Io::kWriting)
      if (seal.number == 0 || (seal.number == 1 && previous != kNoPrevious))
        return io_.fail(Errc::kMalformed, "number of a seal");
    if (previous == kRawPrevious) raw_id(seal.previous);
    if (previous == kCommonPrevious) common_previous(seal);
    std::uint64_t count = seal.count;
    io_.varint(count);
    if constexpr (!Io::kWriting) {
      if (count == 0) return io_.fail(Errc::kMalformed, "seal over nothing");
      if (count > kSealUpdateCountMax) return io_.fail(Errc::kTooLarge, "leaves of a seal");
    }
    seal.count = static_cast<std::uint16_t>(count);
    ByteView signature(seal.signature);
    io_.raw(signature, seal.signature.size());
    if constexpr (!Io::kWriting) {
      if (!io_.ok()) return;
      std::ranges::copy(signature, seal.signature.begin());
      if ((row.flags & kWholeSeal) != 0)
        for (std::uint16_t k = 0; k < seal.count; ++k) row.indices.push_back(k);
    }
    if ((row.flags & kWholeSeal) == 0) part_of_seal(row);
  }
  bool goes_on(const SealRow& row, std::size_t i) const {
    return (row.flags & kSameIncarnation) != 0 &&
           std::none_of(seals.begin(), seals.begin() + static_cast<std::ptrdiff_t>(i),
                        [&](const SealRow& before) {
                          return before.seal.certificate == row.seal.certificate;
                        });
  }
  void go_on(Seal& seal) {
    if constexpr (!Io::kWriting) {
      const bool asked = names_ != nullptr && names_->seals != nullptr;
      const auto* newest = asked ? names_->seals->newest(seal.certificate) : nullptr;
      if (newest == nullptr || newest->number == 0xffff'ffffU)
        return io_.fail(Errc::kUnclear, "the seal before is not here");
      seal.incarnation = newest->incarnation;
      seal.number = newest->number + 1;
    }
  }
  void incarnation(SealRow& row, std::size_t i) {
    if ((row.flags & kSameIncarnation) != 0) {
      for (std::size_t k = i; k-- > 0;)
        if (seals[k].seal.certificate == row.seal.certificate) {
          row.seal.incarnation = seals[k].seal.incarnation;
          return;
        }
      if constexpr (!Io::kWriting) io_.fail(Errc::kMalformed, "incarnation of a seal");
      return;
    }
    ByteWriter fixed;
    fixed.u64(row.seal.incarnation);
    ByteView view = fixed.bytes();
    io_.raw(view, 8);
    if constexpr (!Io::kWriting)
      if (io_.ok()) row.seal.incarnation = *ByteReader(view).u64();
  }
  void common_previous(Seal& seal) {
    if constexpr (!Io::kWriting) {
      const auto found = names_ == nullptr ? std::nullopt
                                           : names_->find_seal(seal.certificate, seal.incarnation,
                                                               seal.number - 1);
      if (!found) return io_.fail(Errc::kUnclear, "the seal before is not here");
      seal.previous = *found;
    }
  }
  void part_of_seal(SealRow& row) {
    raw_id(row.seal.root);
    std::uint64_t hashes = row.proof.size();
    io_.varint(hashes);
    std::uint64_t leaves = row.indices.size();
    io_.varint(leaves);
    if constexpr (!Io::kWriting) {
      if (hashes > kSealUpdateCountMax) return io_.fail(Errc::kTooLarge, "proof of a unit");
      if (leaves > row.seal.count) return io_.fail(Errc::kTooLarge, "leaves of a unit");
      row.proof.resize(hashes);
      row.indices.resize(leaves);
    }
    for (Hash256& hash : row.proof) raw_id(hash);
    leaf_indices(row);
  }
  // What the reader finds under the name may be another seal: then nothing is malformed.
  void held_seal(SealRow& row) {
    std::size_t size = 0;
    if constexpr (Io::kWriting) size = name_size(names_, row.id, kShortSealBytes);
    std::uint64_t code = size > kShortSealBytes ? kSizedName : kShortName;
    io_.number(held_code_, code);
    if constexpr (!Io::kWriting)
      if (code > kSizedName) return io_.fail(Errc::kMalformed, "name of a seal");
    ByteView prefix;
    name_prefix(io_, kShortSealBytes, code, size, row.id.view(), prefix);
    std::uint64_t leaves = row.indices.size();
    io_.number(held_leaves_, leaves);
    if constexpr (!Io::kWriting) {
      if (!io_.ok()) return;
      if (names_ != nullptr) row.held = names_->held_seals(prefix);
      std::erase_if(row.held, [&](const Names::HeldSeal& one) {
        return one.seal.certificate != row.seal.certificate || leaves > one.seal.count;
      });
      if (row.held.empty() || leaves == 0) return io_.fail(Errc::kUnclear, "a seal is not here");
      row.seal = row.held.front().seal;
      row.indices.resize(leaves);
    }
    std::uint64_t next = 0;
    for (std::uint16_t& index : row.indices) {
      std::uint64_t gap = index - next;
      io_.number(held_index_, gap);
      if constexpr (!Io::kWriting)
        if (gap >= kSealUpdateCountMax - next) return io_.fail(Errc::kMalformed, "index of a leaf");
      index = static_cast<std::uint16_t>(next + gap);
      next = index + 1U;
    }
  }
  void leaf_indices(SealRow& row) {
    std::uint64_t next = 0;
    for (std::uint16_t& index : row.indices) {
      std::uint64_t gap = index - next;
      io_.varint(gap);
      if constexpr (!Io::kWriting)
        if (gap >= row.seal.count - next) return io_.fail(Errc::kMalformed, "index of a leaf");
      index = static_cast<std::uint16_t>(next + gap);
      next = index + 1U;
    }
  }

  // ---- updates ----

  void flags() {
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < updates.size() && io_.ok(); ++i) {
      std::uint64_t& value = updates[i].flags;
      if (io_.coded())
        symbol(io_, flags_, before, value);
      else
        io_.varint(value);
      before = value;
      if constexpr (!Io::kWriting) {
        const bool first = (value & kFirstOfRecord) != 0;
        const bool same = (value & kSameRecord) != 0;
        if (value >= kFlagsEnd || (first && same) || (same && i == 0))
          return io_.fail(Errc::kMalformed, "flags of an update");
        const auto closed = static_cast<Closed>(value >> kClosedShift);
        bodies.rows[i][0].present = true;
        bodies.rows[i][1].present = closed == Closed::kComputed || closed == Closed::kHere;
      }
    }
  }

  void envelopes() {
    for (std::uint32_t i = 0; i < updates.size() && io_.ok(); ++i) record_of_update(i);
    Envelope before;
    for (UpdateCells& update : updates) {
      if (!io_.ok()) return;
      Envelope& envelope = update.envelope;
      if ((update.flags & kSealer) == 0)
        certificates_.name(io_, names_, certificate_column_, 0, envelope.certificate);
      else
        envelope.certificate = seals[update.unit].seal.certificate;
      if ((update.flags & kSameVersions) == 0) {
        std::uint64_t tree = envelope.tree_version, rules = envelope.rules_version;
        io_.varint(tree);
        io_.varint(rules);
        if (tree > 0xffff'ffffU || rules > 0xffff)
          if constexpr (!Io::kWriting) io_.fail(Errc::kMalformed, "versions of an update");
        envelope.tree_version = static_cast<TreeVersion>(tree);
        envelope.rules_version = static_cast<std::uint16_t>(rules);
      } else {
        envelope.tree_version = before.tree_version;
        envelope.rules_version = before.rules_version;
      }
      before = envelope;
    }
    clocks();
    for (std::uint32_t i = 0; i < updates.size() && io_.ok(); ++i) parents(i);
  }

  // Coded: 0: one more than before; else 1 + zigzag of the milliseconds since the one before (or
  // over the lowest), << 1, | 1 when there is a counter, which follows.
  void clocks() {
    std::uint64_t lowest = 0;  // 0: from the one before
    if constexpr (Io::kWriting) lowest = io_.coded() ? lowest_clock() : 0;
    if (io_.coded()) io_.varint(lowest);
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < updates.size() && io_.ok(); ++i) {
      std::uint64_t& value = updates[i].envelope.hlc.value;
      const std::uint64_t base = lowest != 0 ? lowest : before >> 16;
      std::uint64_t code = 0;
      std::uint64_t counter = value & 0xffff;
      if constexpr (Io::kWriting)
        if (value != before + 1) {
          const std::uint64_t millis = (value >> 16) - base;
          code = 1 + ((lowest != 0 ? millis : zigzag(millis)) << 1 | (counter != 0 ? 1 : 0));
        }
      io_.number(clock_, code);
      if (code == 0) {
        value = before + 1;
      } else {
        if (((code - 1) & 1) != 0) io_.number(counter_, counter);
        if constexpr (!Io::kWriting) {
          if (((code - 1) & 1) != 0 && (counter == 0 || counter > 0xffff))
            return io_.fail(Errc::kMalformed, "counter of a clock");
          const std::uint64_t folded = (code - 1) >> 1;
          const std::uint64_t millis = lowest != 0 ? folded : unzigzag(folded);
          value = (base + millis) << 16 | (((code - 1) & 1) != 0 ? counter : 0);
        }
      }
      before = value;
      bodies.contexts[i].hlc_millis = value >> 16;
    }
  }
  // Where telling clocks from the lowest takes fewer bits than from the one before.
  std::uint64_t lowest_clock() const {
    std::uint64_t lowest = ~std::uint64_t{0};
    for (const UpdateCells& update : updates)
      lowest = std::min(lowest, update.envelope.hlc.value >> 16);
    std::uint64_t before = lowest << 16;
    std::int64_t gain = 0;
    for (const UpdateCells& update : updates) {
      const std::uint64_t value = update.envelope.hlc.value;
      if (value != before + 1)
        gain += std::bit_width(zigzag((value >> 16) - (before >> 16))) -
                std::bit_width((value >> 16) - lowest);
      before = value;
    }
    return gain > 0 ? lowest : 0;
  }

  // The record of an update: enters the table of records when it is new there.
  void record_of_update(std::uint32_t i) {
    UpdateCells& update = updates[i];
    if ((update.flags & kFirstOfRecord) != 0) {
      if constexpr (!Io::kWriting) {
        update.record = static_cast<std::uint32_t>(records.size());
        records.emplace_back();
        records.back().created_by = i;
        records.back().place_known = true;
      }
      ++written_records_;
    } else if ((update.flags & kSameRecord) != 0) {
      if constexpr (!Io::kWriting) update.record = updates[i - 1].record;
    } else {
      RecordId id;
      if constexpr (Io::kWriting) id = records[update.record].id;
      const std::uint32_t place = record_name(i, id);
      if constexpr (!Io::kWriting) update.record = place;
    }
  }

  // Place of the record so named. What is created by an update that is not before `i` cannot be
  // told by its place, for its id is not known yet.
  std::uint32_t record_name(std::uint32_t i, RecordId& id) {
    std::uint64_t code = kShortName;
    std::size_t size = 0;
    std::uint32_t place = 0;
    if constexpr (Io::kWriting) {
      const auto known = record_places.find(id);
      const bool early = known != record_places.end() && known->second < written_records_;
      const std::uint32_t creator =
          known == record_places.end() ? RecordEntry::kNotHere : records[known->second].created_by;
      if (early && (creator == RecordEntry::kNotHere || creator < i)) {
        place = known->second;
        code = kPlacedName + (written_records_ - 1 - place);
      } else {
        size = creator == RecordEntry::kNotHere ? name_size(names_, id, kShortNameBytes)
                                                : RecordId::kSize;
        code = size > kShortNameBytes ? kSizedName : kShortName;
      }
    }
    io_.number(record_code_, code);
    if (code >= kPlacedName) {
      if constexpr (!Io::kWriting) {
        if (code - kPlacedName >= written_records_) {
          io_.fail(Errc::kMalformed, "place outside the table of records");
          return 0;
        }
        place = static_cast<std::uint32_t>(written_records_ - 1 - (code - kPlacedName));
        if (records[place].created_by != RecordEntry::kNotHere && records[place].created_by >= i)
          io_.fail(Errc::kMalformed, "record of a later update");
      }
      return place;
    }
    name_bytes(io_, names_, kShortNameBytes, code, size, id);
    return enter_record(id);
  }
  std::uint32_t enter_record(const RecordId& id) {
    if (!Io::kWriting || written_records_ == records.size()) {
      if constexpr (Io::kWriting)
        record_places.insert_or_assign(id, static_cast<std::uint32_t>(records.size()));
      records.emplace_back();
      records.back().id = id;
    }
    return static_cast<std::uint32_t>(written_records_++);
  }

  void update_name(std::uint32_t i, UpdateRef& ref) {
    std::uint64_t code = kShortName;
    std::size_t size = 0;
    if constexpr (Io::kWriting) {
      const auto known = places.find(ref.id);
      if (known != places.end() && known->second < i) {
        code = kPlacedName + (i - 1 - known->second);
      } else {
        size =
            known == places.end() ? name_size(names_, ref.id, kShortUpdateBytes) : UpdateId::kSize;
        code = size > kShortUpdateBytes ? kSizedName : kShortName;
      }
    }
    io_.number(update_code_, code);
    if (code < kPlacedName) return name_bytes(io_, names_, kShortUpdateBytes, code, size, ref.id);
    if constexpr (!Io::kWriting) {
      if (code - kPlacedName >= i) return io_.fail(Errc::kMalformed, "place of a parent");
      ref.inside = static_cast<std::uint32_t>(i - 1 - (code - kPlacedName));
    }
  }

  void parents(std::uint32_t i) {
    UpdateCells& update = updates[i];
    if ((update.flags & kHeads) == 0) {
      std::uint64_t count = update.deps.size();
      io_.number(dep_count_, count);
      if constexpr (!Io::kWriting) {
        if (count > kParentCountMax) return io_.fail(Errc::kTooLarge, "deps of an update");
        update.deps.resize(count);
      }
      for (UpdateRef& ref : update.deps) update_name(i, ref);
    }
    if ((update.flags & kTip) == 0) {
      std::uint64_t there = update.link ? 1 : 0;
      io_.number(link_there_, there);
      if constexpr (!Io::kWriting) {
        if (there > 1) return io_.fail(Errc::kMalformed, "link of an update");
        if (there == 1) update.link.emplace();
      }
      if (update.link) update_name(i, *update.link);
    }
  }

  Io& io_;
  const Names* names_;
  IdTable<AgencyId> agencies_;
  IdTable<CertificateId> certificates_;
  IdTable<CertificateId>::Column certificate_column_, sealer_column_;
  std::size_t written_records_ = 0;  // entries of `records` that both sides have by now
  SymbolModel flags_;
  NumberModel clock_, counter_, record_code_, update_code_, dep_count_, link_there_,
      reference_count_, held_code_, held_leaves_, held_index_;
};

}  // namespace lienthong::wire
