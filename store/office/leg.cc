#include "store/office/leg.h"

#include <algorithm>

#include "protocol/record/fields.h"
#include "store/office/calendar.h"

namespace lienthong::store {
namespace {

template <class T>
T open_value(const RecordState& state, Field field) {
  const auto at = state.open_fields.find(static_cast<std::uint16_t>(field));
  const T* value = at != state.open_fields.end() ? std::get_if<T>(&at->second.value) : nullptr;
  return value != nullptr ? *value : T{};
}

bool has_held(const RecordState& record, const AgencyId& agency) {
  return std::ranges::any_of(record.chain, [&](const LinkEntry& link) {
    return link.by == agency &&
           (link.kind == UpdateKind::kCreated || link.kind == UpdateKind::kAccept ||
            link.kind == UpdateKind::kReclaim || link.kind == UpdateKind::kSucceed);
  });
}

LegState state_of(const RecordState& leg, const AgencyId& lead) {
  switch (static_cast<Status>(open_value<std::int64_t>(leg, Field::kStatus))) {
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
  const Bytes named = open_value<Bytes>(leg, Field::kCompetentAgency);
  return named.size() == AgencyId::kSize ? AgencyId::from(named) : leg.holder;
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
  out.code = open_value<std::string>(leg, Field::kCode);
  out.agency = worker_of(leg, holder);
  out.duty = open_value<std::string>(leg, Field::kDuty);
  out.procedure = open_value<std::string>(leg, Field::kProcedure);
  out.outcome = open_value<std::string>(leg, Field::kOutcome);
  out.asked_at = leg.chain.front().hlc.millis();
  out.due_at = open_value<std::int64_t>(leg, Field::kDueAt);
  out.finished_at = open_value<std::int64_t>(leg, Field::kFinishedAt);
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
