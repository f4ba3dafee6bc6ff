// The simulator by hand and for tests/simulation/run; without any of these options, its tests.
//   simulation_test --theme NAME --from SEED [--seeds N] [--verbose] ["DIAL=VALUE …"]
//     a line of JSON for each world, as soon as it is done
//   simulation_test --themes          their names
//   simulation_test --dials NAME      the dials of a theme, one a line: name, value, off, kind
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>

#include "tests/simulation/run_world.h"
#include "tests/simulation/themes.h"

namespace lienthong::sim {
namespace {

struct Wanted {
  const Theme* theme = nullptr;
  std::uint64_t from = 1, seeds = 1;
  bool verbose = false;
  std::string settings;
};

std::optional<Wanted> parse(int count, char** arguments) {
  Wanted out;
  for (int i = 1; i < count; ++i) {
    const std::string one = arguments[i];
    const char* value = i + 1 < count ? arguments[i + 1] : nullptr;
    if (one == "--verbose") {
      out.verbose = true;
    } else if (one.starts_with("--")) {
      if (value == nullptr) return std::nullopt;
      if (one == "--theme")
        out.theme = find_theme(value);
      else if (one == "--from")
        out.from = std::strtoull(value, nullptr, 10);
      else if (one == "--seeds")
        out.seeds = std::strtoull(value, nullptr, 10);
      else
        return std::nullopt;
      ++i;
    } else {
      out.settings += " " + one;
    }
  }
  if (out.theme == nullptr) return std::nullopt;
  return out;
}

int run(const Wanted& wanted) {
  WorldOptions options = wanted.theme->options;
  const std::string wrong = turn(options, wanted.settings);
  if (!wrong.empty()) {
    std::cerr << wrong << "\n";
    return 2;
  }
  bool broken = false;
  for (std::uint64_t seed = wanted.from; seed < wanted.from + wanted.seeds; ++seed) {
    const Outcome outcome = run_world(seed, options);
    broken = broken || !outcome.broken.empty();
    std::cout << to_json(outcome, wanted.verbose) << std::endl;
  }
  return broken ? 1 : 0;
}

int list_dials(const char* name) {
  const Theme* theme = find_theme(name);
  if (theme == nullptr) return 2;
  for (const Dial& dial : dials())
    std::cout << dial.name << "\t" << dial.get(theme->options) << "\t" << dial.off << "\t"
              << (dial.a_fault ? "fault" : "size") << "\n";
  return 0;
}

}  // namespace
}  // namespace lienthong::sim

int main(int count, char** arguments) {
  using namespace lienthong::sim;
  if (count == 2 && std::strcmp(arguments[1], "--themes") == 0) {
    for (const Theme& theme : themes()) std::cout << theme.name << "\n";
    return 0;
  }
  if (count == 3 && std::strcmp(arguments[1], "--dials") == 0) return list_dials(arguments[2]);
  for (int i = 1; i < count; ++i)
    if (std::strcmp(arguments[i], "--theme") == 0) {
      const auto wanted = parse(count, arguments);
      if (wanted) return run(*wanted);
      std::cerr << "see the head of tests/simulation/main.cc\n";
      return 2;
    }
  testing::InitGoogleTest(&count, arguments);
  return RUN_ALL_TESTS();
}
