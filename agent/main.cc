// lienthongd: reads the configuration and runs the agent in the foreground.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "agent/config/config.h"
#include "agent/daemon.h"
#include "agent/engine/clock.h"
#include "agent/engine/log.h"
#include "agent/engine/memory.h"

int main(int argc, char** argv) {
  using namespace lienthong;
  CLI::App app("The agent of Liên Thông.", "lienthongd");
  std::string file = "/etc/lienthong/agent.toml";
  bool check_only = false;
  app.add_option("--config", file, "configuration file")->capture_default_str();
  app.add_flag("--check", check_only, "read the configuration, say what is wrong with it, and end");
  app.set_version_flag("--version", std::string("lienthongd ") + LIENTHONG_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  agent::ConfigReading reading = agent::load_config(file);
  if (!reading.mistakes.empty()) {
    std::cerr << reading.report(file);
    if (check_only || !reading.do_without_calendar()) return 1;
  }
  if (check_only) return 0;
  agent::prepare_memory();
  try {
    init_crypto();
    agent::start_log(reading.config.log_level);
    const agent::SystemClock clock;
    agent::SystemEntropy entropy;
    agent::Daemon daemon(reading.config, file, clock, entropy);
    const int code = daemon.run();
    if (daemon.has_stragglers()) std::_Exit(code);
    return code;
  } catch (const std::exception& error) {
    std::cerr << "lienthongd: " << error.what() << "\n";
    return 1;
  }
}
