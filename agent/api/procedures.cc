// Procedures: what is published, which version counts here, and the explanation of a dossier's
// date.
#include <algorithm>
#include <map>

#include "agent/api/routes.h"
#include "agent/json/clock.h"
#include "agent/json/text_check.h"
#include "store/office/marks.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;
using store::Procedure;

struct Version {
  Procedure procedure;
  RecordState state;
};

// The versions that bear that code; with "" all, by code, then as they came into force.
std::vector<Version> versions_of(const ApiContext& api, const std::string& code) {
  std::vector<Version> out;
  const auto take = [&out](const store::RecordEntry& entry) {
    if (auto procedure = store::read_procedure(entry.state))
      out.push_back({*std::move(procedure), entry.state});
  };
  if (code.empty()) {
    const auto look = [&](const store::RecordEntry& entry) {
      take(entry);
      return !api.stopping.load();
    };
    store::for_each_marked(api.replica(), {store::Mark::kProcedure}, look);
  } else {
    for (const RecordId& id : api.replica().find_code(code))
      if (const auto entry = api.replica().find_record(id)) take(*entry);
  }
  std::ranges::sort(out, {}, [](const Version& version) {
    const Procedure& procedure = version.procedure;
    return std::tuple(procedure.code, procedure.effective_from.value_or(INT64_MIN),
                      procedure.record);
  });
  return out;
}

// Which of the versions of one code counts for what is received now; zero: none.
RecordId counting(const ApiContext& api, const Registry& registry,
                  std::span<const Version> versions) {
  std::vector<Procedure> procedures;
  for (const Version& version : versions) procedures.push_back(version.procedure);
  const Procedure* best =
      store::choose_version(procedures, api.replica().identity().agency, registry, api.now());
  return best != nullptr ? best->record : RecordId{};
}

std::vector<json> describe(const ApiContext& api, const std::vector<Version>& versions) {
  const auto registry = api.replica().registry();
  std::vector<json> out;
  for (std::size_t first = 0; first < versions.size();) {
    std::size_t end = first + 1;
    while (end < versions.size() && versions[end].procedure.code == versions[first].procedure.code)
      ++end;
    const std::span same(&versions[first], end - first);
    const RecordId counts = counting(api, *registry, same);
    for (const Version& version : same) {
      json line = procedure_json(version.procedure, version.state, *registry);
      line["counts"] = version.procedure.record == counts;
      line["believed"] =
          store::is_believed(version.procedure, api.replica().identity().agency, *registry);
      out.push_back(std::move(line));
    }
    first = end;
  }
  return out;
}

bool passes(const json& line, const std::string& text, bool all) {
  if (!all && !line.value("counts", false)) return false;
  if (text.empty()) return true;
  for (const char* name : {"code", "procedure_name", "field", "decision"})
    if (search_form(line.value(name, "")).find(text) != std::string::npos) return true;
  return false;
}

}  // namespace

void get_procedures(ApiCall& call) {
  const std::string text = search_form(call.request.get_param_value("text"));
  const bool all = query_flag(call.request, "all");
  const ApiContext* api = &call.api;
  send_lines(call, [api, text, all](const LineSink& put) {
    for (const json& line : describe(*api, versions_of(*api, "")))
      if (passes(line, text, all) && !put(line)) return;
  });
}

void get_procedure(ApiCall& call) {
  const std::string code = call.parameter(0);
  auto versions = describe(call.api, versions_of(call.api, code));
  if (versions.empty())
    return send_error(call.response,
                      Error(Errc::kNotFound, "no version of procedure " + code +
                                                 " is on this machine; see procedure list --all"));
  send_json(call.response, {{"code", code}, {"versions", std::move(versions)}});
}

json explanation_json(const ApiContext& api, const RecordState& state) {
  const store::Work work = store::read_work(api.replica(), state);
  const store::Explanation why = store::explain(work, state, api.now(), api.calendar());
  json out = {{"trace", trace_json(why.deadline.trace)}, {"paused", why.deadline.paused}};
  if (why.step) out["step"] = step_json(*why.step);
  return out;
}

}  // namespace lienthong::agent
