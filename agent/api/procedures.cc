// Procedures: what is published, which version counts here, and the explanation of a dossier's
// date.
#include "agent/api/routes.h"
#include "agent/json/clock.h"
#include "agent/json/text_check.h"
#include "store/office/catalogue.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

std::vector<store::Published> published(const ApiContext& api, const std::string& code) {
  return store::published(api.replica(), code, api.now(), [&api] { return api.stopping.load(); });
}

json published_json(const store::Published& published, const Registry& registry) {
  json out = procedure_json(published.version, published.state, registry);
  out["counts"] = published.counts;
  out["believed"] = published.believed;
  return out;
}

}  // namespace

void get_procedures(ApiCall& call) {
  const std::string text = search_form(call.request.get_param_value("text"));
  const bool all = query_flag(call.request, "all");
  auto page = query_page(call.request);
  if (!page.ok()) return send_error(call.response, page.error());
  const ApiContext* api = &call.api;
  send_page(call, *std::move(page), [api, text, all](const KeyedSink& put) {
    const auto registry = api->replica().registry();
    std::string code;
    std::uint64_t place = 0;  // among the versions of a code
    for (const store::Published& version : published(*api, "")) {
      place = version.version.code == code ? place + 1 : 0;
      code = version.version.code;
      if ((!all && !version.counts) || !store::has_text(version, text)) continue;
      if (!put(code + '\0' + key_part(place), [&] { return published_json(version, *registry); }))
        return;
    }
  });
}

void get_procedure(ApiCall& call) {
  const std::string code = call.parameter(0);
  const auto registry = call.api.replica().registry();
  json versions = json::array();
  for (const store::Published& version : published(call.api, code))
    versions.push_back(published_json(version, *registry));
  if (versions.empty())
    return send_error(call.response,
                      Error(Errc::kNotFound, "no version of procedure " + code +
                                                 " is on this machine; see procedure list --all"));
  send_json(call.response, {{"code", code}, {"versions", std::move(versions)}});
}

json explanation_json(const ApiContext& api, const RecordState& state) {
  return explanation_json(api, state, store::read_work(api.replica(), state));
}

json explanation_json(const ApiContext& api, const RecordState& state, const store::Work& work) {
  const store::Explanation why = store::explain(work, state, api.now(), api.calendar());
  json out = {{"trace", trace_json(why.deadline.trace)}, {"paused", why.deadline.paused}};
  if (why.step) out["step"] = step_json(*why.step);
  for (const store::DueAppointment& appointment : why.appointments)
    out["appointments"].push_back(
        {{"name", appointment.name},
         {"due_at", appointment.due_at ? json(format_time(*appointment.due_at)) : json(nullptr)}});
  return out;
}

}  // namespace lienthong::agent
