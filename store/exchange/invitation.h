// What a parent remembers of an invitation, and how it certifies a machine.
// docs/protocol/enrolment.md. Kept in the replica as a local value: it never travels.
#pragma once

#include <optional>
#include <string>

#include "protocol/enrolment/by_hand.h"
#include "protocol/enrolment/grant.h"
#include "protocol/enrolment/token.h"
#include "store/exchange/writer.h"

namespace lienthong::store {

struct Invitation {
  Psk secret{};
  AgencyId agency;
  bool may_issue = false;  // whether the machine may invite others below it
  bool declared = false;   // the agency was declared for it
  UnixMillis expires_at = 0;
  std::optional<MachineKeys> used_by;
};
std::string invitation_key(const InviteNumber& number);
Bytes encode_invitation(const Invitation& invitation);  // on disk: never change
Result<Invitation> decode_invitation(ByteView bytes);   // kTruncated, kMalformed, kNewerVersion

// How an office below ours is called.
struct Naming {
  std::string code, name, tier;
};
// What inviting a machine of that agency, or declaring it, comes to. Writes nothing.
struct InvitationPlan {
  std::optional<AgencyId> agency;  // it is there already; none: it is declared below ours
  Naming naming;
  std::size_t machines = 0;  // that it has
  // Whether its machine gets the right to declare and certify below it where nobody says so: it has
  // agencies below it, or is of a tier that has.
  bool may_issue = false;
};
// Fails: kNotAllowed (not below us, we may not issue, or the code is not ours to give),
// kInvalidArgument (new, and something is missing), kConflict (it exists under another name or
// tier, or several bear the code).
Result<InvitationPlan> plan_invitation(const Registry& registry, const Identity& us,
                                       const Naming& naming);
// Carries it out as far as the agency goes. Fails as Transaction::state().
Result<AgencyId> declare_planned(Transaction& transaction, const InvitationPlan& plan,
                                 Entropy& entropy);
// Both in one.
Result<AgencyId> find_or_declare(Transaction& transaction, std::string_view code,
                                 std::string_view name, std::string_view tier, Entropy& entropy);

// Takes a declaration below ours back. Fails: kNotAllowed (not ours to take back), kConflict
// (something rests on it: says what).
Result<void> check_removable(const Replica& replica, const AgencyId& agency);
Result<void> remove_agency(Transaction& transaction, const AgencyId& agency,
                           const std::string& reason);

struct ListedInvitation {
  InviteNumber number{};
  Invitation invitation;
};
std::vector<ListedInvitation> list_invitations(const Replica& replica);
// Forgets it: its token is worth nothing any more. What it was. kNotFound, kConflict (used).
Result<Invitation> cancel_invitation(Transaction& transaction, const InviteNumber& number);

// A certificate for that machine, which bears its `possession`; the one it has, if it is believed.
// kNotAllowed; kBadSignature.
Result<CertificateId> certify(Transaction& transaction, const AgencyId& agency,
                              const MachineKeys& machine, const Signature& possession,
                              bool may_issue);

// The invitation asked for, if that machine may use it now. kNotFound, kExpired, kConflict (another
// machine has used it).
Result<Invitation> invitation_for(const Replica& replica, const InviteNumber& number,
                                  const MachineKeys& machine, UnixMillis now);

// Certifies the machine that has shown the secret and marks the invitation used by it. The same
// machine may come again until the invitation expires. kNotFound, kExpired, kConflict (another
// machine has used it), kNotAllowed.
Result<CertificateId> redeem(Transaction& transaction, const InviteNumber& number,
                             const MachineKeys& machine, const Signature& possession);
// The same for a request that came by hand. Besides: kNotAllowed (of another deployment, or not
// made with the token), kInvalidArgument (for another agency than the invitation).
Result<CertificateId> redeem(Transaction& transaction, const EnrolmentRequest& request);
// The first as a job: only once it is synced may the newcomer be given anything.
Job redeem_into(std::shared_ptr<CertificateId> certificate, const InviteNumber& number,
                const MachineKeys& machine, const Signature& possession);

// The registry as it is now with that certificate, one statement read at a time. Reads the replica,
// which outlives it, each time that it is asked.
GrantSource grant_source(const Replica& replica, const CertificateId& certificate);

}  // namespace lienthong::store
