#include "store/trust/machines.h"

#include <algorithm>
#include <map>

#include "protocol/record/closings.h"
#include "protocol/record/codec.h"
#include "store/replica/local_names.h"
#include "store/replica/raw.h"
#include "store/replica/reads.h"
#include "store/replica/seal_ends.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kNameDigitsMin = 4;

// Every certificate that is here, believed or not, in the order in which they came.
template <class Visit>
void for_each_certificate(const Registry& registry, const Visit& visit) {
  for (const StatementId& id : registry.statements()) {
    const auto certificate = id_cast<CertificateId>(id);
    if (const Certificate* body = registry.find_certificate(certificate)) visit(certificate, *body);
  }
}

MachineTrust trust_of(const Registry& registry, const CertificateId& id) {
  switch (registry.certificate_belief(id)) {
    case Belief::kBelieved: break;
    case Belief::kNoRight: return MachineTrust::kNoRight;
    case Belief::kUnknown:
    case Belief::kCutOff: return MachineTrust::kFallen;
  }
  if (!registry.may_connect(id)) return MachineTrust::kRevoked;
  return registry.closings_of(id).empty() ? MachineTrust::kTrusted : MachineTrust::kClosed;
}

bool better(const Registry& registry, const CertificateId& a, const CertificateId& b) {
  const bool first = registry.certificate_belief(a) == Belief::kBelieved;
  const bool second = registry.certificate_belief(b) == Belief::kBelieved;
  if (first != second) return first;
  return registry.find_certificate(a)->issued_at > registry.find_certificate(b)->issued_at;
}

}  // namespace

std::string_view to_string(MachineTrust trust) {
  switch (trust) {
    case MachineTrust::kClosed: return "closed";
    case MachineTrust::kRevoked: return "revoked";
    case MachineTrust::kFallen: return "fallen";
    case MachineTrust::kNoRight: return "no-right";
    case MachineTrust::kTrusted: break;
  }
  return "trusted";
}

std::optional<NodeId> desk_of(const Registry& registry, const AgencyId& agency) {
  const auto certificates = registry.certificates_of(agency);
  const auto first =
      std::ranges::find_if(certificates.rbegin(), certificates.rend(),
                           [&](const CertificateId& id) { return registry.may_connect(id); });
  if (first == certificates.rend()) return std::nullopt;
  return registry.find_certificate(*first)->node;
}

std::vector<Machine> machines(const Replica& replica, std::optional<AgencyId> agency, bool fallen) {
  const auto registry = replica.registry();
  std::map<std::pair<AgencyId, NodeId>, CertificateId> best;
  for_each_certificate(*registry, [&](const CertificateId& id, const Certificate& body) {
    if (agency && body.agency != *agency) return;
    const auto [at, fresh] = best.emplace(std::pair(body.agency, body.node), id);
    if (!fresh && better(*registry, id, at->second)) at->second = id;
  });
  std::vector<Machine> out;
  for (const auto& [who, id] : best) {
    const Certificate& body = *registry->find_certificate(id);
    Machine machine{body.node, body.agency, id, trust_of(*registry, id)};
    if (!fallen &&
        (machine.trust == MachineTrust::kFallen || machine.trust == MachineTrust::kNoRight))
      continue;
    machine.may_issue = body.may_issue;
    machine.desk = desk_of(*registry, body.agency) == body.node;
    machine.ours = body.node == replica.identity().node;
    machine.thousand = body.thousand;
    machine.issued_at = body.issued_at;
    machine.renew_by = body.renew_by;
    out.push_back(machine);
  }
  const auto code = [&](const Machine& machine) {
    const AgencyInfo* info = registry->find_agency(machine.agency);
    return info == nullptr ? std::string() : info->code;
  };
  std::ranges::stable_sort(out, {}, [&](const Machine& machine) {
    return std::tuple(code(machine), machine.agency, machine.issued_at, machine.node);
  });
  return out;
}

std::vector<Machine> unacknowledged(const Replica& replica) {
  std::vector<Machine> out;
  for (const Machine& machine : machines(replica, replica.identity().agency, false))
    if (!machine.ours && machine.trust != MachineTrust::kRevoked &&
        !replica.local_value(std::string(local::kMachineKnown) + machine.node.hex()))
      out.push_back(machine);
  return out;
}

Result<void> acknowledge(Transaction& transaction, const NodeId& node) {
  const Identity& us = transaction.identity();
  if (node == us.node || !transaction.registry().certificate_of(node, us.agency))
    return Error(Errc::kNotFound, "no other machine of this office has that id");
  transaction.set_local_value(std::string(local::kMachineKnown) + node.hex(), Bytes{1});
  return {};
}

Result<NodeId> machine_named(const Registry& registry, std::string_view name) {
  std::string digits(name);
  std::ranges::transform(digits, digits.begin(), [](char c) {
    return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (digits.size() < kNameDigitsMin || !std::ranges::all_of(digits, is_digit))
    return Error(Errc::kInvalidArgument,
                 "a machine is named by the first hexadecimal digits of its id, at least 4: see "
                 "lienthong node list");
  std::optional<NodeId> found;
  bool several = false;
  for_each_certificate(registry, [&](const CertificateId&, const Certificate& body) {
    if (!body.node.hex().starts_with(digits)) return;
    several = several || (found && *found != body.node);
    found = body.node;
  });
  if (several)
    return Error(Errc::kConflict,
                 "several machines have ids that begin with " + digits + ": give more digits");
  if (!found) return Error(Errc::kNotFound, "no machine has an id that begins with " + digits);
  return *found;
}

namespace {

// When the updates under a seal came here; 0: it is of no update.
UnixMillis came_at(const Database& database, const NodeSeal& seal) {
  if (seal.statement) return 0;
  const auto evidence = read_evidence(database, seal.row);
  for (std::uint16_t i = 0; evidence && i < evidence->seal().count; ++i) {
    const auto leaf = evidence->leaf(i);
    const auto number = leaf ? update_number(database, id_cast<UpdateId>(*leaf)) : std::nullopt;
    const auto row = number ? database.get(key::update(*number)) : std::nullopt;
    if (row) return decode_update_row(*row).received_at;
  }
  return 0;
}

// Statements have no time of their own: they came before the next seal that has one, and where
// there is none they may have come just now.
std::vector<NodeSeal> came_until(const Database& database, std::vector<NodeSeal> seals,
                                 UnixMillis until) {
  std::ranges::sort(seals, {}, [](const NodeSeal& seal) {
    return std::tuple(seal.incarnation, seal.number, seal.row);
  });
  std::vector<NodeSeal> out;
  std::optional<UnixMillis> next;
  for (auto at = seals.rbegin(); at != seals.rend(); ++at) {
    if (at != seals.rbegin() && std::prev(at)->incarnation != at->incarnation) next.reset();
    if (const UnixMillis own = came_at(database, *at); own != 0) next = own;
    if (next && *next <= until) out.push_back(*at);
  }
  std::ranges::reverse(out);
  return out;
}

}  // namespace

std::vector<MachineLife> lives_of_machine(const Replica& replica, const NodeId& node) {
  const RawReplica raw(replica);
  const Database& database = raw.database();
  const auto registry = replica.registry();
  const auto certificate = registry->certificate_of(node);
  struct Found {
    MachineLife life;
    std::uint32_t first_row = 0;
    const NodeSeal* first = nullptr;
    const NodeSeal* last = nullptr;
  };
  std::map<std::uint64_t, Found> found;
  const std::vector<NodeSeal> seals = read_node_seals(database, node);
  for (const NodeSeal& seal : seals) {
    const auto [at, fresh] = found.emplace(seal.incarnation, Found{});
    Found& of = at->second;
    if (fresh) of.first_row = seal.row;
    of.life.incarnation = seal.incarnation;
    of.life.last = seal.number;
    of.first_row = std::min(of.first_row, seal.row);
    if (seal.statement) continue;
    if (of.first == nullptr) of.first = &seal;
    of.last = &seal;
  }
  std::vector<Found> sorted;
  for (auto& [incarnation, of] : found) sorted.push_back(of);
  std::ranges::sort(sorted, {}, &Found::first_row);
  std::vector<MachineLife> out;
  for (Found& of : sorted) {
    if (of.first != nullptr) of.life.from = came_at(database, *of.first);
    if (of.last != nullptr) of.life.to = came_at(database, *of.last);
    if (certificate)
      for (const auto& word : registry->counting(*certificate, 0, of.life.incarnation)) {
        const std::uint32_t within = word.cut ? word.cut->number : 0;
        of.life.within = std::min(of.life.within.value_or(within), within);
      }
    out.push_back(of.life);
  }
  return out;
}

// ---- revocation ----

namespace {

bool is_about(const Revocation& said, const NodeId& node, TreeVersion version) {
  return said.node == node && version == 0;
}
bool is_about(const Closing& said, const NodeId& node, TreeVersion version) {
  return said.node == node && said.version == version;
}

// The revocations of that node, or the closings of it for a version, that no other follows: what a
// new one is said after.
template <class Word>
std::vector<StatementId> last_words(const Registry& registry, const NodeId& node,
                                    TreeVersion version = 0) {
  std::vector<StatementId> out;
  for (const StatementId& id : registry.statements()) {
    const auto body = wire::decode_statement(registry.find_statement(id)->body);
    const auto* said = body.ok() ? std::get_if<Word>(&*body) : nullptr;
    if (said == nullptr || !is_about(*said, node, version)) continue;
    std::erase_if(out, [&](const StatementId& before) {
      return std::ranges::find(said->after, before) != said->after.end();
    });
    out.push_back(id);
  }
  std::ranges::sort(out);
  return out;
}

Result<std::vector<Cut>> listed_cuts(const std::vector<NodeSeal>& held,
                                     const RevocationRequest& request) {
  std::vector<Cut> out;
  for (const auto& [incarnation, number] : request.ends) {
    if (number == 0)
      return Error(Errc::kInvalidArgument, "seals are numbered from 1 in each incarnation");
    if (std::ranges::find(out, incarnation, &Cut::incarnation) != out.end())
      return Error(Errc::kInvalidArgument, "an incarnation is named twice");
    // Up to there what is held is bound, as ever; beyond what is held any seal is meant.
    std::vector<NodeSeal> within;
    for (const NodeSeal& seal : held)
      if (seal.incarnation == incarnation && seal.number <= number) within.push_back(seal);
    auto cuts = cuts_within(std::move(within));
    if (cuts.empty() || cuts.front().number < number) cuts = {Cut{incarnation, number, {}}};
    out.push_back(std::move(cuts.front()));
  }
  std::ranges::sort(out, {}, &Cut::incarnation);
  return out;
}

Result<std::vector<Cut>> cuts_asked(const Replica& replica, const RevocationRequest& request) {
  if (request.keep == RevocationRequest::Keep::kNothing) return std::vector<Cut>();
  const RawReplica raw(replica);
  std::vector<NodeSeal> held = read_node_seals(raw.database(), request.node);
  if (request.keep == RevocationRequest::Keep::kListed) return listed_cuts(held, request);
  if (request.keep == RevocationRequest::Keep::kUntil)
    held = came_until(raw.database(), std::move(held), request.until);
  return cuts_within(std::move(held));
}

// The latest certificate of it, believed or not.
std::optional<CertificateId> latest_certificate(const Registry& registry, const NodeId& node) {
  std::optional<CertificateId> out;
  for_each_certificate(registry, [&](const CertificateId& id, const Certificate& body) {
    if (body.node == node && (!out || better(registry, id, *out))) out = id;
  });
  return out;
}

Result<RevocationPlan> plan(const Replica& replica, const RevocationRequest& request,
                            UnixMillis now) {
  const auto registry = replica.registry();
  if (request.reason.size() > kReasonBytesMax)
    return Error(Errc::kInvalidArgument, "the reason is too long: at most 1,024 bytes");
  const auto certificate = latest_certificate(*registry, request.node);
  if (!certificate)
    return Error(Errc::kNotFound,
                 "no machine has an id that begins with " + request.node.short_hex());
  RevocationPlan out;
  out.node = request.node;
  out.agency = registry->find_certificate(*certificate)->agency;
  LT_TRY(out.cuts, cuts_asked(replica, request));
  Revocation whole;
  whole.node = request.node;
  whole.cuts = out.cuts;
  whole.reason = request.reason;
  whole.decided_at = now;
  whole.after = last_words<Revocation>(*registry, request.node);
  whole.tree_version = registry->newest();
  out.again = !whole.after.empty();
  for (Revocation& part : in_statements(std::move(whole))) out.said.emplace_back(std::move(part));
  return out;
}

Result<void> check_ours_below(const Replica& replica, const RevocationPlan& plan) {
  if (plan.node == replica.identity().node)
    return Error(Errc::kInvalidArgument,
                 "a machine does not revoke itself: the office above it does");
  const auto registry = replica.registry();
  if (registry->may_issue_for(replica.identity().certificate, plan.agency, registry->newest()))
    return {};
  const AgencyInfo* info = registry->find_agency(plan.agency);
  return Error(Errc::kNotAllowed,
               "machines of " + (info == nullptr ? plan.agency.short_hex() : info->code) +
                   " are revoked at an office above it by a machine that may issue, those of a "
                   "topmost office by the root");
}

// What other machines would be worth.
Result<void> look_ahead(const Replica& replica, RevocationPlan& plan) {
  const auto before = replica.registry();
  LT_TRY(plan.after, registry_after(replica, plan.said));
  const auto others = [&](std::vector<CertificateId> ids) {
    std::erase_if(ids, [&](const CertificateId& id) {
      return before->find_certificate(id)->node == plan.node;
    });
    return ids;
  };
  plan.certificates_fallen = others(before->newly_believed(*plan.after));
  plan.certificates_risen = others(plan.after->newly_believed(*before));
  return {};
}

}  // namespace

Result<RevocationPlan> plan_revocation(const Replica& replica, const RevocationRequest& request,
                                       UnixMillis now) {
  LT_TRY(RevocationPlan out, plan(replica, request, now));
  LT_TRY_VOID(check_ours_below(replica, out));
  LT_TRY_VOID(look_ahead(replica, out));
  return out;
}

Result<RevocationPlan> plan_revocation_by_root(const Replica& replica,
                                               const RevocationRequest& request, UnixMillis now) {
  LT_TRY(RevocationPlan out, plan(replica, request, now));
  const auto registry = replica.registry();
  if (registry->parent(out.agency, registry->newest())) {
    const AgencyInfo* info = registry->find_agency(out.agency);
    return Error(Errc::kNotAllowed,
                 "the root revokes machines of topmost offices alone; those of " +
                     (info == nullptr ? out.agency.short_hex() : info->code) +
                     " are revoked at an office above it");
  }
  return out;
}

Result<RevocationPlan> plan_closing(const Replica& replica, const RevocationRequest& request,
                                    UnixMillis now) {
  const auto registry = replica.registry();
  const auto certificate = latest_certificate(*registry, request.node);
  const auto versions =
      certificate ? registry->closings_of(*certificate) : std::vector<TreeVersion>();
  if (versions.empty())
    return Error(Errc::kNotFound,
                 "no version of the tree closes machine " + request.node.short_hex());
  RevocationPlan out;
  out.node = request.node;
  out.agency = registry->find_certificate(*certificate)->agency;
  out.again = true;
  LT_TRY_VOID(check_ours_below(replica, out));
  LT_TRY(out.cuts, cuts_asked(replica, request));
  for (const TreeVersion version : versions) {
    Closing whole;
    whole.node = request.node;
    whole.version = version;
    whole.cuts = out.cuts;
    whole.decided_at = now;
    whole.after = last_words<Closing>(*registry, request.node, version);
    whole.tree_version = registry->newest();
    for (Closing& part : in_statements(std::move(whole))) out.said.emplace_back(std::move(part));
  }
  LT_TRY_VOID(look_ahead(replica, out));
  return out;
}

Result<void> carry_out(Transaction& transaction, const RevocationPlan& plan) {
  for (const StatementBody& body : plan.said) {
    const auto stated = transaction.state(body);
    if (!stated.ok()) return stated.error();
  }
  return {};
}

}  // namespace lienthong::store
