// Random histories of one record: honest machines act on their own partial view, and faults are
// switched on by name. For property tests; the same seed gives the same history.
#pragma once

#include <map>
#include <random>
#include <vector>

#include "tests/support/custody_model.h"

namespace lienthong::model {

struct Faults {
  bool reclaim = false;     // superiors take records back
  bool revoke = false;      // machines are cut off, also in the past
  bool reorganise = false;  // the tree changes under everybody's feet
  bool roll_back = false;   // machines are restored from a copy
  bool two_machines = false;
  bool malice = false;  // any kind, any past, back-dated or far ahead
  bool others = false;  // notes, consultations, shares, replies, adoptions …
};

class Run {
 public:
  Run(std::uint64_t seed, const Faults& faults, int steps);

  const World& world() const { return world_; }
  // Any part that is closed under parents.
  Mask random_part();
  std::mt19937_64& random() { return random_; }

 private:
  struct Machine {
    int agency = A;
    int number = 1;
    std::uint64_t skew = 0;
    int seals = 0;
    Mask seen;
    Mask copy;  // of `seen`, for a restore
    int copy_seals = -1;
    std::map<int, int> cuts;  // machine → last believed seal
    TreeVersion tree = 0;
  };

  bool chance(double probability);
  int below(int count);
  std::vector<int> list(const Mask& mask) const;
  std::vector<int> heads(const Mask& mask) const;
  void believe(const std::map<int, int>& cuts);
  void step();
  void sync(Machine& to);
  void revoke();
  void forge(Machine& by);
  void act(Machine& by);
  void act_beside(Machine& by, const Outcome& view, TreeVersion tree);
  void write(Machine& by, UpdateKind kind, Item item);

  std::mt19937_64 random_;
  Faults faults_;
  World world_;
  std::vector<Machine> machines_;
  std::vector<int> machine_of_;  // by update
  int revocations_ = 0;
  bool reorganised_ = false;
};

}  // namespace lienthong::model
