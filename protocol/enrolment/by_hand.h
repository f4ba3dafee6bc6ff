// Enrolment without a network: two text files, one each way. docs/protocol/enrolment.md. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/enrolment/grant.h"
#include "protocol/enrolment/token.h"

namespace lienthong {

// What a newcomer asks for: to be a machine of the agency that its token names.
struct EnrolmentRequest {
  RootFingerprint root;
  AgencyId agency;
  InviteNumber invite{};
  MachineKeys machine;
  Signature possession{};
  Hash256 proof;  // that it has the token: invite_proof()
};
// Shows the token's secret without saying it, bound to the machine that asks.
Hash256 invite_proof(const RootFingerprint& root, const Psk& secret, const InviteNumber& invite,
                     const MachineKeys& machine);
std::string render_request(const Token& token, const NodeKeys& keys);
// kMalformed, kBadVersion, kBadSignature (the possession). The proof is compared where the secret
// is.
Result<EnrolmentRequest> parse_request(std::string_view text);

struct CertificateFile {
  RootFingerprint root;
  std::string parent_code;
  std::vector<std::string> addresses;  // of the parent
  EnrolmentGrant grant;
};
std::string render_certificate_file(const CertificateFile& file);
// As decode_grant(), and kBadVersion. Nothing is checked but the form: see check_grant().
Result<CertificateFile> parse_certificate_file(std::string_view text);

}  // namespace lienthong
