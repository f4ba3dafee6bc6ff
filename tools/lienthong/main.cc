// lienthong: the command line. A client of the agent's local API, except where no agent runs yet.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "store/text/table.h"  // which word was meant
#include "tools/lienthong/describe.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/installed.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/screen.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

// Where init and enroll put the socket by themselves in that folder.
constexpr const char* kDataSocket = "/var/lib/lienthong/agent.sock";

struct Verb {
  const char* name;
  void (*add)(CLI::App& app, Shell& shell);
};

constexpr std::array kVerbs{
    Verb{"init", add_init},
    Verb{"invite", add_invite},
    Verb{"enroll", add_enroll},
    Verb{"issue", add_issue},
    Verb{"refill", add_refill},
    Verb{"rotate-key", add_rotate_key},
    Verb{"agency", add_agency},
    Verb{"node", add_node},
    Verb{"revoke", add_revoke},
    Verb{"closing", add_closing},
    Verb{"restored", add_restored},
    Verb{"dossier", add_dossier},
    Verb{"calendar", add_calendar},
    Verb{"code", add_code},
    Verb{"procedure", add_procedure},
    Verb{"handoff", add_handoff},
    Verb{"feedback", add_feedback},
    Verb{"document", add_document},
    Verb{"why", add_why},
    Verb{"form", add_form},
    Verb{"apply", add_apply},
    Verb{"import", add_import},
    Verb{"export", add_export},
    Verb{"bundle", add_bundle},
    Verb{"root", add_root},
    Verb{"report", add_report},
    Verb{"status", add_status},
    Verb{"peers", add_peers},
    Verb{"sync", add_sync},
    Verb{"log", add_log},
    Verb{"quarantine", add_quarantine},
    Verb{"conflicts", add_conflicts},
    Verb{"verify", add_verify},
    Verb{"inspect", add_inspect},
    Verb{"erase", add_erase},
    Verb{"backup", add_backup},
    Verb{"restore", add_restore},
    Verb{"verify-evidence", add_verify_evidence},
    Verb{"check", add_check},
    Verb{"damage", add_damage},
    Verb{"doctor", add_doctor},
    Verb{"top", add_top},
};

// The language has to be known before the options can be described in it.
std::string asked_language(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--lang" && i + 1 < argc) return argv[i + 1];
    if (word.starts_with("--lang=")) return std::string(word.substr(7));
  }
  return {};
}

std::string default_socket() {
  const char* named = std::getenv("LIENTHONG_SOCKET");
  if (named != nullptr && *named != '\0') return named;
  std::error_code error;
  const bool elsewhere = !std::filesystem::exists(kInstalledSocket, error) &&
                         std::filesystem::exists(kDataSocket, error);
  return elsewhere ? kDataSocket : kInstalledSocket;
}

// The first word that stands where a verb should; empty when there is none.
std::string asked_verb(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--socket" || words[i] == "--lang") {
      ++i;
    } else if (!words[i].starts_with('-')) {
      return words[i];
    }
  }
  return {};
}

bool is_verb(const std::string& word) {
  return std::ranges::any_of(kVerbs, [&word](const Verb& verb) { return word == verb.name; });
}

// "; did you mean dossier?" of a verb that there is none of; empty: none is near.
std::string meant_verb(const std::string& word) {
  std::vector<std::string_view> names;
  for (const Verb& verb : kVerbs) names.emplace_back(verb.name);
  const std::string near = store::nearest(word, names);
  return near.empty() ? "" : format("; did you mean {}?", near);
}

// The same of an option of the verb that was asked for.
std::string meant_option(CLI::App& app, const std::string& problem) {
  const std::size_t at = problem.find("--");
  if (at == std::string::npos) return {};
  const std::string word = problem.substr(at, problem.find_first_of(" =,", at) - at);
  CLI::App* verb = &app;
  while (!verb->get_subcommands().empty()) verb = verb->get_subcommands().front();
  std::vector<std::string> names;
  for (const CLI::App* each = verb; each != nullptr; each = each->get_parent())
    for (const CLI::Option* option : each->get_options())
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string near = store::nearest(word, views);
  return near.empty() || near == word ? "" : format("; did you mean {}?", near);
}

// "help dossier new" as "dossier new --help", and "version", as people try first.
std::vector<std::string> words_of(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const std::string verb = asked_verb(words);
  const auto at = std::ranges::find(words, verb);
  if (verb == "version") *at = "--version";
  if (verb == "help") {
    words.erase(at);
    words.emplace_back("--help");
  }
  return words;
}

// What the parser says is English; of it remain, in another language, the words that it is about.
std::string about_of(std::string text) {
  if (language() == "en") return text;
  for (const std::string_view lead :
       {"The following arguments were not expected: ", "The following argument was not expected: ",
        "Could not convert: ", "A subcommand is required", "Value "})
    if (const std::size_t at = text.find(lead); at != std::string::npos)
      text.erase(at, lead.size());
  for (const std::string_view rest : {" is required", " not in range", " not in "})
    if (const std::size_t at = text.find(rest); at != std::string::npos)
      text.replace(at, rest.size(), rest == " is required" ? "" : " ∉ ");
  const std::size_t end = text.find(": ");
  const bool more = end != std::string::npos && text.find("∉") == std::string::npos;
  return more && text.starts_with("--") ? text.substr(0, end) : text;
}

// The parser's own words, in the reader's language where its kind tells enough.
std::string usage_problem(const CLI::ParseError& error) {
  const std::string kind = error.get_name();
  const char* problem = kind == "RequiredError"      ? "something required is missing"
                        : kind == "ExtrasError"      ? "an argument is not understood"
                        : kind == "ArgumentMismatch" ? "an option has the wrong number of values"
                        : kind == "ConversionError"  ? "a value is of the wrong kind"
                        : kind == "ValidationError"  ? "a value is not one of those allowed"
                        : kind == "ExcludesError"    ? "two options exclude each other"
                        : kind == "RequiresError"    ? "an option needs another one"
                                                     : "wrong usage";
  const std::string about = about_of(error.what());
  return about.empty() ? std::string(tr(problem)) : std::string(tr(problem)) + ": " + about;
}

// The library's own words for kinds of values, in the reader's language: "TEXT:{in,out}",
// "INT:INT in [1 - 32]".
class Formatter final : public CLI::Formatter {
 public:
  // As the library's, padded by columns of the terminal rather than by bytes.
  std::string make_option(const CLI::Option* option, bool positional) const override {
    std::string left = "  " + make_option_name(option, positional) + make_option_opts(option);
    const std::size_t width = get_column_width(), taken = columns(left);
    left += taken < width ? std::string(width - taken, ' ') : "\n" + std::string(width, ' ');
    return left + make_option_desc(option) + "\n";
  }
  // Without "[Exactly 1 of the following options is required]", which is English alone.
  std::string make_description(const CLI::App* app) const override {
    std::string text = CLI::Formatter::make_description(app);
    for (const char* lead : {"[Exactly ", "[At least ", "[At most ", "[Between "})
      if (const std::size_t at = text.find(lead); at != std::string::npos && language() != "en")
        text.erase(at, text.find(']', at) + 1 - at);
    return text;
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text = CLI::Formatter::make_option_opts(option);
    const std::pair<std::string_view, std::string> words[] = {
        {"INT:INT in [", "["},
        {"TEXT:{", "{"},
        {"INT:POSITIVE", tr("NUMBER")},
        {" TEXT", " " + std::string(tr("TEXT"))},
        {" INT", " " + std::string(tr("NUMBER"))}};
    for (const auto& [word, said] : words)
      for (std::size_t at = text.find(word); at != std::string::npos;
           at = text.find(word, at + said.size()))
        text.replace(at, word.size(), said);
    return text;
  }
};

void describe(CLI::App& app, Shell& shell) {
  auto formatter = std::make_shared<Formatter>();
  formatter->label("Usage", tr("Usage"));
  formatter->label("OPTIONS", tr("OPTIONS"));
  formatter->label("SUBCOMMAND", tr("VERB"));
  formatter->label("SUBCOMMANDS", tr("VERBS"));
  formatter->label("Positionals", tr("Arguments"));
  formatter->label("REQUIRED", tr("REQUIRED"));
  formatter->column_width(34);
  app.formatter(formatter);
  app.set_help_flag("-h,--help", tr("print this help and exit"));
  app.set_version_flag("--version", "lienthong " LT_VERSION, tr("print the version and exit"));
  app.option_defaults()->group(tr("Options"));
  app.get_help_ptr()->group(tr("Options"));
  app.get_version_ptr()->group(tr("Options"));
  app.group(tr("Verbs"));
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--socket", shell.socket, tr("the agent's socket (LIENTHONG_SOCKET)"));
  app.add_flag("--json", shell.json, tr("print JSON"));
  app.add_option("--lang", shell.lang, tr("language of texts: vi or en"))
      ->check(CLI::IsMember({"vi", "en"}));
  app.add_flag("--accept-clock", shell.accept_clock,
               tr("date and number by this machine's clock though the agent doubts it"));
  for (const Verb& verb : kVerbs) verb.add(app, shell);
}

void print_json_error(int exit, const std::string& code, const std::string& message) {
  const Json error{{"exit", exit}, {"code", code}, {"message", message}};
  print_error(Json{{"error", error}}.dump(-1, ' ', false, Json::error_handler_t::replace));
}

int wrong_usage(const std::vector<std::string>& words, const std::string& problem) {
  if (std::ranges::find(words, "--json") != words.end()) {
    print_json_error(kUsage, "usage", problem);
  } else {
    print_error("lienthong: " + problem);
    print_error(tr("more: lienthong --help, lienthong VERB --help"));
  }
  return kUsage;
}

// Verbs that only look, and may say more than a screen takes.
bool is_paged(const CLI::App& app) {
  const CLI::App* verb = &app;
  while (!verb->get_subcommands().empty()) verb = verb->get_subcommands().front();
  if (verb->get_option_no_throw("--watch") != nullptr && verb->count("--watch") != 0) return false;
  static constexpr std::array<std::string_view, 12> kLooking{
      "list", "show",  "track",      "why",       "status", "peers",
      "log",  "audit", "quarantine", "conflicts", "report", "form"};
  return std::ranges::find(kLooking, verb->get_name()) != kLooking.end();
}

int run(int argc, char** argv) {
  look_at_screen();
  choose_language(pick_language(asked_language(argc, argv)));
  Shell shell;
  shell.socket = default_socket();
  CLI::App app(tr("Where dossiers are, who holds them, and what is stuck."), "lienthong");
  describe(app, shell);
  std::vector<std::string> words = words_of(argc, argv);
  if (!words.empty() && words.front() == "--describe") {  // for what is made from the verbs
    print_json(describe_verbs(app));
    return kDone;
  }
  const std::string verb = asked_verb(words);
  try {
    if (!verb.empty() && !is_verb(verb))
      return wrong_usage(words, format("no such verb: {}", verb) + meant_verb(verb));
    std::vector<std::string> left(words.rbegin(), words.rend());  // as the parser takes them
    app.parse(left);
  } catch (const CLI::Success& success) {  // --help, --version
    return app.exit(success, std::cout, std::cerr);
  } catch (const CLI::ParseError& error) {
    return wrong_usage(words, usage_problem(error) + meant_option(app, error.what()));
  }
  try {
    std::optional<Pager> pager;
    if (!shell.json && is_paged(app)) pager.emplace();
    const int code = shell.run ? shell.run() : static_cast<int>(kUsage);
    std::cout.flush();
    return std::cout ? code : static_cast<int>(kFailed);
  } catch (const Failure& failure) {
    if (shell.json) {
      print_json_error(failure.code(), failure.reason(), failure.what());
    } else {
      print_error(std::string("lienthong: ") + failure.what());
    }
    return failure.code();
  }
}

}  // namespace
}  // namespace lienthong::tools

int main(int argc, char** argv) {
  try {
    return lienthong::tools::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "lienthong: " << error.what() << '\n';
    return lienthong::tools::kFailed;
  }
}
