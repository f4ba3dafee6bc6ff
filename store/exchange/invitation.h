// What a parent remembers of an invitation, and how it certifies a machine.
// docs/protocol/enrolment.md. Kept in the replica as a local value: it never travels.
#pragma once

#include <optional>
#include <string>

#include "protocol/enrolment/grant.h"
#include "protocol/enrolment/token.h"
#include "store/exchange/writer.h"

namespace lienthong::store {

struct Invitation {
  Psk secret{};
  AgencyId agency;
  bool may_issue = true;
  UnixMillis expires_at = 0;
  std::optional<MachineKeys> used_by;
};
std::string invitation_key(const InviteNumber& number);
Bytes encode_invitation(const Invitation& invitation);  // on disk: never change
Result<Invitation> decode_invitation(ByteView bytes);   // kTruncated, kMalformed, kNewerVersion

// The agency of that code under ours; declared now when the code is new. Fails: kNotAllowed (not
// below us, or we may not issue), kInvalidArgument (new, and name or tier is missing), kConflict
// (it exists under another name or tier).
Result<AgencyId> find_or_declare(Transaction& transaction, std::string_view code,
                                 std::string_view name, std::string_view tier, Entropy& entropy);

// A certificate for that machine; the one it has, if it is believed. kNotAllowed.
Result<CertificateId> certify(Transaction& transaction, const AgencyId& agency,
                              const MachineKeys& machine, bool may_issue);

// The secret of the invitation asked for, if that machine may use it now. kNotFound, kExpired,
// kConflict (another machine has used it).
Result<Psk> secret_for(const Replica& replica, const InviteNumber& number,
                       const MachineKeys& machine, UnixMillis now);

// Certifies the machine that has shown the secret and marks the invitation used by it. The same
// machine may come again until the invitation expires. kNotFound, kExpired, kConflict (another
// machine has used it), kNotAllowed.
Result<CertificateId> redeem(Transaction& transaction, const InviteNumber& number,
                             const MachineKeys& machine);
// The same as a job: only once it is synced may the newcomer be given anything.
Job redeem_into(std::shared_ptr<CertificateId> certificate, const InviteNumber& number,
                const MachineKeys& machine);

}  // namespace lienthong::store
