#include "store/text/encoding.h"

#include <array>
#include <cstdint>

#include "store/text/plain.h"

namespace lienthong::store {
namespace {

constexpr std::string_view kMark8 = "\xEF\xBB\xBF";
constexpr std::size_t kLookedAt = 65536;  // bytes by which an encoding is told

unsigned byte_at(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
}

void append(std::string& out, std::uint32_t code) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0U | code >> 6U);
    put(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    put(0xE0U | code >> 12U);
    put(0x80U | (code >> 6U & 0x3FU));
    put(0x80U | (code & 0x3FU));
  } else {
    put(0xF0U | code >> 18U);
    put(0x80U | (code >> 12U & 0x3FU));
    put(0x80U | (code >> 6U & 0x3FU));
    put(0x80U | (code & 0x3FU));
  }
}

enum class Wide : std::uint8_t { kNo, k16Little, k16Big, k32Little, k32Big };

// By its mark; without one by which bytes of the text are zero: most letters have one there.
Wide wide_of(std::string_view bytes) {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\xFF\xFE\0\0"sv)) return Wide::k32Little;
  if (bytes.starts_with("\0\0\xFE\xFF"sv)) return Wide::k32Big;
  if (bytes.starts_with("\xFF\xFE")) return Wide::k16Little;
  if (bytes.starts_with("\xFE\xFF")) return Wide::k16Big;
  std::array<std::size_t, 2> zeros{};
  const std::string_view start = bytes.substr(0, kLookedAt);
  for (std::size_t at = 0; at < start.size(); ++at)
    if (start[at] == '\0') ++zeros[at % 2];
  if (bytes.size() < 4 || zeros[0] + zeros[1] < start.size() / 4) return Wide::kNo;
  if (zeros[0] == 0) return Wide::k16Little;
  if (zeros[1] == 0) return Wide::k16Big;
  return Wide::kNo;
}

Result<std::string> from_wide(std::string_view bytes, Wide wide) {
  const bool little = wide == Wide::k16Little || wide == Wide::k32Little;
  const std::size_t size = wide == Wide::k16Little || wide == Wide::k16Big ? 2 : 4;
  const auto unit = [&](std::size_t at) {
    std::uint32_t code = 0;
    for (std::size_t i = 0; i < size; ++i)
      code |= byte_at(bytes, at + i) << 8U * (little ? i : size - 1 - i);
    return code;
  };
  const auto broken = [&](std::size_t at) {
    return Error(Errc::kMalformed, "broken UTF-" + std::to_string(8 * size) + " at byte " +
                                       std::to_string(at + 1) + "; save the file as UTF-8");
  };
  if (bytes.size() % size != 0) return broken(bytes.size());
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    std::uint32_t code = unit(at);
    if (code >= 0xD800 && code < 0xDC00 && size == 2) {
      const std::uint32_t low = at + 2 < bytes.size() ? unit(at + 2) : 0;
      if (low < 0xDC00 || low >= 0xE000) return broken(at);
      code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
      at += 2;
    } else if ((code >= 0xD800 && code < 0xE000) || code > 0x10FFFF) {
      return broken(at);
    }
    append(out, code);
  }
  return out;
}

bool is_vowel(unsigned c) {
  const unsigned small = c | 0x20U;
  return small == 'a' || small == 'e' || small == 'i' || small == 'o' || small == 'u' ||
         small == 'y';
}

bool is_one_of(unsigned c, std::string_view set) {
  return c >= 0x80 && set.find(static_cast<char>(c)) != std::string_view::npos;
}

// What Vietnamese of one byte a letter is written in, by which bytes follow which. In windows-1258
// tones are bytes of their own after the vowel; in VNI all marks are; in TCVN3 (fonts .VnTime)
// whole letters are bytes, which follow consonants as well.
const char* one_byte_encoding(std::string_view text) {
  std::size_t cp1258 = 0, tcvn3 = 0, vni = 0;
  for (std::size_t at = 1; at < text.size() && at < kLookedAt; ++at) {
    const unsigned before = byte_at(text, at - 1), here = byte_at(text, at);
    if (here < 0x80) continue;
    const bool vowel = is_vowel(before) && before < 0x80;
    const bool letter = !vowel && ((before | 0x20U) >= 'a' && (before | 0x20U) <= 'z');
    if ((vowel || is_one_of(before, "\xE2\xEA\xF4\xE3\xF5\xFD\xC2\xCA\xD4\xC3\xD5\xDD")) &&
        is_one_of(here, "\xCC\xD2\xDE\xEC\xF2"))
      cp1258 += 2;
    if ((vowel || is_one_of(before, "\xF6\xF4\xD6\xD4")) &&
        is_one_of(here,
                  "\xF9\xF8\xFB\xF5\xEF\xE2\xE1\xE0\xE5\xE3\xE4\xEA\xE9\xE8\xFA\xFC\xEB"
                  "\xD9\xD8\xDB\xD5\xCF\xC2\xC1\xC0\xC5\xC3\xC4\xCA\xC9\xC8\xDA\xDC\xCB"))
      ++vni;
    if (here == 0xF1 || here == 0xF6) ++vni;
    if (is_one_of(here, "\xAE\xA7\xB8\xB5\xB6\xB7\xB9\xA8\xA9\xAA\xAB\xAC\xAD")) ++tcvn3;
    if (letter && here >= 0xB5 && !is_one_of(here, "\xF1\xF6\xD1\xD6\xF0\xD0\xFD\xDD")) ++tcvn3;
  }
  if (cp1258 > tcvn3 && cp1258 > vni) return "windows-1258";
  if (tcvn3 > cp1258 && tcvn3 > vni) return "TCVN3 (ABC)";
  if (vni > cp1258 && vni > tcvn3) return "VNI";
  return nullptr;
}

}  // namespace

Result<std::string> decode_text(std::string_view bytes) {
  if (bytes.starts_with("PK\x03\x04"))
    return Error(Errc::kMalformed,
                 "this is a workbook or another compressed file, no text; save the sheet as "
                 "\"CSV UTF-8\"");
  if (bytes.starts_with("\xD0\xCF\x11\xE0"))
    return Error(Errc::kMalformed,
                 "this is a workbook of an old program (.xls), or one under a password; save it as "
                 ".xlsx without one, or the sheet as \"CSV UTF-8\"");
  const Wide wide = wide_of(bytes);
  std::string decoded;
  if (wide != Wide::kNo) {
    LT_TRY(decoded, from_wide(bytes, wide));
    bytes = decoded;
  }
  if (bytes.starts_with(kMark8)) bytes.remove_prefix(kMark8.size());
  const auto checked = check_utf8(bytes);
  if (checked.ok()) return std::string(bytes);
  const char* name = one_byte_encoding(bytes);
  if (name == nullptr) return checked.error();
  return Error(Errc::kMalformed,
               "the text is in " + std::string(name) +
                   ", not in Unicode; convert it (with Unikey, for one) and save it as UTF-8");
}

}  // namespace lienthong::store
