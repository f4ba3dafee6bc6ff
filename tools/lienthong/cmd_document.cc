// document: the registers of documents in and out (văn bản đến, đi).
#include <iostream>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

struct DocumentArgs {
  std::string code, direction, book, file, to_one, format = "edxml", out, receipt, note, key;
  std::int64_t number = 0;
  std::vector<std::string> fields, to;
  bool urgent = false;
  Wait wait;

  void add_to(CLI::App& verb) {
    verb.add_option("--key", key, tr("idempotency key: the same key again changes nothing"));
    wait.add_to(verb);
  }
};

struct Filter {
  std::string direction, book, text, about;
  std::int64_t year = 0;
};

int create(const Shell& shell, const DocumentArgs& args) {
  Json document = Json::object();
  if (!args.file.empty()) {
    document = Json::parse(read_file(args.file), nullptr, false);
    if (!document.is_object()) throw Failure(kFailed, format("{} is not a JSON object", args.file));
  }
  document.merge_patch(read_fields(args.fields));
  if (!args.direction.empty()) document["direction"] = args.direction;
  if (!args.book.empty()) document["register"] = args.book;
  if (args.number > 0) document["number"] = args.number;
  Json operation{{"op", "create"}, {"document", document}};
  if (!args.key.empty()) operation["key"] = args.key;
  return run_operation(shell, operation, args.wait, "entered in its register");
}

std::string receipt_name(const Json& record) {
  const Json receipt = record.value("receipt_state", Json::object());
  const std::string state = text_of(receipt, "state");
  const std::string code = text_of(receipt, "code");
  std::string name = state;
  if (state == "sent") name = tr("sent");
  if (state == "arrived") name = tr("arrived");
  if (state == "declined") name = tr("turned down");
  if (state == "accepted") name = tr("taken over");
  if (state == "assigned") name = tr("assigned");
  if (state == "in-work") name = tr("being worked on");
  if (state == "done") name = tr("done");
  return code.empty() ? name : code + " " + name;
}

std::string direction_name(const std::string& direction) {
  if (direction == "in") return tr("in");
  if (direction == "out") return tr("out");
  return direction;
}

int show(const Shell& shell, const DocumentArgs& args) {
  const Json document = shell.client().get("/v1/records/" + encode(args.code));
  if (shell.json) {
    print_json(document);
    return kDone;
  }
  print_line(text_of(document, "code"));
  Table table({"", ""});
  const auto add = [&table](const char* label, const std::string& value) {
    if (!value.empty()) table.add({label, value});
  };
  const auto time = [&](const char* name) {
    const std::string text = text_of(document, name);
    return text.empty() ? text : show_time(text);
  };
  add(tr("direction"), direction_name(text_of(document, "direction")));
  add(tr("register"), text_of(document, "register"));
  add(tr("number"), text_of(document, "number"));
  add(tr("notation"), text_of(document, "notation"));
  add(tr("signed"), time("signed_at"));
  add(tr("signed by"), text_of(document, "signer"));
  add(tr("organization"), text_of(document, "organization"));
  add(tr("priority"), text_of(document, "priority"));
  add(tr("received"), time("received_at"));
  add(tr("due"), time("due_at"));
  add(tr("title"), text_of(document, "title"));
  add(tr("summary"), text_of(document, "summary"));
  add(tr("about"), text_of(document, "about"));
  add(tr("copy of"), text_of(document.value("lead", Json::object()), "code"));
  add(tr("holder"), text_of(document, "holder"));
  add(tr("offered to"), text_of(document, "offered_to"));
  if (document.contains("receipt_state")) add(tr("receipt"), receipt_name(document));
  table.print("  ");
  const Json& copies = list_of(document, "copies");
  if (copies.empty()) return kDone;
  print_line(tr("Sent to"));
  Table sent({tr("CODE"), tr("AGENCY"), tr("SENT"), tr("RECEIPT")});
  for (const Json& copy : copies)
    sent.add({text_of(copy, "code"), text_of(copy, "to"), show_time(text_of(copy, "sent_at")),
              receipt_name(copy)});
  sent.print("  ");
  return kDone;
}

int list(const Shell& shell, const Filter& filter) {
  Query query{{"kind", "document"}};
  const auto add = [&query](const char* name, const std::string& value) {
    if (!value.empty()) query.emplace_back(name, value);
  };
  add("direction", filter.direction);
  add("register", filter.book);
  add("about", filter.about);
  add("text", filter.text);
  if (filter.year > 0) query.emplace_back("year", std::to_string(filter.year));
  const Client client = shell.client();
  if (shell.json) {
    client.lines("/v1/records", query, print_line);
    return kDone;
  }
  Table table({"", tr("REGISTER"), tr("NUMBER"), tr("NOTATION"), tr("DATE"), tr("ORGANIZATION"),
               tr("TITLE"), tr("RECEIPT"), tr("CODE")});
  table.right(2);
  client.lines("/v1/records", query, [&table](const std::string& line) {
    const Json entry = Json::parse(line, nullptr, false);
    const bool in = text_of(entry, "direction") == "in";
    const std::string title = text_of(entry, "title");
    const bool conflict = entry.value("conflict", false);
    table.add({direction_name(text_of(entry, "direction")), text_of(entry, "register"),
               text_of(entry, "number") + (conflict ? " !" : ""), text_of(entry, "notation"),
               show_time(text_of(entry, in ? "received_at" : "signed_at")),
               text_of(entry, "organization"),
               shorten(title.empty() ? text_of(entry, "summary") : title, 50), receipt_name(entry),
               text_of(entry, "code")});
  });
  if (table.size() > 0) table.print();
  print_error(format("{} documents", table.size()));
  return kDone;
}

// All or none: one copy for each agency.
int send(const Shell& shell, const DocumentArgs& args) {
  std::string body;
  for (const std::string& to : args.to) {
    Json operation{{"op", "send"}, {"code", args.code}, {"to", to}};
    if (args.urgent) operation["urgent"] = true;
    if (!args.key.empty()) operation["key"] = args.key + "/" + to;
    body += operation.dump() + "\n";
  }
  int code = kDone;
  for (const Json& answer : shell.client().operations(body, true)) {
    if (shell.json) {
      print_line(answer.dump());
    } else if (answer.value("ok", false)) {
      print_line(text_of(answer, "code") + ": " + tr("sent"));
    } else {
      print_error(reason_of(answer.value("error", Json::object())));
    }
    if (!answer.value("ok", false)) code = kFailed;
  }
  return code;
}

int set_receipt(const Shell& shell, const DocumentArgs& args) {
  Json operation{{"op", "set"}, {"code", args.code}};
  if (args.receipt == "accepted") {
    operation = {{"op", "accept"}, {"code", args.code}};
  } else if (args.receipt == "declined") {
    operation = {{"op", "decline"}, {"code", args.code}};
  } else {
    const int state = args.receipt == "assigned" ? 4 : args.receipt == "in-work" ? 5 : 6;
    operation["fields"] = {{"receipt", state}};
  }
  if (!args.note.empty()) {
    if (text_of(operation, "op") == "set")
      operation["event"] = {{"note", args.note}};
    else
      operation["note"] = args.note;
  }
  if (!args.key.empty()) operation["key"] = args.key;
  return run_operation(shell, operation, args.wait, "noted");
}

int write_out(const Shell& shell, const DocumentArgs& args) {
  const Query query = args.to_one.empty() ? Query{} : Query{{"to", args.to_one}};
  std::string text;
  shell.client().download(
      "/v1/documents/" + encode(args.code) + "/edxml",
      [&text](const char* bytes, std::size_t size) {
        text.append(bytes, size);
        return true;
      },
      "GET", query);
  std::cout << text;
  return kDone;
}

template <class Run>
void on_run(CLI::App& verb, Shell& shell, const std::shared_ptr<DocumentArgs>& args, Run run) {
  verb.callback(
      [&shell, args, run] { shell.run = [&shell, args, run] { return run(shell, *args); }; });
}

void add_passing(CLI::App& document, Shell& shell, const std::shared_ptr<DocumentArgs>& args) {
  CLI::App* pass = add_verb(document, "send", "send a document to agencies of the system",
                            "lienthong document send H47.518-DI-2023-0007 --to H47 --to H47.518.2");
  pass->add_option("CODE", args->code, tr("code of the document"))->required();
  pass->add_option("--to", args->to, tr("an agency; once for each"))->required();
  pass->add_flag("--urgent", args->urgent, tr("mark it urgent"));
  pass->add_option("--key", args->key, tr("idempotency key: the same key again changes nothing"));
  on_run(*pass, shell, args, send);

  CLI::App* receipt = add_verb(document, "receipt", "say how far a document that came in has got",
                               "lienthong document receipt H47-DI-2023-0007/2 accepted");
  receipt->add_option("CODE", args->code, tr("code of the document"))->required();
  receipt->add_option("STATE", args->receipt, tr("accepted, declined, assigned, in-work or done"))
      ->required()
      ->check(CLI::IsMember({"accepted", "declined", "assigned", "in-work", "done"}));
  receipt->add_option("--note", args->note, tr("a remark"));
  args->add_to(*receipt);
  on_run(*receipt, shell, args, set_receipt);

  CLI::App* out = add_verb(document, "export", "the header of a document for other systems",
                           "lienthong document export H47.518-DI-2023-0007 --format edxml");
  out->add_option("CODE", args->code, tr("code of the document"))->required();
  out->add_option("--format", args->format, tr("edxml"))->check(CLI::IsMember({"edxml"}));
  out->add_option("--to", args->to_one, tr("its receiver (default: all it was sent to)"));
  on_run(*out, shell, args, write_out);
}

}  // namespace

void add_document(CLI::App& app, Shell& shell) {
  CLI::App* document = add_verb(app, "document", "documents in and out, by register and year",
                                "lienthong document list --direction in --year 2023");
  document->require_subcommand(1);
  const auto args = std::make_shared<DocumentArgs>();
  CLI::App* add = add_verb(*document, "new", "enter a document; it gets the next number",
                           "lienthong document new --direction in title=\"Về việc rà soát TTHC\" "
                           "organization=\"Sở Nội vụ\" notation=123/SNV-CCHC");
  add->add_option("FIELD=VALUE", args->fields, tr("fields with their values"));
  add->add_option("--direction", args->direction, tr("in or out"))
      ->check(CLI::IsMember({"in", "out"}));
  add->add_option("--register", args->book, tr("the register, where there are several"));
  add->add_option("--number", args->number, tr("its number, where it has one already"));
  add->add_option("--file", args->file, tr("the document as JSON, - for standard input"));
  args->add_to(*add);
  on_run(*add, shell, args, create);

  CLI::App* one = add_verb(*document, "show", "one document, and where it was sent to",
                           "lienthong document show H47.518-DI-2023-0007");
  one->add_option("CODE", args->code, tr("code of the document"))->required();
  on_run(*one, shell, args, show);

  const auto filter = std::make_shared<Filter>();
  CLI::App* many = add_verb(*document, "list", "a register of documents",
                            "lienthong document list --direction out --year 2023");
  many->add_option("--direction", filter->direction, tr("in or out"))
      ->check(CLI::IsMember({"in", "out"}));
  many->add_option("--register", filter->book, tr("the register, where there are several"));
  many->add_option("--year", filter->year, tr("of this year"))->check(CLI::Range(0, 1'000'000'000));
  many->add_option("--about", filter->about, tr("about this dossier"));
  many->add_option("--text", filter->text,
                   tr("with these words; case and diacritics do not matter"));
  many->callback(
      [&shell, filter] { shell.run = [&shell, filter] { return list(shell, *filter); }; });
  add_passing(*document, shell, args);
}

}  // namespace lienthong::tools
