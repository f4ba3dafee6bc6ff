// The agent as a process: opens the data folder, runs the links, the engine and the local API until
// it is told to stop. docs/operations.md, "Signals".
#pragma once

#include <filesystem>
#include <memory>

#include "agent/config/config.h"
#include "agent/engine/engine.h"
#include "protocol/crypto/keys.h"

namespace lienthong::agent {

class Daemon {
 public:
  // `file`: read again on SIGHUP.
  Daemon(Config config, std::filesystem::path file, const WallClock& clock, Entropy& entropy);
  ~Daemon();

  // Blocks until SIGTERM, SIGINT or a fault; the exit code. Why it could not start is in the log.
  int run();
  // Something that cannot be cancelled (a name being looked up) is still under way: the process
  // should end without waiting for it.
  bool has_stragglers() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lienthong::agent
