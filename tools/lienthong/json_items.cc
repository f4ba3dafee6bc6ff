#include "tools/lienthong/json_items.h"

#include <algorithm>

#include "tools/lienthong/client.h"

namespace lienthong::tools {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";

// Behind the bracket that closes the one at `at`; npos: none does.
std::size_t end_of(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c == '\\') ++at;
      if (c == '"') quoted = false;
      if (c == '\n') return std::string_view::npos;  // no text goes over lines
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth == 0) return at + 1;
    }
  }
  return std::string_view::npos;
}

}  // namespace

std::vector<JsonItem> cut_json(std::string_view text) {
  std::vector<JsonItem> out;
  std::uint64_t line = 1;
  std::size_t at = text.starts_with(kUtf8Mark) ? kUtf8Mark.size() : 0;
  bool list = false, begun = false;
  const auto go_to = [&](std::size_t next) {
    line += static_cast<std::uint64_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(at),
                                                  text.begin() + static_cast<std::ptrdiff_t>(next),
                                                  '\n'));
    at = next;
  };
  while (true) {
    go_to(std::min(text.find_first_not_of(kBlanks, at), text.size()));
    if (at == text.size()) return out;
    const char c = text[at];
    if ((c == '[' && !begun) || (list && (c == ',' || c == ']'))) {
      list = true;
      begun = true;
      go_to(at + 1);
      continue;
    }
    begun = true;
    std::size_t end = c == '{' ? end_of(text, at) : std::string_view::npos;
    if (end == std::string_view::npos) end = std::min(text.find_first_of("\r\n", at), text.size());
    std::string item(text.substr(at, end - at));
    std::ranges::replace_if(
        item, [](char each) { return each == '\n' || each == '\r'; }, ' ');
    out.push_back({line, std::move(item)});
    go_to(end);
  }
}

bool needs_cutting(std::string_view start) {
  if (start.starts_with(kUtf8Mark)) start.remove_prefix(kUtf8Mark.size());
  if (start.starts_with("\xFF\xFE") || start.starts_with("\xFE\xFF") ||
      start.substr(0, 64).find('\0') != std::string_view::npos)
    return true;
  const std::size_t first = start.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return false;
  if (start[first] == '[') return true;
  const std::size_t end = std::min(start.find('\n', first), start.size());
  const std::string_view line = start.substr(first, end - first);
  if (line.starts_with('{') && !Json::accept(line) &&
      end_of(start, first) != std::string_view::npos)
    return end_of(start, first) > end;
  return false;
}

}  // namespace lienthong::tools
