// GET /metrics: text format 0.0.4 of Prometheus.
#include <map>

#include "agent/api/routes.h"
#include "agent/json/fields.h"
#include "agent/json/status.h"

namespace lienthong::agent {
namespace {

// Label values: backslash, quote and line feed are escaped.
std::string label_value(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '"';
}

class MetricsWriter {
 public:
  void family(const char* name, const char* type, const char* help) {
    name_ = name;
    text_ += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
  }
  void sample(const std::string& value, const std::string& labels = {}) {
    text_ += name_ + labels + " " + value + "\n";
  }
  void single(const char* name, const char* type, const char* help, std::uint64_t value) {
    family(name, type, help);
    sample(std::to_string(value));
  }
  std::string take() { return std::move(text_); }

 private:
  std::string name_, text_;
};

std::string seconds(UnixMillis time) { return std::to_string(time / 1000); }

template <class Value>
void per_neighbour(MetricsWriter& out, const std::vector<NeighbourStatus>& neighbours,
                   const Registry& registry, const Value& value) {
  for (const NeighbourStatus& neighbour : neighbours)
    out.sample(value(neighbour),
               "{agency=" + label_value(agency_code(neighbour.agency, registry)) + "}");
}

void put_neighbours(MetricsWriter& out, const std::vector<NeighbourStatus>& all,
                    const Registry& registry) {
  using Status = NeighbourStatus;
  out.family("lienthong_neighbour_up", "gauge", "Whether a session with the neighbour is up");
  per_neighbour(out, all, registry,
                [](const Status& n) { return n.state == LinkState::kConnected ? "1" : "0"; });
  out.family("lienthong_neighbour_in_sync", "gauge", "Whether nothing is left in either direction");
  per_neighbour(out, all, registry, [](const Status& n) { return n.in_sync ? "1" : "0"; });
  out.family("lienthong_neighbour_last_contact_seconds", "gauge",
             "When it was last heard, UNIX time; 0: never");
  per_neighbour(out, all, registry, [](const Status& n) { return seconds(n.last_contact); });
  out.family("lienthong_neighbour_pending_out_updates", "gauge", "Updates it has not acknowledged");
  per_neighbour(out, all, registry,
                [](const Status& n) { return std::to_string(n.pending_out_updates); });
  out.family("lienthong_neighbour_pending_in_updates", "gauge",
             "Updates announced by it and not stored yet");
  per_neighbour(out, all, registry,
                [](const Status& n) { return std::to_string(n.pending_in_updates); });
  out.family("lienthong_neighbour_sent_bytes_total", "counter", "Bytes sent to it since start");
  per_neighbour(out, all, registry, [](const Status& n) { return std::to_string(n.sent_bytes); });
  out.family("lienthong_neighbour_received_bytes_total", "counter",
             "Bytes received from it since start");
  per_neighbour(out, all, registry,
                [](const Status& n) { return std::to_string(n.received_bytes); });
  out.family("lienthong_neighbour_ip_sent_bytes_total", "counter",
             "Bytes of IP packets sent to it since start");
  per_neighbour(out, all, registry,
                [](const Status& n) { return std::to_string(n.ip_sent_bytes); });
  out.family("lienthong_neighbour_ip_received_bytes_total", "counter",
             "Bytes of IP packets received from it since start");
  per_neighbour(out, all, registry,
                [](const Status& n) { return std::to_string(n.ip_received_bytes); });
  out.family("lienthong_neighbour_sessions_total", "counter", "Sessions since start");
  per_neighbour(out, all, registry, [](const Status& n) { return std::to_string(n.sessions); });
  out.family("lienthong_neighbour_failures_total", "counter",
             "Attempts and sessions that failed since start");
  per_neighbour(out, all, registry, [](const Status& n) { return std::to_string(n.failures); });
}

void put_budget(MetricsWriter& out, const BudgetStatus& budget) {
  out.family("lienthong_budget_spent_bytes", "gauge", "IP bytes of this day, by lane");
  for (std::size_t lane = 0; lane < kLaneCount; ++lane)
    out.sample(std::to_string(budget.spent[lane]), "{lane=\"" + std::to_string(lane) + "\"}");
  out.family("lienthong_lane_open", "gauge", "Whether budget and hours let the lane pass");
  for (std::size_t lane = 0; lane < kLaneCount; ++lane)
    out.sample(budget.gates[lane] == LaneGate::kOpen ? "1" : "0",
               "{lane=\"" + std::to_string(lane) + "\"}");
  out.single("lienthong_budget_forecast_bytes", "gauge", "What this day will come to at this rate",
             budget.forecast);
  out.single("lienthong_budget_bytes_per_day", "gauge", "The bound; 0: none", budget.bytes_per_day);
}

// How many there are of each code at each level: what `check` says, for alert rules.
void put_findings(MetricsWriter& out, const std::vector<texts::Finding>& findings, bool healthy) {
  std::map<std::pair<std::string, std::string>, std::size_t> counts;
  for (const texts::Finding& finding : findings)
    ++counts[{texts::code_of(finding.reason), texts::to_string(finding.level)}];
  out.family("lienthong_findings", "gauge", "What check says, by code and level");
  for (const auto& [of, count] : counts)
    out.sample(std::to_string(count),
               "{code=" + label_value(of.first) + ",level=" + label_value(of.second) + "}");
  out.single("lienthong_writable", "gauge", "Whether changes are taken", healthy ? 1 : 0);
}

}  // namespace

void get_metrics(ApiCall& call) {
  const store::Replica& replica = call.api.replica();
  const store::Counts counts = replica.counts();
  const auto neighbours = call.api.links.neighbours();
  MetricsWriter out;
  out.family("lienthong_info", "gauge", "Version of the program");
  out.sample("1", "{version=" + label_value(call.api.config.program_version) + "}");
  out.single("lienthong_start_time_seconds", "gauge", "When the agent started, UNIX time",
             static_cast<std::uint64_t>(call.api.config.started_at / 1000));
  out.single("lienthong_records", "gauge", "Records held", counts.records);
  out.single("lienthong_updates", "gauge", "Updates held", counts.updates);
  out.single("lienthong_waiting", "gauge", "Updates that wait for something they name",
             counts.waiting);
  out.single("lienthong_inert", "gauge", "Updates that change nothing", counts.inert);
  out.single("lienthong_refused", "gauge", "Updates refused and listed", counts.refused);
  out.single("lienthong_unsealed", "gauge", "Updates that have never left", counts.unsealed);
  out.single("lienthong_only_here", "gauge", "Updates that no other machine has acknowledged",
             call.api.only_here.count(call.api.engine));
  out.single("lienthong_restored", "gauge", "Whether custody waits because a backup was restored",
             replica.restored() ? 1 : 0);
  out.single("lienthong_disk_bytes", "gauge", "Bytes of the database on disk",
             replica.disk_bytes());
  out.single("lienthong_changes_total", "counter", "Changes so far: the number of the newest",
             replica.last_change());
  put_findings(out, find_all(call.api, Trying::kNothing), call.api.engine.healthy());
  if (const auto budget = call.api.links.budget()) put_budget(out, *budget);
  put_neighbours(out, neighbours, *replica.registry());
  call.response.set_content(out.take(), "text/plain; version=0.0.4");
}

}  // namespace lienthong::agent
