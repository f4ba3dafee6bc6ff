// doctor: what is wrong with this machine and what to do about it, with or without a running agent.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "agent/config/examine.h"
#include "store/text/table.h"
#include "tools/lienthong/ailments.h"
#include "tools/lienthong/bundle_file.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

namespace fs = std::filesystem;

struct DoctorArgs {
  std::string config, bundle;
  bool list = false, markdown = false;
};

constexpr int kCriticalState = 2;

int state_of(std::string_view level) {
  return level == "critical" ? kCriticalState : level == "warning" ? 1 : 0;
}

// As the agent's own findings come.
Json to_json(const texts::Finding& finding) {
  using texts::Language;
  return {{"code", texts::code_of(finding.reason)},
          {"values", finding.values},
          {"text_en", texts::text_of(Language::kEnglish, finding.reason, finding.values)},
          {"text_vi", texts::text_of(Language::kVietnamese, finding.reason, finding.values)},
          {"level", texts::to_string(finding.level)}};
}

std::string config_of(const Shell& shell, const DoctorArgs& args) {
  if (!args.config.empty()) return args.config;
  constexpr const char* kInstalled = "/etc/lienthong/agent.toml";
  const fs::path beside = fs::path(shell.socket).parent_path() / "agent.toml";
  std::error_code problem;
  if (fs::exists(beside, problem)) return beside.string();
  return kInstalled;
}

// What the running agent finds; false: none answers.
bool ask_agent(const Shell& shell, Json& findings) {
  try {
    for (const Json& message :
         list_of(shell.client().get("/v1/check", {{"notes", "1"}}), "messages"))
      findings.push_back(message);
    return true;
  } catch (const Failure& failure) {
    const bool denied = ::access(shell.socket.c_str(), R_OK | W_OK) != 0 && errno == EACCES;
    findings.push_back(to_json(
        denied
            ? texts::Finding{texts::Level::kCritical, texts::Reason::kSocketDenied, {shell.socket}}
            : texts::Finding{texts::Level::kCritical,
                             texts::Reason::kNoAgent,
                             {shell.socket, failure.what()}}));
    return denied;  // it may well run
  }
}

Json findings_of(const Shell& shell, const DoctorArgs& args) {
  Json out = Json::array();
  agent::Examination what;
  what.agent_runs = ask_agent(shell, out);
  what.config = config_of(shell, args);
  for (const texts::Finding& finding : agent::examine(what)) out.push_back(to_json(finding));
  for (Json& finding : out) {
    const Ailment* ailment = find_ailment(text_of(finding, "code"));
    if (ailment == nullptr) continue;
    finding["cause"] = tr(ailment->cause);
    finding["remedy"] = tr(ailment->remedy);
    finding["command"] = ailment->command;
  }
  Json sorted = Json::array();
  for (const char* level : {"critical", "warning", "note"})
    for (const Json& finding : out)
      if (text_of(finding, "level") == level) sorted.push_back(finding);
  return sorted;
}

void print_findings(const Json& findings) {
  const char* text_name = language() == "vi" ? "text_vi" : "text_en";
  for (const Json& finding : findings) {
    const int state = state_of(text_of(finding, "level"));
    print_line((state == kCriticalState ? "✗ "
                : state == 1            ? "! "
                                        : "· ") +
               text_of(finding, "code") + ": " + text_of(finding, text_name));
    const std::string remedy = text_of(finding, "remedy"), command = text_of(finding, "command");
    if (!remedy.empty()) print_line("    → " + remedy);
    if (!command.empty()) print_line("    $ " + command);
  }
  if (findings.empty()) print_line(tr("Nothing is wrong."));
}

int print_ailments(const Shell& shell, bool markdown) {
  Table table({tr("CODE"), tr("CAUSE"), tr("REMEDY"), tr("COMMAND")});
  for (const Ailment& ailment : ailments()) {
    const std::string code(ailment.code);
    if (shell.json)
      print_json({{"code", code},
                  {"cause", tr(ailment.cause)},
                  {"remedy", tr(ailment.remedy)},
                  {"command", ailment.command}});
    else if (markdown)
      print_line(fmt::format("| `{}` | {} | {} | `{}` |", code, tr(ailment.cause),
                             tr(ailment.remedy), ailment.command));
    else
      table.add({code, tr(ailment.cause), tr(ailment.remedy), ailment.command});
  }
  if (!shell.json && !markdown) table.print();
  return kDone;
}

int doctor(const Shell& shell, const DoctorArgs& args) {
  if (args.list || args.markdown) return print_ailments(shell, args.markdown);
  const Json findings = findings_of(shell, args);
  int state = 0;
  for (const Json& finding : findings) state = std::max(state, state_of(text_of(finding, "level")));
  if (!args.bundle.empty()) {
    write_support_bundle(shell.client(), args.bundle, config_of(shell, args), findings);
    print_error(format("written: {}; look through it before you send it", args.bundle));
  }
  if (shell.json)
    print_json({{"state", state}, {"findings", findings}});
  else
    print_findings(findings);
  return state;
}

}  // namespace

void add_doctor(CLI::App& app, Shell& shell) {
  const auto args = std::make_shared<DoctorArgs>();
  CLI::App* verb = add_verb(app, "doctor",
                            "find what is wrong with this machine, and say what to do: exit codes "
                            "as check",
                            "lienthong doctor");
  verb->add_option("--config", args->config, tr("the agent's configuration file"));
  verb->add_option("--bundle", args->bundle,
                   tr("also write what a supporter needs into this file, without personal data"));
  verb->add_flag("--list", args->list, tr("instead: every failure that can be found"));
  verb->add_flag("--markdown", args->markdown, tr("the same as rows of a table in Markdown"));
  verb->callback([&shell, args] { shell.run = [&shell, args] { return doctor(shell, *args); }; });
}

}  // namespace lienthong::tools
