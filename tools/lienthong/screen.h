// What output goes to: how wide it is, whether it takes colour, a pager for what is longer than it,
// and the same again and again for --watch. Asked once, before anything is printed.
// Threads: one.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace lienthong::tools {

// Looks at standard output, COLUMNS, NO_COLOR (no-color.org) and TERM. Before start_pager().
void look_at_screen();

// Columns that a line may take; 0: no bound, since it goes to a file or a program. COLUMNS says it
// where it is set.
std::size_t screen_columns();
bool is_terminal();

enum class Paint : unsigned char { kNone, kBold, kGood, kBad };
// With the signs of a terminal around it, where there is one that takes them.
std::string painted(std::string_view text, Paint paint);

// Of a verb that only looks: what it prints goes through PAGER (default: less, which ends by itself
// where a screen is enough), on a terminal alone. The destructor waits until it was read.
class Pager {
 public:
  Pager();
  ~Pager();
  Pager(const Pager&) = delete;
  Pager& operator=(const Pager&) = delete;

 private:
  int child_ = 0;
};

// --watch of a verb that only looks.
struct Watch {
  std::string every;  // empty: once

  void add_to(CLI::App& verb);
  // `look` once, or again and again until the program is ended; what it answers is the exit code.
  // On a terminal each look takes the place of the one before. A look that fails says why, and the
  // next one follows: the agent may be starting anew.
  int run(bool json, const std::function<int()>& look) const;
};

}  // namespace lienthong::tools
