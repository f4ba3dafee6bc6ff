// Holds the table of options in docs/operations.md and conf/agent.toml to the program's defaults.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "agent/config/config.h"

namespace lienthong::agent {
namespace {

std::string content(const std::string& path) {
  std::ifstream in(std::string(LT_SOURCE_DIR) + "/" + path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// "[link] heartbeat_seconds" → "60", of a TOML text; comments cut off.
std::map<std::string, std::string> link_options(const std::string& toml) {
  std::map<std::string, std::string> out;
  std::istringstream in(toml);
  std::string section;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("[")) section = line;
    const auto equals = line.find(" =");
    if (!section.starts_with("[link]") || equals == std::string::npos) continue;
    std::string name = line.substr(0, line.find(' '));
    std::string value = line.substr(line.find('=') + 2);
    value = value.substr(0, value.find('#'));
    value.erase(value.find_last_not_of(' ') + 1);
    out[name] = value;
  }
  return out;
}

TEST(Options, TheInstalledConfigurationHasEveryLinkOptionAtItsDefault) {
  const auto installed = link_options(content("conf/agent.toml"));
  const auto rendered = link_options(render_config(Config()));
  EXPECT_GE(rendered.size(), 10U);
  EXPECT_EQ(installed, rendered);
  const auto reading = parse_config(content("conf/agent.toml"));
  EXPECT_TRUE(reading.mistakes.empty()) << reading.report("conf/agent.toml");
  EXPECT_EQ(reading.config.link, LinkConfig());
}

TEST(Options, TheManualListsEveryLinkOptionWithItsDefault) {
  const std::string manual = content("docs/operations.md");
  for (const auto& [name, value] : link_options(render_config(Config()))) {
    const auto row = manual.find("| `[link] " + name + "` | ");
    ASSERT_NE(row, std::string::npos) << name;
    const std::string line = manual.substr(row, manual.find('\n', row) - row);
    std::string shown = value;
    std::erase(shown, '"');
    EXPECT_NE(line.find(shown), std::string::npos) << line << "\nexpected " << value;
  }
}

}  // namespace
}  // namespace lienthong::agent
