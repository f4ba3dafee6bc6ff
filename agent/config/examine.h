// What can be found out about a machine without asking its agent: the files, the disk, the clock,
// the unit, and where no agent runs the lines too. Writes nothing. Blocking: an address that does
// not answer takes two seconds. Any thread.
#pragma once

#include <filesystem>
#include <vector>

#include "agent/config/config.h"
#include "agent/texts/reasons.h"

namespace lienthong::agent {

struct Examination {
  std::filesystem::path config;  // agent.toml
  bool agent_runs = false;       // then what it sees by itself is left to it
  std::filesystem::path system =
      {};  // put before /lib/systemd, /etc/systemd and /proc; empty: none
};
std::vector<texts::Finding> examine(const Examination& what);

// A part of it: whether this machine could listen and dial as configured.
void examine_lines(const Config& config, std::vector<texts::Finding>& out);

}  // namespace lienthong::agent
