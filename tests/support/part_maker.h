// Parts for tests of the encoding: dossiers with every field and odd things among them, sealed for
// real, and a world of names that stands in for the two replicas.
#pragma once

#include <algorithm>
#include <map>
#include <random>

#include "protocol/feed/feed.h"
#include "protocol/record/codec.h"
#include "protocol/record/fields.h"
#include "protocol/wire/short_names.h"

namespace lienthong::test {

// What one side holds, in maps. Both sides' questions are answered from it.
class FakeNames : public wire::Names {
 public:
  struct Record {
    std::vector<std::pair<UpdateId, wire::RecordPlace>> before;  // in order of entry
    wire::RecordPlace now;
    std::optional<RecordSecret> secret;
  };
  std::map<RecordId, Record> records;
  std::map<UpdateId, int> updates;
  std::map<AgencyId, int> agencies;
  std::map<CertificateId, int> certificates;
  std::map<std::tuple<CertificateId, std::uint64_t, std::uint32_t>, SealId> seals;

  // Takes in an update as a replica does whose records are linear.
  void enter(const RootFingerprint& root, const Update& update) {
    const UpdateId id = update_id(root, update);
    Record& record = records[record_of(update, id)];
    record.before.emplace_back(id, record.now);
    record.now.heads = {id};
    const auto body = wire::decode_open(update.open);
    record.now.link = body.ok() && is_link(body->kind) ? std::optional(id) : update.envelope.link;
    if (update.envelope.record.is_zero()) record.secret = update.secret;
    updates[id];
  }
  void enter(const RootFingerprint& root, const FeedPart& part) {
    for (const SealedUnit& unit : part.units) {
      certificates[unit.seal.certificate];
      for (const SealedLeaf& leaf : unit.leaves) {
        certificates[leaf.update.envelope.certificate];
        enter(root, leaf.update);
      }
      seals[{unit.seal.certificate, unit.seal.incarnation, unit.seal.number}] =
          seal_id(root, unit.seal);
    }
  }

  std::size_t prefix_size(const RecordId& id) const override { return size_in(records, id, 4); }
  std::size_t prefix_size(const UpdateId& id) const override { return size_in(updates, id, 6); }
  std::size_t prefix_size(const AgencyId& id) const override { return size_in(agencies, id, 4); }
  std::size_t prefix_size(const CertificateId& id) const override {
    return size_in(certificates, id, 4);
  }
  std::optional<wire::RecordPlace> place_before(const RecordId& record,
                                                const UpdateId& update) const override {
    const auto at = records.find(record);
    if (at == records.end()) return std::nullopt;
    for (const auto& [id, place] : at->second.before)
      if (id == update) return place;
    return std::nullopt;
  }
  std::optional<SealId> common_seal(const CertificateId& certificate, std::uint64_t incarnation,
                                    std::uint32_t number) const override {
    return find_seal(certificate, incarnation, number);
  }
  std::optional<RecordId> find_record(ByteView prefix) const override {
    return only(records, prefix);
  }
  std::optional<UpdateId> find_update(ByteView prefix) const override {
    return only(updates, prefix);
  }
  std::optional<AgencyId> find_agency(ByteView prefix) const override {
    return only(agencies, prefix);
  }
  std::optional<CertificateId> find_certificate(ByteView prefix) const override {
    return only(certificates, prefix);
  }
  std::optional<wire::RecordPlace> place_now(const RecordId& record) const override {
    const auto at = records.find(record);
    return at == records.end() ? std::nullopt : std::optional(at->second.now);
  }
  std::optional<SealId> find_seal(const CertificateId& certificate, std::uint64_t incarnation,
                                  std::uint32_t number) const override {
    const auto at = seals.find({certificate, incarnation, number});
    return at == seals.end() ? std::nullopt : std::optional(at->second);
  }
  std::optional<RecordSecret> secret(const RecordId& record) const override {
    const auto at = records.find(record);
    return at == records.end() ? std::nullopt : at->second.secret;
  }

 private:
  static std::size_t same(ByteView a, ByteView b) {
    std::size_t size = 0;
    while (size < a.size() && size < b.size() && a[size] == b[size]) ++size;
    return size;
  }
  template <class Map, class IdType>
  static std::size_t size_in(const Map& map, const IdType& id, std::size_t shortest) {
    if (!map.contains(id)) return IdType::kSize;
    for (const auto& [other, value] : map)
      if (other != id) shortest = std::max(shortest, same(other.view(), id.view()) + 1);
    return shortest;
  }
  template <class Map>
  static std::optional<typename Map::key_type> only(const Map& map, ByteView prefix) {
    std::optional<typename Map::key_type> found;
    for (const auto& [id, value] : map) {
      if (same(id.view(), prefix) != prefix.size()) continue;
      if (found) return std::nullopt;
      found = id;
    }
    return found;
  }
};

// Writes records as offices would, and odd ones.
class PartMaker {
 public:
  explicit PartMaker(std::uint64_t seed) : random_(seed) {
    for (auto& byte : root.bytes) byte = static_cast<std::uint8_t>(random_());
    for (int i = 0; i < 3; ++i) {
      certificates.push_back(id<CertificateId>());
      agencies.push_back(id<AgencyId>());
    }
  }
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  template <class T>
  T id() {
    T out;
    for (auto& byte : out.bytes) byte = static_cast<std::uint8_t>(random_());
    return out;
  }
  Bytes bytes(std::size_t size) {
    Bytes out(size);
    for (auto& byte : out) byte = static_cast<std::uint8_t>(random_());
    return out;
  }
  std::string text() {
    static constexpr std::string_view kWords[] = {"Nguyễn",   "Thị",
                                                  "Lành",     "hồ sơ",
                                                  "số 12/03", "H47.518-221103-0007",
                                                  "  ",       "0912345678",
                                                  "",         "Xã Tam Đàn, huyện Phú Ninh"};
    std::string out;
    for (std::uint64_t i = below(4); i > 0; --i) out += std::string(kWords[below(10)]) + " ";
    if (below(3) == 0) out += std::to_string(below(1'000'000));
    return out;
  }

  // One more update: of a new record or of one that was written before.
  Update update() {
    Update out;
    Envelope& envelope = out.envelope;
    envelope.certificate = certificates[below(8) == 0 ? below(certificates.size()) : 0];
    envelope.tree_version = static_cast<TreeVersion>(below(10) == 0 ? below(3) : 1);
    if (below(20) == 0) envelope.rules_version = static_cast<std::uint16_t>(below(3));
    clock_ += below(5) == 0 ? 1 : below(100'000) << 16;
    envelope.hlc.value = below(30) == 0 ? random_() : clock_;
    Written* record = nullptr;
    if (written_.empty() || below(3) == 0) {
      record = &written_.emplace_back();
    } else {
      record = &written_[written_.size() - 1 - below(std::min<std::size_t>(written_.size(), 9))];
      envelope.record = record->id;
      envelope.deps = {record->last};
      envelope.link = record->link;
      odd_parents(envelope);
    }
    const bool first = envelope.record.is_zero();
    OpenBody open = open_body(first);
    out.open = below(25) == 0 ? bytes(8 * below(5)) : wire::encode(open);
    close(out, *record, first);
    const UpdateId of = update_id(root, out);
    if (first) record->id = id_cast<RecordId>(of);
    record->last = of;
    const auto body = wire::decode_open(out.open);
    record->link = body.ok() && is_link(body->kind) ? std::optional(of) : envelope.link;
    return out;
  }

  // Updates under one seal; `whole`: or some of them, with their proof.
  SealedUnit unit(std::size_t count, bool whole = true) {
    std::vector<Hash256> leaves;
    std::vector<IndexedLeaf> indexed;
    SealedUnit out;
    for (std::size_t i = 0; i < count; ++i) {
      out.leaves.push_back({static_cast<std::uint16_t>(i), update()});
      leaves.push_back(id_cast<Hash256>(update_id(root, out.leaves.back().update)));
      indexed.push_back({static_cast<std::uint16_t>(i), leaves.back()});
    }
    if (seal_number_ == 0 || below(6) == 0) {
      incarnation_ = random_();
      seal_number_ = 0;
      last_seal_ = {};
    }
    out.seal.certificate = certificates[0];
    out.seal.incarnation = incarnation_;
    out.seal.number = ++seal_number_;
    out.seal.previous = last_seal_;
    out.seal.count = static_cast<std::uint16_t>(count);
    out.seal.root = merkle_root(root, leaves);
    std::ranges::copy(bytes(64), out.seal.signature.begin());
    last_seal_ = seal_id(root, out.seal);
    if (whole || count < 3) return out;
    SealEvidence evidence(out.seal);
    LT_CHECK(evidence.absorb(root, indexed, {}).ok());
    std::vector<std::uint16_t> kept;
    for (std::uint16_t i = 0; i < count; ++i)
      if (below(2) == 0) kept.push_back(i);
    if (kept.empty()) kept.push_back(0);
    out.proof = evidence.prove(root, kept);
    std::vector<SealedLeaf> leaves_kept;
    for (const std::uint16_t index : kept) leaves_kept.push_back(out.leaves[index]);
    out.leaves = std::move(leaves_kept);
    return out;
  }
  FeedPart part(std::size_t units, std::size_t leaves_max, bool whole = false) {
    FeedPart out;
    for (std::size_t i = 0; i < units; ++i)
      out.units.push_back(unit(1 + below(leaves_max), whole || below(4) != 0));
    return out;
  }

  RootFingerprint root;
  bool accounts = false;  // closed parts say who used the API
  std::vector<CertificateId> certificates;
  std::vector<AgencyId> agencies;

 private:
  struct Written {
    RecordId id;
    UpdateId last;
    std::optional<UpdateId> link;
    std::optional<RecordSecret> secret;
  };

  void odd_parents(Envelope& envelope) {
    if (below(12) != 0) return;
    for (std::uint64_t i = below(4); i > 0; --i) envelope.deps.push_back(id<UpdateId>());
    std::ranges::sort(envelope.deps);
    if (below(2) == 0) envelope.link = id<UpdateId>();
  }

  OpenBody open_body(bool first) {
    static constexpr UpdateKind kKinds[] = {UpdateKind::kSet,    UpdateKind::kSet,
                                            UpdateKind::kNote,   UpdateKind::kOffer,
                                            UpdateKind::kAccept, UpdateKind::kReply};
    OpenBody open;
    open.kind = first ? UpdateKind::kCreated : kKinds[below(6)];
    if (below(30) == 0) open.kind = static_cast<UpdateKind>(below(65'536));
    if (open.kind == UpdateKind::kOffer) open.target = agencies[below(agencies.size())];
    open.urgent = below(20) == 0;
    open.writes = writes(Part::kOpen, first ? 2 : 6);
    if (below(2) == 0) open.action = text();
    if (below(2) == 0) open.at = static_cast<UnixMillis>(clock_ >> 16) / 1000 * 1000 - 5000;
    if (below(40) == 0) open.at = static_cast<UnixMillis>(random_());
    if (open.kind == UpdateKind::kReply)
      for (std::uint64_t i = 1 + below(3); i > 0; --i)
        open.references.push_back(below(3) == 0 ? id<UpdateId>()
                                                : written_[below(written_.size())].last);
    if (first && below(4) == 0)
      open.lead = below(2) == 0 ? id<RecordId>() : written_[below(written_.size())].id;
    if (below(8) == 0) open.deadline = 1'700'000'000'000 + static_cast<UnixMillis>(below(1e9));
    if (below(20) == 0) open.decision = text();
    return open;
  }

  std::vector<FieldWrite> writes(Part part, std::uint64_t rare) {
    std::vector<FieldWrite> out;
    for (const FieldInfo& info : all_fields()) {
      if (info.part != part || below(rare) != 0) continue;
      out.push_back({static_cast<std::uint16_t>(info.field), value(info.type)});
    }
    if (below(10) == 0) out.push_back({0xffff, value(FieldType::kText)});
    return out;
  }
  FieldValue value(FieldType type) {
    if (below(30) == 0) return std::monostate();
    if (below(30) == 0) return bytes(below(40));
    if (below(40) == 0) return static_cast<std::int64_t>(random_());
    switch (type) {
      case FieldType::kText: return text();
      case FieldType::kInstant:
        return static_cast<std::int64_t>((clock_ >> 16) / 60'000 * 60'000 + below(3) * 86'400'000);
      case FieldType::kInteger:
      case FieldType::kStatus:
      case FieldType::kChannel: return static_cast<std::int64_t>(below(11));
      case FieldType::kJson: return text();
      case FieldType::kRecord: return bytes(RecordId::kSize);
      case FieldType::kAgency: return to_bytes(agencies[below(agencies.size())].view());
      case FieldType::kComponents: {
        std::vector<wire::Component> items(below(4));
        for (auto& item : items)
          item = {text(),
                  text(),
                  static_cast<std::uint32_t>(below(3)),
                  below(2) == 0 ? to_hex(bytes(32)) : "",
                  below(3) * 70'000,
                  text()};
        return wire::encode(items);
      }
      case FieldType::kFees: {
        std::vector<wire::Fee> items(below(3));
        for (auto& item : items)
          item = {text(), static_cast<std::int64_t>(below(9)) - 4, "cash",
                  static_cast<UnixMillis>(clock_ >> 16), text()};
        return wire::encode(items);
      }
    }
    return std::monostate();
  }

  void close(Update& update, Written& record, bool first) {
    if (!first && below(2) == 0) return;
    ClosedBody closed;
    if (first) {
      std::ranges::copy(bytes(kSecretSize), record.secret.emplace().begin());
      update.secret = record.secret;
    }
    if (below(4) == 0) closed.key_hash = bytes(16);
    closed.writes = writes(Part::kClosed, 2);
    if (below(2) == 0) closed.officer = text();
    if (below(2) == 0) closed.note = text();
    if (accounts && below(2) == 0) closed.account = text();
    update.closed = wire::encode(closed);
    if (below(40) == 0)  // a field of a later version: one word of data
      update.closed = {0, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0};
    const bool other_hash = below(15) == 0;
    update.closed_hash = other_hash
                             ? id<Hash256>()
                             : closed_part_hash(root, *record.secret,
                                                encode_envelope(update.envelope), update.closed);
    if (below(8) == 0) update.closed.clear();                        // erased
    if (other_hash || update.closed.empty()) update.secret.reset();  // it would show nothing
  }

  std::mt19937_64 random_;
  std::uint64_t clock_ = 1'680'307'200'000ULL << 16;
  std::vector<Written> written_;
  std::uint64_t incarnation_ = 0;
  std::uint32_t seal_number_ = 0;
  SealId last_seal_;
};

}  // namespace lienthong::test
