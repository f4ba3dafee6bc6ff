// What a few records among very many have in common, so that whoever looks for them need not read
// all: offers that wait, feedback, procedures, conflicts. A projection keeps them as rows `m`
// (docs/storage.md, "Projections"). A pure function of the record's state.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>

#include "protocol/record/fold.h"

namespace lienthong::store {

class Replica;
struct RecordEntry;

enum class Mark : std::uint8_t {  // on disk: never change
  kOffered = 1,                   // an offer is open
  kAsked = 2,                     // some agency was consulted, whether it has answered or not
  kLeg = 3,
  kFeedback = 4,
  kDocument = 5,
  kProcedure = 6,
  kConflict = 7,  // concurrent writes, or writes set aside and not adopted
  kInert = 8,     // some update of it changes nothing
};
inline constexpr std::array kMarks = {Mark::kOffered,  Mark::kAsked,    Mark::kLeg,
                                      Mark::kFeedback, Mark::kDocument, Mark::kProcedure,
                                      Mark::kConflict, Mark::kInert};

using Marks = std::uint16_t;  // a bit for each
constexpr Marks bit_of(Mark mark) { return static_cast<Marks>(1U << static_cast<unsigned>(mark)); }

Marks marks_of(const RecordState& state);

// Records that bear any of these marks, each once, in the order of their local numbers; reads no
// others. Stops when `visit` returns false. Threads: any.
void for_each_marked(const Replica& replica, std::initializer_list<Mark> marks,
                     const std::function<bool(const RecordEntry&)>& visit);

}  // namespace lienthong::store
