#include "store/desk/numbering.h"

#include <algorithm>
#include <cstdio>

#include "protocol/base/check.h"
#include "store/office/calendar.h"
#include "store/replica/local_names.h"
#include "store/replica/replica.h"

namespace lienthong::store {
namespace {

constexpr std::string_view kJumped = "numbering-jumped/";  // the day
// Of four digits a machine has 999 a day, those of its thousand; beyond, of six, those of its
// hundred thousand, so that no two machines give one out.
constexpr unsigned kShortNumbers = 999;
constexpr unsigned kNumbersOfADay = 99'999;

// YYYYMMDD at the office.
std::string day_of(UnixMillis now) {
  std::string date = to_date(day_at(now));
  std::erase(date, '-');
  return date;
}

// The last number given out on that day.
unsigned used_on(const Transaction& transaction, std::string_view day, std::string_view row) {
  if (const auto last = transaction.local_value(row))
    return static_cast<unsigned>(std::stoul(std::string(as_text(*last))));
  // Of earlier programs: the last day, a blank and its last number.
  const auto before = transaction.local_value(local::kNumbering);
  if (!before || !as_text(*before).starts_with(day)) return 0;
  return static_cast<unsigned>(std::stoul(std::string(as_text(*before).substr(9))));
}

}  // namespace

Result<std::string> next_code(Transaction& transaction) {
  const Identity& self = transaction.identity();
  const auto* agency = transaction.registry().find_agency(self.agency);
  LT_CHECK(agency != nullptr);
  const std::string day = day_of(transaction.now());
  const std::string row = std::string(local::kDayNumber) + day;
  unsigned used = used_on(transaction, day, row);
  const std::string jumped = std::string(kJumped) + day;
  if (used > 0 && !transaction.heard_since_start() && !transaction.done_since_start(jumped))
    if (const unsigned hundred = (used + 99) / 100 * 100; hundred < kNumbersOfADay) used = hundred;
  transaction.note_done_since_start(jumped);
  if (++used > kNumbersOfADay)
    return Error(Errc::kNotAllowed,
                 "the numbers of this machine for the day are used up; give the dossier a code");
  transaction.set_local_value(row, to_bytes(as_bytes(std::to_string(used))));
  char number[16];
  if (used <= kShortNumbers) {
    std::snprintf(number, sizeof number, "%04u", 1000U * self.thousand + used);
  } else {
    std::snprintf(number, sizeof number, "%06u", 100'000U * (self.thousand + 1U) + used);
  }
  return agency->code + "-" + day.substr(2) + "-" + number;
}

}  // namespace lienthong::store
