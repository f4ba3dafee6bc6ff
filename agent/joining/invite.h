// What a parent gives out: a token for the way over the network, a certificate file for the way by
// hand. docs/protocol/enrolment.md.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "agent/engine/engine.h"
#include "protocol/crypto/noise.h"
#include "store/exchange/invitation.h"

namespace lienthong::agent {

struct InviteRequest {
  std::optional<NodeId> replaces;  // the machine in whose place the new one comes
  store::Naming naming;
  std::chrono::milliseconds ttl{std::chrono::hours(24)};
  // Whether the machine may declare and certify below its agency; none: as the plan has it.
  std::optional<bool> may_issue;
};
struct InviteToken {
  std::string text;
  InviteNumber number{};
  UnixMillis expires_at = 0;
  bool may_issue = false;
};
// Declares the agency under ours where it does not exist, and remembers the secret until it is used
// or expires. Blocks; not from the loop. Fails: kInvalidArgument (time to live, no address), else
// as store::plan_invitation().
Result<InviteToken> create_invite(Engine& engine, const DhPublic& our_key,
                                  const std::vector<std::string>& addresses,
                                  const InviteRequest& request, Entropy& entropy);

// Takes an invitation back that nobody has used, and the agency that was declared for it if nothing
// rests on it: whether that went too. Blocks; not from the loop. Fails as
// store::cancel_invitation().
Result<bool> cancel_invite(Engine& engine, const InviteNumber& number);

struct IssueRequest {
  std::string request;                 // text of the file that `enroll TOKEN --request` wrote
  std::string code, name, tier;        // of the agency that is meant; empty: that of the token
  std::vector<std::string> addresses;  // ours, for the newcomer's configuration
};
// The offline way: certifies the machine that made the request with a token of ours; the text of
// its certificate file. The same request gives the same certificate again. Blocks; not from the
// loop. Fails: kMalformed, kBadSignature (the request), kInvalidArgument (another agency is meant),
// else as store::redeem().
Result<std::string> issue_certificate(Engine& engine, const IssueRequest& request);

}  // namespace lienthong::agent
