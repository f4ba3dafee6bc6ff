// The custody rules and the notary's duty once more, written naively and on their own, as the
// oracle that the fold is held against: one record among the agencies of custody_trees.h. A verdict
// is a function of the updates and the registry. Small numbers stand for ids. No threads.
// docs/protocol/custody.md.
#pragma once

#include <bitset>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "protocol/record/update.h"
#include "tests/support/custody_trees.h"

namespace lienthong::model {

inline constexpr std::size_t kUpdateCountMax = 512;
using Mask = std::bitset<kUpdateCountMax>;  // a set of updates, by their numbers

struct Machine {
  int agency = A;
  int number = 1;
  auto operator<=>(const Machine&) const = default;
};

struct Item {
  int id = 0;
  UpdateKind kind = UpdateKind::kCreated;
  int agency = A;
  int machine = 1;
  std::uint64_t hlc = 1;
  std::vector<int> deps;
  int link = -1;
  int to = kNobody;
  TreeVersion tree_version = 0;
  TreeVersion certificate_version = 0;  // tree version that the author's certificate names
  int seal = 0;                         // number at the machine
  int name = -1;                        // ids are compared by it; the world gives it
  // What a registry would say that is not here:
  bool cut_off = false;
  TreeVersion held_to = 0;
  bool forged = false;
  bool by_itself = false;  // an uphold that the desk wrote without a person
  std::vector<int> references;

  Machine by() const { return {agency, machine}; }
};

struct World {  // every update ever written; ids are 0, 1, 2 …, parents first
  std::vector<Item> items;
  std::vector<Mask> past;
  int factor = 1;
  int offset = 0;
  // Names are no clue to the order of events from now on; any two numbers.
  void scramble(int any, int other);
  void add(Item item);
  void drop_from(int id);  // it and all later ones
  Mask all() const;
  std::vector<int> heads(const Mask& mask) const;
  const Item& at(int id) const { return items[static_cast<std::size_t>(id)]; }
  bool in_past(int of, int id) const {
    return past[static_cast<std::size_t>(of)][static_cast<std::size_t>(id)];
  }
  int next_id() const { return static_cast<int>(items.size()); }
};

std::vector<int> numbers_in(const Mask& mask);
constexpr std::size_t place(int number) { return static_cast<std::size_t>(number); }

constexpr bool link_kind(UpdateKind kind) {
  return kind >= UpdateKind::kCreated && kind <= UpdateKind::kSucceed;
}
constexpr bool field_write(UpdateKind kind) {
  return kind == UpdateKind::kSet || kind == UpdateKind::kAdopt;
}

// What is believed of whom.
struct Registry {
  std::map<Machine, int> cuts;  // revoked: last seal believed
  std::map<std::pair<Machine, TreeVersion>, int>
      closings;  // last seal that is held to no later one
  TreeVersion newest = 0;
  void learn(const Registry& other);  // of cuts the lower, of closings the higher counts
};

// What the model knows: links, uphold and the writes of the custodian. The rest it passes over.
bool modelled(UpdateKind kind);

// Conditions of the rules that can be left out or put wrongly, to see that the tests would notice.
enum class Off {
  kDecided,         // line 1
  kAllOthers,       // line 1: a decision need be above the first links only
  kLaterTree,       // line 1: what an act says of a later tree is passed over
  kSucceeded,       // line 1: so is what a succeed in its branch says
  kLaterDecision,   // line 1: a later decision does not replace the one it knew
  kCommonSuperior,  // line 2
  kParts,           // line 3
  kByAgencies,      // line 3 counts agencies
  kTakenUp,         // line 4
  kFirstLink,       // line 4 goes by the first link
  kRegistry,        // lines 2 and 3 read the newest tree that the acts name
  kBothWalks,       // rights by parents alone
  kClosing,         // nothing is held to a later version
  kConfirm,         // a confirmed reclaim may have taken from anybody
  kCertificate,     // a tree older than the author's certificate may be named
  kSeveral,         // of several writes with one tree and time not the greater id is shown first
  // the notary
  kLowest,         // every superior speaks
  kOrder,          // order by first links
  kBelowTurn,      // an agency below who had the turn takes a branch up
  kMoved,          // what counts because a cut was moved takes a branch up
  kByNotary,       // only decisions by the notary or above keep it silent
  kUpholdTakesUp,  // no uphold takes a branch up
  kTip,            // its uphold names the first link
};
using Without = std::set<Off>;

struct Standing {
  int holder = kNobody;
  int offered = kNobody;
  int turn() const { return offered != kNobody ? offered : holder; }
};

// A link of the chain with several successors in force.
struct ForkOutcome {
  int link = -1;
  std::set<int> branches;
  int stands = -1;
  int line = 4;       // the one that left a single branch
  int decision = -1;  // line 1: the earliest of those that settled it
  int notary = kNobody;
  bool bound = false;  // some decision binds
  bool operator==(const ForkOutcome&) const = default;
};

struct Outcome {
  int holder = kNobody;
  int offered = kNobody;
  std::vector<int> chain;
  std::vector<ForkOutcome> forks;
  std::set<int> bad;       // no right, held to a later version, or cut off
  std::set<int> late;      // set aside
  std::vector<int> shown;  // latest writes, the one shown first
  bool operator==(const Outcome&) const = default;
  // Who holds, to whom it is offered, and what is shown: what an attack would change.
  bool same_state(const Outcome& other) const;
};

// When a desk had each update: number of the commit.
using Seen = std::map<int, int>;

class Model {
 public:
  Model(const World& world, const Trees& trees, Registry registry, Without without = {})
      : world_(world), trees_(trees), registry_(std::move(registry)), off_(std::move(without)) {}
  explicit Model(const World& world)
      : Model(world, Trees::standard(), Registry{.cuts = {}, .closings = {}, .newest = 1}) {}

  Outcome fold(const Mask& mask);
  // The link that the desk at this machine owes an uphold; none: it owes nothing. `moved`: what
  // came to count here only because a cut or closing was moved. `extra`: upholds that days allow
  // beyond the quota.
  std::optional<int> duty(const Mask& mask, const Machine& desk, const Seen& seen,
                          const std::set<int>& moved = {}, int extra = 0);
  // What is signed in each branch of a fork, by first link; after fold().
  std::map<int, std::vector<int>> branches(int fork) const { return acts(successors(fork)); }
  std::vector<int> binding_in(int fork, int first) const;

  // Custody after a link that had the right; of writes and upholds under one that after their link.
  std::optional<Standing> state(int id);
  TreeVersion held_to(const Item& item) const;
  TreeVersion newest() const { return newest_; }  // after fold()
  bool in_force(int id) const { return force_.count(id) != 0; }
  const std::vector<int>& successors(int link) const;

 private:
  using Acts = std::map<int, std::vector<int>>;  // first link → what is signed in its branch
  using Decision = std::pair<int, int>;          // first link, reclaim or uphold

  bool off(Off condition) const { return off_.count(condition) != 0; }
  bool superior(int upper, int lower, TreeVersion version) const;
  std::optional<Standing> judge(const Item& x, TreeVersion version);
  std::optional<Standing> judge_kind(const Item& x, TreeVersion version, const Standing& before);
  bool believed(const Item& x);
  bool confirms(const Item& reclaim, const Item& link);
  void collect(const Mask& mask);

  Acts acts(const std::vector<int>& successors) const;
  std::set<int> signers(const std::vector<int>& acts) const;
  int pick(const std::vector<int>& successors) const { return judge_fork(successors).stands; }
  ForkOutcome judge_fork(std::vector<int> successors) const;
  std::vector<Decision> settling(const Acts& acts) const;
  bool below(const Item& decision, const Item& act, const std::vector<int>& branch) const;
  bool binds(const Item& decision, int branch, const Acts& acts) const;
  std::vector<Decision> binding(const Acts& acts) const;
  std::vector<int> decided(const std::vector<int>& c, const Acts& acts) const;
  std::vector<int> with_common_superior(const std::vector<int>& c, const Acts& acts) const;
  std::vector<int> with_most_parts(const std::vector<int>& c, const Acts& acts) const;
  std::vector<int> taken_up_first(const std::vector<int>& c, const Acts& acts) const;
  TreeVersion whole_version(const std::vector<int>& c, const Acts& acts) const;
  int whole_superior(const std::vector<int>& c, const Acts& acts) const;

  int concerned(const Acts& acts) const;
  bool spoken(const Acts& acts, int me) const;
  std::vector<int> first_had(const std::vector<int>& c, const Seen& seen,
                             const std::set<int>& moved);
  int end_of_first_had(int fork, const Seen& seen, const std::set<int>& moved);

  const World& world_;
  const Trees& trees_;
  Registry registry_;
  Without off_;
  std::map<int, std::optional<Standing>> states_;
  std::map<int, std::vector<int>> kids_;   // links in force by what they follow
  std::map<int, std::vector<int>> under_;  // field writes and upholds in force by their link
  std::set<int> force_;
  TreeVersion newest_ = 0;
  int root_ = -1;
};

}  // namespace lienthong::model
