#include "agent/joining/invitation.h"

#include <algorithm>

#include "agent/joining/text_fields.h"
#include "protocol/crypto/hash.h"
#include "protocol/record/registry.h"
#include "store/replica/local_names.h"

namespace lienthong::agent {
namespace {

constexpr std::uint8_t kInvitationVersion = 1;                // on disk
constexpr UnixMillis kRenewAfter = 730LL * 24 * 3600 * 1000;  // two years
constexpr std::size_t kStatementCountMax = 1'000'000;
constexpr std::size_t kEncodedStatementMax = 2 * 64 * 1024;
constexpr unsigned kThousands = 10;

std::string quote(std::string_view text) { return "\"" + std::string(text) + "\""; }

Hash256 request_hash(const MachineKeys& machine) {
  return hash(kTagInvite, RootFingerprint{}, machine.node, ByteView(machine.dh));
}

}  // namespace

std::string invitation_key(const InviteNumber& number) {
  return std::string(store::local::kInvite) + to_hex(number);
}

Bytes encode_invitation(const Invitation& invitation) {
  ByteWriter out;
  out.u8(kInvitationVersion);
  out.raw(invitation.secret);
  out.raw(invitation.agency.view());
  out.u8(invitation.may_issue ? 1 : 0);
  out.u64(static_cast<std::uint64_t>(invitation.expires_at));
  out.u8(invitation.used_by ? 1 : 0);
  if (invitation.used_by) {
    out.raw(invitation.used_by->node.view());
    out.raw(invitation.used_by->dh);
  }
  return out.take();
}

Result<Invitation> decode_invitation(ByteView bytes) {
  ByteReader in(bytes);
  Invitation out;
  LT_TRY(const auto version, in.u8());
  if (version != kInvitationVersion) return Error(Errc::kNewerVersion, "invitation");
  LT_TRY(out.secret, in.array<32>());
  LT_TRY(out.agency.bytes, in.array<32>());
  LT_TRY(const auto may_issue, in.u8());
  LT_TRY(const auto expires_at, in.u64());
  LT_TRY(const auto used, in.u8());
  out.may_issue = may_issue != 0;
  out.expires_at = static_cast<UnixMillis>(expires_at);
  if (used != 0) {
    MachineKeys machine;
    LT_TRY(machine.node.bytes, in.array<32>());
    LT_TRY(machine.dh, in.array<32>());
    out.used_by = machine;
  }
  LT_TRY_VOID(in.finish("invitation"));
  return out;
}

Result<AgencyId> find_or_declare(store::Transaction& transaction, std::string_view code,
                                 std::string_view name, std::string_view tier, Entropy& entropy) {
  const Registry& registry = transaction.registry();
  const store::Identity& us = transaction.identity();
  const TreeVersion version = registry.newest();
  if (const AgencyInfo* known = registry.find_agency_by_code(code)) {
    if ((!name.empty() && name != known->name) || (!tier.empty() && tier != known->tier)) {
      return Error(Errc::kConflict, "agency " + quote(code) + " exists as " + quote(known->name) +
                                        ", tier " + quote(known->tier));
    }
    if (!registry.may_issue_for(us.certificate, known->id, version)) {
      return Error(Errc::kNotAllowed,
                   "agency " + quote(code) + " is not below ours, or this node may not issue");
    }
    return known->id;
  }
  if (code.empty()) return Error(Errc::kInvalidArgument, "the agency's code is missing");
  if (name.empty() || tier.empty()) {
    return Error(Errc::kInvalidArgument,
                 "agency " + quote(code) + " is new: name and tier are needed");
  }
  AgencyDeclaration declaration;
  declaration.parent = us.agency;
  declaration.code = code;
  declaration.name = name;
  declaration.tier = tier;
  declaration.declared_at = transaction.now();
  const auto nonce = entropy.array<16>();
  declaration.nonce.assign(nonce.begin(), nonce.end());
  declaration.tree_version = version;
  const StatementBody body(std::move(declaration));
  LT_TRY(const StatementId id, transaction.state(body));
  return id_cast<AgencyId>(id);
}

Result<CertificateId> certify(store::Transaction& transaction, const AgencyId& agency,
                              const MachineKeys& machine, bool may_issue) {
  const Registry& registry = transaction.registry();
  const auto present = registry.certificates_of(agency);
  for (const CertificateId& id : present) {
    const Certificate* certificate = registry.find_certificate(id);
    if (certificate->node == machine.node && certificate->dh_key == machine.dh) return id;
  }
  if (!registry.may_issue_for(transaction.identity().certificate, agency, registry.newest())) {
    return Error(Errc::kNotAllowed, "this node may not issue certificates for that agency");
  }
  Certificate certificate;
  certificate.agency = agency;
  certificate.node = machine.node;
  certificate.dh_key = machine.dh;
  certificate.may_issue = may_issue;
  certificate.thousand = static_cast<std::uint8_t>(present.size() % kThousands);
  certificate.issued_at = transaction.now();
  certificate.renew_by = transaction.now() + kRenewAfter;
  certificate.tree_version = registry.newest();
  const StatementBody body(certificate);
  LT_TRY(const StatementId id, transaction.state(body));
  return id_cast<CertificateId>(id);
}

Result<CertificateId> redeem(store::Transaction& transaction, const InviteNumber& number,
                             const MachineKeys& machine) {
  const std::string key = invitation_key(number);
  const auto stored = transaction.local_value(key);
  if (!stored) return Error(Errc::kNotFound, "no such invitation");
  LT_TRY(Invitation invitation, decode_invitation(*stored));
  if (invitation.used_by && *invitation.used_by != machine) {
    return Error(Errc::kConflict, "another machine has used this invitation");
  }
  if (transaction.now() > invitation.expires_at) {
    return Error(Errc::kExpired, "the invitation has expired");
  }
  LT_TRY(const CertificateId id,
         certify(transaction, invitation.agency, machine, invitation.may_issue));
  invitation.used_by = machine;
  transaction.set_local_value(key, encode_invitation(invitation));
  return id;
}

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
  ByteReader in(bytes);
  EnrolmentGrant grant;
  LT_TRY(grant.certificate.bytes, in.array<32>());
  LT_TRY(const auto count, in.varint());
  if (count > kStatementCountMax) return Error(Errc::kTooLarge, "statements of a grant");
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

std::string render_request(const SigningKey& signing, const DhPublic& dh) {
  const MachineKeys machine{signing.public_key(), dh};
  return TextFieldsWriter("request")
      .comment("Take this file to the agency above, where `lienthong issue FILE` answers it.")
      .field("node", machine.node.view())
      .field("dh", ByteView(machine.dh))
      .field("signature", ByteView(signing.sign(request_hash(machine).view())))
      .text();
}

Result<MachineKeys> parse_request(std::string_view text) {
  LT_TRY(const TextFields fields, TextFields::parse(text, "request"));
  MachineKeys machine;
  LT_TRY(machine.node.bytes, fields.bytes<32>("node"));
  LT_TRY(machine.dh, fields.bytes<32>("dh"));
  LT_TRY(const Signature signature, fields.bytes<64>("signature"));
  LT_TRY_VOID(verify(machine.node, request_hash(machine).view(), signature));
  return machine;
}

std::string render_certificate_file(const CertificateFile& file) {
  TextFieldsWriter out("certificate");
  out.comment("Complete the enrolment with `lienthong enroll --certificate FILE`.");
  out.field("root", file.root.view()).field("parent", file.parent_code);
  for (const auto& address : file.addresses) out.field("address", address);
  out.field("certificate", file.grant.certificate.view());
  for (const Statement& statement : file.grant.statements) {
    out.field("statement", ByteView(encode_statement(statement)));
  }
  return out.text();
}

Result<CertificateFile> parse_certificate_file(std::string_view text) {
  LT_TRY(const TextFields fields, TextFields::parse(text, "certificate"));
  CertificateFile file;
  LT_TRY(file.root.bytes, fields.bytes<32>("root"));
  LT_TRY(const std::string_view parent, fields.one("parent"));
  file.parent_code = parent;
  for (const auto address : fields.all("address")) file.addresses.emplace_back(address);
  LT_TRY(file.grant.certificate.bytes, fields.bytes<32>("certificate"));
  for (const auto hex : fields.all("statement")) {
    LT_TRY(const Bytes encoded, from_hex(hex));
    LT_TRY(Statement statement, decode_statement(encoded));
    file.grant.statements.push_back(std::move(statement));
  }
  return file;
}

}  // namespace lienthong::agent
