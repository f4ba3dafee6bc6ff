// agency, invite, issue: who takes part.
#include <fstream>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

const CLI::IsMember kTiers({"province", "district", "commune"});

struct Who {
  std::string code, name, tier;
};

void print_agency(const Json& agency) {
  Table table({"", ""});
  table.add({tr("code"), text_of(agency, "code")});
  table.add({tr("name"), text_of(agency, "name")});
  table.add({tr("tier"), tier_name(text_of(agency, "tier"))});
  table.add({tr("parent"), text_of(agency, "parent")});
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

int add_one_agency(const Shell& shell, const Who& who) {
  const Json agency = shell.client().post(
      "/v1/agencies", {{"code", who.code}, {"name", who.name}, {"tier", who.tier}});
  shell.json ? print_json(agency) : print_agency(agency);
  return kDone;
}

int invite(const Shell& shell, const Who& who, const std::string& ttl) {
  const Json answer =
      shell.client().post("/v1/invites", {{"code", who.code},
                                          {"name", who.name},
                                          {"tier", who.tier},
                                          {"ttl_seconds", parse_duration(ttl).count()}});
  if (shell.json) {
    print_json(answer);
    return kDone;
  }
  print_line(text_of(answer, "token"));
  print_error(format("good until {}; at the machine of {}: lienthong enroll TOKEN --data DIR",
                     show_time(text_of(answer, "expires_at")), who.code));
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
  CLI::App* show = add_verb(*agency, "show", "one agency", "lienthong agency show H47.518");
  show->add_option("CODE", who->code, tr("code of the agency"))->required();
  show->callback(
      [&shell, who] { shell.run = [&shell, who] { return show_agency(shell, who->code); }; });

  CLI::App* add =
      add_verb(*agency, "add", "declare an agency below one's own",
               "lienthong agency add H47.518 --name \"Huyện Phú Ninh\" --tier district");
  add->add_option("CODE", who->code, tr("code of the agency"))->required();
  add->add_option("--name", who->name, tr("name of the agency"))->required();
  add->add_option("--tier", who->tier, tr("province, district or commune"))
      ->required()
      ->check(kTiers);
  add->callback(
      [&shell, who] { shell.run = [&shell, who] { return add_one_agency(shell, *who); }; });
}

void add_invite(CLI::App& app, Shell& shell) {
  const auto who = std::make_shared<Who>();
  const auto ttl = std::make_shared<std::string>("24h");
  CLI::App* verb =
      add_verb(app, "invite", "print a one-time token that enrols a machine of an agency below",
               "lienthong invite H47.518 --name \"Huyện Phú Ninh\" --tier district --ttl 2h");
  verb->add_option("CODE", who->code, tr("code of the agency"))->required();
  verb->add_option("--name", who->name, tr("name of the agency"))->required();
  verb->add_option("--tier", who->tier, tr("province, district or commune"))
      ->required()
      ->check(kTiers);
  verb->add_option("--ttl", *ttl, tr("how long the token is good, such as 2h or 3d"));
  verb->callback(
      [&shell, who, ttl] { shell.run = [&shell, who, ttl] { return invite(shell, *who, *ttl); }; });
}

void add_issue(CLI::App& app, Shell& shell) {
  const auto who = std::make_shared<Who>();
  const auto file = std::make_shared<std::string>();
  const auto out = std::make_shared<std::string>();
  CLI::App* verb = add_verb(
      app, "issue", "answer a request file with a certificate file (enrolment by hand)",
      "lienthong issue request.txt --code H47.518 --name \"Huyện Phú Ninh\" --tier district "
      "--out certificate.txt");
  verb->add_option("FILE", *file, tr("the request file, or - for standard input"))->required();
  verb->add_option("--code", who->code, tr("code of the agency"));
  verb->add_option("--name", who->name, tr("name of the agency"));
  verb->add_option("--tier", who->tier, tr("province, district or commune"))->check(kTiers);
  verb->add_option("--out", *out, tr("where to write the certificate (default: standard output)"));
  verb->callback([&shell, who, file, out] {
    shell.run = [&shell, who, file, out] { return issue(shell, *file, *who, *out); };
  });
}

}  // namespace lienthong::tools
