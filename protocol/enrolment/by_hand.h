// Enrolment without a network: two text files, one each way. docs/protocol/enrolment.md. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/enrolment/grant.h"

namespace lienthong {

std::string render_request(const SigningKey& signing, const DhPublic& dh);
// kMalformed, kBadVersion, kBadSignature.
Result<MachineKeys> parse_request(std::string_view text);

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
