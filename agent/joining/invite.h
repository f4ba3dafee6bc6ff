// What a parent gives out: a token for the way over the network, a certificate file for the way by
// hand. docs/protocol/enrolment.md.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "agent/engine/engine.h"
#include "protocol/crypto/noise.h"

namespace lienthong::agent {

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
