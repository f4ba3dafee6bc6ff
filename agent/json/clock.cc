#include "agent/json/clock.h"

#include <nlohmann/json.hpp>

#include "agent/json/fields.h"
#include "agent/json/time.h"
#include "protocol/record/registers.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;
using store::WarningCode;

void put_text(json& out, const char* name, const std::string& text) {
  if (!text.empty()) out[name] = text;
}

struct Texts {
  std::string en, vi;
};

Texts texts_of(const store::Warning& warning) {
  const std::string& value = warning.value;
  switch (warning.code) {
    case WarningCode::kNoVersionInForce:
      return {"no version of procedure " + value + " was in force then, so no due date is known",
              "không có phiên bản nào của thủ tục " + value +
                  " có hiệu lực lúc đó, nên chưa biết hạn trả"};
    case WarningCode::kNoLimit:
      return {"procedure " + value + " has no limit that can be counted, so no due date is known",
              "thủ tục " + value + " không có thời hạn tính được, nên chưa biết hạn trả"};
    case WarningCode::kSucceeded:
      return {"the procedure has been replaced by " + value,
              "thủ tục này đã được thay bằng " + value};
    case WarningCode::kNoHolidayData:
      return {"no holiday data for " + value + ": counted by weekends alone",
              "chưa có dữ liệu nghỉ lễ năm " + value + ": chỉ trừ ngày nghỉ hằng tuần"};
    case WarningCode::kLateApology:
      return {"the apology comes less than a working day before " + value + " (NĐ 61/2018 Đ.19(9))",
              "xin lỗi khi còn chưa đủ 01 ngày làm việc trước hạn " + value +
                  " (Điều 19 khoản 9 NĐ 61/2018)"};
    case WarningCode::kDueOnDayOff:
      return {value + " is no working day", value + " không phải là ngày làm việc"};
  }
  return {};
}

}  // namespace

json limit_json(const store::Limit& limit) {
  json out = {{"unit", to_json(limit.unit)}};
  if (limit.unit == store::LimitUnit::kSameDay) return out;
  if (limit.halves % 2 == 0) {
    out["amount"] = limit.halves / 2;
  } else {
    out["amount"] = static_cast<double>(limit.halves) / 2;
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
  const Texts texts = texts_of(warning);
  return {{"code", to_string(warning.code)},
          {"value", warning.value},
          {"text_en", texts.en},
          {"text_vi", texts.vi}};
}

}  // namespace lienthong::agent
