#include "agent/joining/invite.h"

#include "protocol/enrolment/by_hand.h"
#include "protocol/enrolment/token.h"
#include "protocol/record/registry.h"
#include "store/exchange/invitation.h"
#include "store/replica/local_names.h"

namespace lienthong::agent {
namespace {

// How long an expired invitation is remembered, so that whoever comes late is told why.
constexpr UnixMillis kKeepExpired = 30LL * 24 * 3600 * 1000;
constexpr std::chrono::milliseconds kTtlMax = std::chrono::hours(24 * 365);

Result<void> check_request(const InviteRequest& request) {
  if (request.ttl <= std::chrono::milliseconds::zero() || request.ttl > kTtlMax) {
    return Error(Errc::kInvalidArgument,
                 "the token's time to live must be above 0 and at most a year");
  }
  return {};
}

// Keys of invitations that nobody needs to be told about any more.
std::vector<std::string> stale_invitations(const store::Replica& replica, UnixMillis now) {
  std::vector<std::string> out;
  for (const auto& [key, value] : replica.local_values(store::local::kInvite)) {
    const auto invitation = store::decode_invitation(value);
    if (invitation && invitation->expires_at + kKeepExpired < now) out.push_back(key);
  }
  return out;
}

}  // namespace

Result<std::string> create_invite(Engine& engine, const DhPublic& our_key,
                                  const std::vector<std::string>& addresses,
                                  const InviteRequest& request, Entropy& entropy) {
  LT_TRY_VOID(check_request(request));
  if (addresses.empty()) {
    return Error(Errc::kInvalidArgument,
                 "this agent listens nowhere: set \"listen\" in agent.toml first");
  }
  Token token;
  token.addresses.assign(
      addresses.begin(),
      addresses.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(addresses.size(), 8)));
  token.parent_dh_key = our_key;
  token.root = engine.replica().root();
  token.invite = entropy.array<8>();
  token.secret = entropy.array<32>();
  token.expires_at = engine.clock().now() + request.ttl.count();
  const auto stale = stale_invitations(engine.replica(), engine.clock().now());
  LT_TRY_VOID(engine.write([&](store::Transaction& transaction) -> Result<void> {
    store::Invitation invitation;
    LT_TRY(invitation.agency,
           store::find_or_declare(transaction, request.code, request.name, request.tier, entropy));
    invitation.secret = token.secret;
    invitation.may_issue = request.may_issue;
    invitation.expires_at = token.expires_at;
    transaction.set_local_value(store::invitation_key(token.invite),
                                store::encode_invitation(invitation));
    for (const auto& key : stale) transaction.set_local_value(key, std::nullopt);
    return {};
  }));
  return encode_token(token);
}

Result<std::string> issue_certificate(Engine& engine, const IssueRequest& request,
                                      Entropy& entropy) {
  LT_TRY(const MachineKeys machine, parse_request(request.request));
  CertificateFile file;
  LT_TRY_VOID(engine.write([&](store::Transaction& transaction) -> Result<void> {
    LT_TRY(const AgencyId agency,
           store::find_or_declare(transaction, request.code, request.name, request.tier, entropy));
    LT_TRY(file.grant.certificate, store::certify(transaction, agency, machine, request.may_issue));
    return {};
  }));
  const auto registry = engine.replica().registry();
  file.root = engine.replica().root();
  const AgencyInfo* us = registry->find_agency(engine.replica().identity().agency);
  if (us != nullptr) file.parent_code = us->code;
  file.addresses = request.addresses;
  file.grant = make_grant(*registry, file.grant.certificate);
  return render_certificate_file(file);
}

}  // namespace lienthong::agent
