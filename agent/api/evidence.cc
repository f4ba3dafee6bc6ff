// A record's signed history: shown, and exported as a file that proves itself.
// docs/protocol/evidence.md.
#include "agent/json/evidence.h"

#include "agent/api/routes.h"
#include "store/office/evidence.h"

namespace lienthong::agent {
namespace {

// "all", or ids of changes, separated by commas.
Result<store::Disclosure> read_disclosure(const httplib::Request& request) {
  store::Disclosure out;
  const std::string text = request.get_param_value("disclose");
  if (text.empty()) return out;
  if (text == "all") {
    out.all = true;
    return out;
  }
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const auto id = from_hex(std::string_view(text).substr(at, end - at));
    if (!id.ok() || id->size() != UpdateId::kSize)
      return Error(Errc::kInvalidArgument,
                   "disclose: all, or ids of changes of 64 digits with commas between them");
    out.updates.insert(UpdateId::from(*id));
    at = end + 1;
  }
  return out;
}

// What waits is sealed as it would be for the office above, so that all of it can be proved.
Result<void> seal_what_waits(ApiContext& api) {
  return api.engine.write([](store::Transaction& transaction) -> Result<void> {
    const AgencyId self = transaction.identity().agency;
    const Registry& registry = transaction.registry();
    const auto sealed =
        transaction.seal_pending(registry.parent(self, registry.newest()).value_or(self));
    return sealed.ok() ? Result<void>() : sealed.error();
  });
}

}  // namespace

void get_audit(ApiCall& call) {
  const auto record = find_one(call.api.replica(), call.parameter(0));
  if (!record.ok()) return send_error(call.response, record.error());
  const auto gathered = store::gather_evidence(call.api.replica(), *record, {});
  if (!gathered.ok()) return send_error(call.response, gathered.error());
  const auto proved = prove(gathered->evidence);
  if (!proved.ok()) return send_error(call.response, proved.error());
  nlohmann::json out = evidence_json(*proved);
  out["custody"] = full_rules_json(*proved);
  out["unsealed"] = gathered->unsealed;
  send_json(call.response, out);
}

void post_evidence(ApiCall& call) {
  const auto disclosed = read_disclosure(call.request);
  if (!disclosed.ok()) return send_error(call.response, disclosed.error(), "disclose");
  const auto record = find_one(call.api.replica(), call.parameter(0));
  if (!record.ok()) return send_error(call.response, record.error());
  const auto entry = call.api.replica().find_record(*record);
  if ((disclosed->all || !disclosed->updates.empty()) && entry &&
      !may_read(call.api, call.caller, entry->state))
    return send_error(call.response, not_inspected(entry->state));
  if (const auto sealed = seal_what_waits(call.api); !sealed.ok())
    return send_error(call.response, sealed.error());
  const auto gathered = store::gather_evidence(call.api.replica(), *record, *disclosed);
  if (!gathered.ok()) return send_error(call.response, gathered.error());
  const Bytes bytes = encode_evidence(gathered->evidence);
  call.response.set_header("Lienthong-Unsealed", std::to_string(gathered->unsealed));
  call.response.set_content(std::string(as_text(bytes)), "application/octet-stream");
}

}  // namespace lienthong::agent
