#include "store/replica/marks.h"

#include <algorithm>

#include "protocol/record/registers.h"

namespace lienthong::store {
namespace {

Marks mark_of_kind(RecordKind kind) {
  switch (kind) {
    case RecordKind::kDossier: return 0;
    case RecordKind::kLeg: return bit_of(Mark::kLeg);
    case RecordKind::kFeedback: return bit_of(Mark::kFeedback);
    case RecordKind::kDocument: return bit_of(Mark::kDocument);
    case RecordKind::kProcedure: return bit_of(Mark::kProcedure);
  }
  return 0;  // of a later version
}

}  // namespace

Marks marks_of(const RecordState& state) {
  Marks marks = mark_of_kind(state.kind);
  const auto set = [&marks](bool holds, Mark mark) {
    if (holds) marks = static_cast<Marks>(marks | bit_of(mark));
  };
  set(!state.offered.is_zero(), Mark::kOffered);
  set(std::ranges::any_of(state.invitations,
                          [](const Invitation& i) { return i.kind == UpdateKind::kConsult; }),
      Mark::kAsked);
  set(has_conflict(state) || !open_set_aside(state).empty(), Mark::kConflict);
  set(!state.inert.empty(), Mark::kInert);
  return marks;
}

}  // namespace lienthong::store
