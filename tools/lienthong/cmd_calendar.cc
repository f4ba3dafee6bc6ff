// calendar: days off as this office counts them, and publishing them to those below.
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

struct CalendarArgs {
  std::string year, file, name, decision;
  Wait wait;
};

std::string kind_name(const std::string& kind) {
  if (kind == "holiday") return tr("day off");
  if (kind == "swapped") return tr("swapped, day off");
  return tr("made up, working day");
}

void print_basis(const Json& calendar) {
  const std::string basis = text_of(calendar, "basis"), year = text_of(calendar, "year");
  if (basis == "law")
    print_line(format(
        "The notice for {} is not known: these days are certain by the law. Not decided: the "
        "other days of Tết, the second day of 2/9, days that are swapped.",
        year));
  if (basis == "weekends")
    print_line(format("Nothing is known of {}: it is counted by weekends alone.", year));
}

int show(const Shell& shell, const CalendarArgs& args) {
  Query query;
  if (!args.year.empty()) query.emplace_back("year", args.year);
  const Json calendar = shell.client().get("/v1/calendar", query);
  if (shell.json) {
    print_json(calendar);
    return kDone;
  }
  std::string desk;
  for (const Json& session : list_of(calendar, "desk"))
    desk += (desk.empty() ? "" : ", ") + session.get<std::string>();
  print_line(format("Desk hours: {}", desk));
  const std::string cut_off = text_of(calendar, "cut_off");
  if (!cut_off.empty()) print_line(format("Received after {}: counted from the next day", cut_off));
  Table table({tr("DATE"), tr("KIND"), tr("NAME"), tr("SOURCE"), tr("PUBLISHER")});
  for (const Json& day : list_of(calendar, "days"))
    table.add({text_of(day, "date"), kind_name(text_of(day, "kind")), text_of(day, "name"),
               text_of(day, "source"), text_of(day, "published_by")});
  if (table.size() > 0) table.print();
  print_basis(calendar);
  for (const Json& one : list_of(calendar, "published")) {
    const std::string problem = text_of(one, "problem");
    if (!problem.empty())
      print_error(format("the table of {} cannot be read: {}", text_of(one, "publisher"), problem));
  }
  return kDone;
}

int import(const Shell& shell, const CalendarArgs& args) {
  Json record{{"calendar", read_file(args.file)}};
  if (!args.name.empty()) record["procedure_name"] = args.name;
  if (!args.decision.empty()) record["decision"] = args.decision;
  return run_operation(shell, Json{{"op", "create"}, {"procedure", record}}, args.wait,
                       "published");
}

}  // namespace

void add_calendar(CLI::App& app, Shell& shell) {
  CLI::App* calendar = add_verb(app, "calendar", "days off, desk hours, and who has published them",
                                "lienthong calendar show 2027");
  calendar->require_subcommand(1);
  const auto args = std::make_shared<CalendarArgs>();
  CLI::App* one = add_verb(*calendar, "show", "the days off of a year, with what each rests on",
                           "lienthong calendar show 2027");
  one->add_option("YEAR", args->year, tr("the year (default: this one)"));
  one->callback([&shell, args] { shell.run = [&shell, args] { return show(shell, *args); }; });
  CLI::App* add = add_verb(*calendar, "import", "publish a table of days off to everybody below us",
                           "lienthong calendar import 2027.tsv --decision \"Công văn "
                           "10065/VPCP-KGVX\"");
  add->add_option("FILE", args->file, tr("the file, - for standard input"))->required();
  add->add_option("--name", args->name, tr("what it is called"));
  add->add_option("--decision", args->decision, tr("the notice that it rests on"));
  args->wait.add_to(*add);
  add->callback([&shell, args] { shell.run = [&shell, args] { return import(shell, *args); }; });
}

}  // namespace lienthong::tools
