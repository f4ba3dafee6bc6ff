#include "tools/lienthong/text.h"

#include <cstdlib>

#include "agent/texts/catalogue.h"  // built in: no agent is asked

namespace lienthong::tools {
namespace {

std::string& current() {
  static std::string language = "en";
  return language;
}

unsigned char byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

bool starts_column(std::string_view text, std::size_t i) {
  const unsigned char c = byte_at(text, i);
  if ((c & 0xC0U) == 0x80U) return false;  // inside a code point
  const bool has_next = i + 1 < text.size();
  // U+0300 to U+036F, the combining marks of decomposed Vietnamese.
  if (c == 0xCCU) return false;
  return !(c == 0xCDU && has_next && byte_at(text, i + 1) <= 0xAFU);
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
  for (std::size_t i = 0; i < text.size(); ++i) count += starts_column(text, i) ? 1 : 0;
  return count;
}

std::string shorten(std::string_view text, std::size_t columns_max) {
  if (columns_max == 0 || columns(text) <= columns_max) return std::string(text);
  std::size_t count = 0;
  std::size_t end = 0;
  while (end < text.size()) {
    if (starts_column(text, end) && ++count == columns_max) break;
    ++end;
  }
  while (end > 0 && text[end - 1] == ' ') --end;
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace lienthong::tools
