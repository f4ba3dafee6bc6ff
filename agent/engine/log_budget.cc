#include "agent/engine/log_budget.h"

#include <algorithm>
#include <utility>

namespace lienthong::agent {

std::string_view event_of(std::string_view line) {
  constexpr std::string_view kMark = "event=";
  std::size_t at = line.starts_with(kMark) ? 0 : line.find(" event=");
  if (at == std::string_view::npos) return {};
  at += (at == 0 && line.starts_with(kMark) ? 0 : 1) + kMark.size();
  return line.substr(at, std::min(line.find(' ', at), line.size()) - at);
}

bool LogBudget::take(std::string_view line, bool debug, UnixMillis now) {
  std::string_view event = event_of(line);
  auto found = hours_.find(event);
  if (found == hours_.end() && hours_.size() >= kEventsMax) found = hours_.find(event = "other");
  if (found == hours_.end()) found = hours_.emplace(std::string(event), Hour{now}).first;
  Hour& hour = found->second;
  if (now < hour.begun || now - hour.begun >= kHour) {
    if (hour.dropped > 0) {
      told_later_.push_back({found->first, hour.dropped});
      --dropping_;
    }
    hour = Hour{now};
  }
  if (hour.lines < (debug ? kDebugLinesMax : kLinesMax)) {
    ++hour.lines;
    return true;
  }
  if (hour.dropped++ == 0) ++dropping_;
  return false;
}

std::vector<LogBudget::Dropped> LogBudget::over(UnixMillis now) {
  std::vector<Dropped> out = std::exchange(told_later_, {});
  if (dropping_ == 0) return out;
  for (auto& [event, hour] : hours_) {
    if (hour.dropped == 0 || (now >= hour.begun && now - hour.begun < kHour)) continue;
    out.push_back({event, std::exchange(hour.dropped, 0)});
    --dropping_;
  }
  return out;
}

}  // namespace lienthong::agent
