// How a verb gives up. A command is one straight line that ends the program when something is
// wrong, so failures are thrown and caught once, in main().
#pragma once

#include <stdexcept>
#include <string>

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
  // `message`: for people, in their language.
  Failure(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

}  // namespace lienthong::tools
