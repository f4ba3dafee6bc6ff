// How a verb gives up. A command is one straight line that ends the program when something is
// wrong, so failures are thrown and caught once, in main().
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace lienthong::tools {

enum ExitCode : int {  // scripts rely on these: never change
  kDone = 0,
  kFailed = 1,    // refused or failed; the reason is on standard error
  kUsage = 2,     // wrong usage
  kNoAgent = 3,   // no agent answers
  kNotThere = 4,  // no such thing
};

class Failure : public std::runtime_error {
 public:
  // `message`: for people, in their language. `reason`: for programs, as the API's code; empty: by
  // the exit code.
  Failure(ExitCode code, const std::string& message, std::string reason = {})
      : std::runtime_error(message), code_(code), reason_(std::move(reason)) {}
  ExitCode code() const { return code_; }
  std::string reason() const {
    if (!reason_.empty()) return reason_;
    switch (code_) {
      case kUsage: return "usage";
      case kNoAgent: return "no-agent";
      case kNotThere: return "not-found";
      default: return "failed";
    }
  }

 private:
  ExitCode code_;
  std::string reason_;
};

}  // namespace lienthong::tools
