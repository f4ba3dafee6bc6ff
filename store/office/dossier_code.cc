#include "store/office/dossier_code.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "store/office/calendar.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kNumberDigitsMax = 12;

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_agency(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.';
  });
}

}  // namespace

std::optional<DossierCode> parse_dossier_code(std::string_view text) {
  const std::size_t last = text.rfind('-');
  if (last == std::string_view::npos || last == 0) return std::nullopt;
  const std::size_t middle = text.rfind('-', last - 1);
  if (middle == std::string_view::npos) return std::nullopt;
  DossierCode out;
  out.agency = text.substr(0, middle);
  const std::string_view date = text.substr(middle + 1, last - middle - 1);
  const std::string_view number = text.substr(last + 1);
  if (!is_agency(out.agency) || !all_digits(date) || !all_digits(number)) return std::nullopt;
  if (number.size() > kNumberDigitsMax) return std::nullopt;
  if (date.size() != 6 && date.size() != 8) return std::nullopt;
  const std::string whole = (date.size() == 6 ? "20" : "") + std::string(date);
  const auto day =
      parse_date(whole.substr(0, 4) + "-" + whole.substr(4, 2) + "-" + whole.substr(6, 2));
  if (!day) return std::nullopt;
  out.day = midnight_of(*day);
  std::from_chars(number.data(), number.data() + number.size(), out.number);
  return out;
}

}  // namespace lienthong::store
