#include "protocol/wire/feed_part.h"

#include <limits>
#include <unordered_map>

#include "protocol/wire/limits.h"

namespace lienthong::wire {
namespace {

// Flags of an update. The other bits are zero.
constexpr std::uint8_t kFirstOfRecord = 1;  // envelope.record is zero
constexpr std::uint8_t kHasLink = 2;
constexpr std::uint8_t kHasClosed = 4;
constexpr std::uint8_t kHasClosedHash = 8;
constexpr std::uint8_t kSameVersions = 16;  // tree and rules version as in the update before
constexpr std::uint8_t kFlagsKnown = 31;

constexpr std::size_t kStatementWireMax = kStatementBytesMax + 256;  // body and authority
constexpr std::size_t kProofCountMax = kSealUpdateCountMax;

std::uint64_t zigzag(std::uint64_t difference) {
  return (difference << 1) ^ (difference >> 63 != 0 ? ~std::uint64_t{0} : 0);
}
std::uint64_t unzigzag(std::uint64_t value) {
  return (value >> 1) ^ ((value & 1) != 0 ? ~std::uint64_t{0} : 0);
}

// 0: the name follows and is entered; n: the n-th entry from the end.
template <class T>
class NameWriter {
 public:
  void write(ByteWriter& out, const T& name) {
    const auto found = places_.find(name);
    if (found != places_.end()) {
      out.varint(count_ - found->second);
      return;
    }
    out.varint(0);
    out.raw(name.view());
    enter(name);
  }
  void enter(const T& name) { places_.insert_or_assign(name, count_++); }

 private:
  std::unordered_map<T, std::uint64_t> places_;
  std::uint64_t count_ = 0;
};

template <class T>
class NameReader {
 public:
  Result<T> read(ByteReader& in) {
    LT_TRY(const std::uint64_t place, in.varint());
    if (place > names_.size()) return Error(Errc::kMalformed, "place outside a table of names");
    if (place > 0) return names_[names_.size() - place];
    T name;
    LT_TRY(name.bytes, in.array<32>());
    enter(name);
    return name;
  }
  void enter(const T& name) { names_.push_back(name); }

 private:
  std::vector<T> names_;
};

// What carries over from one update of the part to the next.
struct Previous {
  std::uint64_t hlc = 0;
  TreeVersion tree_version = 0;
  std::uint16_t rules_version = 0;
};

class PartEncoder {
 public:
  explicit PartEncoder(const RootFingerprint& root) : root_(root) {}

  Bytes encode(const FeedPart& part) {
    out_.u64(part.epoch);
    out_.varint(part.first);
    out_.varint(part.last - part.first);
    out_.u64(part.hash);
    out_.varint(part.statements.size());
    for (const Statement& statement : part.statements) out_.sized(encode_statement(statement));
    out_.varint(part.units.size());
    for (const SealedUnit& each : part.units) unit(each);
    return out_.take();
  }

 private:
  void unit(const SealedUnit& unit) {
    LT_CHECK(unit.leaves.size() <= kSealUpdateCountMax && unit.proof.size() <= kProofCountMax);
    certificates_.write(out_, unit.seal.certificate);
    out_.u64(unit.seal.incarnation);
    out_.varint(unit.seal.number);
    out_.u8(unit.seal.previous.is_zero() ? 0 : 1);
    if (!unit.seal.previous.is_zero()) out_.raw(unit.seal.previous.view());
    out_.raw(unit.seal.root.view());
    out_.u16(unit.seal.count);
    out_.raw(unit.seal.signature);
    out_.varint(unit.proof.size());
    for (const Hash256& hash : unit.proof) out_.raw(hash.view());
    out_.varint(unit.leaves.size());
    std::uint64_t next_index = 0;
    for (const SealedLeaf& leaf : unit.leaves) {
      LT_CHECK(leaf.index >= next_index);
      out_.varint(leaf.index - next_index);
      next_index = leaf.index + 1U;
      update(leaf.update);
    }
  }

  void update(const Update& update) {
    const Envelope& envelope = update.envelope;
    const bool first = envelope.record.is_zero();
    const bool same = envelope.tree_version == before_.tree_version &&
                      envelope.rules_version == before_.rules_version;
    out_.u8(static_cast<std::uint8_t>(
        (first ? kFirstOfRecord : 0) | (envelope.link ? kHasLink : 0) |
        (update.closed.empty() ? 0 : kHasClosed) |
        (update.closed_hash.is_zero() ? 0 : kHasClosedHash) | (same ? kSameVersions : 0)));
    if (!first) records_.write(out_, envelope.record);
    certificates_.write(out_, envelope.certificate);
    if (!same) {
      out_.varint(envelope.tree_version);
      out_.varint(envelope.rules_version);
    }
    out_.varint(zigzag(envelope.hlc.value - before_.hlc));
    LT_CHECK(envelope.deps.size() <= kParentCountMax);
    out_.varint(envelope.deps.size());
    for (const UpdateId& dep : envelope.deps) updates_.write(out_, dep);
    if (envelope.link) updates_.write(out_, *envelope.link);
    out_.sized(update.open);
    if (!update.closed.empty()) out_.sized(update.closed);
    if (!update.closed_hash.is_zero()) out_.raw(update.closed_hash.view());
    before_ = Previous{envelope.hlc.value, envelope.tree_version, envelope.rules_version};
    const UpdateId id = update_id(root_, update);
    updates_.enter(id);
    if (first) records_.enter(id_cast<RecordId>(id));
  }

  const RootFingerprint& root_;
  ByteWriter out_;
  NameWriter<CertificateId> certificates_;
  NameWriter<RecordId> records_;
  NameWriter<UpdateId> updates_;
  Previous before_;
};

class PartDecoder {
 public:
  PartDecoder(const RootFingerprint& root, ByteView bytes) : root_(root), in_(bytes) {}

  Result<FeedPart> decode() {
    FeedPart part;
    LT_TRY(part.epoch, in_.u64());
    LT_TRY(part.first, in_.varint());
    LT_TRY(const std::uint64_t more, in_.varint());
    if (part.first == 0) return Error(Errc::kMalformed, "feed part from 0");
    if (part.first > kFeedNumberMax || more > kFeedNumberMax - part.first) {
      return Error(Errc::kTooLarge, "numbers of a feed part");
    }
    part.last = part.first + more;
    LT_TRY(part.hash, in_.u64());
    // Each element takes bytes, so the size of the input bounds both loops.
    LT_TRY(const std::uint64_t statement_count, in_.varint());
    for (std::uint64_t i = 0; i < statement_count; ++i) {
      LT_TRY(const ByteView bytes, in_.sized(kStatementWireMax));
      LT_TRY(Statement statement, decode_statement(bytes));
      part.statements.push_back(std::move(statement));
    }
    LT_TRY(const std::uint64_t unit_count, in_.varint());
    for (std::uint64_t i = 0; i < unit_count; ++i) {
      LT_TRY(SealedUnit next, unit());
      part.units.push_back(std::move(next));
    }
    LT_TRY_VOID(in_.finish("feed part"));
    return part;
  }

 private:
  template <class T>
  Result<T> narrow(const char* what) {
    LT_TRY(const std::uint64_t value, in_.varint());
    if (value > std::numeric_limits<T>::max()) return Error(Errc::kTooLarge, what);
    return static_cast<T>(value);
  }

  Result<Seal> seal() {
    Seal seal;
    LT_TRY(seal.certificate, certificates_.read(in_));
    LT_TRY(seal.incarnation, in_.u64());
    LT_TRY(seal.number, narrow<std::uint32_t>("number of a seal"));
    LT_TRY(const std::uint8_t follows, in_.u8());
    if (follows > 1) return Error(Errc::kMalformed, "flag of a seal");
    if (follows == 1) {
      LT_TRY(seal.previous.bytes, in_.array<32>());
    }
    LT_TRY(seal.root.bytes, in_.array<32>());
    LT_TRY(seal.count, in_.u16());
    LT_TRY(seal.signature, in_.array<64>());
    if (seal.count == 0) return Error(Errc::kMalformed, "seal over nothing");
    if (seal.number == 0) return Error(Errc::kMalformed, "seal number 0");
    if (seal.number == 1 && !seal.previous.is_zero()) {
      return Error(Errc::kMalformed, "first seal with a previous one");
    }
    if (seal.count > kSealUpdateCountMax) return Error(Errc::kTooLarge, "leaves of a seal");
    return seal;
  }

  Result<SealedUnit> unit() {
    SealedUnit unit;
    LT_TRY(unit.seal, seal());
    LT_TRY(const std::uint64_t proof_count, in_.varint());
    if (proof_count > kProofCountMax) return Error(Errc::kTooLarge, "proof of a unit");
    for (std::uint64_t i = 0; i < proof_count; ++i) {
      Hash256 hash;
      LT_TRY(hash.bytes, in_.array<32>());
      unit.proof.push_back(hash);
    }
    LT_TRY(const std::uint64_t leaf_count, in_.varint());
    if (leaf_count > unit.seal.count) return Error(Errc::kTooLarge, "leaves of a unit");
    std::uint64_t next_index = 0;
    for (std::uint64_t i = 0; i < leaf_count; ++i) {
      LT_TRY(const std::uint16_t gap, narrow<std::uint16_t>("index of a leaf"));
      if (next_index + gap >= unit.seal.count) return Error(Errc::kMalformed, "index of a leaf");
      SealedLeaf leaf;
      leaf.index = static_cast<std::uint16_t>(next_index + gap);
      next_index = leaf.index + 1U;
      LT_TRY(leaf.update, update());
      unit.leaves.push_back(std::move(leaf));
    }
    return unit;
  }

  Result<Envelope> envelope(std::uint8_t flags) {
    Envelope envelope;
    if ((flags & kFirstOfRecord) == 0) {
      LT_TRY(envelope.record, records_.read(in_));
      if (envelope.record.is_zero()) return Error(Errc::kMalformed, "record zero");
    }
    LT_TRY(envelope.certificate, certificates_.read(in_));
    envelope.tree_version = before_.tree_version;
    envelope.rules_version = before_.rules_version;
    if ((flags & kSameVersions) == 0) {
      LT_TRY(envelope.tree_version, narrow<TreeVersion>("tree version"));
      LT_TRY(envelope.rules_version, narrow<std::uint16_t>("rules version"));
    }
    LT_TRY(const std::uint64_t step, in_.varint());
    envelope.hlc.value = before_.hlc + unzigzag(step);
    LT_TRY(const std::uint64_t dep_count, in_.varint());
    if (dep_count > kParentCountMax) return Error(Errc::kTooLarge, "deps of an update");
    for (std::uint64_t i = 0; i < dep_count; ++i) {
      LT_TRY(const UpdateId dep, updates_.read(in_));
      if (i > 0 && !(envelope.deps.back() < dep)) {
        return Error(Errc::kMalformed, "deps out of order");
      }
      envelope.deps.push_back(dep);
    }
    if ((flags & kHasLink) != 0) {
      LT_TRY(envelope.link, updates_.read(in_));
    }
    return envelope;
  }

  Result<Update> update() {
    LT_TRY(const std::uint8_t flags, in_.u8());
    if ((flags & ~kFlagsKnown) != 0) return Error(Errc::kMalformed, "flags of an update");
    Update update;
    LT_TRY(update.envelope, envelope(flags));
    LT_TRY(const ByteView open, in_.sized(kClosedBytesMax));
    update.open = to_bytes(open);
    if ((flags & kHasClosed) != 0) {
      LT_TRY(const ByteView closed, in_.sized(kClosedBytesMax));
      if (closed.empty()) return Error(Errc::kMalformed, "closed part of no bytes");
      update.closed = to_bytes(closed);
    }
    if ((flags & kHasClosedHash) != 0) {
      LT_TRY(update.closed_hash.bytes, in_.array<32>());
    }
    before_ = Previous{update.envelope.hlc.value, update.envelope.tree_version,
                       update.envelope.rules_version};
    const UpdateId id = update_id(root_, update);
    updates_.enter(id);
    if ((flags & kFirstOfRecord) != 0) records_.enter(id_cast<RecordId>(id));
    return update;
  }

  const RootFingerprint& root_;
  ByteReader in_;
  NameReader<CertificateId> certificates_;
  NameReader<RecordId> records_;
  NameReader<UpdateId> updates_;
  Previous before_;
};

}  // namespace

Bytes encode_feed_part(const RootFingerprint& root, const FeedPart& part) {
  LT_CHECK(part.first >= 1 && part.first <= part.last && part.last <= kFeedNumberMax);
  return PartEncoder(root).encode(part);
}

Result<FeedPart> decode_feed_part(const RootFingerprint& root, ByteView bytes) {
  if (bytes.size() > kMessageBytesMax) return Error(Errc::kTooLarge, "feed part");
  return PartDecoder(root, bytes).decode();
}

}  // namespace lienthong::wire
