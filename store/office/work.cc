#include "store/office/work.h"

#include <algorithm>
#include <unordered_map>

#include "protocol/record/registers.h"
#include "store/office/updates.h"

namespace lienthong::store {
namespace {

// When it happened: what the change itself says of the state, else what its writer said, else when
// it was written.
UnixMillis moment_of(const StoredUpdate& update, std::optional<Status> status) {
  const auto& writes = update.open.writes;
  std::optional<UnixMillis> said;
  if (status == Status::kAccepted || update.open.kind == UpdateKind::kCreated)
    said = written_integer(writes, Field::kReceivedAt);
  if (status == Status::kDone) said = written_integer(writes, Field::kFinishedAt);
  if (status == Status::kReturned) said = written_integer(writes, Field::kReturnedAt);
  if (said) return *said;
  return update.open.at != 0 ? update.open.at : update.update.envelope.hlc.millis();
}

bool takes_over(UpdateKind kind) {
  return kind == UpdateKind::kCreated || kind == UpdateKind::kAccept ||
         kind == UpdateKind::kReclaim || kind == UpdateKind::kSucceed;
}

}  // namespace

void WorkReader::take(const StoredUpdate& update) {
  const auto& writes = update.open.writes;
  const std::optional<Status> status = written_status(writes);
  const UnixMillis at = moment_of(update, status);
  std::optional<std::string> outside = take_place(update, at, status);
  take_clock(update, at, status, std::move(outside));
}

// The name of a step outside of the total that begins now; empty: one has ended.
std::optional<std::string> WorkReader::take_place(const StoredUpdate& update, UnixMillis at,
                                                  std::optional<Status> status) {
  const auto& writes = update.open.writes;
  PlaceEvent place;
  place.at = at;
  place.status = status;
  place.step = written_integer(writes, Field::kStep).value_or(0);
  if (takes_over(update.open.kind))
    if (const AgencyInfo* agency = registry_.find_agency(update.agency)) {
      // A step is not taken over by whoever calls himself like the office that it names.
      const bool its_own = agency->code_right != CodeRight::kNone;
      place.agency_code = its_own ? agency->code : agency->id.short_hex();
      place.tier = agency->tier;
    }
  if (place.step == 0 && !status && place.agency_code.empty()) return std::nullopt;
  out_.places.push_back(place);
  if (!out_.version) return std::nullopt;
  const auto& steps = out_.version->definition.steps;
  place_ = next_place(place_, steps, place);
  const bool known = place_.number >= 1 && place_.number <= steps.size();
  const bool outside = known && steps[place_.number - 1].outside;
  if (outside == outside_) return std::nullopt;
  outside_ = outside;
  return outside ? steps[place_.number - 1].name : std::string();
}

void WorkReader::take_clock(const StoredUpdate& update, UnixMillis at, std::optional<Status> status,
                            std::optional<std::string> outside) {
  const auto& writes = update.open.writes;
  if (status) out_.status = status;
  ClockEvent event;
  event.at = at;
  event.status = status;
  event.outside = std::move(outside);
  event.due_at = written_integer(writes, Field::kDueAt);
  event.apology = event.due_at && written_integer(writes, Field::kReappointedAt);
  take_limit(writes, event);
  const auto received = written_integer(writes, Field::kReceivedAt);
  const auto starts = written_integer(writes, Field::kClockStartsAt);
  if (received && !out_.clock.received_at) {
    out_.clock.received_at = received;
    out_.clock.clock_starts_at = starts;
    out_.clock.limit = limit_;
    event.limit_changed = false;
  } else {
    if (received != out_.clock.received_at) event.received_at = received;
    event.clock_starts_at = starts;
  }
  if (!out_.clock.received_at) event.limit_changed = false;
  if (event.status || event.outside || event.due_at || event.limit_changed || event.received_at ||
      event.clock_starts_at)
    out_.clock.events.push_back(event);
}

void WorkReader::take_limit(const std::vector<FieldWrite>& writes, ClockEvent& event) {
  if (const auto channel = written_integer(writes, Field::kChannel)) channel_ = channel;
  if (const FieldValue* pinned = written_value(writes, Field::kProcedureVersion)) {
    const auto* bytes = std::get_if<Bytes>(pinned);
    out_.version.reset();
    if (bytes != nullptr && bytes->size() == RecordId::kSize)
      if (const auto entry = find_record_(RecordId::from(*bytes)))
        out_.version = read_procedure(entry->state);
  }
  if (out_.version) {
    out_.clock.resume = out_.version->definition.resume;
    out_.clock.cut_off = out_.version->definition.cut_off;
  }
  const auto limit = out_.version ? out_.version->definition.limit_for(channel_) : std::nullopt;
  event.limit_changed = limit != limit_;
  event.limit = limit_ = limit;
}

void take_all(WorkReader& reader, const RecordState& state,
              const std::function<void(const std::function<void(StoredUpdate&&)>&)>& read) {
  std::vector<StoredUpdate> updates;  // in the order of arrival, which nearly is the timeline's
  read([&updates](StoredUpdate&& update) {
    update.update.open = update.update.closed = {};  // it was decoded; the rest is not asked for
    updates.push_back(std::move(update));
  });
  std::unordered_map<UpdateId, const StoredUpdate*> by_id;
  std::size_t next = 0;
  for (const UpdateId& id : state.timeline) {
    if (by_id.empty() && next < updates.size() && updates[next].id == id) {
      reader.take(updates[next++]);
      continue;
    }
    if (by_id.empty())
      for (const StoredUpdate& update : updates) by_id.emplace(update.id, &update);
    if (const auto at = by_id.find(id); at != by_id.end()) reader.take(*at->second);
  }
}

Work read_work(const Replica& replica, const RecordState& state) {
  const auto registry = replica.registry();
  WorkReader reader(*registry, [&](const RecordId& id) { return replica.find_record(id); });
  const auto record = replica.find_record(state.record);
  if (!record) return reader.work();
  take_all(reader, state,
           [&](const auto& visit) { for_each_update(replica, record->updates, visit); });
  return reader.work();
}

std::vector<DueAppointment> due_appointments(const Work& work, const Calendar& calendar) {
  std::vector<DueAppointment> out;
  if (!work.version) return out;
  DeadlineInput input = work.clock;
  for (ClockEvent& event : input.events) {
    event.limit_changed = false;
    if (!event.apology) event.due_at.reset();
  }
  Limit sum;
  for (const Appointment& appointment : work.version->definition.appointments) {
    sum.unit = appointment.limit.unit;
    sum.quarters = std::min(sum.quarters + appointment.limit.quarters, kLimitQuartersMax);
    input.limit = sum;
    out.push_back({appointment.name, find_deadline(input, calendar).due_at});
  }
  return out;
}

Explanation explain(const Work& work, const RecordState& state, UnixMillis now,
                    const Calendar& calendar) {
  Explanation out;
  std::vector<TraceStep> head;
  TraceStep version;
  if (work.version) {
    version.step = DeadlineStep::kVersion;
    version.text = work.version->decision.empty() ? work.version->code : work.version->decision;
    version.at = work.version->effective_from.value_or(0);
    out.appointments = due_appointments(work, calendar);
    out.step = find_step(work.version->definition, work.places, now, calendar);
  } else {
    version.step = DeadlineStep::kNoVersion;
    version.text = open_text(state, Field::kProcedure).value_or(std::string());
  }
  head.push_back(std::move(version));
  if (work.clock.limit) {
    TraceStep limit;
    limit.step = DeadlineStep::kLimit;
    limit.limit = work.clock.limit;
    limit.text = work.clock.resume == Resume::kRestart ? "restart" : "extend";
    head.push_back(std::move(limit));
  }
  out.deadline = find_deadline(work.clock, calendar);
  out.deadline.trace.insert(out.deadline.trace.begin(), std::make_move_iterator(head.begin()),
                            std::make_move_iterator(head.end()));
  return out;
}

}  // namespace lienthong::store
