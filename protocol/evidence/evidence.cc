#include "protocol/evidence/evidence.h"

#include <algorithm>

#include "protocol/base/limits.h"
#include "protocol/record/codec.h"

namespace lienthong {
namespace {

constexpr std::array<std::uint8_t, 8> kMagic{'L', 'T', 'E', 'V', 'I', 'D', 'E', 'N'};
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kStatementExtra = 256;  // authority, and the length of the body
constexpr std::size_t kEnvelopeBytesMax = 1024;
constexpr std::size_t kProofCountMax = 8;

enum class ClosedForm : std::uint8_t {  // in files: never change
  kNone = 0,
  kHash = 1,
  kShown = 2,
};

// Names the place in what went wrong.
Error at(const char* what, std::size_t index, const Error& error) {
  return Error(error.code(),
               std::string(what) + " " + std::to_string(index + 1) + ": " + error.detail());
}

Result<Hash256> hash_from(ByteReader& in) {
  LT_TRY(const auto bytes, in.array<32>());
  return Hash256::from(bytes);
}

Result<EvidencePlace> read_place(ByteReader& in, std::size_t seal_count) {
  EvidencePlace place;
  LT_TRY(const std::uint64_t seal, in.varint());
  if (seal >= seal_count) return Error(Errc::kMalformed, "names a seal that is not there");
  place.seal = static_cast<std::uint32_t>(seal);
  LT_TRY(place.index, in.u16());
  LT_TRY(const std::uint64_t count, in.varint());
  if (count > kProofCountMax) return Error(Errc::kTooLarge, "hashes of a path");
  for (std::uint64_t i = 0; i < count; ++i) {
    LT_TRY(const Hash256 hash, hash_from(in));
    place.proof.push_back(hash);
  }
  return place;
}

Result<void> read_closed(ByteReader& in, EvidenceUpdate& out) {
  LT_TRY(const std::uint8_t form, in.u8());
  switch (static_cast<ClosedForm>(form)) {
    case ClosedForm::kNone: return {};
    case ClosedForm::kHash: {
      LT_TRY(out.update.closed_hash, hash_from(in));
      if (out.update.closed_hash.is_zero())
        return Error(Errc::kMalformed, "a closed part without its hash");
      return {};
    }
    case ClosedForm::kShown: {
      LT_TRY(out.salt, in.array<32>());
      LT_TRY(const ByteView closed, in.sized(kClosedBytesMax));
      out.update.closed = to_bytes(closed);
      if (closed.empty()) return Error(Errc::kMalformed, "an empty closed part");
      return {};
    }
  }
  return Error(Errc::kMalformed, "form of a closed part");
}

Result<EvidenceUpdate> read_update(ByteReader& in, std::size_t seal_count) {
  EvidenceUpdate out;
  LT_TRY(const ByteView envelope, in.sized(kEnvelopeBytesMax));
  LT_TRY(out.update.envelope, decode_envelope(envelope));
  LT_TRY(const ByteView open, in.sized(kOpenBytesMax));
  out.update.open = to_bytes(open);
  LT_TRY_VOID(read_closed(in, out));
  LT_TRY(const std::uint64_t count, in.varint());
  if (count == 0) return Error(Errc::kMalformed, "an update that no seal covers");
  for (std::uint64_t i = 0; i < count; ++i) {
    LT_TRY(EvidencePlace place, read_place(in, seal_count));
    if (!out.places.empty() && out.places.back().seal >= place.seal)
      return Error(Errc::kMalformed, "seals are not in ascending order");
    out.places.push_back(std::move(place));
  }
  return out;
}

Result<Statement> read_statement(ByteReader& in) {
  LT_TRY(const ByteView bytes, in.sized(kStatementBytesMax + kStatementExtra));
  return decode_statement(bytes);
}

Result<Seal> read_seal(ByteReader& in) {
  LT_TRY(const ByteView bytes, in.raw(kSealSize));
  return decode_seal(bytes);
}

// A count, and so many of what `read` reads.
template <class Item, class Read>
Result<std::vector<Item>> read_list(ByteReader& in, const char* what, const Read& read) {
  std::vector<Item> out;
  LT_TRY(const std::uint64_t count, in.varint());
  for (std::uint64_t i = 0; i < count; ++i) {
    auto item = read(in);
    if (!item.ok()) return at(what, out.size(), item.error());
    out.push_back(*std::move(item));
  }
  return out;
}

void write_update(ByteWriter& out, const EvidenceUpdate& update) {
  out.sized(encode_envelope(update.update.envelope));
  out.sized(update.update.open);
  if (update.salt) {
    out.u8(static_cast<std::uint8_t>(ClosedForm::kShown));
    out.raw(*update.salt);
    out.sized(update.update.closed);
  } else if (update.update.closed_hash.is_zero()) {
    out.u8(static_cast<std::uint8_t>(ClosedForm::kNone));
  } else {
    out.u8(static_cast<std::uint8_t>(ClosedForm::kHash));
    out.raw(update.update.closed_hash.view());
  }
  out.varint(update.places.size());
  for (const EvidencePlace& place : update.places) {
    out.varint(place.seal);
    out.u16(place.index);
    out.varint(place.proof.size());
    for (const Hash256& hash : place.proof) out.raw(hash.view());
  }
}

// ---- what it proves ----

Result<std::shared_ptr<const Registry>> registry_of(const Evidence& evidence) {
  if (evidence.statements.empty()) return Error(Errc::kMalformed, "no statements");
  auto founded = Registry::create(evidence.root, evidence.statements.front());
  if (!founded.ok()) return at("statement", 0, founded.error());
  std::vector<std::optional<Error>> failed;
  const auto rest = std::span(evidence.statements).subspan(1);
  auto registry = founded->grow(rest, failed);
  for (std::size_t i = 0; i < failed.size(); ++i)
    if (failed[i]) return at("statement", i + 1, *failed[i]);
  if (registry->size() != evidence.statements.size())
    return Error(Errc::kMalformed, "a statement that stands there twice");
  return registry;
}

class Prover {
 public:
  Prover(const Evidence& evidence, std::shared_ptr<const Registry> registry)
      : evidence_(evidence), registry_(std::move(registry)) {}

  Result<void> check_seals() {
    for (std::size_t i = 0; i < evidence_.seals.size(); ++i) {
      const Seal& seal = evidence_.seals[i];
      const Certificate* certificate = registry_->find_certificate(seal.certificate);
      if (certificate == nullptr)
        return at("seal", i, Error(Errc::kUnknownCertificate, seal.certificate.short_hex()));
      const auto verified =
          verify_seal(registry_->root_of(seal.certificate), seal, certificate->node);
      if (!verified.ok()) return at("seal", i, verified.error());
      ids_.push_back(seal_id(*registry_, seal));
    }
    auto sorted = ids_;
    std::ranges::sort(sorted);
    if (std::ranges::adjacent_find(sorted) != sorted.end())
      return Error(Errc::kMalformed, "a seal that stands there twice");
    named_.assign(ids_.size(), false);
    return {};
  }

  Result<ProvedUpdate> check_update(const EvidenceUpdate& from, std::size_t index) {
    Update update = from.update;
    const Certificate* author = registry_->find_certificate(update.envelope.certificate);
    if (author == nullptr)
      return Error(Errc::kUnknownCertificate, update.envelope.certificate.short_hex());
    const RootFingerprint& root = registry_->root_of(update.envelope.certificate);
    if (from.salt)
      update.closed_hash = closed_part_hash(root, *from.salt, encode_envelope(update.envelope),
                                            ByteView(update.closed));
    ProvedUpdate out;
    LT_TRY(out.graph.open, check_form(update));
    if (from.salt) {
      LT_TRY(out.shown, check_closed_form(update, out.graph.open));
    }
    out.closed = !update.closed_hash.is_zero();
    out.graph.id = update_id(root, update);
    LT_TRY_VOID(check_place(update, out.graph.id, index));
    const AgencyId& target = out.graph.open.target;
    if (!target.is_zero() && registry_->find_agency(target) == nullptr)
      return Error(Errc::kUnknownAgency, target.short_hex());
    if (update.envelope.tree_version > registry_->newest())
      return Error(Errc::kUnknownParent,
                   "tree version " + std::to_string(update.envelope.tree_version));
    out.graph.agency = author->agency;
    out.graph.node = author->node;
    LT_TRY_VOID(check_places(from, out));
    out.graph.envelope = std::move(update.envelope);
    const UpdateTrust trust = registry_->trust_in(out.graph.envelope.certificate, out.seals,
                                                  out.graph.envelope.tree_version);
    out.graph.believed = trust.believed;
    out.graph.held_to = trust.held_to;
    out.graph.certificate_version = trust.certificate_version;
    out.issued = issued_by(evidence_.seals[from.places.front().seal].certificate);
    return out;
  }

  Result<void> all_seals_named() const {
    for (std::size_t i = 0; i < named_.size(); ++i)
      if (!named_[i]) return at("seal", i, Error(Errc::kMalformed, "covers nothing here"));
    return {};
  }

 private:
  // The first is the record's, the others follow on what came before.
  Result<void> check_place(const Update& update, const UpdateId& id, std::size_t index) {
    const bool first = update.envelope.record.is_zero();
    if (first != (index == 0) || record_of(update, id) != evidence_.record)
      return Error(Errc::kMalformed, "an update of another record");
    for (const UpdateId& parent : update.envelope.deps)
      if (!std::ranges::binary_search(known_, parent))
        return Error(Errc::kUnknownParent, parent.short_hex());
    const auto place = std::ranges::lower_bound(known_, id);
    if (place != known_.end() && *place == id)
      return Error(Errc::kMalformed, "an update that stands there twice");
    known_.insert(place, id);
    return {};
  }

  Result<void> check_places(const EvidenceUpdate& from, ProvedUpdate& out) {
    for (const EvidencePlace& place : from.places) {
      const Seal& seal = evidence_.seals[place.seal];
      if (registry_->find_certificate(seal.certificate)->node != out.graph.node)
        return Error(Errc::kBadSignature, "sealed by another machine than its author's");
      const IndexedLeaf leaf{place.index, id_cast<Hash256>(out.graph.id)};
      LT_TRY(const Hash256 root,
             merkle_root_from_part(registry_->root_of(seal.certificate), seal.count,
                                   std::span(&leaf, 1), place.proof));
      if (root != seal.root) return Error(Errc::kBadHash, "the path leads to another seal");
      named_[place.seal] = true;
      out.seals.push_back({seal, ids_[place.seal]});
      out.leaves.push_back(place.index);
    }
    return {};
  }

  std::vector<CertificateId> issued_by(CertificateId certificate) const {
    std::vector<CertificateId> out;
    while (true) {
      out.push_back(certificate);
      const Statement* statement = registry_->find_statement(id_cast<StatementId>(certificate));
      const auto* seal = std::get_if<Seal>(&statement->authority);
      if (seal == nullptr) return out;
      certificate = seal->certificate;
    }
  }

  const Evidence& evidence_;
  std::shared_ptr<const Registry> registry_;
  std::vector<SealId> ids_;
  std::vector<bool> named_;
  std::vector<UpdateId> known_;  // ascending
};

// ---- plain ----

// Only who is declared and certified, and one chain of tree versions under the first two keys.
bool plain_statements(const Evidence& evidence) {
  std::vector<StatementId> followed;
  for (std::size_t i = 0; i < evidence.statements.size(); ++i) {
    const auto body = wire::decode_statement(evidence.statements[i].body).value();
    if (std::holds_alternative<Genesis>(body)) {
      if (i != 0) return false;
    } else if (const auto* tree = std::get_if<TreeChange>(&body)) {
      if (!tree->key_in_use.is_zero() || !tree->key_on_paper.is_zero()) return false;
      followed.push_back(tree->previous);
    } else if (!std::holds_alternative<AgencyDeclaration>(body) &&
               !std::holds_alternative<Certificate>(body)) {
      return false;
    }
  }
  std::ranges::sort(followed);
  return std::ranges::adjacent_find(followed) == followed.end();
}

// Nobody has said more than there is room for, whatever is said beside it.
bool plain_room(const Evidence& evidence, const Registry& registry) {
  std::unordered_map<CertificateId, std::uint64_t> said;
  std::unordered_map<CertificateId, unsigned> depth;
  for (const Statement& statement : evidence.statements) {
    const auto* seal = std::get_if<Seal>(&statement.authority);
    if (seal == nullptr) continue;
    std::vector<CertificateId> line;
    for (const Seal* up = seal; up != nullptr;) {
      line.push_back(up->certificate);
      const Statement* issue = registry.find_statement(id_cast<StatementId>(up->certificate));
      up = std::get_if<Seal>(&issue->authority);
    }
    for (std::size_t i = 0; i < line.size(); ++i) {
      said[line[i]] += statement.body.size() + kStatementExtraBytes;
      depth[line[i]] = static_cast<unsigned>(line.size() - 1 - i);
    }
  }
  return std::ranges::all_of(said, [&](const auto& item) {
    const unsigned shift = 3 * depth[item.first];
    return shift < 64 && item.second <= kIssuedBytesMax >> shift;
  });
}

bool is_plain(const Evidence& evidence, const ProvedRecord& proved) {
  if (!plain_statements(evidence) || !plain_room(evidence, *proved.registry)) return false;
  if (proved.updates.size() > kAncestorCountMax || proved.state.needs_newer_rules()) return false;
  const auto believed = [&](const CertificateId& id) {
    return proved.registry->certificate_belief(id) == Belief::kBelieved;
  };
  for (const ProvedUpdate& update : proved.updates) {
    if (!believed(update.graph.envelope.certificate)) return false;
    for (const HeldSeal& held : update.seals)
      if (!believed(held.seal.certificate)) return false;
  }
  return proved.state.forks.empty();
}

}  // namespace

Bytes encode_evidence(const Evidence& evidence) {
  ByteWriter out;
  out.raw(kMagic);
  out.u16(kVersion);
  out.raw(evidence.root.view());
  out.raw(evidence.record.view());
  out.varint(evidence.statements.size());
  for (const Statement& statement : evidence.statements) out.sized(encode_statement(statement));
  out.varint(evidence.seals.size());
  for (const Seal& seal : evidence.seals) out.raw(encode_seal(seal));
  out.varint(evidence.updates.size());
  for (const EvidenceUpdate& update : evidence.updates) write_update(out, update);
  return out.take();
}

Result<Evidence> decode_evidence(ByteView bytes) {
  ByteReader in(bytes);
  const auto magic = in.array<8>();
  if (!magic.ok() || *magic != kMagic) return Error(Errc::kMalformed, "no evidence file");
  LT_TRY(const std::uint16_t version, in.u16());
  if (version != kVersion)
    return Error(Errc::kBadVersion,
                 "evidence of version " + std::to_string(version) + " needs a newer program");
  Evidence out;
  LT_TRY(const Hash256 root, hash_from(in));
  out.root = id_cast<RootFingerprint>(root);
  LT_TRY(const Hash256 record, hash_from(in));
  out.record = id_cast<RecordId>(record);
  LT_TRY(out.statements, read_list<Statement>(in, "statement", read_statement));
  LT_TRY(out.seals, read_list<Seal>(in, "seal", read_seal));
  const std::size_t seal_count = out.seals.size();
  LT_TRY(out.updates, read_list<EvidenceUpdate>(in, "update", [&](ByteReader& from) {
           return read_update(from, seal_count);
         }));
  LT_TRY_VOID(in.finish("evidence"));
  return out;
}

Result<ProvedRecord> prove(const Evidence& evidence) {
  ProvedRecord out;
  out.record = evidence.record;
  LT_TRY(out.registry, registry_of(evidence));
  Prover prover(evidence, out.registry);
  LT_TRY_VOID(prover.check_seals());
  if (evidence.updates.empty()) return Error(Errc::kMalformed, "no updates");
  std::vector<GraphUpdate> graph;
  for (std::size_t i = 0; i < evidence.updates.size(); ++i) {
    auto update = prover.check_update(evidence.updates[i], i);
    if (!update.ok()) return at("update", i, update.error());
    graph.push_back(update->graph);
    out.updates.push_back(*std::move(update));
  }
  LT_TRY_VOID(prover.all_seals_named());
  out.state = fold(graph, *out.registry);
  out.plain = is_plain(evidence, out);
  return out;
}

}  // namespace lienthong
