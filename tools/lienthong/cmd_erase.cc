// erase: what a citizen may demand, by a decision that is named.
#include <unistd.h>

#include <iostream>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

struct EraseArgs {
  std::string code, decision, key;
  bool yes = false, dry_run = false;
  Wait wait;
};

// What goes, where, and what an erasure cannot reach.
Json plan_of(const Client& client, const EraseArgs& args) {
  const Json dossier = client.get("/v1/dossiers/" + encode(args.code));
  Json plan{{"code", text_of(dossier, "code")},
            {"record", text_of(dossier, "record")},
            {"decision", args.decision},
            {"erased_already", dossier.contains("erased_by")},
            {"files", 0}};
  std::int64_t files = 0;
  for (const Json& component : list_of(dossier, "components"))
    if (!text_of(component, "digest").empty()) ++files;
  plan["files"] = files;
  plan["participants"] = list_of(dossier, "participants");
  if (dossier.value("withheld", false)) plan["files"] = number_of(dossier, "digitised_count");
  plan["backups"] = list_of(client.get("/v1/status"), "backup_folders");
  return plan;
}

void print_plan(const Json& plan) {
  print_error(
      format("{}: persons, contents, remarks and {} files are removed for good, here and at "
             "every office that has it",
             text_of(plan, "code"), number_of(plan, "files")));
  print_error(tr("what stays: who held it when, states, dates and numbers, with their signatures"));
  for (const Json& backup : list_of(plan, "backups")) {
    const std::string folder = text_of(backup, "folder"), last = show_time(text_of(backup, "last"));
    print_error(backup.value("reachable", false)
                    ? format("not reached: backups in {}, the last of {}: when the erasure is "
                             "through, lienthong backup {} --key FILE --keep 1",
                             folder, last, folder)
                    : format("not reached: backups in {}, the last of {}, which is not there now: "
                             "find it, then destroy it or make a backup with --keep 1",
                             folder, last));
  }
  print_error(tr("not reached: bundles on sticks, papers and files that were printed or saved"));
}

bool agreed(const Shell& shell, const EraseArgs& args) {
  if (args.yes || shell.json || isatty(STDIN_FILENO) == 0 || isatty(STDERR_FILENO) == 0)
    return true;
  std::cerr << tr("Go on? [y/N] ") << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "c" || answer == "C";
}

int erase(const Shell& shell, const EraseArgs& args) {
  const Json plan = plan_of(shell.client(), args);
  if (args.dry_run && shell.json) {
    print_json(plan);
    return kDone;
  }
  if (!shell.json) print_plan(plan);
  if (args.dry_run) return kDone;
  if (!agreed(shell, args)) throw Failure(kFailed, tr("nothing was done"));
  Json operation{{"op", "erase"}, {"code", args.code}, {"decision", args.decision}};
  if (!args.key.empty()) operation["key"] = args.key;
  return run_operation(shell, operation, args.wait, "erased");
}

}  // namespace

void add_erase(CLI::App& app, Shell& shell) {
  const auto args = std::make_shared<EraseArgs>();
  CLI::App* verb = add_verb(app, "erase", "remove persons and contents of a dossier for good",
                            "lienthong erase H47.518-230401-0001 --decision 12/QĐ-UBND");
  verb->add_option("CODE", args->code, tr("code of the dossier"))->required();
  verb->add_option("--decision", args->decision, tr("number of the decision"))->required();
  verb->add_flag("--dry-run", args->dry_run, tr("only show what would be done"));
  verb->add_flag("--yes,-y", args->yes, tr("do not ask first on a terminal"));
  verb->add_option("--key", args->key, tr("idempotency key: the same key again changes nothing"));
  args->wait.add_to(*verb);
  verb->callback([&shell, args] { shell.run = [&shell, args] { return erase(shell, *args); }; });
}

}  // namespace lienthong::tools
