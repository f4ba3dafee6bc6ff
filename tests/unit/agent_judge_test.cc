// What is judged of a machine from values, what is seen of it without its agent, and how much of a
// fault that comes again the log takes.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "agent/api/judge.h"
#include "agent/config/examine.h"
#include "agent/engine/log_budget.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

constexpr UnixMillis kNow = 1'780'000'000'000, kHourMillis = 3'600'000;

class Judged : public ::testing::Test {
 protected:
  Judged() {
    facts_.now = kNow;
    facts_.started_at = kNow - kHourMillis / 2;
    facts_.neighbours.emplace_back();
    facts_.neighbours.front().code = "H47";
    neighbour().state = LinkState::kConnected;
  }
  NeighbourStatus& neighbour() { return facts_.neighbours.front().status; }
  // "code level", in the order in which they are told.
  std::vector<std::string> told() const {
    Findings out;
    judge(facts_, out);
    std::vector<std::string> list;
    const json found = findings_json(out.list(), true);
    for (const json& one : found.at("messages"))
      list.push_back(one.at("code").get<std::string>() + " " + one.at("level").get<std::string>());
    return list;
  }
  using List = std::vector<std::string>;
  MachineFacts facts_;
};

TEST_F(Judged, NothingIsSaidOfAMachineThatWorks) { EXPECT_EQ(told(), List()); }

TEST_F(Judged, WhyALineIsDownIsSaidOnceItHasSettled) {
  neighbour().state = LinkState::kDown;
  neighbour().address = "ha.example:7410";
  EXPECT_EQ(told(), List());
  const std::pair<LinkFault, const char*> faults[] = {
      {LinkFault::kName, "name-unresolved warning"},
      {LinkFault::kClosed, "port-closed warning"},
      {LinkFault::kNoAgent, "no-agent-there warning"},
      {LinkFault::kVersion, "version-differs critical"},
      {LinkFault::kTurnedAway, "turned-away critical"}};
  for (const auto& [fault, text] : faults) {
    neighbour().fault = fault;
    neighbour().fault_count = kLinkFaultCount;
    EXPECT_EQ(told(), List{text});
    neighbour().fault_count = 1;
    const bool waits = fault == LinkFault::kName || fault == LinkFault::kClosed;
    EXPECT_EQ(told().empty(), waits) << text;
  }
  neighbour().fault = LinkFault::kOther;
  facts_.now += kHourMillis;
  EXPECT_EQ(told(), List{"link-down warning"});
}

TEST_F(Judged, QueuesThatDoNotMoveAreCriticalAfterADay) {
  neighbour().pending_out_updates = 5;
  facts_.neighbours.front().waits_since = kNow - kHourMillis + 1;
  EXPECT_EQ(told(), List());
  facts_.now += 1;
  EXPECT_EQ(told(), List{"queue-not-moving warning"});
  facts_.now += 24 * kHourMillis;
  EXPECT_EQ(told(), List{"queue-not-moving critical"});
  neighbour().pending_out_updates = 0;
  EXPECT_EQ(told(), List());
}

TEST_F(Judged, PathsThatSwallowAndForgetAreNamed) {
  neighbour().small_segments = true;
  EXPECT_EQ(told(), List{"mtu-hole warning"});
  neighbour().small_segments = false;
  neighbour().forgotten_count = 1;
  neighbour().forgotten_last = kNow;
  EXPECT_EQ(told(), List()) << "once may be chance";
  neighbour().forgotten_count = kForgottenCount;
  EXPECT_EQ(told(), List{"nat-forgets warning"});
  facts_.now += 25 * kHourMillis;
  EXPECT_EQ(told(), List());
}

TEST_F(Judged, TheRestOfWhatIsKnown) {
  facts_.budget = BudgetStatus();
  facts_.budget->gates[4] = facts_.budget->gates[3] = LaneGate::kBudget;
  facts_.budget->bytes_per_day = 1'000;
  EXPECT_EQ(told(), List()) << "scans wait, work goes on";
  facts_.budget->gates[2] = LaneGate::kBudget;
  facts_.not_listening = {"10.0.0.1:7410: Address already in use", "[fe80::1]:1: Cannot assign"};
  facts_.calendar_ends_before = 2028;
  facts_.invitations = {
      {"H47.12", kNow - 1}, {"H47.13", kNow + 1}, {"H47.14", kNow - 8 * 24 * kHourMillis}};
  facts_.revoked = {{"abcd", "H47.15", 3}};
  facts_.replaced_program = "/usr/bin/lienthongd";
  facts_.folder = "/var/lib/lienthong";
  facts_.free_bytes = kDiskLowBytes - 1;
  facts_.has_bbr = false;
  EXPECT_EQ(told(),
            (List{"budget-spent warning", "port-taken warning", "not-listening warning",
                  "calendar-ends warning", "invitation-expired note", "revoked-works warning",
                  "restart-needed warning", "disk-low warning", "bbr-missing note"}));
}

TEST_F(Judged, NotesAreNoTroubleForMonitors) {
  facts_.has_bbr = false;
  Findings out;
  judge(facts_, out);
  EXPECT_EQ(findings_json(out.list(), false), (json{{"state", 0}, {"messages", json::array()}}));
  EXPECT_EQ(findings_json(out.list(), true).at("messages").size(), 1U);
}

// ---- without an agent ----

class Examined : public ::testing::Test {
 protected:
  Examined() {
    std::string pattern = (std::filesystem::temp_directory_path() / "lt-examine-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = pattern;
  }
  ~Examined() override { std::filesystem::remove_all(folder_); }
  void put(const std::string& name, const std::string& text) const {
    const auto path = folder_.string() + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
  }
  bool finds(texts::Reason reason) const {
    for (const texts::Finding& finding : examine({folder_ / "agent.toml", false, folder_}))
      if (finding.reason == reason) return true;
    return false;
  }
  std::filesystem::path folder_;
};

TEST_F(Examined, AUnitThatIsNotEnabledAndAKernelWithoutBbr) {
  const std::string congestion = "/proc/sys/net/ipv4/tcp_available_congestion_control";
  EXPECT_FALSE(finds(texts::Reason::kNotEnabled)) << "there is no unit";
  put("/lib/systemd/system/lienthongd.service", "[Unit]\n");
  EXPECT_TRUE(finds(texts::Reason::kNotEnabled));
  put("/etc/systemd/system/multi-user.target.wants/lienthongd.service", "");
  EXPECT_FALSE(finds(texts::Reason::kNotEnabled));
  EXPECT_FALSE(finds(texts::Reason::kNoBbr)) << "it cannot be told";
  put(congestion, "reno cubic\n");
  EXPECT_TRUE(finds(texts::Reason::kNoBbr));
  put(congestion, "reno cubic bbr\n");
  EXPECT_FALSE(finds(texts::Reason::kNoBbr));
}

// ---- the log ----

TEST(LogBudgetTest, TakesSoManyLinesOfAnEventAndTellsWhatItLeftOut) {
  LogBudget budget;
  std::uint64_t taken = 0;
  for (int i = 0; i < 1'000; ++i) taken += budget.take("peer=1 event=down why=x", false, kNow + i);
  EXPECT_EQ(taken, LogBudget::kLinesMax);
  EXPECT_TRUE(budget.take("event=up", false, kNow)) << "each event has its own";
  EXPECT_TRUE(budget.over(kNow + kHourMillis - 1).empty());
  const auto over = budget.over(kNow + kHourMillis);
  ASSERT_EQ(over.size(), 1U);
  EXPECT_EQ(over[0].event, "down");
  EXPECT_EQ(over[0].lines, 1'000 - LogBudget::kLinesMax);
  EXPECT_TRUE(budget.over(kNow + kHourMillis).empty()) << "told once";
  EXPECT_TRUE(budget.take("event=down", false, kNow + kHourMillis));
}

TEST(LogBudgetTest, AClockThatIsSetBackSilencesNothing) {
  LogBudget budget;
  while (budget.take("event=down", false, kNow)) {
  }
  EXPECT_TRUE(budget.take("event=down", false, kNow - 24 * kHourMillis));
  ASSERT_EQ(budget.over(kNow).size(), 1U);
}

TEST(LogBudgetTest, AnHourIsBoundedWhateverTheNames) {
  LogBudget budget;
  std::uint64_t taken = 0;
  for (int event = 0; event < 2'000; ++event)
    for (int i = 0; i < 200; ++i)
      taken += budget.take(
          "event=e" + std::string(1, static_cast<char>('a' + event % 26)) + std::to_string(event),
          false, kNow);
  EXPECT_LE(taken, (LogBudget::kEventsMax + 1) * LogBudget::kLinesMax);
  EXPECT_EQ(event_of("a=b event=up c=d"), "up");
  EXPECT_EQ(event_of("event=up"), "up");
  EXPECT_EQ(event_of("uneventful event"), "");
}

}  // namespace
}  // namespace lienthong::agent
