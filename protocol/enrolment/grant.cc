#include "protocol/enrolment/grant.h"

#include "protocol/base/limits.h"

namespace lienthong {
namespace {

// Of an encoded statement: its body, and who vouches for it.
constexpr std::size_t kEncodedStatementMax = 2 * kStatementBytesMax;

}  // namespace

EnrolmentGrant make_grant(const Registry& registry, const CertificateId& certificate) {
  EnrolmentGrant grant;
  grant.certificate = certificate;
  for (const StatementId& id : registry.statements())
    grant.statements.push_back(*registry.find_statement(id));
  return grant;
}

Bytes encode_grant(const EnrolmentGrant& grant) {
  ByteWriter out;
  out.raw(grant.certificate.view());
  out.varint(grant.statements.size());
  for (const Statement& statement : grant.statements) out.sized(encode_statement(statement));
  return out.take();
}

Result<EnrolmentGrant> decode_grant(ByteView bytes) {
  if (bytes.size() > kGrantBytesMax) return Error(Errc::kTooLarge, "the grant is over 64 MiB");
  ByteReader in(bytes);
  EnrolmentGrant grant;
  LT_TRY(grant.certificate.bytes, in.array<32>());
  LT_TRY(const auto count, in.varint());
  if (count > kGrantStatementCountMax) return Error(Errc::kTooLarge, "statements of a grant");
  for (std::uint64_t i = 0; i < count; ++i) {
    LT_TRY(const ByteView encoded, in.sized(kEncodedStatementMax));
    LT_TRY(Statement statement, decode_statement(encoded));
    grant.statements.push_back(std::move(statement));
  }
  LT_TRY_VOID(in.finish("grant"));
  return grant;
}

Result<GrantedNode> check_grant(const RootFingerprint& root, const MachineKeys& machine,
                                const EnrolmentGrant& grant) {
  if (grant.statements.empty() || root_fingerprint(grant.statements.front().body) != root) {
    return Error(Errc::kBadHash, "the registry that came is of another root than the token names");
  }
  const std::span<const Statement> statements(grant.statements);
  LT_TRY(const Registry genesis, Registry::create(root, statements.front()));
  GrantedNode out;
  LT_TRY(out.registry, genesis.with(statements.subspan(1)));
  const Certificate* certificate = out.registry->find_certificate(grant.certificate);
  if (certificate == nullptr)
    return Error(Errc::kInvalidArgument, "the certificate is not in the registry that came");
  if (certificate->node != machine.node || certificate->dh_key != machine.dh) {
    return Error(Errc::kInvalidArgument, "the certificate is for another machine");
  }
  if (out.registry->certificate_belief(grant.certificate) != Belief::kBelieved) {
    return Error(Errc::kNotAllowed, "the certificate is not believed: its issuer had no right");
  }
  out.agency = certificate->agency;
  out.certificate = *certificate;
  return out;
}

}  // namespace lienthong
