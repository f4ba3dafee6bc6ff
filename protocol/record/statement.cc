#include "protocol/record/statement.h"

#include "protocol/base/limits.h"
#include "protocol/crypto/hash.h"

namespace lienthong {
namespace {

enum class AuthorityTag : std::uint8_t {
  kNone = 0,
  kRoot = 1,
  kSeal = 2,
  kBothRoots = 3
};  // on the wire: never change

void put(ByteWriter& out, const RootSignature& signature) {
  out.raw(signature.key.view());
  out.raw(signature.signature);
}

Result<RootSignature> take(ByteReader& in) {
  RootSignature out;
  LT_TRY(out.key.bytes, in.array<32>());
  LT_TRY(out.signature, in.array<64>());
  return out;
}

}  // namespace

RootFingerprint root_fingerprint(ByteView genesis_body) {
  return id_cast<RootFingerprint>(hash(kTagGenesis, RootFingerprint{}, genesis_body));
}

Hash256 statement_hash(const RootFingerprint& root, ByteView body) {
  return hash(kTagStatement, root, body);
}

Bytes root_signing_bytes(const RootFingerprint& root, const Hash256& body_hash) {
  return to_bytes(hash(kTagRootSignature, root, body_hash).view());
}

Hash256 possession_hash(const RootFingerprint& root, const AgencyId& agency, const NodeId& node,
                        const DhPublicKey& dh_key) {
  return hash(kTagPossession, root, agency, node, ByteView(dh_key));
}

Signature sign_possession(const RootFingerprint& root, const AgencyId& agency,
                          const SigningKey& key, const DhPublicKey& dh_key) {
  return key.sign(possession_hash(root, agency, key.public_key(), dh_key).view());
}

StatementId statement_id(const RootFingerprint& root, const Statement& statement) {
  const Hash256 body = statement_hash(root, statement.body);
  if (const auto* signature = std::get_if<RootSignature>(&statement.authority))
    return id_cast<StatementId>(hash(kTagStatementId, root, body, signature->key));
  if (const auto* seal = std::get_if<Seal>(&statement.authority))
    return id_cast<StatementId>(hash(kTagStatementId, root, body, seal_id(root, *seal)));
  if (const auto* both = std::get_if<BothRoots>(&statement.authority))
    return id_cast<StatementId>(
        hash(kTagStatementId, root, body, both->adopter.key, both->adopted.key));
  return id_cast<StatementId>(root_fingerprint(statement.body));
}

Bytes encode_statement(const Statement& statement) {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(statement.authority.index()));
  out.sized(statement.body);
  if (const auto* root = std::get_if<RootSignature>(&statement.authority)) {
    put(out, *root);
  } else if (const auto* seal = std::get_if<Seal>(&statement.authority)) {
    out.raw(encode_seal(*seal));
  } else if (const auto* both = std::get_if<BothRoots>(&statement.authority)) {
    put(out, both->adopter);
    put(out, both->adopted);
  }
  return out.take();
}

Result<Statement> decode_statement(ByteView bytes) {
  ByteReader in(bytes);
  Statement statement;
  LT_TRY(const std::uint8_t tag, in.u8());
  LT_TRY(const ByteView body, in.sized(kStatementBytesMax));
  statement.body = to_bytes(body);
  switch (static_cast<AuthorityTag>(tag)) {
    case AuthorityTag::kNone: break;
    case AuthorityTag::kRoot: {
      LT_TRY(statement.authority, take(in));
      break;
    }
    case AuthorityTag::kBothRoots: {
      BothRoots both;
      LT_TRY(both.adopter, take(in));
      LT_TRY(both.adopted, take(in));
      statement.authority = both;
      break;
    }
    case AuthorityTag::kSeal: {
      LT_TRY(const ByteView seal_bytes, in.raw(kSealSize));
      LT_TRY(Seal seal, decode_seal(seal_bytes));
      statement.authority = std::move(seal);
      break;
    }
    default: return Error(Errc::kMalformed, "authority of a statement");
  }
  LT_TRY_VOID(in.finish("statement"));
  return statement;
}

}  // namespace lienthong
