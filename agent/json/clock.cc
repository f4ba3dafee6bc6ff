#include "agent/json/clock.h"

#include <nlohmann/json.hpp>

#include "agent/json/fields.h"
#include "agent/json/reasons.h"
#include "agent/json/time.h"
#include "protocol/record/registers.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;
using store::WarningCode;
using texts::Reason;

void put_text(json& out, const char* name, const std::string& text) {
  if (!text.empty()) out[name] = text;
}

Reason reason_of(WarningCode code) {
  switch (code) {
    case WarningCode::kNoVersionInForce: return Reason::kNoVersionInForce;
    case WarningCode::kNoLimit: return Reason::kNoLimit;
    case WarningCode::kSucceeded: return Reason::kSucceeded;
    case WarningCode::kNoHolidayData: return Reason::kNoHolidayData;
    case WarningCode::kNotDecided: return Reason::kNotDecided;
    case WarningCode::kLateApology: return Reason::kLateApology;
    case WarningCode::kDueOnDayOff: return Reason::kDueOnDayOff;
    case WarningCode::kCodeClaimed: return Reason::kCodeClaimed;
    case WarningCode::kCodeFormUnknown: return Reason::kCodeFormUnknown;
  }
  return Reason::kNoVersionInForce;
}

}  // namespace

json limit_json(const store::Limit& limit) {
  json out = {{"unit", to_json(limit.unit)}};
  if (limit.unit == store::LimitUnit::kSameDay) return out;
  if (limit.quarters % 4 == 0) {
    out["amount"] = limit.quarters / 4;
  } else {
    out["amount"] = static_cast<double>(limit.quarters) / 4;
  }
  return out;
}

json step_json(const store::CurrentStep& step) {
  json out = {{"number", step.number},
              {"count", step.count},
              {"name", step.step.name},
              {"since", format_time(step.since)},
              {"late", step.late}};
  put_text(out, "agency", step.step.agency);
  put_text(out, "unit", step.step.unit);
  put_text(out, "duty", step.step.duty);
  if (step.step.limit) out["limit"] = limit_json(*step.step.limit);
  if (step.due_at) out["due_at"] = format_time(*step.due_at);
  if (step.agency_due_at) out["agency_due_at"] = format_time(*step.agency_due_at);
  if (step.step.outside) out["outside"] = true;
  if (step.paused) out["paused"] = true;
  return out;
}

json trace_json(const std::vector<store::TraceStep>& trace) {
  json list = json::array();
  for (const store::TraceStep& step : trace) {
    json line = {{"step", to_json(step.step)}};
    if (step.at != 0) line["at"] = format_time(step.at);
    if (step.from != 0) line["from"] = format_time(step.from);
    if (step.time != 0) line["seconds"] = step.time / 1000;
    if (step.amount != 0) line["amount"] = step.amount;
    if (step.limit) line["limit"] = limit_json(*step.limit);
    put_text(line, "text", step.text);
    list.push_back(std::move(line));
  }
  return list;
}

json procedure_json(const store::Procedure& version, const RecordState& state,
                    const Registry& registry) {
  json out = {{"code", version.code},
              {"record", version.record.hex()},
              {"publisher", agency_code(version.author, registry)}};
  put_text(out, "procedure_name", version.name);
  put_text(out, "field", version.field);
  put_text(out, "decision", version.decision);
  put_text(out, "successor", version.successor);
  if (version.effective_from) out["effective_from"] = format_time(*version.effective_from);
  if (version.effective_to) out["effective_to"] = format_time(*version.effective_to);
  if (const FieldValue* value = open_value(state, Field::kDefinition)) {
    const FieldInfo& info = *find_field(static_cast<std::uint16_t>(Field::kDefinition));
    json definition = write_field(info, *value, registry);
    if (!definition.is_null()) out["definition"] = std::move(definition);
  }
  out["limit_known"] =
      version.definition.limit.has_value() || !version.definition.limit_by_channel.empty();
  put_text(out, "problem", version.problem);
  return out;
}

json warning_json(const store::Warning& warning) {
  json out = reason_json(reason_of(warning.code), {warning.value});
  out["value"] = warning.value;
  return out;
}

}  // namespace lienthong::agent
