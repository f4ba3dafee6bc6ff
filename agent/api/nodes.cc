// The machines of agencies over the local API: who there is, and taking trust back.
#include <charconv>

#include "agent/api/routes.h"
#include "agent/json/fields.h"
#include "agent/json/status.h"
#include "protocol/record/codec.h"
#include "store/trust/machines.h"
#include "store/trust/restored.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

constexpr std::size_t kRecordsListed = 1000;  // records told one by one; all are counted

json machine_json(const store::Machine& machine, const Registry& registry) {
  const AgencyInfo* info = registry.find_agency(machine.agency);
  return {{"id", machine.node.hex()},
          {"agency", agency_json(machine.agency, registry)},
          {"name", info == nullptr ? json(nullptr) : json(info->name)},
          {"state", store::to_string(machine.trust)},
          {"desk", machine.desk},
          {"ours", machine.ours},
          {"may_issue", machine.may_issue},
          {"thousand", machine.thousand},
          {"certificate", machine.certificate.hex()},
          {"issued_at", time_json(machine.issued_at)},
          {"renew_by", time_json(machine.renew_by)}};
}

json life_json(const store::MachineLife& life) {
  return {{"incarnation", std::to_string(life.incarnation)},
          {"last_seal", life.last},
          {"from", time_json(life.from)},
          {"to", time_json(life.to)},
          {"counts_to", life.within ? json(*life.within) : json(nullptr)}};
}

// ---- what a revocation would do ----

json fallen_links_json(const std::vector<LinkEntry>& links, const Registry& registry) {
  json out = json::array();
  for (const LinkEntry& link : links)
    out.push_back({{"id", link.id.hex()},
                   {"link", to_string(link.kind)},
                   {"by", agency_json(link.by, registry)},
                   {"to", agency_json(link.to, registry)}});
  return out;
}

// Totals, and the first records one by one.
class ConsequencesTold {
 public:
  explicit ConsequencesTold(const Registry& registry) : registry_(registry) {}

  void add(const store::Consequence& one) {
    ++records_;
    fallen_ += one.updates_fallen;
    risen_ += one.updates_risen;
    links_fallen_ += one.links_fallen.size();
    links_risen_ += one.links_risen.size();
    ends_ += one.ends() ? 1 : 0;
    begins_ += one.begins() ? 1 : 0;
    if (list_.size() >= kRecordsListed) return;
    list_.push_back({{"record", one.record.hex()},
                     {"code", one.code.empty() ? json(nullptr) : json(one.code)},
                     {"holder", agency_json(one.holder_before, registry_)},
                     {"holder_after", agency_json(one.holder_after, registry_)},
                     {"offered_to", agency_json(one.offered_before, registry_)},
                     {"offered_to_after", agency_json(one.offered_after, registry_)},
                     {"ends", one.ends()},
                     {"begins", one.begins()},
                     {"links_fallen", fallen_links_json(one.links_fallen, registry_)},
                     {"links_risen", fallen_links_json(one.links_risen, registry_)},
                     {"updates_fallen", one.updates_fallen},
                     {"updates_risen", one.updates_risen}});
  }
  void put(json& out) {
    out["records"] = records_;
    out["records_ended"] = ends_;
    out["records_begun"] = begins_;
    out["links_fallen"] = links_fallen_;
    out["links_risen"] = links_risen_;
    out["updates_fallen"] = fallen_;
    out["updates_risen"] = risen_;
    out["list"] = std::move(list_);
  }

 private:
  const Registry& registry_;
  std::size_t records_ = 0, ends_ = 0, begins_ = 0, links_fallen_ = 0, links_risen_ = 0,
              fallen_ = 0, risen_ = 0;
  json list_ = json::array();
};

json others_json(const std::vector<CertificateId>& ids, const Registry& registry) {
  json out = json::array();
  for (const CertificateId& id : ids) {
    const Certificate* certificate = registry.find_certificate(id);
    out.push_back({{"node", certificate->node.hex()},
                   {"agency", agency_json(certificate->agency, registry)}});
  }
  return out;
}

Result<json> revocation_json(const store::Replica& replica, const store::RevocationPlan& plan) {
  const auto registry = replica.registry();
  json cuts = json::array();
  for (const Cut& cut : plan.cuts)
    cuts.push_back({{"incarnation", std::to_string(cut.incarnation)}, {"number", cut.number}});
  json out = {{"node", plan.node.hex()},
              {"agency", agency_json(plan.agency, *registry)},
              {"again", plan.again},
              {"counts_to", std::move(cuts)},
              {"machines_fallen", others_json(plan.certificates_fallen, *registry)},
              {"machines_risen", others_json(plan.certificates_risen, *registry)}};
  ConsequencesTold totals(*registry);
  LT_TRY_VOID(store::for_each_consequence(replica, plan.after, [&](const auto& one) {
    totals.add(one);
    return true;
  }));
  totals.put(out);
  return out;
}

// ---- what is asked ----

Result<std::pair<std::uint64_t, std::uint32_t>> read_incarnation_end(const json& value) {
  const auto wrong = [] {
    return Error(Errc::kInvalidArgument,
                 "ends: each has an incarnation, as text, and the number of its last seal");
  };
  if (!value.is_object() || value.size() != 2) return wrong();
  const auto incarnation = value.find("incarnation");
  const auto number = value.find("number");
  if (incarnation == value.end() || number == value.end() || !incarnation->is_string() ||
      !number->is_number_unsigned() || number->get<std::uint64_t>() > UINT32_MAX)
    return wrong();
  const auto text = incarnation->get<std::string>();
  std::uint64_t parsed = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (error != std::errc() || rest != text.data() + text.size()) return wrong();
  return std::pair(parsed, number->get<std::uint32_t>());
}

struct RevocationAsked {
  store::RevocationRequest request;
  bool by_root = false;
  bool dry_run = false;
};

Result<RevocationAsked> read_revocation(ApiCall& call) {
  using Keep = store::RevocationRequest::Keep;
  LT_TRY(const json object, read_object(call.body, " keep until ends reason by_root dry_run "));
  RevocationAsked out;
  LT_TRY(out.request.node, store::machine_named(*call.api.replica().registry(), call.parameter(0)));
  LT_TRY(out.dry_run, read_flag(object, "dry_run", false));
  LT_TRY(out.by_root, read_flag(object, "by_root", false));
  LT_TRY(out.request.reason, object_text(object, "reason", false));
  LT_TRY(const std::string keep, object_text(object, "keep", false));
  if (!keep.empty() && keep != "known" && keep != "nothing")
    return Error(Errc::kInvalidArgument, "keep: known or nothing");
  if (keep == "nothing") out.request.keep = Keep::kNothing;
  const auto until = object.find("until");
  const auto ends = object.find("ends");
  if ((keep.empty() ? 0 : 1) + (until == object.end() ? 0 : 1) + (ends == object.end() ? 0 : 1) > 1)
    return Error(Errc::kInvalidArgument, "one of keep, until and ends");
  if (until != object.end()) {
    out.request.keep = Keep::kUntil;
    LT_TRY(out.request.until, read_time(*until));
  }
  if (ends == object.end()) return out;
  if (!ends->is_array()) return Error(Errc::kInvalidArgument, "ends: must be a list");
  out.request.keep = Keep::kListed;
  for (const json& one : *ends) {
    LT_TRY(const auto end, read_incarnation_end(one));
    out.request.ends.push_back(end);
  }
  return out;
}

}  // namespace

void get_nodes(ApiCall& call) {
  const auto agency = query_agency(call, "agency");
  if (!agency.ok()) return send_error(call.response, agency.error(), "agency");
  const store::Replica& replica = call.api.replica();
  const auto registry = replica.registry();
  json list = json::array();
  for (const store::Machine& one :
       store::machines(replica, *agency, query_flag(call.request, "all")))
    list.push_back(machine_json(one, *registry));
  send_json(call.response, list);
}

void get_node(ApiCall& call) {
  const store::Replica& replica = call.api.replica();
  const auto registry = replica.registry();
  const auto node = store::machine_named(*registry, call.parameter(0));
  if (!node.ok()) return send_error(call.response, node.error());
  for (const store::Machine& one : store::machines(replica, std::nullopt, true)) {
    if (one.node != *node) continue;
    json out = machine_json(one, *registry);
    json lives = json::array();
    for (const store::MachineLife& life : store::lives_of_machine(replica, *node))
      lives.push_back(life_json(life));
    out["incarnations"] = std::move(lives);
    return send_json(call.response, out);
  }
}

namespace {

// Nothing is written: what would be said is for the root to sign.
void send_for_root(ApiCall& call, const store::RevocationRequest& request) {
  const store::Replica& replica = call.api.replica();
  const auto plan = store::plan_revocation_by_root(replica, request, call.api.now());
  if (!plan.ok()) return send_error(call.response, plan.error());
  json statements = json::array();
  for (const StatementBody& body : plan->said) statements.push_back(to_hex(wire::encode(body)));
  send_json(call.response, {{"node", plan->node.hex()},
                            {"agency", agency_json(plan->agency, *replica.registry())},
                            {"again", plan->again},
                            {"dry_run", true},
                            {"statements", std::move(statements)}});
}

// What it would do is told in both cases; it is done unless it is a dry run.
using PlanCut = Result<store::RevocationPlan> (*)(const store::Replica&,
                                                  const store::RevocationRequest&, UnixMillis);
void post_cut(ApiCall& call, PlanCut plan_cut) {
  const auto asked = read_revocation(call);
  if (!asked.ok()) return send_error(call.response, asked.error());
  const store::Replica& replica = call.api.replica();
  if (asked->by_root) return send_for_root(call, asked->request);
  const auto plan = plan_cut(replica, asked->request, call.api.now());
  if (!plan.ok()) return send_error(call.response, plan.error());
  auto out = revocation_json(replica, *plan);
  if (!out.ok()) return send_error(call.response, out.error());
  (*out)["dry_run"] = asked->dry_run;
  if (asked->dry_run) return send_json(call.response, *out);
  const auto done = call.api.engine.write(
      [&](store::Transaction& transaction) { return store::carry_out(transaction, *plan); });
  if (!done.ok()) return send_error(call.response, done.error());
  send_json(call.response, *out);
}

}  // namespace

void post_node_acknowledge(ApiCall& call) {
  const auto node = store::machine_named(*call.api.replica().registry(), call.parameter(0));
  if (!node.ok()) return send_error(call.response, node.error());
  const auto done = call.api.engine.write(
      [&](store::Transaction& transaction) { return store::acknowledge(transaction, *node); });
  if (!done.ok()) return send_error(call.response, done.error());
  send_json(call.response, {{"id", node->hex()}});
}

void post_node_revoke(ApiCall& call) { post_cut(call, store::plan_revocation); }
void post_node_closing(ApiCall& call) { post_cut(call, store::plan_closing); }

// An operator's word that what a neighbour may still have is not waited for.
void post_restored_confirm(ApiCall& call) {
  const auto object = read_object(call.body, " dry_run ");
  if (!object.ok()) return send_error(call.response, object.error());
  const auto dry_run = read_flag(*object, "dry_run", false);
  if (!dry_run.ok()) return send_error(call.response, dry_run.error());
  const store::Replica& replica = call.api.replica();
  const auto plan = store::plan_restored(replica, [&call] { return call.api.stopping.load(); });
  const auto registry = replica.registry();
  json waits = json::array();
  for (const NodeId& node : plan.not_heard) {
    const auto certificate = registry->certificate_of(node);
    waits.push_back(
        {{"node", node.hex()},
         {"agency", certificate
                        ? agency_json(registry->find_certificate(*certificate)->agency, *registry)
                        : json(nullptr)}});
  }
  json out = {{"restored", plan.restored},
              {"records", plan.records},
              {"turns", plan.turns},
              {"waits_for", std::move(waits)},
              {"dry_run", *dry_run}};
  if (*dry_run) return send_json(call.response, out);
  const auto done = call.api.engine.write(
      [](store::Transaction& transaction) { return store::confirm_restored(transaction); });
  if (!done.ok()) return send_error(call.response, done.error());
  send_json(call.response, out);
}

}  // namespace lienthong::agent
