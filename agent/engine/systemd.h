// What the service manager is told: ready, stopping, alive. Does nothing outside systemd.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace lienthong::agent {

void notify_ready(const std::string& status);
void notify_reloading();
void notify_stopping();
void notify_alive();
// How often notify_alive() is wanted (half of WatchdogSec); none: no watchdog.
std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace lienthong::agent
