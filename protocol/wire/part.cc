#include "protocol/wire/part.h"

#include <algorithm>

#include "protocol/base/limits.h"
#include "protocol/crypto/hash.h"
#include "protocol/record/codec.h"
#include "protocol/wire/columns_part.h"

namespace lienthong::wire {
namespace {

// Whether an update is a link of custody, as both sides see it.
template <class Io>
bool is_link_of(const BodyColumns<Io>& bodies, const BodyRow& row) {
  if (row.shape != BodyRow::kVerbatim)
    return is_link(static_cast<UpdateKind>(bodies.shape(row).kind));
  const auto body = decode_open(row.verbatim);
  return body.ok() && is_link(body->kind);
}

// update_id() where the envelope's bytes are at hand.
UpdateId id_of(const RootFingerprint& root, ByteView envelope, const Update& update) {
  const Hash256 open = hash(kTagOpen, root, ByteView(update.open));
  return id_cast<UpdateId>(
      hash(kTagUpdate, root, envelope, open.view(), update.closed_hash.view()));
}

std::optional<RecordSecret> secret_in(RecordEntry& record, const Names* names) {
  if (!record.secret_known) {
    record.secret_known = true;
    if (record.created_by == RecordEntry::kNotHere && names != nullptr)
      record.secret = names->secret(record.id);
  }
  return record.secret;
}

// Where the record stands after an update of it, on both sides, whatever stood before.
void advance(RecordEntry& record, const UpdateId& id, bool link,
             const std::optional<UpdateId>& named) {
  record.place_known = true;
  record.place.heads.assign(1, id);
  record.place.link = link ? std::optional(id) : named;
}

// ---- encoding ----

class PartEncoder {
 public:
  PartEncoder(const RootOf& root, const Names* names, bool coded)
      : root_(root), names_(names), io_(coded), columns_(io_, names) {}

  Bytes encode(const FeedPart& part) {
    std::vector<Bytes> statements;
    for (const Statement& statement : part.statements)
      statements.push_back(encode_statement(statement));
    columns_.statements.assign(statements.begin(), statements.end());
    for (const SealedUnit& unit : part.units) {
      columns_.seals.emplace_back().first = static_cast<std::uint32_t>(columns_.updates.size());
      for (const SealedLeaf& leaf : unit.leaves) update(unit, leaf);
      seal(unit);
    }
    columns_.all();
    return io_.take(static_cast<std::uint8_t>((io_.coded() ? kBodyCoded : 0) |
                                              (names_ == nullptr ? kBodyFull : 0)));
  }

 private:
  void seal(const SealedUnit& unit) {
    SealRow& row = columns_.seals.back();
    const std::size_t number = columns_.seals.size() - 1;
    LT_CHECK(unit.seal.count > 0 && unit.seal.count <= kSealUpdateCountMax);
    LT_CHECK(unit.leaves.size() <= unit.seal.count && unit.proof.size() <= kSealUpdateCountMax);
    row.seal = unit.seal;
    row.proof = unit.proof;
    std::vector<Hash256> leaves;
    for (std::size_t i = 0; i < unit.leaves.size(); ++i) {
      LT_CHECK(i == 0 || unit.leaves[i - 1].index < unit.leaves[i].index);
      row.indices.push_back(unit.leaves[i].index);
      leaves.push_back(id_cast<Hash256>(columns_.ids[row.first + i]));
    }
    LT_CHECK(row.indices.empty() || row.indices.back() < unit.seal.count);
    if (leaves.size() == unit.seal.count && unit.proof.empty() &&
        merkle_root(root_(unit.seal.certificate), leaves) == unit.seal.root)
      row.flags |= kWholeSeal;
    if (row.flags == 0 && names_ != nullptr && names_->seals_held && !unit.leaves.empty()) {
      row.flags = kHeldSeal;
      row.id = seal_id(root_(unit.seal.certificate), unit.seal);
      return;
    }
    row.flags |= previous(unit.seal, number);
    if (same_incarnation(unit.seal, row.flags, number)) row.flags |= kSameIncarnation;
  }

  bool same_incarnation(const Seal& seal, std::uint64_t flags, std::size_t number) const {
    for (std::size_t i = number; i-- > 0;)
      if (columns_.seals[i].seal.certificate == seal.certificate)
        return columns_.seals[i].seal.incarnation == seal.incarnation;
    if ((flags & kPreviousMask) != kCommonPrevious || !names_->goes_on) return false;
    const auto* newest =
        names_->seals == nullptr ? nullptr : names_->seals->newest(seal.certificate);
    return newest != nullptr && newest->id == seal.previous;
  }

  std::uint64_t previous(const Seal& seal, std::size_t number) const {
    if (seal.previous.is_zero()) return kNoPrevious;
    if (number > 0) {
      const Seal& before = columns_.seals[number - 1].seal;
      if (before.certificate == seal.certificate && before.incarnation == seal.incarnation &&
          before.number + 1 == seal.number &&
          seal_id(root_(before.certificate), before) == seal.previous)
        return kFollowsUnit;
    }
    if (names_ != nullptr &&
        names_->common_seal(seal.certificate, seal.incarnation, seal.number - 1) == seal.previous)
      return kCommonPrevious;
    return kRawPrevious;
  }

  void update(const SealedUnit& unit, const SealedLeaf& leaf) {
    const Update& update = leaf.update;
    const Envelope& envelope = update.envelope;
    const auto number = static_cast<std::uint32_t>(columns_.updates.size());
    LT_CHECK(number < kPartUpdateCountMax && envelope.deps.size() <= kParentCountMax);
    auto& [open, closed] = columns_.bodies.rows.emplace_back();
    columns_.bodies.contexts.emplace_back();
    columns_.bodies.add(open, update.open, false);
    if (!update.closed.empty()) columns_.bodies.add(closed, update.closed, true);

    UpdateCells& cells = columns_.updates.emplace_back();
    const Bytes fixed = encode_envelope(envelope);
    const UpdateId id = id_of(root_(envelope.certificate), fixed, update);
    columns_.ids.push_back(id);
    cells.unit = static_cast<std::uint32_t>(columns_.seals.size() - 1);
    cells.envelope = envelope;
    cells.closed_hash = update.closed_hash;
    for (const UpdateId& dep : envelope.deps) cells.deps.push_back({UpdateRef::kOutside, dep});
    if (envelope.link) cells.link = UpdateRef{UpdateRef::kOutside, *envelope.link};
    cells.record = record(update, id, number);
    RecordEntry& record = columns_.records[cells.record];
    if (envelope.record.is_zero())
      cells.flags |= kFirstOfRecord;
    else if (number > 0 && columns_.updates[number - 1].record == cells.record)
      cells.flags |= kSameRecord;
    if (record.place_known && record.place.heads == envelope.deps) cells.flags |= kHeads;
    if (record.place_known && record.place.link == envelope.link) cells.flags |= kTip;
    if (envelope.certificate == unit.seal.certificate) cells.flags |= kSealer;
    if (envelope.tree_version == tree_version_ && envelope.rules_version == rules_version_)
      cells.flags |= kSameVersions;
    tree_version_ = envelope.tree_version;
    rules_version_ = envelope.rules_version;
    if (envelope.record.is_zero()) {
      record.secret_known = true;
      record.secret = update.secret;
      if (update.secret) cells.secret = *update.secret;
    }
    cells.flags |= static_cast<std::uint64_t>(closed_state(update, fixed, record)) << kClosedShift;
    advance(record, id, is_link_of(columns_.bodies, open), envelope.link);
    columns_.places.emplace(id, number);
  }

  Closed closed_state(const Update& update, ByteView envelope, RecordEntry& record) const {
    if (update.closed.empty()) return update.closed_hash.is_zero() ? Closed::kNone : Closed::kHash;
    const auto secret = secret_in(record, names_);
    if (secret && closed_part_hash(root_(update.envelope.certificate), *secret, envelope,
                                   update.closed) == update.closed_hash)
      return Closed::kComputed;
    return Closed::kHere;
  }

  std::uint32_t record(const Update& update, const UpdateId& id, std::uint32_t number) {
    const bool first = update.envelope.record.is_zero();
    const RecordId of = record_of(update, id);
    const auto place = static_cast<std::uint32_t>(columns_.records.size());
    if (!first) {
      const auto known = columns_.record_places.find(of);
      if (known != columns_.record_places.end()) return known->second;
    }
    columns_.record_places.emplace(of, place);  // its creation may come after updates of it
    RecordEntry& entry = columns_.records.emplace_back();
    entry.id = of;
    if (first) {
      entry.created_by = number;
      entry.place_known = true;
    } else if (names_ == nullptr) {
      entry.place_known = true;
    } else if (auto stood = names_->place_before(of, id)) {
      entry.place_known = true;
      entry.place = *std::move(stood);
    }
    return place;
  }

  const RootOf& root_;
  const Names* names_;
  ColumnWriter io_;
  PartColumns<ColumnWriter> columns_;
  TreeVersion tree_version_ = Envelope().tree_version;
  std::uint16_t rules_version_ = Envelope().rules_version;
};

// ---- decoding ----

class PartDecoder {
 public:
  PartDecoder(const RootOf& root, ColumnReader& io, const Names* names, bool full)
      : root_(root), io_(io), names_(full ? nullptr : names), full_(full), columns_(io, names_) {}

  Result<PartBody> decode() {
    columns_.all();
    io_.finish();
    if (!io_.ok()) {
      const Error& error = io_.error();  // in full once more would be no better
      if (full_ && error.code() == Errc::kUnclear) return Error(Errc::kMalformed, error.detail());
      return error;
    }
    PartBody body;
    for (const ByteView statement : columns_.statements) {
      LT_TRY(Statement value, lienthong::decode_statement(statement));
      body.statements.push_back(std::move(value));
    }
    for (SealRow& row : columns_.seals) {
      LT_TRY(SealedUnit next, unit(row, body));
      body.units.push_back(std::move(next));
    }
    return body;
  }

 private:
  Result<SealedUnit> unit(SealRow& row, PartBody& body) {
    SealedUnit unit;
    unit.leaves.reserve(row.indices.size());
    UnitFacts& facts = body.facts.emplace_back();
    std::vector<Hash256> leaves;
    for (std::size_t i = 0; i < row.indices.size(); ++i) {
      SealedLeaf& leaf = unit.leaves.emplace_back();
      leaf.index = row.indices[i];
      LT_TRY(leaf.update,
             update(row.first + static_cast<std::uint32_t>(i), facts.secrets.emplace_back()));
      facts.ids.push_back(ids_.back());
      leaves.push_back(id_cast<Hash256>(ids_.back()));
    }
    facts.root_computed = (row.flags & kWholeSeal) != 0;
    if (facts.root_computed) row.seal.root = merkle_root(root_(row.seal.certificate), leaves);
    if ((row.flags & kPreviousMask) == kFollowsUnit)
      row.seal.previous = seal_id(root_(row.seal.certificate), body.units.back().seal);
    if (row.flags == kHeldSeal && !find_held(row, leaves))
      return Error(Errc::kUnclear, "no seal here that the leaves belong to");
    unit.seal = row.seal;
    unit.proof = std::move(row.proof);
    return unit;
  }

  // Of the seals whose names begin so the one whose tree these leaves complete.
  bool find_held(SealRow& row, std::span<const Hash256> values) const {
    std::vector<IndexedLeaf> leaves;
    for (std::size_t i = 0; i < values.size(); ++i) leaves.push_back({row.indices[i], values[i]});
    for (const Names::HeldSeal& held : row.held) {
      if (row.indices.back() >= held.seal.count) continue;
      auto proof = names_->seal_proof(held.id, row.indices);
      if (!proof) continue;
      const auto root =
          merkle_root_from_part(root_(held.seal.certificate), held.seal.count, leaves, *proof);
      if (!root.ok() || *root != held.seal.root) continue;
      row.seal = held.seal;
      row.proof = *std::move(proof);
      return true;
    }
    return false;
  }

  UpdateId resolve(const UpdateRef& ref) const {
    return ref.inside == UpdateRef::kOutside ? ref.id : ids_[ref.inside];
  }

  // A short name that leads elsewhere may put things out of order; then nobody is at fault.
  Error misled(const char* what) const {
    return Error(full_ ? Errc::kMalformed : Errc::kUnclear, what);
  }

  Result<void> envelope(const UpdateCells& cells, RecordEntry& record, Envelope& out) {
    out = cells.envelope;
    if ((cells.flags & kFirstOfRecord) == 0) {
      out.record = record.id;
      if (out.record.is_zero()) return misled("record of an update");
    }
    if ((cells.flags & (kHeads | kTip)) != 0 && !record.place_known && !full_) {
      auto stands = names_ == nullptr ? std::nullopt : names_->place_now(record.id);
      if (!stands) return Error(Errc::kUnclear, "a record is not here");
      record.place = *std::move(stands);
      record.place_known = true;
    }
    if ((cells.flags & kHeads) != 0)
      out.deps = record.place.heads;
    else
      for (const UpdateRef& ref : cells.deps) out.deps.push_back(resolve(ref));
    if ((cells.flags & kTip) != 0)
      out.link = record.place.link;
    else if (cells.link)
      out.link = resolve(*cells.link);
    if (out.deps.size() > kParentCountMax) return misled("heads of a record");
    if (std::ranges::adjacent_find(out.deps, std::greater_equal<>()) != out.deps.end())
      return misled("deps out of order");
    return {};
  }

  // Names inside the part become ids.
  void settle_names(const BodyRow& row) {
    if (!row.present || row.shape == BodyRow::kVerbatim) return;
    const Shape& shape = columns_.bodies.shape(row);
    for (std::size_t i = 0; i < shape.slots.size(); ++i) {
      Value& value = columns_.bodies.values[row.first + i];
      if (shape.slots[i].type == SlotType::kRecord)
        value.bytes = columns_.records[value.first].id.view();
      if (shape.slots[i].type != SlotType::kUpdates) continue;
      Bytes ids;
      for (std::uint32_t k = 0; k < value.count; ++k) {
        const UpdateId id = resolve(columns_.references[value.first + k]);
        ids.insert(ids.end(), id.bytes.begin(), id.bytes.end());
      }
      value.bytes = io_.keep(ids);
    }
  }

  Bytes body(const BodyRow& row) {
    if (!row.present) return {};
    Bytes out;
    if (row.shape == BodyRow::kVerbatim) {
      out = to_bytes(row.verbatim);
    } else {
      const Shape& shape = columns_.bodies.shape(row);
      out = rebuild(shape, std::span(columns_.bodies.values).subspan(row.first, shape.slots.size()),
                    columns_.bodies.items);
    }
    io_.charge(out.size());
    return out;
  }

  // `computed`: the secret under which the closed hash was computed, if it was.
  Result<Update> update(std::uint32_t number, std::optional<RecordSecret>& computed) {
    const UpdateCells& cells = columns_.updates[number];
    RecordEntry& record = columns_.records[cells.record];
    const auto& [open, closed] = columns_.bodies.rows[number];
    Update out;
    LT_TRY_VOID(envelope(cells, record, out.envelope));
    settle_names(open);
    settle_names(closed);
    out.open = body(open);
    out.closed = body(closed);
    if (!io_.ok()) return io_.error();
    const Bytes fixed = encode_envelope(out.envelope);
    const auto state = static_cast<Closed>(cells.flags >> kClosedShift);
    if ((cells.flags & kFirstOfRecord) != 0) {
      record.secret_known = true;
      if (state == Closed::kComputed) record.secret = out.secret = cells.secret;
    }
    if (closed.present && out.closed.empty())
      return Error(Errc::kMalformed, "closed part of no bytes");
    if (state == Closed::kComputed) {
      computed = secret_in(record, names_);
      if (!computed) return misled("the secret of a record is not here");
      out.closed_hash =
          closed_part_hash(root_(out.envelope.certificate), *computed, fixed, out.closed);
    } else {
      out.closed_hash = cells.closed_hash;
    }
    const UpdateId id = id_of(root_(out.envelope.certificate), fixed, out);
    ids_.push_back(id);
    if ((cells.flags & kFirstOfRecord) != 0) record.id = id_cast<RecordId>(id);
    advance(record, id, is_link_of(columns_.bodies, open), out.envelope.link);
    return out;
  }

  const RootOf& root_;
  ColumnReader& io_;
  const Names* names_;
  const bool full_;
  PartColumns<ColumnReader> columns_;
  std::vector<UpdateId> ids_;
};

struct Stretches {
  std::uint8_t flags = 0;
  ByteView head, raw, coded;
};
Result<Stretches> stretches(ByteView body) {
  ByteReader in(body);
  Stretches out;
  LT_TRY(out.flags, in.u8());
  if ((out.flags & ~(kBodyCoded | kBodyFull)) != 0)
    return Error(Errc::kMalformed, "flags of a part");
  const bool coded = (out.flags & kBodyCoded) != 0;
  LT_TRY(const std::uint64_t head, in.varint());
  std::uint64_t raw = 0;
  if (coded) {
    LT_TRY(raw, in.varint());
  }
  if (head > in.rest().size()) return Error(Errc::kTruncated, "head of a part");
  LT_TRY(out.head, in.raw(static_cast<std::size_t>(head)));
  if (raw > in.rest().size()) return Error(Errc::kTruncated, "raw bytes of a part");
  out.raw = coded ? in.rest().first(static_cast<std::size_t>(raw)) : in.rest();
  out.coded = in.rest().subspan(out.raw.size());
  if (!out.coded.empty() && out.coded.back() == 0)
    return Error(Errc::kMalformed, "a part has bytes too many");
  return out;
}

}  // namespace

Bytes encode_part_body(const RootOf& root, const FeedPart& part, const Names* names) {
  std::size_t updates = 0;
  for (const SealedUnit& unit : part.units) updates += unit.leaves.size();
  return PartEncoder(root, names, updates >= kCodedUpdateCountMin).encode(part);
}

std::size_t dense_tail(ByteView body) {
  const auto parts = stretches(body);
  return parts.ok() ? parts->raw.size() + parts->coded.size() : 0;
}

Result<PartBody> decode_part(const RootOf& root, ByteView body, const Names* names) {
  if (body.size() > kMessageBytesMax) return Error(Errc::kTooLarge, "part");
  LT_TRY(const Stretches parts, stretches(body));
  ColumnReader io(parts.head, parts.raw, parts.coded, (parts.flags & kBodyCoded) != 0);
  return PartDecoder(root, io, names, (parts.flags & kBodyFull) != 0).decode();
}

bool names_shortly(ByteView body) {
  const auto parts = stretches(body);
  return parts.ok() && (parts->flags & kBodyFull) == 0;
}

Result<FeedPart> decode_part_body(const RootOf& root, ByteView body, const Names* names) {
  LT_TRY(PartBody out, decode_part(root, body, names));
  FeedPart part;
  part.units = std::move(out.units);
  part.statements = std::move(out.statements);
  return part;
}

}  // namespace lienthong::wire
