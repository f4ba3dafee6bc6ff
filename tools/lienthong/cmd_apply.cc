// apply, import, export: JSON lines in and out.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>

#include "tools/lienthong/apply.h"
#include "tools/lienthong/csv_dossier.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

struct ApplyArgs {
  std::string file, format;
  bool atomic = false;
};

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

int finish(const Shell& shell, const ApplyOutcome& outcome) {
  if (shell.json) {
    print_json(summary(outcome));
  } else {
    print_line(format("{} lines: {} applied, {} known already, {} refused", outcome.lines,
                      outcome.applied, outcome.repeated, outcome.refused.size()));
  }
  return outcome.refused.empty() ? kDone : kFailed;
}

int send_file(const Shell& shell, const ApplyArgs& args, ApplyOptions options) {
  std::ifstream file;
  if (args.file != "-") {
    file.open(args.file, std::ios::binary);
    if (!file) throw Failure(kFailed, format("cannot read {}", args.file));
  }
  std::istream& input = args.file == "-" ? std::cin : file;
  Progress progress(args.file);
  options.atomic = args.atomic;
  options.on_refused = [&progress](const RefusedLine& line) {
    progress.clear();
    print_error(format("line {}: {}", line.line, reason_of(line.error)));
  };
  options.on_progress = [&progress](const ApplyOutcome& outcome, std::uint64_t bytes) {
    progress.show(outcome, bytes);
  };
  const ApplyOutcome outcome = apply_lines(input, shell.client(), options);
  progress.clear();
  return finish(shell, outcome);
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
  for (const char* computed : {"record", "holder", "offered_to", "custody", "set_aside", "inert",
                               "conflicts", "conflict", "heads", "participants", "late",
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

bool is_csv(const ApplyArgs& args) {
  if (!args.format.empty()) return args.format == "csv";
  return args.file.ends_with(".csv") || args.file.ends_with(".CSV");
}

// Rows that can be read become lines; the places of refusals are those of the table.
int send_csv(const Shell& shell, const ApplyArgs& args) {
  const CsvDossiers table = read_csv(read_file(args.file));
  if (!table.error.is_null()) throw Failure(kFailed, reason_of(table.error));
  std::stringstream lines;
  std::vector<std::uint64_t> places;
  ApplyOutcome outcome;
  for (const CsvDossier& row : table.rows) {
    if (row.error.is_null()) {
      lines << row.dossier.dump() << '\n';
      places.push_back(row.line);
    } else {
      outcome.refused.push_back({row.line, row.error});
    }
  }
  const std::size_t unread = outcome.refused.size();
  if (unread == 0 || !args.atomic) {
    ApplyOptions options;
    options.atomic = args.atomic;
    options.rewrite = receive_operation;
    const ApplyOutcome sent = apply_lines(lines, shell.client(), options);
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
  outcome.lines = table.rows.size();
  std::ranges::stable_sort(outcome.refused, {}, &RefusedLine::line);
  for (const RefusedLine& line : outcome.refused)
    print_error(format("line {}: {}", line.line, reason_of(line.error)));
  return finish(shell, outcome);
}

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct ExportTo {
  std::string format = "json", out;
  bool byte_order_mark = false;
};

int export_lines(const Shell& shell, Query query, const ExportTo& to) {
  std::ofstream file;
  const std::string& out = to.out;
  if (!out.empty()) file.open(out, std::ios::binary);
  std::ostream& stream = out.empty() ? std::cout : file;
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
  if (!stream) throw Failure(kFailed, format("cannot write {}", out.empty() ? "-" : out));
  return kDone;
}

void add_file(CLI::App& verb, const std::shared_ptr<ApplyArgs>& args) {
  verb.add_option("FILE", args->file, tr("JSON lines, - for standard input"))->required();
  verb.add_flag("--atomic", args->atomic, tr("all lines or none"));
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
                            "lienthong import dossiers.jsonl\n  lienthong import so-theo-doi.csv");
  add_file(*verb, args);
  verb->add_option("--format", args->format, tr("json or csv (default: by the file's name)"))
      ->check(CLI::IsMember({"json", "csv"}));
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
  verb->add_option("--since", filter->since, tr("received since, as 2023-04-01T00:00:00+07:00"));
  verb->add_option("--procedure", filter->procedure, tr("of this procedure"));
  verb->add_option("--agency", filter->agency, tr("received at this agency"));
  verb->add_option("--out", filter->to.out, tr("write to this file (default: standard output)"));
  verb->add_option("--format", filter->to.format,
                   tr("json, csv, or portal: JSON under the national portal's names"))
      ->check(CLI::IsMember({"json", "csv", "portal"}));
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
