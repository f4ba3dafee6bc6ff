// Who may join: invitations, and certificates for requests that come by hand.
#include <algorithm>

#include "agent/api/routes.h"
#include "agent/joining/invite.h"
#include "agent/json/fields.h"
#include "agent/json/status.h"
#include "store/trust/machines.h"

namespace lienthong::agent {

using nlohmann::json;

namespace {

constexpr std::size_t kCodeCharsMax = 35;  // QĐ 20/2020/QĐ-TTg, Đ.4
constexpr std::size_t kNameBytesMax = 512;
constexpr std::int64_t kInviteSecondsMax = 90LL * 24 * 3600;
constexpr std::int64_t kInviteSecondsDefault = 24LL * 3600;

struct InviteAsked {
  std::string replaces;
  InviteRequest request;
  bool dry_run = false;
};

Result<InviteAsked> read_invite(const std::string& body) {
  LT_TRY(const json object,
         read_object(body, " code name tier ttl_seconds may_issue replaces dry_run "));
  InviteAsked out;
  LT_TRY(out.request.naming, read_naming(object));
  std::int64_t seconds = kInviteSecondsDefault;
  if (const auto ttl = object.find("ttl_seconds"); ttl != object.end()) {
    if (!ttl->is_number_integer())
      return Error(Errc::kInvalidArgument, "ttl_seconds: must be a whole number");
    seconds = ttl->get<std::int64_t>();
  }
  if (seconds < 1 || seconds > kInviteSecondsMax)
    return Error(Errc::kInvalidArgument,
                 "ttl_seconds: must be from 1 to " + std::to_string(kInviteSecondsMax));
  out.request.ttl = std::chrono::seconds(seconds);
  if (object.contains("may_issue")) {
    LT_TRY(out.request.may_issue, read_flag(object, "may_issue", false));
  }
  LT_TRY(out.dry_run, read_flag(object, "dry_run", false));
  LT_TRY(out.replaces, object_text(object, "replaces", false));
  return out;
}

Result<IssueRequest> read_issue(const ApiContext& api, const std::string& body) {
  LT_TRY(const json object, read_object(body, " request code name tier "));
  IssueRequest out;
  out.addresses = api.links.listen_addresses();
  LT_TRY(out.request, object_text(object, "request", true));
  LT_TRY(out.code, object_text(object, "code", false));
  LT_TRY(out.name, object_text(object, "name", false));
  LT_TRY(out.tier, object_text(object, "tier", false));
  return out;
}

Result<InviteNumber> read_number(const std::string& text) {
  const auto bytes = from_hex(text);
  InviteNumber number{};
  if (!bytes.ok() || bytes->size() != number.size())
    return Error(Errc::kNotFound, "no such invitation");
  std::ranges::copy(*bytes, number.begin());
  return number;
}

json invite_object(const store::ListedInvitation& listed, const ApiContext& api) {
  const store::Invitation& invitation = listed.invitation;
  const auto registry = api.replica().registry();
  const AgencyInfo* info = registry->find_agency(invitation.agency);
  const char* state = "open";
  if (invitation.used_by) {
    state = "used";
  } else if (invitation.expires_at < api.now()) {
    state = "expired";
  }
  json out = {{"id", to_hex(listed.number)},
              {"code", agency_json(invitation.agency, *registry)},
              {"name", info == nullptr ? json(nullptr) : json(info->name)},
              {"may_issue", invitation.may_issue},
              {"declared", invitation.declared},
              {"expires_at", time_json(invitation.expires_at)},
              {"state", state}};
  if (invitation.used_by) out["node"] = invitation.used_by->node.hex();
  return out;
}

}  // namespace

Result<store::Naming> read_naming(const json& object) {
  store::Naming out;
  LT_TRY(out.code, object_text(object, "code", true));
  LT_TRY(out.name, object_text(object, "name", true));
  LT_TRY(out.tier, object_text(object, "tier", true));
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '.';
  };
  // One that is there can be named by its id too, where several bear the code.
  const std::string code = out.code.substr(0, out.code.find('~'));
  if (code.size() > kCodeCharsMax || !std::ranges::all_of(code, plain))
    return Error(Errc::kInvalidArgument,
                 "code: at most 35 capital letters, digits and dots, as H47.12.05");
  if (out.name.size() > kNameBytesMax || out.tier.size() > kNameBytesMax)
    return Error(Errc::kTooLarge,
                 "name and tier have at most " + std::to_string(kNameBytesMax) + " bytes");
  return out;
}

Result<bool> read_flag(const json& object, const char* name, bool otherwise) {
  const auto flag = object.find(name);
  if (flag == object.end()) return otherwise;
  if (!flag->is_boolean())
    return Error(Errc::kInvalidArgument, std::string(name) + ": must be true or false");
  return flag->get<bool>();
}

void get_invites(ApiCall& call) {
  auto invitations = store::list_invitations(call.api.replica());
  std::ranges::sort(invitations, {}, [](const store::ListedInvitation& listed) {
    return std::pair(listed.invitation.expires_at, listed.number);
  });
  json list = json::array();
  for (const store::ListedInvitation& listed : invitations)
    list.push_back(invite_object(listed, call.api));
  send_json(call.response, list);
}

void post_invite(ApiCall& call) {
  auto asked = read_invite(call.body);
  if (!asked.ok()) return send_error(call.response, asked.error());
  if (!asked->replaces.empty()) {
    const auto old = store::machine_named(*call.api.replica().registry(), asked->replaces);
    if (!old.ok()) return send_error(call.response, old.error(), "replaces");
    asked->request.replaces = *old;
  }
  const InviteRequest& request = asked->request;
  if (asked->dry_run) {
    const store::Replica& replica = call.api.replica();
    const auto plan =
        store::plan_invitation(*replica.registry(), replica.identity(), request.naming);
    if (!plan.ok()) return send_error(call.response, plan.error());
    json shown = plan_object(*plan, call.api);
    shown["may_issue"] = request.may_issue.value_or(plan->may_issue);
    return send_json(call.response, shown);
  }
  LockedEntropy entropy(call.api);
  const auto token = create_invite(call.api.engine, call.api.config.dh_key,
                                   call.api.links.listen_addresses(), request, entropy);
  if (!token.ok()) return send_error(call.response, token.error());
  send_json(call.response, {{"token", token->text},
                            {"id", to_hex(token->number)},
                            {"may_issue", token->may_issue},
                            {"expires_at", time_json(token->expires_at)}});
}

void post_invite_cancel(ApiCall& call) {
  const auto number = read_number(call.parameter(0));
  if (!number.ok()) return send_error(call.response, number.error());
  const auto removed = cancel_invite(call.api.engine, *number);
  if (!removed.ok()) return send_error(call.response, removed.error());
  send_json(call.response, {{"id", to_hex(*number)}, {"agency_removed", *removed}});
}

void post_certificate(ApiCall& call) {
  const auto request = read_issue(call.api, call.body);
  if (!request.ok()) return send_error(call.response, request.error());
  const auto certificate = issue_certificate(call.api.engine, *request);
  if (!certificate.ok()) return send_error(call.response, certificate.error());
  send_json(call.response, {{"certificate", *certificate}});
}

}  // namespace lienthong::agent
