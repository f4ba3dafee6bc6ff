// Enrolment by one token. docs/protocol/enrolment.md. The token bears the parent's address, its
// static key, the root fingerprint, the invitation's number, a one-time secret and an expiry; the
// secret is the PSK of Noise_IKpsk2 and never crosses the wire.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "agent/engine/engine.h"
#include "protocol/crypto/noise.h"

namespace lienthong::agent {

struct Token {
  std::vector<std::string> addresses;
  DhPublic parent_dh_key{};
  RootFingerprint root;
  std::array<std::uint8_t, 8> invite{};  // which invitation
  Psk secret{};
  UnixMillis expires_at = 0;
};
std::string encode_token(const Token& token);       // "lt1-" and base64url, one line
Result<Token> decode_token(std::string_view text);  // kMalformed, kBadVersion

struct InviteRequest {
  std::string code, name, tier;
  std::chrono::milliseconds ttl{std::chrono::hours(24)};
  bool may_issue = true;  // whether the node may enrol others below it
};
// Declares the agency under ours where it does not exist, and remembers the secret until it is used
// or expires. Blocks; not from the loop. Fails: kNotAllowed (we may not issue; the agency is not
// below us), kInvalidArgument.
Result<std::string> create_invite(Engine& engine, const DhPublic& our_key,
                                  const std::vector<std::string>& addresses,
                                  const InviteRequest& request, Entropy& entropy);

struct IssueRequest {
  std::string request;                 // text of the file that `enroll --request` wrote
  std::string code, name, tier;        // as InviteRequest
  std::vector<std::string> addresses;  // ours, for the newcomer's configuration
  bool may_issue = true;
};
// The offline way: certifies the machine that made the request; the text of its certificate file.
// The same request gives the same certificate again. Blocks; not from the loop. Fails: kMalformed,
// kBadSignature (the request), else as create_invite().
Result<std::string> issue_certificate(Engine& engine, const IssueRequest& request,
                                      Entropy& entropy);

}  // namespace lienthong::agent
