// Columns of integers and of times. docs/protocol/parts.md, "Columns". Internal to
// protocol/wire. No threads.
#pragma once

#include "protocol/base/instant.h"
#include "protocol/wire/columns_io.h"

namespace lienthong::wire {

class IntegerColumn {
 public:
  template <class Io>
  void value(Io& io, std::uint64_t context, std::uint64_t& value) {
    std::uint64_t folded = zigzag(value);
    if (io.coded())
      symbol(io, model_, context, folded);
    else
      io.varint(folded);
    value = unzigzag(folded);
  }

 private:
  SymbolModel model_;
};

// Milliseconds since 1970 told from another time of the same update.
struct TimeCell {
  std::uint64_t context = 0;
  std::uint64_t value = 0;
  std::uint64_t hlc = 0;     // milliseconds
  std::uint32_t update = 0;  // place in the part
};

// Times of the earlier columns of the part: by column, by update; kNoTime where there is none.
inline constexpr std::uint64_t kNoTime = ~std::uint64_t{0};
using TimeTable = std::vector<std::vector<std::uint64_t>>;

class TimeColumn {
 public:
  // How a coded column is written; on the wire.
  enum Mode : std::uint64_t {
    kDifference = 0,   // in units, from the reference
    kDayAndClock = 1,  // days from the reference's; time of day from the reference's, in units
    kDayAndTime = 2,   // days from the reference's; time of day in units
    kVerbatim = 3,
  };
  struct Plan {
    std::uint64_t mode = kDifference;
    std::uint64_t reference = 0;  // 0: HLC; 1: the column's value before; 2 + k: column k
    std::uint64_t unit = 0;       // of kUnits
  };
  static constexpr std::array<std::uint64_t, 4> kUnits{1, 1000, 60'000, 3'600'000};
  static constexpr std::uint64_t kSaneEnd = 1ULL << 50;

  // The whole column. `table`: the columns before this one; this one is appended to it.
  template <class Io>
  void all(Io& io, std::span<TimeCell> cells, std::size_t updates, TimeTable& table) {
    if (io.coded())
      coded(io, cells, table);
    else
      for (TimeCell& cell : cells) plain(io, cell);
    std::vector<std::uint64_t> values(updates, kNoTime);
    for (const TimeCell& cell : cells) values[cell.update] = cell.value;
    table.push_back(std::move(values));
  }

 private:
  static constexpr std::uint64_t kDay = 86'400'000;
  static constexpr std::uint64_t kOffset = 7 * 3'600'000;  // days begin at midnight in UTC+7

  // 0: verbatim; else 1 + (difference from the HLC in seconds, zigzag, << 1, or in ms, | 1).
  template <class Io>
  static void plain(Io& io, TimeCell& cell) {
    std::uint64_t code = 0;
    if constexpr (Io::kWriting) {
      if (cell.value < kSaneEnd)
        code = 1 + (cell.value % 1000 == 0 ? zigzag(cell.value / 1000 - cell.hlc / 1000) << 1
                                           : zigzag(cell.value - cell.hlc) << 1 | 1);
    }
    io.varint(code);
    if (code == 0) return io.varint(cell.value);
    const std::uint64_t difference = unzigzag((code - 1) >> 1);
    cell.value =
        ((code - 1) & 1) != 0 ? cell.hlc + difference : (cell.hlc / 1000 + difference) * 1000;
  }

  static std::uint64_t reference(const Plan& plan, const TimeCell& cell, std::uint64_t before,
                                 const TimeTable& table) {
    if (plan.reference == 1) return before;
    if (plan.reference < 2) return cell.hlc;
    const std::uint64_t value = table[plan.reference - 2][cell.update];
    return value < kSaneEnd ? value : cell.hlc;
  }
  struct Split {
    std::uint64_t first, second;
  };
  static Split split(const Plan& plan, std::uint64_t value, std::uint64_t reference) {
    const std::uint64_t unit = kUnits[plan.unit];
    if (plan.mode == kDifference) return {zigzag(value / unit - reference / unit), 0};
    const std::uint64_t days = zigzag((value + kOffset) / kDay - (reference + kOffset) / kDay);
    const std::uint64_t time = (value + kOffset) % kDay / unit;
    if (plan.mode == kDayAndTime) return {days, time};
    return {days, zigzag(time - (reference + kOffset) % kDay / unit)};
  }
  static std::uint64_t join(const Plan& plan, const Split& from, std::uint64_t reference) {
    const std::uint64_t unit = kUnits[plan.unit];
    if (plan.mode == kDifference) return (reference / unit + unzigzag(from.first)) * unit;
    const std::uint64_t day = (reference + kOffset) / kDay + unzigzag(from.first);
    std::uint64_t time = from.second;
    if (plan.mode == kDayAndClock) time = unzigzag(time) + (reference + kOffset) % kDay / unit;
    return day * kDay + time * unit - kOffset;
  }

  template <class Io>
  void coded(Io& io, std::span<TimeCell> cells, const TimeTable& table) {
    Plan plan;
    if constexpr (Io::kWriting) plan = choose(cells, table);
    io.varint(plan.mode);
    io.varint(plan.reference);
    io.varint(plan.unit);
    if constexpr (!Io::kWriting) {
      if (plan.mode > kVerbatim || plan.unit >= kUnits.size() || plan.reference >= table.size() + 2)
        return io.fail(Errc::kMalformed, "plan of a column of times");
    }
    std::uint64_t before = cells.empty() ? 0 : cells[0].hlc;
    for (TimeCell& cell : cells) {
      if (plan.mode == kVerbatim) {
        symbol(io, first_, cell.context, cell.value);
        continue;
      }
      const std::uint64_t from = reference(plan, cell, before, table);
      Split parts{0, 0};
      if constexpr (Io::kWriting) parts = split(plan, cell.value, from);
      symbol(io, first_, cell.context, parts.first);
      if (plan.mode != kDifference) symbol(io, second_, cell.context, parts.second);
      if constexpr (!Io::kWriting) cell.value = join(plan, parts, from);
      before = cell.value < kSaneEnd ? cell.value : cell.hlc;
    }
  }

  // The cheapest plan by a guess of the bits over a sample.
  static Plan choose(std::span<const TimeCell> cells, const TimeTable& table);

  SymbolModel first_, second_;
};

}  // namespace lienthong::wire
