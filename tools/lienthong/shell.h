// What every verb is given: the options that stand before or after any verb, and the door to the
// agent.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "tools/lienthong/client.h"

namespace lienthong::tools {

struct Shell {
  std::string socket;  // --socket, LIENTHONG_SOCKET, or where the package puts it
  bool json = false;
  std::string lang;
  bool accept_clock = false;  // --accept-clock
  std::function<int()> run;   // what the verb named on the command line does; the exit code

  Client client() const { return Client(socket, accept_clock); }
};

// --wait and --timeout of a verb that changes something.
struct Wait {
  bool wanted = false;
  std::string timeout = "60s";
  void add_to(CLI::App& verb);
};

// A verb with its one-line description and an example of its use, both translated.
CLI::App* add_verb(CLI::App& parent, const char* name, const char* description,
                   const char* example);

// "90", "30s", "15m", "4h", "2d". Throws Failure kUsage, naming the text.
std::chrono::seconds parse_duration(const std::string& text);

// Until the neighbour concerned has acknowledged the last change of the dossier: `to` where it is
// given and a neighbour, else every neighbour that the dossier has to reach. Throws Failure kFailed
// when the time is up: the change is kept and goes on by itself.
void wait_until_acknowledged(const Client& client, const std::string& code, const std::string& to,
                             std::chrono::seconds timeout);

// One operation on a dossier: sends it, waits where asked, prints the outcome.
int run_operation(const Shell& shell, const Json& operation, const Wait& wait,
                  const char* done_message);

// "status=processing", "applicant.name=Lò Thị Hoa", "fees=[…]", "copies:=2" into one object. Throws
// Failure kUsage.
Json read_fields(const std::vector<std::string>& words);

// The whole of a file, or of standard input for "-". Throws Failure kFailed.
std::string read_file(const std::string& path);
// Without its last line break. From --passphrase-file, or asked for on the terminal (twice where
// `confirm`). Throws Failure kUsage where there is neither, kFailed for an empty one.
std::string read_passphrase(const std::string& file, bool confirm);

// ---- the table of verbs ----
void add_init(CLI::App& app, Shell& shell);
void add_enroll(CLI::App& app, Shell& shell);
void add_invite(CLI::App& app, Shell& shell);
void add_issue(CLI::App& app, Shell& shell);
void add_refill(CLI::App& app, Shell& shell);
void add_rotate_key(CLI::App& app, Shell& shell);
void add_agency(CLI::App& app, Shell& shell);
void add_tree(CLI::App& agency, Shell& shell);         // verbs of `agency`
void add_unit_import(CLI::App& agency, Shell& shell);  // the same
void add_node(CLI::App& app, Shell& shell);
void add_revoke(CLI::App& app, Shell& shell);
void add_closing(CLI::App& app, Shell& shell);
void add_restored(CLI::App& app, Shell& shell);
// What an agency is, in a word of a to z, 0 to 9 and '-'. Any is good: steps of procedures name it.
CLI::Validator kind_of_agency();

void add_calendar(CLI::App& app, Shell& shell);
void add_code(CLI::App& app, Shell& shell);
void add_dossier(CLI::App& app, Shell& shell);
void add_inspect(CLI::App& app, Shell& shell);
void add_recount(CLI::App& dossier, Shell& shell);  // the same
void add_scans(CLI::App& dossier, Shell& shell);    // verbs of `dossier`
void add_audit(CLI::App& dossier, Shell& shell);
void add_verify_evidence(CLI::App& app, Shell& shell);
void add_backup(CLI::App& app, Shell& shell);
void add_erase(CLI::App& app, Shell& shell);
void add_restore(CLI::App& app, Shell& shell);
void add_procedure(CLI::App& app, Shell& shell);
void add_handoff(CLI::App& app, Shell& shell);
void add_work(CLI::App& handoff, Shell& shell);  // verbs of `handoff`
void add_feedback(CLI::App& app, Shell& shell);
void add_document(CLI::App& app, Shell& shell);
void add_why(CLI::App& app, Shell& shell);
void add_form(CLI::App& app, Shell& shell);
void add_bundle(CLI::App& app, Shell& shell);
void add_report(CLI::App& app, Shell& shell);
void add_root(CLI::App& app, Shell& shell);
void add_apply(CLI::App& app, Shell& shell);
void add_import(CLI::App& app, Shell& shell);
void add_export(CLI::App& app, Shell& shell);
void add_status(CLI::App& app, Shell& shell);
void add_peers(CLI::App& app, Shell& shell);
void add_sync(CLI::App& app, Shell& shell);
void add_log(CLI::App& app, Shell& shell);
void add_quarantine(CLI::App& app, Shell& shell);
void add_conflicts(CLI::App& app, Shell& shell);
void add_verify(CLI::App& app, Shell& shell);
void add_check(CLI::App& app, Shell& shell);
void add_damage(CLI::App& app, Shell& shell);
void add_doctor(CLI::App& app, Shell& shell);
void add_top(CLI::App& app, Shell& shell);

// What `peers` and `why` print.
int show_peers(const Shell& shell);
int show_why(const Shell& shell, const std::string& code);

}  // namespace lienthong::tools
