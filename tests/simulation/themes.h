// What is tried together, by name: a world's dials, and what must have been seen in some world of
// it, else it has shown nothing.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/dials.h"

namespace lienthong::sim {

struct Theme {
  std::string_view name;
  WorldOptions options;
  std::vector<std::string> expected;  // sights
};

std::span<const Theme> themes();
const Theme* find_theme(std::string_view name);  // null: there is none

}  // namespace lienthong::sim
