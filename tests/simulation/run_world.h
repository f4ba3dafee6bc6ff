// One world from its seed to the verdict, and what is told of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/simulation/dials.h"

namespace lienthong::sim {

struct Outcome {
  std::uint64_t seed = 0;
  std::vector<std::string> broken;  // empty: all promises were kept
  std::map<std::string, std::size_t> sights, faults;
  std::size_t accepted = 0, refused = 0;
  double virtual_seconds = 0, processor_seconds = 0;
  std::uint64_t trace = 0;
};

Outcome run_world(std::uint64_t seed, const WorldOptions& options);

// One line of JSON for tests/simulation/run.
std::string to_json(const Outcome& outcome, bool verbose);

// The dials of a theme as LT_SIM_SET has turned them; throws std::runtime_error on what is no dial.
WorldOptions turned(WorldOptions options);
std::uint64_t number_from(const char* name, std::uint64_t otherwise);  // of the environment

}  // namespace lienthong::sim
