#include "protocol/record/root_file.h"

#include <algorithm>

#include "protocol/base/limits.h"
#include "protocol/record/codec.h"

namespace lienthong {
namespace {

constexpr std::string_view kMark = "lienthong root 1\n";
constexpr std::size_t kEncodedStatementMax = 2 * kStatementBytesMax;
constexpr std::uint64_t kSaidCountMax = 4096;

// A genesis vouches for itself, and an adoption takes two roots.
bool is_of_one_root(const StatementBody& body) {
  return !std::holds_alternative<Genesis>(body) && !std::holds_alternative<Adoption>(body);
}

// A certificate bears a signature of its machine as well.
bool is_foreign_key(const Error& error, const StatementBody& body) {
  return error.code() == Errc::kUnknownCertificate ||
         (error.code() == Errc::kBadSignature && !std::holds_alternative<Certificate>(body));
}

// Whether a statement that is there has the effect that it says.
struct Counts {
  const Registry& registry;
  StatementId id;

  bool operator()(const Genesis&) const { return false; }
  bool operator()(const Adoption&) const { return false; }
  bool operator()(const AgencyDeclaration&) const {
    const AgencyInfo* info = registry.find_agency(id_cast<AgencyId>(id));
    return info != nullptr && info->belief == Belief::kBelieved;
  }
  bool operator()(const TreeChange& body) const { return registry.tree_id(body.number) == id; }
  bool operator()(const Certificate&) const {
    return registry.certificate_belief(id_cast<CertificateId>(id)) == Belief::kBelieved;
  }
  bool operator()(const Revocation& body) const { return counts(body.node, 0, body.stretch); }
  bool operator()(const Closing& body) const {
    return counts(body.node, body.version, body.stretch);
  }
  bool operator()(const Withdrawal& body) const {
    const AgencyInfo* info = registry.find_agency(body.agency);
    return info != nullptr && info->withdrawn;
  }
  // A machine may have certificates of which none is believed any more: then there is nothing left
  // to be said of it.
  bool counts(const NodeId& node, TreeVersion version, const Stretch& stretch) const {
    for (const StatementId& one : registry.statements()) {
      const auto certificate = id_cast<CertificateId>(one);
      const Certificate* body = registry.find_certificate(certificate);
      if (body == nullptr || body->node != node) continue;
      const auto words = registry.counting(certificate, version, stretch.first);
      if (std::ranges::any_of(words, [&](const auto& word) { return word.id == id; })) return true;
    }
    return false;
  }
};

}  // namespace

bool is_root_file(ByteView bytes) { return as_text(bytes).starts_with(kMark); }

Bytes encode_root_file(const RootFile& file) {
  ByteWriter out;
  out.raw(as_bytes(kMark));
  out.raw(file.root.view());
  out.u8(file.is_signed() ? 1 : 0);
  out.varint(file.said.size());
  for (std::size_t i = 0; i < file.said.size(); ++i) {
    out.sized(wire::encode(file.said[i]));
    if (!file.is_signed()) continue;
    out.raw(file.by[i].key.view());
    out.raw(file.by[i].signature);
  }
  out.varint(file.registry.size());
  for (const Statement& statement : file.registry) out.sized(encode_statement(statement));
  return out.take();
}

Result<RootFile> decode_root_file(ByteView bytes) {
  if (!is_root_file(bytes)) return Error(Errc::kMalformed, "no file for a root key");
  ByteReader in(bytes.subspan(kMark.size()));
  RootFile out;
  LT_TRY(out.root.bytes, in.array<32>());
  LT_TRY(const std::uint8_t is_signed, in.u8());
  if (is_signed > 1) return Error(Errc::kMalformed, "what the file holds");
  LT_TRY(const std::uint64_t said, in.varint());
  if (said == 0 || said > kSaidCountMax)
    return Error(Errc::kMalformed, "how many statements the file holds");
  for (std::uint64_t i = 0; i < said; ++i) {
    LT_TRY(const ByteView encoded, in.sized(kStatementBytesMax));
    LT_TRY(StatementBody body, wire::decode_statement(encoded));
    if (!is_of_one_root(body)) return Error(Errc::kMalformed, "no statement of one root");
    out.said.push_back(std::move(body));
    if (is_signed == 0) continue;
    RootSignature by;
    LT_TRY(by.key.bytes, in.array<32>());
    LT_TRY(by.signature, in.array<64>());
    out.by.push_back(by);
  }
  LT_TRY(const std::uint64_t count, in.varint());
  for (std::uint64_t i = 0; i < count; ++i) {
    LT_TRY(const ByteView encoded, in.sized(kEncodedStatementMax));
    LT_TRY(Statement statement, decode_statement(encoded));
    out.registry.push_back(std::move(statement));
  }
  LT_TRY_VOID(in.finish("file for a root key"));
  return out;
}

Result<std::shared_ptr<const Registry>> registry_in(const RootFile& file) {
  if (file.registry.empty()) return Error(Errc::kMalformed, "no registry in the file");
  LT_TRY(const Registry first, Registry::create(file.root, file.registry.front()));
  return first.with(std::span(file.registry).subspan(1));
}

std::vector<Statement> statements_in(const RootFile& file) {
  std::vector<Statement> out;
  for (std::size_t i = 0; i < file.by.size(); ++i)
    out.push_back({wire::encode(file.said[i]), file.by[i]});
  return out;
}

Result<RootFile> sign_root_file(const RootFile& file, const SigningKey& key) {
  LT_TRY(std::shared_ptr<const Registry> registry, registry_in(file));
  RootFile out;
  out.root = file.root;
  out.said = file.said;
  for (const StatementBody& body : file.said) {
    const auto* tree = std::get_if<TreeChange>(&body);
    if (tree != nullptr && tree->previous != registry->tree_head().id)
      return Error(Errc::kConflict, "the tree has changed since the file was made: make it anew");
    const Statement statement = sign_by_root(registry->writing_root(), key, body);
    const auto id = registry->check(statement);
    if (!id.ok() && is_foreign_key(id.error(), body))
      return Error(Errc::kNotAllowed, "the key is none of the root that writes the tree");
    if (!id.ok()) return id.error();
    LT_TRY(registry, registry->with(std::span(&statement, 1)));
    if (!std::visit(Counts{*registry, *id}, body))
      return Error(Errc::kNotAllowed,
                   "signed with that key a statement would have no effect: the key's word is over, "
                   "or it is not the root's to say");
    out.by.push_back(std::get<RootSignature>(statement.authority));
  }
  return out;
}

}  // namespace lienthong
