#include "protocol/wire/columns_values.h"

#include <algorithm>

namespace lienthong::wire {

TimeColumn::Plan TimeColumn::choose(std::span<const TimeCell> cells, const TimeTable& table) {
  Plan best;
  for (const TimeCell& cell : cells)
    if (cell.value >= kSaneEnd) return Plan{kVerbatim, 0, 0};
  while (best.unit + 1 < kUnits.size() && std::ranges::all_of(cells, [&](const TimeCell& cell) {
           return cell.value % kUnits[best.unit + 1] == 0;
         }))
    ++best.unit;
  constexpr std::size_t kSample = 96;
  constexpr std::uint64_t kHit = 1, kMiss = 3;  // bits, about
  std::uint64_t fewest = ~std::uint64_t{0};
  const Plan base = best;
  for (std::uint64_t from = 0; from < table.size() + 2; ++from) {
    for (const std::uint64_t mode : {kDifference, kDayAndClock, kDayAndTime}) {
      const Plan plan{mode, from, base.unit};
      std::array<std::array<std::uint64_t, 256>, 2> last{};
      std::uint64_t bits = 0;
      std::uint64_t before = cells.empty() ? 0 : cells[0].hlc;
      for (const TimeCell& cell : cells.first(std::min(cells.size(), kSample))) {
        const Split parts = split(plan, cell.value, reference(plan, cell, before, table));
        const std::uint64_t both[2] = {parts.first, parts.second};
        for (std::size_t i = 0; i < (mode == kDifference ? 1U : 2U); ++i) {
          std::uint64_t& same = last[i][cell.context % last[i].size()];
          bits +=
              same == both[i] ? kHit : kMiss + static_cast<std::uint64_t>(std::bit_width(both[i]));
          same = both[i];
        }
        before = cell.value;
      }
      if (bits < fewest) {
        fewest = bits;
        best = plan;
      }
    }
  }
  return best;
}

}  // namespace lienthong::wire
