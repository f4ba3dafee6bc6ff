// handoff leg, finish, return, consult, reply: work on a dossier that several agencies share.
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

struct WorkArgs {
  std::string code, to, duty, due, procedure, outcome, deadline, about, note, officer, key;
  std::vector<std::string> fields;
  bool urgent = false, apart = false;
  Wait wait;

  void add_to(CLI::App& verb) {
    verb.add_option("--note", note, tr("a remark"));
    verb.add_option("--officer", officer, tr("who did it"));
    add_key(verb);
  }
  void add_key(CLI::App& verb) {
    verb.add_option("--key", key, tr("idempotency key: the same key again changes nothing"));
    wait.add_to(verb);
  }
};

void put(Json& object, const char* name, const std::string& value) {
  if (!value.empty()) object[name] = value;
}

int give_leg(const Shell& shell, const WorkArgs& args) {
  Json leg = read_fields(args.fields);
  leg["dossier"] = args.code;
  leg["to"] = args.to;
  put(leg, "duty", args.duty);
  put(leg, "due_at", args.due);
  put(leg, "procedure", args.procedure);
  if (args.urgent) leg["urgent"] = true;
  if (args.apart) leg["share"] = false;
  Json operation{{"op", "create"}, {"leg", leg}};
  put(operation, "key", args.key);
  return run_operation(shell, operation, args.wait, "given to the other agency");
}

Json remarked(const WorkArgs& args, const char* op) {
  Json operation{{"op", op}, {"code", args.code}};
  put(operation, "note", args.note);
  put(operation, "officer", args.officer);
  put(operation, "key", args.key);
  return operation;
}

int finish(const Shell& shell, const WorkArgs& args) {
  Json operation = remarked(args, "finish");
  put(operation, "outcome", args.outcome);
  return run_operation(shell, operation, args.wait, "finished, on its way back");
}

int send_home(const Shell& shell, const WorkArgs& args) {
  Json operation = remarked(args, "return");
  if (args.urgent) operation["urgent"] = true;
  return run_operation(shell, operation, args.wait, "offered to the desk that received it");
}

int consult(const Shell& shell, const WorkArgs& args) {
  Json operation = remarked(args, "consult");
  operation["to"] = args.to;
  put(operation, "deadline", args.deadline);
  return run_operation(shell, operation, args.wait, "asked");
}

// The only open question to us about that dossier. Throws Failure where there is none, or several.
std::string open_question(const Client& client, const std::string& code) {
  std::vector<std::string> found;
  client.lines("/v1/handoffs", {{"pending", "1"}, {"direction", "in"}},
               [&](const std::string& line) {
                 const Json entry = Json::parse(line, nullptr, false);
                 if (text_of(entry, "what") == "consultation" && text_of(entry, "code") == code)
                   found.push_back(text_of(entry, "id"));
               });
  if (found.empty())
    throw Failure(kNotThere, format("nobody has asked us about {}, or it is answered", code));
  if (found.size() > 1)
    throw Failure(kUsage, format("{} questions about {} are open: name one with --about",
                                 found.size(), code));
  return found.front();
}

int reply(const Shell& shell, const WorkArgs& args) {
  Json operation = remarked(args, "reply");
  operation["about"] = args.about.empty() ? open_question(shell.client(), args.code) : args.about;
  return run_operation(shell, operation, args.wait, "answered");
}

template <class Run>
void on_run(CLI::App& verb, Shell& shell, const std::shared_ptr<WorkArgs>& args, Run run) {
  verb.callback(
      [&shell, args, run] { shell.run = [&shell, args, run] { return run(shell, *args); }; });
}

std::string leg_state_name(const std::string& state) {
  if (state == "offered") return tr("offered, not accepted yet");
  if (state == "working") return tr("being worked on");
  if (state == "returned") return tr("came back without an outcome");
  if (state == "finished") return tr("finished, on its way back");
  if (state == "gathered") return tr("finished and back");
  if (state == "ended") return tr("ended without an outcome");
  return state;
}

void print_consultations(const Json& dossier) {
  const Json& asked = list_of(dossier, "consultations");
  if (asked.empty()) return;
  print_line(tr("Consultations"));
  Table table({tr("TO"), tr("SINCE"), tr("DUE"), tr("STATE")});
  for (const Json& entry : asked) {
    const bool open = entry.value("open", false);
    std::string state = open ? std::string(tr("not answered"))
                             : format("answered {}", show_time(text_of(entry, "answered_at")));
    if (entry.value("overdue", false)) state += std::string(" ") + tr("(late)");
    table.add({text_of(entry, "to"), show_time(text_of(entry, "asked_at")),
               show_time(text_of(entry, "deadline")), state});
  }
  table.print("  ");
}

void add_asking(CLI::App& handoff, Shell& shell) {
  const auto args = std::make_shared<WorkArgs>();
  CLI::App* ask = add_verb(handoff, "consult", "ask another agency for its opinion",
                           "lienthong handoff consult H47.518-230401-0001 --to H47.STC "
                           "--deadline 2023-04-10T17:00:00+07:00 --note \"Đề nghị cho ý kiến\"");
  ask->add_option("CODE", args->code, tr("code of the dossier"))->required();
  ask->add_option("--to", args->to, tr("the agency that is asked"))->required();
  ask->add_option("--deadline", args->deadline,
                  tr("until when an answer is wanted, as 2023-04-01T17:00:00+07:00"));
  args->add_to(*ask);
  on_run(*ask, shell, args, consult);

  CLI::App* answer = add_verb(handoff, "reply", "answer a question that another agency asked",
                              "lienthong handoff reply H47.518-230401-0001 --note \"Đồng ý\"");
  answer->add_option("CODE", args->code, tr("code of the dossier"))->required();
  answer->add_option("--about", args->about, tr("id of the question, where several are open"));
  args->add_to(*answer);
  on_run(*answer, shell, args, reply);
}

}  // namespace

void print_legs(const Json& dossier) {
  const Json& legs = list_of(dossier, "legs");
  if (!legs.empty()) {
    print_line(tr("Legs"));
    Table table({tr("CODE"), tr("AGENCY"), tr("DUTY"), tr("DUE"), tr("STATE"), tr("OUTCOME")});
    for (const Json& leg : legs) {
      const std::string procedure = text_of(leg, "procedure");
      const std::string duty = text_of(leg, "duty");
      std::string state = leg_state_name(text_of(leg, "state"));
      if (leg.value("late", false)) state += std::string(" ") + tr("(late)");
      table.add({text_of(leg, "code"), text_of(leg, "agency"),
                 procedure.empty() || duty.empty() ? procedure + duty : procedure + " – " + duty,
                 show_time(text_of(leg, "due_at")), state, text_of(leg, "outcome")});
    }
    table.print("  ");
  }
  print_consultations(dossier);
}

void add_work(CLI::App& handoff, Shell& shell) {
  const auto args = std::make_shared<WorkArgs>();
  CLI::App* leg = add_verb(handoff, "leg", "give a part of the work to another agency, in parallel",
                           "lienthong handoff leg H47.518-230401-0001 --to H47.BHXH "
                           "--duty \"Cấp thẻ BHYT\" --due 2023-04-17T17:00:00+07:00");
  leg->add_option("CODE", args->code, tr("code of the dossier"))->required();
  leg->add_option("--to", args->to, tr("the agency that is to do it"))->required();
  leg->add_option("--duty", args->duty, tr("what it is to do"));
  leg->add_option("--due", args->due, tr("until when, as 2023-04-01T17:00:00+07:00"));
  leg->add_option("--procedure", args->procedure, tr("code of its own procedure"));
  leg->add_option("FIELD=VALUE", args->fields, tr("fields with their values"));
  leg->add_flag("--urgent", args->urgent, tr("mark it urgent"));
  leg->add_flag("--apart", args->apart, tr("the agency does not read the dossier, only its leg"));
  args->add_key(*leg);
  on_run(*leg, shell, args, give_leg);

  CLI::App* end = add_verb(handoff, "finish", "finish a leg with its outcome and send it back",
                           "lienthong handoff finish H47.518-230401-0001/2 --outcome \"Đã cấp\"");
  end->add_option("LEG", args->code, tr("code of the leg"))->required();
  end->add_option("--outcome", args->outcome, tr("what was found or decided"));
  args->add_to(*end);
  on_run(*end, shell, args, finish);

  CLI::App* home = add_verb(handoff, "return", "send a dossier back to the desk that received it",
                            "lienthong handoff return H47.518.20364-230401-0001");
  home->add_option("CODE", args->code, tr("code of the dossier"))->required();
  home->add_flag("--urgent", args->urgent, tr("mark it urgent"));
  args->add_to(*home);
  on_run(*home, shell, args, send_home);
  add_asking(handoff, shell);
}

}  // namespace lienthong::tools
