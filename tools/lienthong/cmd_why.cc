// why: who holds a dossier, since when, waiting for what, and where its last change has got to.
#include "tools/lienthong/explain.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

void print_reasons(const Json& why) {
  const char* text_name = language() == "vi" ? "text_vi" : "text_en";
  for (const Json& reason : list_of(why, "reasons")) {
    const std::string since = text_of(reason, "since");
    print_line("  • " + text_of(reason, text_name) +
               (since.empty() ? "" : " " + format("(since {})", show_time(since))));
  }
}

void print_hops(const Json& why) {
  const Json& hops = list_of(why, "hops");
  if (hops.empty()) return;
  print_line(tr("Where the last change has got to"));
  Table table({tr("AGENCY"), tr("STATE"), tr("LINK"), tr("ADDRESS"), tr("LAST CONTACT"),
               tr("NEXT ATTEMPT")});
  table.spare({3, 5}).paint(1, state_look).paint(2, state_look);
  for (const Json& hop : hops) {
    table.add({text_of(hop, "agency"), state_name(text_of(hop, "state")),
               state_name(text_of(hop, "link")), text_of(hop, "address"),
               show_time(text_of(hop, "last_contact")), show_time(text_of(hop, "next_attempt"))});
  }
  table.print("  ");
}

}  // namespace

int show_why(const Shell& shell, const std::string& code) {
  const Json why = shell.client().get("/v1/dossiers/" + encode(code) + "/why");
  if (shell.json) {
    print_json(why);
    return kDone;
  }
  print_line(text_of(why, "code"));
  Table table({"", ""});
  table.add({tr("holder"), text_of(why, "holder") + " " + text_of(why, "holder_name")});
  table.add({tr("since"), show_when(text_of(why, "since"))});
  const std::string offered = text_of(why, "offered_to");
  if (!offered.empty()) table.add({tr("offered to"), offered});
  const std::string turn = text_of(why, "turn");
  if (!turn.empty()) table.add({tr("turn"), turn});
  const std::string waiting = text_of(why, language() == "vi" ? "waiting_for_vi" : "waiting_for");
  if (!waiting.empty()) table.add({tr("waits for"), waiting});
  if (why.contains("step")) table.add({tr("step"), show_step(why["step"])});
  const Json change = why.value("last_change", Json::object());
  if (change.is_object() && !change.empty()) {
    const std::string account = text_of(change, "account");
    table.add({tr("last change"),
               format("{} by {}", show_time(text_of(change, "at")), text_of(change, "by")) +
                   (account.empty() ? "" : " (" + account + ")")});
  }
  table.print("  ");
  print_reasons(why);
  print_hops(why);
  return kDone;
}

void add_why(CLI::App& app, Shell& shell) {
  const auto code = std::make_shared<std::string>();
  CLI::App* verb = add_verb(app, "why", "where a dossier is, and what it is waiting for",
                            "lienthong why H47.518-230401-0001");
  verb->add_option("CODE", *code, tr("code of the dossier"))->required();
  verb->callback([&shell, code] { shell.run = [&shell, code] { return show_why(shell, *code); }; });
}

}  // namespace lienthong::tools
