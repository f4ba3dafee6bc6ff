// Up to when what each agency of a report has written is here, and how that is known.
// Reads one replica; any thread.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "store/office/report.h"

namespace lienthong::store {

// What the links know of a neighbour.
struct Contact {
  AgencyId agency;
  bool in_sync = false;         // it has told us that nothing is left
  UnixMillis caught_up_at = 0;  // when it last had; 0: never
};

enum class KnownBy : std::uint8_t {
  kNothing,
  kNewestChange,  // the newest of its changes here, whoever brought it: says nothing of a quiet one
  kCaughtUp,      // as a neighbour told us
  kSelf,
};
std::string_view to_string(KnownBy known);  // "newest-change", …

struct Arrival {
  AgencyId agency;
  UnixMillis until = 0;  // 0: nothing of it is here
  KnownBy known_by = KnownBy::kNothing;
  bool behind = false;    // of what the report is as of
  bool doubtful = false;  // its newest change names a time more than a day ahead: `until` is now
};
// In the order of the report's agencies.
std::vector<Arrival> arrivals(const Report& report, const Replica& replica,
                              std::span<const Contact> contacts, UnixMillis now);

}  // namespace lienthong::store
