// Bundles over the local API: feeds to a file and back.
#include "agent/files/bundles.h"

#include "agent/api/routes.h"
#include "agent/json/fields.h"
#include "agent/json/status.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

json outcome_json(const store::BundleOutcome& outcome, const Registry& registry) {
  json out = {{"complete", outcome.complete}, {"parts", outcome.parts},
              {"added", outcome.added},       {"duplicates", outcome.duplicates},
              {"waiting", outcome.waiting},   {"refused", outcome.refused},
              {"receipts", outcome.receipts}};
  if (outcome.header) {
    out["from"] = agency_json(outcome.header->agency, registry);
    out["node"] = outcome.header->node.hex();
    out["made_at"] = time_json(outcome.header->at);
  }
  return out;
}

}  // namespace

void post_bundle_export(ApiCall& call) {
  const auto target = query_agency(call, "to");
  if (!target.ok()) return send_error(call.response, target.error(), "to");
  if (!*target)
    return send_error(call.response, 400, "invalid-argument", "to: the agency it is for", "to");
  Seed file_key;
  Seed ephemeral;
  {
    const std::lock_guard lock(call.api.entropy_mutex);
    file_key = call.api.config.entropy->array<32>();
    ephemeral = call.api.config.entropy->array<32>();
  }
  auto begun = store::BundleExport::begin(bundle_place(call.api.engine), **target,
                                          query_flag(call.request, "full"), file_key, ephemeral);
  if (!begun.ok()) return send_error(call.response, begun.error());
  const std::shared_ptr<store::BundleExport> bundle = *std::move(begun);
  const ApiContext* api = &call.api;
  call.response.set_chunked_content_provider(
      "application/octet-stream", [api, bundle](std::size_t, httplib::DataSink& sink) {
        return write_guarded(*api, [&] {
          if (api->stopping) return false;
          const auto bytes = bundle->next();
          if (!bytes.ok()) return false;  // who reads sees that the end is missing
          if (*bytes)
            return sink.write(reinterpret_cast<const char*>((*bytes)->data()), (*bytes)->size());
          sink.done();
          return true;
        });
      });
}

void post_bundle_import(ApiCall& call) {
  if (!call.api.config.bundle_key)
    return send_error(call.response, 503, "busy", "this agent takes no bundles");
  const auto offset = query_number(call.request, "offset", UINT64_MAX / 2);
  if (!offset.ok()) return send_error(call.response, offset.error(), "offset");
  std::string name = call.request.get_param_value("import");
  const bool more = query_flag(call.request, "more");
  const auto outcome = call.api.bundles.add(call.api.engine, *call.api.config.bundle_key, name,
                                            offset->value_or(0), as_bytes(call.body), !more);
  if (!outcome.ok()) return send_error(call.response, outcome.error());
  json out = outcome_json(*outcome, *call.api.replica().registry());
  if (more) {
    out["import"] = name;
    out["offset"] = offset->value_or(0) + call.body.size();
  }
  send_json(call.response, out);
}

}  // namespace lienthong::agent
