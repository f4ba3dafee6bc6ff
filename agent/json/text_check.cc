#include "agent/json/text_check.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

#include "store/office/search_text.h"

namespace lienthong::agent {
namespace {

const utf8proc_uint8_t* data_of(std::string_view text) {
  return reinterpret_cast<const utf8proc_uint8_t*>(text.data());
}

// Calls `visit` with each code point; the offset of the first bad byte, or npos.
template <class Visit>
std::size_t for_each_code_point(std::string_view text, const Visit& visit) {
  std::size_t at = 0;
  while (at < text.size()) {
    utf8proc_int32_t code = -1;
    const auto size = utf8proc_iterate(data_of(text) + at,
                                       static_cast<utf8proc_ssize_t>(text.size() - at), &code);
    if (size <= 0) return at;
    visit(at, code);
    at += static_cast<std::size_t>(size);
  }
  return std::string_view::npos;
}

struct Free {
  void operator()(utf8proc_uint8_t* bytes) const { std::free(bytes); }
};

// Empty when the text is not UTF-8.
std::string map(std::string_view text, int options) {
  utf8proc_uint8_t* mapped = nullptr;
  const auto size = utf8proc_map(data_of(text), static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                                 static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, Free> owner(mapped);
  if (size < 0) return {};
  return {reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(size)};
}

// Letters that stand as they are in form C whatever stands beside them: Unicode's
// NFC_Quick_Check says yes of all before the combining marks, and of the block in which the rest of
// Vietnamese lies (DerivedNormalizationProps.txt).
bool stays_in_form_c(utf8proc_int32_t code) {
  return code < 0x300 || (code >= 0x1E00 && code < 0x1F00);
}

}  // namespace

Result<void> check_utf8(std::string_view text) {
  const std::size_t bad = for_each_code_point(text, [](std::size_t, utf8proc_int32_t) {});
  if (bad == std::string_view::npos) return {};
  return Error(Errc::kMalformed, "invalid UTF-8 at byte " + std::to_string(bad + 1));
}

Result<void> check_text(std::string_view text) {
  std::size_t control = std::string_view::npos;
  bool in_form = true;
  const std::size_t bad = for_each_code_point(text, [&](std::size_t at, utf8proc_int32_t code) {
    const bool allowed =
        code >= 0x20 ? code < 0x7F || code > 0x9F : code == '\t' || code == '\n' || code == '\r';
    if (!allowed && control == std::string_view::npos) control = at;
    in_form = in_form && stays_in_form_c(code);
  });
  if (bad != std::string_view::npos)
    return Error(Errc::kMalformed, "invalid UTF-8 at byte " + std::to_string(bad + 1));
  if (control != std::string_view::npos)
    return Error(Errc::kInvalidArgument,
                 "a control character at byte " + std::to_string(control + 1));
  if (in_form) return {};
  if (map(text, UTF8PROC_STABLE | UTF8PROC_COMPOSE) != text)
    return Error(Errc::kNotCanonical, "the text is not in Unicode normal form C (NFC)");
  return {};
}

std::string search_form(std::string_view text) { return store::search_form(text); }

}  // namespace lienthong::agent
