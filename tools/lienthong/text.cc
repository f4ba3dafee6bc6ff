#include "tools/lienthong/text.h"

#include <utf8proc.h>

#include <cstdlib>

#include "agent/texts/catalogue.h"  // built in: no agent is asked

namespace lienthong::tools {
namespace {

std::string& current() {
  static std::string language = "en";
  return language;
}

// Columns of the letter that begins at `at`, which moves behind it.
std::size_t take_letter(std::string_view text, std::size_t& at) {
  utf8proc_int32_t letter = 0;
  const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at),
                                     static_cast<utf8proc_ssize_t>(text.size() - at), &letter);
  at += size > 0 ? static_cast<std::size_t>(size) : 1;
  if (size <= 0) return 1;  // no UTF-8: shown as one sign
  const int width = utf8proc_charwidth(letter);
  return width > 0 ? static_cast<std::size_t>(width) : 0;
}

}  // namespace

std::string pick_language(std::string_view asked) {
  std::string name(asked);
  for (const char* variable : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    if (!name.empty()) break;
    if (const char* value = std::getenv(variable); value != nullptr) name = value;
  }
  return name.starts_with("vi") ? "vi" : "en";
}

void choose_language(const std::string& language) { current() = language; }

const std::string& language() { return current(); }

const char* tr(const char* message) {
  const char* found = texts::find_text(texts::language_of(current()), message);
  return found != nullptr ? found : message;
}

std::string tell_reason(std::string_view english) {
  return texts::tell_text(texts::language_of(current()), english);
}

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size();) count += take_letter(text, at);
  return count;
}

std::size_t prefix_of(std::string_view text, std::size_t columns_max) {
  std::size_t count = 0, end = 0;
  for (std::size_t at = 0; at < text.size(); end = at) {
    count += take_letter(text, at);
    if (count > columns_max && end != 0) break;
  }
  return end;
}

std::string shorten(std::string_view text, std::size_t columns_max) {
  if (columns_max == 0 || columns(text) <= columns_max) return std::string(text);
  std::size_t end = columns_max > 1 ? prefix_of(text, columns_max - 1) : 0;
  while (end > 0 && text[end - 1] == ' ') --end;
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace lienthong::tools
