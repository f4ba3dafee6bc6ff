#include "tools/lienthong/consent.h"

#include <unistd.h>

#include <iostream>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {

void Consent::add_to(CLI::App& verb) {
  verb.add_flag("--yes,-y", yes, tr("do not ask first on a terminal"));
  verb.add_flag("--dry-run", dry_run, tr("say what would be done, and do nothing"));
}

bool Consent::asks(const Shell& shell) const {
  return !yes && !shell.json && isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0;
}

bool is_agreed(const Shell& shell, const Consent& consent) {
  if (consent.dry_run) return false;
  if (!consent.asks(shell)) return true;
  std::cerr << tr("Go on? [y/N] ") << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" || answer == "Y" || answer == "c" || answer == "C") return true;
  throw Failure(kFailed, tr("nothing was done"));
}

}  // namespace lienthong::tools
