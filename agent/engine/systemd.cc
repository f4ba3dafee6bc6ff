#include "agent/engine/systemd.h"

#include <systemd/sd-daemon.h>
#include <time.h>

namespace lienthong::agent {
namespace {

void notify(const std::string& text) {
  if (sd_notify(0, text.c_str()) < 0) return;  // nobody listens: not our business
}

}  // namespace

void notify_ready(const std::string& status) { notify("READY=1\nSTATUS=" + status); }

void notify_reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto micros = static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
  notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(micros));
}

void notify_stopping() { notify("STOPPING=1"); }
void notify_alive() { notify("WATCHDOG=1"); }

std::optional<std::chrono::microseconds> watchdog_interval() {
  std::uint64_t micros = 0;
  if (sd_watchdog_enabled(0, &micros) <= 0 || micros == 0) return std::nullopt;
  return std::chrono::microseconds(static_cast<std::int64_t>(micros / 2));
}

}  // namespace lienthong::agent
