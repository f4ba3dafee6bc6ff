// The configuration file, agent.toml. docs/operations.md lists every option.
//
// Every mistake is found in one reading and named with file, line, what was found and what was
// expected; the agent does not start with any. Pure but for reading the files named.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "agent/links/budget.h"
#include "agent/net/tcp_info.h"
#include "protocol/base/result.h"

namespace lienthong::agent {

struct ApiConfig {
  std::filesystem::path socket;      // UNIX socket; default: data_dir/agent.sock
  std::string listen;                // loopback TCP "127.0.0.1:7411"; empty: none
  std::filesystem::path token_file;  // required with `listen`
  bool operator==(const ApiConfig&) const = default;
};

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

struct OfficeConfig {
  std::filesystem::path calendar;  // of working days; empty: the one built in
  bool operator==(const OfficeConfig&) const = default;
};

struct Config {
  std::filesystem::path data_dir;
  std::vector<std::string> listen;     // "[::]:7410"; empty: nobody can dial us
  std::vector<std::string> advertise;  // what tokens name; empty: the listen addresses
  ApiConfig api;
  std::vector<NeighbourConfig> neighbours;
  LinkConfig link;
  OfficeConfig office;
  std::string log_level = "info";  // error, warn, info, debug
  bool operator==(const Config&) const = default;
};

struct ConfigMistake {
  std::size_t line = 0;  // 1-based; 0: the file as a whole
  std::string text;      // "neighbours: unknown key; did you mean "neighbour"?"
};

struct ConfigReading {
  Config config;                        // to be used only without mistakes
  std::vector<ConfigMistake> mistakes;  // ascending by line
  // "agent.toml:7: …" one a line.
  std::string report(std::string_view file) const;
};

// Checks the text alone.
ConfigReading parse_config(std::string_view text);
// Also that data_dir exists, the token file can be read, and the calendar has no mistake.
ConfigReading load_config(const std::filesystem::path& file);

// What a set-up writes; parse_config() of it gives `config` back.
std::string render_config(const Config& config);

struct HostPort {
  std::string host;  // without brackets
  std::string port;
  bool operator==(const HostPort&) const = default;
};
// "10.20.0.1:7410", "[::1]:7410", "district.example:7410". kMalformed says what is wrong.
Result<HostPort> parse_address(std::string_view text);

}  // namespace lienthong::agent
