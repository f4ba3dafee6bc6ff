// The program's log: journal under systemd, else standard error; the newest lines are also kept in
// memory for `lienthong log`. Of each event so many lines an hour are taken (log_budget.h). Lines
// are written through spdlog's default logger, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/instant.h"

namespace lienthong::agent {

inline constexpr std::size_t kRecentLineCount = 500;

// Call once in main(), before any thread.
void start_log(std::string_view level);
// "error", "warn", "info", "debug"; anything else is "info".
void set_log_level(std::string_view level);

// In quotes, with what would end them or the line written as \", \\ and \xNN (or another escape
// that two hexadecimal digits follow): for text from a peer, and for files.
std::string in_quotes(std::string_view text, std::string_view byte_escape = "\\x");

struct LogLine {
  UnixMillis at = 0;
  std::string level, text;
};
// Oldest first, at most `limit` of the newest.
std::vector<LogLine> recent_log_lines(std::size_t limit);

}  // namespace lienthong::agent
