// code: what other systems call a dossier.
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"
#include "tools/lienthong/words.h"

namespace lienthong::tools {
namespace {

struct CodeArgs {
  std::string dossier, official, system, officer, note, at, key;
  bool twice = false;
  Wait wait;
};

int say(const Shell& shell, const CodeArgs& args, const char* op, const char* done) {
  Json operation{{"op", op}, {"code", args.dossier}, {"official", args.official}};
  const auto add = [&operation](const char* name, const std::string& value) {
    if (!value.empty()) operation[name] = value;
  };
  add("system", args.system);
  add("officer", args.officer);
  add("note", args.note);
  add("at", args.at);
  add("key", args.key);
  return run_operation(shell, operation, args.wait, done);
}

int list(const Shell& shell, const CodeArgs& args) {
  Query query;
  if (args.twice) query.emplace_back("twice", "1");
  const Client client = shell.client();
  if (shell.json) {
    client.lines("/v1/codes", query, print_line);
    return kDone;
  }
  Table table({tr("OFFICIAL CODE"), tr("SYSTEM"), tr("CODE"), tr("SAID BY")});
  client.lines("/v1/codes", query, [&table](const std::string& line) {
    const Json code = Json::parse(line, nullptr, false);
    table.add({text_of(code, "official"), text_of(code, "system"), text_of(code, "code"),
               text_of(code, "by")});
  });
  if (table.size() > 0) table.print();
  print_error(format("{} official codes", table.size()));
  return kDone;
}

void add_common(CLI::App& verb, CodeArgs& args) {
  verb.add_option("CODE", args.dossier, tr("code of the dossier"))->required();
  verb.add_option("OFFICIAL", args.official, tr("the code that the other system gave"))->required();
  verb.add_option("--officer", args.officer, tr("who did it"));
  verb.add_option("--note", args.note, tr("a remark"));
  verb.add_option("--at", args.at, tr("when, as 2023-04-01T09:33:56+07:00 (default: now)"));
  verb.add_option("--key", args.key, tr("idempotency key: the same key again changes nothing"));
  args.wait.add_to(verb);
}

}  // namespace

void add_code(CLI::App& app, Shell& shell) {
  CLI::App* code = add_verb(app, "code", "codes that other systems gave our dossiers",
                            "lienthong code list --twice");
  code->require_subcommand(1);
  const auto args = std::make_shared<CodeArgs>();
  CLI::App* add = add_verb(*code, "add", "write down a code that another system gave",
                           "lienthong code add H17.20392-261201-0001 H17.30-261203-0042 --system "
                           "\"Hệ thống của thành phố\"");
  add_common(*add, *args);
  add->add_option("--system", args->system, tr("which system gave it"));
  add->callback([&shell, args] {
    shell.run = [&shell, args] { return say(shell, *args, "code add", "noted"); };
  });
  CLI::App* withdraw = add_verb(*code, "withdraw", "say that a code does not belong to the dossier",
                                "lienthong code withdraw H17.20392-261201-0001 H17.30-261203-0042");
  add_common(*withdraw, *args);
  withdraw->callback([&shell, args] {
    shell.run = [&shell, args] { return say(shell, *args, "code withdraw", "noted"); };
  });
  CLI::App* all =
      add_verb(*code, "list", "official codes that are known here", "lienthong code list --twice");
  all->add_flag("--twice", args->twice, tr("only those that two dossiers claim"));
  all->callback([&shell, args] { shell.run = [&shell, args] { return list(shell, *args); }; });
}

}  // namespace lienthong::tools
