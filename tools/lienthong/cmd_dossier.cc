// dossier: new, show, list, set, event, note, apologise.
#include <cctype>

#include "tools/lienthong/explain.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"
#include "tools/lienthong/words.h"

namespace lienthong::tools {
namespace {

struct Event {
  std::string at, officer, unit, action, note;

  void add_to(CLI::App& verb) {
    verb.add_option("--at", at, tr("when, as 2023-04-01T09:33:56+07:00 (default: now)"));
    verb.add_option("--officer", officer, tr("who did it"));
    verb.add_option("--unit", unit, tr("in which unit"));
    verb.add_option("--note", note, tr("a remark"));
  }
  Json json() const {
    Json event = Json::object();
    if (!at.empty()) event["at"] = at;
    if (!officer.empty()) event["officer"] = officer;
    if (!unit.empty()) event["unit"] = unit;
    if (!action.empty()) event["action"] = action;
    if (!note.empty()) event["note"] = note;
    return event;
  }
};

struct DossierArgs {
  std::string code, file, text, key, due;
  bool explain = false;
  std::vector<std::string> fields;
  Event event;
  Wait wait;
};

struct Filter {
  std::string holder, status, due_within, since, procedure, text, agency;
  bool late = false;
  std::int64_t limit = 0;

  void add_to(CLI::App& verb) {
    verb.add_option("--holder", holder, tr("held by this agency"));
    verb.add_option("--status", status, tr("in this state, such as processing"));
    verb.add_flag("--late", late, tr("past their date"));
    verb.add_option("--due-within", due_within, tr("due within, such as 2d, or past their date"));
    verb.add_option("--since", since, tr("changed since, as 31/12/2024 or 2024-12-31T08:30"));
    verb.add_option("--procedure", procedure, tr("of this procedure"));
    verb.add_option("--text", text, tr("with these words; case and diacritics do not matter"));
    verb.add_option("--agency", agency, tr("in which this agency takes part"));
    verb.add_option("--limit", limit, tr("at most so many"))->check(CLI::Range(0, 1'000'000'000));
  }
  Query query() const {
    Query query;
    const auto add = [&query](const char* name, const std::string& value) {
      if (!value.empty()) query.emplace_back(name, value);
    };
    add("holder", holder);
    add("status", status_called(status).value_or(status));
    if (late) query.emplace_back("late", "1");
    if (!due_within.empty()) {
      query.emplace_back("due_within", std::to_string(parse_duration(due_within).count()));
    }
    add("since", since);
    add("procedure", procedure);
    add("text", text);
    add("agency", agency);
    if (limit > 0) query.emplace_back("limit", std::to_string(limit));
    return query;
  }
};

int create(const Shell& shell, const DossierArgs& args) {
  Json dossier = Json::object();
  if (!args.file.empty()) {
    dossier = Json::parse(read_file(args.file), nullptr, false);
    if (!dossier.is_object()) throw Failure(kFailed, format("{} is not a JSON object", args.file));
  }
  dossier.merge_patch(read_fields(args.fields));
  if (!args.code.empty()) dossier["code"] = args.code;
  Json operation{{"op", "create"}, {"dossier", dossier}};
  if (!args.key.empty()) operation["key"] = args.key;
  return run_operation(shell, operation, args.wait, "received");
}

int change(const Shell& shell, const DossierArgs& args) {
  Json operation{{"op", "set"}, {"code", args.code}, {"fields", read_fields(args.fields)}};
  const Json event = args.event.json();
  if (!event.empty()) operation["event"] = event;
  if (!args.key.empty()) operation["key"] = args.key;
  return run_operation(shell, operation, args.wait, "changed");
}

int add_event(const Shell& shell, const DossierArgs& args) {
  Json operation{{"op", "event"}, {"code", args.code}, {"event", args.event.json()}};
  if (!args.key.empty()) operation["key"] = args.key;
  return run_operation(shell, operation, args.wait, "noted");
}

int add_note(const Shell& shell, const DossierArgs& args) {
  Json operation{{"op", "note"}, {"code", args.code}, {"note", args.text}};
  if (!args.event.officer.empty()) operation["officer"] = args.event.officer;
  if (!args.key.empty()) operation["key"] = args.key;
  return run_operation(shell, operation, args.wait, "noted");
}

int apologise(const Shell& shell, const DossierArgs& args) {
  Json operation{
      {"op", "apologise"}, {"code", args.code}, {"due_at", args.due}, {"note", args.event.note}};
  if (!args.event.officer.empty()) operation["officer"] = args.event.officer;
  if (!args.event.at.empty()) operation["at"] = args.event.at;
  if (!args.key.empty()) operation["key"] = args.key;
  return run_operation(shell, operation, args.wait, "new date given");
}

Paint due_look(const std::string& cell) {
  return cell.ends_with(tr("(late)")) ? Paint::kBad : Paint::kNone;
}

int list(const Shell& shell, const Filter& filter) {
  const Client client = shell.client();
  if (shell.json) {
    client.lines("/v1/dossiers", filter.query(), print_line);
    return kDone;
  }
  Table table({tr("CODE"), tr("APPLICANT"), tr("STATE"), tr("DUE"), tr("HOLDER"), tr("OFFERED TO"),
               tr("PROCEDURE"), tr("SUMMARY")});
  table.spare({7, 6, 5, 4}).paint(3, due_look);
  client.lines("/v1/dossiers", filter.query(), [&table](const std::string& line) {
    const Json dossier = Json::parse(line, nullptr, false);
    std::string due = show_due(text_of(dossier, "due_at"));
    if (dossier.value("late", false)) due += std::string(" ") + tr("(late)");
    const bool conflict = dossier.value("conflict", false);
    table.add({text_of(dossier, "code"), shorten(text_of(dossier, "applicant"), 40),
               status_name(text_of(dossier, "status")) + (conflict ? " !" : ""), due,
               text_of(dossier, "holder"), text_of(dossier, "offered_to"),
               text_of(dossier, "procedure"), shorten(text_of(dossier, "summary"), 50)});
  });
  if (table.size() > 0) table.print();
  print_error(format("{} dossiers", table.size()));
  return kDone;
}

void add_row(Table& table, const char* label, const std::string& value) {
  if (!value.empty()) table.add({tr(label), value});
}

std::string official_codes(const Json& dossier) {
  std::string out;
  for (const Json& code : list_of(dossier, "official_codes")) {
    const std::string system = text_of(code, "system");
    out += (out.empty() ? "" : ", ") + text_of(code, "code");
    if (!system.empty()) out += " (" + system + ")";
  }
  return out;
}

void print_facts(const Json& dossier) {
  Table table({"", ""});
  add_row(table, "official codes", official_codes(dossier));
  const auto text = [&](const char* name) { return text_of(dossier, name); };
  const auto time = [&](const char* name) {
    return text(name).empty() ? std::string() : show_time(text(name));
  };
  const std::string procedure_name = text("procedure_name");
  add_row(table, "procedure",
          text("procedure") + (procedure_name.empty() ? "" : " – " + procedure_name));
  add_row(table, "field", text("field"));
  const Json applicant = dossier.value("applicant", Json::object());
  add_row(table, "applicant", text_of(applicant, "name"));
  const std::string address = text_of(applicant, "address");
  const std::string postal_code = text_of(applicant, "postal_code");
  add_row(table, "address",
          address + (address.empty() || postal_code.empty() ? "" : ", ") + postal_code);
  add_row(table, "summary", text("summary"));
  add_row(table, "state", status_name(text("status")));
  add_row(table, "holder", text("holder"));
  add_row(table, "offered to", text("offered_to"));
  add_row(table, "intake agency", text("intake_agency"));
  add_row(table, "competent agency", text("competent_agency"));
  add_row(table, "support place", text("support_agency"));
  add_row(table, "unit", text("unit"));
  add_row(table, "officer", text("officer"));
  add_row(table, "channel", channel_name(text("channel")));
  add_row(table, "submitted", time("submitted_at"));
  add_row(table, "received", time("received_at"));
  add_row(table, "due", text("due_at").empty() ? "" : show_due(text("due_at")));
  add_row(table, "new date given", time("reappointed_at"));
  for (const Json& appointment : list_of(dossier, "appointments"))
    add_row(table, "appointment",
            text_of(appointment, "name") + " " + show_time(text_of(appointment, "due_at")));
  if (dossier.contains("step")) add_row(table, "step", show_step(dossier["step"]));
  add_row(table, "finished", time("finished_at"));
  add_row(table, "returned", time("returned_at"));
  std::string participants;
  for (const Json& code : list_of(dossier, "participants")) {
    participants += (participants.empty() ? "" : ", ") + code.get<std::string>();
  }
  add_row(table, "takes part", participants);
  add_row(table, "to be returned to", text("to_return_to"));
  add_row(table, "part of", text_of(dossier.value("lead", Json::object()), "code"));
  add_row(table, "duty", text("duty"));
  add_row(table, "outcome", text("outcome"));
  table.print("  ");
}

void print_history(const Json& dossier) {
  const Json& history = list_of(dossier, "history");
  if (history.empty()) return;
  print_line(tr("History"));
  Table table({"", "", "", ""});
  for (const Json& entry : history) {
    const std::string officer = text_of(entry, "officer");
    const std::string unit = text_of(entry, "unit");
    std::string at = show_time(text_of(entry, "at"));
    if (entry.value("doubtful", false))
      at = format("{} (doubtful, came {})", at, show_time(text_of(entry, "came_at")));
    const std::string account = text_of(entry, "account");
    std::string who = officer.empty() || unit.empty() ? officer + unit : officer + ", " + unit;
    if (!account.empty()) who += who.empty() ? account : " (" + account + ")";
    table.add({at, action_name(text_of(entry, "action")), who, text_of(entry, "note")});
  }
  table.print("  ");
}

void print_components(const Json& dossier) {
  const Json& components = list_of(dossier, "components");
  if (components.empty()) return;
  print_line(tr("Components"));
  Table table({"", "", "", ""});
  for (std::size_t i = 0; i < components.size(); ++i) {
    const Json& each = components[i];
    const std::string digest = text_of(each, "digest");
    table.add({std::to_string(i + 1), shorten(text_of(each, "name"), 60),
               text_of(each, "media_type"),
               digest.empty() ? tr("on paper") : show_bytes(number_of(each, "size"))});
  }
  table.right(0).right(3).print("  ");
}

int show(const Shell& shell, const DossierArgs& args) {
  const Query query = args.explain ? Query{{"explain", "1"}} : Query();
  const Json dossier = shell.client().get("/v1/dossiers/" + encode(args.code), query);
  if (shell.json) {
    print_json(dossier);
    return kDone;
  }
  print_line(text_of(dossier, "code"));
  print_facts(dossier);
  print_components(dossier);
  if (dossier.value("withheld", false))
    print_line(
        format("Persons and contents are not shown: our office takes no part. "
               "lienthong inspect {} --reason WHY",
               text_of(dossier, "code")));
  if (dossier.contains("erased")) {
    const Json& erased = dossier["erased"];
    print_line(format("Erased by {}, decision {}, at {}", text_of(erased, "by"),
                      text_of(erased, "decision"), show_time(text_of(erased, "at"))));
  }
  if (args.explain) print_explanation(dossier);
  print_legs(dossier);
  print_custody(dossier);
  print_history(dossier);
  for (const Json& conflict : list_of(dossier, "conflicts")) {
    print_line(format("Conflict in {}; see: lienthong conflicts", text_of(conflict, "field")));
  }
  return kDone;
}

template <class Run>
void on_run(CLI::App& verb, Shell& shell, const std::shared_ptr<DossierArgs>& args, Run run) {
  verb.callback(
      [&shell, args, run] { shell.run = [&shell, args, run] { return run(shell, *args); }; });
}

void add_code(CLI::App& verb, DossierArgs& args) {
  verb.add_option("CODE", args.code, tr("code of the dossier"))->required();
}

void add_key(CLI::App& verb, DossierArgs& args) {
  verb.add_option("--key", args.key, tr("idempotency key: the same key again changes nothing"));
  args.wait.add_to(verb);
}

void add_changes(CLI::App& dossier, Shell& shell) {
  const auto args = std::make_shared<DossierArgs>();
  CLI::App* set = add_verb(dossier, "set", "change fields of a dossier that is here",
                           "lienthong dossier set H47.518-230401-0001 status=processing "
                           "unit=\"Phòng Tư pháp\" --action forward --officer \"Lò Thanh Nga\"");
  add_code(*set, *args);
  set->add_option("FIELD=VALUE", args->fields, tr("fields with their new values"))->required();
  set->add_option("--action", args->event.action, tr("what was done, for the history"));
  args->event.add_to(*set);
  add_key(*set, *args);
  on_run(*set, shell, args, change);

  CLI::App* event = add_verb(dossier, "event", "add a line to the history",
                             "lienthong dossier event H47.518-230401-0001 --action appraise");
  add_code(*event, *args);
  event->add_option("--action", args->event.action, tr("what was done, for the history"))
      ->required();
  args->event.add_to(*event);
  add_key(*event, *args);
  on_run(*event, shell, args, add_event);

  CLI::App* note = add_verb(dossier, "note", "write a remark; who supervises may do so too",
                            "lienthong dossier note H47.518-230401-0001 \"Đã gọi cho công dân\"");
  add_code(*note, *args);
  note->add_option("TEXT", args->text, tr("the remark"))->required();
  note->add_option("--officer", args->event.officer, tr("who did it"));
  add_key(*note, *args);
  on_run(*note, shell, args, add_note);
}

// Written into the record first, then shown.
int inspect(const Shell& shell, const DossierArgs& args) {
  Json operation{{"op", "inspect"}, {"code", args.code}, {"note", args.event.note}};
  if (!args.event.officer.empty()) operation["officer"] = args.event.officer;
  if (!args.key.empty()) operation["key"] = args.key;
  shell.client().operate(operation);
  return show(shell, args);
}

void add_apology(CLI::App& dossier, Shell& shell) {
  const auto args = std::make_shared<DossierArgs>();
  CLI::App* verb = add_verb(dossier, "apologise", "apologise, and promise a new date, once",
                            "lienthong dossier apologise H47.518-230401-0001 --due 2023-04-20 "
                            "--reason \"Chờ ý kiến của Sở\"");
  add_code(*verb, *args);
  verb->add_option("--due", args->due, tr("the new date, as 2023-04-20 or with a time"))
      ->required();
  verb->add_option("--reason", args->event.note, tr("why it will be late"))->required();
  verb->add_option("--officer", args->event.officer, tr("who did it"));
  verb->add_option("--at", args->event.at, tr("when, as 2023-04-01T09:33:56+07:00 (default: now)"));
  add_key(*verb, *args);
  on_run(*verb, shell, args, apologise);
}

}  // namespace

void add_inspect(CLI::App& app, Shell& shell) {
  const auto args = std::make_shared<DossierArgs>();
  CLI::App* verb =
      add_verb(app, "inspect", "read a dossier of an office below; it is written into it",
               "lienthong inspect H47.518-230401-0001 --reason \"Giải quyết khiếu nại\"");
  add_code(*verb, *args);
  verb->add_option("--reason", args->event.note, tr("why it is read"))->required();
  verb->add_option("--officer", args->event.officer, tr("who did it"));
  add_key(*verb, *args);
  on_run(*verb, shell, args, inspect);
}

void add_dossier(CLI::App& app, Shell& shell) {
  CLI::App* dossier = add_verb(app, "dossier", "receive, look at and change dossiers",
                               "lienthong dossier list --late");
  dossier->require_subcommand(1);
  const auto args = std::make_shared<DossierArgs>();

  CLI::App* add = add_verb(*dossier, "new", "receive a dossier; without a code it is numbered here",
                           "lienthong dossier new procedure=1.001193 applicant.name=\"Lò Thị Hoa\" "
                           "channel=counter");
  add->add_option("FIELD=VALUE", args->fields, tr("fields with their values"));
  add->add_option("--file", args->file, tr("the dossier as JSON, - for standard input"));
  add->add_option("--code", args->code, tr("code of the dossier"));
  add_key(*add, *args);
  on_run(*add, shell, args, create);

  CLI::App* one = add_verb(*dossier, "show", "one dossier with its custody and history",
                           "lienthong dossier show H47.518-230401-0001");
  add_code(*one, *args);
  one->add_flag("--explain", args->explain, tr("also how its date was counted"));
  on_run(*one, shell, args, show);

  const auto filter = std::make_shared<Filter>();
  CLI::App* many = add_verb(*dossier, "list", "dossiers by holder, state, date or words",
                            "lienthong dossier list --holder H47.518 --due-within 2d");
  filter->add_to(*many);
  many->callback(
      [&shell, filter] { shell.run = [&shell, filter] { return list(shell, *filter); }; });
  add_changes(*dossier, shell);
  add_apology(*dossier, shell);
  add_recount(*dossier, shell);
  add_scans(*dossier, shell);
  add_audit(*dossier, shell);
}

}  // namespace lienthong::tools
