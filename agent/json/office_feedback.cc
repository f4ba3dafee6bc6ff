#include "agent/json/office_feedback.h"

#include <nlohmann/json.hpp>

#include "agent/json/time.h"
#include "store/office/marks.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

json counts_json(const store::FeedbackCounts& counts) {
  const std::int64_t handled = counts.on_time + counts.late + counts.refused + counts.ended;
  const std::int64_t open = counts.open_in_time + counts.open_overdue;
  return {{"received",
           {{"total", counts.carried + counts.received},
            {"carried", counts.carried},
            {"in_period", counts.received}}},
          {"handled",
           {{"total", handled},
            {"on_time", counts.on_time},
            {"late", counts.late},
            {"refused", counts.refused},
            {"ended", counts.ended}}},
          {"open",
           {{"total", open}, {"in_time", counts.open_in_time}, {"overdue", counts.open_overdue}}},
          {"published",
           {{"on_time", counts.published_in_time},
            {"late", counts.published_late},
            {"not_yet", counts.not_published}}}};
}

}  // namespace

json feedback_clocks_json(const std::vector<store::FeedbackClock>& clocks) {
  json list = json::array();
  for (const store::FeedbackClock& clock : clocks) {
    json line = {{"clock", clock.name},
                 {"from", format_time(clock.from)},
                 {"due", format_time(clock.due)},
                 {"state", store::to_string(clock.state)}};
    if (clock.days != 0)
      line["working_days"] = clock.days;
    else
      line["set_by_office"] = true;
    if (clock.end != 0) line["end"] = format_time(clock.end);
    list.push_back(std::move(line));
  }
  return list;
}

json feedback_report_json(const store::FeedbackReport& report) {
  json out = counts_json(report.all);
  for (const auto& [name, counts] : report.by_topic) out["by_topic"][name] = counts_json(counts);
  for (const auto& [name, counts] : report.by_source) out["by_source"][name] = counts_json(counts);
  out["about_unknown_dossiers"] = report.about_unknown;
  return out;
}

}  // namespace lienthong::agent
