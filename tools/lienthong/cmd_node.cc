// node, revoke, restored: the machines of agencies, and trust in them.
#include "tools/lienthong/consent.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/root_words.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

constexpr std::size_t kRecordsShown = 20;  // records of a plan, for people

std::string machine_state(const Json& node) {
  const std::string state = text_of(node, "state");
  std::string out = state == "trusted"   ? tr("trusted")
                    : state == "closed"  ? tr("closed by a tree version")
                    : state == "revoked" ? tr("revoked")
                                         : tr("counts for nothing");
  if (node.value("ours", false)) out += std::string(", ") + tr("this machine");
  if (node.value("desk", false)) out += std::string(", ") + tr("desk");
  return out;
}

int list_nodes(const Shell& shell, const std::string& agency, bool all) {
  Query query;
  if (!agency.empty()) query.emplace_back("agency", agency);
  if (all) query.emplace_back("all", "1");
  const Json nodes = shell.client().get("/v1/nodes", query);
  if (shell.json) {
    print_json(nodes);
    return kDone;
  }
  Table table({tr("MACHINE"), tr("CODE"), tr("NAME"), tr("STATE"), tr("CERTIFIED")});
  for (const Json& node : nodes)
    table.add({show_id(text_of(node, "id")), text_of(node, "agency"), text_of(node, "name"),
               machine_state(node), show_time(text_of(node, "issued_at"))});
  table.print();
  return kDone;
}

int show_node(const Shell& shell, const std::string& id) {
  const Json node = shell.client().get("/v1/nodes/" + encode(id));
  if (shell.json) {
    print_json(node);
    return kDone;
  }
  Table facts({"", ""});
  facts.add({tr("machine"), text_of(node, "id")});
  facts.add({tr("agency"), text_of(node, "agency") + " " + text_of(node, "name")});
  facts.add({tr("state"), machine_state(node)});
  facts.add({tr("may certify"), node.value("may_issue", false) ? tr("yes") : tr("no")});
  facts.add({tr("numbers from"), text_of(node, "thousand") + "000"});
  facts.add({tr("certified at"), show_time(text_of(node, "issued_at"))});
  facts.add({tr("to be renewed by"), show_time(text_of(node, "renew_by"))});
  facts.print();
  if (list_of(node, "incarnations").empty()) return kDone;
  Table lives({tr("INCARNATION"), tr("LAST SEAL"), tr("COUNTS TO"), tr("FROM"), tr("TO")});
  lives.right(1).right(2);
  for (const Json& life : list_of(node, "incarnations"))
    lives.add({text_of(life, "incarnation"), text_of(life, "last_seal"),
               life["counts_to"].is_null() ? tr("all") : text_of(life, "counts_to"),
               show_time(text_of(life, "from")), show_time(text_of(life, "to"))});
  lives.print();
  return kDone;
}

int acknowledge_node(const Shell& shell, const std::string& id) {
  const Json node = shell.client().post("/v1/nodes/" + encode(id) + "/acknowledge");
  shell.json ? print_json(node)
             : print_line(format("machine {} is known here", show_id(text_of(node, "id"))));
  return kDone;
}

// ---- revoke ----

struct RevokeArgs {
  std::string node, until, reason, root_file;
  std::vector<std::string> ends;
  bool nothing = false;
  Consent consent;
};

Json end_of(const std::string& text) {
  const std::size_t colon = text.find(':');
  const auto digits = [](const std::string& word) {
    return !word.empty() && word.size() <= 20 &&
           word.find_first_not_of("0123456789") == std::string::npos;
  };
  if (colon == std::string::npos || !digits(text.substr(0, colon)) ||
      !digits(text.substr(colon + 1)) || text.size() - colon > 11)
    throw Failure(kUsage, format("'{}' is not INCARNATION:NUMBER, as node show lists them", text));
  return {{"incarnation", text.substr(0, colon)}, {"number", std::stoull(text.substr(colon + 1))}};
}

Json revocation_of(const RevokeArgs& args) {
  Json body = Json::object();
  if (args.nothing) body["keep"] = "nothing";
  if (!args.until.empty()) body["until"] = args.until;
  for (const std::string& end : args.ends) body["ends"].push_back(end_of(end));
  if (!args.reason.empty()) body["reason"] = args.reason;
  return body;
}

std::string holder_then(const Json& record, const char* name) {
  return record[name].is_null() ? tr("nobody") : text_of(record, name);
}

void print_changed_records(const Json& plan) {
  if (list_of(plan, "list").empty()) return;
  Table table({tr("CODE"), tr("HOLDER"), tr("AFTERWARDS"), tr("LINKS"), tr("CHANGES")});
  table.right(3).right(4);
  std::size_t shown = 0;
  for (const Json& record : list_of(plan, "list")) {
    if (++shown > kRecordsShown) break;
    const auto change = [](const std::string& fallen, const std::string& risen) {
      return "-" + fallen + " +" + risen;
    };
    table.add(
        {record["code"].is_null() ? show_id(text_of(record, "record")) : text_of(record, "code"),
         holder_then(record, "holder"), holder_then(record, "holder_after"),
         change(std::to_string(list_of(record, "links_fallen").size()),
                std::to_string(list_of(record, "links_risen").size())),
         change(text_of(record, "updates_fallen"), text_of(record, "updates_risen"))});
  }
  table.print();
  if (number_of(plan, "records") > static_cast<std::int64_t>(kRecordsShown))
    print_line(format("… of {} records; all with --json", text_of(plan, "records")));
}

void print_revocation(const Json& plan) {
  const std::string node = show_id(text_of(plan, "node")), agency = text_of(plan, "agency");
  print_line(plan.value("again", false)
                 ? format("machine {} of {} was revoked before: the cut is moved", node, agency)
                 : format("machine {} of {} gets no session any more", node, agency));
  if (list_of(plan, "counts_to").empty())
    print_line(tr("nothing that it ever sealed goes on to count"));
  else
    print_line(format("what it sealed goes on to count up to here, in {} starts",
                      list_of(plan, "counts_to").size()));
  print_line(format(
      "{} records change: {} changes and {} links of custody fall, {} and {} count again",
      text_of(plan, "records"), text_of(plan, "updates_fallen"), text_of(plan, "links_fallen"),
      text_of(plan, "updates_risen"), text_of(plan, "links_risen")));
  if (number_of(plan, "records_ended") > 0)
    print_line(format("{} of them are no records any more, and their numbers are nobody's",
                      text_of(plan, "records_ended")));
  for (const Json& machine : list_of(plan, "machines_fallen"))
    print_line(format("machine {} of {} falls too: that one has certified it",
                      show_id(text_of(machine, "node")), text_of(machine, "agency")));
  for (const Json& machine : list_of(plan, "machines_risen"))
    print_line(format("machine {} of {} is trusted again", show_id(text_of(machine, "node")),
                      text_of(machine, "agency")));
  print_changed_records(plan);
}

// A machine of a topmost office: what the root is to sign goes into a file.
int revoke_by_root(const Shell& shell, const Client& client, const std::string& path, Json body,
                   const std::string& file) {
  body["by_root"] = true;
  std::vector<std::string> bodies;
  const Json plan = client.post(path, body);
  for (const Json& one : list_of(plan, "statements")) bodies.push_back(one.get<std::string>());
  save_root_file(client, bodies, file);
  shell.json ? print_json({{"file", file}}) : tell_where_to_sign(file);
  return kDone;
}

int revoke_node(const Shell& shell, const RevokeArgs& args) {
  const std::string path = "/v1/nodes/" + encode(args.node) + "/revoke";
  const Json body = revocation_of(args);
  const Client client = shell.client();
  if (!args.root_file.empty()) return revoke_by_root(shell, client, path, body, args.root_file);
  if (args.consent.looks_first(shell)) {
    Json asked = body;
    asked["dry_run"] = true;
    const Json plan = client.post(path, asked);
    shell.json ? print_json(plan) : print_revocation(plan);
    if (!is_agreed(shell, args.consent)) return kDone;
  }
  const Json done = client.post(path, body);
  if (shell.json) {
    print_json(done);
  } else {
    print_line(format("machine {} of {} is revoked; every office learns of it from its neighbours",
                      show_id(text_of(done, "node")), text_of(done, "agency")));
  }
  return kDone;
}

// ---- closings ----

int list_closings(const Shell& shell) {
  Json closed = Json::array();
  for (const Json& node : shell.client().get("/v1/nodes"))
    if (text_of(node, "state") == "closed") closed.push_back(node);
  if (shell.json) {
    print_json(closed);
    return kDone;
  }
  Table table({tr("MACHINE"), tr("CODE"), tr("NAME")});
  for (const Json& node : closed)
    table.add({show_id(text_of(node, "id")), text_of(node, "agency"), text_of(node, "name")});
  table.print();
  return kDone;
}

void print_move(const Json& plan) {
  print_line(format(
      "what machine {} of {} sealed counts as before the new tree up to what is known "
      "here, in {} starts",
      show_id(text_of(plan, "node")), text_of(plan, "agency"), list_of(plan, "counts_to").size()));
  print_line(format(
      "{} records change: {} changes and {} links of custody fall, {} and {} count again",
      text_of(plan, "records"), text_of(plan, "updates_fallen"), text_of(plan, "links_fallen"),
      text_of(plan, "updates_risen"), text_of(plan, "links_risen")));
  print_changed_records(plan);
}

int move_closing(const Shell& shell, const RevokeArgs& args) {
  const std::string path = "/v1/nodes/" + encode(args.node) + "/closing";
  const Json body = revocation_of(args);
  const Client client = shell.client();
  if (args.consent.looks_first(shell)) {
    Json asked = body;
    asked["dry_run"] = true;
    const Json plan = client.post(path, asked);
    shell.json ? print_json(plan) : print_move(plan);
    if (!is_agreed(shell, args.consent)) return kDone;
  }
  const Json done = client.post(path, body);
  shell.json ? print_json(done) : print_move(done);
  return kDone;
}

// ---- restored ----

void print_rest(const Json& plan) {
  if (!plan.value("restored", false)) {
    print_line(tr("nothing rests: this machine's disk is no older copy"));
    return;
  }
  print_line(
      format("this machine's disk is an older copy: on {} records no custody is written, on "
             "{} of them it is our turn",
             text_of(plan, "records"), text_of(plan, "turns")));
  for (const Json& one : list_of(plan, "waits_for"))
    print_line(format("{} has not given everything back yet (machine {})", text_of(one, "agency"),
                      show_id(text_of(one, "node"))));
  print_line(
      tr("the rest ends by itself once they have; lifted before, what we did to a record last "
         "may be done twice, and the rules decide which of the two stands"));
}

int confirm_restored(const Shell& shell, const Consent& consent) {
  const Client client = shell.client();
  if (consent.looks_first(shell)) {
    const Json plan = client.post("/v1/restored/confirm", {{"dry_run", true}});
    shell.json ? print_json(plan) : print_rest(plan);
    if (!is_agreed(shell, consent)) return kDone;
  }
  const Json done = client.post("/v1/restored/confirm");
  shell.json ? print_json(done)
             : print_line(tr("the rest is lifted: this machine writes custody again"));
  return kDone;
}

}  // namespace

void add_closing(CLI::App& app, Shell& shell) {
  CLI::App* closing = add_verb(app, "closing", "late work of machines that a tree version closed",
                               "lienthong closing list");
  closing->require_subcommand(1);
  CLI::App* list = add_verb(*closing, "list", "the machines that are held to a tree version",
                            "lienthong closing list");
  list->callback([&shell] { shell.run = [&shell] { return list_closings(shell); }; });
  const auto args = std::make_shared<RevokeArgs>();
  CLI::App* move = add_verb(*closing, "move", "let what has come late count, or less than does",
                            "lienthong closing move 5f0c22a1 --dry-run");
  move->add_option("NODE", args->node, tr("the machine: its id, or the first digits of it"))
      ->required();
  CLI::Option* until = move->add_option(
      "--until", args->until,
      tr("only what had come here by then counts on, as 2025-07-01T08:00:00+07:00"));
  move->add_option("--to", args->ends,
                   tr("what counts on, INCARNATION:NUMBER each; others not at all (default: all "
                      "known here)"))
      ->excludes(until);
  args->consent.add_to(*move);
  move->callback(
      [&shell, args] { shell.run = [&shell, args] { return move_closing(shell, *args); }; });
}

void add_restored(CLI::App& app, Shell& shell) {
  CLI::App* restored = add_verb(app, "restored", "a machine whose disk is an older copy",
                                "lienthong restored confirm --dry-run");
  restored->require_subcommand(1);
  const auto consent = std::make_shared<Consent>();
  CLI::App* confirm =
      add_verb(*restored, "confirm", "write custody again before the neighbours were heard",
               "lienthong restored confirm");
  consent->add_to(*confirm);
  confirm->callback([&shell, consent] {
    shell.run = [&shell, consent] { return confirm_restored(shell, *consent); };
  });
}

void add_node(CLI::App& app, Shell& shell) {
  CLI::App* node = add_verb(app, "node", "the machines of the agencies", "lienthong node list");
  node->require_subcommand(1);
  const auto agency = std::make_shared<std::string>();
  const auto all = std::make_shared<bool>(false);
  CLI::App* list =
      add_verb(*node, "list", "the machines, by agency", "lienthong node list --agency H47.518");
  list->add_option("--agency", *agency, tr("only those of this agency"));
  list->add_flag("--all", *all, tr("also those of which nothing counts any more"));
  list->callback([&shell, agency, all] {
    shell.run = [&shell, agency, all] { return list_nodes(shell, *agency, *all); };
  });
  const auto id = std::make_shared<std::string>();
  CLI::App* show = add_verb(*node, "show", "one machine, and what it has sealed in each start",
                            "lienthong node show 5f0c22a1");
  show->add_option("NODE", *id, tr("the machine: its id, or the first digits of it"))->required();
  show->callback([&shell, id] { shell.run = [&shell, id] { return show_node(shell, *id); }; });
  CLI::App* known =
      add_verb(*node, "acknowledge", "say that another machine of this office is as it should be",
               "lienthong node acknowledge 5f0c22a1");
  known->add_option("NODE", *id, tr("the machine: its id, or the first digits of it"))->required();
  known->callback(
      [&shell, id] { shell.run = [&shell, id] { return acknowledge_node(shell, *id); }; });
}

void add_revoke(CLI::App& app, Shell& shell) {
  const auto args = std::make_shared<RevokeArgs>();
  CLI::App* verb = add_verb(app, "revoke", "take the trust in a machine of an office below back",
                            "lienthong revoke 5f0c22a1 --reason \"mất máy\" --dry-run");
  verb->add_option("NODE", args->node, tr("the machine: its id, or the first digits of it"))
      ->required();
  CLI::Option* until = verb->add_option(
      "--until", args->until,
      tr("only what had come here by then counts on, as 2025-07-01T08:00:00+07:00"));
  CLI::Option* ends = verb->add_option(
      "--keep", args->ends,
      tr("what counts on, INCARNATION:NUMBER each; others not at all (default: all known here)"));
  CLI::Option* nothing =
      verb->add_flag("--nothing", args->nothing, tr("nothing that it ever sealed counts on"));
  until->excludes(ends)->excludes(nothing);
  ends->excludes(nothing);
  verb->add_option("--reason", args->reason, tr("why, for whoever looks later"));
  verb->add_option("--root-file", args->root_file,
                   tr("of a topmost office: write this file for the root key to sign instead"));
  args->consent.add_to(*verb);
  verb->callback(
      [&shell, args] { shell.run = [&shell, args] { return revoke_node(shell, *args); }; });
}

}  // namespace lienthong::tools
