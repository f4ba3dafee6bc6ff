// Words for people: the language, its catalogue, and the width of text on a terminal.
// English stands in the program; conf/po/*.po translate it (GNU gettext).
// Threads: choose_language() once, before anything else; the rest from any.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace lienthong::tools {

// "vi" or "en": `asked` (--lang) if it is not empty, else the first of LC_ALL, LC_MESSAGES, LANG
// that is set. The locale itself need not be installed; only its language counts.
std::string pick_language(std::string_view asked);

// Opens the catalogue of that language beside the program (build tree) or in ../share/locale
// (installed). Without one, texts stay English.
void choose_language(const std::string& language);
const std::string& language();

// The text in the chosen language; the pointer lives as long as the program.
const char* tr(const char* message);

// fmt with a translated pattern. The patterns of a catalogue are checked by tests/tidy.
template <class... Args>
std::string format(const char* message, const Args&... args) {
  return fmt::vformat(tr(message), fmt::make_format_args(args...));
}

// Columns that the text takes: code points without combining marks. No East Asian width.
std::size_t columns(std::string_view text);
// At most `columns_max` columns, with an ellipsis where something was cut.
std::string shorten(std::string_view text, std::size_t columns_max);

}  // namespace lienthong::tools
