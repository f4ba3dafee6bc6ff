// LT_CHECK(cond): programmer errors only, on in release, aborts with file and line. Never on peer,
// disk or user input.
#pragma once

namespace lienthong {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}  // namespace lienthong

#define LT_CHECK(condition)                                                      \
  do {                                                                           \
    if (!(condition)) ::lienthong::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
