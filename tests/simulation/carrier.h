// People who carry bundles from office to office: now and then late, twice, cut short or damaged.
#pragma once

#include <memory>
#include <vector>

#include "tests/simulation/machine.h"

namespace lienthong::sim {

class Carrier {
 public:
  Carrier(Timeline& timeline, std::vector<std::unique_ptr<Machine>>& machines, Dice dice)
      : timeline_(timeline), machines_(machines), dice_(dice) {}

  void carry();
  std::size_t taken_in() const { return taken_in_; }  // whole

 private:
  Machine* recipient_for(const Machine& from);
  Bytes make(Machine& from, const Machine& to);
  void spoil(Bytes& file);
  void bring(Machine& to, const std::shared_ptr<const Bytes>& file);
  void take(Machine& to, const Bytes& file);

  Timeline& timeline_;
  std::vector<std::unique_ptr<Machine>>& machines_;
  Dice dice_;
  std::size_t taken_in_ = 0;
};

}  // namespace lienthong::sim
