// link_emulator [--seed N] [--mtu BYTES] [--congestion NAME] [--trace FILE] NODE…: network
// namespaces joined by an emulated network, controlled by JSON lines on standard input until it
// ends. docs/benchmarks.md, "Link emulator". Exit code 3: no rights.
#include <sys/resource.h>
#include <sys/signalfd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tests/emulator/forwarder.h"

namespace {

constexpr int kNoRights = 3;
constexpr int kUrgency = -10;  // so that a loaded machine delays packets less

int fail(const lienthong::Error& error) {
  std::puts(nlohmann::json{{"ready", false}, {"error", error.message()}}.dump().c_str());
  return error.code() == lienthong::Errc::kNotAllowed ? kNoRights : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 1;
  lienthong::emulator::NodeOptions options;
  std::vector<std::string> names;
  std::string trace;
  CLI::App app("Joins network namespaces by an emulated network.");
  app.add_option("--seed", seed)->capture_default_str();
  app.add_option("--mtu", options.mtu)->check(CLI::Range(576, 65535))->capture_default_str();
  app.add_option("--congestion", options.congestion, "TCP's congestion control in there");
  app.add_option("--trace", trace, "a file that gets a line for each packet");
  app.add_option("NODE", names)->required();
  CLI11_PARSE(app, argc, argv);

  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, each);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const int stop = signalfd(-1, &signals, SFD_CLOEXEC);
  std::signal(SIGPIPE, SIG_IGN);

  const lienthong::emulator::AllowCongestion allowed(options.congestion);
  lienthong::emulator::Forwarder forwarder(seed);
  for (const std::string& name : names)
    if (auto added = forwarder.add(name, options); !added.ok()) return fail(added.error());
  if (!trace.empty())
    if (auto opened = forwarder.trace(trace); !opened.ok()) return fail(opened.error());
  setpriority(PRIO_PROCESS, 0, kUrgency);
  std::puts(forwarder.greeting().c_str());
  std::fflush(stdout);
  if (auto done = forwarder.run(stop); !done.ok()) return fail(done.error());
  return 0;
}
