// What the pinned version of a procedure says about the times on a form: the limit as a person
// reads it, and when each step that ended with a handing over was due.
#include "protocol/record/registers.h"
#include "store/forms/form_values.h"

namespace lienthong::store {
namespace {

std::string limit_text(const Limit& limit) {
  switch (limit.unit) {
    case LimitUnit::kWorkingDay: return to_amount(limit) + " ngày làm việc";
    case LimitUnit::kHour: return to_amount(limit) + " giờ";
    case LimitUnit::kCalendarDay: return to_amount(limit) + " ngày";
    case LimitUnit::kSameDay: return "Trong ngày";
  }
  return {};
}

}  // namespace

void put_work(FormContext& context, const Replica& replica, const RecordState& state,
              const Calendar& calendar) {
  std::optional<UnixMillis> last_due;  // of the step in which the work ended
  WorkReader reader(context.registry, [&](const RecordId& id) { return replica.find_record(id); });
  for (const UpdateId& id : state.timeline) {
    const auto update = replica.find_update(id);
    if (!update) continue;
    if (const Work& before = reader.work(); before.version) {
      const UnixMillis at =
          update->open.at != 0 ? update->open.at : update->update.envelope.hlc.millis();
      const auto step = find_step(before.version->definition, before.places, at, calendar);
      if (step) last_due = step->due_at;  // once the work has ended there is no step any more
      if (update->open.kind == UpdateKind::kOffer && last_due)
        context.step_due.emplace(id, *last_due);
    }
    reader.take(*update);
  }
  const Work& work = reader.work();
  if (!work.version) return;
  for (const DueAppointment& appointment : due_appointments(work, calendar)) {
    if (!appointment.due_at) continue;
    context.appointments += (context.appointments.empty() ? "" : "; ") + appointment.name + ": " +
                            form_long_time(*appointment.due_at);
  }
  if (const auto limit = work.version->definition.limit_for(open_integer(state, Field::kChannel)))
    context.time_limit = limit_text(*limit);
}

}  // namespace lienthong::store
