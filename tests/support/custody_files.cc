#include "tests/support/custody_files.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "protocol/base/check.h"

namespace lienthong::model {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) out.push_back(part);
  return out;
}

std::vector<std::string> listed(const std::string& text, char separator) {
  return text == "-" ? std::vector<std::string>{} : split(text, separator);
}

std::vector<int> numbers(const std::string& text, char separator = '.') {
  std::vector<int> out;
  for (const std::string& part : listed(text, separator)) out.push_back(std::stoi(part));
  return out;
}

std::set<int> as_set(const std::vector<int>& all) { return {all.begin(), all.end()}; }

int number_or_none(const std::string& text) { return text == "-" ? -1 : std::stoi(text); }

Machine machine_of(const std::string& text) {
  const std::vector<std::string> part = split(text, '.');
  LT_CHECK(part.size() == 2 && agency_by_name(part[0]) != kNobody);
  return {agency_by_name(part[0]), std::stoi(part[1])};
}

void read_cut(Registry& registry, const std::string& text) {  // machine:seal
  const std::vector<std::string> part = split(text, ':');
  registry.cuts[machine_of(part.at(0))] = std::stoi(part.at(1));
}

void read_closing(Registry& registry, const std::string& text) {  // machine@version:seal
  const std::vector<std::string> part = split(text, ':');
  const std::vector<std::string> closed = split(part.at(0), '@');
  const auto version = static_cast<TreeVersion>(std::stoul(closed.at(1)));
  registry.closings[{machine_of(closed.at(0)), version}] = std::stoi(part.at(1));
}

// ---- histories ----

Trees trees_of(const std::string& text) {
  if (text == "-") return Trees::standard();
  const std::vector<std::string> part = split(text, ' ');
  std::map<int, int> parents = first_parents();
  std::map<int, int> successors;
  const auto read = [](std::map<int, int>& into, const std::string& list) {
    for (const std::string& entry : listed(list, ',')) {
      const std::vector<std::string> pair = split(entry, ':');
      into[agency_by_name(pair.at(0))] = agency_by_name(pair.at(1));
    }
  };
  read(parents, part.at(0));
  read(successors, part.at(1));
  return Trees(parents, successors);
}

Item item_of(const std::string& line, int id) {
  static const std::map<char, UpdateKind> kKinds{
      {'c', UpdateKind::kCreated}, {'o', UpdateKind::kOffer},   {'a', UpdateKind::kAccept},
      {'d', UpdateKind::kDecline}, {'r', UpdateKind::kReclaim}, {'u', UpdateKind::kSucceed},
      {'w', UpdateKind::kSet},     {'h', UpdateKind::kUphold}};
  const std::vector<std::string> part = split(line, ' ');
  LT_CHECK(part.size() == 10);
  Item item;
  item.id = id;
  item.kind = kKinds.at(part[0][0]);
  item.agency = machine_of(part[1]).agency;
  item.machine = machine_of(part[1]).number;
  item.hlc = std::stoull(part[2]);
  item.deps = numbers(part[3]);
  item.link = number_or_none(part[4]);
  item.to = agency_by_name(part[5]);
  item.tree_version = static_cast<TreeVersion>(std::stoul(part[6]));
  item.seal = std::stoi(part[7]);
  item.certificate_version = static_cast<TreeVersion>(std::stoul(part[8]));
  item.by_itself = part[9] == "1";
  return item;
}

Question question_of(const std::string& text) {
  const std::vector<std::string> part = split(text, ' ');
  LT_CHECK(part.size() == 5);
  Question out;
  out.desk = machine_of(part[0]);
  out.extra = std::stoi(part[1]);
  int id = 0;
  for (const int commit : numbers(part[2])) out.seen[id++] = commit;
  out.moved = as_set(numbers(part[3]));
  if (part[4] != "-") out.answer = std::stoi(part[4]);
  return out;
}

History history_of(const std::string& line) {
  const std::vector<std::string> part = split(line, '|');
  LT_CHECK(part.size() == 10);
  History out;
  out.name = part[0];
  out.trees = trees_of(part[1]);
  const std::vector<std::string> registry = split(part[2], ' ');
  out.registry.newest = static_cast<TreeVersion>(std::stoul(registry.at(0)));
  for (const std::string& cut : listed(registry.at(1), ',')) read_cut(out.registry, cut);
  for (const std::string& closing : listed(registry.at(2), ',')) {
    read_closing(out.registry, closing);
  }
  for (const std::string& item : split(part[3], ';')) {
    out.world.add(item_of(item, out.world.next_id()));
  }
  const std::vector<std::string> who = split(part[4], ' ');
  out.expected.holder = agency_by_name(who.at(0));
  out.expected.offered = agency_by_name(who.at(1));
  out.expected.shown = numbers(who.at(2));
  out.expected.chain = numbers(part[5]);
  out.forks = numbers(part[6]);
  out.expected.late = as_set(numbers(part[7]));
  out.expected.bad = as_set(numbers(part[8]));
  for (const std::string& asked : listed(part[9], ';')) out.questions.push_back(question_of(asked));
  return out;
}

// ---- scenarios ----

using Words = std::vector<std::string>;

// The words after `key` up to the next key: numbers, or '-' for none.
std::vector<int> numbers_after(const Words& words, const std::string& key) {
  std::vector<int> out;
  const auto at = std::find(words.begin(), words.end(), key);
  if (at == words.end()) return out;
  for (auto word = at + 1; word != words.end() && word->find_first_of("0123456789") == 0; ++word) {
    out.push_back(std::stoi(*word));
  }
  return out;
}

std::string word_after(const Words& words, const std::string& key) {
  const auto at = std::find(words.begin(), words.end(), key);
  LT_CHECK(at != words.end() && at + 1 != words.end());
  return *(at + 1);
}

int number_after(const Words& words, const std::string& key, int otherwise) {
  const std::vector<int> found = numbers_after(words, key);
  return found.empty() ? otherwise : found[0];
}

Expectation expectation_of(const Words& words) {
  Expectation out;
  out.outcome.holder = agency_by_name(word_after(words, "holder"));
  out.outcome.offered = agency_by_name(word_after(words, "offered"));
  out.outcome.shown = numbers_after(words, "shown");
  out.outcome.chain = numbers_after(words, "chain");
  out.outcome.late = as_set(numbers_after(words, "aside"));
  out.outcome.bad = as_set(numbers_after(words, "inert"));
  out.upholds = number_after(words, "upholds", 0);
  return out;
}

Item item_of(const Words& words, int id) {  // number machine kind [agency] on … after … hlc …
  static const std::map<std::string, UpdateKind> kKinds{
      {"created", UpdateKind::kCreated}, {"offer", UpdateKind::kOffer},
      {"accept", UpdateKind::kAccept},   {"decline", UpdateKind::kDecline},
      {"reclaim", UpdateKind::kReclaim}, {"succeed", UpdateKind::kSucceed},
      {"set", UpdateKind::kSet},         {"uphold", UpdateKind::kUphold}};
  LT_CHECK(std::stoi(words.at(0)) == id);
  Item item;
  item.id = id;
  item.agency = machine_of(words.at(1)).agency;
  item.machine = machine_of(words.at(1)).number;
  item.kind = kKinds.at(words.at(2));
  item.to = agency_by_name(words.at(3));
  item.link = number_after(words, "on", -1);
  item.deps = numbers_after(words, "after");
  item.hlc = static_cast<std::uint64_t>(number_after(words, "hlc", 0));
  item.tree_version = static_cast<TreeVersion>(number_after(words, "tree", 0));
  item.seal = number_after(words, "seal", 0);
  return item;
}

std::vector<std::vector<int>> order_of(const Words& words) {  // 0 1 [2 3] 4
  std::vector<std::vector<int>> out;
  bool within = false;
  for (auto word = words.begin() + 1; word != words.end(); ++word) {
    const bool opens = word->front() == '[';
    if (within) {
      out.back().push_back(std::stoi(*word));
    } else {
      out.push_back({std::stoi(opens ? word->substr(1) : *word)});
    }
    within = (within || opens) && word->back() != ']';
  }
  return out;
}

void read_line(Scenario& scenario, const Words& words) {
  const std::string& key = words.at(0);
  const Words rest(words.begin() + 1, words.end());
  if (key == "newest") {
    scenario.registry.newest = static_cast<TreeVersion>(std::stoul(rest.at(0)));
  } else if (key == "cuts") {
    for (const std::string& cut : rest) read_cut(scenario.registry, cut);
  } else if (key == "closings") {
    for (const std::string& closing : rest) read_closing(scenario.registry, closing);
  } else if (key == "moved") {
    scenario.moved = as_set(numbers_after(words, "moved"));
  } else if (key == "silent") {
    scenario.silent = true;
  } else if (key == "order") {
    scenario.order = order_of(words);
  } else if (key == "undecided") {
    scenario.undecided = expectation_of(words);
  } else if (key == "decided") {
    scenario.decided = expectation_of(words);
  } else {
    scenario.world.add(item_of(words, scenario.world.next_id()));
  }
}

}  // namespace

std::vector<History> read_histories(const std::string& path) {
  std::vector<History> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) out.push_back(history_of(line));
  LT_CHECK(!out.empty());
  return out;
}

std::vector<Scenario> read_scenarios(const std::string& path) {
  std::vector<Scenario> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const Words words = split(line, ' ');
    if (words.at(0) == "scenario") {
      out.emplace_back();
      out.back().name = words.at(1) + words.at(2);
    } else {
      read_line(out.back(), words);
    }
  }
  LT_CHECK(!out.empty());
  for (Scenario& scenario : out) {
    for (const Item& item : scenario.world.items) {
      LT_CHECK(item.tree_version <= scenario.registry.newest);  // else it would wait
    }
    if (!scenario.order.empty()) continue;
    for (const Item& item : scenario.world.items) scenario.order.push_back({item.id});
  }
  return out;
}

std::string unlike(const Outcome& got, const Outcome& recorded) {
  std::string out;
  if (got.holder != recorded.holder) out += " holder " + agency_name(got.holder);
  if (got.offered != recorded.offered) out += " offered " + agency_name(got.offered);
  if (got.chain != recorded.chain) out += " chain";
  if (got.late != recorded.late) out += " set aside";
  if (got.bad != recorded.bad) out += " inert";
  const auto first = [](const Outcome& o) { return o.shown.empty() ? -1 : o.shown[0]; };
  if (first(got) != first(recorded)) out += " shown " + std::to_string(first(got));
  return out;
}

}  // namespace lienthong::model
