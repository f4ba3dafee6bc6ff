#include "store/office/law_days.h"

#include <algorithm>
#include <chrono>
#include <map>

namespace lienthong::store {
namespace {

constexpr std::string_view kArticle112 = "Bộ luật Lao động 45/2019/QH14, Điều 112(1)";
constexpr std::string_view kLunar =
    "Bộ luật Lao động 45/2019/QH14, Điều 112(1); tính âm lịch UTC+7";
constexpr std::string_view kArticle111 = "Bộ luật Lao động 45/2019/QH14, Điều 111(3)";
constexpr std::string_view kResolution = "Nghị quyết 28/2026/QH16 24/4/2026, Điều 2";
constexpr int kCultureDayFrom = 2026;

OfficeDay day_of(int year, unsigned month, unsigned day) {
  return std::chrono::sys_days(std::chrono::year(year) / std::chrono::month(month) /
                               std::chrono::day(day))
      .time_since_epoch()
      .count();
}

int day_of_week(OfficeDay day) { return static_cast<int>(((day % 7) + 11) % 7); }

}  // namespace

std::vector<LawDay> law_days(int year, const std::set<int>& weekend) {
  if (year < kLawYearMin || year > kLawYearMax) return {};
  const OfficeDay tet = *lunar_new_year(year);
  std::vector<LawDay> named = {
      {day_of(year, 1, 1), "Tết Dương lịch", kArticle112},
      {tet - 1, "Tết Nguyên đán (ngày cuối năm âm lịch)", kLunar},
      {tet, "Tết Nguyên đán (mùng 1)", kLunar},
      {tet + 1, "Tết Nguyên đán (mùng 2)", kLunar},
      {*lunar_month(year, 3) + 9, "Giỗ Tổ Hùng Vương (10/3 âm lịch)", kLunar},
      {day_of(year, 4, 30), "Ngày Chiến thắng", kArticle112},
      {day_of(year, 5, 1), "Quốc tế Lao động", kArticle112},
      {day_of(year, 9, 2), "Quốc khánh", kArticle112},
  };
  std::ranges::sort(named, {}, &LawDay::day);
  std::map<OfficeDay, LawDay> out;
  for (const LawDay& day : named) out.try_emplace(day.day, day);
  for (const LawDay& day : named) {
    if (!weekend.contains(day_of_week(day.day))) continue;
    OfficeDay next = day.day + 1;
    while (weekend.contains(day_of_week(next)) || out.contains(next)) ++next;
    out.emplace(next, LawDay{next, "nghỉ bù: " + day.name, kArticle111});
  }
  if (year >= kCultureDayFrom) {
    const OfficeDay culture = day_of(year, 11, 24);
    out.emplace(culture, LawDay{culture, "Ngày Văn hóa Việt Nam", kResolution});
  }
  std::vector<LawDay> list;
  for (auto& [day, entry] : out) list.push_back(std::move(entry));
  return list;
}

}  // namespace lienthong::store
