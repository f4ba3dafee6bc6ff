// What an operator should know, judged from values alone: the one place for `check`, /metrics and
// `doctor`. What needs the replica itself is looked at in check.cc and joins the same list.
// Pure; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/links/links.h"
#include "agent/texts/reasons.h"

namespace lienthong::agent {

class Findings {
 public:
  void add(texts::Level level, texts::Reason reason, std::vector<std::string> values = {}) {
    list_.push_back({level, reason, std::move(values)});
  }
  const std::vector<texts::Finding>& list() const { return list_; }

 private:
  std::vector<texts::Finding> list_;
};

// {"state":2,"messages":[{"code":…,"level":"critical","values":[…],"text_en":…,"text_vi":…}]}.
// Notes do not count for the state, and are listed only where they are asked for.
nlohmann::json findings_json(const std::vector<texts::Finding>& findings, bool notes);

struct NeighbourFacts {
  NeighbourStatus status;
  std::string code;
  UnixMillis waits_since = 0;  // when the oldest of what it has not acknowledged came; 0: unknown
};
struct MachineFacts {
  UnixMillis now = 0, started_at = 0;
  std::vector<NeighbourFacts> neighbours;
  std::optional<BudgetStatus> budget;
  std::vector<std::string> not_listening;   // "ADDRESS: the system's words"
  std::optional<int> calendar_ends_before;  // a year that is to be counted soon
  struct Unused {
    std::string code;
    UnixMillis expired_at = 0;
  };
  std::vector<Unused> invitations;  // that nobody has used, expired or not
  struct Revoked {
    std::string node, code;
    std::uint64_t updates = 0;
  };
  std::vector<Revoked> revoked;  // machines that go on
  std::string replaced_program;  // path of the file that is no longer what runs; empty: it is
  std::string folder;            // of the data
  std::optional<std::uint64_t> free_bytes;  // of its disk
  bool has_bbr = true;
};

inline constexpr UnixMillis kLinkDownMillis = 3600LL * 1000;
inline constexpr UnixMillis kQueueWarnMillis = 3600LL * 1000;
inline constexpr UnixMillis kQueueCriticalMillis = 24LL * 3600 * 1000;
inline constexpr std::uint64_t kLinkFaultCount = 3;  // attempts in a row that ended alike
inline constexpr std::uint64_t kForgottenCount = 2;  // sessions
inline constexpr std::uint64_t kDiskLowBytes = 200'000'000;
void judge(const MachineFacts& facts, Findings& out);

}  // namespace lienthong::agent
