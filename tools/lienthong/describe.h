// The verbs and options as data, from which manual pages, completions and the reference are made
// (tools/packaging/pages.py).
#pragma once

#include <CLI/CLI.hpp>

#include "tools/lienthong/client.h"

namespace lienthong::tools {

// {"name","description","example","options":[{"names","value","words","description","required",
// "many"}],"verbs":[…]}: in the language chosen, in the order of the tables. An option without
// names is an argument, and `value` is what it is called; empty: the option takes none. `words`:
// all that it takes, where that is a list.
Json describe_verbs(const CLI::App& app);

}  // namespace lienthong::tools
