#include "agent/json/report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/json/fields.h"
#include "agent/json/status.h"
#include "agent/json/time.h"
#include "store/office/arrival.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;
using store::Figures;
using store::Ratio;

json ratio_json(const Ratio& ratio, const Rounding& rounding) {
  const std::string text = percent(ratio, rounding);
  return {{"part", ratio.part},
          {"whole", ratio.whole},
          {"percent", text.empty() ? json(nullptr) : json(text)}};
}

std::string name_of(const Registry& registry, const AgencyId& agency) {
  const AgencyInfo* info = registry.find_agency(agency);
  return info != nullptr ? info->name : agency.short_hex();
}

}  // namespace

std::string percent(const Ratio& ratio, const Rounding& rounding) {
  if (ratio.whole == 0) return {};
  std::uint64_t scale = 100;
  for (unsigned i = 0; i < rounding.decimals; ++i) scale *= 10;
  const std::uint64_t scaled = ratio.part * scale;
  const std::uint64_t value =
      rounding.truncate ? scaled / ratio.whole : (2 * scaled + ratio.whole) / (2 * ratio.whole);
  std::string digits = std::to_string(value);
  if (rounding.decimals == 0) return digits;
  if (digits.size() <= rounding.decimals)
    digits.insert(0, rounding.decimals + 1 - digits.size(), '0');
  return digits.insert(digits.size() - rounding.decimals, ".");
}

json figures_json(const Figures& figures, const Rounding& rounding) {
  json columns = json::object();
  for (std::size_t i = 3; i <= 13; ++i) columns[std::to_string(i)] = figures.columns[i];
  return {{"columns", std::move(columns)},
          {"late",
           {{"apology", figures.late_apology},
            {"no_apology", figures.late_no_apology},
            {"open_apology", figures.open_late_apology},
            {"open_no_apology", figures.open_late_no_apology}}},
          {"of_which",
           {{"reappointed_kept", figures.reappointed_kept},
            {"withdrawn", figures.withdrawn},
            {"paused", figures.paused},
            {"no_due_date", figures.no_due},
            {"no_channel", figures.no_channel},
            {"ended_before_received", figures.ended_before_received}}},
          {"ratios",
           {{"digitisation", ratio_json(figures.digitisation, rounding)},
            {"online", ratio_json(figures.online, rounding)},
            {"payment", ratio_json(figures.payment, rounding)}}},
          {"adds_up", figures.adds_up()}};
}

json place_json(const store::Place& place) {
  json out = {{"received", static_cast<unsigned>(place.received)},
              {"outcome", static_cast<unsigned>(place.outcome)}};
  if (place.apology) out["apology"] = true;
  if (place.withdrawn) out["withdrawn"] = true;
  if (place.paused) out["paused"] = true;
  return out;
}

json report_json(const store::Report& report, const Registry& registry, const Rounding& rounding) {
  const store::ReportWanted& wanted = report.wanted;
  json rows = json::array();
  for (const store::ReportRow& row : report.rows) {
    json line = figures_json(row.figures, rounding);
    line["key"] = row.key;
    line["name"] = wanted.by == store::By::kAgency ? row.name : row.key;
    line["level"] = row.level;
    line["direct"] = row.direct;
    rows.push_back(std::move(line));
  }
  return {
      {"agency", agency_json(wanted.agency, registry)},
      {"agency_name", name_of(registry, wanted.agency)},
      {"by", wanted.by == store::By::kField ? "field" : "agency"},
      {"own", wanted.own_only},
      {"depth", wanted.depth},
      {"period",
       {{"from", store::to_date(wanted.period.from)}, {"to", store::to_date(wanted.period.to)}}},
      {"as_of", format_time(report.as_of)},
      {"computed_at", format_time(wanted.now)},
      {"tree_version", report.tree},
      {"change", report.change},
      {"scanned", report.scanned},
      {"rounding",
       {{"rule", rounding.truncate ? "truncate" : "half-up"}, {"decimals", rounding.decimals}}},
      {"rows", std::move(rows)},
      {"total", figures_json(report.total, rounding)},
      {"mistakes", report.mistakes}};
}

json arrival_json(const store::Report& report, const store::Replica& replica,
                  const std::vector<NeighbourStatus>& neighbours, UnixMillis now) {
  const auto registry = replica.registry();
  std::vector<store::Contact> contacts;
  for (const NeighbourStatus& neighbour : neighbours)
    contacts.push_back({neighbour.agency, neighbour.in_sync, neighbour.caught_up_at});
  json list = json::array();
  std::size_t behind = 0;
  for (const store::Arrival& arrival : store::arrivals(report, replica, contacts, now)) {
    behind += arrival.behind;
    const AgencyInfo* info = registry->find_agency(arrival.agency);
    json line = {{"agency", agency_json(arrival.agency, *registry)},
                 {"name", info != nullptr ? json(info->name) : json(nullptr)},
                 {"until", time_json(arrival.until)},
                 {"known_by", to_string(arrival.known_by)},
                 {"behind", arrival.behind}};
    if (arrival.doubtful) line["doubtful"] = true;
    const auto direct = std::ranges::find(neighbours, arrival.agency, &NeighbourStatus::agency);
    if (direct != neighbours.end()) line["last_contact"] = time_json(direct->last_contact);
    list.push_back(std::move(line));
  }
  return {{"behind", behind}, {"agencies", std::move(list)}};
}

}  // namespace lienthong::agent
