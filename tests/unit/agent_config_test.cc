#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/config/config.h"
#include "agent/net/address.h"

namespace lienthong::agent {
namespace {

// The mistakes as "line: text", one a line.
std::string mistakes(std::string_view text) {
  std::string out;
  for (const auto& mistake : parse_config(text).mistakes) {
    out += std::to_string(mistake.line) + ": " + mistake.text + "\n";
  }
  return out;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Config, ReadsEveryOption) {
  const auto reading = parse_config(R"(data_dir = "/var/lib/lienthong"
listen = ["[::]:7410", "10.0.0.1:7410"]
advertise = ["office.example:7410"]
[api]
socket = "/run/lienthong/agent.sock"
listen = "127.0.0.1:7411"
token_file = "/etc/lienthong/token"
[[neighbour]]
agency = "H47.12"
addresses = ["10.20.0.1:7410", "district.example:7410"]
[[neighbour]]
agency = "H47"
addresses = ["[fd00::1]:7410"]
[link]
budget_mb_per_day = 50
blob_hours = "18:00-06:00"
congestion = "cubic"
heartbeat_seconds = 25
dead_after_seconds = 30
backoff_max_seconds = 10
backoff_idle_max_seconds = 20
handshakes_max = 7
dials_per_second = 2
dials_burst = 20
[office]
calendar = "/etc/lienthong/vn.tsv"
[log]
level = "debug"
)");
  EXPECT_TRUE(reading.mistakes.empty()) << reading.report("agent.toml");
  const Config& config = reading.config;
  EXPECT_EQ(config.data_dir, "/var/lib/lienthong");
  EXPECT_EQ(config.office.calendar, "/etc/lienthong/vn.tsv");
  EXPECT_EQ(config.listen.size(), 2U);
  EXPECT_EQ(config.advertise, std::vector<std::string>{"office.example:7410"});
  EXPECT_EQ(config.api.socket, "/run/lienthong/agent.sock");
  EXPECT_EQ(config.api.listen, "127.0.0.1:7411");
  ASSERT_EQ(config.neighbours.size(), 2U);
  EXPECT_EQ(config.neighbours[0].agency, "H47.12");
  EXPECT_EQ(config.neighbours[0].addresses[1], "district.example:7410");
  EXPECT_EQ(config.link.budget_mb_per_day, 50U);
  EXPECT_EQ(config.link.blob_hours, (DayHours{18 * 60, 6 * 60}));
  EXPECT_EQ(config.link.congestion, Congestion::kCubic);
  EXPECT_EQ(config.link.heartbeat, std::chrono::seconds(25));
  EXPECT_EQ(config.link.dead_after, std::chrono::seconds(30));
  EXPECT_EQ(config.link.backoff_max, std::chrono::seconds(10));
  EXPECT_EQ(config.link.backoff_idle_max, std::chrono::seconds(20));
  EXPECT_EQ(config.link.handshakes_max, 7U);
  EXPECT_EQ(config.link.dials_per_second, 2U);
  EXPECT_EQ(config.link.dials_burst, 20U);
  EXPECT_EQ(config.log_level, "debug");
}

TEST(Config, SocketIsInTheDataFolderUnlessNamed) {
  EXPECT_EQ(parse_config("data_dir = \"/srv/lt\"\n").config.api.socket, "/srv/lt/agent.sock");
}

// Found by a fuzzer: what was written from such a one was not read back.
TEST(Config, RefusesADataFolderWhoseSocketTheKernelWouldNotTake) {
  const auto with = [](std::size_t size, const std::string& more) {
    return parse_config("data_dir = \"/" + std::string(size - 1, 'd') + "\"\n" + more);
  };
  EXPECT_TRUE(with(96, "").mistakes.empty());  // 107 with /agent.sock
  EXPECT_TRUE(has(with(97, "").report("x"), "x:1: \"data_dir\": the path of its socket has 108"));
  const auto named = with(97, "[api]\nsocket = \"/run/lt.sock\"\n");
  EXPECT_TRUE(named.mistakes.empty());
  EXPECT_TRUE(parse_config(render_config(named.config)).mistakes.empty());
}

TEST(Config, WhatIsWrittenIsReadBackAlike) {
  Config config;
  config.data_dir = "/srv/một \"cửa\"\\x";
  config.listen = {"[::]:7410"};
  config.api.socket = "/run/lt.sock";
  config.neighbours.push_back(NeighbourConfig{"H47", {"10.0.0.1:7410", "tinh.example:7410"}});
  config.link.heartbeat = std::chrono::seconds(25);
  config.link.blob_hours = DayHours{20 * 60 + 5, 5 * 60 + 30};
  config.link.congestion = Congestion::kBbr;
  config.link.backoff_idle_max = std::chrono::seconds(1200);
  config.log_level = "warn";
  const auto reading = parse_config(render_config(config));
  EXPECT_TRUE(reading.mistakes.empty()) << reading.report("agent.toml");
  EXPECT_EQ(reading.config, config);
}

TEST(Config, NamesTheLineOfEveryMistakeInOneReading) {
  const std::string text = mistakes(R"(data_dir = "/d"
listen = ["10.0.0.1"]
lissten = []
[link]
heartbeat_seconds = "60"
blob_hours = "25:00-26:00"
congestion = "vegas"
backoff_max_seconds = 100
backoff_idle_max_seconds = 99
[log]
level = "loud"
)");
  EXPECT_TRUE(has(text, "2: \"listen\": found \"10.0.0.1\", which has no port")) << text;
  EXPECT_TRUE(has(text, "3: \"lissten\": unknown key; did you mean \"listen\"?")) << text;
  EXPECT_TRUE(
      has(text, "5: \"heartbeat_seconds\": found a text, expected a whole number from 5 to 3600"))
      << text;
  EXPECT_TRUE(has(text, "6: \"blob_hours\": found \"25:00-26:00\", expected hours")) << text;
  EXPECT_TRUE(has(text, "7: \"congestion\": found \"vegas\", expected auto, bbr or cubic")) << text;
  EXPECT_TRUE(
      has(text, "9: \"backoff_idle_max_seconds\": found 99, expected a whole number from 100"))
      << text;
  EXPECT_TRUE(has(text, "11: \"level\": found \"loud\", expected error, warn, info or debug"))
      << text;
}

TEST(Config, TheIdleBackoffIsNeverBelowTheOtherOne) {
  const auto reading = parse_config("data_dir = \"/d\"\n[link]\nbackoff_max_seconds = 900\n");
  EXPECT_TRUE(reading.mistakes.empty()) << reading.report("agent.toml");
  EXPECT_EQ(reading.config.link.backoff_idle_max, std::chrono::seconds(900));
}

TEST(Config, NamesTheLineOfBrokenSyntax) {
  const std::string text = mistakes("data_dir = \"/d\"\n\nlisten = = 3\n");
  EXPECT_TRUE(text.starts_with("3: ")) << text;
}

TEST(Config, WantsADataFolderAndAbsolutely) {
  EXPECT_TRUE(has(mistakes(""), "\"data_dir\" is missing"));
  EXPECT_TRUE(has(mistakes("data_dir = \"here\""),
                  "1: \"data_dir\": found \"here\", expected an absolute path"));
  EXPECT_TRUE(
      has(mistakes("data_dir = 7"), "1: \"data_dir\": found a whole number, expected a text"));
}

TEST(Config, RefusesAnApiThatOthersCanReachOrThatAsksForNoToken) {
  const std::string open =
      mistakes("data_dir = \"/d\"\n[api]\nlisten = \"0.0.0.0:7411\"\ntoken_file = \"/t\"\n");
  EXPECT_TRUE(has(open, "3: \"listen\": found \"0.0.0.0:7411\", expected a loopback address"))
      << open;
  const std::string bare = mistakes("data_dir = \"/d\"\n[api]\nlisten = \"127.0.0.1:7411\"\n");
  EXPECT_TRUE(has(bare, "3: \"listen\": the API on TCP needs \"token_file\"")) << bare;
}

TEST(Config, RefusesNeighboursWithoutCodeAddressOrTwice) {
  const std::string text = mistakes(R"(data_dir = "/d"
[[neighbour]]
addresses = ["a:1"]
[[neighbour]]
agency = "H47"
addresses = []
[[neighbour]]
agency = "H47"
)");
  EXPECT_TRUE(has(text, "2: [[neighbour]]: \"agency\" is missing")) << text;
  EXPECT_TRUE(has(text, "6: \"addresses\": found an empty list")) << text;
  EXPECT_TRUE(has(text, "8: \"agency\": \"H47\" is listed twice")) << text;
  EXPECT_TRUE(has(text, "7: [[neighbour]]: \"addresses\" is missing")) << text;
}

TEST(Config, SaysThatOneBracketIsTooFew) {
  EXPECT_TRUE(has(mistakes("data_dir = \"/d\"\n[neighbour]\nagency = \"H47\"\n"),
                  "2: \"neighbour\": found a table, expected sections [[neighbour]]"));
}

TEST(Config, NamesFileAndLineOfAMissingDataFolder) {
  const auto folder =
      std::filesystem::temp_directory_path() /
      ("lienthong_config_" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) +
       std::to_string(static_cast<long>(::getpid())));
  std::filesystem::create_directories(folder);
  const auto file = folder / "agent.toml";
  std::ofstream(file) << "# comment\ndata_dir = \"" << (folder / "missing").string() << "\"\n";
  const auto reading = load_config(file);
  EXPECT_TRUE(has(reading.report("agent.toml"), "agent.toml:2: \"data_dir\": there is no folder"));
  std::filesystem::remove_all(folder);
}

TEST(Config, SaysThatAFileCannotBeRead) {
  EXPECT_EQ(load_config("/nowhere/agent.toml").report("x"), "x: cannot read the file\n");
}

TEST(Address, SplitsHostAndPort) {
  EXPECT_EQ(*parse_address("[::1]:7410"), (HostPort{"::1", "7410"}));
  EXPECT_EQ(*parse_address("district.example:80"), (HostPort{"district.example", "80"}));
}

TEST(Address, RefusesWhatIsNone) {
  for (const char* text : {"", ":1", "host", "host:", "host:x", "host:65536", "host:-1", "::1:80",
                           "[host]:1", "a b:1", "host:1 ", "[::1:80"}) {
    EXPECT_FALSE(parse_address(text).ok()) << text;
  }
}

TEST(Config, TakesOnlyAnAbsolutePathOfACalendar) {
  const std::string text = mistakes("data_dir = \"/d\"\n[office]\ncalendar = \"vn.tsv\"\n");
  EXPECT_TRUE(has(text, "3: \"calendar\": found \"vn.tsv\", expected an absolute path")) << text;
  EXPECT_TRUE(has(mistakes("data_dir = \"/d\"\n[office]\ncalender = \"/c\"\n"), "calendar"));
}

TEST(Config, NamesFileAndLineOfEachMistakeInTheCalendar) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("lt-calendar-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto calendar = folder / "vn.tsv", file = folder / "agent.toml";
  std::ofstream(calendar) << "years\t2025\ndate\tkind\tname\tsource\n2025-04-31\tholiday\ta\tb\n";
  std::ofstream(file) << "data_dir = \"" << folder.string() << "\"\n[office]\ncalendar = \""
                      << calendar.string() << "\"\n";
  const std::string report = load_config(file).report("agent.toml");
  EXPECT_TRUE(has(report, "agent.toml:3: \"calendar\": " + calendar.string() +
                              ":3: found \"2025-04-31\", expected a date"))
      << report;
  std::filesystem::remove(calendar);
  EXPECT_TRUE(has(load_config(file).report("agent.toml"), "cannot read " + calendar.string()));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace lienthong::agent
