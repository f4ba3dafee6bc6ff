// The fold and the notary's functions against the custody model: on attacks by one agency and by
// two on honest histories, in standard and in random trees, in any order of arrival, with closings
// and tree versions coming in between. Longer with LIENTHONG_SOAK=1.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "tests/support/custody_attacks.h"
#include "tests/support/custody_compare.h"

namespace lienthong {
namespace {

using namespace model;  // NOLINT: agencies by their letters

int runs(int count) { return std::getenv("LIENTHONG_SOAK") != nullptr ? 20 * count : count; }

Attack any_attack(Random& random) {
  if (chance(random, 0.5)) {
    return attack_on_base(random, below(random, kBaseCount), 1 + below(random, 2));
  }
  return attack_in_random_tree(random, 1 + below(random, 2), chance(random, 0.5));
}

std::vector<int> honest_acts(const Attack& attack) {
  std::vector<int> out;
  for (int id = 0; id < attack.honest; ++id) out.push_back(id);
  return out;
}

// Desks answer as the model says; what the protocol says must be the same at every question.
class Lockstep {
 public:
  Lockstep(Attack& attack, Random& random) : attack_(attack) {
    std::vector<Machine> who = desks_of_all_but({attack.puppets.begin(), attack.puppets.end()});
    if (chance(random, 0.3)) who.push_back({P, 2});
    std::set<int> moved;
    for (int id = 1; id < attack.honest && chance(random, 0.2); ++id) moved.insert(id);
    desks_.emplace(attack.world, attack.trees, attack.registry, who, moved,
                   [this](const Desks& all, const Machine& desk) { return ask(all, desk); });
  }

  void take(const std::vector<std::vector<int>>& all) {
    for (const std::vector<int>& commit : all) {
      desks_->take(commit);
      compare();
    }
  }
  int questions() const { return questions_; }
  int written() const { return desks_->written(); }

 private:
  std::optional<int> ask(const Desks& all, const Machine& desk) {
    ++questions_;
    const std::optional<int> owed = all.owed(desk);
    EXPECT_EQ(protocol_duty(all, desk), owed) << agency_name(desk.agency) << '\n'
                                              << describe(all.world(), all.mask(), all.registry());
    return owed;
  }

  void compare() const {
    const World& world = attack_.world;
    const RecordState state = folded(world, desks_->mask(), attack_.trees, attack_.registry);
    EXPECT_EQ(difference(world, desks_->state(), state) +
                  difference_in_branches(world, desks_->mask(), attack_.trees, attack_.registry),
              "")
        << describe(world, desks_->mask(), attack_.registry);
  }

  Attack& attack_;
  std::optional<Desks> desks_;
  int questions_ = 0;
};

TEST(CustodyProperty, FoldAndDutyAreTheModelsWhateverOneAgencyOrTwoWrite) {
  int written = 0;
  int questions = 0;
  for (int seed = 0; seed < runs(1000) && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Random random(static_cast<std::uint64_t>(seed));
    Attack attack = any_attack(random);
    if (attack.members.empty()) continue;
    Lockstep desks(attack, random);
    const std::vector<int> first = attack.branch(random);
    if (chance(random, 0.5)) {  // they show theirs before, between and after the honest acts
      desks.take(commits(random, mixed(random, attack.world, honest_acts(attack), first)));
    } else {
      desks.take(commits(random, honest_acts(attack)));
      desks.take(commits(random, first));
    }
    for (int i = below(random, 3); i > 0; --i) desks.take(commits(random, attack.word(random)));
    desks.take(commits(random, attack.branch(random)));  // knowing the upholds
    for (int i = below(random, 3); i > 0; --i) desks.take(commits(random, attack.word(random)));
    written += desks.written();
    questions += desks.questions();
  }
  EXPECT_GT(written, 200);
  EXPECT_GT(questions, 5000);
}

// ---- any order of arrival ----

// What comes to a replica: an update, or something for the registry.
struct Arrival {
  int update = -1;
  Registry entry;
};

std::vector<Registry> entries_of(const Registry& registry) {
  std::vector<Registry> out;
  if (registry.newest > 0) out.push_back({.cuts = {}, .closings = {}, .newest = registry.newest});
  for (const auto& cut : registry.cuts) {
    out.push_back({.cuts = {cut}, .closings = {}, .newest = 0});
  }
  for (const auto& closing : registry.closings) {
    out.push_back({.cuts = {}, .closings = {closing}, .newest = 0});
  }
  return out;
}

TreeVersion version_named(const World& world, const Arrival& arrival) {
  if (arrival.update >= 0) return world.at(arrival.update).tree_version;
  const auto& closings = arrival.entry.closings;
  return closings.empty() ? 0 : closings.begin()->first.second;
}

// Parents first, and a tree version before what names it; otherwise at random.
std::vector<Arrival> any_order(Random& random, const World& world,
                               const std::vector<Registry>& entries) {
  std::vector<Arrival> waiting;
  for (const Item& item : world.items) waiting.push_back({item.id, {}});
  for (const Registry& entry : entries) waiting.push_back({-1, entry});
  std::vector<Arrival> out;
  Mask here;
  TreeVersion newest = 0;
  while (!waiting.empty()) {
    const auto at = waiting.begin() + below(random, static_cast<int>(waiting.size()));
    if (version_named(world, *at) > newest) continue;
    if (at->update >= 0) {
      const auto id = static_cast<std::size_t>(at->update);
      if ((world.past[id] & ~here).any()) continue;
      here.set(id);
    }
    newest = std::max(newest, at->entry.newest);
    out.push_back(*at);
    waiting.erase(at);
  }
  return out;
}

// A replica that extends its state where it can and folds anew where it must.
class Replica {
 public:
  Replica(const World& world, const Trees& trees) : world_(world), trees_(trees) {}

  void take(const Arrival& arrival) {
    registry_.learn(arrival.entry);
    if (arrival.update < 0) {
      state_ = refolded();
      return;
    }
    mask_.set(static_cast<std::size_t>(arrival.update));
    const GraphUpdate update = to_graph(world_, world_.at(arrival.update), trees_, registry_);
    const RecordState before = state_;
    const RecordState expected = refolded();
    if (extend(state_, update, tree())) {
      EXPECT_EQ(encode_state(state_), encode_state(expected));
      EXPECT_TRUE(state_ == expected);
      ++extended_;
    } else {
      EXPECT_TRUE(state_ == before);
      state_ = expected;
    }
  }
  std::string unlike_the_model() const {
    return difference(world_, Model(world_, trees_, registry_).fold(mask_), state_);
  }
  const RecordState& state() const { return state_; }
  int extended() const { return extended_; }

 private:
  const ShapedTree& tree() {
    const auto found = shapes_.find(registry_.newest);
    if (found != shapes_.end()) return found->second;
    return shapes_.emplace(registry_.newest, shaped(trees_, registry_.newest)).first->second;
  }
  RecordState refolded() { return fold(to_graph(world_, mask_, trees_, registry_), tree()); }

  const World& world_;
  const Trees& trees_;
  Registry registry_;
  Mask mask_;
  RecordState state_;
  std::map<TreeVersion, ShapedTree> shapes_;
  int extended_ = 0;
};

// Six orders of each; the model is asked about every third step.
int expect_one_end(Random& random, const World& world, const Trees& trees,
                   const Registry& registry) {
  int extended = 0;
  const Bytes whole = encode_state(folded(world, world.all(), trees, registry));
  for (int order = 0; order < 6; ++order) {
    Replica replica(world, trees);
    int step = order;
    for (const Arrival& arrival : any_order(random, world, entries_of(registry))) {
      replica.take(arrival);
      if (++step % 3 == 0) {
        EXPECT_EQ(replica.unlike_the_model(), "") << describe(world, world.all(), registry);
      }
    }
    EXPECT_EQ(encode_state(replica.state()), whole);
    extended += replica.extended();
  }
  return extended;
}

TEST(CustodyProperty, AttackedRecordIsTheSameInAnyOrderOfArrival) {
  int extended = 0;
  for (int seed = 0; seed < runs(300) && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Random random(static_cast<std::uint64_t>(1000 + seed));
    Attack attack = any_attack(random);
    if (attack.members.empty()) continue;
    Desks desks(attack.world, attack.trees, attack.registry,
                desks_of_all_but({attack.puppets.begin(), attack.puppets.end()}));
    const std::vector<int> first = attack.branch(random);
    desks.take(honest_acts(attack));
    desks.take(first);
    desks.take(attack.word(random));
    desks.take(attack.branch(random));
    desks.take(attack.word(random));
    extended += expect_one_end(random, attack.world, attack.trees, attack.registry);
  }
  EXPECT_GT(extended, 100);
}

TEST(CustodyProperty, HistoryWithFaultsIsTheSameInAnyOrderOfArrival) {
  const std::vector<Faults> sets = {{},
                                    {.two_machines = true, .notary = true},
                                    {.reclaim = true, .roll_back = true, .notary = true},
                                    {.revoke = true, .notary = true},
                                    {.reclaim = true, .reorganise = true, .notary = true},
                                    {.malice = true, .notary = true},
                                    {.reclaim = true,
                                     .revoke = true,
                                     .reorganise = true,
                                     .roll_back = true,
                                     .two_machines = true,
                                     .malice = true,
                                     .notary = true,
                                     .two_notaries = true,
                                     .others = true}};
  int extended = 0;
  for (int seed = 0; seed < runs(420) && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    const Faults& faults = sets[static_cast<std::size_t>(seed) % sets.size()];
    model::Run run(static_cast<std::uint64_t>(seed), faults, 12 + seed % 9 * 10);
    extended += expect_one_end(run.random(), run.world(), run.trees(), run.registry());
  }
  EXPECT_GT(extended, 100);
}

// ---- the shape of the tree ----

void expect_same_shape(const Trees& trees, TreeVersion version, Random& random) {
  const ShapedTree shape = shaped(trees, version);
  std::vector<int> all;
  for (const AgencyId& id : shape.everyone()) all.push_back(agency_of(id));
  for (const int a : all) {
    const AgencyId id = agency_id(a);
    SCOPED_TRACE(agency_name(a) + " in " + std::to_string(version));
    EXPECT_EQ(shape.dissolved(id, version), trees.dissolved(a, version));
    EXPECT_EQ(static_cast<int>(shape.level(id, version)), trees.level(a, version));
    const AgencyId end = shape.resolve(id, version);
    const bool none = end.is_zero() || shape.dissolved(end, version);
    EXPECT_EQ(none ? kNobody : agency_of(end), trees.resolve(a, version));
    std::vector<AgencyId> walk;
    for (const int above : trees.walk(a, version)) walk.push_back(agency_id(above));
    walk.erase(walk.begin());
    EXPECT_EQ(shape.superiors(id, version), walk);
    for (const int b : all) {
      EXPECT_EQ(shape.above_or_equal(id, agency_id(b), version), trees.over(a, b, version));
      EXPECT_EQ(shape.superior(id, agency_id(b), version), trees.superior(a, b, version));
    }
    const std::set<int> some{a, one_of(random, all), one_of(random, all)};
    std::vector<AgencyId> ids;
    for (const int one : some) ids.push_back(agency_id(one));
    EXPECT_EQ(shape.common(ids, version), agency_id(trees.common(some, version)));
  }
}

TEST(CustodyProperty, ShapeOfEveryTreeIsTheModels) {
  Random random(1);
  for (TreeVersion version = 0; version <= Trees::standard().newest(); ++version) {
    expect_same_shape(Trees::standard(), version, random);
  }
  for (int i = 0; i < runs(200) && !HasFailure(); ++i) {
    SCOPED_TRACE(i);
    expect_same_shape(random_trees(random, 1 + i % 9), 1, random);
  }
}

}  // namespace
}  // namespace lienthong
