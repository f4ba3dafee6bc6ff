// Sending a file of operations in parts, so that it may be larger than what the agent takes at
// once. docs/operations.md, "Operations file".
#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <string>
#include <vector>

#include "tools/lienthong/client.h"

namespace lienthong::tools {

inline constexpr std::size_t kLineBytesMax = std::size_t{1} << 20U;  // of the agent too
inline constexpr std::size_t kPartBytesMax = std::size_t{4} << 20U;  // sent at once
inline constexpr std::size_t kPartLinesMax = 1000;                   // so that progress is seen
inline constexpr std::size_t kAtomicBytesMax = std::size_t{8} << 20U;

struct RefusedLine {
  std::uint64_t line = 0;  // of the file, from 1
  Json error;              // as the API gives it: code, message, place
};

struct ApplyOutcome {
  std::uint64_t lines = 0;     // blank ones do not count
  std::uint64_t applied = 0;   // written now
  std::uint64_t repeated = 0;  // their key was known: nothing changed
  std::vector<RefusedLine> refused;
};

// A line that was known already, and what it came to then. A file that is sent again has only
// such; in another file it may be another citizen who asked for the same.
struct KnownLine {
  std::uint64_t line = 0;
  std::string code;    // of the record
  bool plain = false;  // it begins a record, and bears neither code nor key
};

struct ApplyOptions {
  bool atomic = false;
  bool dry_run = false;  // the agent judges each line as it would, and writes nothing
  // Given a line without its break; gives the line to send. Empty: as it is.
  std::function<std::string(std::string)> rewrite;
  std::function<void(const RefusedLine&)> on_refused;
  std::function<void(const KnownLine&)> on_known;
  std::function<void(std::uint64_t line, const Json& result)> on_applied;
  std::function<void(const ApplyOutcome&, std::uint64_t bytes_read)> on_progress;
};

// Lines over kLineBytesMax are refused here, without ever being held whole; the others go on. With
// `atomic` everything goes at once or not at all; a dry run goes at once too, so that each line is
// judged by those before it. Throws Failure as Client does.
ApplyOutcome apply_lines(std::istream& input, const Client& client, const ApplyOptions& options);

}  // namespace lienthong::tools
