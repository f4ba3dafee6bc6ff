// What a parent remembers of an invitation, and how it certifies a machine.
// docs/protocol/enrolment.md. Kept in the replica as a local value: it never travels.
#pragma once

#include <optional>
#include <string>

#include "protocol/enrolment/grant.h"
#include "protocol/enrolment/token.h"
#include "store/replica/replica.h"

namespace lienthong::agent {

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
Result<AgencyId> find_or_declare(store::Transaction& transaction, std::string_view code,
                                 std::string_view name, std::string_view tier, Entropy& entropy);

// A certificate for that machine; the one it has, if it is believed. kNotAllowed.
Result<CertificateId> certify(store::Transaction& transaction, const AgencyId& agency,
                              const MachineKeys& machine, bool may_issue);

// Certifies the machine that has shown the secret and marks the invitation used by it. The same
// machine may come again until the invitation expires. kNotFound, kExpired, kConflict (another
// machine has used it), kNotAllowed.
Result<CertificateId> redeem(store::Transaction& transaction, const InviteNumber& number,
                             const MachineKeys& machine);

}  // namespace lienthong::agent
