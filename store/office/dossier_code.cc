#include "store/office/dossier_code.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "store/office/calendar.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kNumberDigitsMax = 12;
constexpr std::size_t kNumberDigitsMin = 4;
constexpr OfficeDay kCentralFrom = 20'478;  // 2026-01-25, TT 04/2025/TT-VPCP
constexpr std::string_view kTreasury = "T.";

struct Ministry {
  std::string_view digits, name;
};
// Those of G01 to G22 that own such systems, as offices list them.
constexpr std::array<Ministry, 13> kMinistries = {{
    {"01", "Bộ Công an"},
    {"02", "Bộ Xây dựng"},
    {"03", "Bộ Giáo dục và Đào tạo"},
    {"06", "Bộ Khoa học và Công nghệ"},
    {"09", "Bộ Nội vụ"},
    {"10", "Bộ Nông nghiệp và Môi trường"},
    {"12", "Bộ Tài chính"},
    {"15", "Bộ Tư pháp"},
    {"16", "Bộ Văn hóa, Thể thao và Du lịch"},
    {"17", "Bộ Xây dựng"},
    {"18", "Bộ Y tế"},
    {"22", "Văn phòng Chính phủ"},
    {"07", ""},
}};

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_agency(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.';
  });
}

// "H56", "G09": a letter and two digits.
bool is_level_one(std::string_view group) {
  return group.size() == 3 && group[0] >= 'A' && group[0] <= 'Y' && all_digits(group.substr(1));
}

CodeForm form_of(std::string_view agency) {
  const std::size_t dot = agency.rfind('.');
  const bool specific = dot != std::string_view::npos && is_level_one(agency.substr(dot + 1)) &&
                        all_digits(agency.substr(0, agency.find('.')));
  return specific ? CodeForm::kSpecificFirst : CodeForm::kGeneralFirst;
}

bool is_central(std::string_view number, OfficeDay day, std::size_t date_digits) {
  if (date_digits != 6 || day < kCentralFrom || number.size() < 2 + kNumberDigitsMin) return false;
  return std::ranges::find(kMinistries, number.substr(0, 2), &Ministry::digits) !=
         kMinistries.end();
}

}  // namespace

std::string_view to_string(CodeForm form) {
  constexpr std::array<std::string_view, 4> kNames = {"specific-first", "general-first", "central",
                                                      "treasury"};
  return kNames[static_cast<std::size_t>(form)];
}

std::string_view ministry_name(std::string_view digits) {
  const auto at = std::ranges::find(kMinistries, digits, &Ministry::digits);
  return at != kMinistries.end() ? at->name : std::string_view();
}

std::optional<DossierCode> parse_dossier_code(std::string_view text, CodeOwner owner) {
  const std::size_t last = text.rfind('-');
  if (last == std::string_view::npos || last == 0) return std::nullopt;
  const std::size_t middle = text.rfind('-', last - 1);
  if (middle == std::string_view::npos) return std::nullopt;
  DossierCode out;
  out.agency = text.substr(0, middle);
  const bool treasury = out.agency.starts_with(kTreasury);
  if (treasury) out.agency.remove_prefix(kTreasury.size());
  const std::string_view date = text.substr(middle + 1, last - middle - 1);
  std::string_view number = text.substr(last + 1);
  if (!is_agency(out.agency) || !all_digits(date) || !all_digits(number)) return std::nullopt;
  if (number.size() > kNumberDigitsMax) return std::nullopt;
  if (date.size() != 6 && date.size() != 8) return std::nullopt;
  const std::string whole = (date.size() == 6 ? "20" : "") + std::string(date);
  const auto day =
      parse_date(whole.substr(0, 4) + "-" + whole.substr(4, 2) + "-" + whole.substr(6, 2));
  if (!day) return std::nullopt;
  out.day = midnight_of(*day);
  out.form = treasury ? CodeForm::kTreasury : form_of(out.agency);
  if (!treasury && owner == CodeOwner::kOther && is_central(number, *day, date.size())) {
    out.form = CodeForm::kCentral;
    out.ministry = number.substr(0, 2);
    number.remove_prefix(2);
  }
  std::from_chars(number.data(), number.data() + number.size(), out.number);
  return out;
}

}  // namespace lienthong::store
