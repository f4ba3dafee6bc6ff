// status, peers, sync, log, quarantine, conflicts, verify: looking.
#include <algorithm>
#include <tuple>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

// How old the copy is, and what is not in it.
std::string shown_mirror(const Json& mirror) {
  const bool made = mirror.contains("age_seconds") && mirror["age_seconds"].is_number();
  std::string out =
      made ? format("{} ago, {} changes are not in it", show_age(number_of(mirror, "age_seconds")),
                    number_of(mirror, "changes_not_in_it"))
           : std::string(tr("no copy yet"));
  const std::string problem = text_of(mirror, "problem");
  return problem.empty() ? out : out + "; " + problem;
}

std::string pending(const Json& neighbour, const char* direction) {
  const Json pending = neighbour.value(direction, Json::object());
  const std::int64_t updates = number_of(pending, "updates");
  return updates == 0 ? "0"
                      : fmt::format("{} ({})", updates, show_bytes(number_of(pending, "bytes")));
}

std::string round_trip(const Json& neighbour) {
  const auto found = neighbour.find("rtt");
  if (found == neighbour.end() || !found->is_number()) return "–";
  return fmt::format("{:.0f} ms", found->get<double>() * 1000);
}

// The one above first, then by trouble, then by code.
Json in_order(const Json& status) {
  const std::string ours = text_of(status, "agency");
  const auto place = [&ours](const Json& neighbour) {
    const std::string code = text_of(neighbour, "agency"), state = text_of(neighbour, "state");
    const bool above = !code.empty() && ours.starts_with(code + ".");
    return std::tuple(!above, state == "connected" ? 2 : state == "dialling" ? 1 : 0, code);
  };
  Json list = list_of(status, "neighbours");
  std::stable_sort(list.begin(), list.end(),
                   [&](const Json& a, const Json& b) { return place(a) < place(b); });
  return list;
}

void print_neighbours(const Json& status) {
  const Json neighbours = in_order(status);
  if (neighbours.empty()) {
    print_line(tr("No neighbours yet."));
    return;
  }
  Table table({tr("NEIGHBOUR"), tr("STATE"), tr("ADDRESS"), tr("LAST CONTACT"), tr("ROUND TRIP"),
               tr("TO SEND"), tr("TO RECEIVE"), tr("SENT"), tr("RECEIVED")});
  table.right(4).right(5).right(6).right(7).right(8);
  table.spare({8, 7, 4, 2}).paint(1, state_look);
  for (const Json& neighbour : neighbours) {
    const std::string contact = text_of(neighbour, "last_contact");
    table.add({text_of(neighbour, "agency") + " " + shorten(text_of(neighbour, "agency_name"), 24),
               state_name(text_of(neighbour, "state")), text_of(neighbour, "address"),
               show_when(contact), round_trip(neighbour), pending(neighbour, "pending_out"),
               pending(neighbour, "pending_in"), show_bytes(number_of(neighbour, "sent_bytes")),
               show_bytes(number_of(neighbour, "received_bytes"))});
  }
  table.print();
}

// "12.3 MB of 50.0 MB, 20.1 MB expected; closed: scans"
std::string day_so_far(const Json& budget) {
  const std::int64_t bound = number_of(budget, "bytes_per_day");
  std::string out = bound == 0 ? show_bytes(number_of(budget, "spent_bytes"))
                               : format("{} of {}", show_bytes(number_of(budget, "spent_bytes")),
                                        show_bytes(bound));
  constexpr std::int64_t kTooEarlySeconds = 3600;  // to say what a day will come to
  if (number_of(budget, "day_seconds") >= kTooEarlySeconds)
    out += ", " + format("{} expected", show_bytes(number_of(budget, "forecast_bytes")));
  std::string closed;
  for (const Json& lane : list_of(budget, "closed_lanes")) {
    const std::int64_t number = number_of(lane, "lane");
    if (!closed.empty()) closed += ", ";
    closed += number == 4 ? tr("scans") : number == 3 ? tr("history") : tr("updates");
  }
  return closed.empty() ? out : out + "; " + format("closed: {}", closed);
}

std::string in_sync(const Json& status) {
  if (status.value("in_sync", false)) return tr("yes");
  for (const Json& neighbour : list_of(status, "neighbours")) {
    if (neighbour.value("comparing", false)) return tr("being compared");
  }
  return tr("no");
}

int status(const Shell& shell) {
  const Json status = shell.client().get("/v1/status");
  if (shell.json) {
    print_json(status);
    return kDone;
  }
  print_line(text_of(status, "agency") + " " + text_of(status, "agency_name"));
  const auto number = [&status](const char* name) {
    return std::to_string(number_of(status, name));
  };
  Table table({"", ""});
  table.add({tr("in sync"), in_sync(status)});
  table.add({tr("records"), number("records")});
  table.add({tr("updates"), number("updates")});
  table.add({tr("only on this machine"), number("only_here")});
  table.add({tr("waiting"), number("waiting")});
  table.add({tr("without effect"), number("inert")});
  table.add({tr("refused updates"), number("refused")});
  table.add({tr("on disk"), show_bytes(number_of(status, "disk_bytes"))});
  if (const auto budget = status.find("budget"); budget != status.end() && budget->is_object())
    table.add({tr("traffic today"), day_so_far(*budget)});
  const Json registry = status.value("registry", Json::object());
  const std::string word = text_of(registry, "newest_root_word");
  if (!word.empty()) table.add({tr("newest word of the root"), show_time(word)});
  const std::string scrubbed = text_of(status.value("scrub", Json::object()), "finished");
  table.add({tr("disk read through"), scrubbed.empty() ? tr("not yet") : show_time(scrubbed)});
  if (const Json backup = status.value("backup", Json()); backup.is_object())
    table.add({tr("last backup"), format("{} ago", show_age(number_of(backup, "age_seconds")))});
  if (const Json mirror = status.value("mirror", Json()); mirror.is_object())
    table.add({tr("second disk"), shown_mirror(mirror)});
  table.add({tr("running since"), show_when(text_of(status, "started_at"))});
  table.add({tr("version"), text_of(status, "version")});
  table.print("  ");
  if (const Json damage = status.value("damage", Json());
      damage.is_object() && text_of(damage, "seen_at").empty())
    print_line(tr("The database was found damaged: lienthong damage"));
  for (const Json& late : list_of(status, "late_work"))
    print_line(
        format("Of revoked machine {} of {} {} updates and {} statements came that were "
               "sealed too late; they do not count.",
               text_of(late, "node").substr(0, 16), text_of(late, "agency"),
               number_of(late, "updates"), number_of(late, "statements")));
  if (status.value("restored", false)) {
    print_line(
        tr("This machine was restored from an older copy; handoffs wait until a neighbour has "
           "given back what is missing."));
  }
  if (const Json lists = status.value("lists", Json()); lists.is_object())
    print_line(format("Lists are being prepared: {} of {} records. Until then they take longer.",
                      number_of(lists, "records"), number_of(lists, "of")));
  if (const std::string trouble = text_of(status, "trouble"); !trouble.empty())
    print_line(format("Nothing can be written now: {}", trouble));
  if (status.value("clock_doubtful", false))
    print_line(tr("The clock of this machine is doubtful."));
  print_neighbours(status);
  return kDone;
}

}  // namespace

int show_peers(const Shell& shell) {
  const Json peers = shell.client().get("/v1/peers");
  if (shell.json) {
    print_json(peers);
    return kDone;
  }
  print_neighbours(peers);
  for (const Json& neighbour : list_of(peers, "neighbours")) {
    const std::string error = text_of(neighbour, "last_error");
    if (error.empty() || text_of(neighbour, "state") == "connected") continue;  // an old one
    print_line(format("{}: {} sessions, {} failures, the last: {}; next attempt {}",
                      text_of(neighbour, "agency"), number_of(neighbour, "sessions"),
                      number_of(neighbour, "failures"), error,
                      show_when(text_of(neighbour, "next_attempt"))));
  }
  const Json& refused = list_of(peers, "refused");
  if (refused.empty()) return kDone;
  print_line(tr("Turned away"));
  Table table({tr("ADDRESS"), tr("REASON"), tr("LAST"), tr("TIMES")});
  table.right(3);
  for (const Json& peer : refused) {
    table.add({text_of(peer, "address"), text_of(peer, "reason"), show_time(text_of(peer, "last")),
               text_of(peer, "count")});
  }
  table.print("  ");
  return kDone;
}

namespace {

int sync_now(const Shell& shell) {
  const Json answer = shell.client().post("/v1/sync");
  if (shell.json) {
    print_json(answer);
  } else {
    print_line(format("{} neighbours are being dialled", number_of(answer, "dialled")));
  }
  return kDone;
}

int show_log(const Shell& shell, std::int64_t limit) {
  const Json log = shell.client().get("/v1/log", {{"limit", std::to_string(limit)}});
  if (shell.json) {
    print_json(log);
    return kDone;
  }
  for (const Json& line : list_of(log, "lines")) {
    print_line(show_time(text_of(line, "at")) + " " + text_of(line, "level") + " " +
               text_of(line, "text"));
  }
  return kDone;
}

int quarantine(const Shell& shell) {
  const Json quarantine = shell.client().get("/v1/quarantine");
  if (shell.json) {
    print_json(quarantine);
    return kDone;
  }
  const Json& refused = list_of(quarantine, "refused");
  const Json& waiting = list_of(quarantine, "waiting");
  const Json& inert = list_of(quarantine, "inert");
  Table table({tr("KIND"), tr("UPDATE"), tr("FROM"), tr("WHEN"), tr("REASON")});
  for (const Json& entry : refused) {
    const bool there = text_of(entry, "refused_by") == "neighbour";
    table.add({there ? tr("refused there") : tr("refused here"), show_id(text_of(entry, "id")),
               text_of(entry, "from"), show_time(text_of(entry, "at")),
               tell_reason(text_of(entry, "reason"))});
  }
  for (const Json& entry : waiting) {
    table.add({tr("waiting"), show_id(text_of(entry, "id")), text_of(entry, "from"),
               show_time(text_of(entry, "since")), tell_reason(text_of(entry, "reason"))});
  }
  for (const Json& entry : inert) {
    table.add({tr("without effect"), show_id(text_of(entry, "id")), text_of(entry, "code"), "–",
               tell_reason(text_of(entry, "reason"))});
  }
  if (table.size() > 0) table.print();
  print_error(format("{} refused, {} waiting, {} without effect", refused.size(), waiting.size(),
                     inert.size()));
  return kDone;
}

int conflicts(const Shell& shell) {
  const Json conflicts = shell.client().get("/v1/conflicts");
  if (shell.json) {
    print_json(conflicts);
    return kDone;
  }
  for (const Json& conflict : conflicts) {
    print_line(text_of(conflict, "code") + " " + text_of(conflict, "field"));
    Table table({"", "", ""});
    for (const Json& value : list_of(conflict, "values")) {
      table.add({text_of(value, "value"), text_of(value, "by"), show_time(text_of(value, "at"))});
    }
    table.print("  ");
    const Json& set_aside = list_of(conflict, "set_aside");
    if (!set_aside.empty())
      print_line("  " + format("{} changes were set aside", set_aside.size()));
    const Json& same = list_of(conflict, "same_number");
    if (!same.empty()) print_line("  " + format("{} documents bear this number", same.size()));
  }
  print_error(format("{} conflicts", conflicts.size()));
  return kDone;
}

// What came of comparing with a neighbour, in words.
std::string comparison_text(const Json& answer) {
  const std::string agency = text_of(answer, "agency");
  const std::string outcome = text_of(answer, "outcome");
  const auto count = [&answer](const char* name) { return number_of(answer, name); };
  if (outcome == "equal")
    return format("{} holds exactly these {} updates", agency, count("our_updates"));
  if (outcome == "healed")
    return format(
        "{} and this machine differed: {} updates were missing here, {} there; all have "
        "been brought over",
        agency, count("missing_here"), count("missing_there"));
  if (outcome == "sent-whole")
    return format("{} and this machine differed by more than a quarter; everything was sent again",
                  agency);
  if (outcome == "still-different")
    return format(
        "{} holds {} updates, this machine {}: one side refuses what the other holds; "
        "see: lienthong quarantine",
        agency, count("their_updates"), count("our_updates"));
  if (outcome == "not-connected") return format("{} is not connected, or cannot compare", agency);
  if (outcome == "timeout")
    return format("{} and this machine are busy with each other; try again later", agency);
  return format("the comparison with {} was broken off; try again", agency);
}

int verify_against(const Shell& shell, const std::string& agency) {
  const Json answer = shell.client().post("/v1/compare", {{"agency", agency}});
  const std::string outcome = text_of(answer, "outcome");
  const bool same = outcome == "equal" || outcome == "healed";
  if (shell.json) {
    print_json(answer);
  } else if (same) {
    print_line(comparison_text(answer));
  } else {
    print_error(comparison_text(answer));
  }
  return same ? kDone : kFailed;
}

std::string finding_name(const std::string& finding) {
  struct Name {
    const char* code;
    const char* text;
  };
  static constexpr Name kNames[] = {
      {"no-procedure", "no procedure"},
      {"procedure-unknown", "procedure that is in no catalogue here"},
      {"no-due-date", "no due date"},
      {"no-applicant", "no name of the applicant"},
      {"done-without-result", "done, without a result"},
      {"paid-without-receipt", "paid, without a receipt"},
      {"paid-without-moment", "paid, without the moment"},
      {"scan-without-digest", "digitised component without a file"},
      {"code-twice", "code of several records"},
      {"code-unreadable", "code of no known form"},
      {"number-twice", "document number given twice"},
      {"dates-out-of-order", "dates out of order"},
      {"date-in-future", "date in the future"},
      {"id-number-unusual", "unusual ID number"},
      {"phone-unusual", "unusual phone number"},
      {"date-differs", "due on another day than counted now"},
      {"official-code-twice", "official code of two dossiers"},
  };
  for (const Name& name : kNames)
    if (finding == name.code) return tr(name.text);
  return finding;
}

void print_findings(const Json& data) {
  const Json counts = data.value("counts", Json::object());
  if (data.value("clock_doubtful", false))
    print_line(tr("the clock of this machine is behind what it has been shown"));
  if (counts.empty()) return print_line(tr("nothing unknown or doubtful in the data"));
  print_line(tr("Unknown or doubtful, to be asked for:"));
  for (const auto& [finding, count] : counts.items()) {
    print_line(fmt::format("{}: {}", finding_name(finding), count.get<std::int64_t>()));
    Table table({"", "", ""});
    for (const Json& line : list_of(data, "findings"))
      if (text_of(line, "finding") == finding)
        table.add({text_of(line, "code"), text_of(line, "agency"), text_of(line, "detail")});
    table.print("  ");
  }
}

struct VerifyArgs {
  std::string against, agency;
  std::int64_t limit = 20;
  bool strict = false;
};

int verify(const Shell& shell, const VerifyArgs& args) {
  std::string path = "/v1/verify?limit=" + std::to_string(args.limit);
  if (!args.agency.empty()) path += "&agency=" + encode(args.agency);
  const Json answer = shell.client().post(path);
  const Json& differ = list_of(answer, "differ");
  const Json data = answer.value("data", Json::object());
  if (shell.json) {
    print_json(answer);
  } else {
    print_line(
        format("{} dossiers checked, {} differ", number_of(answer, "checked"), differ.size()));
    for (const Json& id : differ) print_line("  " + id.get<std::string>());
    print_findings(data);
  }
  const bool clean = data.value("counts", Json::object()).empty();
  return differ.empty() && (clean || !args.strict) ? kDone : kFailed;
}

void add_simple(CLI::App& app, Shell& shell, const char* name, const char* description,
                const char* example, int (*run)(const Shell&)) {
  add_verb(app, name, description, example)->callback([&shell, run] {
    shell.run = [&shell, run] { return run(shell); };
  });
}

// The same of one that can be watched.
void add_watched(CLI::App& app, Shell& shell, const char* name, const char* description,
                 const char* example, int (*run)(const Shell&)) {
  CLI::App* verb = add_verb(app, name, description, example);
  const auto watch = std::make_shared<Watch>();
  watch->add_to(*verb);
  verb->callback([&shell, run, watch] {
    shell.run = [&shell, run, watch] { return watch->run(shell.json, [&] { return run(shell); }); };
  });
}

}  // namespace

void add_status(CLI::App& app, Shell& shell) {
  add_watched(app, shell, "status", "this agent, its dossiers and its neighbours",
              "lienthong status --watch 5s", status);
}

void add_peers(CLI::App& app, Shell& shell) {
  add_watched(app, shell, "peers", "the neighbours in detail, and who was turned away",
              "lienthong peers", show_peers);
}

void add_sync(CLI::App& app, Shell& shell) {
  CLI::App* verb = add_verb(app, "sync", "dial every neighbour now", "lienthong sync now");
  const auto when = std::make_shared<std::string>("now");
  verb->callback([&shell, when] { shell.run = [&shell, when] { return sync_now(shell); }; });
  verb->add_option("WHEN", *when, tr("now"))->check(CLI::IsMember({"now"}));
}

void add_log(CLI::App& app, Shell& shell) {
  const auto limit = std::make_shared<std::int64_t>(100);
  CLI::App* verb = add_verb(app, "log", "the agent's latest log lines", "lienthong log --limit 20");
  verb->add_option("--limit", *limit, tr("at most so many"))->check(CLI::PositiveNumber);
  verb->callback(
      [&shell, limit] { shell.run = [&shell, limit] { return show_log(shell, *limit); }; });
}

void add_quarantine(CLI::App& app, Shell& shell) {
  add_simple(app, shell, "quarantine", "updates that were refused, wait, or have no effect",
             "lienthong quarantine", quarantine);
}

void add_conflicts(CLI::App& app, Shell& shell) {
  add_simple(app, shell, "conflicts", "fields that two agencies wrote at the same time",
             "lienthong conflicts", conflicts);
}

void add_verify(CLI::App& app, Shell& shell) {
  const auto args = std::make_shared<VerifyArgs>();
  CLI::App* verb = add_verb(app, "verify",
                            "compute every dossier anew from its updates and compare; list what is "
                            "unknown or doubtful",
                            "lienthong verify --against H47.12");
  verb->add_option("--against", args->against,
                   tr("instead: whether that neighbour holds the same as this machine"));
  verb->add_option("--agency", args->agency, tr("received at this agency"));
  verb->add_option("--limit", args->limit, tr("at most so many of each kind"))
      ->check(CLI::Range(0, 1'000'000));
  verb->add_flag("--strict", args->strict, tr("exit 1 where anything is unknown or doubtful"));
  verb->callback([&shell, args] {
    shell.run = [&shell, args] {
      return args->against.empty() ? verify(shell, *args) : verify_against(shell, args->against);
    };
  });
}

}  // namespace lienthong::tools
