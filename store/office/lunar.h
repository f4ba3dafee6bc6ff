// The lunisolar calendar of Việt Nam, as far as days off rest on it: Tết and 10/3. A month begins
// on the day of the new moon at UTC+7; month 11 holds the winter solstice; of thirteen months
// between two such the first in which the sun enters no twelfth of its way is the leap one. So a
// year may begin on another day than China's, which is counted at UTC+8: 1985, 2007, 2030, 2053.
// Sun and moon: J. Meeus, Astronomical Algorithms (2nd ed.), chapters 25, 27 and 49; what turns
// uniform time into that of the day: F. Espenak and J. Meeus, NASA/TP-2006-214141.
// Pure; any thread.
#pragma once

#include <optional>

#include "store/office/calendar.h"

namespace lienthong::store {

inline constexpr int kLunarYearMin = 1968, kLunarYearMax = 2099;  // where it was compared

// The first day of that month of the lunar year (1 to 12; not of a leap month) that begins in
// `year`. nullopt: out of range.
std::optional<OfficeDay> lunar_month(int year, int month);
inline std::optional<OfficeDay> lunar_new_year(int year) { return lunar_month(year, 1); }

}  // namespace lienthong::store
