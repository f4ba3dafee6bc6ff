// handoff: the passing of a dossier from one agency to another, and its chain of custody.
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

struct HandoffArgs {
  std::string code, to, note, key, branch, decision;
  bool urgent = false;
  Wait wait;
};

struct Filter {
  bool pending = false;
  std::string older_than, direction;
};

int act(const Shell& shell, const HandoffArgs& args, const char* op, const char* done_message) {
  Json operation{{"op", op}, {"code", args.code}};
  if (!args.to.empty()) operation["to"] = args.to;
  if (args.urgent) operation["urgent"] = true;
  if (!args.note.empty()) operation["note"] = args.note;
  if (!args.branch.empty()) operation["branch"] = args.branch;
  if (!args.decision.empty()) operation["decision"] = args.decision;
  if (!args.key.empty()) operation["key"] = args.key;
  return run_operation(shell, operation, args.wait, done_message);
}

std::string what_name(const std::string& what) {
  if (what == "offer") return tr("offer");
  if (what == "recall") return tr("recall");
  if (what == "consultation") return tr("consultation");
  if (what == "leg") return tr("leg");
  return what;
}

int list(const Shell& shell, const Filter& filter) {
  Query query;
  if (filter.pending) query.emplace_back("pending", "1");
  if (!filter.older_than.empty()) {
    query.emplace_back("older_than", std::to_string(parse_duration(filter.older_than).count()));
  }
  if (!filter.direction.empty()) query.emplace_back("direction", filter.direction);
  const Client client = shell.client();
  if (shell.json) {
    client.lines("/v1/handoffs", query, print_line);
    return kDone;
  }
  Table table({tr("CODE"), tr("APPLICANT"), tr("WHAT"), tr("FROM"), tr("TO"), tr("AGE"),
               tr("STATE"), tr("SINCE"), tr("DUE"), ""});
  table.spare({7, 8, 6, 1});
  client.lines("/v1/handoffs", query, [&table](const std::string& line) {
    const Json handoff = Json::parse(line, nullptr, false);
    std::string marks = handoff.value("urgent", false) ? tr("urgent") : "";
    if (handoff.value("recall_requested", false)) {
      marks += (marks.empty() ? "" : ", ") + std::string(tr("asked back"));
    }
    if (handoff.value("overdue", false)) {
      marks += (marks.empty() ? "" : ", ") + std::string(tr("overdue"));
    }
    table.add({text_of(handoff, "code"), shorten(text_of(handoff, "applicant"), 40),
               what_name(text_of(handoff, "what")), text_of(handoff, "from"),
               text_of(handoff, "to"), show_age(number_of(handoff, "age_seconds")),
               state_name(text_of(handoff, "state")), show_time(text_of(handoff, "offered_at")),
               show_due(text_of(handoff, "deadline")), marks});
  });
  if (table.size() > 0) table.print();
  print_error(format("{} handoffs", table.size()));
  return kDone;
}

// Where two wrote the next link: who began each branch, which stands, and who says so.
void print_forks(const Json& dossier) {
  const Json& forks = list_of(dossier, "forks");
  if (forks.empty()) return;
  print_line(tr("Signed twice"));
  Table table({tr("AFTER"), tr("BRANCH"), tr("BY"), tr("STATE"), tr("DECIDED BY")});
  for (const Json& fork : forks) {
    const bool decided = fork.value("decided", false);
    for (const Json& branch : list_of(fork, "branches"))
      table.add(
          {show_id(text_of(fork, "link")), show_id(text_of(branch, "first")), text_of(branch, "by"),
           branch.value("stands", false) ? tr("stands") : tr("lost"),
           decided ? text_of(fork, "decided_by") : format("open: {}", text_of(fork, "notary"))});
  }
  table.print("  ");
}

int track(const Shell& shell, const std::string& code) {
  const Json dossier = shell.client().get("/v1/dossiers/" + encode(code));
  if (shell.json) {
    print_json({{"code", text_of(dossier, "code")},
                {"holder", dossier.value("holder", Json())},
                {"offered_to", dossier.value("offered_to", Json())},
                {"custody", list_of(dossier, "custody")},
                {"forks", list_of(dossier, "forks")}});
    return kDone;
  }
  print_line(text_of(dossier, "code"));
  print_custody(dossier);
  print_forks(dossier);
  const std::string offered = text_of(dossier, "offered_to");
  print_line(offered.empty()
                 ? format("Held by {}", text_of(dossier, "holder"))
                 : format("Held by {}, offered to {}", text_of(dossier, "holder"), offered));
  return kDone;
}

struct Act {
  const char* name;
  const char* description;
  const char* example;
  const char* done_message;
};

constexpr Act kActs[] = {
    {"offer", "offer a dossier to another agency",
     "lienthong handoff offer H47.518-230401-0001 --to H47 --urgent", "offered"},
    {"accept", "take over a dossier that was offered",
     "lienthong handoff accept H47.518-230401-0001", "taken over"},
    {"decline", "turn down an offer, with the reason",
     "lienthong handoff decline H47.518-230401-0001 --note \"Thiếu bản sao\"", "turned down"},
    {"recall", "take back an offer, or ask for it back when it has left",
     "lienthong handoff recall H47.518-230401-0001", "asked back"},
    {"reclaim", "as the superior, take a dossier back from an agency that cannot act",
     "lienthong handoff reclaim H47.518.20364-230401-0001", "taken back"},
    {"uphold", "as the superior, say which of two branches of custody stands; the holder stays",
     "lienthong handoff uphold H47.518.20364-230401-0001 --branch 3f9a21", "upheld"},
};

}  // namespace

namespace {

// Why somebody turned it down, and who wrote that.
std::string said_with(const Json& link) {
  const std::string officer = text_of(link, "officer"), note = text_of(link, "note");
  return officer.empty() || note.empty() ? officer + note : officer + ": " + note;
}

}  // namespace

void print_custody(const Json& dossier) {
  print_line(tr("Custody"));
  Table table({"", "", "", "", "", "", ""});
  for (const Json& link : list_of(dossier, "custody")) {
    const std::string to = text_of(link, "to");
    table.add({show_time(text_of(link, "at")), link_meaning(link),
               text_of(link, "by") + (to.empty() ? "" : " → " + to), show_id(text_of(link, "id")),
               format("machine {}", show_id(text_of(link, "node"))),
               text_of(link, "seal").empty() ? std::string(tr("not sent yet"))
                                             : format("seal {}", show_id(text_of(link, "seal"))),
               said_with(link)});
  }
  table.spare({5, 4, 3}).print("  ");
}

void add_handoff(CLI::App& app, Shell& shell) {
  CLI::App* handoff = add_verb(app, "handoff", "pass dossiers between agencies",
                               "lienthong handoff list --pending --older-than 4h");
  handoff->require_subcommand(1);
  const auto args = std::make_shared<HandoffArgs>();
  for (const Act& entry : kActs) {
    CLI::App* verb = add_verb(*handoff, entry.name, entry.description, entry.example);
    verb->add_option("CODE", args->code, tr("code of the dossier"))->required();
    if (std::string_view(entry.name) == "offer") {
      verb->add_option("--to", args->to, tr("the agency that is to take it over"))->required();
      verb->add_flag("--urgent", args->urgent, tr("mark it urgent"));
    }
    if (std::string_view(entry.name) == "uphold") {
      verb->add_option("--branch", args->branch,
                       tr("id of a link in the branch, or how it begins; see handoff track"));
      verb->add_option("--decision", args->decision, tr("number of the decision"));
    } else {
      verb->add_option("--note", args->note, tr("a remark"));
    }
    verb->add_option("--key", args->key, tr("idempotency key: the same key again changes nothing"));
    args->wait.add_to(*verb);
    verb->callback([&shell, args, &entry] {
      shell.run = [&shell, args, &entry] {
        return act(shell, *args, entry.name, entry.done_message);
      };
    });
  }
  const auto filter = std::make_shared<Filter>();
  add_work(*handoff, shell);
  CLI::App* many = add_verb(*handoff, "list", "handoffs, legs and consultations, oldest first",
                            "lienthong handoff list --pending --older-than 4h");
  many->add_flag("--pending", filter->pending, tr("only those that wait for an answer"));
  many->add_option("--older-than", filter->older_than, tr("open for longer than, such as 4h"));
  many->add_option("--direction", filter->direction, tr("in (to us) or out (from us)"))
      ->check(CLI::IsMember({"in", "out"}));
  const auto watch = std::make_shared<Watch>();
  watch->add_to(*many);
  many->callback([&shell, filter, watch] {
    shell.run = [&shell, filter, watch] {
      return watch->run(shell.json, [&] { return list(shell, *filter); });
    };
  });
  CLI::App* one = add_verb(*handoff, "track", "the chain of custody of a dossier",
                           "lienthong handoff track H47.518-230401-0001");
  one->add_option("CODE", args->code, tr("code of the dossier"))->required();
  one->callback(
      [&shell, args] { shell.run = [&shell, args] { return track(shell, args->code); }; });
}

}  // namespace lienthong::tools
