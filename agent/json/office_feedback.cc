#include "agent/json/office_feedback.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "agent/json/dossier.h"
#include "agent/json/fields.h"
#include "agent/json/time.h"
#include "protocol/record/registers.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

store::AddWorkingDays working_days(const store::Calendar& calendar) {
  return [&calendar](UnixMillis from, int days) {
    return calendar.desk_closes(calendar.add_working_days(store::day_at(from), days));
  };
}

json counts_json(const store::FeedbackCounts& counts) {
  const std::int64_t handled = counts.on_time + counts.late + counts.refused + counts.ended;
  const std::int64_t open = counts.open_in_time + counts.open_overdue;
  return {{"received",
           {{"total", counts.carried + counts.received},
            {"carried", counts.carried},
            {"in_period", counts.received}}},
          {"handled",
           {{"total", handled},
            {"on_time", counts.on_time},
            {"late", counts.late},
            {"refused", counts.refused},
            {"ended", counts.ended}}},
          {"open",
           {{"total", open}, {"in_time", counts.open_in_time}, {"overdue", counts.open_overdue}}},
          {"published",
           {{"on_time", counts.published_in_time},
            {"late", counts.published_late},
            {"not_yet", counts.not_published}}}};
}

bool received_below(const RecordState& state, const AgencyId& agency, const Registry& registry) {
  const auto at = state.open_fields.find(static_cast<std::uint16_t>(Field::kIntakeAgency));
  const auto* named =
      at != state.open_fields.end() ? std::get_if<Bytes>(&at->second.value) : nullptr;
  const AgencyId intake =
      named != nullptr && named->size() == AgencyId::kSize ? AgencyId::from(*named) : state.origin;
  return registry.above_or_equal(agency, intake, registry.newest());
}

}  // namespace

store::FeedbackFacts feedback_facts(const store::Replica& replica, const RecordState& state) {
  const auto moment = [&](Field field) { return open_integer(state, field).value_or(0); };
  store::FeedbackFacts out;
  out.received_at = moment(Field::kReceivedAt);
  out.due_at = moment(Field::kDueAt);
  out.answered_at = moment(Field::kAnsweredAt);
  out.published_at = moment(Field::kPublishedAt);
  for (const UpdateId& id : state.timeline) {
    const auto update = replica.find_update(id);
    if (!update) continue;
    for (const FieldWrite& write : update->open.writes) {
      if (write.field != static_cast<std::uint16_t>(Field::kStatus)) continue;
      const auto* status = std::get_if<std::int64_t>(&write.value);
      if (status == nullptr || *status < 1 || *status > 10) continue;
      const bool first = update->open.kind == UpdateKind::kCreated;
      const UnixMillis said = first ? out.received_at : update->open.at;
      out.statuses.push_back(
          {said != 0 ? said : update->update.envelope.hlc.millis(), static_cast<Status>(*status)});
    }
  }
  std::ranges::stable_sort(out.statuses, {}, &store::StatusMoment::at);
  return out;
}

json feedback_clocks_json(const store::Replica& replica, const RecordState& state,
                          const store::Calendar& calendar, UnixMillis now) {
  json list = json::array();
  for (const store::FeedbackClock& clock : store::feedback_clocks(
           feedback_facts(replica, state), store::FeedbackRules{}, working_days(calendar), now)) {
    json line = {{"clock", clock.name},
                 {"from", format_time(clock.from)},
                 {"due", format_time(clock.due)},
                 {"state", store::to_string(clock.state)}};
    if (clock.days != 0)
      line["working_days"] = clock.days;
    else
      line["set_by_office"] = true;
    if (clock.end != 0) line["end"] = format_time(clock.end);
    list.push_back(std::move(line));
  }
  return list;
}

json feedback_report_json(const store::Replica& replica, UnixMillis from, UnixMillis to,
                          const std::optional<AgencyId>& agency, const store::Calendar& calendar,
                          UnixMillis now) {
  const auto registry = replica.registry();
  store::FeedbackCounts all;
  std::map<std::string, store::FeedbackCounts> by_topic, by_source;
  std::int64_t unknown_about = 0;
  const UnixMillis last = std::min(to, now + 1);
  replica.for_each_marked({store::Mark::kFeedback}, [&](const store::RecordEntry& entry) {
    const RecordState& state = entry.state;
    if (state.kind != RecordKind::kFeedback || state.chain.empty()) return true;
    if (agency && !received_below(state, *agency, *registry)) return true;
    const store::FeedbackFacts facts = feedback_facts(replica, state);
    const auto count = [&](store::FeedbackCounts& counts) {
      return store::count_feedback(facts, store::FeedbackRules{}, working_days(calendar), from,
                                   last, counts);
    };
    if (!count(all)) return true;
    count(by_topic[open_text(state, Field::kTopic).value_or("unknown")]);
    count(by_source[open_text(state, Field::kSource).value_or("unknown")]);
    const auto about = open_text(state, Field::kAboutDossier);
    if (about && replica.find_code(*about).empty()) ++unknown_about;
    return true;
  });
  json out = counts_json(all);
  out["form"] = "II.05";
  out["from"] = format_time(from);
  out["to"] = format_time(to);
  out["agency"] = agency_json(agency ? *agency : replica.identity().agency, *registry);
  for (const auto& [name, counts] : by_topic) out["by_topic"][name] = counts_json(counts);
  for (const auto& [name, counts] : by_source) out["by_source"][name] = counts_json(counts);
  out["about_unknown_dossiers"] = unknown_about;
  return out;
}

}  // namespace lienthong::agent
