// Verbs of `agency` that change the tree: what they would do, and the file for the root key.
#include <algorithm>
#include <fstream>
#include <functional>

#include "agent/config/root_signing.h"
#include "tools/lienthong/consent.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/root_words.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

struct TreeArgs {
  std::string agency, code, name, under, into_one, successor, file;
  std::vector<std::string> agencies, into;
  std::string note, out, list;
  bool dry_run = false;
};

std::string heir_of(const Json& one) {
  if (!one["heir"].is_null()) return text_of(one, "heir");
  std::string out;
  for (const Json& successor : list_of(one, "successors"))
    out += (out.empty() ? "" : ", ") + successor.get<std::string>();
  return out.empty() ? tr("nobody") : format("to be decided: {}", out);
}

void print_tree_plan(const Json& plan) {
  print_line(format("version {} of the tree, with {} changes", text_of(plan, "version"),
                    text_of(plan, "changes")));
  if (!list_of(plan, "dissolved").empty()) {
    Table table({tr("DISSOLVED"), tr("NAME"), tr("SUCCESSOR"), tr("MACHINES"), tr("ITS TURN")});
    table.right(3).right(4);
    for (const Json& one : list_of(plan, "dissolved"))
      table.add({text_of(one, "agency") + (one.value("named", true) ? "" : " *"),
                 text_of(one, "name"), heir_of(one), text_of(one, "machines"),
                 text_of(one, "turns")});
    table.print();
    for (const Json& one : list_of(plan, "dissolved"))
      if (!one.value("named", true)) {
        print_line(
            tr("* lies below one that is dissolved, and goes with it: move it first if it "
               "is to live on"));
        break;
      }
  }
  print_line(
      format("{} offices have their machines held to the new tree: what these seal late is "
             "shown and counts once the closing is moved",
             list_of(plan, "closed").size()));
  print_line(format("of {} records here {} pass to a successor, {} of them with an open offer",
                    text_of(plan, "records"), text_of(plan, "turns_passing"),
                    text_of(plan, "offers_open")));
  if (number_of(plan, "turns_undecided") > 0)
    print_line(
        format("{} have no sole successor: the office above reclaims each and offers it to "
               "whom it belongs (agency assign)",
               text_of(plan, "turns_undecided")));
}

// The line of the plan's file, where several changes are collected for one version.
int add_to_list(const TreeArgs& args, const Json& change) {
  std::ofstream stream(args.list, std::ios::app);
  stream << change.dump() << '\n';
  stream.close();
  if (!stream) throw Failure(kFailed, format("cannot write {}", args.list));
  return kDone;
}

std::vector<std::string> bodies_of(const Json& plan) {
  std::vector<std::string> out;
  for (const Json& body : list_of(plan, "statements")) out.push_back(body.get<std::string>());
  return out;
}

int change_tree(const Shell& shell, const TreeArgs& args, const Json& changes) {
  if (args.out.empty() && !args.dry_run)
    throw Failure(kUsage, tr("either --dry-run, or --out with the file for the root key"));
  Json body{{"changes", changes}};
  if (!args.note.empty()) body["note"] = args.note;
  const Client client = shell.client();
  Json plan = client.post("/v1/tree", body);
  if (!args.dry_run) save_root_file(client, bodies_of(plan), args.out);
  if (shell.json) {
    plan.erase("statements");
    if (!args.dry_run) plan["file"] = args.out;
    print_json(plan);
    return kDone;
  }
  print_tree_plan(plan);
  if (!args.dry_run) tell_where_to_sign(args.out);
  return kDone;
}

int change_one(const Shell& shell, const TreeArgs& args, const Json& change) {
  if (!args.list.empty()) return add_to_list(args, change);
  return change_tree(shell, args, Json::array({change}));
}

int reorganise(const Shell& shell, const TreeArgs& args) {
  Json changes = Json::array();
  const std::string text = read_file(args.file);
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    Json change = Json::parse(line, nullptr, false);
    if (!change.is_object())
      throw Failure(kFailed, format("{} line {}: no JSON object", args.file, number));
    changes.push_back(std::move(change));
  }
  return change_tree(shell, args, changes);
}

// ---- after a split ----

// "CODE,AGENCY" a line; blanks around, and what a table puts between, do not matter.
std::vector<std::pair<std::string, std::string>> read_assignments(const std::string& path) {
  std::vector<std::pair<std::string, std::string>> out;
  const std::string text = read_file(path);
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    std::vector<std::string> cells;
    constexpr const char* kBetween = ",;\t \r\"";
    for (std::size_t from = line.find_first_not_of(kBetween); from != std::string::npos;) {
      const std::size_t to = std::min(line.find_first_of(kBetween, from), line.size());
      cells.push_back(line.substr(from, to - from));
      from = line.find_first_not_of(kBetween, to);
    }
    if (cells.empty()) continue;
    if (cells.size() != 2)
      throw Failure(kFailed,
                    format("{} line {}: expected a dossier's code and an agency's", path, number));
    out.emplace_back(cells[0], cells[1]);
  }
  return out;
}

// Reclaims a dossier and offers it on, both or neither. The reason why not; empty: it is done. What
// was done before is not done again: the lines have keys.
std::string assign_one(const Client& client, const std::string& code, const std::string& to) {
  const std::string key = "assign/" + code + "/" + to;
  const Json reclaim{{"op", "reclaim"}, {"code", code}, {"key", key + "/reclaim"}};
  const Json offer{{"op", "offer"}, {"code", code}, {"to", to}, {"key", key + "/offer"}};
  for (const Json& result : client.operations(reclaim.dump() + "\n" + offer.dump() + "\n", true))
    if (!result.value("ok", false)) return reason_of(result["error"]);
  return {};
}

int assign(const Shell& shell, const TreeArgs& args) {
  const Client client = shell.client();
  std::size_t failed = 0;
  Json answers = Json::array();
  const auto list = read_assignments(args.file);
  for (const auto& [code, to] : list) {
    const std::string problem = assign_one(client, code, to);
    failed += problem.empty() ? 0 : 1;
    answers.push_back({{"code", code},
                       {"to", to},
                       {"ok", problem.empty()},
                       {"reason", problem.empty() ? Json(nullptr) : Json(problem)}});
    if (!problem.empty() && !shell.json) print_error(code + ": " + problem);
  }
  if (shell.json)
    print_json(answers);
  else
    print_line(format("{} dossiers are offered to whom they belong, {} are not",
                      list.size() - failed, failed));
  return failed == 0 ? kDone : kFailed;
}

void add_assign(CLI::App& agency, Shell& shell) {
  const auto args = std::make_shared<TreeArgs>();
  CLI::App* verb = add_verb(agency, "assign",
                            "give dossiers of an agency that was split to those they belong to",
                            "lienthong agency assign chia-ho-so.csv");
  verb->add_option("FILE", args->file,
                   tr("a dossier's code and the agency's that gets it, a line each"))
      ->required();
  verb->callback([&shell, args] { shell.run = [&shell, args] { return assign(shell, *args); }; });
}

void add_common(CLI::App& verb, TreeArgs& args) {
  verb.add_option("--note", args.note, tr("number of the decision"));
  CLI::Option* out = verb.add_option("--out", args.out, tr("the file for the root key"));
  verb.add_flag("--dry-run", args.dry_run, tr("say what would be done, and do nothing"))
      ->excludes(out);
}

// One that changes one thing, which may also be put on a list for a version of several.
void add_single(CLI::App& verb, const std::shared_ptr<TreeArgs>& args, Shell& shell,
                const std::function<Json(const TreeArgs&)>& change) {
  add_common(verb, *args);
  verb.add_option("--add-to", args->list, tr("put the change on this list, for agency reorganise"));
  verb.callback([&shell, args, change] {
    shell.run = [&shell, args, change] { return change_one(shell, *args, change(*args)); };
  });
}

}  // namespace

void add_tree(CLI::App& agency, Shell& shell) {
  const auto args = std::make_shared<TreeArgs>();
  const auto named = [&](CLI::App& verb) {
    verb.add_option("CODE", args->agency, tr("code of the agency"))->required();
  };
  CLI::App* rename =
      add_verb(agency, "rename", "another code or name from the next tree version on",
               "lienthong agency rename H47.518 --name \"Xã Phú Ninh\" --out doi-ten.root");
  named(*rename);
  rename->add_option("--code", args->code, tr("its new code"));
  rename->add_option("--name", args->name, tr("its new name"));
  add_single(*rename, args, shell, [](const TreeArgs& a) {
    Json out{{"op", "rename"}, {"agency", a.agency}};
    if (!a.code.empty()) out["code"] = a.code;
    if (!a.name.empty()) out["name"] = a.name;
    return out;
  });
  CLI::App* move = add_verb(agency, "move", "below another agency from the next tree version on",
                            "lienthong agency move H47.518.20374 --under H47 --dry-run");
  named(*move);
  move->add_option("--under", args->under, tr("the agency that it comes below"))->required();
  add_single(*move, args, shell, [](const TreeArgs& a) {
    return Json{{"op", "move"}, {"agency", a.agency}, {"under", a.under}};
  });
  CLI::App* merge =
      add_verb(agency, "merge", "dissolve agencies into one that acts for them from then on",
               "lienthong agency merge H47.1 H47.2 --into H47.3 --out sap-nhap.root");
  merge->add_option("CODE", args->agencies, tr("codes of the agencies"))->required();
  merge->add_option("--into", args->into_one, tr("the agency that succeeds them"))->required();
  add_single(*merge, args, shell, [](const TreeArgs& a) {
    return Json{{"op", "merge"}, {"agencies", a.agencies}, {"into", a.into_one}};
  });
  CLI::App* split =
      add_verb(agency, "split", "dissolve an agency, its dossiers going to several others",
               "lienthong agency split H47.1 --into H47.2 H47.3 --out tach.root");
  named(*split);
  split->add_option("--into", args->into, tr("the agencies that follow it"))->required();
  add_single(*split, args, shell, [](const TreeArgs& a) {
    return Json{{"op", "split"}, {"agency", a.agency}, {"into", a.into}};
  });
  CLI::App* dissolve = add_verb(agency, "dissolve", "dissolve an agency",
                                "lienthong agency dissolve H47.1 --successor H47 --dry-run");
  named(*dissolve);
  dissolve->add_option("--successor", args->successor, tr("the agency that succeeds it"));
  add_single(*dissolve, args, shell, [](const TreeArgs& a) {
    Json out{{"op", "dissolve"}, {"agency", a.agency}};
    if (!a.successor.empty()) out["successor"] = a.successor;
    return out;
  });
  CLI::App* all = add_verb(agency, "reorganise", "a list of such changes as one tree version",
                           "lienthong agency reorganise 01-07.jsonl --note 1659/NQ-UBTVQH15 "
                           "--out 01-07.root");
  all->add_option("FILE", args->file, tr("a change a line, as --add-to writes them"))->required();
  add_common(*all, *args);
  all->callback(
      [&shell, args] { shell.run = [&shell, args] { return reorganise(shell, *args); }; });
  add_assign(agency, shell);
}

}  // namespace lienthong::tools
