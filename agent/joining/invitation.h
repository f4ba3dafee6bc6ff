// What a parent remembers of an invitation, and how it certifies a machine.
// docs/protocol/enrolment.md. Kept in the replica as a local value: it never travels.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "protocol/crypto/noise.h"
#include "store/replica/replica.h"

namespace lienthong::agent {

using InviteNumber = std::array<std::uint8_t, 8>;

struct MachineKeys {  // of the machine that asks
  NodeId node;
  DhPublic dh{};
  bool operator==(const MachineKeys&) const = default;
};

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

// Everything a newcomer needs: the whole registry in an order in which it can be checked, and which
// certificate is its own.
struct EnrolmentGrant {
  CertificateId certificate;
  std::vector<Statement> statements;
};
EnrolmentGrant make_grant(const Registry& registry, const CertificateId& certificate);
Bytes encode_grant(const EnrolmentGrant& grant);
Result<EnrolmentGrant> decode_grant(ByteView bytes);  // kTruncated, kMalformed, kTooLarge

struct GrantedNode {
  AgencyId agency;
  Certificate certificate;
  std::shared_ptr<const Registry> registry;
};
// Checks the grant as the newcomer must: the genesis is the pinned one, every statement stands, the
// certificate is for this machine and believed. kBadHash, kInvalidArgument, and Registry's own.
Result<GrantedNode> check_grant(const RootFingerprint& root, const MachineKeys& machine,
                                const EnrolmentGrant& grant);

// ---- the offline way ----
std::string render_request(const SigningKey& signing, const DhPublic& dh);
Result<MachineKeys> parse_request(std::string_view text);  // kMalformed, kBadSignature

struct CertificateFile {
  RootFingerprint root;
  std::string parent_code;
  std::vector<std::string> addresses;  // of the parent
  EnrolmentGrant grant;
};
std::string render_certificate_file(const CertificateFile& file);
Result<CertificateFile> parse_certificate_file(std::string_view text);

}  // namespace lienthong::agent
