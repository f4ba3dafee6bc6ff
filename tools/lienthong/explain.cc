#include "tools/lienthong/explain.h"

#include "tools/lienthong/output.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

std::string days_of(std::int64_t seconds) {
  const double hours = static_cast<double>(seconds) / 3600;
  return format("{} working hours", fmt::format("{:.4g}", hours));
}

std::string say(const Json& line) {
  const std::string step = text_of(line, "step");
  const std::string at = show_time(text_of(line, "at"));
  const std::string from = show_time(text_of(line, "from"));
  const std::string text = text_of(line, "text");
  const std::string limit = show_limit(line.value("limit", Json()));
  if (step == "version") return format("procedure version: {}", text);
  if (step == "no-version")
    return text.empty() ? tr("the dossier names no procedure")
                        : format("no version of procedure {} is pinned", text);
  if (step == "limit")
    return text == "extend" ? format("limit: {}; after a supplement it goes on", limit)
                            : format("limit: {}; after a supplement it restarts", limit);
  if (step == "no-limit") return tr("the limit is unknown, so no date can be counted");
  if (step == "not-received") return tr("not received yet, so no clock runs");
  if (step == "received") return format("received {}", at);
  if (step == "after-hours") return format("the desk was closed: the clock starts {}", at);
  if (step == "after-three") return format("after 15:00, so the day after counts: {}", at);
  if (step == "start-given") return format("the office lets the clock start {}", at);
  if (step == "counted") return format("{} from {}: {}", limit, from, at);
  if (step == "rolled") return format("{} is a day off: moves to {}", from.substr(0, 10), at);
  if (step == "paused") return format("{}: {}, the clock stands", from, status_name(text));
  if (step == "stands-still") return tr("the clock still stands: the date is not known yet");
  if (step == "restarted") return format("papers complete: counted anew from {}", at);
  if (step == "extended")
    return format("it stood for {}: {}", days_of(number_of(line, "seconds")), at);
  if (step == "reappointed") return format("apology of {}: new date {}", from, at);
  if (step == "ended") return format("{}: {}", at, status_name(text));
  if (step == "correction") return format("{}: taken up again to correct it; the date stays", from);
  if (step == "recounted") return format("{}: reception, channel or version changed", from);
  if (step == "written-by-office")
    return format(
        "{}: {} was written, by the office or by the calendar that it had then; by the "
        "calendar of today it is the one above",
        from, at);
  if (step == "no-holiday-data")
    return format("no holiday data for {}: weekends alone", number_of(line, "amount"));
  if (step == "not-decided")
    return format(
        "the notice for {} is not known: counted from the law; the other days of Tết, the second "
        "day of 2/9 and days that are swapped are not decided",
        number_of(line, "amount"));
  if (step == "after-cut-off") return format("after {}: the clock starts {}", text, at);
  if (step == "outside") return format("{}: {}, outside of the total", from, text);
  return step;
}

}  // namespace

std::string show_limit(const Json& limit) {
  if (!limit.is_object()) return {};
  const std::string unit = text_of(limit, "unit");
  const std::string amount = text_of(limit, "amount");
  if (unit == "working_day") return format("{} working days", amount);
  if (unit == "quarter_day") return format("{} quarter days", amount);
  if (unit == "half_day") return format("{} half days", amount);
  if (unit == "hour") return format("{} hours", amount);
  if (unit == "calendar_day") return format("{} calendar days", amount);
  if (unit == "same_day") return tr("within the day");
  return tr("unknown");
}

std::string show_step(const Json& step) {
  if (!step.is_object()) return text_of(Json{{"step", step}}, "step");
  std::string out =
      text_of(step, "number") + "/" + text_of(step, "count") + " " + text_of(step, "name");
  const std::string agency = text_of(step, "agency");
  if (!agency.empty()) out += " – " + tier_name(agency);
  const std::string unit = text_of(step, "unit");
  if (!unit.empty()) out += (agency.empty() ? " – " : ", ") + unit;
  const std::string due = text_of(step, "due_at");
  if (!due.empty()) out += ", " + format("due {}", show_time(due));
  const std::string agency_due = text_of(step, "agency_due_at");
  if (!agency_due.empty() && agency_due != due)
    out += ", " + format("all of its steps due {}", show_time(agency_due));
  if (step.value("outside", false)) out += " " + std::string(tr("(outside of the total)"));
  if (step.value("late", false)) out += " " + std::string(tr("(late)"));
  return out;
}

void print_explanation(const Json& dossier) {
  print_line(tr("How the date comes about"));
  for (const Json& line : list_of(dossier, "explanation")) print_line("  • " + say(line));
  const std::string due = text_of(dossier, "due_at");
  print_line("  = " + (due.empty() ? tr("no due date") : format("due {}", show_time(due))));
}

void print_warnings(const Json& result) {
  for (const Json& warning : list_of(result, "warnings"))
    print_error(format("note: {}", text_of(warning, language() == "vi" ? "text_vi" : "text_en")));
}

}  // namespace lienthong::tools
