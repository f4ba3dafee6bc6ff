#include "tests/support/custody_attacks.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace lienthong::model {
namespace {

constexpr auto kCreated = UpdateKind::kCreated;
constexpr auto kOffer = UpdateKind::kOffer;
constexpr auto kAccept = UpdateKind::kAccept;
constexpr auto kDecline = UpdateKind::kDecline;
constexpr auto kReclaim = UpdateKind::kReclaim;
constexpr auto kSucceed = UpdateKind::kSucceed;
constexpr auto kSet = UpdateKind::kSet;
constexpr auto kUphold = UpdateKind::kUphold;

struct Deed {
  int agency;
  UpdateKind kind;
  int to = kNobody;
};

struct Base {  // newest tree version, and a history without forks
  TreeVersion newest;
  std::vector<Deed> deeds;
};

const std::array<Base, kBaseCount>& bases() {
  static const Deed make{A, kCreated};
  static const Deed set{A, kSet};
  static const std::array<Base, kBaseCount> all = {{
      // handed over; handed over and worked on; two hops; there and back
      {1, {make, set, {A, kOffer, X}, {X, kAccept}}},
      {1, {make, set, {A, kOffer, X}, {X, kAccept}, {X, kSet}}},
      {1, {make, set, {A, kOffer, D1}, {D1, kAccept}, {D1, kOffer, X}, {X, kAccept}, {X, kSet}}},
      {1, {make, {A, kOffer, D1}, {D1, kAccept}, {D1, kSet}, {D1, kOffer, A}, {A, kAccept}, set}},
      // an open offer; settled by the province; taken over by the successor; declined
      {1, {make, set, {A, kOffer, X}}},
      {1,
       {make,
        set,
        {A, kOffer, D1},
        {D1, kAccept},
        {D1, kOffer, X},
        {X, kAccept},
        {X, kSet},
        {P, kReclaim},
        {P, kOffer, X},
        {X, kAccept}}},
      {1, {make, set, {B, kSucceed, A}, {B, kSet}}},
      {1, {make, {A, kOffer, X}, {X, kDecline}, set}},
      // up to the district; across districts; commune to commune; district to department
      {0, {make, set, {A, kOffer, D1}, {D1, kAccept}, {D1, kSet}}},
      {0,
       {{D2, kCreated},
        {D2, kOffer, P},
        {P, kAccept},
        {P, kSet},
        {P, kOffer, D1},
        {D1, kAccept},
        {D1, kSet}}},
      {0, {make, {A, kOffer, B}, {B, kAccept}, {B, kSet}}},
      {0, {{D2, kCreated}, {D2, kSet}, {D2, kOffer, X}, {X, kAccept}, {X, kSet}}},
      // no tree change; taken back and worked on; three offices
      {0, {make, set, {A, kOffer, X}, {X, kAccept}, {X, kSet}}},
      {0, {make, {A, kOffer, B}, {B, kAccept}, {D1, kReclaim}, {D1, kSet}}},
      {0, {make, {A, kOffer, C}, {C, kAccept}, {C, kOffer, X}, {X, kAccept}, {X, kSet}}},
      // untouched since the merger; since E was moved; handed over by E, by B, moved since
      {1, {make, set}},
      {2, {{E, kCreated}, {E, kSet}}},
      {2, {{E, kCreated}, {E, kOffer, B}, {B, kAccept}, {B, kSet}}},
      {3, {{B, kCreated}, {B, kSet}, {B, kOffer, X}, {X, kAccept}, {X, kSet}}},
      // taken back before the merger; merged across districts: worked on, handed on, untouched
      {1, {make, set, {D1, kReclaim}, {D1, kSet}}},
      {4, {make, set, {C, kSucceed, A}, {C, kSet}}},
      {4, {make, {C, kSucceed, A}, {C, kSet}, {C, kOffer, E}, {E, kAccept}, {E, kSet}}},
      {4, {make, set}},
      // taken back, and handed over, before a merger across districts
      {4, {make, {D1, kReclaim}, {D1, kSet}}},
      {4, {make, {A, kOffer, B}, {B, kAccept}, {B, kSet}}},
      // handed over within the district, and taken back, before another commune moves there
      {8, {make, {A, kOffer, B}, {B, kAccept}, {B, kSet}}},
      {8, {make, {D1, kReclaim}, {D1, kSet}}},
  }};
  return all;
}

// A version and those before it.
std::vector<TreeVersion> past_of(TreeVersion newest) {
  if (newest >= 4) return {0, newest};
  std::vector<TreeVersion> out(newest + 1);
  std::iota(out.begin(), out.end(), TreeVersion{0});
  return out;
}

TreeVersion before(TreeVersion version) { return version >= 4 ? 0 : version - 1; }

// Whom a version dissolves or takes somebody from.
bool closed_by(const Trees& trees, int agency, TreeVersion version) {
  if (trees.dissolved(agency, version)) return true;
  for (int below = P; below < kAgencyCount; ++below) {
    if (trees.over(agency, below, before(version)) && !trees.over(agency, below, version)) {
      return true;
    }
  }
  return false;
}

void close_all(Attack& attack, int last) {
  for (const TreeVersion version : past_of(attack.registry.newest)) {
    for (int agency = P; version > 0 && agency < kAgencyCount; ++agency) {
      if (!closed_by(attack.trees, agency, version)) continue;
      attack.registry.closings[{{agency, 1}, version}] = last;
    }
  }
}

// Agencies that are not at or above the honest holder or the target of its open offer; a successor
// is the honest one where that is dissolved.
std::vector<int> suspects(const Attack& attack, const Outcome& outcome) {
  const TreeVersion newest = attack.registry.newest;
  std::vector<int> out;
  for (int agency = P; agency < kAgencyCount; ++agency) {
    bool honest = false;
    for (const int one : {outcome.holder, outcome.offered}) {
      if (one == kNobody) continue;
      const int now = attack.trees.resolve(one, newest);
      honest = honest || (now != kNobody && attack.trees.over(agency, now, newest));
    }
    if (!honest) out.push_back(agency);
  }
  return out;
}

// They certify the machines of all below them and declare agencies there.
std::vector<int> army(const Attack& attack) {
  std::set<int> out(attack.members.begin(), attack.members.end());
  for (const int member : attack.members) {
    for (int agency = P; agency < kFirstAgencyCount; ++agency) {
      if (attack.trees.superior(member, agency, attack.registry.newest)) out.insert(agency);
    }
    for (const int number : {1, 2, 3}) out.insert(minted(member, number));
  }
  return {out.begin(), out.end()};
}

void choose_members(Attack& attack, Random& random, int size) {
  const Outcome outcome =
      Model(attack.world, attack.trees, attack.registry).fold(attack.world.all());
  std::vector<int> who = suspects(attack, outcome);
  std::shuffle(who.begin(), who.end(), random);
  if (static_cast<int>(who.size()) < size) return;
  attack.members.assign(who.begin(), who.begin() + size);
  attack.puppets = army(attack);
}

Item plain(const World& world, const Deed& deed, int link, const std::vector<int>& deps,
           TreeVersion version) {
  Item item;
  item.id = world.next_id();
  item.kind = deed.kind;
  item.agency = deed.agency;
  item.to = deed.to;
  item.link = link;
  item.deps = deps;
  item.tree_version = version;
  item.hlc = 10 * static_cast<std::uint64_t>(item.id + 1);
  item.seal = 1;
  return item;
}

// Adds it if it has the right.
bool add_if_right(Attack& attack, const Item& item) {
  attack.world.add(item);
  if (Model(attack.world, attack.trees, {}).state(item.id)) return true;
  attack.world.drop_from(item.id);
  return false;
}

std::vector<int> alive_but(const Trees& trees, int agency, TreeVersion version) {
  std::vector<int> out;
  for (int one = P; one < kAgencyCount; ++one) {
    if (one != agency && !trees.dissolved(one, version)) out.push_back(one);
  }
  return out;
}

// What whoever has the turn, or somebody above, might honestly do next; kNobody: nothing.
Deed next_deed(const Attack& attack, Random& random, const Standing& now, TreeVersion version) {
  const Trees& trees = attack.trees;
  const bool open = now.offered != kNobody;
  const int turn = now.turn();
  if (trees.dissolved(turn, version)) return {trees.resolve(turn, version), kSucceed, turn};
  if (chance(random, 0.12)) {
    std::vector<int> above;
    for (const int one : alive_but(trees, turn, version)) {
      if (trees.superior(one, now.holder, version) &&
          (!open || trees.superior(one, now.offered, version))) {
        above.push_back(one);
      }
    }
    return above.empty() ? Deed{kNobody, kReclaim} : Deed{one_of(random, above), kReclaim};
  }
  if (open) return {turn, chance(random, 0.8) ? kAccept : kDecline};
  if (chance(random, 0.35)) return {turn, kSet};
  const std::vector<int> targets = alive_but(trees, turn, version);
  return targets.empty() ? Deed{kNobody, kOffer} : Deed{turn, kOffer, one_of(random, targets)};
}

void write_honestly(Attack& attack, Random& random) {
  const Deed first{below(random, kAgencyCount), kCreated};
  attack.world.add(plain(attack.world, first, -1, {}, 0));
  int tip = 0;
  int last = 0;
  const int steps = 2 + below(random, 7);
  const int turn_of_tree = attack.registry.newest > 0 ? 1 + below(random, steps) : steps;
  for (int step = 0; step < steps; ++step) {
    const TreeVersion version = step >= turn_of_tree ? 1 : 0;
    const Standing now = *Model(attack.world, attack.trees, {}).state(tip);
    const Deed deed = next_deed(attack, random, now, version);
    if (deed.agency == kNobody) continue;
    const Item item = plain(attack.world, deed, tip, {last}, version);
    if (!add_if_right(attack, item)) continue;
    last = item.id;
    if (link_kind(item.kind)) tip = item.id;
  }
}

// A second machine of somebody who had the turn goes on from an older link.
void fork_honestly(Attack& attack, Random& random) {
  std::vector<int> links;
  for (const Item& item : attack.world.items) {
    if (link_kind(item.kind)) links.push_back(item.id);
  }
  links.pop_back();
  if (links.empty()) return;
  int at = one_of(random, links);
  const TreeVersion version = attack.world.at(at).tree_version;
  for (int i = 1 + below(random, 4); i > 0; --i) {
    const Standing now = *Model(attack.world, attack.trees, {}).state(at);
    if (attack.trees.dissolved(now.turn(), version)) return;
    const bool open = now.offered != kNobody;
    const std::vector<int> targets = alive_but(attack.trees, now.holder, version);
    const Deed deed =
        open ? Deed{now.offered, kAccept} : Deed{now.holder, kOffer, one_of(random, targets)};
    Item item = plain(attack.world, deed, at, {at}, version);
    item.machine = open ? 1 : 2;
    if (chance(random, 0.3)) item.hlc = attack.world.items.back().hlc;  // at the same moment
    if (!add_if_right(attack, item)) return;
    at = item.id;
  }
}

UpdateKind kind_of_deed(Random& random, int by, const std::optional<Standing>& now) {
  std::vector<UpdateKind> kinds{kReclaim, kUphold, kSucceed};
  if (now && by == now->offered) {
    kinds = {kAccept, kAccept, kAccept, kAccept, kAccept, kAccept, kDecline, kUphold};
  } else if (now && by == now->holder && now->offered == kNobody) {
    kinds = {kOffer, kOffer, kOffer, kOffer, kOffer, kOffer, kSet, kSet, kUphold};
  }
  return one_of(random, kinds);
}

bool theirs(const Attack& attack, int agency) {
  return std::find(attack.puppets.begin(), attack.puppets.end(), agency) != attack.puppets.end();
}

// A link of the honest history; mostly one after which it is the turn of one of them.
int place_to_attack(const Attack& attack, Random& random) {
  std::vector<int> links;
  for (int id = 0; id < attack.honest; ++id) {
    if (link_kind(attack.world.at(id).kind)) links.push_back(id);
  }
  int at = one_of(random, links);
  for (int i = 0; i < 12 && !chance(random, 0.3); ++i) {
    const auto now = Model(attack.world, attack.trees, {}).state(at);
    if (now && theirs(attack, now->turn())) break;
    at = one_of(random, links);
  }
  return at;
}

Deed next_forgery(const Attack& attack, Random& random, const std::optional<Standing>& now) {
  const bool their_turn = now && theirs(attack, now->turn());
  if (their_turn && chance(random, 0.1)) return {one_of(random, attack.members), kReclaim};
  Deed deed{one_of(random, attack.puppets), kSet};
  if (their_turn && chance(random, 0.8)) deed.agency = now->turn();
  deed.kind = kind_of_deed(random, deed.agency, now);
  if (deed.kind == kOffer) {
    do {
      deed.to = one_of(random, attack.puppets);
    } while (deed.to == deed.agency);
  } else if (deed.kind == kSucceed && now) {
    deed.to = now->turn();
  }
  return deed;
}

TreeVersion some_later_version(const Attack& attack, Random& random, TreeVersion than) {
  std::vector<TreeVersion> later;
  for (const TreeVersion version : past_of(attack.registry.newest)) {
    if (version >= than) later.push_back(version);
  }
  return one_of(random, later);
}

// Signed by a machine that the honest history knows, or by another that one above certified for
// it. What was closed is closed for this machine too.
void forge(Attack& attack, Item& item, Random& random) {
  const bool member =
      std::find(attack.members.begin(), attack.members.end(), item.agency) != attack.members.end();
  const TreeVersion newest = attack.registry.newest;
  item.machine = member ? 1 : 9;
  item.seal = chance(random, 0.1) ? 1 : 2;
  item.forged = true;
  const auto certified = [&](TreeVersion version) {
    return std::any_of(attack.members.begin(), attack.members.end(), [&](int by) {
      return attack.trees.superior(by, item.agency, version) &&
             attack.trees.superior(by, item.agency, newest);
    });
  };
  const std::vector<TreeVersion> versions = past_of(newest);
  const auto first = std::find_if(versions.begin(), versions.end(), certified);
  item.certificate_version = first != versions.end() ? *first : 0;
  if (chance(random, 0.1)) item.certificate_version = newest;
  for (const TreeVersion version : versions) {
    const bool closed = version > 0 && (attack.trees.dissolved(item.agency, version) ||
                                        closed_by(attack.trees, declarer(item.agency), version));
    if (closed) attack.registry.closings[{item.by(), version}] = 1;
  }
}

}  // namespace

Trees random_trees(Random& random, int changes_max) {
  for (;;) {
    std::map<int, int> parents = first_parents();
    std::map<int, int> successors;
    for (int i = below(random, changes_max + 1); i > 0; --i) {
      const int agency = one_of<int>(random, {A, B, C, E, X, D1, D2});
      if (chance(random, 0.6)) {
        int to = agency;
        while (to == agency) to = below(random, kAgencyCount);
        successors[agency] = to;
      } else {
        int to = agency;
        while (to == agency) to = one_of<int>(random, {P, D1, D2});
        parents[agency] = to;
      }
    }
    const auto is_tree = [&](const auto& entry) {
      const int top = line(entry.first, [&](int at) { return parents.at(at); }).back();
      return parents.at(top) == kNobody;
    };
    if (std::all_of(parents.begin(), parents.end(), is_tree)) return Trees(parents, successors);
  }
}

Attack attack_on_base(Random& random, int base, int size) {
  const Base& from = bases().at(static_cast<std::size_t>(base));
  Attack attack;
  attack.world.scramble(below(random, 256), below(random, 512));
  attack.registry.newest = from.newest;
  int tip = -1;
  TreeVersion version = 0;
  for (const Deed& deed : from.deeds) {
    if (deed.kind == kSucceed) version = from.newest;
    const int id = attack.world.next_id();
    attack.world.add(plain(attack.world, deed, tip,
                           id == 0 ? std::vector<int>{} : std::vector<int>{id - 1}, version));
    if (link_kind(deed.kind)) tip = id;
  }
  attack.honest = attack.world.next_id();
  close_all(attack, 1);
  choose_members(attack, random, size);
  return attack;
}

Attack attack_in_random_tree(Random& random, int size, bool fork) {
  Attack attack;
  attack.trees = random_trees(random);
  attack.world.scramble(below(random, 256), below(random, 512));
  attack.registry.newest = static_cast<TreeVersion>(below(random, 2));
  write_honestly(attack, random);
  if (fork) fork_honestly(attack, random);
  attack.honest = attack.world.next_id();
  close_all(attack, 1);
  choose_members(attack, random, size);
  return attack;
}

std::vector<int> Attack::branch(Random& random) {
  const auto standing = [&](int link) { return Model(world, trees, {}).state(link); };
  int at = place_to_attack(*this, random);
  const bool old = chance(random, 0.5);
  const bool early = chance(random, 0.5);
  std::vector<int> deps = chance(random, 0.7) ? std::vector<int>{at} : world.heads(world.all());
  std::vector<int> out;
  const int count = 1 + below(random, 9);
  for (int k = 0; k < count; ++k) {
    const Deed deed = next_forgery(*this, random, standing(at));
    Item item = plain(world, deed, at, deps, world.at(at).tree_version);
    if (!old) item.tree_version = some_later_version(*this, random, item.tree_version);
    item.hlc = static_cast<std::uint64_t>(early ? k + 1 : 1000000 + k);
    forge(*this, item, random);
    world.add(item);
    out.push_back(item.id);
    if (link_kind(item.kind) && standing(item.id)) at = item.id;
    deps = {item.id};
  }
  return out;
}

std::vector<int> Attack::word(Random& random) {
  std::vector<int> links;
  for (const Item& item : world.items) {
    if (link_kind(item.kind)) links.push_back(item.id);
  }
  const int link = one_of(random, links);
  const Deed deed{below(random, kAgencyCount), chance(random, 0.7) ? kUphold : kReclaim};
  const std::vector<int> deps =
      chance(random, 0.6) ? world.heads(world.all()) : std::vector<int>{link};
  Item item = plain(world, deed, link, deps, world.at(link).tree_version);
  if (chance(random, 0.5)) item.tree_version = some_later_version(*this, random, item.tree_version);
  item.seal = 1 + below(random, 2);
  if (!add_if_right(*this, item)) return {};
  return {item.id};
}

std::vector<std::vector<int>> commits(Random& random, const std::vector<int>& updates) {
  std::vector<std::vector<int>> out;
  for (const int id : updates) {
    if (!out.empty() && chance(random, 0.3)) {
      out.back().push_back(id);
    } else {
      out.push_back({id});
    }
  }
  return out;
}

std::vector<int> mixed(Random& random, const World& world, std::vector<int> a, std::vector<int> b) {
  std::vector<int> out;
  std::set<int> have;
  std::reverse(a.begin(), a.end());
  std::reverse(b.begin(), b.end());
  while (!a.empty() || !b.empty()) {
    std::vector<int>& from = b.empty() || (!a.empty() && chance(random, 0.5)) ? a : b;
    const std::vector<int>& deps = world.at(from.back()).deps;
    if (!std::all_of(deps.begin(), deps.end(), [&](int dep) { return have.count(dep) != 0; })) {
      continue;
    }
    have.insert(from.back());
    out.push_back(from.back());
    from.pop_back();
  }
  return out;
}

}  // namespace lienthong::model
