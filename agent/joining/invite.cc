#include "agent/joining/invite.h"

#include <algorithm>

#include "protocol/enrolment/by_hand.h"
#include "protocol/enrolment/token.h"
#include "protocol/record/registry.h"
#include "store/exchange/invitation.h"
#include "store/replica/local_names.h"
#include "store/trust/replacing.h"

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

// Whoever issues may say which agency is meant: a request of another one is then no slip.
Result<void> check_meant(const Registry& registry, const AgencyId& asked,
                         const IssueRequest& request) {
  const AgencyInfo* agency = registry.find_agency(asked);
  if (agency == nullptr) return {};  // redeem() says that no such invitation is here
  const auto same = [](const std::string& meant, const std::string& is) {
    return meant.empty() || meant == is;
  };
  if (same(request.code, agency->code) && same(request.name, agency->name) &&
      same(request.tier, agency->tier))
    return {};
  return Error(Errc::kInvalidArgument, "the request is for " + agency->code + " " + agency->name +
                                           ", tier " + agency->tier);
}

}  // namespace

Result<InviteToken> create_invite(Engine& engine, const DhPublic& our_key,
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
  bool may_issue = false;
  const auto job = [&](store::Transaction& transaction) -> Result<void> {
    store::Invitation invitation;
    LT_TRY(const store::InvitationPlan plan,
           store::plan_invitation(transaction.registry(), transaction.identity(), request.naming));
    LT_TRY(invitation.agency, store::declare_planned(transaction, plan, entropy));
    invitation.declared = !plan.agency;
    token.agency = invitation.agency;
    invitation.secret = token.secret;
    invitation.may_issue = may_issue = request.may_issue.value_or(plan.may_issue);
    invitation.expires_at = token.expires_at;
    transaction.set_local_value(store::invitation_key(token.invite),
                                store::encode_invitation(invitation));
    if (request.replaces)
      LT_TRY_VOID(store::note_replacement(transaction, engine.replica(), to_hex(token.invite),
                                          invitation.agency, *request.replaces));
    for (const auto& key : stale) transaction.set_local_value(key, std::nullopt);
    return {};
  };
  LT_TRY_VOID(engine.write(job));
  return InviteToken{encode_token(token), token.invite, token.expires_at, may_issue};
}

Result<bool> cancel_invite(Engine& engine, const InviteNumber& number) {
  store::Invitation cancelled;
  LT_TRY_VOID(engine.write([&](store::Transaction& transaction) -> Result<void> {
    LT_TRY(cancelled, store::cancel_invitation(transaction, number));
    return {};
  }));
  const auto others = store::list_invitations(engine.replica());
  const bool wanted = std::ranges::any_of(others, [&](const store::ListedInvitation& other) {
    return other.invitation.agency == cancelled.agency;
  });
  if (!cancelled.declared || wanted) return false;
  if (!store::check_removable(engine.replica(), cancelled.agency).ok()) return false;
  const auto removed = engine.write([&](store::Transaction& transaction) {
    return store::remove_agency(transaction, cancelled.agency, "its invitation was cancelled");
  });
  return removed.ok();
}

Result<std::string> issue_certificate(Engine& engine, const IssueRequest& request) {
  LT_TRY(const EnrolmentRequest asked, parse_request(request.request));
  CertificateFile file;
  const auto job = [&](store::Transaction& transaction) -> Result<void> {
    LT_TRY_VOID(check_meant(transaction.registry(), asked.agency, request));
    LT_TRY(file.grant.certificate, store::redeem(transaction, asked));
    return store::revoke_replaced(transaction, engine.replica(), to_hex(asked.invite),
                                  asked.machine.node);
  };
  LT_TRY_VOID(engine.write(job));
  const auto registry = engine.replica().registry();
  file.root = engine.replica().root();
  const AgencyInfo* us = registry->find_agency(engine.replica().identity().agency);
  if (us != nullptr) file.parent_code = us->code;
  file.addresses = request.addresses;
  file.grant = make_grant(*registry, file.grant.certificate);
  return render_certificate_file(file);
}

}  // namespace lienthong::agent
