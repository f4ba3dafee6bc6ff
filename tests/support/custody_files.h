// Recorded histories and named crossings with what the executable model made of them: readers of
// tests/data/custody_histories.txt and tests/data/custody_scenarios.txt. A file that does not read
// stops the test.
#pragma once

#include <string>

#include "tests/support/custody_model.h"

namespace lienthong::model {

struct Question {  // what does this desk owe?
  Machine desk;
  int extra = 0;
  Seen seen;
  std::set<int> moved;
  std::optional<int> answer;
};

struct History {
  std::string name;
  Trees trees = Trees::standard();
  World world;
  Registry registry;
  Outcome expected;  // of forks only the links; of what is shown only the first
  std::vector<int> forks;
  std::vector<Question> questions;
};
std::vector<History> read_histories(const std::string& path);

struct Expectation {
  Outcome outcome;  // without forks; of what is shown only the first
  int upholds = 0;
};

struct Scenario {
  std::string name;  // number and claim
  World world;
  Registry registry;
  std::set<int> moved;
  bool silent = false;  // no desk does its duty
  std::vector<std::vector<int>> order;
  Expectation undecided;  // no notary has spoken
  Expectation decided;    // desks did their duty after each commit
};
std::vector<Scenario> read_scenarios(const std::string& path);

// Where an outcome is not as recorded, in words; empty: nowhere.
std::string unlike(const Outcome& got, const Outcome& recorded);

}  // namespace lienthong::model
