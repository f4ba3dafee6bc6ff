// The agency tree, and who may join it: declarations, invitations, certificates.
#include <algorithm>

#include "agent/api/routes.h"
#include "agent/joining/invite.h"
#include "agent/json/fields.h"
#include "agent/json/status.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

constexpr std::size_t kCodeCharsMax = 35;  // QĐ 20/2020/QĐ-TTg, Đ.4
constexpr std::size_t kNameBytesMax = 512;
constexpr std::int64_t kInviteSecondsMax = 90LL * 24 * 3600;
constexpr std::int64_t kInviteSecondsDefault = 24LL * 3600;

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
          {"children", std::move(children)},
          {"successors", std::move(successors)},
          {"nodes", registry.certificates_of(info.id).size()},
          {"dissolved", registry.dissolved(info.id, registry.newest())},
          {"declared_at", time_json(info.declared_at)}};
}

struct Naming {
  std::string code, name, tier;
};

Result<Naming> read_naming(const json& object) {
  Naming out;
  LT_TRY(out.code, object_text(object, "code", true));
  LT_TRY(out.name, object_text(object, "name", true));
  LT_TRY(out.tier, object_text(object, "tier", true));
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '.';
  };
  if (out.code.size() > kCodeCharsMax || !std::ranges::all_of(out.code, plain))
    return Error(Errc::kInvalidArgument,
                 "code: at most 35 capital letters, digits and dots, as H47.12.05");
  if (out.name.size() > kNameBytesMax || out.tier.size() > kNameBytesMax)
    return Error(Errc::kTooLarge,
                 "name and tier have at most " + std::to_string(kNameBytesMax) + " bytes");
  return out;
}

// Entropy is used by one thread at a time.
class LockedEntropy final : public Entropy {
 public:
  explicit LockedEntropy(ApiContext& api) : api_(api) {}
  void fill(std::span<std::uint8_t> out) override {
    const std::lock_guard lock(api_.entropy_mutex);
    api_.config.entropy->fill(out);
  }

 private:
  ApiContext& api_;
};

Result<AgencyId> declare(ApiContext& api, const Naming& naming) {
  LockedEntropy entropy(api);
  const auto nonce = entropy.array<16>();
  AgencyId declared;
  const auto written = api.engine.write([&](store::Transaction& transaction) -> Result<void> {
    const Registry& registry = transaction.registry();
    if (const AgencyInfo* taken = registry.find_agency_by_code(naming.code))
      return Error(Errc::kConflict, "code " + naming.code + " is borne by " + taken->name);
    AgencyDeclaration body;
    body.parent = transaction.identity().agency;
    body.code = naming.code;
    body.name = naming.name;
    body.tier = naming.tier;
    body.declared_at = transaction.now();
    body.nonce = to_bytes(nonce);
    body.tree_version = registry.newest();
    LT_TRY(const StatementId id, transaction.state(body));
    declared = id_cast<AgencyId>(id);
    return {};
  });
  if (!written.ok()) return written.error();
  return declared;
}

Result<InviteRequest> read_invite(const std::string& body) {
  LT_TRY(const json object, read_object(body, " code name tier ttl_seconds may_issue "));
  LT_TRY(const Naming naming, read_naming(object));
  InviteRequest out;
  out.code = naming.code;
  out.name = naming.name;
  out.tier = naming.tier;
  std::int64_t seconds = kInviteSecondsDefault;
  if (const auto ttl = object.find("ttl_seconds"); ttl != object.end()) {
    if (!ttl->is_number_integer())
      return Error(Errc::kInvalidArgument, "ttl_seconds: must be a whole number");
    seconds = ttl->get<std::int64_t>();
  }
  if (seconds < 1 || seconds > kInviteSecondsMax)
    return Error(Errc::kInvalidArgument,
                 "ttl_seconds: must be from 1 to " + std::to_string(kInviteSecondsMax));
  out.ttl = std::chrono::seconds(seconds);
  if (const auto may = object.find("may_issue"); may != object.end()) {
    if (!may->is_boolean())
      return Error(Errc::kInvalidArgument, "may_issue: must be true or false");
    out.may_issue = may->get<bool>();
  }
  return out;
}

// Names left out are those of the agency that already bears the code, so that issuing a second
// machine needs the code alone.
Result<IssueRequest> read_issue(const ApiContext& api, const std::string& body) {
  LT_TRY(const json object, read_object(body, " request code name tier may_issue "));
  IssueRequest out;
  out.addresses = api.links.listen_addresses();
  LT_TRY(out.request, object_text(object, "request", true));
  LT_TRY(out.code, object_text(object, "code", false));
  LT_TRY(out.name, object_text(object, "name", false));
  LT_TRY(out.tier, object_text(object, "tier", false));
  const auto registry = api.replica().registry();
  if (const AgencyInfo* known = registry->find_agency_by_code(out.code)) {
    if (out.name.empty()) out.name = known->name;
    if (out.tier.empty()) out.tier = known->tier;
  }
  if (const auto may = object.find("may_issue"); may != object.end()) {
    if (!may->is_boolean())
      return Error(Errc::kInvalidArgument, "may_issue: must be true or false");
    out.may_issue = may->get<bool>();
  }
  return out;
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
  const AgencyInfo* info = registry->find_agency_by_code(call.parameter(0));
  if (info == nullptr)
    return send_error(call.response,
                      Error(Errc::kNotFound, "no agency bears the code " + call.parameter(0)));
  json out = agency_object(*info, *registry);
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

void post_agency(ApiCall& call) {
  const auto object = read_object(call.body, " code name tier ");
  if (!object.ok()) return send_error(call.response, object.error());
  const auto naming = read_naming(*object);
  if (!naming.ok()) return send_error(call.response, naming.error());
  const auto declared = declare(call.api, *naming);
  if (!declared.ok()) return send_error(call.response, declared.error());
  const auto registry = call.api.replica().registry();
  const AgencyInfo* info = registry->find_agency(*declared);
  if (info == nullptr)
    return send_error(
        call.response,
        Error(Errc::kNotAllowed, "the declaration is not believed; may this node issue?"));
  send_json(call.response, agency_object(*info, *registry));
}

void post_invite(ApiCall& call) {
  const auto request = read_invite(call.body);
  if (!request.ok()) return send_error(call.response, request.error());
  LockedEntropy entropy(call.api);
  const UnixMillis expires_at = call.api.now() + request->ttl.count();
  const auto token = create_invite(call.api.engine, call.api.config.dh_key,
                                   call.api.links.listen_addresses(), *request, entropy);
  if (!token.ok()) return send_error(call.response, token.error());
  send_json(call.response, {{"token", *token}, {"expires_at", time_json(expires_at)}});
}

void post_certificate(ApiCall& call) {
  const auto request = read_issue(call.api, call.body);
  if (!request.ok()) return send_error(call.response, request.error());
  LockedEntropy entropy(call.api);
  const auto certificate = issue_certificate(call.api.engine, *request, entropy);
  if (!certificate.ok()) return send_error(call.response, certificate.error());
  send_json(call.response, {{"certificate", *certificate}});
}

}  // namespace lienthong::agent
