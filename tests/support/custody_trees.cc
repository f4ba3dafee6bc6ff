#include "tests/support/custody_trees.h"

#include <algorithm>
#include <array>

namespace lienthong::model {
namespace {

constexpr std::array<const char*, kFirstAgencyCount> kNames = {"P", "D1", "D2", "A", "B",
                                                               "C", "E",  "X",  "Q", "G"};

bool has(const std::vector<int>& all, int one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

int found(const std::map<int, int>& map, int key) {
  const auto at = map.find(key);
  return at == map.end() ? kNobody : at->second;
}

std::map<int, int> moved(const std::map<int, int>& changes) {
  std::map<int, int> parents = first_parents();
  for (const auto& [agency, parent] : changes) parents[agency] = parent;
  return parents;
}

}  // namespace

std::vector<int> line(int from, const std::function<int(int)>& step) {
  std::vector<int> out;
  for (int at = from; at != kNobody && !has(out, at); at = step(at)) out.push_back(at);
  return out;
}

std::string agency_name(int agency) {
  if (agency == kNobody) return "-";
  const std::string first = kNames.at(static_cast<std::size_t>(declarer(agency)));
  return is_minted(agency) ? first + "/" + std::to_string(agency / 16) : first;
}

int agency_by_name(const std::string& name) {
  const std::size_t slash = name.find('/');
  const auto at = std::find(kNames.begin(), kNames.end(), name.substr(0, slash));
  if (at == kNames.end()) return kNobody;
  const auto first = static_cast<int>(at - kNames.begin());
  return slash == std::string::npos ? first : minted(first, std::stoi(name.substr(slash + 1)));
}

std::map<int, int> first_parents() {
  return {{P, kNobody}, {D1, P}, {D2, P}, {A, D1}, {B, D1},
          {C, D2},      {E, D2}, {X, P},  {G, Q},  {Q, kNobody}};
}

Tree Tree::make(const std::map<int, int>& parents, const std::map<int, int>& successors) {
  Tree tree{successors, parents, successors, {}};
  const auto heir = [&](int agency) { return found(tree.heir, agency); };
  // What is left below a dissolved agency is dissolved with it, its successors excepted.
  for (bool more = true; more;) {
    std::map<int, int> left;
    for (const auto& [agency, parent] : parents) {
      if (heir(agency) != kNobody || parent == kNobody || heir(parent) == kNobody) continue;
      if (!has(line(parent, heir), agency)) left[agency] = heir(parent);
    }
    more = !left.empty();
    tree.heir.merge(left);
  }
  for (const auto& [agency, parent] : parents) {
    tree.up[agency] = heir(agency) != kNobody ? heir(agency) : parent;
  }
  // A dissolved agency counts as below its successor, on a circle as below its parent.
  for (bool more = true; more;) {
    std::vector<int> circle;
    for (const auto& [agency, up] : tree.up) {
      if (heir(agency) == kNobody || up == parents.at(agency)) continue;
      if (has(line(up, [&](int at) { return tree.up.at(at); }), agency)) circle.push_back(agency);
    }
    for (const int agency : circle) tree.up[agency] = parents.at(agency);
    more = !circle.empty();
  }
  return tree;
}

const Trees& Trees::standard() {
  static const Trees trees = [] {
    const std::map<int, int> merged{{A, B}, {D1, P}, {C, E}};
    Trees out;
    out.versions_[0] = Tree::make(first_parents(), {});
    out.versions_[1] = Tree::make(moved({{A, P}, {B, P}}), merged);
    out.versions_[2] = Tree::make(moved({{A, P}, {B, P}, {E, P}}), merged);
    out.versions_[3] = Tree::make(moved({{A, P}, {B, D2}, {E, P}}), merged);
    out.versions_[4] = Tree::make(first_parents(), {{A, C}});
    out.versions_[5] = Tree::make(moved({{Q, P}}), {});
    out.versions_[6] = Tree::make(first_parents(), {{A, B}});
    out.versions_[7] = Tree::make(first_parents(), {{D1, A}});
    out.versions_[8] = Tree::make(moved({{C, D1}}), {});
    return out;
  }();
  return trees;
}

Trees::Trees(const std::map<int, int>& parents, const std::map<int, int>& successors) {
  versions_[0] = Tree::make(first_parents(), {});
  versions_[1] = Tree::make(parents, successors);
}

int Trees::parent(int agency, TreeVersion version) const {
  return is_minted(agency) ? declarer(agency) : at(version).parent.at(agency);
}

int Trees::heir(int agency, TreeVersion version) const {
  return found(at(version).heir, declarer(agency));
}

int Trees::up(int agency, TreeVersion version) const {
  if (!is_minted(agency)) return at(version).up.at(agency);
  return dissolved(agency, version) ? heir(agency, version) : parent(agency, version);
}

bool Trees::dissolved(int agency, TreeVersion version) const {
  return heir(agency, version) != kNobody;
}

std::vector<int> Trees::walk(int agency, TreeVersion version) const {
  return line(agency, [&](int at) { return up(at, version); });
}

bool Trees::over(int upper, int lower, TreeVersion version) const {
  return has(walk(lower, version), upper);
}

bool Trees::over_by_parents(int upper, int lower, TreeVersion version) const {
  return has(line(lower, [&](int at) { return parent(at, version); }), upper);
}

bool Trees::superior(int upper, int lower, TreeVersion version) const {
  return over_by_parents(upper, lower, version) && over(upper, lower, version);
}

int Trees::level(int agency, TreeVersion version) const {
  return static_cast<int>(line(agency, [&](int at) { return parent(at, version); }).size()) - 1;
}

int Trees::resolve(int agency, TreeVersion version) const {
  const int end = line(agency, [&](int at) { return heir(at, version); }).back();
  return dissolved(end, version) ? kNobody : end;
}

int Trees::common(const std::set<int>& agencies, TreeVersion version) const {
  for (const int candidate : walk(*agencies.begin(), version)) {
    const bool above_all = std::all_of(agencies.begin(), agencies.end(),
                                       [&](int one) { return over(candidate, one, version); });
    if (above_all) return candidate;
  }
  return kNobody;
}

}  // namespace lienthong::model
