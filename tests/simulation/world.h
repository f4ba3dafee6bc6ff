// A province of offices in one process under virtual time, with faults, all from one seed. First
// the faults, then they stop, and within bounded time every promise must hold.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/faults.h"
#include "tests/simulation/hostile.h"
#include "tests/simulation/watch.h"

namespace lienthong::sim {

class World {
 public:
  World(std::uint64_t seed, const WorldOptions& options);
  ~World();

  void run_for(Duration span);  // offices work, faults happen
  // Faults and work stop, everything is up again. True once all is quiet and stays so.
  bool settles_within(Duration span);
  // The promises, once all is quiet, with all that was found on the way: a line for each kind;
  // empty when they are kept.
  std::vector<std::string> broken_promises();
  // The same of one seed in every run.
  std::uint64_t trace() const { return timeline_.trace(); }
  Duration elapsed() const { return timeline_.elapsed(); }

  // Forged updates that some machine holds without letting them count, and refusals on record.
  std::size_t forgeries_held() const;
  std::size_t refusals() const;

  const Ledger& ledger() const { return ledger_; }
  // Every machine is on and has a replica to look into.
  bool all_on() const;
  FaultCounts fault_counts() const { return faults_->counts(); }
  Machine& machine(std::size_t index) { return *machines_[index]; }
  std::uint64_t bytes_carried() const { return network_.bytes_carried(); }
  // How healing ended, over all machines.
  std::map<std::string, std::size_t> heal_outcomes() const;
  // What the drivers saw, over all machines.
  std::map<std::string, std::size_t> sights() const;
  // What is not quiet; for the report of a failure.
  std::string unrest() const;

 private:
  // Lets one more commune join, sooner or later.
  void add_newcomer(std::size_t ordinal);
  void invite(std::size_t index, const std::string& code);
  void add(const AgencyId& agency, std::optional<std::size_t> parent, bool may_issue);
  void work();
  void judge_traffic();
  void set_up(Machine& machine);
  void add_hostile(const AgencyId& agency, std::size_t parent, bool may_issue);
  Dice dice_;
  Timeline timeline_;
  test::TestDeployment deployment_;
  Network network_;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::vector<std::size_t> bootstrap_sizes_;
  Ledger ledger_;
  Workload workload_;
  Findings findings_;
  std::unique_ptr<Watch> watch_;
  std::unique_ptr<Faults> faults_;
  std::unique_ptr<Hostile> hostile_;
  WorldOptions options_;
  bool working_ = true;
};

}  // namespace lienthong::sim
