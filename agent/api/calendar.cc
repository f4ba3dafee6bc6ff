// GET /v1/calendar: the days off of a year as this office counts them, and who has published them.
#include <array>
#include <nlohmann/json.hpp>

#include "agent/api/routes.h"
#include "agent/json/fields.h"
#include "store/office/calendars.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 3> kKinds = {"holiday", "swapped", "make-up"};

json hours_json(const store::Calendar& calendar) {
  json list = json::array();
  const auto clock = [](UnixMillis time) { return store::to_text(store::CutOff{false, time}); };
  for (const store::Calendar::Session& session : calendar.sessions())
    list.push_back(clock(session.begin) + "-" + clock(session.end));
  return list;
}

}  // namespace

void get_calendar(ApiCall& call) {
  const std::string given = call.request.get_param_value("year");
  int year = store::office_year(call.api.now());
  if (!given.empty()) {
    const auto day = given.size() == 4 ? store::parse_date(given + "-01-01") : std::nullopt;
    if (!day)
      return send_error(call.response, Error(Errc::kInvalidArgument,
                                             "year: expected one from 1900 to 2199, as 2027"));
    year = store::year_of(*day);
  }
  const store::Calendar& calendar = call.api.calendar();
  const auto registry = call.api.replica().registry();
  const auto published = store::published_calendars(call.api.replica(), call.api.now());
  json days = json::array(), publishers = json::array();
  for (const auto& [day, entry] : calendar.days_of(year)) {
    json line = {{"date", store::to_date(day)},
                 {"kind", kKinds[static_cast<std::size_t>(entry.kind)]},
                 {"name", entry.name},
                 {"source", entry.source}};
    for (const store::PublishedCalendar& one : published) {  // the last one put it there
      const auto at = one.calendar.entries().find(day);
      if (one.counts && at != one.calendar.entries().end() && at->second == entry)
        line["published_by"] = agency_code(one.author, *registry);
    }
    days.push_back(std::move(line));
  }
  for (const store::PublishedCalendar& one : published) {
    json line = {{"record", one.record.hex()},
                 {"publisher", agency_code(one.author, *registry)},
                 {"name", one.name},
                 {"decision", one.decision},
                 {"counts", one.counts}};
    if (!one.problem.empty()) line["problem"] = one.problem;
    publishers.push_back(std::move(line));
  }
  const store::YearBasis basis = calendar.basis_of(year);
  json out = {{"year", year},
              {"basis", to_string(basis)},
              {"decided", basis == store::YearBasis::kNotice},
              {"desk", hours_json(calendar)},
              {"days", std::move(days)},
              {"published", std::move(publishers)}};
  if (calendar.cut_off()) out["cut_off"] = store::to_text(*calendar.cut_off());
  send_json(call.response, out);
}

}  // namespace lienthong::agent
