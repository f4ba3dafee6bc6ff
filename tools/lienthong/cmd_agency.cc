// agency, invite, issue: who takes part.
#include <fstream>
#include <optional>

#include "tools/lienthong/consent.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

struct Who {
  std::string code, name, tier, replaces;
};

Json naming_of(const Who& who) {
  return {{"code", who.code}, {"name", who.name}, {"tier", who.tier}};
}

void print_plan(const Json& plan) {
  const std::string what =
      text_of(plan, "code") + " " + text_of(plan, "name") + ", " + tier_name(text_of(plan, "tier"));
  if (plan.value("declares", false)) {
    print_error(format("declares {}, below {}", what, text_of(plan, "parent")));
  } else {
    print_error(format("{} is there already, below {}, with {} machines", what,
                       text_of(plan, "parent"), text_of(plan, "machines")));
  }
  if (plan.contains("may_issue"))
    print_error(plan.value("may_issue", false)
                    ? tr("its machine may declare agencies below it and invite their machines")
                    : tr("its machine may not invite others (--may-issue: it may)"));
}

// Shows what a request would do, where somebody wants to see it first; whether it is to be done.
bool goes_on(const Shell& shell, const Consent& consent, const std::string& path, Json body) {
  if (!consent.looks_first(shell)) return true;
  body["dry_run"] = true;
  const Json plan = shell.client().post(path, body);
  if (consent.dry_run && shell.json) {
    print_json(plan);
    return false;
  }
  print_plan(plan);
  return is_agreed(shell, consent);
}

void print_agency(const Json& agency) {
  Table table({"", ""});
  table.add({tr("code"), text_of(agency, "code")});
  table.add({tr("name"), text_of(agency, "name")});
  table.add({tr("tier"), tier_name(text_of(agency, "tier"))});
  table.add({tr("parent"), text_of(agency, "parent")});
  table.add({tr("declared by"),
             agency["declared_by"].is_null() ? tr("the root") : text_of(agency, "declared_by")});
  table.add({tr("machines"), text_of(agency, "nodes")});
  table.add({tr("declared at"), show_time(text_of(agency, "declared_at"))});
  table.add({tr("identity"), text_of(agency, "id")});
  table.print();
}

int list_agencies(const Shell& shell) {
  const Json agencies = shell.client().get("/v1/agencies");
  if (shell.json) {
    print_json(agencies);
    return kDone;
  }
  Table table({tr("CODE"), tr("NAME"), tr("TIER"), tr("PARENT"), tr("MACHINES")});
  table.right(4);
  for (const Json& agency : agencies) {
    table.add({text_of(agency, "code"), text_of(agency, "name"), tier_name(text_of(agency, "tier")),
               text_of(agency, "parent"), text_of(agency, "nodes")});
  }
  table.print();
  return kDone;
}

int show_agency(const Shell& shell, const std::string& code) {
  const Json agency = shell.client().get("/v1/agencies/" + encode(code));
  shell.json ? print_json(agency) : print_agency(agency);
  return kDone;
}

int add_one_agency(const Shell& shell, const Who& who, const Consent& consent) {
  const Json body = naming_of(who);
  if (!goes_on(shell, consent, "/v1/agencies", body)) return kDone;
  const Json agency = shell.client().post("/v1/agencies", body);
  shell.json ? print_json(agency) : print_agency(agency);
  return kDone;
}

int remove_agency(const Shell& shell, const std::string& code, const std::string& reason,
                  const Consent& consent) {
  const std::string path = "/v1/agencies/" + encode(code) + "/remove";
  Json body = {{"reason", reason}};
  if (consent.looks_first(shell)) {
    Json asked = body;
    asked["dry_run"] = true;
    const Json agency = shell.client().post(path, asked);
    shell.json ? print_json(agency) : print_agency(agency);
    if (!is_agreed(shell, consent)) return kDone;
  }
  const Json removed = shell.client().post(path, body);
  if (shell.json) {
    print_json(removed);
  } else {
    print_line(format("the declaration of {} {} is taken back", text_of(removed, "code"),
                      text_of(removed, "name")));
  }
  return kDone;
}

int invite(const Shell& shell, const Who& who, const std::string& ttl,
           const std::optional<bool>& may_issue, const Consent& consent) {
  Json body = naming_of(who);
  body["ttl_seconds"] = parse_duration(ttl).count();
  if (may_issue) body["may_issue"] = *may_issue;
  if (!who.replaces.empty()) body["replaces"] = who.replaces;
  if (!goes_on(shell, consent, "/v1/invites", body)) return kDone;
  const Json answer = shell.client().post("/v1/invites", body);
  if (shell.json) {
    print_json(answer);
    return kDone;
  }
  print_line(text_of(answer, "token"));
  print_error(format("good until {}; at the machine of {}: lienthong enroll TOKEN --data DIR",
                     show_time(text_of(answer, "expires_at")), who.code));
  print_error(format("taken back with: lienthong invite --cancel {}", text_of(answer, "id")));
  return kDone;
}

std::string invite_state(const std::string& state) {
  if (state == "used") return tr("used");
  return state == "expired" ? tr("expired") : tr("open");
}

int list_invites(const Shell& shell) {
  const Json invites = shell.client().get("/v1/invites");
  if (shell.json) {
    print_json(invites);
    return kDone;
  }
  Table table({tr("ID"), tr("CODE"), tr("NAME"), tr("STATE"), tr("GOOD UNTIL"), tr("ITS MACHINE")});
  for (const Json& one : invites)
    table.add({text_of(one, "id"), text_of(one, "code"), text_of(one, "name"),
               invite_state(text_of(one, "state")), show_time(text_of(one, "expires_at")),
               one.value("may_issue", false) ? tr("may invite others") : ""});
  table.print();
  return kDone;
}

int cancel_invite(const Shell& shell, const std::string& id) {
  const Json answer = shell.client().post("/v1/invites/" + encode(id) + "/cancel");
  if (shell.json) {
    print_json(answer);
    return kDone;
  }
  print_line(format("invitation {} is taken back", text_of(answer, "id")));
  if (answer.value("agency_removed", false))
    print_line(tr("so is the agency that was declared for it"));
  return kDone;
}

int issue(const Shell& shell, const std::string& file, const Who& who, const std::string& out) {
  Json body{{"request", read_file(file)}};
  if (!who.code.empty()) body["code"] = who.code;
  if (!who.name.empty()) body["name"] = who.name;
  if (!who.tier.empty()) body["tier"] = who.tier;
  const Json answer = shell.client().post("/v1/certificates", body);
  if (out.empty()) {
    if (shell.json) {
      print_json(answer);
    } else {
      print_line(text_of(answer, "certificate"));
    }
    return kDone;
  }
  std::ofstream stream(out, std::ios::binary);
  stream << text_of(answer, "certificate");
  stream.close();
  if (!stream) throw Failure(kFailed, format("cannot write {}", out));
  if (shell.json) {
    print_json({{"file", out}});
  } else {
    print_line(format("{}: the certificate; carry it back to the new machine", out));
  }
  return kDone;
}

}  // namespace

void add_agency(CLI::App& app, Shell& shell) {
  CLI::App* agency =
      add_verb(app, "agency", "the agencies that take part", "lienthong agency list");
  agency->require_subcommand(1);
  CLI::App* list =
      add_verb(*agency, "list", "all agencies, parents first", "lienthong agency list --json");
  list->callback([&shell] { shell.run = [&shell] { return list_agencies(shell); }; });

  const auto who = std::make_shared<Who>();
  CLI::App* show = add_verb(*agency, "show", "one agency", "lienthong agency show H17.20364");
  show->add_option("CODE", who->code, tr("code of the agency"))->required();
  show->callback(
      [&shell, who] { shell.run = [&shell, who] { return show_agency(shell, who->code); }; });

  CLI::App* add = add_verb(*agency, "add", "declare an agency below one's own",
                           "lienthong agency add H17.20364 --name \"Xã Chiên Đàn\" --tier commune");
  add->add_option("CODE", who->code, tr("code of the agency"))->required();
  add->add_option("--name", who->name, tr("name of the agency"))->required();
  add->add_option("--tier", who->tier,
                  tr("kind of the agency, as province, commune, department or branch"))
      ->required()
      ->check(kind_of_agency());
  const auto consent = std::make_shared<Consent>();
  consent->add_to(*add);
  add->callback([&shell, who, consent] {
    shell.run = [&shell, who, consent] { return add_one_agency(shell, *who, *consent); };
  });

  CLI::App* remove =
      add_verb(*agency, "remove", "take a declaration back on which nothing rests yet",
               "lienthong agency remove H17.20364");
  const auto reason = std::make_shared<std::string>();
  remove->add_option("CODE", who->code, tr("code of the agency"))->required();
  remove->add_option("--reason", *reason, tr("why, for whoever looks later"));
  consent->add_to(*remove);
  remove->callback([&shell, who, reason, consent] {
    shell.run = [&shell, who, reason, consent] {
      return remove_agency(shell, who->code, *reason, *consent);
    };
  });
  add_unit_import(*agency, shell);
  add_tree(*agency, shell);
}

void add_invite(CLI::App& app, Shell& shell) {
  const auto who = std::make_shared<Who>();
  const auto ttl = std::make_shared<std::string>("24h");
  const auto cancelled = std::make_shared<std::string>();
  const auto list = std::make_shared<bool>(false);
  const auto may_issue = std::make_shared<std::optional<bool>>();
  const auto consent = std::make_shared<Consent>();
  CLI::App* verb =
      add_verb(app, "invite", "print a one-time token that enrols a machine of an agency below",
               "lienthong invite H17.20364 --name \"Xã Chiên Đàn\" --tier commune --ttl 2h");
  CLI::Option_group* what = verb->add_option_group(tr("What"));
  CLI::Option* code = what->add_option("CODE", who->code, tr("code of the agency"));
  what->add_flag("--list", *list, tr("the invitations that this machine has given out"));
  what->add_option("--cancel", *cancelled, tr("take the invitation with this id back"));
  what->require_option(1);
  verb->add_option("--name", who->name, tr("name of the agency"))->needs(code);
  verb->add_option("--tier", who->tier,
                   tr("kind of the agency, as province, commune, department or branch"))
      ->needs(code)
      ->check(kind_of_agency());
  verb->add_option("--ttl", *ttl, tr("how long the token is good, such as 2h or 3d"))->needs(code);
  // As a callback: bound to the optional, it would be false where it is not given.
  verb->add_flag_callback(
          "--may-issue", [may_issue] { *may_issue = true; },
          tr("the machine may invite others below it (default: where its agency has agencies below "
             "it, or is a province or district)"))
      ->needs(code);
  verb->add_flag_callback(
          "--no-may-issue", [may_issue] { *may_issue = false; },
          tr("the machine may not invite others below it"))
      ->needs(code);
  verb->add_option("--replace", who->replaces,
                   tr("the machine in whose place the new one comes; it is revoked then"))
      ->needs(code);
  consent->add_to(*verb);
  verb->callback([&shell, who, ttl, cancelled, list, may_issue, consent] {
    if (!who->code.empty() && (who->name.empty() || who->tier.empty()))
      throw CLI::RequiredError("--name, --tier");
    shell.run = [&shell, who, ttl, cancelled, list, may_issue, consent] {
      if (*list) return list_invites(shell);
      if (!cancelled->empty()) return cancel_invite(shell, *cancelled);
      return invite(shell, *who, *ttl, *may_issue, *consent);
    };
  });
}

void add_issue(CLI::App& app, Shell& shell) {
  const auto who = std::make_shared<Who>();
  const auto file = std::make_shared<std::string>();
  const auto out = std::make_shared<std::string>();
  CLI::App* verb =
      add_verb(app, "issue", "answer a request file with a certificate file (enrolment by hand)",
               "lienthong issue request.txt --out certificate.txt");
  verb->add_option("FILE", *file, tr("the request file, or - for standard input"))->required();
  verb->add_option("--code", who->code, tr("code of the agency that is meant: else refused"));
  verb->add_option("--name", who->name, tr("its name, in the same way"));
  verb->add_option("--tier", who->tier, tr("its tier, in the same way"))->check(kind_of_agency());
  verb->add_option("--out", *out, tr("where to write the certificate (default: standard output)"));
  verb->callback([&shell, who, file, out] {
    shell.run = [&shell, who, file, out] { return issue(shell, *file, *who, *out); };
  });
}

}  // namespace lienthong::tools
