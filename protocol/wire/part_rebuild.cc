#include "protocol/wire/part_rebuild.h"

#include <algorithm>

#include "protocol/base/limits.h"
#include "protocol/wire/part_steps.h"

namespace lienthong::wire {
namespace {

// Of one part, so many updates are rebuilt once more at the most to find out where records stood
// for the sender; each try counts as some, for its signature. A tenth of a second.
constexpr std::size_t kRebuiltAgainMax = 8192;
constexpr std::size_t kTryCost = 16;
// So often is looked what follows from another place of a record, within a unit.
constexpr int kSpreadMax = 8;

// A record that may have stood elsewhere for the sender, before the unit that is being rebuilt.
struct Doubt {
  std::uint32_t record = 0;
  std::vector<RecordPlace> places;
  std::size_t chosen = 0;
  std::size_t least = 0;  // as if the sender had nothing but its own
};

class PartDecoder {
 public:
  PartDecoder(const RootOf& root, ColumnReader& io, const Names* names, const Standing* standing,
              bool full)
      : root_(root),
        io_(io),
        names_(full ? nullptr : names),
        standing_(full ? nullptr : standing),
        full_(full),
        columns_(io, names_) {}

  Result<PartBody> decode() {
    columns_.all();
    io_.finish();
    if (!io_.ok()) {
      const Error& error = io_.error();  // in full once more would be no better
      if (full_ && error.code() == Errc::kUnclear) return Error(Errc::kMalformed, error.detail());
      return error;
    }
    ids_.resize(columns_.updates.size());
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
    const std::size_t count = row.indices.size();
    UnitFacts& facts = body.facts.emplace_back();
    facts.ids.resize(count);
    facts.secrets.resize(count);
    unit.leaves.resize(count);
    doubts_.clear();
    before_.clear();
    for (std::size_t i = 0; i < count; ++i) LT_TRY_VOID(leaf(row, i, unit, facts));
    facts.root_computed = (row.flags & kWholeSeal) != 0;
    complete(row, facts, body);
    const bool proven =
        !doubts_.empty() && (stands(row, facts) || stands_elsewhere(row, unit, facts, body));
    if (row.flags == kHeldSeal && !proven && !find_held(row, facts))
      return Error(Errc::kUnclear, "no seal here that the leaves belong to");
    unit.seal = row.seal;
    unit.proof = std::move(row.proof);
    return unit;
  }

  Result<void> leaf(const SealRow& row, std::size_t i, SealedUnit& unit, UnitFacts& facts) {
    SealedLeaf& leaf = unit.leaves[i];
    const std::uint32_t number = row.first + static_cast<std::uint32_t>(i);
    leaf.index = row.indices[i];
    facts.secrets[i].reset();
    LT_TRY(leaf.update, update(number, facts.secrets[i]));
    facts.ids[i] = ids_[number];
    return {};
  }

  // What of a seal follows from its leaves.
  void complete(SealRow& row, const UnitFacts& facts, const PartBody& body) const {
    const RootFingerprint& root = root_(row.seal.certificate);
    if ((row.flags & kWholeSeal) != 0) row.seal.root = merkle_root(root, hashes(facts));
    if ((row.flags & kPreviousMask) == kFollowsUnit)
      row.seal.previous = seal_id(root, body.units.back().seal);
  }
  static std::vector<Hash256> hashes(const UnitFacts& facts) {
    std::vector<Hash256> out;
    for (const UpdateId& id : facts.ids) out.push_back(id_cast<Hash256>(id));
    return out;
  }
  static std::vector<IndexedLeaf> indexed(const SealRow& row, const UnitFacts& facts) {
    std::vector<IndexedLeaf> out;
    for (std::size_t i = 0; i < facts.ids.size(); ++i)
      out.push_back({row.indices[i], id_cast<Hash256>(facts.ids[i])});
    return out;
  }

  // Of the seals whose names begin so the one whose tree these leaves complete.
  bool find_held(SealRow& row, const UnitFacts& facts) const {
    const std::vector<IndexedLeaf> leaves = indexed(row, facts);
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

  // ---- where records stood for the sender ----

  // Whether the seal proves what was rebuilt.
  bool stands(SealRow& row, const UnitFacts& facts) const {
    if (row.flags == kHeldSeal) return find_held(row, facts);
    if ((row.flags & kWholeSeal) == 0) {
      const auto root = merkle_root_from_part(root_(row.seal.certificate), row.seal.count,
                                              indexed(row, facts), row.proof);
      if (!root.ok() || *root != row.seal.root) return false;
    }
    return standing_->proves(row.seal);
  }

  // Tries other places: for all records as if the sender knew all that is here, then as if it knew
  // nothing that it has not sent; for each record by itself; for each two of them. What stays is
  // the last try where none is proven, and that is nobody's concern.
  bool stands_elsewhere(SealRow& row, SealedUnit& unit, UnitFacts& facts, const PartBody& body) {
    for (Doubt& doubt : doubts_) {
      std::vector<RecordPlace> places = standing_->places(columns_.records[doubt.record].id);
      doubt.least = places.empty() ? 0 : places.size() - 1;
      const auto same = std::ranges::find_if(places, [&](const RecordPlace& place) {
        return place.heads == doubt.places.front().heads && place.link == doubt.places.front().link;
      });
      doubt.chosen = static_cast<std::size_t>(same - places.begin());
      if (same == places.end()) places.push_back(doubt.places.front());
      doubt.places = std::move(places);
    }
    const auto affected = spread(row);
    if (!affected) return false;
    std::vector<std::size_t> likeliest;
    for (const Doubt& doubt : doubts_) likeliest.push_back(doubt.chosen);
    const auto attempt = [&](std::span<const std::size_t> choice) {
      for (std::size_t i = 0; i < doubts_.size(); ++i) doubts_[i].chosen = choice[i];
      return again(row, *affected, unit, facts, body);
    };
    std::vector<std::size_t> choice(doubts_.size(), 0);
    if (choice != likeliest && attempt(choice)) return true;
    for (std::size_t i = 0; i < doubts_.size(); ++i) choice[i] = doubts_[i].least;
    if (choice != likeliest && attempt(choice)) return true;
    choice = likeliest;
    return vary(choice, 0, 1, attempt) || vary(choice, 0, 2, attempt);
  }

  // So many of the records from that one on stand elsewhere.
  template <class Attempt>
  bool vary(std::vector<std::size_t>& choice, std::size_t from, int count, const Attempt& attempt) {
    for (std::size_t i = from; i < doubts_.size(); ++i) {
      const std::size_t likeliest = choice[i];
      for (std::size_t other = 0; other < doubts_[i].places.size(); ++other) {
        if (other == likeliest) continue;
        if (left_ < kTryCost) return false;
        choice[i] = other;
        if (count > 1 ? vary(choice, i + 1, count - 1, attempt) : attempt(choice)) return true;
      }
      choice[i] = likeliest;
    }
    return false;
  }

  // Once more, the records where they were chosen to stand.
  bool again(SealRow& row, const std::vector<std::uint32_t>& affected, SealedUnit& unit,
             UnitFacts& facts, const PartBody& body) {
    if (left_ < affected.size() + kTryCost) {
      left_ = 0;
      return false;
    }
    left_ -= affected.size() + kTryCost;
    for (const std::uint32_t i : affected)
      restore(columns_.updates[row.first + i].record, row.first);
    for (const Doubt& doubt : doubts_) {
      RecordEntry& record = columns_.records[doubt.record];
      record.place = doubt.places[doubt.chosen];
      record.place_known = true;
    }
    again_ = true;
    bool whole = true;
    for (const std::uint32_t i : affected) whole = whole && leaf(row, i, unit, facts).ok();
    again_ = false;
    complete(row, facts, body);
    return whole && stands(row, facts);
  }

  // The updates of a unit that come out otherwise if records in doubt stand elsewhere: those of
  // these records, and of all records that name one of them.
  std::optional<std::vector<std::uint32_t>> spread(const SealRow& row) const {
    std::vector<bool> records(columns_.records.size()), updates(row.indices.size());
    for (const Doubt& doubt : doubts_) records[doubt.record] = true;
    bool grew = true;
    for (int round = 0; grew; ++round) {
      if (round == kSpreadMax) return std::nullopt;
      grew = false;
      for (std::size_t i = 0; i < updates.size(); ++i) {
        const std::uint32_t number = row.first + static_cast<std::uint32_t>(i);
        const std::uint32_t record = columns_.updates[number].record;
        if (updates[i] || (!records[record] && !names_any(number, row.first, updates, records)))
          continue;
        updates[i] = records[record] = grew = true;
      }
    }
    std::vector<std::uint32_t> out;
    for (std::uint32_t i = 0; i < updates.size(); ++i)
      if (updates[i]) out.push_back(i);
    return out;
  }
  bool names_any(std::uint32_t number, std::uint32_t first, const std::vector<bool>& updates,
                 const std::vector<bool>& records) const {
    const auto named = [&](const UpdateRef& ref) {
      return ref.inside != UpdateRef::kOutside && ref.inside >= first &&
             updates[ref.inside - first];
    };
    const UpdateCells& cells = columns_.updates[number];
    if (std::ranges::any_of(cells.deps, named) || (cells.link && named(*cells.link))) return true;
    for (const BodyRow& row : columns_.bodies.rows[number]) {
      if (!row.present || row.shape == BodyRow::kVerbatim) continue;
      const Shape& shape = columns_.bodies.shape(row);
      for (std::size_t i = 0; i < shape.slots.size(); ++i) {
        const Value& value = columns_.bodies.values[row.first + i];
        if (shape.slots[i].type == SlotType::kRecord && records[value.first]) return true;
        if (shape.slots[i].type != SlotType::kUpdates) continue;
        for (std::uint32_t k = 0; k < value.count; ++k)
          if (named(columns_.references[value.first + k])) return true;
      }
    }
    return false;
  }

  // ---- one update ----

  UpdateId resolve(const UpdateRef& ref) const {
    return ref.inside == UpdateRef::kOutside ? ref.id : ids_[ref.inside];
  }

  // A short name that leads elsewhere may put things out of order; then nobody is at fault.
  Error misled(const char* what) const {
    return Error(full_ ? Errc::kMalformed : Errc::kUnclear, what);
  }

  std::optional<Standing::Place> place_there(const RecordId& record, Hlc clock) const {
    if (standing_ != nullptr) return standing_->likeliest(record, clock);
    auto place = names_ == nullptr ? std::nullopt : names_->place_now(record);
    if (!place) return std::nullopt;
    return Standing::Place{*std::move(place), false};
  }

  Result<void> envelope(const UpdateCells& cells, RecordEntry& record, Envelope& out) {
    out = cells.envelope;
    if ((cells.flags & kFirstOfRecord) == 0) {
      out.record = record.id;
      if (out.record.is_zero()) return misled("record of an update");
    }
    if ((cells.flags & (kHeads | kTip)) != 0 && !record.place_known && !full_) {
      auto stands = place_there(record.id, out.hlc);
      if (!stands) return Error(Errc::kUnclear, "a record is not here");
      if (stands->doubtful) doubts_.push_back({cells.record, {stands->place}});
      record.place = std::move(stands->place);
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
      if (!again_) {
        value.bytes = io_.keep(ids);
      } else {
        Bytes& kept = other_references_[row.first + i];
        kept = std::move(ids);
        value.bytes = kept;
      }
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
    if (!again_) io_.charge(out.size());
    return out;
  }

  // A record as it was before the unit, whose updates begin there.
  void keep_before(std::uint32_t number, std::uint32_t first) {
    const RecordEntry& record = columns_.records[number];
    const bool new_here = record.created_by != RecordEntry::kNotHere && record.created_by >= first;
    if (!full_ && !again_ && !new_here) before_.try_emplace(number, record);
  }
  void restore(std::uint32_t number, std::uint32_t first) {
    RecordEntry& record = columns_.records[number];
    if (const auto before = before_.find(number); before != before_.end()) {
      record = before->second;
    } else if (record.created_by != RecordEntry::kNotHere && record.created_by >= first) {
      record.id = {};
      record.place = {};
      record.secret_known = false;
      record.secret.reset();
    }
  }

  // `computed`: the secret under which the closed hash was computed, if it was.
  Result<Update> update(std::uint32_t number, std::optional<RecordSecret>& computed) {
    const UpdateCells& cells = columns_.updates[number];
    keep_before(cells.record, columns_.seals[cells.unit].first);
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
    ids_[number] = id;
    if ((cells.flags & kFirstOfRecord) != 0) record.id = id_cast<RecordId>(id);
    advance(record, id, is_link_of(columns_.bodies, open), out.envelope.link);
    return out;
  }

  const RootOf& root_;
  ColumnReader& io_;
  const Names* names_;
  const Standing* standing_;
  const bool full_;
  PartColumns<ColumnReader> columns_;
  std::vector<UpdateId> ids_;
  // Of the unit that is being rebuilt.
  std::vector<Doubt> doubts_;
  std::unordered_map<std::uint32_t, RecordEntry> before_;  // its records, by number, before it
  std::unordered_map<std::size_t, Bytes> other_references_;
  bool again_ = false;  // not for the first time
  std::size_t left_ = kRebuiltAgainMax;
};

}  // namespace

Result<PartBody> rebuild_part(const RootOf& root, ColumnReader& io, const Names* names,
                              const Standing* standing, bool full) {
  return PartDecoder(root, io, names, standing, full).decode();
}

}  // namespace lienthong::wire
