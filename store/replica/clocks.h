// What a machine knows of its own clock and of others': what neighbours' clocks said when a session
// began, and what changes of others name as they come. Never decides a right; it says whom to
// believe when one has to be asked for. docs/operations.md, "Clocks". Pure values; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "protocol/record/registry.h"

namespace lienthong::store {

inline constexpr UnixMillis kClockTolerance = 86'400'000;  // a day: less is nobody's business

// Of one machine, since this one started.
struct ClockReading {
  AgencyId agency;
  UnixMillis ahead = 0;  // of ours; negative: behind
  UnixMillis at = 0;     // by ours
};
using ClockReadings = std::map<NodeId, ClockReading>;

// A change names a time that lay more than a day ahead when it came.
constexpr bool is_doubtful(UnixMillis named, UnixMillis came_at) {
  return came_at != 0 && named > came_at + kClockTolerance;
}

enum class ClockFault : std::uint8_t {
  kNone,
  kBeforeRelease,  // it says a time before this program was made
  kBeforeRoot,     // before the newest word of the root, and no neighbour says the same
  kNeighbours,     // superiors and neighbours say otherwise
  kBehindRecords,  // before the newest change here, and no neighbour has said anything
};

struct ClockVerdict {
  ClockFault fault = ClockFault::kNone;
  UnixMillis proof = 0;  // the time that it should not be before; kNeighbours: what theirs say now
  bool confirmed = false;  // some neighbour's says the same
  // Machines whose clocks differ from ours and from those of most who know.
  struct Other {
    NodeId node;
    ClockReading reading;
  };
  std::vector<Other> others;
};

struct ClockFacts {
  UnixMillis now = 0;
  UnixMillis released_at = 0;  // 0: not known
  UnixMillis newest_here = 0;  // that a change names
  AgencyId ours;
};
// A superior counts twice, each other neighbour once, and we ourselves once. Only superiors, those
// directly below, and machines of our own have a say: nobody can make more of these for himself.
ClockVerdict judge_clock(const ClockReadings& readings, const Registry& registry,
                         const ClockFacts& facts);

}  // namespace lienthong::store
