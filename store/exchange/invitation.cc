#include "store/exchange/invitation.h"

#include <algorithm>
#include <array>

#include "protocol/record/agency_code.h"
#include "protocol/record/registry.h"
#include "store/replica/local_names.h"
#include "store/replica/raw.h"
#include "store/replica/rows.h"

namespace lienthong::store {
namespace {

constexpr std::uint8_t kInvitationVersion = 1;                // on disk
constexpr UnixMillis kRenewAfter = 730LL * 24 * 3600 * 1000;  // two years
constexpr unsigned kThousands = 10;

constexpr std::array<std::string_view, 2> kTiersAboveOthers{"province", "district"};

std::string quote(std::string_view text) { return "\"" + std::string(text) + "\""; }

bool has_others_below(std::string_view tier) {
  return std::ranges::find(kTiersAboveOthers, tier) != kTiersAboveOthers.end();
}

Result<void> check_ours_to_give(const Registry& registry, const Identity& us,
                                std::string_view code) {
  const AgencyInfo* ours = registry.find_agency(us.agency);
  if (ours == nullptr || !registry.may_declare(us.certificate, us.agency, registry.newest()))
    return Error(Errc::kNotAllowed,
                 "this machine may not declare agencies: its office above gives it that right with "
                 "lienthong invite --may-issue");
  if (!lies_under(code, ours->code))
    return Error(Errc::kNotAllowed, "code " + quote(code) + " is not ours to give: it does not " +
                                        "lie under " + quote(ours->code));
  return {};
}

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
  out.u8(invitation.declared ? 1 : 0);
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
  LT_TRY(const auto declared, in.u8());
  LT_TRY(const auto expires_at, in.u64());
  LT_TRY(const auto used, in.u8());
  out.may_issue = may_issue != 0;
  out.declared = declared != 0;
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

Result<InvitationPlan> plan_invitation(const Registry& registry, const Identity& us,
                                       const Naming& naming) {
  if (naming.code.empty()) return Error(Errc::kInvalidArgument, "the agency's code is missing");
  const TreeVersion version = registry.newest();
  InvitationPlan plan;
  const auto known = registry.agency_named(naming.code);
  if (known.ok()) {
    const AgencyInfo& info = **known;
    if ((!naming.name.empty() && naming.name != info.name) ||
        (!naming.tier.empty() && naming.tier != info.tier)) {
      return Error(Errc::kConflict, "agency " + quote(info.code) + " exists as " +
                                        quote(info.name) + ", tier " + quote(info.tier));
    }
    if (!registry.may_issue_for(us.certificate, info.id, version)) {
      return Error(Errc::kNotAllowed, "agency " + quote(naming.code) +
                                          " is not below ours, or this machine was not invited "
                                          "with the right to (--may-issue)");
    }
    plan.agency = info.id;
    plan.naming = {info.code, info.name, info.tier};
    plan.machines = registry.certificates_of(info.id).size();
    plan.may_issue = has_others_below(info.tier) || !registry.children(info.id, version).empty();
    return plan;
  }
  if (known.error().code() == Errc::kConflict || !is_agency_code(naming.code)) return known.error();
  LT_TRY_VOID(check_ours_to_give(registry, us, naming.code));
  if (naming.name.empty() || naming.tier.empty()) {
    return Error(Errc::kInvalidArgument,
                 "agency " + quote(naming.code) + " is new: name and tier are needed");
  }
  plan.naming = naming;
  plan.may_issue = has_others_below(naming.tier);
  return plan;
}

Result<AgencyId> declare_planned(Transaction& transaction, const InvitationPlan& plan,
                                 Entropy& entropy) {
  if (plan.agency) return *plan.agency;
  AgencyDeclaration declaration;
  declaration.parent = transaction.identity().agency;
  declaration.code = plan.naming.code;
  declaration.name = plan.naming.name;
  declaration.tier = plan.naming.tier;
  declaration.declared_at = transaction.now();
  declaration.nonce = to_bytes(entropy.array<16>());
  declaration.tree_version = transaction.registry().newest();
  const StatementBody body(std::move(declaration));
  LT_TRY(const StatementId id, transaction.state(body));
  return id_cast<AgencyId>(id);
}

Result<AgencyId> find_or_declare(Transaction& transaction, std::string_view code,
                                 std::string_view name, std::string_view tier, Entropy& entropy) {
  const Naming naming{std::string(code), std::string(name), std::string(tier)};
  LT_TRY(const InvitationPlan plan,
         plan_invitation(transaction.registry(), transaction.identity(), naming));
  return declare_planned(transaction, plan, entropy);
}

Result<void> check_removable(const Replica& replica, const AgencyId& agency) {
  const auto registry = replica.registry();
  const AgencyInfo* info = registry->find_agency(agency);
  if (info == nullptr || info->belief != Belief::kBelieved || info->withdrawn)
    return Error(Errc::kNotFound, "no such agency");
  const Identity& us = replica.identity();
  if (info->declared_by.is_zero() ||
      !registry->may_declare(us.certificate, info->declared_parent, registry->newest()))
    return Error(Errc::kNotAllowed,
                 "agency " + quote(info->code) + " was not declared by us or below us");
  if (!registry->certificates_of(agency).empty())
    return Error(Errc::kConflict,
                 "a machine of " + quote(info->code) + " has a certificate, so it stays");
  if (!registry->children(agency, registry->newest()).empty())
    return Error(Errc::kConflict, "agencies below " + quote(info->code) + " are declared");
  bool rests = false;
  replica.for_each_record([&](const RecordEntry& entry) {
    const RecordState& state = entry.state;
    rests = state.holder == agency || state.offered == agency ||
            std::ranges::binary_search(state.participants, agency);
    return !rests;
  });
  if (!rests) return {};
  return Error(Errc::kConflict, "records on this machine name " + quote(info->code));
}

Result<void> remove_agency(Transaction& transaction, const AgencyId& agency,
                           const std::string& reason) {
  Withdrawal body;
  body.agency = agency;
  body.reason = reason;
  body.decided_at = transaction.now();
  body.tree_version = transaction.registry().newest();
  const StatementBody statement(std::move(body));
  LT_TRY_VOID(transaction.state(statement));
  const AgencyInfo* info = transaction.registry().find_agency(agency);
  if (info != nullptr && info->withdrawn) return {};
  return Error(Errc::kConflict, "a change of the agency tree names that agency, so it stays");
}

std::vector<ListedInvitation> list_invitations(const Replica& replica) {
  std::vector<ListedInvitation> out;
  for (const auto& [key, value] : replica.local_values(local::kInvite)) {
    const auto number = from_hex(std::string_view(key).substr(local::kInvite.size()));
    auto invitation = decode_invitation(value);
    if (!number.ok() || !invitation.ok() || number->size() != InviteNumber().size()) continue;
    ListedInvitation listed;
    std::ranges::copy(*number, listed.number.begin());
    listed.invitation = *std::move(invitation);
    out.push_back(std::move(listed));
  }
  return out;
}

Result<Invitation> cancel_invitation(Transaction& transaction, const InviteNumber& number) {
  const std::string key = invitation_key(number);
  const auto stored = transaction.local_value(key);
  if (!stored) return Error(Errc::kNotFound, "no such invitation");
  LT_TRY(Invitation invitation, decode_invitation(*stored));
  if (invitation.used_by)
    return Error(Errc::kConflict, "machine " + invitation.used_by->node.short_hex() +
                                      " has used this invitation; revoke the machine instead");
  transaction.set_local_value(key, std::nullopt);
  return invitation;
}

Result<CertificateId> certify(Transaction& transaction, const AgencyId& agency,
                              const MachineKeys& machine, const Signature& possession,
                              bool may_issue) {
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
  // It has another exchange key now, and is else what it was.
  for (const CertificateId& id : present) {
    const Certificate* before = registry.find_certificate(id);
    if (before->node != machine.node) continue;
    certificate.replaces = id;
    certificate.thousand = before->thousand;
    certificate.may_issue = before->may_issue;
    break;
  }
  certificate.issued_at = transaction.now();
  certificate.renew_by = transaction.now() + kRenewAfter;
  certificate.tree_version = registry.newest();
  certificate.possession = possession;
  const StatementBody body(certificate);
  LT_TRY(const StatementId id, transaction.state(body));
  return id_cast<CertificateId>(id);
}

Result<Invitation> invitation_for(const Replica& replica, const InviteNumber& number,
                                  const MachineKeys& machine, UnixMillis now) {
  const auto stored = replica.local_value(invitation_key(number));
  if (!stored) return Error(Errc::kNotFound, "unknown invitation");
  LT_TRY(Invitation invitation, decode_invitation(*stored));
  if (invitation.used_by && *invitation.used_by != machine)
    return Error(Errc::kConflict, "the invitation was used by another machine");
  if (now > invitation.expires_at) return Error(Errc::kExpired, "the invitation has expired");
  return invitation;
}

GrantSource grant_source(const Replica& replica, const CertificateId& certificate) {
  const RawReplica raw(replica);
  const std::size_t count = raw.ledger()->statements;  // numbered from 1, in the order of arrival
  return stream_grant(certificate, count, [raw](std::size_t index) -> Result<Statement> {
    const auto row = raw.database().get(key::statement(index + 1));
    if (!row) return Error(Errc::kCorrupt, "a statement of the registry is missing");
    return decode_statement_row(*row).statement;
  });
}

Job redeem_into(std::shared_ptr<CertificateId> certificate, const InviteNumber& number,
                const MachineKeys& machine, const Signature& possession) {
  return [certificate = std::move(certificate), number, machine,
          possession](Transaction& transaction) -> Result<void> {
    LT_TRY(*certificate, redeem(transaction, number, machine, possession));
    return {};
  };
}

Result<CertificateId> redeem(Transaction& transaction, const InviteNumber& number,
                             const MachineKeys& machine, const Signature& possession) {
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
         certify(transaction, invitation.agency, machine, possession, invitation.may_issue));
  invitation.used_by = machine;
  transaction.set_local_value(key, encode_invitation(invitation));
  return id;
}

Result<CertificateId> redeem(Transaction& transaction, const EnrolmentRequest& request) {
  const RootFingerprint& root = transaction.registry().root();
  if (request.root != root)
    return Error(Errc::kNotAllowed,
                 "the request is for another deployment (root " + request.root.short_hex() + ")");
  const auto stored = transaction.local_value(invitation_key(request.invite));
  if (!stored)
    return Error(Errc::kNotFound,
                 "the request was made with a token that is not of this machine, or that was "
                 "cancelled");
  LT_TRY(const Invitation invitation, decode_invitation(*stored));
  if (request.proof != invite_proof(root, invitation.secret, request.invite, request.machine))
    return Error(Errc::kNotAllowed, "the request was not made with the token of that invitation");
  if (request.agency != invitation.agency)
    return Error(Errc::kInvalidArgument, "the request is for another agency than the token");
  return redeem(transaction, request.invite, request.machine, request.possession);
}

}  // namespace lienthong::store
