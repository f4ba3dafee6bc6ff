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

#include "agent/joining/roles.h"
#include "agent/links/link_config.h"

namespace lienthong::agent {

inline constexpr std::size_t kSocketPathMax = 107;  // bytes of a Unix socket's path, by the kernel

struct ApiConfig {
  std::filesystem::path socket;      // UNIX socket; default: data_dir/agent.sock
  std::string listen;                // loopback TCP "127.0.0.1:7411"; empty: none
  std::filesystem::path token_file;  // required with `listen`
  bool operator==(const ApiConfig&) const = default;
};

struct OfficeConfig {
  std::filesystem::path calendar;  // of working days; empty: the one built in
  std::string calendar_problem;    // why the one built in is used instead; empty: it is not
  bool needs_who = false, needs_what = false;  // of a new dossier, see agent/json/needs.h
  bool operator==(const OfficeConfig&) const = default;
};

struct StoreConfig {
  std::uint64_t scrub_days = 30;  // in which everything is read once; 0: never
  bool operator==(const StoreConfig&) const = default;
};

struct MirrorSettings {
  std::string folder;  // on a second disk or stick; empty: none
  std::string key;     // file of the public key that it is encrypted to
  std::int64_t minutes = 60;
  std::int64_t keep = 14;
  bool operator==(const MirrorSettings&) const = default;
};

struct Config {
  std::filesystem::path data_dir;
  std::vector<std::string> listen;     // "[::]:7410"; empty: nobody can dial us
  std::vector<std::string> advertise;  // what tokens name; empty: the listen addresses
  ApiConfig api;
  std::vector<NeighbourConfig> neighbours;
  LinkConfig link;
  OfficeConfig office;
  StoreConfig store;
  MirrorSettings mirror;
  RoleRules roles;
  std::string log_level = "info";  // error, warn, info, debug
  bool operator==(const Config&) const = default;

  LinksConfig links() const { return {link, neighbours, listen, advertise}; }
};

struct ConfigMistake {
  std::size_t line = 0;      // 1-based; 0: the file as a whole
  std::string text;          // "neighbours: unknown key; did you mean "neighbour"?"
  bool of_calendar = false;  // within the file of working days
};

struct ConfigReading {
  Config config;                        // to be used only without mistakes
  std::vector<ConfigMistake> mistakes;  // ascending by line
  // "agent.toml:7: …" one a line.
  std::string report(std::string_view file) const;
  // Nothing is wrong but the file of working days: the office can work by the calendar built in,
  // which `config` says from now on, with the problem. False: something else is wrong, or nothing.
  bool do_without_calendar();
};

// Checks the text alone.
ConfigReading parse_config(std::string_view text);
// Also that data_dir exists, the token file can be read, and the calendar has no mistake.
ConfigReading load_config(const std::filesystem::path& file);

// What a set-up writes; parse_config() of it gives `config` back.
std::string render_config(const Config& config);

}  // namespace lienthong::agent
