#include "agent/json/evidence.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "protocol/record/codec.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

template <class Tag>
json hex_or_null(const Id<Tag>& id) {
  return id.is_zero() ? json() : json(id.hex());
}

template <class IdType>
json hex_list(const std::vector<IdType>& ids) {
  json list = json::array();
  for (const IdType& id : ids) list.push_back(id.hex());
  return list;
}

json field_write_json(const FieldWrite& write) {
  json out = {{"field", write.field}};
  if (const auto* text = std::get_if<std::string>(&write.value))
    out["text"] = *text;
  else if (const auto* integer = std::get_if<std::int64_t>(&write.value))
    out["integer"] = *integer;
  else if (const auto* data = std::get_if<Bytes>(&write.value))
    out["data"] = to_hex(*data);
  return out;
}

json field_writes_json(const std::vector<FieldWrite>& writes) {
  json list = json::array();
  for (const FieldWrite& write : writes) list.push_back(field_write_json(write));
  return list;
}

json seals_json(const ProvedUpdate& update) {
  json list = json::array();
  for (std::size_t i = 0; i < update.seals.size(); ++i) {
    const HeldSeal& held = update.seals[i];
    list.push_back({{"id", held.id.hex()},
                    {"certificate", held.seal.certificate.hex()},
                    {"incarnation", held.seal.incarnation},
                    {"number", held.seal.number},
                    {"leaf", update.leaves[i]}});
  }
  return list;
}

// Code and name as its declaration says.
json declared_json(const AgencyId& agency, const Registry& registry) {
  const Statement* statement = registry.find_statement(id_cast<StatementId>(agency));
  const auto body = wire::decode_statement(statement->body).value();
  const auto& declared = std::get<AgencyDeclaration>(body);
  return {{"id", agency.hex()}, {"code", declared.code}, {"name", declared.name}};
}

json right_of(const ProvedRecord& proved, const UpdateId& id) {
  if (!proved.plain) return {};
  const auto inert = std::ranges::find(proved.state.inert, id, &InertEntry::id);
  return inert == proved.state.inert.end() ? json("held") : json(to_string(inert->reason));
}

json update_json(const ProvedRecord& proved, const ProvedUpdate& update) {
  const Envelope& envelope = update.graph.envelope;
  const OpenBody& open = update.graph.open;
  json out = {{"id", update.graph.id.hex()},
              {"kind", static_cast<unsigned>(open.kind)},
              {"agency", update.graph.agency.hex()},
              {"node", update.graph.node.hex()},
              {"certificate", envelope.certificate.hex()},
              {"issued", hex_list(update.issued)},
              {"seals", seals_json(update)},
              {"parents", hex_list(envelope.deps)},
              {"link", envelope.link ? json(envelope.link->hex()) : json()},
              {"tree_version", envelope.tree_version},
              {"rules_version", envelope.rules_version},
              {"clock", envelope.hlc.value},
              {"at", open.at},
              {"action", open.action},
              {"target", hex_or_null(open.target)},
              {"decision", open.decision},
              {"references", hex_list(open.references)},
              {"writes", field_writes_json(open.writes)},
              {"right", right_of(proved, update.graph.id)},
              {"closed", update.shown    ? "shown"
                         : update.closed ? "withheld"
                                         : "none"}};
  if (update.shown) {
    out["shown"] = {{"officer", update.shown->officer},
                    {"note", update.shown->note},
                    {"action", update.shown->action},
                    {"writes", field_writes_json(update.shown->writes)}};
    if (!update.shown->account.empty()) out["shown"]["account"] = update.shown->account;
  }
  return out;
}

}  // namespace

json evidence_json(const ProvedRecord& proved) {
  json updates = json::array();
  std::vector<AgencyId> agencies;
  for (const ProvedUpdate& update : proved.updates) {
    updates.push_back(update_json(proved, update));
    agencies.push_back(update.graph.agency);
    if (!update.graph.open.target.is_zero()) agencies.push_back(update.graph.open.target);
  }
  std::ranges::sort(agencies);
  agencies.erase(std::unique(agencies.begin(), agencies.end()), agencies.end());
  json named = json::array();
  for (const AgencyId& agency : agencies) named.push_back(declared_json(agency, *proved.registry));
  json out = {{"evidence", 1},
              {"root", proved.registry->root().hex()},
              {"record", proved.record.hex()},
              {"statements", proved.registry->size()},
              {"plain", proved.plain},
              {"updates", std::move(updates)},
              {"agencies", std::move(named)}};
  if (!proved.plain) {
    for (const char* unknown : {"chain", "holder", "offered"}) out[unknown] = nullptr;
    return out;
  }
  json chain = json::array();
  for (const LinkEntry& link : proved.state.chain) chain.push_back(link.id.hex());
  out["chain"] = std::move(chain);
  out["holder"] = hex_or_null(proved.state.holder);
  out["offered"] = hex_or_null(proved.state.offered);
  return out;
}

json full_rules_json(const ProvedRecord& proved) {
  const RecordState& state = proved.state;
  json chain = json::array();
  for (const LinkEntry& link : state.chain) chain.push_back(link.id.hex());
  json inert = json::array();
  for (const InertEntry& entry : state.inert)
    inert.push_back({{"id", entry.id.hex()}, {"reason", to_string(entry.reason)}});
  json forks = json::array();
  for (const ForkEntry& fork : state.forks)
    forks.push_back({{"link", fork.link.hex()},
                     {"branches", hex_list(fork.branches)},
                     {"stands", fork.stands.hex()}});
  json out = {{"holder", hex_or_null(state.holder)},
              {"offered", hex_or_null(state.offered)},
              {"chain", std::move(chain)},
              {"inert", std::move(inert)},
              {"set_aside", hex_list(state.set_aside)},
              {"forks", std::move(forks)},
              {"erased_by", hex_or_null(state.erased_by)}};
  if (state.needs_newer_rules()) out["needs_rules_version"] = state.rules_needed;
  return out;
}

}  // namespace lienthong::agent
