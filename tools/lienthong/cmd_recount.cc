// dossier recount: the open dossiers whose date another calendar than that of its day would move,
// and their move.
#include <algorithm>
#include <array>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

struct RecountArgs {
  bool apply = false;
  std::string reason;
};

// What the count comes to by the calendar of now; empty: that is not said.
std::string counted_now(const Json& dossier) {
  static constexpr std::array<std::string_view, 3> kCounting{"counted", "rolled", "extended"};
  std::string out;
  for (const Json& line : list_of(dossier, "explanation")) {
    const std::string step = text_of(line, "step");
    if (std::ranges::find(kCounting, step) != kCounting.end()) out = text_of(line, "at");
  }
  return out;
}

// Why it was not moved; empty: it was.
std::string move(const Client& client, const Json& found, const RecountArgs& args) {
  Json operation{{"op", "set"},
                 {"code", text_of(found, "record")},
                 {"revision", text_of(found, "revision")},
                 {"fields", {{"due_at", text_of(found, "counted_at")}}},
                 {"event", {{"action", "recount"}, {"note", args.reason}}}};
  try {
    (void)client.operate(operation);
  } catch (const Failure& failure) {
    if (failure.code() == kNoAgent) throw;
    return failure.what();
  }
  return {};
}

Json find_moved(const Client& client) {
  Json out = Json::array();
  const Json verified = client.post("/v1/verify?limit=100000");
  const Json data = verified.value("data", Json::object());  // outlives the loop
  for (const Json& finding : list_of(data, "findings")) {
    if (text_of(finding, "finding") != "date-differs") continue;
    const std::string record = text_of(finding, "record");
    const Json dossier = client.get("/v1/dossiers/" + encode(record), {{"explain", "1"}});
    const std::string now = counted_now(dossier);
    if (now.empty()) continue;
    out.push_back({{"code", text_of(dossier, "code")},
                   {"record", record},
                   {"revision", text_of(dossier, "revision")},
                   {"applicant", text_of(dossier.value("applicant", Json::object()), "name")},
                   {"due_at", text_of(dossier, "due_at")},
                   {"counted_at", now}});
  }
  return out;
}

int recount(const Shell& shell, const RecountArgs& args) {
  if (args.apply && args.reason.empty())
    throw Failure(kUsage, tr("--apply needs --reason: it stands in the history of each dossier"));
  const Client client = shell.client();
  Json found = find_moved(client);
  std::size_t refused = 0;
  for (Json& one : found) {
    if (!args.apply) continue;
    const std::string problem = move(client, one, args);
    one["moved"] = problem.empty();
    if (problem.empty()) continue;
    one["error"] = problem;
    print_error(text_of(one, "code") + ": " + problem);
    ++refused;
  }
  if (shell.json) {
    print_json(found);
    return refused == 0 ? kDone : kFailed;
  }
  Table table({tr("CODE"), tr("APPLICANT"), tr("DUE"), tr("BY THE CALENDAR NOW"), ""});
  table.spare({1});
  for (const Json& one : found)
    table.add({text_of(one, "code"), shorten(text_of(one, "applicant"), 40),
               show_due(text_of(one, "due_at")), show_due(text_of(one, "counted_at")),
               one.value("moved", false) ? tr("moved") : ""});
  if (table.size() > 0) table.print();
  print_error(args.apply
                  ? format("{} dates moved, {} not", found.size() - refused, refused)
                  : format("{} dates differ; move them with --apply --reason WHY", found.size()));
  return refused == 0 ? kDone : kFailed;
}

}  // namespace

void add_recount(CLI::App& dossier, Shell& shell) {
  const auto args = std::make_shared<RecountArgs>();
  CLI::App* verb = add_verb(dossier, "recount",
                            "open dossiers whose date the calendar of now moves, and their move",
                            "lienthong dossier recount --apply --reason \"QĐ 12: nghỉ bù 2/5\"");
  verb->add_flag("--apply", args->apply, tr("give them the date that is counted now"));
  verb->add_option("--reason", args->reason, tr("why, for the history of each"));
  verb->callback([&shell, args] { shell.run = [&shell, args] { return recount(shell, *args); }; });
}

}  // namespace lienthong::tools
