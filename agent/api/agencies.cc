// The agency tree: what it is, declarations and taking them back.
#include <algorithm>

#include "agent/api/routes.h"
#include "agent/json/fields.h"
#include "agent/json/status.h"
#include "store/exchange/invitation.h"
#include "store/trust/tree.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

const char* to_string(CodeRight right) {
  switch (right) {
    case CodeRight::kNone: return "none";
    case CodeRight::kFormer: return "former";
    case CodeRight::kGiven: break;
  }
  return "given";
}

json agency_object(const AgencyInfo& info, const Registry& registry) {
  const auto parent = registry.parent(info.id, registry.newest());
  json children = json::array();
  for (const AgencyId& child : registry.children(info.id, registry.newest()))
    children.push_back(agency_code(child, registry));
  json successors = json::array();
  for (const AgencyId& successor : registry.successors(info.id, registry.newest()))
    successors.push_back(agency_code(successor, registry));
  return {{"id", info.id.hex()},
          {"code", info.code},
          {"name", info.name},
          {"tier", info.tier},
          {"parent", parent ? agency_json(*parent, registry) : json(nullptr)},
          {"declared_by", agency_json(info.declared_by, registry)},
          {"code_right", to_string(info.code_right)},
          {"children", std::move(children)},
          {"successors", std::move(successors)},
          {"nodes", registry.certificates_of(info.id).size()},
          {"dissolved", registry.dissolved(info.id, registry.newest())},
          {"declared_at", time_json(info.declared_at)}};
}

// Whoever declares one that is there already has made a slip: an invitation goes to that one.
Result<store::InvitationPlan> plan_declaration(const Registry& registry, const store::Identity& us,
                                               const store::Naming& naming) {
  if (const AgencyInfo* taken = registry.find_agency_by_code(naming.code))
    return Error(Errc::kConflict, "code " + naming.code + " is borne by " + taken->name);
  return store::plan_invitation(registry, us, naming);
}

Result<AgencyId> declare(ApiContext& api, const store::Naming& naming) {
  LockedEntropy entropy(api);
  AgencyId declared;
  LT_TRY_VOID(api.engine.write([&](store::Transaction& transaction) -> Result<void> {
    LT_TRY(const store::InvitationPlan plan,
           plan_declaration(transaction.registry(), transaction.identity(), naming));
    LT_TRY(declared, store::declare_planned(transaction, plan, entropy));
    return {};
  }));
  return declared;
}

}  // namespace

void get_agencies(ApiCall& call) {
  const auto registry = call.api.replica().registry();
  json list = json::array();
  for (const AgencyInfo* info : registry->agencies())
    list.push_back(agency_object(*info, *registry));
  send_json(call.response, list);
}

void get_agency(ApiCall& call) {
  const auto registry = call.api.replica().registry();
  const auto found = registry->agency_named(call.parameter(0));
  const auto former =
      found.ok() ? std::vector<AgencyId>() : store::former_bearers(*registry, call.parameter(0));
  if (!found.ok() && former.empty()) return send_error(call.response, no_such(found.error()));
  const AgencyInfo* info = found.ok() ? *found : registry->find_agency(former.front());
  json out = agency_object(*info, *registry);
  if (const AgencyId heir = registry->resolve(info->id, registry->newest());
      out.at("dissolved") == true && !registry->dissolved(heir, registry->newest()))
    out["heir"] = agency_code(heir, *registry);
  json certificates = json::array();
  for (const CertificateId& id : registry->certificates_of(info->id)) {
    const Certificate* certificate = registry->find_certificate(id);
    if (certificate == nullptr) continue;
    certificates.push_back({{"id", id.hex()},
                            {"node", certificate->node.hex()},
                            {"may_issue", certificate->may_issue},
                            {"thousand", certificate->thousand},
                            {"issued_at", time_json(certificate->issued_at)},
                            {"renew_by", time_json(certificate->renew_by)}});
  }
  out["certificates"] = std::move(certificates);
  send_json(call.response, out);
}

json plan_object(const store::InvitationPlan& plan, const ApiContext& api) {
  const auto registry = api.replica().registry();
  const AgencyId parent =
      plan.agency ? registry->parent(*plan.agency, registry->newest()).value_or(AgencyId())
                  : api.replica().identity().agency;
  return {{"dry_run", true},          {"declares", !plan.agency},
          {"code", plan.naming.code}, {"name", plan.naming.name},
          {"tier", plan.naming.tier}, {"parent", agency_json(parent, *registry)},
          {"machines", plan.machines}};
}

void post_agency(ApiCall& call) {
  const auto object = read_object(call.body, " code name tier dry_run ");
  if (!object.ok()) return send_error(call.response, object.error());
  const auto naming = read_naming(*object);
  if (!naming.ok()) return send_error(call.response, naming.error());
  const auto dry_run = read_flag(*object, "dry_run", false);
  if (!dry_run.ok()) return send_error(call.response, dry_run.error());
  const store::Replica& replica = call.api.replica();
  if (*dry_run) {
    const auto plan = plan_declaration(*replica.registry(), replica.identity(), *naming);
    if (!plan.ok()) return send_error(call.response, plan.error());
    return send_json(call.response, plan_object(*plan, call.api));
  }
  const auto declared = declare(call.api, *naming);
  if (!declared.ok()) return send_error(call.response, declared.error());
  const auto registry = replica.registry();
  send_json(call.response, agency_object(*registry->find_agency(*declared), *registry));
}

void post_agency_remove(ApiCall& call) {
  const auto object = read_object(call.body, " reason dry_run ");
  if (!object.ok()) return send_error(call.response, object.error());
  const auto reason = object_text(*object, "reason", false);
  if (!reason.ok()) return send_error(call.response, reason.error());
  const auto dry_run = read_flag(*object, "dry_run", false);
  if (!dry_run.ok()) return send_error(call.response, dry_run.error());
  const store::Replica& replica = call.api.replica();
  const auto registry = replica.registry();
  const auto found = registry->agency_named(call.parameter(0));
  if (!found.ok()) return send_error(call.response, no_such(found.error()));
  const AgencyInfo* info = *found;
  if (const auto may = store::check_removable(replica, info->id); !may.ok())
    return send_error(call.response, may.error());
  for (const store::ListedInvitation& listed : store::list_invitations(replica))
    if (listed.invitation.agency == info->id && listed.invitation.expires_at > call.api.now())
      return send_error(call.response,
                        Error(Errc::kConflict, "a machine of " + info->code +
                                                   " is invited; cancel that invitation first"));
  json out = agency_object(*info, *registry);
  out["removed"] = !*dry_run;
  if (*dry_run) return send_json(call.response, out);
  const auto removed = call.api.engine.write([&](store::Transaction& transaction) {
    return store::remove_agency(transaction, info->id, *reason);
  });
  if (!removed.ok()) return send_error(call.response, removed.error());
  send_json(call.response, out);
}

}  // namespace lienthong::agent
