// Verbs that say first what they are about to do: at once, only said, or asked for on a terminal.
#pragma once

#include "tools/lienthong/shell.h"

namespace lienthong::tools {

struct Consent {
  bool yes = false, dry_run = false;

  void add_to(CLI::App& verb);  // --yes, --dry-run
  // Whether a person is there to be asked; if not, it was meant as it was written.
  bool asks(const Shell& shell) const;
  // Whether the plan is to be looked at before anything is done.
  bool looks_first(const Shell& shell) const { return dry_run || asks(shell); }
};

// After the plan was shown: whether to go on. Throws Failure kFailed if the answer is no.
bool is_agreed(const Shell& shell, const Consent& consent);

}  // namespace lienthong::tools
