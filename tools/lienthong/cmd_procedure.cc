// procedure: list, show, import.
#include <algorithm>
#include <sstream>

#include "tools/lienthong/apply.h"
#include "tools/lienthong/explain.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/procedure_file.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

struct ProcedureArgs {
  std::string code, file, text, decision, from, to;
  bool all = false, dry_run = false;
};

std::string day_of(const Json& object, const char* name) {
  const std::string time = text_of(object, name);
  return time.empty() ? "" : show_time(time).substr(0, 10);
}

std::string limits_of(const Json& version) {
  const Json definition = version.value("definition", Json::object());
  std::string out = show_limit(definition.value("limit", Json()));
  const Json channels = definition.value("limit_by_channel", Json::object());
  for (const auto& [channel, limit] : channels.items())
    out += (out.empty() ? "" : "; ") + channel_name(channel) + ": " + show_limit(limit);
  return out.empty() ? tr("unknown") : out;
}

int list(const Shell& shell, const ProcedureArgs& args) {
  Query query;
  if (!args.text.empty()) query.emplace_back("text", args.text);
  if (args.all) query.emplace_back("all", "1");
  const Client client = shell.client();
  if (shell.json) {
    client.lines("/v1/procedures", query, print_line);
    return kDone;
  }
  Table table({tr("CODE"), tr("NAME"), tr("FIELD"), tr("LIMIT"), tr("PUBLISHER"), tr("DECISION"),
               tr("FROM")});
  client.lines("/v1/procedures", query, [&table](const std::string& line) {
    const Json version = Json::parse(line, nullptr, false);
    table.add({text_of(version, "code") + (version.value("counts", false) ? "" : " –"),
               shorten(text_of(version, "procedure_name"), 50), text_of(version, "field"),
               limits_of(version), text_of(version, "publisher"), text_of(version, "decision"),
               day_of(version, "effective_from")});
  });
  if (table.size() > 0) table.print();
  print_error(format("{} procedures", table.size()));
  return kDone;
}

void print_steps(const Json& definition) {
  const Json& steps = list_of(definition, "steps");
  if (steps.empty()) return;
  print_line("  " + std::string(tr("Steps")));
  Table table({"", "", "", "", ""});
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::string agency = text_of(steps[i], "agency");
    table.add({std::to_string(i + 1), text_of(steps[i], "name"),
               agency.empty() ? "" : tier_name(agency), text_of(steps[i], "unit"),
               show_limit(steps[i].value("limit", Json()))});
  }
  table.print("    ");
}

void print_version(const Json& version) {
  const Json definition = version.value("definition", Json::object());
  print_line(text_of(version, "code") + " – " + text_of(version, "procedure_name") +
             (version.value("counts", false) ? "" : " " + std::string(tr("(does not count now)"))));
  Table table({"", ""});
  const auto add = [&table](const char* label, const std::string& value) {
    if (!value.empty()) table.add({label, value});
  };
  add(tr("field"), text_of(version, "field"));
  add(tr("decision"), text_of(version, "decision"));
  add(tr("publisher"), text_of(version, "publisher"));
  add(tr("in force from"), day_of(version, "effective_from"));
  add(tr("in force until"), day_of(version, "effective_to"));
  add(tr("replaced by"), text_of(version, "successor"));
  add(tr("limit"), limits_of(version));
  add(tr("after a supplement"), text_of(definition, "resume") == "extend"
                                    ? tr("the limit goes on")
                                    : tr("the limit restarts"));
  add(tr("source"), text_of(definition, "source"));
  add(tr("note"), text_of(definition, "note"));
  add(tr("problem"), text_of(version, "problem"));
  add(tr("record"), text_of(version, "record"));
  table.print("  ");
  print_steps(definition);
  for (const Json& component : list_of(definition, "components"))
    print_line("  • " + text_of(component, "name") +
               (component.value("required", true) ? "" : " " + std::string(tr("(if any)"))));
}

int show(const Shell& shell, const ProcedureArgs& args) {
  const Json answer = shell.client().get("/v1/procedures/" + encode(args.code));
  if (shell.json) {
    print_json(answer);
    return kDone;
  }
  for (const Json& version : list_of(answer, "versions")) print_version(version);
  return kDone;
}

int import(const Shell& shell, const ProcedureArgs& args) {
  const ProcedureDefaults defaults{args.decision, args.from, args.to};
  const ProcedureFile file = read_procedures(read_file(args.file), defaults);
  std::vector<ProcedureRemark> remarks = file.remarks;
  std::stringstream lines;
  for (const ProcedureLine& line : file.lines) lines << line.operation.dump() << '\n';
  ApplyOptions options;
  options.dry_run = args.dry_run;
  const ApplyOutcome sent = apply_lines(lines, shell.client(), options);
  for (const RefusedLine& refusal : sent.refused) {
    const ProcedureLine& line = file.lines.at(refusal.line - 1);
    Json error = refusal.error;  // there is one procedure a line: only the field is worth telling
    const std::string place = error.value("place", "");
    const std::size_t comma = place.find(", ");
    error["place"] = comma == std::string::npos ? "" : place.substr(comma + 2);
    remarks.push_back({line.number, line.code, "refused", reason_of(error)});
  }
  std::ranges::stable_sort(remarks, {}, &ProcedureRemark::line);
  const std::size_t published = sent.applied, known = sent.repeated;
  std::size_t refused = 0;
  Json list = Json::array();
  for (const ProcedureRemark& remark : remarks) {
    refused += remark.kind == "refused" ? 1 : 0;
    list.push_back({{"line", remark.line},
                    {"code", remark.code},
                    {"kind", remark.kind},
                    {"text", remark.text}});
    print_error(format("line {}: {}", remark.line,
                       (remark.code.empty() ? "" : remark.code + ": ") + remark.text));
  }
  if (shell.json) {
    print_json({{"lines", file.lines.size() + file.skipped},
                {"dry_run", args.dry_run},
                {"empty", file.empty},
                {"published", published},
                {"repeated", known},
                {"refused", refused},
                {"remarks", std::move(list)}});
  } else if (args.dry_run) {
    print_line(format("{} procedures: {} would be published, {} known already, {} would be refused",
                      file.lines.size() + file.skipped, published, known, refused));
  } else {
    print_line(format("{} procedures: {} published, {} known already, {} refused",
                      file.lines.size() + file.skipped, published, known, refused));
  }
  return refused == 0 ? kDone : kFailed;
}

}  // namespace

void add_procedure(CLI::App& app, Shell& shell) {
  CLI::App* procedure = add_verb(app, "procedure", "the procedures that are published",
                                 "lienthong procedure list --text \"khai sinh\"");
  procedure->require_subcommand(1);
  const auto args = std::make_shared<ProcedureArgs>();
  const auto on_run = [&shell, args](CLI::App& verb,
                                     int (*run)(const Shell&, const ProcedureArgs&)) {
    verb.callback(
        [&shell, args, run] { shell.run = [&shell, args, run] { return run(shell, *args); }; });
  };
  CLI::App* many = add_verb(*procedure, "list", "procedures with the version that counts here",
                            "lienthong procedure list --all");
  many->add_option("--text", args->text, tr("with these words; case and diacritics do not matter"));
  many->add_flag("--all", args->all, tr("also versions that do not count here or now"));
  on_run(*many, list);
  CLI::App* one = add_verb(*procedure, "show", "the versions of one procedure, with their steps",
                           "lienthong procedure show 1.010803");
  one->add_option("CODE", args->code, tr("code of the procedure"))->required();
  on_run(*one, show);
  CLI::App* add =
      add_verb(*procedure, "import", "publish procedures to everybody: a table with tabs, or JSON",
               "lienthong procedure import procedures.tsv --decision \"QĐ "
               "163/QĐ-BTP\" --from 2025-01-01");
  add->add_option("FILE", args->file, tr("the file, - for standard input"))->required();
  add->add_option("--decision", args->decision, tr("the decision, where a line names none"));
  add->add_option("--from", args->from, tr("in force from this date, where a line names none"));
  add->add_option("--to", args->to, tr("in force until this date, where a line names none"));
  add->add_flag("--dry-run", args->dry_run, tr("only say what would be published"));
  on_run(*add, import);
}

}  // namespace lienthong::tools
