// Random histories of one record: honest machines act on their own partial view, and faults are
// switched on by name. For property tests; the same seed gives the same history.
#pragma once

#include <map>
#include <random>
#include <vector>

#include "tests/support/custody_model.h"

namespace lienthong::model {

using Random = std::mt19937_64;
int below(Random& random, int count);  // 0 to count - 1
bool chance(Random& random, double probability);
template <class T>
const T& one_of(Random& random, const std::vector<T>& all) {
  return all.at(static_cast<std::size_t>(below(random, static_cast<int>(all.size()))));
}

struct Faults {
  bool reclaim = false;     // superiors take records back
  bool revoke = false;      // machines are cut off, also in the past
  bool reorganise = false;  // the tree changes under everybody's feet, with closings
  bool roll_back = false;   // machines are restored from a copy
  bool two_machines = false;
  bool malice = false;  // any kind, any past, back-dated or far ahead
  bool notary = false;  // desks do their duty
  bool two_notaries = false;
  bool others = false;  // notes, consultations, shares, replies, adoptions …
};

class Run {
 public:
  Run(std::uint64_t seed, const Faults& faults, int steps);

  const World& world() const { return world_; }
  const Trees& trees() const { return Trees::standard(); }
  // Revocations, closings and tree versions as they came in, one in each.
  const std::vector<Registry>& entries() const { return entries_; }
  // All of them; newest is at least every version that an update names.
  Registry registry() const;
  // Any part that is closed under parents.
  Mask random_part();
  Random& random() { return random_; }

 private:
  struct Desk {
    Machine machine;
    std::uint64_t skew = 0;
    int seals = 0;
    Mask has;
    Seen seen;
    std::set<std::size_t> entries;             // of the registry
    std::optional<std::pair<Mask, int>> copy;  // what it had and the seals, for a restore
  };

  Registry registry_of(const Desk& desk) const;
  void step();
  void sync(Desk& to);
  void revoke();
  void reorganise();
  void roll_back(Desk& by);
  void forge(Desk& by);
  void act(Desk& by);
  void act_on_turn(Desk& by, const Outcome& view, Item item);
  void act_beside(Desk& by, const Outcome& view, Item item);
  void do_duty(Desk& by);
  void write(Desk& by, UpdateKind kind, Item item);
  void take(Desk& by, int id);

  Random random_;
  Faults faults_;
  World world_;
  std::vector<Desk> desks_;  // the first is that of P, where every entry of the registry starts
  std::vector<Registry> entries_;
};

// The registry's newest tree version, and every version that one of these updates names.
TreeVersion newest_named(const World& world, const Mask& mask, const Registry& registry);

}  // namespace lienthong::model
