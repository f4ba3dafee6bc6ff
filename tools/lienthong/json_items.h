// JSON as people hand it in: a list, one object, several one after the other, or one a line. Pure;
// any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lienthong::tools {

struct JsonItem {
  std::uint64_t line = 0;  // of the text, from 1, on which it begins
  std::string text;        // on one line; what is no object as it stands, up to the end of its line
};

// Each object of a list or of a text; an object that never ends is as much as stands on its line.
std::vector<JsonItem> cut_json(std::string_view text);

// The text has to be cut: it is a list, an object over several lines, or not UTF-8. `start`: its
// first 64 KiB, or all of it. False: one object a line.
bool needs_cutting(std::string_view start);

}  // namespace lienthong::tools
