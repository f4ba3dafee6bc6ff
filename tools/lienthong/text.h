// Words for people: the language, its catalogue, and the width of text on a terminal.
// English stands in the program; conf/po/vi.po translates it (agent/texts/catalogue.h).
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

// "vi" or "en".
void choose_language(const std::string& language);
const std::string& language();

// The text in the chosen language; the pointer lives as long as the program.
const char* tr(const char* message);
// What an agent or a library says in English of a refusal or a delay, in the chosen language; as it
// came where the catalogue does not know it.
std::string tell_reason(std::string_view english);

// fmt with a translated pattern. The patterns of a catalogue are checked by tests/tidy.
template <class... Args>
std::string format(const char* message, const Args&... args) {
  return fmt::vformat(tr(message), fmt::make_format_args(args...));
}

// Columns that the text takes on a terminal: none for combining marks and signs that are not seen,
// two for letters of double width.
std::size_t columns(std::string_view text);
// How many bytes of the text take at most so many columns; at least one letter.
std::size_t prefix_of(std::string_view text, std::size_t columns_max);
// At most `columns_max` columns, with an ellipsis where something was cut.
std::string shorten(std::string_view text, std::size_t columns_max);

}  // namespace lienthong::tools
