#include "store/replica/marks.h"

#include <algorithm>

namespace lienthong::store {
namespace {

bool has_conflict(const RecordState& state) {
  const auto several = [](const auto& entry) { return entry.second.writes.size() > 1; };
  return std::ranges::any_of(state.open_fields, several) ||
         std::ranges::any_of(state.closed_fields, several) ||
         std::ranges::any_of(state.set_aside, [&](const UpdateId& id) {
           return std::ranges::find(state.adopted, id) == state.adopted.end();
         });
}

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
  set(has_conflict(state), Mark::kConflict);
  set(!state.inert.empty(), Mark::kInert);
  return marks;
}

}  // namespace lienthong::store
