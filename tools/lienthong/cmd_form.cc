// form: printed forms of a dossier, and the registers of a year.
#include <fstream>
#include <iostream>
#include <optional>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/file_names.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"
#include "tools/lienthong/workbook_out.h"

namespace lienthong::tools {
namespace {

struct FormArgs {
  std::string number, code, set, format = "text", out, field, procedure, agency, by;
  int year = 0;
};

// The address of what is asked for: one dossier's form, or the registers of a year.
std::string path_of(const FormArgs& args, Query& query) {
  if (!args.set.empty()) query.emplace_back("set", args.set);
  if (!args.code.empty()) {
    if (args.year != 0) throw Failure(kUsage, tr("a form is of a dossier or of a year, not both"));
    return "/v1/dossiers/" + encode(args.code) + "/forms/" + encode(args.number);
  }
  if (args.year == 0)
    throw Failure(kUsage, tr("which dossier? give its code, or --year for a register"));
  query.emplace_back("year", std::to_string(args.year));
  query.emplace_back("number", args.number);
  const std::pair<const char*, const std::string&> pairs[] = {{"field", args.field},
                                                              {"procedure", args.procedure},
                                                              {"agency", args.agency},
                                                              {"by", args.by}};
  for (const auto& [name, value] : pairs)
    if (!value.empty()) query.emplace_back(name, value);
  return "/v1/registers";
}

int print_form(const Shell& shell, const FormArgs& args) {
  Query query;
  const std::string path = path_of(args, query);
  if (shell.json) {
    print_json(shell.client().get(path, query));
    return kDone;
  }
  if (args.format == "xlsx") {
    WorkbookFile book(args.out, WorkbookFile::Cells::kText);
    std::string csv;
    query.emplace_back("format", "csv");
    shell.client().download(
        path,
        [&csv](const char* data, std::size_t size) {
          csv.append(data, size);
          return true;
        },
        "GET", query);
    book.add_csv(csv);
    book.finish();
    return kDone;
  }
  query.emplace_back("format", args.format);
  std::optional<OutputFile> file;
  const bool to_file = !args.out.empty() && args.out != "-";
  std::ostream* stream = &std::cout;
  bool begun = false;
  shell.client().download(
      path,
      [&](const char* data, std::size_t size) {
        // Opened only when there is something to write: a refusal leaves the file as it was.
        if (to_file && !begun) stream = &file.emplace(args.out).stream();
        begun = true;
        stream->write(data, static_cast<std::streamsize>(size));
        return stream->good();
      },
      "GET", query);
  stream->flush();
  if (!*stream) throw Failure(kFailed, format("cannot write {}", to_file ? args.out : "-"));
  if (file) file->finish();
  if (!begun) print_error(tr("nothing was received in that year"));
  return kDone;
}

}  // namespace

void add_form(CLI::App& app, Shell& shell) {
  const auto args = std::make_shared<FormArgs>();
  CLI::App* verb = add_verb(
      app, "form", "print a form of a dossier, or the registers of a year",
      "lienthong form 05 H47.518-230401-0001\n  lienthong form 06 --year 2023 --out so.html "
      "--format html");
  verb->add_option("NUMBER", args->number,
                   tr("01 to 07, or its kind: receipt, supplement, refusal, apology, stop, "
                      "control, register"))
      ->required();
  verb->add_option("CODE", args->code, tr("code of the dossier"));
  verb->add_option("--format", args->format, tr("text, html, csv or xlsx (with --out)"))
      ->check(CLI::IsMember({"text", "html", "csv", "xlsx"}));
  verb->add_option("--set", args->set,
                   tr("set of forms, 2018 or 2025 (default: by the date of reception)"));
  verb->add_option("--out", args->out, tr("write to this file (default: standard output)"));
  verb->add_option("--year", args->year, tr("register: of this year"))
      ->check(CLI::Range(1970, 9999));
  verb->add_option("--field", args->field, tr("register: only this field of work"));
  verb->add_option("--procedure", args->procedure, tr("register: only this procedure"));
  verb->add_option("--agency", args->agency, tr("register: of what this agency received"));
  verb->add_option("--by", args->by, tr("register: one book for each field or procedure"))
      ->check(CLI::IsMember({"field", "procedure"}));
  verb->callback(
      [&shell, args] { shell.run = [&shell, args] { return print_form(shell, *args); }; });
}

}  // namespace lienthong::tools
