// feedback: what citizens say about rules and about how they were treated (phản ánh, kiến nghị).
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

struct FeedbackArgs {
  std::string code, file, text, note, at, key, from, to, agency;
  std::vector<std::string> fields;
  Wait wait;

  void add_to(CLI::App& verb) {
    verb.add_option("--key", key, tr("idempotency key: the same key again changes nothing"));
    wait.add_to(verb);
  }
};

struct Filter {
  std::string status, topic, source, about, holder, text;
  bool overdue = false;
  std::int64_t limit = 0;
};

int create(const Shell& shell, const FeedbackArgs& args) {
  Json feedback = Json::object();
  if (!args.file.empty()) {
    feedback = Json::parse(read_file(args.file), nullptr, false);
    if (!feedback.is_object()) throw Failure(kFailed, format("{} is not a JSON object", args.file));
  }
  feedback.merge_patch(read_fields(args.fields));
  Json operation{{"op", "create"}, {"feedback", feedback}};
  if (!args.key.empty()) operation["key"] = args.key;
  return run_operation(shell, operation, args.wait, "received");
}

Json change(const FeedbackArgs& args, Json fields) {
  Json operation{{"op", "set"}, {"code", args.code}, {"fields", std::move(fields)}};
  Json event = Json::object();
  if (!args.note.empty()) event["note"] = args.note;
  if (!args.at.empty()) event["at"] = args.at;
  if (!event.empty()) operation["event"] = event;
  if (!args.key.empty()) operation["key"] = args.key;
  return operation;
}

int set(const Shell& shell, const FeedbackArgs& args) {
  return run_operation(shell, change(args, read_fields(args.fields)), args.wait, "changed");
}

int answer(const Shell& shell, const FeedbackArgs& args) {
  const Json operation = change(args, {{"status", "done"}, {"answer", args.text}});
  return run_operation(shell, operation, args.wait, "answered");
}

int publish(const Shell& shell, const FeedbackArgs& args) {
  const Json operation = change(args, {{"status", "returned"}});
  return run_operation(shell, operation, args.wait, "published");
}

std::string topic_name(const std::string& topic) {
  if (topic == "regulation") return tr("rules of administration");
  if (topic == "behaviour") return tr("behaviour of officers");
  return topic;
}

std::string clock_name(const std::string& clock) {
  if (clock == "refuse") return tr("take up or turn down");
  if (clock == "supplement") return tr("ask for more");
  if (clock == "handle") return tr("answer");
  if (clock == "publish") return tr("publish");
  return clock;
}

std::string clock_state_name(const std::string& state) {
  if (state == "running") return tr("running");
  if (state == "overdue") return tr("overdue");
  if (state == "met") return tr("in time");
  if (state == "late") return tr("too late");
  return state;
}

int show(const Shell& shell, const FeedbackArgs& args) {
  const Json feedback = shell.client().get("/v1/records/" + encode(args.code));
  if (shell.json) {
    print_json(feedback);
    return kDone;
  }
  print_line(text_of(feedback, "code"));
  Table table({"", ""});
  const auto add = [&table](const char* label, const std::string& value) {
    if (!value.empty()) table.add({label, value});
  };
  const bool unknown = feedback.contains("about_known") && !feedback.value("about_known", true);
  add(tr("state"), status_name(text_of(feedback, "status")));
  add(tr("topic"), topic_name(text_of(feedback, "topic")));
  add(tr("source"), text_of(feedback, "source"));
  add(tr("about"), text_of(feedback, "about") +
                       (unknown ? std::string(" ") + tr("(not known on this machine)") : ""));
  add(tr("from"), text_of(feedback.value("applicant", Json::object()), "name"));
  add(tr("received"), show_time(text_of(feedback, "received_at")));
  add(tr("holder"), text_of(feedback, "holder"));
  add(tr("offered to"), text_of(feedback, "offered_to"));
  add(tr("title"), text_of(feedback, "title"));
  add(tr("content"), text_of(feedback, "content"));
  add(tr("answer"), text_of(feedback, "answer"));
  add(tr("satisfaction"), text_of(feedback, "satisfaction"));
  table.print("  ");
  Table clocks({tr("CLOCK"), tr("DUE"), tr("DONE"), tr("STATE")});
  for (const Json& clock : list_of(feedback, "clocks")) {
    clocks.add({clock_name(text_of(clock, "clock")), show_time(text_of(clock, "due")),
                show_time(text_of(clock, "end")), clock_state_name(text_of(clock, "state"))});
  }
  if (clocks.size() > 0) clocks.print("  ");
  return kDone;
}

int list(const Shell& shell, const Filter& filter) {
  Query query{{"kind", "feedback"}};
  const auto add = [&query](const char* name, const std::string& value) {
    if (!value.empty()) query.emplace_back(name, value);
  };
  add("status", filter.status);
  add("topic", filter.topic);
  add("source", filter.source);
  add("about", filter.about);
  add("holder", filter.holder);
  add("text", filter.text);
  if (filter.overdue) query.emplace_back("overdue", "1");
  if (filter.limit > 0) query.emplace_back("limit", std::to_string(filter.limit));
  const Client client = shell.client();
  if (shell.json) {
    client.lines("/v1/records", query, print_line);
    return kDone;
  }
  Table table({tr("CODE"), tr("STATE"), tr("TOPIC"), tr("SOURCE"), tr("HOLDER"), tr("RECEIVED"),
               tr("TITLE")});
  client.lines("/v1/records", query, [&table](const std::string& line) {
    const Json entry = Json::parse(line, nullptr, false);
    table.add({text_of(entry, "code"), status_name(text_of(entry, "status")),
               topic_name(text_of(entry, "topic")), text_of(entry, "source"),
               text_of(entry, "holder"), show_time(text_of(entry, "received_at")),
               shorten(text_of(entry, "title"), 50)});
  });
  if (table.size() > 0) table.print();
  print_error(format("{} pieces of feedback", table.size()));
  return kDone;
}

// "2023-04-01" is the morning of that day at the office.
std::string as_moment(const std::string& text) {
  return text.size() == 10 ? text + "T00:00:00+07:00" : text;
}

int report(const Shell& shell, const FeedbackArgs& args) {
  Query query{{"from", as_moment(args.from)}, {"to", as_moment(args.to)}};
  if (!args.agency.empty()) query.emplace_back("agency", args.agency);
  std::string path = "/v1/feedback/report";
  for (std::size_t i = 0; i < query.size(); ++i)
    path += (i == 0 ? "?" : "&") + query[i].first + "=" + encode(query[i].second);
  const Json counts = shell.client().get(path);
  if (shell.json) {
    print_json(counts);
    return kDone;
  }
  print_line(format("II.05, {}: received from {} to before {}", text_of(counts, "agency"),
                    show_time(text_of(counts, "from")), show_time(text_of(counts, "to"))));
  Table table({"", ""});
  table.right(1);
  const auto add = [&](const char* label, const char* group, const char* name) {
    table.add({label, text_of(counts.value(group, Json::object()), name)});
  };
  add(tr("received, all"), "received", "total");
  add(tr("  from before the period"), "received", "carried");
  add(tr("  in the period"), "received", "in_period");
  add(tr("handled, all"), "handled", "total");
  add(tr("  answered in time"), "handled", "on_time");
  add(tr("  answered too late"), "handled", "late");
  add(tr("  turned down"), "handled", "refused");
  add(tr("  withdrawn or stopped"), "handled", "ended");
  add(tr("open, all"), "open", "total");
  add(tr("  still in time"), "open", "in_time");
  add(tr("  overdue"), "open", "overdue");
  add(tr("published in time"), "published", "on_time");
  add(tr("published too late"), "published", "late");
  add(tr("answered, not published"), "published", "not_yet");
  table.print("  ");
  if (const auto unknown = number_of(counts, "about_unknown_dossiers"); unknown > 0)
    print_line(format("{} name a dossier that is not known here", unknown));
  return kDone;
}

template <class Run>
void on_run(CLI::App& verb, Shell& shell, const std::shared_ptr<FeedbackArgs>& args, Run run) {
  verb.callback(
      [&shell, args, run] { shell.run = [&shell, args, run] { return run(shell, *args); }; });
}

void add_changes(CLI::App& feedback, Shell& shell, const std::shared_ptr<FeedbackArgs>& args) {
  CLI::App* change_it = add_verb(feedback, "set", "change fields, such as its state",
                                 "lienthong feedback set H47.518-230401-0003 status=processing");
  change_it->add_option("CODE", args->code, tr("code of the feedback"))->required();
  change_it->add_option("FIELD=VALUE", args->fields, tr("fields with their new values"))
      ->required();
  change_it->add_option("--note", args->note, tr("a remark"));
  change_it->add_option("--at", args->at, tr("when, as 2023-04-01T09:33:56+07:00 (default: now)"));
  args->add_to(*change_it);
  on_run(*change_it, shell, args, set);

  CLI::App* answer_it = add_verb(feedback, "answer", "write the answer; that is when it is handled",
                                 "lienthong feedback answer H47.518-230401-0003 \"Đã chấn chỉnh\"");
  answer_it->add_option("CODE", args->code, tr("code of the feedback"))->required();
  answer_it->add_option("TEXT", args->text, tr("the answer"))->required();
  answer_it->add_option("--at", args->at, tr("when, as 2023-04-01T09:33:56+07:00 (default: now)"));
  args->add_to(*answer_it);
  on_run(*answer_it, shell, args, answer);

  CLI::App* publish_it = add_verb(feedback, "publish", "note that question and answer are public",
                                  "lienthong feedback publish H47.518-230401-0003");
  publish_it->add_option("CODE", args->code, tr("code of the feedback"))->required();
  publish_it->add_option("--at", args->at, tr("when, as 2023-04-01T09:33:56+07:00 (default: now)"));
  args->add_to(*publish_it);
  on_run(*publish_it, shell, args, publish);
}

}  // namespace

void add_feedback(CLI::App& app, Shell& shell) {
  CLI::App* feedback = add_verb(app, "feedback", "what citizens say, and the answers",
                                "lienthong feedback list --overdue");
  feedback->require_subcommand(1);
  const auto args = std::make_shared<FeedbackArgs>();
  CLI::App* add = add_verb(*feedback, "new", "take in a piece of feedback",
                           "lienthong feedback new source=1022 topic=behaviour "
                           "about=H47.518-230401-0001 title=\"Trả hồ sơ chậm\"");
  add->add_option("FIELD=VALUE", args->fields, tr("fields with their values"));
  add->add_option("--file", args->file, tr("the feedback as JSON, - for standard input"));
  args->add_to(*add);
  on_run(*add, shell, args, create);

  CLI::App* one = add_verb(*feedback, "show", "one piece of feedback with its clocks",
                           "lienthong feedback show H47.518-230401-0003");
  one->add_option("CODE", args->code, tr("code of the feedback"))->required();
  on_run(*one, shell, args, show);

  const auto filter = std::make_shared<Filter>();
  CLI::App* many = add_verb(*feedback, "list", "feedback by state, topic, source or words",
                            "lienthong feedback list --status processing --overdue");
  many->add_option("--status", filter->status, tr("in this state, such as processing"));
  many->add_option("--topic", filter->topic, tr("regulation or behaviour"));
  many->add_option("--source", filter->source, tr("how it came, such as 1022"));
  many->add_option("--about", filter->about, tr("about this dossier"));
  many->add_option("--holder", filter->holder, tr("held by this agency"));
  many->add_option("--text", filter->text,
                   tr("with these words; case and diacritics do not matter"));
  many->add_flag("--overdue", filter->overdue, tr("with a clock that ran out"));
  many->add_option("--limit", filter->limit, tr("at most so many"))
      ->check(CLI::Range(0, 1'000'000'000));
  many->callback(
      [&shell, filter] { shell.run = [&shell, filter] { return list(shell, *filter); }; });
  add_changes(*feedback, shell, args);

  CLI::App* counts = add_verb(*feedback, "report", "counts of a period, as of its end (II.05)",
                              "lienthong feedback report --from 2023-01-01 --to 2023-04-01");
  counts->add_option("--from", args->from, tr("first day, as 2023-01-01"))->required();
  counts->add_option("--to", args->to, tr("the day after the last, as 2023-04-01"))->required();
  counts->add_option("--agency", args->agency, tr("received at this agency or below it"));
  on_run(*counts, shell, args, report);
}

}  // namespace lienthong::tools
