#include "tests/support/custody_model.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace lienthong::model {
namespace {

bool custodian_write(UpdateKind kind) {
  return field_write(kind) || kind == UpdateKind::kConsult || kind == UpdateKind::kShare;
}

bool decision_kind(UpdateKind kind) {
  return kind == UpdateKind::kReclaim || kind == UpdateKind::kUphold;
}

}  // namespace

void World::add(Item item) {
  Mask mask;
  for (const int dep : item.deps) {
    mask |= past.at(static_cast<std::size_t>(dep));
    mask.set(static_cast<std::size_t>(dep));
  }
  past.push_back(mask);
  if (item.name < 0) item.name = (item.id * factor + offset) % static_cast<int>(kUpdateCountMax);
  items.push_back(std::move(item));
}

void World::scramble(int any, int other) {
  factor = 2 * any + 1;  // odd: no two have one name
  offset = other;
}

void World::drop_from(int id) {
  items.resize(place(id));
  past.resize(place(id));
}

Mask World::all() const {
  Mask mask;
  for (std::size_t i = 0; i < items.size(); ++i) mask.set(i);
  return mask;
}

std::vector<int> World::heads(const Mask& mask) const {
  Mask covered;
  for (const int id : numbers_in(mask)) covered |= past[place(id)];
  return numbers_in(mask & ~covered);
}

std::vector<int> numbers_in(const Mask& mask) {
  std::vector<int> out;
  for (std::size_t i = mask._Find_first(); i < mask.size(); i = mask._Find_next(i)) {
    out.push_back(static_cast<int>(i));
  }
  return out;
}

void Registry::learn(const Registry& other) {
  for (const auto& [machine, last] : other.cuts) {
    int& known = cuts.emplace(machine, last).first->second;
    known = std::min(known, last);
  }
  for (const auto& [closed, last] : other.closings) {
    int& known = closings.emplace(closed, last).first->second;
    known = std::max(known, last);
  }
  newest = std::max(newest, other.newest);
}

bool modelled(UpdateKind kind) {
  return link_kind(kind) || custodian_write(kind) || kind == UpdateKind::kUphold;
}

bool Outcome::same_state(const Outcome& other) const {
  const auto first = [](const Outcome& o) { return o.shown.empty() ? -1 : o.shown[0]; };
  return holder == other.holder && offered == other.offered && first(*this) == first(other);
}

// ---- rights: the path of links and one tree version, nothing else ----

std::optional<Standing> Model::state(int id) {
  if (const auto known = states_.find(id); known != states_.end()) return known->second;
  const Item& x = world_.at(id);
  const std::optional<Standing> found = judge(x, x.tree_version);
  return states_[id] = found;
}

std::optional<Standing> Model::judge(const Item& x, TreeVersion version) {
  if (x.kind == UpdateKind::kCreated) {
    return x.deps.empty() ? std::optional(Standing{x.agency, kNobody}) : std::nullopt;
  }
  if (x.link < 0 || !world_.in_past(x.id, x.link) || !link_kind(world_.at(x.link).kind)) return {};
  if (version < world_.at(x.link).tree_version || trees_.dissolved(x.agency, version)) return {};
  if (version < x.certificate_version && !off(Off::kCertificate)) return {};
  const std::optional<Standing> before = state(x.link);
  return before ? judge_kind(x, version, *before) : std::nullopt;
}

std::optional<Standing> Model::judge_kind(const Item& x, TreeVersion version,
                                          const Standing& before) {
  const auto [h, t] = before;
  const bool open = t != kNobody;
  const int turn = before.turn();
  const auto if_right = [](bool right, Standing after) {
    return right ? std::optional(after) : std::nullopt;
  };
  switch (x.kind) {
    case UpdateKind::kOffer:
      return if_right(!open && x.agency == h && x.to != h && x.to != kNobody, {h, x.to});
    case UpdateKind::kAccept: return if_right(x.agency == t, {t, kNobody});
    case UpdateKind::kDecline: return if_right(x.agency == t, {h, kNobody});
    case UpdateKind::kReclaim:
      return if_right(x.agency != turn && superior(x.agency, h, version) &&
                          (!open || superior(x.agency, t, version)),
                      {x.agency, kNobody});
    case UpdateKind::kSucceed:
      return if_right(x.to == turn && trees_.resolve(turn, version) == x.agency,
                      open && h != x.agency ? Standing{h, x.agency} : Standing{x.agency, kNobody});
    case UpdateKind::kUphold:
      return if_right(trees_.over(x.agency, world_.at(x.link).agency, version), before);
    default: return if_right(custodian_write(x.kind) && !open && x.agency == h, before);
  }
}

bool Model::superior(int upper, int lower, TreeVersion version) const {
  return off(Off::kBothWalks) ? trees_.over_by_parents(upper, lower, version)
                              : trees_.superior(upper, lower, version);
}

// ---- belief: the registry ----

// The version it names, or the newest whose closing it was sealed beyond.
TreeVersion Model::held_to(const Item& x) const {
  if (off(Off::kClosing)) return x.tree_version;
  TreeVersion version = std::max(x.tree_version, x.held_to);
  for (const auto& [closed, last] : registry_.closings) {
    if (closed.first == x.by() && x.seal > last) version = std::max(version, closed.second);
  }
  return version;
}

bool Model::believed(const Item& x) {
  const auto cut = registry_.cuts.find(x.by());
  if (x.cut_off || (cut != registry_.cuts.end() && x.seal > cut->second)) return false;
  return judge(x, held_to(x)).has_value();
}

// A reclaim brings back what was cut off before it, where it is at or above who signed that and, if
// that was a reclaim itself, at or above those from whom it took.
bool Model::confirms(const Item& reclaim, const Item& link) {
  const TreeVersion version = held_to(reclaim);
  std::vector<int> whom{link.agency};
  if (link.kind == UpdateKind::kReclaim && !off(Off::kConfirm)) {
    const std::optional<Standing> before = state(link.link);
    whom.push_back(before->holder);
    if (before->offered != kNobody) whom.push_back(before->offered);
  }
  return std::all_of(whom.begin(), whom.end(),
                     [&](int agency) { return superior(reclaim.agency, agency, version); });
}

void Model::collect(const Mask& mask) {
  kids_.clear();
  under_.clear();
  force_.clear();
  root_ = -1;
  newest_ = registry_.newest;
  std::vector<const Item*> right;
  for (const int id : numbers_in(mask)) {
    const Item& x = world_.at(id);
    if (!modelled(x.kind) || !state(id)) continue;
    right.push_back(&x);
    newest_ = std::max(newest_, x.tree_version);
    if (!believed(x)) continue;
    force_.insert(id);
    if (x.kind != UpdateKind::kReclaim) continue;
    for (int p = x.link; p >= 0; p = world_.at(p).link) {
      if (confirms(x, world_.at(p))) force_.insert(p);
    }
  }
  for (const Item* x : right) {
    if (!in_force(x->id)) continue;
    if (x->kind == UpdateKind::kCreated) {
      root_ = x->id;
    } else if (link_kind(x->kind)) {
      kids_[x->link].push_back(x->id);
    } else if (field_write(x->kind) || x->kind == UpdateKind::kUphold) {
      under_[x->link].push_back(x->id);
    }
  }
}

const std::vector<int>& Model::successors(int link) const {
  static const std::vector<int> none;
  const auto found = kids_.find(link);
  return found == kids_.end() ? none : found->second;
}

// ---- forks: which of several successors of a link stands ----

Model::Acts Model::acts(const std::vector<int>& successors) const {
  Acts out;
  for (const int first : successors) {
    std::vector<int>& branch = out[first];
    std::vector<int> todo{first};
    while (!todo.empty()) {
      const int id = todo.back();
      todo.pop_back();
      branch.push_back(id);
      if (const auto under = under_.find(id); under != under_.end()) {
        branch.insert(branch.end(), under->second.begin(), under->second.end());
      }
      const std::vector<int>& next = this->successors(id);
      todo.insert(todo.end(), next.begin(), next.end());
    }
  }
  return out;
}

std::set<int> Model::signers(const std::vector<int>& acts) const {
  std::set<int> out;
  for (const int id : acts) out.insert(world_.at(id).agency);
  return out;
}

ForkOutcome Model::judge_fork(std::vector<int> c) const {
  ForkOutcome out;
  out.branches.insert(c.begin(), c.end());
  if (c.size() > 1) {
    const Acts branches = acts(c);
    out.bound = !binding(branches).empty();
    out.notary = concerned(branches);
    using Line = std::vector<int> (Model::*)(const std::vector<int>&, const Acts&) const;
    const std::vector<std::pair<Off, Line>> lines = {
        {Off::kDecided, &Model::decided},
        {Off::kCommonSuperior, &Model::with_common_superior},
        {Off::kParts, &Model::with_most_parts},
        {Off::kTakenUp, &Model::taken_up_first}};
    for (std::size_t i = 0; i < lines.size() && c.size() > 1; ++i) {
      if (off(lines[i].first)) continue;
      c = (this->*lines[i].second)(c, branches);
      out.line = static_cast<int>(i) + 1;
    }
    if (out.line == 1) {
      for (const auto& [branch, id] : settling(branches)) {
        const auto key = [&](int d) { return std::pair(world_.at(d).hlc, world_.at(d).name); };
        if (out.decision < 0 || key(id) < key(out.decision)) out.decision = id;
      }
    }
  }
  out.stands = *std::min_element(
      c.begin(), c.end(), [&](int a, int b) { return world_.at(a).name < world_.at(b).name; });
  return out;
}

// Whether an act of another branch is below the author of a decision.
bool Model::below(const Item& d, const Item& y, const std::vector<int>& branch) const {
  const TreeVersion v = held_to(d);
  if (trees_.over(d.agency, y.agency, v)) return true;
  if (!off(Off::kLaterTree) && y.tree_version > v && !trees_.dissolved(d.agency, y.tree_version) &&
      trees_.over(d.agency, y.agency, y.tree_version)) {
    return true;  // it says itself that it is below by now
  }
  return !off(Off::kSucceeded) && std::any_of(branch.begin(), branch.end(), [&](int id) {
    const Item& s = world_.at(id);
    return s.kind == UpdateKind::kSucceed && s.tree_version > v &&
           trees_.over(s.agency, y.agency, s.tree_version) && trees_.over(d.agency, s.to, v);
  });
}

bool Model::binds(const Item& d, int branch, const Acts& acts) const {
  if (trees_.dissolved(d.agency, held_to(d))) return false;
  for (const auto& [other, all] : acts) {
    if (other == branch) continue;
    for (const int id : off(Off::kAllOthers) ? std::vector<int>{other} : all) {
      if (!below(d, world_.at(id), all)) return false;
    }
  }
  return true;
}

std::vector<Model::Decision> Model::binding(const Acts& acts) const {
  std::vector<Decision> out;
  for (const auto& [branch, all] : acts) {
    for (const int id : all) {
      const Item& d = world_.at(id);
      if (decision_kind(d.kind) && binds(d, branch, acts)) out.emplace_back(branch, id);
    }
  }
  return out;
}

// Of those that bind and that no later one of another branch replaces, the greatest.
std::vector<Model::Decision> Model::settling(const Acts& acts) const {
  const std::vector<Decision> all = binding(acts);
  std::map<std::pair<long, long>, std::vector<Decision>> by_rank;
  for (const Decision& one : all) {
    const bool replaced = std::any_of(all.begin(), all.end(), [&](const Decision& later) {
      return later.first != one.first && world_.in_past(later.second, one.second);
    });
    if (replaced && !off(Off::kLaterDecision)) continue;
    const Item& d = world_.at(one.second);
    const TreeVersion version = held_to(d);
    by_rank[{version, -trees_.level(d.agency, version)}].push_back(one);
  }
  return by_rank.empty() ? std::vector<Decision>{} : by_rank.rbegin()->second;
}

std::vector<int> Model::decided(const std::vector<int>& c, const Acts& acts) const {
  std::set<int> best;
  for (const Decision& one : settling(acts)) best.insert(one.first);
  return best.empty() ? c : std::vector<int>(best.begin(), best.end());
}

std::vector<int> Model::binding_in(int fork, int first) const {
  std::vector<int> out;
  for (const auto& [branch, id] : binding(branches(fork))) {
    if (branch == first) out.push_back(id);
  }
  return out;
}

TreeVersion Model::whole_version(const std::vector<int>& c, const Acts& acts) const {
  if (!off(Off::kRegistry)) return newest_;
  TreeVersion version = 0;
  for (const int branch : c) {
    for (const int id : acts.at(branch)) version = std::max(version, world_.at(id).tree_version);
  }
  return version;
}

int Model::whole_superior(const std::vector<int>& c, const Acts& acts) const {
  std::set<int> everybody;
  for (const int branch : c) everybody.merge(signers(acts.at(branch)));
  return trees_.common(everybody, whole_version(c, acts));
}

std::vector<int> Model::with_common_superior(const std::vector<int>& c, const Acts& acts) const {
  const int top = whole_superior(c, acts);
  std::vector<int> out;
  for (const int branch : c) {
    if (signers(acts.at(branch)).count(top) != 0) out.push_back(branch);
  }
  return out.empty() ? c : out;
}

std::vector<int> Model::with_most_parts(const std::vector<int>& c, const Acts& acts) const {
  const TreeVersion version = whole_version(c, acts);
  const int top = whole_superior(c, acts);
  std::map<std::size_t, std::vector<int>> by_count;
  for (const int branch : c) {
    std::set<int> parts;
    for (const int agency : signers(acts.at(branch))) {
      if (off(Off::kByAgencies)) {
        parts.insert(agency);
        continue;
      }
      int part = kNobody;
      for (const int one : trees_.walk(agency, version)) {
        if (one == top) break;
        part = one;
      }
      if (part != kNobody) parts.insert(part);
    }
    by_count[parts.size()].push_back(branch);
  }
  return by_count.rbegin()->second;
}

std::vector<int> Model::taken_up_first(const std::vector<int>& c, const Acts& acts) const {
  using Moment = std::pair<std::uint64_t, int>;
  const auto moment = [&](int id) { return Moment(world_.at(id).hlc, world_.at(id).name); };
  std::optional<std::pair<Moment, int>> best;
  for (const int branch : c) {
    std::optional<Moment> taken;
    for (const int id : acts.at(branch)) {
      const Item& x = world_.at(id);
      if (!link_kind(x.kind) || x.agency == world_.at(branch).agency) continue;
      if (!taken || moment(id) < *taken) taken = moment(id);
    }
    if (!taken || off(Off::kFirstLink)) taken = moment(branch);
    if (!best || *taken < best->first) best = {*taken, branch};
  }
  return {best->second};
}

// ---- the state ----

Outcome Model::fold(const Mask& mask) {
  collect(mask);
  Outcome out;
  std::vector<int> all;
  for (const int id : numbers_in(mask)) {
    if (modelled(world_.at(id).kind)) all.push_back(id);
  }
  if (root_ < 0) {
    out.bad.insert(all.begin(), all.end());
    return out;
  }
  out.chain.push_back(root_);
  std::map<int, int> next;
  while (!successors(out.chain.back()).empty()) {
    const int link = out.chain.back();
    ForkOutcome fork = judge_fork(successors(link));
    fork.link = link;
    if (fork.branches.size() > 1) out.forks.push_back(fork);
    out.chain.push_back(next[link] = fork.stands);
  }
  const std::set<int> chain(out.chain.begin(), out.chain.end());
  std::vector<int> written;
  for (const int id : all) {
    const Item& x = world_.at(id);
    if (!in_force(id)) {
      out.bad.insert(id);
    } else if (link_kind(x.kind)) {
      if (chain.count(id) == 0) out.late.insert(id);
    } else if (x.kind != UpdateKind::kUphold) {
      const bool closed = next.count(x.link) != 0 && !world_.in_past(next[x.link], id);
      if (chain.count(x.link) == 0 || closed) {
        out.late.insert(id);
      } else if (field_write(x.kind)) {
        written.push_back(id);
      }
    }
  }
  for (const int id : written) {
    const bool latest = std::none_of(written.begin(), written.end(),
                                     [&](int later) { return world_.in_past(later, id); });
    if (latest) out.shown.push_back(id);
  }
  std::sort(out.shown.begin(), out.shown.end(), [&](int a, int b) {
    const Item& x = world_.at(a);
    const Item& y = world_.at(b);
    const int sign = off(Off::kSeveral) ? -1 : 1;
    return std::tuple(x.tree_version, x.hlc, sign * x.name) >
           std::tuple(y.tree_version, y.hlc, sign * y.name);
  });
  const Standing last = *state(out.chain.back());
  out.holder = last.holder;
  out.offered = last.offered;
  return out;
}

// ---- the notary ----

// The first surviving agency on the walk up from the lowest agency at or above all signers.
int Model::concerned(const Acts& acts) const {
  std::set<int> everybody;
  for (const auto& [branch, all] : acts) everybody.merge(signers(all));
  const int top = trees_.common(everybody, newest_);
  if (top == kNobody) return kNobody;
  for (const int agency : trees_.walk(top, newest_)) {
    if (!trees_.dissolved(agency, newest_)) return agency;
  }
  return kNobody;
}

// A word that the notary leaves alone: a decision that binds, or two of its own for two branches.
bool Model::spoken(const Acts& acts, int me) const {
  for (const auto& [branch, id] : binding(acts)) {
    if (!off(Off::kByNotary) || trees_.over(world_.at(id).agency, me, newest_)) return true;
  }
  const auto decided_by_me = [&](const auto& branch) {
    return std::any_of(branch.second.begin(), branch.second.end(), [&](int id) {
      return decision_kind(world_.at(id).kind) && world_.at(id).agency == me;
    });
  };
  return std::count_if(acts.begin(), acts.end(), decided_by_me) > 1;
}

// The branches that were taken up first, as this desk saw it; several or none: it cannot tell yet.
std::vector<int> Model::first_had(const std::vector<int>& c, const Seen& seen,
                                  const std::set<int>& moved) {
  using Key = std::pair<int, int>;
  std::map<Key, std::vector<int>> by_key;
  const Acts branches = acts(c);
  for (const int branch : c) {
    if (moved.count(branch) != 0 && !off(Off::kMoved)) return {};
    const int turn = state(world_.at(branch).link)->turn();
    int taken = off(Off::kOrder) ? 0 : std::numeric_limits<int>::max();
    for (const int id : branches.at(branch)) {
      const Item& x = world_.at(id);
      const bool own =
          off(Off::kBelowTurn) ? x.agency == turn : trees_.over(turn, x.agency, newest_);
      if (moved.count(id) != 0 || own) continue;
      if (x.kind == UpdateKind::kUphold &&
          (!trees_.over(x.agency, turn, newest_) || off(Off::kUpholdTakesUp))) {
        continue;
      }
      taken = std::min(taken, seen.at(id));
    }
    by_key[{taken, seen.at(branch)}].push_back(branch);
  }
  return by_key.begin()->second;
}

// From the fork to the end of what we had first, so that it covers every link before it as well;
// the fork itself where we cannot tell.
int Model::end_of_first_had(int fork, const Seen& seen, const std::set<int>& moved) {
  int at = fork;
  while (!successors(at).empty()) {
    const std::vector<int>& c = successors(at);
    std::vector<int> had;
    if (c.size() == 1) {
      had = c;
    } else if (at != fork && !binding(acts(c)).empty()) {
      had = {pick(c)};
    } else {
      had = first_had(c, seen, moved);
    }
    if (had.size() != 1 || (off(Off::kTip) && at != fork)) break;
    at = had[0];
  }
  return at;
}

std::optional<int> Model::duty(const Mask& mask, const Machine& desk, const Seen& seen,
                               const std::set<int>& moved, int extra) {
  constexpr int kQuota = 16;
  const Outcome outcome = fold(mask);
  for (const ForkOutcome& at : outcome.forks) {
    const int fork = at.link;
    const Acts branches = acts(successors(fork));
    const int s = concerned(branches);
    const bool too = off(Off::kLowest) && s != kNobody && trees_.over(desk.agency, s, newest_) &&
                     !trees_.dissolved(desk.agency, newest_);
    if (desk.agency != s && !too) continue;  // of somebody above or below
    if (spoken(branches, desk.agency)) continue;
    int written = 0;
    for (const int id : numbers_in(mask)) {
      const Item& x = world_.at(id);
      written += x.by_itself && x.by() == desk && in_force(id);
    }
    if (written >= kQuota + extra) return std::nullopt;
    const int end = end_of_first_had(fork, seen, moved);
    if (end != fork) return end;
  }
  return std::nullopt;
}

}  // namespace lienthong::model
