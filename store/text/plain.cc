#include "store/text/plain.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

namespace lienthong::store {
namespace {

using Code = utf8proc_int32_t;

struct Free {
  void operator()(utf8proc_uint8_t* bytes) const { std::free(bytes); }
};

const utf8proc_uint8_t* data_of(std::string_view text) {
  return reinterpret_cast<const utf8proc_uint8_t*>(text.data());
}

// Calls `visit` with each code point; the offset of the first byte that is none, or npos.
template <class Visit>
std::size_t for_each_code(std::string_view text, const Visit& visit) {
  for (std::size_t at = 0; at < text.size();) {
    Code code = -1;
    const auto size = utf8proc_iterate(data_of(text) + at,
                                       static_cast<utf8proc_ssize_t>(text.size() - at), &code);
    if (size <= 0) return at;
    visit(code);
    at += static_cast<std::size_t>(size);
  }
  return std::string_view::npos;
}

std::size_t read_codes(std::string_view text, std::vector<Code>& out) {
  return for_each_code(text, [&out](Code code) { out.push_back(code); });
}

void append(std::string& out, Code code) {
  utf8proc_uint8_t bytes[4];
  const auto size = utf8proc_encode_char(code, bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

// Empty when the text is not UTF-8.
std::string map(std::string_view text, int options) {
  utf8proc_uint8_t* mapped = nullptr;
  const auto size = utf8proc_map(data_of(text), static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                                 static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, Free> owner(mapped);
  if (size < 0) return {};
  return {reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(size)};
}

bool within(Code code, Code first, Code last) { return code >= first && code <= last; }

bool is_blank(Code code) {
  return code == ' ' || code == 0xA0 || code == 0x1680 || within(code, 0x2000, 0x200A) ||
         code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_line_end(Code code) {
  return code == '\n' || code == '\r' || code == 0x0B || code == 0x0C || code == 0x85 ||
         code == 0x2028 || code == 0x2029;
}

// Nothing of it is to be seen. U+200D joins signs that stand for one picture; only between these
// it is one.
bool is_unseen(Code code) {
  return (code < 0x20 && code != '\t') || within(code, 0x7F, 0x9F) || code == 0xAD ||
         code == 0x34F || code == 0x61C || code == 0x180E || within(code, 0x200B, 0x200F) ||
         within(code, 0x202A, 0x202E) || within(code, 0x2060, 0x206F) || code == 0xFEFF ||
         within(code, 0xFFF9, 0xFFFB);
}

bool is_dash(Code code) {
  return within(code, 0x2010, 0x2015) || code == 0x2212 || code == 0x2043 || code == 0xFE58 ||
         code == 0xFE63 || code == 0xFF0D;
}

// Printable ASCII that neither begins nor ends with a blank is as it should be.
bool is_plain(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() == ' ' || text.back() == ' ') return false;
  return std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c < 0x7F; });
}

// How many bytes there make one letter or sign that is as it should be, whatever stands beside it:
// ASCII, U+00A1 to U+02FF but the soft hyphen, the Vietnamese letters of U+1E00 to U+1EFF, usual
// dashes, quotation marks and points of U+2010 to U+2027, and the sign of the đồng. All of these
// are in normal form C, and none is joined to what stands before it. 0: it has to be looked at.
std::size_t tidy_bytes(std::string_view rest) {
  const auto byte = [rest](std::size_t i) {
    return i < rest.size() ? static_cast<unsigned char>(rest[i]) : 0U;
  };
  const auto between = [](unsigned value, unsigned first, unsigned last) {
    return value >= first && value <= last;
  };
  const unsigned first = byte(0), second = byte(1), third = byte(2);
  if (between(first, 0x20, 0x7E) || first == '\n' || first == '\t') return 1;
  if (first == 0xC2) return between(second, 0xA1, 0xBF) && second != 0xAD ? 2 : 0;
  if (between(first, 0xC3, 0xCB)) return between(second, 0x80, 0xBF) ? 2 : 0;
  if (first == 0xE1 && between(second, 0xB8, 0xBB)) return between(third, 0x80, 0xBF) ? 3 : 0;
  if (first == 0xE2 && second == 0x80) return between(third, 0x90, 0xA7) ? 3 : 0;
  return first == 0xE2 && second == 0x82 && third == 0xAB ? 3 : 0;
}

// What people write here nearly always is so already, and then nothing has to be mapped.
bool is_tidy(std::string_view text) {
  constexpr std::string_view kTrimmed = " \t\n";
  if (text.empty()) return true;
  if (kTrimmed.find(text.front()) != std::string_view::npos ||
      kTrimmed.find(text.back()) != std::string_view::npos)
    return false;
  while (!text.empty()) {
    const std::size_t size = tidy_bytes(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\n") - first + 1));
}

std::string digits_of(std::string_view text) {
  std::string out;
  std::ranges::copy_if(text, std::back_inserter(out), [](char c) { return c >= '0' && c <= '9'; });
  return out;
}

}  // namespace

Result<void> check_utf8(std::string_view text) {
  if (is_tidy(text)) return {};
  const std::size_t bad = for_each_code(text, [](Code) {});
  if (bad == std::string_view::npos) return {};
  return Error(Errc::kMalformed, "invalid UTF-8 at byte " + std::to_string(bad + 1));
}

Result<std::string> tidy_text(std::string_view text) {
  if (is_tidy(text)) return std::string(text);
  std::vector<Code> codes;
  const std::size_t bad = read_codes(text, codes);
  if (bad != std::string_view::npos)
    return Error(Errc::kMalformed, "invalid UTF-8 at byte " + std::to_string(bad + 1));
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const Code code = codes[i];
    const Code before = i > 0 ? codes[i - 1] : 0;
    if (is_line_end(code)) {
      if (code != '\n' || before != '\r') out += '\n';
    } else if (is_blank(code)) {
      out += ' ';
    } else if (!is_unseen(code) || (code == 0x200D && before >= 0x2600)) {
      append(out, code);
    }
  }
  return trimmed(map(out, UTF8PROC_STABLE | UTF8PROC_COMPOSE));
}

Result<std::string> tidy_code(std::string_view text) {
  if (is_plain(text) && text.find(' ') == std::string_view::npos) return std::string(text);
  LT_TRY(std::string tidy, tidy_text(text));
  if (!is_plain(tidy)) tidy = map(tidy, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
  std::vector<Code> codes;
  read_codes(tidy, codes);
  std::string out;
  for (const Code code : codes) {
    if (is_dash(code)) {
      out += '-';
    } else if (code != ' ' && code != '\t' && code != '\n') {
      append(out, code);
    }
  }
  return out;
}

std::string folded(std::string_view text) {
  const std::string mapped =
      map(text, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_STRIPMARK | UTF8PROC_CASEFOLD);
  std::vector<Code> codes;
  read_codes(mapped, codes);
  std::string out;
  out.reserve(mapped.size());
  bool apart = false;
  for (const Code code : codes) {
    if (is_blank(code) || is_line_end(code) || code == '\t') {
      apart = !out.empty();
      continue;
    }
    if (is_unseen(code)) continue;
    if (std::exchange(apart, false)) out += ' ';
    // đ; and what other tables of letters have in its place and looks the same.
    if (code == 0x111 || code == 0xF0 || code == 0x256) {
      out += 'd';
    } else {
      append(out, code);
    }
  }
  return out;
}

std::string word_key(std::string_view text) {
  std::string out;
  for (const char c : folded(text))
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
  return out;
}

std::string phone_key(std::string_view text) {
  std::string digits = digits_of(text);
  // 84 is the country's; within it numbers begin with 0, which no foreign prefix follows.
  if (digits.starts_with("0084")) digits.erase(0, 2);
  if (digits.starts_with("840")) digits.erase(0, 2);
  if (digits.starts_with("84") && digits.size() >= 11) digits.replace(0, 2, "0");
  return digits;
}

std::string id_key(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) out += c;
    if (c >= 'A' && c <= 'Z') out += static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool may_be_phone_or_id(std::string_view text) {
  const std::size_t count = digits_of(text).size();
  return count >= 9 && count <= 15 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') ||
                  std::string_view(" +.-()").find(c) != std::string_view::npos;
         });
}

}  // namespace lienthong::store
