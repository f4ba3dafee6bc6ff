// apply, import, export: JSON lines in and out. What a file is written in is found here, before the
// agent is asked for anything: it is given UTF-8 alone.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>

#include "store/text/encoding.h"
#include "store/text/workbook.h"
#include "tools/lienthong/apply.h"
#include "tools/lienthong/csv_dossier.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/file_names.h"
#include "tools/lienthong/json_items.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"
#include "tools/lienthong/workbook_out.h"

namespace lienthong::tools {
namespace {

struct ApplyArgs {
  std::string file, format;
  bool atomic = false, dry_run = false, update = false;
};

// A line that is ready to be sent, or why it is not.
struct Item {
  std::uint64_t line = 0;  // of the file
  std::string text;
  Json error;
};

constexpr std::size_t kLookedAt = 65536;  // of a file, to see what it is

// One line on the terminal that is written over; nothing elsewhere.
class Progress {
 public:
  explicit Progress(const std::string& file) : shown_(isatty(STDERR_FILENO) != 0) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    if (!error) total_ = size;
  }
  void show(const ApplyOutcome& outcome, std::uint64_t bytes) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    drawn_ = true;
    const std::string share = total_ > 0 ? fmt::format("{:3}% ", bytes * 100 / total_) : "";
    std::cerr << '\r' << share
              << format("{} lines, {} applied, {} refused", outcome.lines, outcome.applied,
                        outcome.refused.size())
              << "\033[K" << std::flush;
  }
  void clear() {
    if (drawn_) std::cerr << "\r\033[K" << std::flush;
    drawn_ = false;
  }

 private:
  bool shown_;
  bool drawn_ = false;
  std::uint64_t total_ = 0;
  std::chrono::steady_clock::time_point last_;
};

Json summary(const ApplyOutcome& outcome) {
  Json refused = Json::array();
  for (const RefusedLine& line : outcome.refused) {
    Json entry{{"line", line.line}};
    entry.update(line.error);
    refused.push_back(std::move(entry));
  }
  return {{"lines", outcome.lines},
          {"applied", outcome.applied},
          {"repeated", outcome.repeated},
          {"refused", std::move(refused)}};
}

int finish(const Shell& shell, const ApplyArgs& args, const ApplyOutcome& outcome,
           const Json& more = Json::object()) {
  if (shell.json) {
    Json out = summary(outcome);
    if (args.dry_run) out["dry_run"] = true;
    out.update(more);
    print_json(out);
  } else if (args.dry_run) {
    print_line(format("{} lines: {} would be applied, {} known already, {} would be refused",
                      outcome.lines, outcome.applied, outcome.repeated, outcome.refused.size()));
  } else {
    print_line(format("{} lines: {} applied, {} known already, {} refused", outcome.lines,
                      outcome.applied, outcome.repeated, outcome.refused.size()));
  }
  return outcome.refused.empty() ? kDone : kFailed;
}

// Somebody has to see whom a line was taken to be: it may be the same file again, or another
// citizen's.
void print_known(std::uint64_t line, const KnownLine& known) {
  if (known.plain)
    print_error(
        format("line {}: known already as {}; if it is another dossier, give it a code or a "
               "key",
               line, known.code));
}

// What stands under a code that is known, as the change of it that the user asked for.
std::string change_operation(const std::string& line) {
  Json fields = Json::parse(line, nullptr, false);
  if (fields.contains("dossier")) fields = fields["dossier"];
  const std::string code = text_of(fields, "code");
  for (const char* name : {"code", "history"}) fields.erase(name);
  return Json{{"op", "set"}, {"code", code}, {"fields", fields}}.dump();
}

// Those that are here with other content are changed; what is refused of them stays so, by its own
// reason.
void change_known(const Client& client, const std::vector<std::string>& texts,
                  ApplyOutcome& outcome) {
  std::vector<RefusedLine> still;
  for (RefusedLine& line : outcome.refused) {
    const std::string& text = texts.at(line.line - 1);
    if (line.error.value("code", "") != "conflict" || text.empty()) {
      still.push_back(std::move(line));
      continue;
    }
    try {
      static_cast<void>(client.operate(Json::parse(change_operation(text))));
      ++outcome.applied;
    } catch (const Failure& failure) {
      if (failure.code() == kNoAgent) throw;
      still.push_back({line.line, {{"code", ""}, {"message", failure.what()}}});
    }
  }
  outcome.refused = std::move(still);
}

// Lines of which some cannot be sent; `more`: what the summary says beside them.
int send_items(const Shell& shell, const ApplyArgs& args, const std::vector<Item>& items,
               const std::function<std::string(std::string)>& rewrite, const Json& more) {
  std::stringstream lines;
  std::vector<std::uint64_t> places;
  std::vector<std::string> texts;  // of the same
  ApplyOutcome outcome;
  for (const Item& item : items) {
    if (item.error.is_null()) {
      texts.push_back(rewrite ? rewrite(item.text) : item.text);
      lines << texts.back() << '\n';
      places.push_back(item.line);
    } else {
      outcome.refused.push_back({item.line, item.error});
    }
  }
  if (outcome.refused.empty() || !args.atomic) {
    ApplyOptions options;
    options.atomic = args.atomic;
    options.dry_run = args.dry_run;
    options.on_known = [&](const KnownLine& known) {
      print_known(places.at(known.line - 1), known);
    };
    ApplyOutcome sent = apply_lines(lines, shell.client(), options);
    if (args.update && !args.dry_run) change_known(shell.client(), texts, sent);
    outcome.applied = sent.applied;
    outcome.repeated = sent.repeated;
    for (RefusedLine line : sent.refused) {
      line.line = places.at(line.line - 1);
      if (std::string place = line.error.value("place", ""); place.starts_with("line ")) {
        const std::size_t comma = place.find(", ");
        line.error["place"] = comma == std::string::npos ? "" : place.substr(comma + 2);
      }
      outcome.refused.push_back(std::move(line));
    }
  }
  outcome.lines = items.size();
  std::ranges::stable_sort(outcome.refused, {}, &RefusedLine::line);
  for (const RefusedLine& line : outcome.refused)
    print_error(format("line {}: {}", line.line, reason_of(line.error)));
  return finish(shell, args, outcome, more);
}

// The start of a file, without reading it away; of standard input what is there without waiting.
std::string start_of(std::istream& input, const std::string& file) {
  std::string start;
  if (file == "-") {
    if (const int c = input.peek(); c != std::char_traits<char>::eof())
      start += static_cast<char>(c);
    return start;
  }
  start.resize(kLookedAt);
  input.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<std::size_t>(input.gcount()));
  input.clear();
  input.seekg(0);
  return start;
}

int send_json(const Shell& shell, const ApplyArgs& args, std::istream& input,
              const std::function<std::string(std::string)>& rewrite) {
  const std::string bytes{std::istreambuf_iterator<char>(input), std::istreambuf_iterator<char>()};
  const auto text = store::decode_text(bytes);
  if (!text.ok())
    throw Failure(kFailed, format("{}: {}", args.file, tell_reason(text.error().detail())));
  std::vector<Item> items;
  for (JsonItem& item : cut_json(*text))
    items.push_back({item.line, std::move(item.text), nullptr});
  return send_items(shell, args, items, rewrite, Json::object());
}

int send_file(const Shell& shell, const ApplyArgs& args, ApplyOptions options) {
  std::ifstream file;
  if (args.file != "-") {
    file.open(args.file, std::ios::binary);
    if (!file) throw Failure(kFailed, format("cannot read {}", args.file));
  }
  std::istream& input = args.file == "-" ? std::cin : file;
  if (args.update || needs_cutting(start_of(input, args.file)))
    return send_json(shell, args, input, options.rewrite);
  Progress progress(args.file);
  options.atomic = args.atomic;
  options.dry_run = args.dry_run;
  options.on_known = [&progress](const KnownLine& known) {
    progress.clear();
    print_known(known.line, known);
  };
  options.on_refused = [&progress](const RefusedLine& line) {
    progress.clear();
    print_error(format("line {}: {}", line.line, reason_of(line.error)));
  };
  options.on_progress = [&progress](const ApplyOutcome& outcome, std::uint64_t bytes) {
    progress.show(outcome, bytes);
  };
  const ApplyOutcome outcome = apply_lines(input, shell.client(), options);
  progress.clear();
  return finish(shell, args, outcome);
}

// An entry of the history as it may be brought in: what the agent itself knows about it is left
// out.
Json plain_entry(const Json& entry) {
  Json plain = Json::object();
  for (const char* name : {"at", "officer", "unit", "action", "note"}) {
    if (entry.contains(name)) plain[name] = entry[name];
  }
  return plain;
}

// A line of `export` as the operation that receives it. What replicas compute is left out; the code
// is the idempotency key, so that importing twice changes nothing.
std::string receive_operation(std::string line) {
  Json dossier = Json::parse(line, nullptr, false);
  if (!dossier.is_object() || dossier.contains("op")) return line;  // the agent judges it
  for (const char* computed : {"record", "revision", "holder", "offered_to", "custody", "set_aside",
                               "inert", "conflicts", "conflict", "heads", "participants", "late",
                               "updated_at", "missing", "erased_by", "needs_rules_version"}) {
    dossier.erase(computed);
  }
  Json history = Json::array();
  for (const Json& entry : list_of(dossier, "history")) {
    if (entry.is_object()) history.push_back(plain_entry(entry));
  }
  if (!history.empty()) dossier["history"] = std::move(history);
  const std::string code = text_of(dossier, "code");
  Json operation{{"op", "create"}, {"dossier", std::move(dossier)}};
  if (!code.empty()) operation["key"] = "import " + code;
  return operation.dump();
}

// A table: said so, named so, or it begins with no bracket.
bool is_csv(const ApplyArgs& args) {
  if (!args.format.empty()) return args.format != "json";
  std::string ending = std::filesystem::path(args.file).extension().string();
  std::ranges::transform(ending, ending.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* table : {".csv", ".tsv", ".tab", ".txt", ".xlsx", ".xls"})
    if (ending == table) return true;
  if (args.file == "-" || ending.starts_with(".json") || ending == ".ndjson") return false;
  const std::string bytes = read_file(args.file);
  if (store::is_workbook(bytes)) return true;
  const auto text = store::decode_text(bytes);
  const std::size_t first = text.ok() ? text->find_first_not_of(" \t\r\n") : std::string::npos;
  return first != std::string::npos && (*text)[first] != '{' && (*text)[first] != '[';
}

// Rows that can be read become lines; the places of refusals are those of the table.
int send_csv(const Shell& shell, const ApplyArgs& args) {
  const CsvDossiers table = read_csv(read_file(args.file));
  if (!table.error.is_null()) throw Failure(kFailed, reason_of(table.error));
  std::vector<Item> items;
  for (const CsvDossier& row : table.rows)
    items.push_back({row.line, row.dossier.is_null() ? "" : row.dossier.dump(), row.error});
  Json remarks = Json::array();
  for (const CsvRemark& remark : table.remarks) {
    print_error(format("line {}: {}: {}", remark.line, remark.column, remark.text));
    remarks.push_back({{"line", remark.line},
                       {"column", remark.column},
                       {"repaired", remark.repaired},
                       {"text", remark.text}});
  }
  for (const std::string& column : table.left)
    print_error(format("the column \"{}\" says nothing of a dossier and is passed over", column));
  if (table.empty != 0) print_error(format("{} empty rows were passed over", table.empty));
  return send_items(shell, args, items, receive_operation,
                    {{"empty", table.empty}, {"remarks", std::move(remarks)}});
}

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct ExportTo {
  std::string format = "json", out;
  bool byte_order_mark = false;
};

int export_workbook(const Shell& shell, const Query& query, const ExportTo& to) {
  WorkbookFile file(to.out, WorkbookFile::Cells::kText);
  file.add(csv_columns());
  shell.client().lines("/v1/export", query, [&file](const std::string& line) {
    file.add(cells_of_dossier(Json::parse(line, nullptr, false)));
  });
  file.finish();
  return kDone;
}

int export_lines(const Shell& shell, Query query, const ExportTo& to) {
  if (to.format == "xlsx") return export_workbook(shell, query, to);
  std::optional<OutputFile> file;
  if (!to.out.empty()) file.emplace(to.out);
  std::ostream& stream = file ? file->stream() : std::cout;
  const bool csv = to.format == "csv";
  if (to.format == "portal") query.emplace_back("format", to.format);
  if (csv && to.byte_order_mark) stream << kByteOrderMark;
  if (csv) stream << csv_header();
  shell.client().lines("/v1/export", query, [&stream, csv](const std::string& line) {
    if (csv) {
      stream << csv_row_of(Json::parse(line, nullptr, false));
    } else {
      stream << line << '\n';
    }
  });
  stream.flush();
  if (!stream) throw Failure(kFailed, format("cannot write {}", to.out.empty() ? "-" : to.out));
  if (file) file->finish();
  return kDone;
}

void add_file(CLI::App& verb, const std::shared_ptr<ApplyArgs>& args) {
  verb.add_option("FILE", args->file, tr("JSON lines, - for standard input"))->required();
  verb.add_flag("--atomic", args->atomic, tr("all lines or none"));
  verb.add_flag("--dry-run", args->dry_run,
                tr("only say what each line would come to; nothing is written"));
}

}  // namespace

void add_apply(CLI::App& app, Shell& shell) {
  const auto args = std::make_shared<ApplyArgs>();
  CLI::App* verb =
      add_verb(app, "apply", "carry out a file of operations", "lienthong apply operations.jsonl");
  add_file(*verb, args);
  verb->callback(
      [&shell, args] { shell.run = [&shell, args] { return send_file(shell, *args, {}); }; });
}

void add_import(CLI::App& app, Shell& shell) {
  const auto args = std::make_shared<ApplyArgs>();
  CLI::App* verb = add_verb(app, "import", "receive dossiers, one a line, as export prints them",
                            "lienthong import dossiers.jsonl\n  lienthong import so-theo-doi.xlsx");
  add_file(*verb, args);
  verb->add_option("--format", args->format, tr("json, csv or xlsx (default: by the file)"))
      ->check(CLI::IsMember({"json", "csv", "xlsx"}));
  verb->add_flag("--update", args->update,
                 tr("where a code is here with other content, change what differs"));
  verb->callback([&shell, args] {
    shell.run = [&shell, args] {
      if (is_csv(*args)) return send_csv(shell, *args);
      ApplyOptions options;
      options.rewrite = receive_operation;
      return send_file(shell, *args, options);
    };
  });
}

void add_export(CLI::App& app, Shell& shell) {
  struct Filter {
    std::string holder, status, since, procedure, agency;
    ExportTo to;
  };
  const auto filter = std::make_shared<Filter>();
  CLI::App* verb = add_verb(app, "export", "print dossiers as JSON, one a line, sorted by code",
                            "lienthong export --agency H47.518 --out dossiers.jsonl\n  lienthong "
                            "export --format csv --bom --out dossiers.csv");
  verb->add_option("--holder", filter->holder, tr("held by this agency"));
  verb->add_option("--status", filter->status, tr("in this state, such as processing"));
  verb->add_option("--since", filter->since,
                   tr("changed since, as 31/12/2024 or 2024-12-31T08:30"));
  verb->add_option("--procedure", filter->procedure, tr("of this procedure"));
  verb->add_option("--agency", filter->agency, tr("in which this agency takes part"));
  verb->add_option("--out", filter->to.out, tr("write to this file (default: standard output)"));
  verb->add_option(
          "--format", filter->to.format,
          tr("json, csv, xlsx (with --out), or portal: JSON under the national portal's names"))
      ->check(CLI::IsMember({"json", "csv", "xlsx", "portal"}));
  verb->add_flag("--bom", filter->to.byte_order_mark,
                 tr("csv: begin with a byte order mark, for spreadsheets that guess"));
  verb->callback([&shell, filter] {
    shell.run = [&shell, filter] {
      Query query;
      const std::pair<const char*, const std::string&> pairs[] = {{"holder", filter->holder},
                                                                  {"status", filter->status},
                                                                  {"since", filter->since},
                                                                  {"procedure", filter->procedure},
                                                                  {"agency", filter->agency}};
      for (const auto& [name, value] : pairs) {
        if (!value.empty()) query.emplace_back(name, value);
      }
      ExportTo to = filter->to;
      if (to.out == "-") to.out.clear();
      return export_lines(shell, std::move(query), to);
    };
  });
}

}  // namespace lienthong::tools
