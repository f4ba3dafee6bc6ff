// report: figures of a period, the dossiers behind them, and what has changed since they were sent.
#include <algorithm>
#include <array>
#include <iostream>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/report_page.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"
#include "tools/lienthong/workbook_out.h"

namespace lienthong::tools {
namespace {

struct ReportArgs {
  std::string form, from, to, quarter, year, by, agency, cell, format_name = "text", rounding,
                                                               form_name, out;
  std::int64_t depth = 1, decimals = 2;
  bool own = false, save = false, diff = false;
};

bool is_digits(const std::string& text, std::size_t size) {
  return text.size() == size && text.find_first_not_of("0123456789") == std::string::npos;
}

// First and last day of what was named.
std::pair<std::string, std::string> period_of(const ReportArgs& args) {
  const int named =
      (args.from.empty() && args.to.empty() ? 0 : 1) + !args.quarter.empty() + !args.year.empty();
  if (named != 1)
    throw Failure(kUsage, tr("name one period: --from and --to, or --quarter, or --year"));
  if (!args.year.empty()) {
    if (!is_digits(args.year, 4)) throw Failure(kUsage, format("'{}' is not a year", args.year));
    return {args.year + "-01-01", args.year + "-12-31"};
  }
  if (!args.quarter.empty()) {
    constexpr std::array<std::pair<const char*, const char*>, 4> kQuarters = {
        {{"-01-01", "-03-31"}, {"-04-01", "-06-30"}, {"-07-01", "-09-30"}, {"-10-01", "-12-31"}}};
    const std::string year = args.quarter.substr(0, 4);
    const std::string rest = args.quarter.size() > 4 ? args.quarter.substr(4) : "";
    if (!is_digits(year, 4) || rest.size() != 2 || (rest[0] != 'Q' && rest[0] != 'q') ||
        rest[1] < '1' || rest[1] > '4')
      throw Failure(kUsage, format("'{}' is not a quarter such as 2023Q1", args.quarter));
    const auto& [first, last] = kQuarters[static_cast<std::size_t>(rest[1] - '1')];
    return {year + first, year + last};
  }
  if (args.from.empty() || args.to.empty())
    throw Failure(kUsage, tr("a period needs both --from and --to"));
  return {args.from, args.to};
}

Query query_of(const ReportArgs& args) {
  const auto [from, to] = period_of(args);
  Query query{{"from", from}, {"to", to}};
  const auto add = [&query](const char* name, const std::string& value) {
    if (!value.empty()) query.emplace_back(name, value);
  };
  add("by", args.by);
  add("agency", args.agency);
  add("rounding", args.rounding);
  if (args.own) query.emplace_back("own", "1");
  query.emplace_back("depth", std::to_string(args.depth));
  query.emplace_back("decimals", std::to_string(args.decimals));
  return query;
}

std::string path_of(const ReportArgs& args, const char* rest = "") {
  return "/v1/reports/" + encode(args.form) + rest;
}

void write_workbook(const std::string& out, const std::string& csv) {
  WorkbookFile file(out, WorkbookFile::Cells::kNumbersToo);
  file.add_csv(csv);
  file.finish();
}

int print_report(const Shell& shell, const ReportArgs& args, Json report) {
  if (!args.form_name.empty()) report["form_name"] = args.form_name;
  if (shell.json || args.format_name == "json")
    print_json(report);
  else if (args.format_name == "csv")
    std::cout << report_csv(report);
  else if (args.format_name == "xlsx")
    write_workbook(args.out, report_csv(report));
  else if (args.format_name == "html")
    print_report_html(report);
  else
    print_report_text(report);
  const Json& mistakes = list_of(report, "mistakes");
  for (const Json& mistake : mistakes)
    print_error(format("this report must not be used: {}", mistake.get<std::string>()));
  return mistakes.empty() ? kDone : kFailed;
}

int drill(const Shell& shell, const ReportArgs& args) {
  Query query = query_of(args);
  query.emplace_back("cell", args.cell);
  const Client client = shell.client();
  if (shell.json || args.format_name == "json") {
    client.lines(path_of(args, "/dossiers"), query, print_line);
    return kDone;
  }
  std::size_t count = 0;
  client.lines(path_of(args, "/dossiers"), query, [&](const std::string& line) {
    const Json dossier = Json::parse(line, nullptr, false);
    print_line(text_of(dossier, "code") + "\t" + text_of(dossier, "row") + "\t(" +
               text_of(dossier, "received") + ")\t(" + text_of(dossier, "outcome") + ")");
    ++count;
  });
  print_error(format("{} dossiers", count));
  return kDone;
}

std::string place_text(const Json& change, const char* when) {
  const auto at = change.find(when);
  if (at == change.end() || at->is_null()) return tr("not in the report");
  return "(" + text_of(*at, "received") + ") (" + text_of(*at, "outcome") + ") " +
         text_of(*at, "row");
}

int show_changes(const Shell& shell, const ReportArgs& args) {
  const Json changes = shell.client().get(path_of(args, "/diff"), query_of(args));
  if (shell.json || args.format_name == "json") {
    print_json(changes);
    return kDone;
  }
  const Json& cells = list_of(changes, "cells");
  print_line(format("Saved at {}; now {} cells differ", show_time(text_of(changes, "saved_at")),
                    cells.size()));
  Table figures({tr("ROW"), tr("COLUMN"), tr("BEFORE"), tr("NOW")});
  figures.right(1).right(2).right(3);
  for (const Json& cell : cells)
    figures.add({text_of(cell, "row"), "(" + text_of(cell, "column") + ")", text_of(cell, "before"),
                 text_of(cell, "after")});
  if (figures.size() > 0) figures.print();
  if (changes.value("tree_changed", false))
    print_line(tr("The tree of agencies of that time has become known differently."));
  Table dossiers({tr("CODE"), tr("BEFORE"), tr("NOW"), tr("WRITTEN BY"), tr("HERE SINCE")});
  for (const Json& dossier : list_of(changes, "dossiers"))
    dossiers.add({text_of(dossier, "code"), place_text(dossier, "before"),
                  place_text(dossier, "after"), text_of(dossier, "by"),
                  show_time(text_of(dossier, "here_since"))});
  if (dossiers.size() > 0) dossiers.print();
  return kDone;
}

int report(const Shell& shell, const ReportArgs& args) {
  if (!args.cell.empty()) return drill(shell, args);
  if (args.diff) return show_changes(shell, args);
  const Client client = shell.client();
  if (!args.save) return print_report(shell, args, client.get(path_of(args), query_of(args)));
  std::string path = path_of(args, "/save?");
  for (const auto& [name, value] : query_of(args)) path += name + "=" + encode(value) + "&";
  path.pop_back();
  return print_report(shell, args, client.post(path));
}

}  // namespace

void add_report(CLI::App& app, Shell& shell) {
  const auto args = std::make_shared<ReportArgs>();
  CLI::App* verb =
      add_verb(app, "report", "figures of a period as of its end, from the dossiers themselves",
               "lienthong report II.06a --quarter 2023Q1 --by agency");
  verb->add_option("FORM", args->form, tr("II.06a, II.06b or II.07a"))->required();
  verb->add_option("--from", args->from, tr("first day, as 2023-01-01"));
  verb->add_option("--to", args->to, tr("last day, included"));
  verb->add_option("--quarter", args->quarter, tr("instead: a quarter, as 2023Q1"));
  verb->add_option("--year", args->year, tr("instead: a year"));
  verb->add_option("--by", args->by, tr("rows: field or agency"))
      ->check(CLI::IsMember({"field", "agency"}));
  verb->add_option("--agency", args->agency, tr("of this agency and those below it (default: us)"));
  verb->add_flag("--own", args->own, tr("only what that agency received itself"));
  verb->add_option("--depth", args->depth, tr("by agency: so many levels below"))
      ->check(CLI::Range(1, 32));
  verb->add_option("--format", args->format_name, tr("text, csv, xlsx (with --out), json or html"))
      ->check(CLI::IsMember({"text", "csv", "xlsx", "json", "html"}));
  verb->add_option("--out", args->out, tr("xlsx: the file to write"));
  verb->add_option("--cell", args->cell,
                   tr("instead: the dossiers behind ROW:COLUMN, as \"Hộ tịch:10\" or total:13"));
  verb->add_flag("--save", args->save, tr("remember the figures here, to compare later"));
  verb->add_flag("--diff", args->diff, tr("instead: what has changed since they were saved"));
  verb->add_option("--rounding", args->rounding, tr("of ratios: half-up or truncate"))
      ->check(CLI::IsMember({"half-up", "truncate"}));
  verb->add_option("--decimals", args->decimals, tr("of ratios in per cent"))
      ->check(CLI::Range(0, 4));
  verb->add_option("--form-name", args->form_name, tr("name of the form to print"));
  verb->callback([&shell, args] { shell.run = [&shell, args] { return report(shell, *args); }; });
}

}  // namespace lienthong::tools
