// Theme "states": what records are, folded from the updates of the files with their seals and
// statements, and as they are stored.
#include <set>

#include "tests/unit/golden_themes.h"

namespace lienthong::golden {
namespace {

std::string field_text(std::uint16_t field) {
  const FieldInfo* info = find_field(field);
  return info == nullptr ? std::to_string(field) : std::string(info->json);
}

std::vector<std::string> names_of(const std::vector<UpdateId>& ids, const Context& context) {
  std::vector<std::string> out;
  for (const UpdateId& id : ids) out.push_back(context.update_name(id));
  return out;
}

std::string agencies_of(const std::vector<AgencyId>& ids, const Context& context) {
  std::vector<std::string> out;
  for (const AgencyId& id : ids) out.push_back(context.agency(id));
  return list_of(out);
}

void say_custody(const RecordState& state, const Context& context, Item& out) {
  out.say("holder", context.agency(state.holder)).say("offered", context.agency(state.offered));
  out.say("origin", context.agency(state.origin));
  out.say("lead", context.update_name(id_cast<UpdateId>(state.lead)));
  out.say("rules-needed", std::uint64_t{state.rules_needed});
  for (const LinkEntry& link : state.chain)
    out.say("chain", context.update_name(link.id) + " by " + context.agency(link.by) + " to " +
                         context.agency(link.to) + " tree " + std::to_string(link.tree_version) +
                         (link.urgent ? " urgent" : ""));
  for (const ForkEntry& fork : state.forks)
    out.say("fork",
            context.update_name(fork.link) + ": " + list_of(names_of(fork.branches, context)) +
                "; stands " + context.update_name(fork.stands) + " by line " +
                std::to_string(static_cast<unsigned>(fork.line)) + ' ' + to_string(fork.line) +
                ", decision " + context.update_name(fork.decision) + ", notary " +
                context.agency(fork.notary) + (fork.bound ? ", bound" : ", not bound"));
  for (const InertEntry& entry : state.inert)
    out.say("inert", context.update_name(entry.id) + ' ' +
                         std::to_string(static_cast<unsigned>(entry.reason)) + ' ' +
                         to_string(entry.reason));
  out.say("set-aside", list_of(names_of(state.set_aside, context)));
  out.say("adopted", list_of(names_of(state.adopted, context)));
  for (const Invitation& one : state.invitations)
    out.say("invitation", context.update_name(one.id) + " of " + context.agency(one.target));
}

void say_fields(const RecordState& state, const Context& context, Item& out) {
  for (const auto* fields : {&state.open_fields, &state.closed_fields})
    for (const auto& [field, shown] : *fields)
      out.say("field", field_text(field) + " by " + list_of(names_of(shown.writes, context)));
}

}  // namespace

void make_states(const World& world, std::vector<Item>& out) {
  const std::size_t all = world.deployment.statements().size();
  std::set<UpdateId> before;
  for (std::size_t i = 0; i < world.updates_before; ++i) before.insert(world.updates[i].id);
  for (const Paper& paper : world.records) {
    for (const std::size_t statements : {world.statements_before, all}) {
      std::vector<UpdateId> ids;
      for (const UpdateId& id : paper.updates)
        if (statements == all || before.contains(id)) ids.push_back(id);
      if (ids.empty()) continue;
      Item& item = out.emplace_back();
      item.name = paper.name + (statements == all ? ".after" : ".before");
      item.give_number("statements", statements).give_number("seals", world.seals.size());
      item.give("updates", joined(ids));
    }
  }
}

Item read_state(const Item& item, const Context& context) {
  Item out;
  out.name = item.name;
  const std::size_t statements = item.number("statements"), seals = item.number("seals");
  const auto ids = ids_of(item["updates"]);
  const auto registry = context.registry(statements);
  std::vector<GraphUpdate> graph;
  for (const UpdateId& id : ids) graph.push_back(context.judged(id, statements, seals));
  const RecordState state = fold(graph, *registry);
  out.give_number("statements", statements).give_number("seals", seals);
  out.give("updates", joined(ids));
  // As it is stored: what was recorded is read, and is what the fold gives.
  const Bytes stored = encode_state(state);
  const RecordState read = need(decode_state(item.has("state") ? item["state"] : stored), item);
  if (read != state) throw std::runtime_error(item.name + ": the state stored is not the fold's");
  out.give("state", encode_state(read));
  out.say("digest", state_digest(context.root(), state));
  say_custody(state, context, out);
  say_fields(state, context, out);
  out.say("heads", list_of(names_of(state.heads, context)));
  out.say("timeline", list_of(names_of(state.timeline, context)));
  out.say("latest", time_text(state.latest.millis()));
  out.say("participants", agencies_of(state.participants, context));
  out.say("audience", agencies_of(audience(state, *registry), context));
  out.say("erased-by", context.update_name(state.erased_by));
  return out;
}

}  // namespace lienthong::golden
