#include "store/office/procedure.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "protocol/record/registers.h"

namespace lienthong::store {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 4> kChannels = {"", "counter", "online", "postal"};
constexpr std::size_t kListSizeMax = 200;

Error wrong(std::string detail) { return Error(Errc::kInvalidArgument, std::move(detail)); }

Error inside(const Error& error, std::string_view place) {
  return Error(error.code(), std::string(place) + ": " + error.detail());
}

std::string place_of(std::string_view list, std::size_t index, std::string_view member = {}) {
  std::string place = std::string(list) + "[" + std::to_string(index + 1) + "]";
  return member.empty() ? place : place + "." + std::string(member);
}

Result<std::string> read_text(const json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end() || at->is_null()) return std::string();
  if (!at->is_string()) return wrong(std::string(name) + ": must be a string");
  return at->get<std::string>();
}

Result<bool> read_flag(const json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end() || at->is_null()) return false;
  if (!at->is_boolean()) return wrong(std::string(name) + ": must be true or false");
  return at->get<bool>();
}

Result<std::optional<Limit>> read_limit(const json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end() || at->is_null()) return std::optional<Limit>();
  auto limit = parse_limit(*at);
  if (!limit.ok()) return inside(limit.error(), name);
  return std::optional(*limit);
}

Result<void> read_channels(const json& value, Definition& out) {
  if (!value.is_object()) return wrong("limit_by_channel: must be an object");
  for (const auto& [name, limit_json] : value.items()) {
    const auto at = std::ranges::find(kChannels, name);
    if (at == kChannels.end() || name.empty())
      return wrong("limit_by_channel." + name + ": expected counter, online or postal");
    auto limit = parse_limit(limit_json);
    if (!limit.ok()) return inside(limit.error(), "limit_by_channel." + name);
    out.limit_by_channel.emplace(static_cast<int>(at - kChannels.begin()), *limit);
  }
  return {};
}

Result<ProcedureStep> read_step(const json& value) {
  if (!value.is_object()) return wrong("must be an object");
  ProcedureStep step;
  LT_TRY(step.name, read_text(value, "name"));
  LT_TRY(step.agency, read_text(value, "agency"));
  LT_TRY(step.unit, read_text(value, "unit"));
  LT_TRY(step.duty, read_text(value, "duty"));
  LT_TRY(step.limit, read_limit(value, "limit"));
  if (step.name.empty()) return wrong("name: missing");
  LT_TRY(step.outside, read_flag(value, "outside"));
  return step;
}

Result<Appointment> read_appointment(const json& value) {
  if (!value.is_object()) return wrong("must be an object");
  Appointment out;
  LT_TRY(out.name, read_text(value, "name"));
  LT_TRY(const auto limit, read_limit(value, "limit"));
  if (!limit || limit->unit == LimitUnit::kSameDay)
    return wrong("limit: missing, in days or hours after the appointment before");
  out.limit = *limit;
  return out;
}

Result<PlannedLeg> read_leg_plan(const json& value) {
  if (!value.is_object()) return wrong("must be an object");
  PlannedLeg out;
  LT_TRY(out.name, read_text(value, "name"));
  LT_TRY(out.procedure, read_text(value, "procedure"));
  LT_TRY(out.agency, read_text(value, "agency"));
  LT_TRY(out.limit, read_limit(value, "limit"));
  if (out.name.empty() && out.procedure.empty()) return wrong("name: missing, or procedure");
  const auto after = value.find("after");
  if (after == value.end() || after->is_null()) return out;
  if (!after->is_array()) return wrong("after: must be a list of places, from 1");
  for (const json& place : *after) {
    if (!place.is_number_unsigned() || place == 0)
      return wrong("after: must be a list of places, from 1");
    out.after.push_back(place.get<std::size_t>());
  }
  return out;
}

// A leg waits for earlier ones alone, so that none waits for itself.
Result<void> check_legs(const std::vector<PlannedLeg>& legs) {
  for (std::size_t i = 0; i < legs.size(); ++i)
    for (const std::size_t place : legs[i].after)
      if (place > i)
        return wrong(place_of("legs", i, "after") + ": waits for " + std::to_string(place) +
                     ", which is no earlier one");
  return {};
}

Result<void> check_appointments(const std::vector<Appointment>& appointments) {
  for (std::size_t i = 1; i < appointments.size(); ++i)
    if (appointments[i].limit.unit != appointments.front().limit.unit)
      return wrong(place_of("appointments", i, "limit") +
                   ": all appointments of a procedure have one unit");
  return {};
}

Result<ProcedureComponent> read_component(const json& value) {
  if (!value.is_object()) return wrong("must be an object");
  ProcedureComponent component;
  LT_TRY(component.name, read_text(value, "name"));
  if (component.name.empty()) return wrong("name: missing");
  if (const auto at = value.find("required"); at != value.end()) {
    if (!at->is_boolean()) return wrong("required: must be true or false");
    component.required = at->get<bool>();
  }
  return component;
}

template <class Item, class Read>
Result<std::vector<Item>> read_list(const json& object, const char* name, const Read& read) {
  std::vector<Item> out;
  const auto at = object.find(name);
  if (at == object.end() || at->is_null()) return out;
  if (!at->is_array()) return wrong(std::string(name) + ": must be a list");
  if (at->size() > kListSizeMax)
    return Error(Errc::kTooLarge,
                 std::string(name) + ": more than " + std::to_string(kListSizeMax) + " items");
  for (std::size_t i = 0; i < at->size(); ++i) {
    auto item = read((*at)[i]);
    if (!item.ok()) return inside(item.error(), place_of(name, i));
    out.push_back(*std::move(item));
  }
  return out;
}

Result<Resume> read_resume(const json& object) {
  LT_TRY(const std::string text, read_text(object, "resume"));
  if (text.empty() || text == "restart") return Resume::kRestart;
  if (text == "extend") return Resume::kExtend;
  return wrong("resume: found \"" + text + "\", expected restart or extend");
}

std::string text_of(const RecordState& state, Field field) {
  return open_text(state, field).value_or(std::string());
}

}  // namespace

std::optional<Limit> Definition::limit_for(std::optional<std::int64_t> channel) const {
  if (channel)
    if (const auto at = limit_by_channel.find(static_cast<int>(*channel));
        at != limit_by_channel.end())
      return at->second;
  return limit;
}

Result<Limit> parse_limit(const json& value) {
  if (!value.is_object())
    return wrong("must be an object such as {\"amount\":5,\"unit\":\"working_day\"}");
  LT_TRY(const std::string unit, read_text(value, "unit"));
  if (unit.empty()) return wrong("unit: missing, and a number alone does not say of what");
  Limit out;
  if (unit == "same_day") {
    out.unit = LimitUnit::kSameDay;
    return out;
  }
  const auto at = value.find("amount");
  if (at == value.end() || !at->is_number())
    return wrong("amount: must be a number, such as 5 or 0.5");
  const double quarters = at->get<double>() * (unit == "quarter_day" ? 1
                                               : unit == "half_day"  ? 2
                                                                     : 4);
  if (!(quarters > 0) || quarters > static_cast<double>(kLimitQuartersMax) ||
      quarters != std::floor(quarters))
    return wrong(
        "amount: must be a positive number of whole, half or quarter units, of ten years at most");
  out.quarters = static_cast<std::int64_t>(quarters);
  if (unit == "working_day" || unit == "half_day" || unit == "quarter_day") {
    out.unit = LimitUnit::kWorkingDay;
  } else if (unit == "hour") {
    out.unit = LimitUnit::kHour;
  } else if (unit == "calendar_day") {
    out.unit = LimitUnit::kCalendarDay;
    if (out.quarters % 4 != 0) return wrong("amount: calendar days are whole");
  } else {
    return wrong("unit: found \"" + unit +
                 "\", expected working_day, half_day, quarter_day, hour, calendar_day or same_day");
  }
  return out;
}

Result<Definition> parse_definition(std::string_view json_text) {
  const json object = json::parse(json_text, nullptr, false);
  if (!object.is_object()) return wrong("must be an object");
  Definition out;
  LT_TRY(out.limit, read_limit(object, "limit"));
  if (const auto at = object.find("limit_by_channel"); at != object.end() && !at->is_null())
    LT_TRY_VOID(read_channels(*at, out));
  LT_TRY(out.resume, read_resume(object));
  LT_TRY(const std::string cut_off, read_text(object, "cut_off"));
  if (!cut_off.empty()) {
    out.cut_off = parse_cut_off(cut_off);
    if (!out.cut_off)
      return wrong("cut_off: found \"" + cut_off +
                   "\", expected a time such as 15:00, or last-hour");
  }
  LT_TRY(out.supplement_limit, read_limit(object, "supplement_limit"));
  LT_TRY(out.components, read_list<ProcedureComponent>(object, "components", read_component));
  LT_TRY(out.steps, read_list<ProcedureStep>(object, "steps", read_step));
  LT_TRY(out.appointments, read_list<Appointment>(object, "appointments", read_appointment));
  LT_TRY_VOID(check_appointments(out.appointments));
  LT_TRY(out.legs, read_list<PlannedLeg>(object, "legs", read_leg_plan));
  LT_TRY_VOID(check_legs(out.legs));
  LT_TRY(out.level, read_text(object, "level"));
  LT_TRY(out.source, read_text(object, "source"));
  LT_TRY(out.note, read_text(object, "note"));
  return out;
}

std::vector<LegDates> plan_legs(const std::vector<PlannedLeg>& legs, UnixMillis start,
                                const std::vector<std::optional<UnixMillis>>& ended,
                                const Calendar& calendar) {
  std::vector<LegDates> out(legs.size());
  const auto end_of = [&](std::size_t place) {
    return place < ended.size() && ended[place] ? ended[place] : out[place].due_at;
  };
  for (std::size_t i = 0; i < legs.size(); ++i) {
    UnixMillis begin = start;
    bool known = true;
    for (const std::size_t place : legs[i].after) {
      const auto end = end_of(place - 1);
      known = known && end.has_value();
      begin = std::max(begin, end.value_or(start));
    }
    if (!known) continue;
    out[i].starts_at = find_start(begin, calendar, nullptr);
    if (legs[i].limit)
      out[i].due_at = add_limit(*out[i].starts_at, *legs[i].limit, calendar, nullptr);
  }
  return out;
}

std::optional<Procedure> read_procedure(const RecordState& state) {
  if (state.kind != RecordKind::kProcedure || state.chain.empty()) return std::nullopt;
  if (open_value(state, Field::kCalendar) != nullptr) return std::nullopt;  // calendars.h
  Procedure out;
  out.record = state.record;
  out.author = state.origin;
  out.code = text_of(state, Field::kCode);
  out.name = text_of(state, Field::kProcedureName);
  out.field = text_of(state, Field::kFieldOfWork);
  out.decision = text_of(state, Field::kDecision);
  out.successor = text_of(state, Field::kSuccessor);
  out.effective_from = open_integer(state, Field::kEffectiveFrom);
  out.effective_to = open_integer(state, Field::kEffectiveTo);
  const std::string text = text_of(state, Field::kDefinition);
  if (text.empty()) return out;
  auto definition = parse_definition(text);
  if (definition.ok()) {
    out.definition = *std::move(definition);
  } else {
    out.problem = definition.error().detail();
  }
  return out;
}

std::string base_code(std::string_view code) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool localised = code.size() > 9 && digit(code[0]) && code[1] == '.' &&
                         std::ranges::all_of(code.substr(2, 6), digit) && code[8] == '.';
  return std::string(localised ? code.substr(0, 8) : code);
}

bool is_believed(const Procedure& version, const AgencyId& ours, const Registry& registry) {
  const TreeVersion newest = registry.newest();
  return registry.above_or_equal(version.author, ours, newest) ||
         registry.above_or_equal(registry.resolve(version.author, newest), ours, newest);
}

const Procedure* choose_version(const std::vector<Procedure>& versions, const AgencyId& ours,
                                const Registry& registry, UnixMillis received_at) {
  const OfficeDay day = day_at(received_at);
  const TreeVersion newest = registry.newest();
  const Procedure* best = nullptr;
  const auto rank = [&](const Procedure& version) {
    return std::tuple(version.effective_from.value_or(INT64_MIN),
                      registry.level(version.author, newest));
  };
  for (const Procedure& version : versions) {
    if (!is_believed(version, ours, registry)) continue;
    if (version.effective_from && day_at(*version.effective_from) > day) continue;
    if (version.effective_to && day_at(*version.effective_to) < day) continue;
    if (best == nullptr || rank(version) > rank(*best) ||
        (rank(version) == rank(*best) && version.record < best->record))
      best = &version;
  }
  return best;
}

}  // namespace lienthong::store
