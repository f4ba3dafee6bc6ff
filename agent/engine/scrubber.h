// Reads every table of the database once in a while, slowly, and keeps the registry's copy beside
// the database up to date. What was erased leaves the files of the database by it. What has rotted
// is found before somebody needs it: the database is closed then, salvaged and opened again.
// docs/operations.md, "Damage". Threads: one of its own; the calls below from one thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "agent/engine/engine.h"

namespace lienthong::agent {

class Scrubber {
 public:
  // `round`: time for reading everything once; 0: nothing is read. `engine` outlives this.
  Scrubber(Engine& engine, std::string database_path, std::chrono::milliseconds round);
  ~Scrubber();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lienthong::agent
