#include "store/office/search_text.h"

#include <utf8proc.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace lienthong::store {
namespace {

constexpr utf8proc_int32_t kSmallDWithStroke = 0x111;

struct Free {
  void operator()(utf8proc_uint8_t* bytes) const { std::free(bytes); }
};

std::string fold_anything(std::string_view text) {
  std::string out;
  utf8proc_uint8_t* mapped = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE |
                                                  UTF8PROC_STRIPMARK | UTF8PROC_CASEFOLD));
  const std::unique_ptr<utf8proc_uint8_t, Free> owner(mapped);
  if (size < 0) return out;
  out.reserve(static_cast<std::size_t>(size));
  for (utf8proc_ssize_t at = 0; at < size;) {
    utf8proc_int32_t code = -1;
    const auto step = utf8proc_iterate(mapped + at, size - at, &code);
    if (step <= 0) break;
    if (code == kSmallDWithStroke)
      out += 'd';
    else
      out.append(reinterpret_cast<const char*>(mapped + at), static_cast<std::size_t>(step));
    at += step;
  }
  return out;
}

// What the letters of Vietnamese become, each by itself: one ASCII letter, or kSame; 0: ask
// utf8proc about the whole text, which costs ten times as much.
class Letters {
 public:
  static constexpr char kSame = '\1';
  Letters() {
    for (std::uint32_t code = 0; code < kEnd; ++code) {
      utf8proc_uint8_t bytes[4];
      const auto size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes);
      const std::string_view itself(reinterpret_cast<const char*>(bytes),
                                    static_cast<std::size_t>(size));
      const std::string folded = fold_anything(itself);
      const bool one = folded.size() == 1 && static_cast<unsigned char>(folded[0]) < 0x80;
      letters_[code] = one ? folded[0] : folded == itself ? kSame : '\0';
    }
  }
  char of(std::uint32_t code) const { return code < kEnd ? letters_[code] : '\0'; }

 private:
  static constexpr std::uint32_t kEnd = 0x2100;  // two and three bytes of UTF-8
  std::array<char, kEnd> letters_{};
};

// False: some letter is not in the table, or it is not UTF-8.
bool fold_letters(std::string_view text, std::string& out) {
  static const Letters letters;
  const auto byte = [&text](std::size_t at) -> std::uint32_t {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  const auto continues = [&](std::size_t at) { return (byte(at) & 0xC0) == 0x80; };
  for (std::size_t at = 0; at < text.size();) {
    const std::uint32_t first = byte(at);
    std::uint32_t code = first;
    std::size_t size = 1;
    if (first >= 0xC2 && first < 0xE0 && continues(at + 1)) {
      code = (first & 0x1F) << 6 | (byte(at + 1) & 0x3F);
      size = 2;
    } else if ((first == 0xE1 || first == 0xE2) && continues(at + 1) && continues(at + 2)) {
      code = (first & 0x0F) << 12 | (byte(at + 1) & 0x3F) << 6 | (byte(at + 2) & 0x3F);
      size = 3;
    } else if (first >= 0x80) {
      return false;
    }
    const char letter = letters.of(code);
    if (letter == '\0') return false;
    if (letter == Letters::kSame)
      out.append(text, at, size);
    else
      out += letter;
    at += size;
  }
  return true;
}

}  // namespace

std::string search_form(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  if (fold_letters(text, out)) return out;
  return fold_anything(text);
}

std::string encode(const SearchText& text) {
  std::string out;
  out.reserve(3 + text.code.size() + text.applicant.size() + text.summary.size() +
              text.procedure.size());
  for (const std::string* part : {&text.code, &text.applicant, &text.summary, &text.procedure}) {
    if (part != &text.code) out += '\n';
    for (const char c : *part) out += c == '\n' ? ' ' : c;
  }
  return out;
}

}  // namespace lienthong::store
