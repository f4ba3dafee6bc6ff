#include "store/exchange/invitation.h"

#include "protocol/record/registry.h"
#include "store/replica/local_names.h"

namespace lienthong::store {
namespace {

constexpr std::uint8_t kInvitationVersion = 1;                // on disk
constexpr UnixMillis kRenewAfter = 730LL * 24 * 3600 * 1000;  // two years
constexpr unsigned kThousands = 10;

std::string quote(std::string_view text) { return "\"" + std::string(text) + "\""; }

}  // namespace

std::string invitation_key(const InviteNumber& number) {
  return std::string(local::kInvite) + to_hex(number);
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

Result<AgencyId> find_or_declare(Transaction& transaction, std::string_view code,
                                 std::string_view name, std::string_view tier, Entropy& entropy) {
  const Registry& registry = transaction.registry();
  const Identity& us = transaction.identity();
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

Result<CertificateId> certify(Transaction& transaction, const AgencyId& agency,
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

Result<Psk> secret_for(const Replica& replica, const InviteNumber& number,
                       const MachineKeys& machine, UnixMillis now) {
  const auto stored = replica.local_value(invitation_key(number));
  if (!stored) return Error(Errc::kNotFound, "unknown invitation");
  LT_TRY(const Invitation invitation, decode_invitation(*stored));
  if (invitation.used_by && *invitation.used_by != machine)
    return Error(Errc::kConflict, "the invitation was used by another machine");
  if (now > invitation.expires_at) return Error(Errc::kExpired, "the invitation has expired");
  return invitation.secret;
}

Job redeem_into(std::shared_ptr<CertificateId> certificate, const InviteNumber& number,
                const MachineKeys& machine) {
  return [certificate = std::move(certificate), number,
          machine](Transaction& transaction) -> Result<void> {
    LT_TRY(*certificate, redeem(transaction, number, machine));
    return {};
  };
}

Result<CertificateId> redeem(Transaction& transaction, const InviteNumber& number,
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

}  // namespace lienthong::store
