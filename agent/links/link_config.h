// What of the configuration the links are told. docs/operations.md lists every option.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/links/budget.h"
#include "agent/net/tcp_info.h"

namespace lienthong::agent {

struct NeighbourConfig {
  std::string agency;                  // code
  std::vector<std::string> addresses;  // "host:port", in order of preference
  bool operator==(const NeighbourConfig&) const = default;
};

struct LinkConfig {
  std::uint64_t budget_mb_per_day = 0;  // 0: no limit
  DayHours blob_hours;                  // of lane 4
  Congestion congestion = Congestion::kAuto;
  std::chrono::seconds heartbeat{60};          // 5 to 3,600
  std::chrono::seconds dead_after{18};         // 5 to 600: silence with data outstanding
  std::chrono::seconds backoff_max{60};        // 1 to 3,600: where people wait
  std::chrono::seconds backoff_idle_max{600};  // backoff_max to 3,600: where nobody does
  std::uint64_t handshakes_max = 512;          // inbound at once, 1 to 4,096
  std::uint64_t dials_per_second = 1;          // inbound from one address, 1 to 1,000
  std::uint64_t dials_burst = 10;              // 1 to 10,000
  bool operator==(const LinkConfig&) const = default;
};

struct LinksConfig {
  LinkConfig link;
  std::vector<NeighbourConfig> neighbours;
  std::vector<std::string> listen;     // empty: nobody can dial us
  std::vector<std::string> advertise;  // empty: the listen addresses
  std::uint64_t start = 0;             // of this program, as store::begin_life() noted it
};

}  // namespace lienthong::agent
