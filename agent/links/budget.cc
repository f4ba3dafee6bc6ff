#include "agent/links/budget.h"

#include <algorithm>
#include <numeric>

#include "store/office/calendar.h"

namespace lienthong::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

using store::kDayMillis;

constexpr std::uint8_t kStateVersion = 1;  // on disk: version, wall, elapsed, two rows of lanes

std::uint64_t sum(const LaneBytes& lanes) {
  return std::accumulate(lanes.begin(), lanes.end(), std::uint64_t{0});
}

// `part` of `whole` of `total`, without overflow.
std::uint64_t share(std::uint64_t total, std::uint64_t part, std::uint64_t whole) {
  return static_cast<std::uint64_t>(static_cast<long double>(total) *
                                    static_cast<long double>(part) /
                                    static_cast<long double>(whole));
}

}  // namespace

bool DayHours::contains(int minute) const {
  if (from < to) return minute >= from && minute < to;
  return minute >= from || minute < to;
}

std::optional<DayHours> parse_hours(std::string_view text) {
  if (text.size() != 11 || text[2] != ':' || text[5] != '-' || text[8] != ':') return std::nullopt;
  const auto minutes = [&](std::size_t at) -> std::optional<int> {
    for (const std::size_t i : {at, at + 1, at + 3, at + 4}) {
      if (text[i] < '0' || text[i] > '9') return std::nullopt;
    }
    const int hour = (text[at] - '0') * 10 + text[at + 1] - '0';
    const int minute = (text[at + 3] - '0') * 10 + text[at + 4] - '0';
    const int total = hour * 60 + minute;
    return minute < 60 && total <= 24 * 60 ? std::optional(total) : std::nullopt;
  };
  const auto from = minutes(0), to = minutes(6);
  if (!from || !to || *from == *to) return std::nullopt;
  return DayHours{*from, *to};
}

std::string to_text(const DayHours& hours) {
  std::string out;
  for (const int minutes : {hours.from, hours.to}) {
    if (!out.empty()) out += '-';
    for (const int number : {minutes / 60, minutes % 60}) {
      if (!out.empty() && out.back() != '-') out += ':';
      out += static_cast<char>('0' + number / 10);
      out += static_cast<char>('0' + number % 10);
    }
  }
  return out;
}

int minute_of_day(UnixMillis time) {
  return static_cast<int>((time - store::midnight_of(store::day_at(time))) / store::kMinuteMillis);
}

const char* to_string(LaneGate gate) {
  switch (gate) {
    case LaneGate::kOpen: return "open";
    case LaneGate::kBudget: return "budget";
    case LaneGate::kHours: return "hours";
    case LaneGate::kDisk: return "disk-full";
  }
  return "open";
}

Budget::Budget(std::uint64_t bytes_per_day, DayHours hours, Instant now)
    : bytes_per_day_(bytes_per_day), hours_(hours), advanced_(now) {}

Bytes Budget::state(UnixMillis wall) const {
  ByteWriter out;
  out.u8(kStateVersion);
  out.u64(static_cast<std::uint64_t>(wall));
  out.u64(static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(elapsed_).count()));
  for (const std::uint64_t bytes : spent_) out.u64(bytes);
  for (const std::uint64_t bytes : before_) out.u64(bytes);
  return out.take();
}

Result<void> Budget::restore(ByteView state, UnixMillis wall) {
  ByteReader in(state);
  LT_TRY(const std::uint8_t version, in.u8());
  LT_TRY(const std::uint64_t saved, in.u64());
  LT_TRY(const std::uint64_t elapsed, in.u64());
  LaneBytes spent, before;
  for (std::uint64_t& bytes : spent) {
    LT_TRY(bytes, in.u64());
  }
  for (std::uint64_t& bytes : before) {
    LT_TRY(bytes, in.u64());
  }
  LT_TRY_VOID(in.finish("the budget's saved day"));
  if (version != kStateVersion || elapsed >= static_cast<std::uint64_t>(kDayMillis)) {
    return Error(Errc::kMalformed, "the budget's saved day");
  }
  spent_ = spent;
  before_ = before;
  elapsed_ = milliseconds(elapsed);
  // A clock that was set back says nothing; one that jumped ahead ends at most this day.
  const auto then = static_cast<UnixMillis>(saved);
  pass(milliseconds(wall > then ? std::min(wall - then, kDayMillis) : 0));
  return {};
}

void Budget::pass(nanoseconds time) {
  elapsed_ += time;
  while (elapsed_ >= kDay) {
    elapsed_ -= kDay;
    before_ = spent_;
    spent_ = LaneBytes{};
  }
}

void Budget::advance(Instant now) {
  if (now <= advanced_) return;
  pass(now - advanced_);
  advanced_ = now;
}

void Budget::spend(const LaneBytes& payload, std::uint64_t ip_bytes) {
  const std::uint64_t whole = sum(payload);
  std::uint64_t left = ip_bytes;
  for (std::size_t lane = kLaneCount - 1; whole > 0 && lane > 0; --lane) {
    const std::uint64_t part = std::min(left, share(ip_bytes, payload[lane], whole));
    spent_[lane] += part;
    left -= part;
  }
  spent_[0] += left;
}

std::uint64_t Budget::spent_total() const { return sum(spent_); }

LaneGate Budget::gate(std::size_t lane, UnixMillis wall) const {
  const int percent = kClosesAtPercent.at(lane);
  if (percent == 0) return LaneGate::kOpen;
  if (bytes_per_day_ > 0 &&
      spent_total() >= share(bytes_per_day_, static_cast<std::uint64_t>(percent), 100)) {
    return LaneGate::kBudget;
  }
  if (lane == kLaneCount - 1 && !hours_.contains(minute_of_day(wall))) return LaneGate::kHours;
  return LaneGate::kOpen;
}

BudgetStatus Budget::status(UnixMillis wall) const {
  BudgetStatus out;
  out.bytes_per_day = bytes_per_day_;
  out.spent = spent_;
  out.spent_before = before_;
  out.spent_total = spent_total();
  out.elapsed = std::chrono::duration_cast<std::chrono::seconds>(elapsed_);
  const auto known = std::max<nanoseconds>(elapsed_, kForecastMin);
  out.forecast = share(out.spent_total, static_cast<std::uint64_t>(nanoseconds(kDay).count()),
                       static_cast<std::uint64_t>(known.count()));
  for (std::size_t lane = 0; lane < kLaneCount; ++lane) out.gates[lane] = gate(lane, wall);
  return out;
}

}  // namespace lienthong::agent
