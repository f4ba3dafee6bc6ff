#include "store/office/search_text.h"

#include <utf8proc.h>

#include <array>
#include <cstdint>

#include "store/text/plain.h"

namespace lienthong::store {
namespace {

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
      const std::string key = folded(itself);
      const bool one = key.size() == 1 && static_cast<unsigned char>(key[0]) < 0x80;
      letters_[code] = one ? key[0] : key == itself ? kSame : '\0';
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
    const bool blank = code == ' ' || code == '\t' || code == '\n' || code == '\r';
    const char letter = blank ? ' ' : letters.of(code);
    if (letter == '\0') return false;
    if (blank && (out.empty() || out.back() == ' ')) {
      // one is enough, and none at the beginning
    } else if (letter == Letters::kSame)
      out.append(text, at, size);
    else
      out += letter;
    at += size;
  }
  if (out.ends_with(' ')) out.pop_back();
  return true;
}

}  // namespace

std::string search_form(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  return fold_letters(text, out) ? out : folded(text);
}

std::string search_key(std::string_view typed) {
  const std::string key = search_form(typed);
  // With a hyphen it may be the end of a code; a phone is told by how it begins.
  const bool code = key.find('-') != std::string::npos && !key.starts_with('0') &&
                    !key.starts_with('+') && !key.starts_with('(');
  return !code && may_be_phone_or_id(key) ? phone_key(key) : key;
}

std::string encode(const SearchText& text) {
  std::string out;
  out.reserve(4 + text.code.size() + text.applicant.size() + text.summary.size() +
              text.procedure.size() + text.numbers.size());
  for (const std::string* part :
       {&text.code, &text.applicant, &text.summary, &text.procedure, &text.numbers}) {
    if (part != &text.code) out += '\n';
    for (const char c : *part) out += c == '\n' ? ' ' : c;
  }
  return out;
}

}  // namespace lienthong::store
