#include "store/office/leg.h"

#include <algorithm>

#include "protocol/record/registers.h"
#include "store/office/calendar.h"

namespace lienthong::store {
namespace {

bool has_held(const RecordState& record, const AgencyId& agency) {
  return std::ranges::any_of(record.chain, [&](const LinkEntry& link) {
    return link.by == agency &&
           (link.kind == UpdateKind::kCreated || link.kind == UpdateKind::kAccept ||
            link.kind == UpdateKind::kReclaim || link.kind == UpdateKind::kSucceed);
  });
}

LegState state_of(const RecordState& leg, const AgencyId& lead) {
  switch (open_status(leg).value_or(Status::kAccepted)) {
    case Status::kRefused:
    case Status::kWithdrawn:
    case Status::kStopped: return LegState::kEnded;
    case Status::kDone:
    case Status::kReturned:
      return leg.holder == lead && leg.offered.is_zero() ? LegState::kGathered
                                                         : LegState::kFinished;
    default: break;
  }
  if (!leg.offered.is_zero()) return LegState::kOffered;
  return leg.holder == lead ? LegState::kReturned : LegState::kWorking;
}

AgencyId worker_of(const RecordState& leg, const AgencyId& lead) {
  if (!leg.offered.is_zero() && leg.offered != lead) return leg.offered;
  if (leg.holder != lead) return leg.holder;
  return open_agency(leg, Field::kCompetentAgency).value_or(leg.holder);
}

}  // namespace

std::string_view to_string(LegState state) {
  switch (state) {
    case LegState::kOffered: return "offered";
    case LegState::kWorking: return "working";
    case LegState::kReturned: return "returned";
    case LegState::kFinished: return "finished";
    case LegState::kGathered: return "gathered";
    case LegState::kEnded: return "ended";
  }
  return "offered";
}

bool is_open(LegState state) { return state != LegState::kGathered && state != LegState::kEnded; }

Leg read_leg(const RecordState& lead, const RecordState& leg) {
  const AgencyId& holder = lead.chain.empty() ? leg.origin : lead.holder;
  Leg out;
  out.record = leg.record;
  out.code = code_or_empty(leg);
  out.agency = worker_of(leg, holder);
  out.procedure = open_text(leg, Field::kProcedure).value_or("");
  out.asked_at = leg.chain.front().hlc.millis();
  out.due_at = open_integer(leg, Field::kDueAt).value_or(0);
  out.finished_at = open_integer(leg, Field::kFinishedAt).value_or(0);
  out.state = state_of(leg, holder);
  out.asked_by_holder = lead.chain.empty() || has_held(lead, leg.origin);
  return out;
}

bool is_late(const Leg& leg, UnixMillis now) {
  if (leg.due_at == 0 || leg.state == LegState::kEnded) return false;
  const UnixMillis end = leg.finished_at != 0 ? leg.finished_at : now;
  return day_at(end) > day_at(leg.due_at);
}

}  // namespace lienthong::store
