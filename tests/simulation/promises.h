// The three promises, as questions to the machines once everything is quiet.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/findings.h"
#include "tests/simulation/workload.h"

namespace lienthong::sim {

struct Forgeries {
  std::set<UpdateId> without_right;  // well formed and sealed, by one who had no right
  std::set<UpdateId> malformed;      // must be nowhere
  std::size_t strangers_served = 0;  // dials without a right to one that were told anything
};

// Whether nothing is left to be said between any two neighbours; else what is, for the report.
bool quiet(const std::vector<std::unique_ptr<Machine>>& machines, std::string* why = nullptr);

// What is broken once all is quiet; nothing when all promises are kept. All machines must be on.
// `hostile`: nodes that are no machine here, for whose words honest ones may wait for ever.
void judge(const std::vector<std::unique_ptr<Machine>>& machines, const Ledger& ledger,
           const Forgeries& forgeries, const std::set<NodeId>& hostile, Findings& findings);

}  // namespace lienthong::sim
