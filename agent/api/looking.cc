// How the agent is: health, status, neighbours, log; and the two calls that make it look for
// itself.
#include "agent/api/backup.h"
#include "agent/api/routes.h"
#include "agent/files/blob_keeper.h"
#include "agent/json/fields.h"
#include "agent/json/status.h"
#include "store/office/data_check.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

constexpr std::uint64_t kLogLineCountMax = 10'000;
constexpr std::uint64_t kFindingCountMax = 1'000'000;

json scans_json(const store::Blobs& blobs) {
  const store::BlobCounts counts = blobs.counts();
  return {{"files", counts.files},   {"partial", counts.partial},
          {"bytes", counts.bytes},   {"only_here", counts.only_here},
          {"wanted", counts.wanted}, {"disk_bytes", blobs.disk_bytes()}};
}

// What is unknown or doubtful: how much of each kind, and the first of them.
json data_json(const store::Replica& replica, const store::DataCheckOptions& options) {
  const auto registry = replica.registry();
  const store::DataReport report = store::check_data(replica, options);
  json counts = json::object(), findings = json::array();
  for (std::size_t i = 0; i < report.counts.size(); ++i)
    if (report.counts[i] != 0)
      counts[std::string(to_string(static_cast<store::Finding>(i)))] = report.counts[i];
  for (const store::DataFinding& found : report.findings) {
    json line = {{"finding", to_string(found.finding)},
                 {"code", found.code},
                 {"record", found.record.hex()},
                 {"agency", agency_json(found.agency, *registry)}};
    if (!found.detail.empty()) line["detail"] = found.detail;
    findings.push_back(std::move(line));
  }
  return {{"checked", report.checked},
          {"counts", std::move(counts)},
          {"findings", std::move(findings)},
          {"clock_doubtful", report.clock_doubtful}};
}

}  // namespace

void get_health(ApiCall& call) { send_json(call.response, {{"ok", true}}); }

// Ready: the writer takes and commits jobs.
void get_ready(ApiCall& call) {
  const auto written =
      call.api.engine.write([](store::Transaction&) -> Result<void> { return {}; });
  if (!written.ok())
    return send_error(call.response, 503, to_string(written.error().code()),
                      written.error().detail());
  send_json(call.response, {{"ok", true}});
}

void get_status(ApiCall& call) {
  ApiContext& api = call.api;
  StatusFacts facts;
  facts.version = api.config.program_version;
  facts.started_at = api.config.started_at;
  facts.now = api.now();
  facts.only_here = api.only_here.count(api.engine);
  facts.trouble = api.engine.trouble();
  facts.budget = api.links.budget();
  json status = status_json(api.replica(), api.links.neighbours(), facts);
  if (api.config.blobs != nullptr) status["scans"] = scans_json(api.config.blobs->blobs());
  status["backup"] = backup_json(api);
  status["backup_folders"] = backup_folders_json(api);
  status["mirror"] = mirror_json(api);
  send_json(call.response, status);
}

void get_peers(ApiCall& call) {
  const auto registry = call.api.replica().registry();
  json neighbours = json::array(), refused = json::array();
  for (const NeighbourStatus& neighbour : call.api.links.neighbours())
    neighbours.push_back(neighbour_json(neighbour, *registry, Detail::kFull));
  for (const RefusedPeer& peer : call.api.links.refused_peers())
    refused.push_back(refused_peer_json(peer));
  send_json(call.response,
            {{"neighbours", std::move(neighbours)}, {"refused", std::move(refused)}});
}

void get_log(ApiCall& call) {
  const auto limit = query_number(call.request, "limit", kLogLineCountMax);
  if (!limit.ok()) return send_error(call.response, limit.error());
  json lines = json::array();
  if (call.api.config.recent_log)
    for (const ApiLogLine& line : call.api.config.recent_log(limit->value_or(200)))
      lines.push_back({{"at", time_json(line.at)}, {"level", line.level}, {"text", line.text}});
  send_json(call.response, {{"lines", std::move(lines)}});
}

void post_sync(ApiCall& call) {
  std::size_t count = 0;
  for (const NeighbourStatus& neighbour : call.api.links.neighbours())
    if (neighbour.state != LinkState::kConnected) ++count;
  call.api.links.sync_now();
  send_json(call.response, {{"dialled", count}});
}

void post_verify(ApiCall& call) {
  const auto limit = query_number(call.request, "limit", kFindingCountMax);
  if (!limit.ok()) return send_error(call.response, limit.error());
  const auto agency = query_agency(call, "agency");
  if (!agency.ok()) return send_error(call.response, agency.error());
  store::DataCheckOptions options;
  options.now = call.api.now();
  options.limit = static_cast<std::size_t>(limit->value_or(options.limit));
  options.agency = agency->value_or(AgencyId());
  options.calendar = &call.api.calendar();
  options.stopping = [&call] { return call.api.stopping.load(); };
  json differ = json::array();
  for (const RecordId& id : call.api.replica().verify_states()) differ.push_back(id.hex());
  send_json(call.response, {{"checked", call.api.replica().counts().records},
                            {"differ", std::move(differ)},
                            {"data", data_json(call.api.replica(), options)}});
}

}  // namespace lienthong::agent
