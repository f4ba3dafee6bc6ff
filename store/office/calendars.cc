#include "store/office/calendars.h"

#include <algorithm>
#include <tuple>

#include "protocol/record/registers.h"
#include "store/office/revision.h"

namespace lienthong::store {
namespace {

std::string text_of(const RecordState& state, Field field) {
  return open_text(state, field).value_or(std::string());
}

bool is_over(const RecordState& state, UnixMillis now) {
  const auto to = open_integer(state, Field::kEffectiveTo);
  return to && day_at(*to) < day_at(now);
}

std::vector<RecordEntry> calendar_records(const Replica& replica) {
  std::vector<RecordEntry> out;
  for (const RecordId& id : replica.find_code(kCalendarCode)) {
    auto entry = replica.find_record(id);
    if (entry && entry->state.kind == RecordKind::kProcedure && !entry->state.chain.empty() &&
        open_text(entry->state, Field::kCalendar))
      out.push_back(*std::move(entry));
  }
  return out;
}

bool goes_for(const AgencyId& author, const AgencyId& ours, const Registry& registry) {
  const TreeVersion newest = registry.newest();
  return registry.above_or_equal(author, ours, newest) ||
         registry.above_or_equal(registry.resolve(author, newest), ours, newest);
}

}  // namespace

std::vector<PublishedCalendar> published_calendars(const Replica& replica, UnixMillis now) {
  const auto registry = replica.registry();
  const AgencyId& ours = replica.identity().agency;
  std::vector<RecordEntry> records = calendar_records(replica);
  std::ranges::sort(records, {}, [&](const RecordEntry& entry) {
    const RecordState& state = entry.state;
    return std::tuple(registry->level(state.origin, registry->newest()),
                      state.chain.front().hlc.value, state.record);
  });
  std::vector<PublishedCalendar> out;
  for (const RecordEntry& entry : records) {
    const RecordState& state = entry.state;
    PublishedCalendar one;
    one.record = state.record;
    one.author = state.origin;
    one.name = text_of(state, Field::kProcedureName);
    one.decision = text_of(state, Field::kDecision);
    one.text = text_of(state, Field::kCalendar);
    auto reading = parse_calendar(one.text);
    if (!reading.mistakes.empty())
      one.problem = "line " + std::to_string(reading.mistakes.front().line) + ": " +
                    reading.mistakes.front().text;
    one.counts =
        one.problem.empty() && !is_over(state, now) && goes_for(state.origin, ours, *registry);
    one.calendar = std::move(reading.calendar);
    out.push_back(std::move(one));
  }
  return out;
}

const Calendar& Calendars::at(const Replica& replica, UnixMillis now, const Calendar& base,
                              bool own_table) {
  std::string basis = std::to_string(replica.registry()->newest()) + " ";
  for (const RecordEntry& entry : calendar_records(replica))
    basis += revision_of(entry.state) + (is_over(entry.state, now) ? "- " : " ");
  const std::lock_guard lock(mutex_);
  if (!calendars_.empty() && basis == basis_) return calendars_.back();
  Calendar made = base;
  for (const PublishedCalendar& one : published_calendars(replica, now))
    if (one.counts)
      made = made.with(one.calendar, !own_table || one.author == replica.identity().agency);
  basis_ = std::move(basis);
  calendars_.push_back(std::move(made));
  return calendars_.back();
}

}  // namespace lienthong::store
