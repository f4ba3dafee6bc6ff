// The desks of superiors as they receive commit after commit and do their duty after each: the
// upholds that they write by themselves are added to the world. No threads.
#pragma once

#include <functional>

#include "tests/support/custody_model.h"

namespace lienthong::model {

class Desks {
 public:
  // The link that a desk owes an uphold, by whatever is under test.
  using Duty = std::function<std::optional<int>(const Desks&, const Machine&)>;

  // `world`, `trees` and `registry` stay; the registry may change between commits. Without a duty
  // the oracle's is done.
  Desks(World& world, const Trees& trees, const Registry& registry, std::vector<Machine> desks,
        std::set<int> moved = {}, Duty duty = {});

  // One commit with these, parents first, then every desk's duty until none is left.
  void take(const std::vector<int>& commit);
  void a_day_passes() { ++extra_; }
  Outcome state() const;

  const World& world() const { return world_; }
  const Trees& trees() const { return trees_; }
  const Registry& registry() const { return registry_; }
  const Mask& mask() const { return mask_; }
  const Seen& seen() const { return seen_; }
  const std::set<int>& moved() const { return moved_; }
  int extra() const { return extra_; }
  int written() const { return written_; }
  std::optional<int> owed(const Machine& desk) const;  // by the oracle

 private:
  bool speak();
  World& world_;
  const Trees& trees_;
  const Registry& registry_;
  std::vector<Machine> desks_;
  std::set<int> moved_;
  Duty duty_;
  Mask mask_;
  Seen seen_;
  int commits_ = 0;
  int extra_ = 0;
  int written_ = 0;
};

// One machine of each of the eight agencies under P that is not in `without`.
std::vector<Machine> desks_of_all_but(const std::set<int>& without);

}  // namespace lienthong::model
