#include "protocol/wire/part.h"

#include <algorithm>

#include "protocol/base/limits.h"
#include "protocol/crypto/hash.h"
#include "protocol/record/codec.h"
#include "protocol/wire/part_rebuild.h"
#include "protocol/wire/part_steps.h"

namespace lienthong::wire {
namespace {

// ---- encoding ----

class PartEncoder {
 public:
  // `unsure`: where records stand for the reader is not known.
  PartEncoder(const RootOf& root, const Names* names, bool coded, bool unsure = false)
      : root_(root), names_(names), unsure_(unsure), io_(coded), columns_(io_, names) {}

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
    } else if (auto stood = unsure_ ? std::nullopt : names_->place_before(of, id)) {
      entry.place_known = true;
      entry.place = *std::move(stood);
    }
    return place;
  }

  const RootOf& root_;
  const Names* names_;
  const bool unsure_;
  ColumnWriter io_;
  PartColumns<ColumnWriter> columns_;
  TreeVersion tree_version_ = Envelope().tree_version;
  std::uint16_t rules_version_ = Envelope().rules_version;
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

namespace {

bool worth_coding(const FeedPart& part) {
  std::size_t updates = 0;
  for (const SealedUnit& unit : part.units) updates += unit.leaves.size();
  return updates >= kCodedUpdateCountMin;
}

}  // namespace

Bytes encode_part_body(const RootOf& root, const FeedPart& part, const Names* names) {
  return PartEncoder(root, names, worth_coding(part)).encode(part);
}

Bytes encode_with_parents(const RootOf& root, const FeedPart& part, const Names* names) {
  return PartEncoder(root, names, worth_coding(part), true).encode(part);
}

std::size_t dense_tail(ByteView body) {
  const auto parts = stretches(body);
  return parts.ok() ? parts->raw.size() + parts->coded.size() : 0;
}

Result<PartBody> decode_part(const RootOf& root, ByteView body, const Names* names,
                             const Standing* standing) {
  if (body.size() > kMessageBytesMax) return Error(Errc::kTooLarge, "part");
  LT_TRY(const Stretches parts, stretches(body));
  ColumnReader io(parts.head, parts.raw, parts.coded, (parts.flags & kBodyCoded) != 0);
  return rebuild_part(root, io, names, standing, (parts.flags & kBodyFull) != 0);
}

Result<PartBody> decode_part(const RootOf& root, ByteView body, const Names* names) {
  return decode_part(root, body, names, nullptr);
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
