// What `doctor` knows of every failure in the field: one row for each code that `check` or the
// doctor itself can find. docs/failures.md has the same table, held equal by doctor_test.py.
#pragma once

#include <span>
#include <string_view>

namespace lienthong::tools {

struct Ailment {
  std::string_view code;  // never changes
  const char* cause;      // to be translated
  const char* remedy;     // to be translated
  const char* command;    // to be run as it is, but for words in capitals
};
std::span<const Ailment> ailments();
const Ailment* find_ailment(std::string_view code);  // null: no such code

}  // namespace lienthong::tools
