// Days off of a year whose notice is not known: those that the law itself names, with what is made
// up for where they fall on a weekly day off. The other days of Tết (the notice chooses how many
// lie before its first), the second day of 2/9, and days that are swapped are not decided by it.
// Sources: Bộ luật Lao động 45/2019/QH14 (in force since 2021), Điều 111(3) and 112(1); Nghị quyết
// 28/2026/QH16, Điều 2, for 24/11, which is not made up for. Pure; any thread.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "store/office/lunar.h"

namespace lienthong::store {

inline constexpr int kLawYearMin = 2021, kLawYearMax = kLunarYearMax;

struct LawDay {
  OfficeDay day = 0;
  std::string name;
  std::string_view source;
};
// Ascending. `weekend`: 0 Sunday to 6 Saturday. Empty: of a year out of range.
std::vector<LawDay> law_days(int year, const std::set<int>& weekend);

}  // namespace lienthong::store
