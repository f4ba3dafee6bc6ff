// Words for people, by language. English stands in the sources; conf/po/vi.po translates it and is
// built in, so the agent and the command line speak from the same catalogue. Two kinds lie there:
// texts of the programs, and, in the context "reason", what is said of a refusal or a delay.
// tests/tidy/translations.py finds both in the sources and fails where one is not translated.
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lienthong::texts {

enum class Language : std::uint8_t { kEnglish, kVietnamese };

// "vi", "vi-VN", "vi_VN.UTF-8": Vietnamese. Everything else: English.
Language language_of(std::string_view name);
// The first language that is spoken here of an Accept-Language: "en;q=0.5, vi" is English.
// nullopt: none is.
std::optional<Language> accepted_language(std::string_view header);
const char* to_string(Language language);  // "en", "vi"

// A text of a program; ends with a zero byte and lives as long as the process. Null: it has no
// translation, or the language is English.
const char* find_text(Language language, std::string_view english);
// The same of a reason's pattern.
const char* find_reason(Language language, std::string_view english);

// The pattern with the values in its places: {} in turn, or {0}, {1}.
std::string fill(std::string_view pattern, const std::vector<std::string>& values);

// A reason that was composed in English, taken apart again.
struct Told {
  std::string pattern;              // as the catalogue has it: stable, a key for other catalogues
  std::vector<std::string> values;  // for its places
  std::string text;                 // in the language asked for
};
// By the pattern of the catalogue that fits with the most words of its own. A value that is a
// reason itself is told in the same language. nullopt: no pattern fits.
std::optional<Told> tell(Language language, std::string_view english);
// The text alone; as it came where no pattern fits. "bad-hash: …", an error with its code in front,
// is told with the meaning of the code.
std::string tell_text(Language language, std::string_view english);

}  // namespace lienthong::texts
