#include "protocol/record/adoption.h"

#include <algorithm>

#include "protocol/base/limits.h"
#include "protocol/record/codec.h"

namespace lienthong {
namespace {

constexpr std::string_view kMark = "lienthong adoption 1\n";
constexpr std::size_t kEncodedStatementMax = 2 * kStatementBytesMax;

enum Holds : std::uint8_t { kAdoption = 1, kByAdopter = 2, kByAdopted = 4 };

void put(ByteWriter& out, const std::optional<RootSignature>& signature) {
  if (!signature) return;
  out.raw(signature->key.view());
  out.raw(signature->signature);
}

// Whether it signs that adoption under that root.
Result<RootSignature> take(ByteReader& in, const RootFingerprint& root, ByteView body) {
  RootSignature out;
  LT_TRY(out.key.bytes, in.array<32>());
  LT_TRY(out.signature, in.array<64>());
  LT_TRY_VOID(verify(out.key, root_signing_bytes(root, statement_hash(root, body)), out.signature));
  return out;
}

}  // namespace

Adoption propose_adoption(const Registry& adopter, const Registry& adopted, const AgencyId& place,
                          UnixMillis now, std::string note) {
  Adoption out;
  const TreeHead ours = adopter.tree_head(), theirs = adopted.tree_head();
  out.number = std::max(ours.number, theirs.number) + 1;
  out.adopter = adopter.writing_root();
  out.previous = ours.id;
  out.adopted = adopted.writing_root();
  out.adopted_previous = theirs.id;
  out.place = place;
  out.kept = adopted.words_of_root(out.adopted);
  out.decided_at = now;
  out.note = std::move(note);
  return out;
}

Bytes encode_adoption_file(const AdoptionFile& file) {
  ByteWriter out;
  out.raw(as_bytes(kMark));
  out.raw(file.root.view());
  out.u8(static_cast<std::uint8_t>((file.adoption ? kAdoption : 0) |
                                   (file.adopter ? kByAdopter : 0) |
                                   (file.adopted ? kByAdopted : 0)));
  if (file.adoption) out.sized(wire::encode(StatementBody(*file.adoption)));
  put(out, file.adopter);
  put(out, file.adopted);
  out.varint(file.statements.size());
  for (const Statement& statement : file.statements) out.sized(encode_statement(statement));
  return out.take();
}

Result<AdoptionFile> decode_adoption_file(ByteView bytes) {
  if (!as_text(bytes).starts_with(kMark)) return Error(Errc::kMalformed, "no file of an adoption");
  ByteReader in(bytes.subspan(kMark.size()));
  AdoptionFile out;
  LT_TRY(out.root.bytes, in.array<32>());
  LT_TRY(const std::uint8_t holds, in.u8());
  if (holds > 7 || ((holds & kAdoption) == 0 && holds != 0))
    return Error(Errc::kMalformed, "what the file holds");
  if ((holds & kAdoption) != 0) {
    LT_TRY(const ByteView body, in.sized(kStatementBytesMax));
    LT_TRY(const StatementBody decoded, wire::decode_statement(body));
    const auto* adoption = std::get_if<Adoption>(&decoded);
    if (adoption == nullptr) return Error(Errc::kMalformed, "no adoption");
    out.adoption = *adoption;
    if ((holds & kByAdopter) != 0) {
      LT_TRY(out.adopter, take(in, adoption->adopter, body));
    }
    if ((holds & kByAdopted) != 0) {
      LT_TRY(out.adopted, take(in, adoption->adopted, body));
    }
  }
  LT_TRY(const std::uint64_t count, in.varint());
  for (std::uint64_t i = 0; i < count; ++i) {
    LT_TRY(const ByteView statement, in.sized(kEncodedStatementMax));
    LT_TRY(Statement value, decode_statement(statement));
    out.statements.push_back(std::move(value));
  }
  LT_TRY_VOID(in.finish("file of an adoption"));
  return out;
}

Result<std::shared_ptr<const Registry>> registry_in(const AdoptionFile& file) {
  if (file.statements.empty()) return Error(Errc::kMalformed, "no registry in the file");
  LT_TRY(const Registry first, Registry::create(file.root, file.statements.front()));
  return first.with(std::span(file.statements).subspan(1));
}

}  // namespace lienthong
