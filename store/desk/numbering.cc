#include "store/desk/numbering.h"

#include <algorithm>
#include <cstdio>

#include "protocol/base/check.h"
#include "store/office/calendar.h"
#include "store/replica/local_names.h"
#include "store/replica/replica.h"

namespace lienthong::store {
namespace {

constexpr std::string_view kJumped = "numbering-jumped";
constexpr unsigned kNumbersOfADay = 999;

// YYYYMMDD at the office.
std::string day_of(UnixMillis now) {
  std::string date = to_date(day_at(now));
  std::erase(date, '-');
  return date;
}

}  // namespace

Result<std::string> next_code(Transaction& transaction) {
  const Identity& self = transaction.identity();
  const auto* agency = transaction.registry().find_agency(self.agency);
  LT_CHECK(agency != nullptr);
  std::string day = day_of(transaction.now());
  unsigned used = 0;
  if (const auto row = transaction.local_value(local::kNumbering)) {
    const std::string last(as_text(*row));  // YYYYMMDD and the last number used
    if (day <= last.substr(0, 8)) {
      day = last.substr(0, 8);
      used = static_cast<unsigned>(std::stoul(last.substr(9)));
    }
  }
  if (used > 0 && !transaction.heard_since_start() && !transaction.done_since_start(kJumped))
    if (const unsigned hundred = (used + 99) / 100 * 100; hundred < kNumbersOfADay) used = hundred;
  transaction.note_done_since_start(kJumped);
  if (++used > kNumbersOfADay)
    return Error(Errc::kNotAllowed,
                 "the numbers of this machine for the day are used up; give the dossier a code");
  transaction.set_local_value(local::kNumbering,
                              to_bytes(as_bytes(day + " " + std::to_string(used))));
  char number[8];
  std::snprintf(number, sizeof number, "%04u", 1000U * self.thousand + used);
  return agency->code + "-" + day.substr(2) + "-" + number;
}

}  // namespace lienthong::store
