// Reports: figures of a period, the dossiers behind a cell, what was saved and what has changed
// since.
#include <algorithm>
#include <array>
#include <thread>

#include "agent/api/routes.h"
#include "agent/json/fields.h"
#include "agent/json/report.h"
#include "agent/json/time.h"
#include "store/replica/local_names.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

// Names of forms change with the ministry that rules them, so they are data; `official` is what was
// in force until 2025 (TT 01/2020/TT-VPCP).
struct Form {
  std::string_view id, official, title_vi, title_en;
};
constexpr std::array kForms = {
    Form{"II.06a", "II.06a/VPCP/KSTT",
         "Tình hình, kết quả giải quyết TTHC trực tiếp tại cơ quan, đơn vị",
         "Handling of administrative procedures at the agency itself"},
    Form{"II.06b", "II.06b/VPCP/KSTT",
         "Tình hình, kết quả giải quyết TTHC tổng hợp từ các đơn vị trực thuộc",
         "Handling of administrative procedures, by lower units"},
    Form{"II.07a", "II.07a/VPCP/KSTT", "Hồ sơ quá hạn theo cơ quan đang thụ lý",
         "Late dossiers by the agency that holds them"},
};

struct Wanted {
  const Form* form = nullptr;
  store::ReportWanted report;
  Rounding rounding;
};

const Form* find_form(std::string_view id) {
  const auto at = std::ranges::find(kForms, id, &Form::id);
  return at != kForms.end() ? &*at : nullptr;
}

Result<store::Period> read_period(const httplib::Request& request) {
  store::Period out;
  for (const auto& [name, day] : {std::pair{"from", &out.from}, std::pair{"to", &out.to}}) {
    const auto read = read_moment(request.get_param_value(name));
    if (!read.ok())
      return Error(Errc::kInvalidArgument,
                   std::string(name) +
                       " must be a date as 31/01/2023 or 2023-01-31: the period's days, both ends "
                       "included");
    *day = store::day_at(*read);
  }
  if (out.from > out.to) return Error(Errc::kInvalidArgument, "the period ends before it begins");
  return out;
}

Result<Rounding> read_rounding(const httplib::Request& request) {
  Rounding out;
  if (request.has_param("rounding")) {
    const std::string rule = request.get_param_value("rounding");
    if (rule != "truncate" && rule != "half-up")
      return Error(Errc::kInvalidArgument, "rounding must be truncate or half-up");
    out.truncate = rule == "truncate";
  }
  LT_TRY(const auto decimals, query_number(request, "decimals", 4));
  out.decimals = static_cast<unsigned>(decimals.value_or(2));
  return out;
}

Result<Wanted> read_wanted(const ApiCall& call) {
  const httplib::Request& request = call.request;
  Wanted out;
  out.form = find_form(call.parameter(0));
  if (out.form == nullptr)
    return Error(Errc::kNotFound,
                 "no form " + call.parameter(0) + "; there are II.06a, II.06b and II.07a");
  LT_TRY(out.report.period, read_period(request));
  LT_TRY(out.rounding, read_rounding(request));
  LT_TRY(const auto agency, query_agency(call, "agency"));
  out.report.agency = agency.value_or(call.api.replica().identity().agency);
  out.report.own_only = query_flag(request, "own");
  const std::string by = request.get_param_value("by");
  if (!by.empty() && by != "field" && by != "agency")
    return Error(Errc::kInvalidArgument, "by must be field or agency");
  const bool by_agency = by.empty() ? out.form->id != "II.06a" : by == "agency";
  if (out.form->id == "II.06b" && !by_agency)
    return Error(Errc::kInvalidArgument, "II.06b is by agency; II.06a can be by field");
  out.report.by = by_agency ? store::By::kAgency : store::By::kField;
  LT_TRY(const auto depth, query_number(request, "depth", 32));
  out.report.depth = static_cast<unsigned>(std::max<std::uint64_t>(depth.value_or(1), 1));
  out.report.now = call.api.now();
  out.report.threads = std::clamp(std::thread::hardware_concurrency(), 1U, 2U);
  return out;
}

json late_rows(store::Reporter& reporter, const Registry& registry, const Rounding& rounding) {
  json rows = json::array();
  for (const auto& [agency, figures] : reporter.late_by_holder()) {
    json line = figures_json(figures, rounding);
    const AgencyInfo* info = registry.find_agency(agency);
    line["key"] = agency_json(agency, registry);
    line["name"] = info != nullptr ? json(info->name) : json(nullptr);
    line["level"] = 1;
    rows.push_back(std::move(line));
  }
  return rows;
}

json compute(const ApiContext& api, const Wanted& wanted) {
  const auto registry = api.replica().registry();
  store::Reporter reporter(api.replica(), wanted.report);
  const store::Report report = reporter.run();
  json out = report_json(report, *registry, wanted.rounding);
  if (wanted.form->id == "II.07a") {
    out["rows"] = late_rows(reporter, *registry, wanted.rounding);
    out["reasons_known"] = false;  // no record says why; only whether an apology was made
  }
  out["form"] = wanted.form->id;
  out["form_name"] = wanted.form->official;
  out["title_vi"] = wanted.form->title_vi;
  out["title_en"] = wanted.form->title_en;
  out["arrival"] = arrival_json(report, api.replica(), api.links.neighbours(), api.now());
  return out;
}

std::string saved_name(const ApiContext& api, const Wanted& wanted) {
  const store::ReportWanted& report = wanted.report;
  return std::string(store::local::kReport) + std::string(wanted.form->id) + "/" +
         agency_code(report.agency, *api.replica().registry()) + "/" +
         (report.by == store::By::kField ? "field" : "agency") + "/" +
         (report.own_only ? "own" : "all") + "/" + std::to_string(report.depth) + "/" +
         store::to_date(report.period.from) + "/" + store::to_date(report.period.to);
}

// Cells of one row that differ: {"row","column","before","after"}.
void compare_rows(const std::string& name, const json& before, const json& after, json& cells) {
  for (int column = 3; column <= 13; ++column) {
    const std::string key = std::to_string(column);
    const auto count = [&key](const json& row) {
      return row.is_null() ? 0 : row.at("columns").at(key).get<std::uint64_t>();
    };
    if (count(before) != count(after))
      cells.push_back(
          {{"row", name}, {"column", column}, {"before", count(before)}, {"after", count(after)}});
  }
}

std::string row_name(const json& row) {
  return (row.value("direct", false) ? "=" : "") + row.at("key").get<std::string>();
}

json changed_cells(const json& before, const json& after) {
  std::map<std::string, std::pair<json, json>> rows;
  for (const json& row : before.at("rows")) rows[row_name(row)].first = row;
  for (const json& row : after.at("rows")) rows[row_name(row)].second = row;
  json cells = json::array();
  for (const auto& [name, pair] : rows) compare_rows(name, pair.first, pair.second, cells);
  compare_rows("total", before.at("total"), after.at("total"), cells);
  return cells;
}

json difference_json(const store::Reporter::Difference& found, const Registry& registry) {
  json out = {{"code", found.code}, {"before", nullptr}, {"after", nullptr}};
  if (found.before) {
    out["before"] = place_json(*found.before);
    out["before"]["row"] = found.row_before;
  }
  if (found.after) {
    out["after"] = place_json(*found.after);
    out["after"]["row"] = found.row_after;
  }
  if (found.cause) {
    out["by"] = agency_code(found.cause->agency, registry);
    out["at"] = format_time(found.cause->at);
    out["here_since"] = format_time(found.cause->received_at);
  }
  return out;
}

// "ROW:COLUMN"; the row may hold colons itself. "total:13" and ":13" are of all rows.
struct Cell {
  std::optional<std::string> row;
  bool direct = false;
  unsigned column = 3;
};
Result<Cell> read_cell(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  Cell out;
  const std::string number = colon == std::string::npos ? text : text.substr(colon + 1);
  if (number.empty() || number.size() > 2 ||
      number.find_first_not_of("0123456789") != std::string::npos || std::stoul(number) < 3 ||
      std::stoul(number) > 13)
    return Error(Errc::kInvalidArgument,
                 "cell must be ROW:COLUMN with a column from 3 to 13, such as \"Hộ tịch:10\", "
                 "H47.12:13, =H47.12:3 for what the agency itself received, or total:10");
  out.column = static_cast<unsigned>(std::stoul(number));
  if (colon == std::string::npos || text.substr(0, colon) == "total") return out;
  out.direct = text.front() == '=';
  out.row = text.substr(out.direct ? 1 : 0, colon - (out.direct ? 1 : 0));
  return out;
}

}  // namespace

void get_report(ApiCall& call) {
  const auto wanted = read_wanted(call);
  if (!wanted.ok()) return send_error(call.response, wanted.error());
  send_json(call.response, compute(call.api, *wanted));
}

void get_report_dossiers(ApiCall& call) {
  auto wanted = read_wanted(call);
  if (!wanted.ok()) return send_error(call.response, wanted.error());
  const auto cell = read_cell(call.request.get_param_value("cell"));
  if (!cell.ok()) return send_error(call.response, cell.error());
  const ApiContext* api = &call.api;
  send_lines(call, [api, report = wanted->report, at = *cell](const LineSink& put) {
    store::Reporter reporter(api->replica(), report);
    reporter.drill(at.row, at.direct, at.column, [&](const store::ReportDossier& found) {
      json line = place_json(found.place);
      line["code"] = found.code;
      line["row"] = found.row;
      return put(line);
    });
  });
}

void post_report_save(ApiCall& call) {
  const auto wanted = read_wanted(call);
  if (!wanted.ok()) return send_error(call.response, wanted.error());
  json report = compute(call.api, *wanted);
  if (!report.at("mistakes").empty())
    return send_error(
        call.response,
        Error(Errc::kCorrupt, "not saved: " + report["mistakes"][0].get<std::string>()));
  const std::string name = saved_name(call.api, *wanted);
  const std::string text = report.dump();
  const auto done = call.api.engine.write([&](store::Transaction& transaction) {
    transaction.set_local_value(name, to_bytes(as_bytes(text)));
    return Result<void>();
  });
  if (!done.ok()) return send_error(call.response, done.error());
  report["saved"] = true;
  send_json(call.response, report);
}

void get_report_diff(ApiCall& call) {
  const auto wanted = read_wanted(call);
  if (!wanted.ok()) return send_error(call.response, wanted.error());
  const auto saved = call.api.replica().local_value(saved_name(call.api, *wanted));
  if (!saved)
    return send_error(call.response,
                      Error(Errc::kNotFound,
                            "no report was saved here for this form, agency and period; save it "
                            "first: lienthong report … --save"));
  const json before = json::parse(as_text(*saved), nullptr, false);
  if (!before.is_object() || !before.contains("change"))
    return send_error(call.response, Error(Errc::kCorrupt, "the saved report cannot be read"));
  const json after = compute(call.api, *wanted);
  const auto registry = call.api.replica().registry();
  json dossiers = json::array();
  store::Reporter reporter(call.api.replica(), wanted->report);
  for (const auto& found : reporter.differences(before.at("change").get<std::uint64_t>()))
    dossiers.push_back(difference_json(found, *registry));
  send_json(call.response, {{"form", wanted->form->id},
                            {"period", after.at("period")},
                            {"agency", after.at("agency")},
                            {"saved_at", before.at("computed_at")},
                            {"computed_at", after.at("computed_at")},
                            {"before", before.at("total")},
                            {"after", after.at("total")},
                            {"tree_changed", before.at("tree_version") != after.at("tree_version")},
                            {"cells", changed_cells(before, after)},
                            {"dossiers", std::move(dossiers)}});
}

}  // namespace lienthong::agent
