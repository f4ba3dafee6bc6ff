// Changes of the agency tree over the local API: what they would do, and the statements that the
// root is to sign for them.
#include "store/trust/tree.h"

#include "agent/api/routes.h"
#include "agent/json/fields.h"
#include "protocol/record/codec.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

constexpr std::size_t kChangesMax = 4096;
constexpr std::size_t kNoteBytesMax = 1024;

Result<AgencyId> read_agency_named(const json& object, const char* name, const Registry& registry) {
  LT_TRY(const std::string text, object_text(object, name, true));
  LT_TRY(const AgencyInfo* info, registry.agency_named(text));
  return info->id;
}

Result<std::vector<AgencyId>> read_agencies(const json& object, const char* name,
                                            const Registry& registry) {
  const auto list = object.find(name);
  if (list == object.end() || !list->is_array() || list->empty())
    return Error(Errc::kInvalidArgument, std::string(name) + ": must be a list of agencies");
  std::vector<AgencyId> out;
  for (const json& one : *list) {
    if (!one.is_string())
      return Error(Errc::kInvalidArgument, std::string(name) + ": must be a list of agencies");
    LT_TRY(const AgencyInfo* info, registry.agency_named(one.get<std::string>()));
    out.push_back(info->id);
  }
  return out;
}

Result<void> check_names(const json& object, std::string_view names) {
  for (const auto& [name, value] : object.items())
    if (names.find(" " + name + " ") == std::string_view::npos)
      return Error(Errc::kInvalidArgument, "unknown field \"" + name + "\"; there are" +
                                               std::string(names.substr(0, names.size() - 1)));
  return {};
}

// One line of what is to be changed; a merger is several.
Result<void> read_change(const json& object, const Registry& registry,
                         std::vector<AgencyChange>& out) {
  if (!object.is_object()) return Error(Errc::kInvalidArgument, "a change must be an object");
  LT_TRY(const std::string op, object_text(object, "op", true));
  if (op == "rename") {
    LT_TRY_VOID(check_names(object, " op agency code name "));
    Rename rename;
    LT_TRY(const AgencyId agency, read_agency_named(object, "agency", registry));
    LT_TRY(rename.code, object_text(object, "code", false));
    LT_TRY(rename.name, object_text(object, "name", false));
    out.push_back({agency, std::move(rename)});
  } else if (op == "move") {
    LT_TRY_VOID(check_names(object, " op agency under "));
    LT_TRY(const AgencyId agency, read_agency_named(object, "agency", registry));
    LT_TRY(const AgencyId under, read_agency_named(object, "under", registry));
    out.push_back({agency, Reparent{under}});
  } else if (op == "merge") {
    LT_TRY_VOID(check_names(object, " op agencies into "));
    LT_TRY(const auto agencies, read_agencies(object, "agencies", registry));
    LT_TRY(const AgencyId into, read_agency_named(object, "into", registry));
    for (const AgencyId& agency : agencies)
      if (agency != into) out.push_back({agency, Dissolve{{into}}});
  } else if (op == "split") {
    LT_TRY_VOID(check_names(object, " op agency into "));
    LT_TRY(const AgencyId agency, read_agency_named(object, "agency", registry));
    LT_TRY(auto into, read_agencies(object, "into", registry));
    if (into.size() < 2)
      return Error(Errc::kInvalidArgument, "into: an agency is split into two or more");
    out.push_back({agency, Dissolve{std::move(into)}});
  } else if (op == "dissolve") {
    LT_TRY_VOID(check_names(object, " op agency successor "));
    LT_TRY(const AgencyId agency, read_agency_named(object, "agency", registry));
    Dissolve dissolve;
    if (object.contains("successor")) {
      LT_TRY(const AgencyId successor, read_agency_named(object, "successor", registry));
      dissolve.successors.push_back(successor);
    }
    out.push_back({agency, std::move(dissolve)});
  } else {
    return Error(Errc::kInvalidArgument, "op: rename, move, merge, split or dissolve");
  }
  return {};
}

// An error with the number of the change that it is about.
Result<std::vector<AgencyChange>> read_changes(const json& object, const Registry& registry,
                                               std::string& place) {
  const auto list = object.find("changes");
  if (list == object.end() || !list->is_array() || list->size() > kChangesMax)
    return Error(Errc::kInvalidArgument, "changes: must be a list of at most 4,096");
  std::vector<AgencyChange> out;
  for (std::size_t i = 0; i < list->size(); ++i) {
    place = "changes/" + std::to_string(i + 1);
    LT_TRY_VOID(read_change((*list)[i], registry, out));
  }
  place.clear();
  return out;
}

json dissolved_json(const store::Dissolved& one, const Registry& registry) {
  json successors = json::array();
  for (const AgencyId& successor : one.successors)
    successors.push_back(agency_code(successor, registry));
  const AgencyInfo* info = registry.find_agency(one.agency);
  return {{"agency", agency_code(one.agency, registry)},
          {"name", info == nullptr ? json(nullptr) : json(info->name)},
          {"named", one.named},
          {"heir", agency_json(one.heir, registry)},
          {"successors", std::move(successors)},
          {"machines", one.machines},
          {"turns", one.turns}};
}

json tree_plan_json(const store::TreePlan& plan, const Registry& registry) {
  json dissolved = json::array(), closed = json::array(), undecided = json::array();
  for (const store::Dissolved& one : plan.outlook.dissolved)
    dissolved.push_back(dissolved_json(one, registry));
  for (const AgencyId& agency : plan.outlook.closed)
    closed.push_back(agency_code(agency, registry));
  for (const RecordId& record : plan.undecided) undecided.push_back(record.hex());
  json statements = json::array();
  for (const StatementBody& body : plan.said) statements.push_back(to_hex(wire::encode(body)));
  return {{"version", plan.outlook.change.number},
          {"changes", plan.outlook.change.changes.size()},
          {"dissolved", std::move(dissolved)},
          {"closed", std::move(closed)},
          {"records", plan.records},
          {"turns_passing", plan.turns_passing},
          {"turns_undecided", plan.turns_undecided},
          {"offers_open", plan.offers_open},
          {"undecided", std::move(undecided)},
          {"statements", std::move(statements)}};
}

}  // namespace

// Nothing is written here: what it would say is for the root to sign.
void post_tree(ApiCall& call) {
  const auto object = read_object(call.body, " changes note ");
  if (!object.ok()) return send_error(call.response, object.error());
  const auto note = object_text(*object, "note", false);
  if (!note.ok()) return send_error(call.response, note.error());
  if (note->size() > kNoteBytesMax)
    return send_error(call.response, Error(Errc::kInvalidArgument, "note: at most 1,024 bytes"),
                      "note");
  const auto registry = call.api.replica().registry();
  std::string place;
  auto changes = read_changes(*object, *registry, place);
  if (!changes.ok()) return send_error(call.response, changes.error(), place);
  const auto plan = store::plan_tree(call.api.replica(), *std::move(changes), *note, call.api.now(),
                                     [&call] { return call.api.stopping.load(); });
  if (!plan.ok()) return send_error(call.response, plan.error());
  send_json(call.response, tree_plan_json(*plan, *registry));
}

}  // namespace lienthong::agent
