#include "protocol/record/agency_code.h"

#include <algorithm>

namespace lienthong {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_zeros(std::string_view group) {
  return !group.empty() && std::ranges::all_of(group, [](char c) { return c == '0'; });
}

}  // namespace

std::vector<std::string_view> code_groups(std::string_view code) {
  std::vector<std::string_view> out;
  for (;;) {
    const std::size_t dot = code.find('.');
    out.push_back(code.substr(0, dot));
    if (dot == std::string_view::npos) break;
    code.remove_prefix(dot + 1);
  }
  const bool narrow_first = !out.front().empty() && is_digit(out.front().front()) &&
                            !out.back().empty() && !is_digit(out.back().front());
  if (!narrow_first) return out;
  std::erase_if(out, is_zeros);
  std::ranges::reverse(out);
  return out;
}

bool is_agency_code(std::string_view code) {
  const auto plain = [](char c) {
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
           c == '-' || c == '_';
  };
  return std::ranges::all_of(code, plain) && !code.empty() && code.front() != '.' &&
         code.back() != '.' && code.find("..") == std::string_view::npos;
}

bool lies_under(std::string_view code, std::string_view above) {
  const auto lower = code_groups(code), upper = code_groups(above);
  return lower.size() > upper.size() && std::equal(upper.begin(), upper.end(), lower.begin()) &&
         std::ranges::none_of(lower, &std::string_view::empty);
}

}  // namespace lienthong
