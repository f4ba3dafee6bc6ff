#include "agent/texts/catalogue.h"

#include <algorithm>
#include <cctype>
#include <functional>

#include "agent/texts/reasons.h"
#include "protocol/base/check.h"

namespace lienthong::texts {

extern const std::string_view kCatalogueVi;  // conf/po/vi.po as msgfmt makes it

namespace {

constexpr std::string_view kReasonContext("reason\x04");
constexpr std::string_view kPlace = "{}";
constexpr int kDepthMax = 4;  // a reason in a reason

// A file of GNU gettext, little-endian: pairs in the order of the originals.
class Catalogue {
 public:
  explicit Catalogue(std::string_view bytes) : bytes_(bytes) {
    LT_CHECK(number(0) == 0x950412de);
    count_ = number(8);
    originals_ = number(12);
    translations_ = number(16);
  }
  std::size_t size() const { return count_; }
  std::string_view original(std::size_t i) const { return text(originals_, i); }
  std::string_view translation(std::size_t i) const { return text(translations_, i); }
  const char* find(std::string_view key) const {
    std::size_t low = 0, high = count_;
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (original(middle) < key)
        low = middle + 1;
      else
        high = middle;
    }
    return low < count_ && original(low) == key ? translation(low).data() : nullptr;
  }

 private:
  std::uint32_t number(std::size_t at) const {
    LT_CHECK(at + 4 <= bytes_.size());
    std::uint32_t out = 0;
    for (std::size_t i = 4; i-- > 0;) out = out << 8U | static_cast<std::uint8_t>(bytes_[at + i]);
    return out;
  }
  std::string_view text(std::size_t table, std::size_t i) const {
    return bytes_.substr(number(table + 8 * i + 4), number(table + 8 * i));
  }

  std::string_view bytes_;
  std::size_t count_ = 0, originals_ = 0, translations_ = 0;
};

const Catalogue& catalogue() {
  static const Catalogue vietnamese(kCatalogueVi);
  return vietnamese;
}

// A pattern of a reason, cut at its places.
struct Pattern {
  std::string_view text;
  std::vector<std::string_view> pieces;
  std::size_t weight = 0;  // bytes of its own
  const char* vietnamese = nullptr;
};

std::vector<Pattern> read_patterns() {
  std::vector<Pattern> out;
  for (std::size_t i = 0; i < catalogue().size(); ++i) {
    const std::string_view key = catalogue().original(i);
    if (!key.starts_with(kReasonContext)) continue;
    Pattern pattern;
    pattern.text = key.substr(kReasonContext.size());
    pattern.vietnamese = catalogue().translation(i).data();
    for (std::size_t begin = 0;;) {
      const std::size_t end = std::min(pattern.text.find(kPlace, begin), pattern.text.size());
      pattern.pieces.push_back(pattern.text.substr(begin, end - begin));
      pattern.weight += end - begin;
      if (end == pattern.text.size()) break;
      begin = end + kPlace.size();
    }
    out.push_back(std::move(pattern));
  }
  std::ranges::stable_sort(out, std::greater<>(), &Pattern::weight);
  return out;
}

// What stands in the places, if the text is of that pattern.
std::optional<std::vector<std::string>> values_of(const Pattern& pattern, std::string_view text) {
  const auto& pieces = pattern.pieces;
  if (pieces.size() == 1)
    return text == pieces[0] ? std::optional(std::vector<std::string>()) : std::nullopt;
  if (pattern.weight > text.size() || !text.starts_with(pieces.front()) ||
      !text.ends_with(pieces.back()))
    return std::nullopt;
  std::vector<std::string> values;
  std::size_t at = pieces.front().size();
  const std::size_t end = text.size() - pieces.back().size();
  if (at > end) return std::nullopt;
  for (std::size_t i = 1; i + 1 < pieces.size(); ++i) {
    const std::size_t found = text.substr(0, end).find(pieces[i], at);
    if (found == std::string_view::npos) return std::nullopt;
    values.emplace_back(text.substr(at, found - at));
    at = found + pieces[i].size();
  }
  values.emplace_back(text.substr(at, end - at));
  return values;
}

std::optional<Told> tell(Language language, std::string_view english, int depth) {
  static const std::vector<Pattern> patterns = read_patterns();
  for (const Pattern& pattern : patterns) {
    auto values = values_of(pattern, english);
    if (!values) continue;
    Told out{std::string(pattern.text), *std::move(values), std::string(english)};
    if (language == Language::kEnglish) return out;
    std::vector<std::string> shown = out.values;
    for (std::string& value : shown) {
      if (depth == kDepthMax) break;
      if (auto inner = tell(language, value, depth + 1)) value = std::move(inner->text);
      if (auto inert = text_of_inert(language, value); !inert.empty()) value = std::move(inert);
    }
    out.text = fill(pattern.vietnamese, shown);
    return out;
  }
  return std::nullopt;
}

}  // namespace

Language language_of(std::string_view name) {
  const bool vietnamese =
      name.size() >= 2 && (name[0] == 'v' || name[0] == 'V') && (name[1] == 'i' || name[1] == 'I');
  const bool whole = name.size() == 2 || !std::isalpha(static_cast<unsigned char>(name[2]));
  return vietnamese && whole ? Language::kVietnamese : Language::kEnglish;
}

std::optional<Language> accepted_language(std::string_view header) {
  while (!header.empty()) {
    const std::size_t comma = std::min(header.find(','), header.size());
    std::string_view name = header.substr(0, comma);
    header.remove_prefix(std::min(comma + 1, header.size()));
    name.remove_prefix(std::min(name.find_first_not_of(" \t"), name.size()));
    if (language_of(name) == Language::kVietnamese) return Language::kVietnamese;
    if (name.starts_with("en") || name.starts_with("EN")) return Language::kEnglish;
  }
  return std::nullopt;
}

const char* to_string(Language language) { return language == Language::kVietnamese ? "vi" : "en"; }

const char* find_text(Language language, std::string_view english) {
  // The empty text names the catalogue's head.
  if (language == Language::kEnglish || english.empty()) return nullptr;
  return catalogue().find(english);
}

const char* find_reason(Language language, std::string_view english) {
  if (language == Language::kEnglish) return nullptr;
  return catalogue().find(std::string(kReasonContext).append(english));
}

std::string fill(std::string_view pattern, const std::vector<std::string>& values) {
  std::string out;
  std::size_t next = 0;
  for (std::size_t at = 0; at < pattern.size();) {
    const std::size_t close = pattern[at] == '{' ? pattern.find('}', at) : std::string_view::npos;
    const std::string_view inside = close == std::string_view::npos
                                        ? std::string_view()
                                        : pattern.substr(at + 1, close - at - 1);
    const bool place = close != std::string_view::npos &&
                       (inside.empty() || (inside.size() == 1 &&
                                           std::isdigit(static_cast<unsigned char>(inside[0]))));
    if (!place) {
      out += pattern[at++];
      continue;
    }
    const std::size_t which = inside.empty() ? next++ : static_cast<std::size_t>(inside[0] - '0');
    if (which < values.size()) out += values[which];
    at = close + 1;
  }
  return out;
}

std::optional<Told> tell(Language language, std::string_view english) {
  return tell(language, english, 0);
}

std::string tell_text(Language language, std::string_view english) {
  const std::size_t colon = english.find(": ");
  if (colon != std::string_view::npos)
    if (const char* meaning = meaning_of(english.substr(0, colon))) {
      const char* shown = find_reason(language, meaning);
      return std::string(shown != nullptr ? shown : meaning) + ": " +
             tell_text(language, english.substr(colon + 2));
    }
  if (const char* meaning = meaning_of(english)) {
    const char* shown = find_reason(language, meaning);
    return shown != nullptr ? shown : meaning;
  }
  if (auto inert = text_of_inert(language, english); !inert.empty()) return inert;
  const auto told = tell(language, english, 0);
  return told ? told->text : std::string(english);
}

}  // namespace lienthong::texts
