#include "tools/lienthong/report_page.h"

#include <vector>

#include "tools/lienthong/output.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

constexpr std::size_t kFirst = 3;  // number of the first column that is counted

struct Named {
  const char* name;
  const char* text;
};

// Headings of II.06a by the number of their column.
const std::vector<const char*>& heads_of_columns() {
  static constexpr Named kNames[] = {
      {"3", "Received, total"}, {"4", "Online"},          {"5", "direct, postal"},
      {"6", "carried over"},    {"7", "Resolved, total"}, {"8", "early"},
      {"9", "on time"},         {"10", "Overdue"},        {"11", "Running, total"},
      {"12", "within time"},    {"13", "over time"},
  };
  static const std::vector<const char*> texts = [] {
    std::vector<const char*> out;
    for (const Named& head : kNames) out.push_back(head.text);
    return out;
  }();
  return texts;
}

std::string column(const Json& figures, std::size_t number) {
  return text_of(figures.at("columns"), std::to_string(number).c_str());
}

std::string row_title(const Json& row) {
  std::string name = text_of(row, "name");
  if (name.empty()) name = tr("(no field of work)");
  if (row.value("direct", false)) name = format("{}, itself", name);
  const std::int64_t level = std::max<std::int64_t>(number_of(row, "level"), 1);
  return std::string(static_cast<std::size_t>(level - 1) * 2, ' ') + name;
}

std::string title(const Json& report) {
  return text_of(report, language() == "vi" ? "title_vi" : "title_en");
}

std::string day(const std::string& iso) {
  if (iso.size() != 10) return iso;
  if (language() != "vi") return iso;
  return iso.substr(8, 2) + "/" + iso.substr(5, 2) + "/" + iso.substr(0, 4);
}

std::string period(const Json& report) {
  const Json& named = report.at("period");
  return format("from {} to {}, as of {}", day(text_of(named, "from")), day(text_of(named, "to")),
                show_time(text_of(report, "as_of")));
}

// "93,48" where people write a comma.
std::string percent(const Json& ratio) {
  std::string text = text_of(ratio, "percent");
  if (text.empty()) return tr("nothing to count");
  if (const std::size_t point = text.find('.'); point != std::string::npos && language() == "vi")
    text[point] = ',';
  return text + " % (" + text_of(ratio, "part") + "/" + text_of(ratio, "whole") + ")";
}

// What stands below the table, a line each.
std::vector<std::string> notes(const Json& report) {
  std::vector<std::string> out;
  const Json& total = report.at("total");
  const Json& late = total.at("late");
  const Json& which = total.at("of_which");
  out.push_back(format("Overdue (10): {} after an apology, {} without one; (13): {} and {}",
                       text_of(late, "apology"), text_of(late, "no_apology"),
                       text_of(late, "open_apology"), text_of(late, "open_no_apology")));
  out.push_back(
      format("Withdrawn, counted in (9): {}; waiting for papers or payment, or stopped, "
             "counted in (12): {}",
             text_of(which, "withdrawn"), text_of(which, "paused")));
  static constexpr Named kNames[] = {
      {"reappointed_kept", "Resolved by the new date after an apology, not counted as overdue: {}"},
      {"no_due_date", "Without a due date, counted in (9) or (12): {}"},
      {"no_channel", "Without a channel, counted in (5): {}"},
      {"ended_before_received", "Ended before they were received, look at their dates: {}"},
  };
  for (const Named& note : kNames)
    if (number_of(which, note.name) > 0)
      out.push_back(format(note.text, text_of(which, note.name)));
  const Json& ratios = total.at("ratios");
  out.push_back(format("Digitised (all components and the result) of resolved: {}",
                       percent(ratios.at("digitisation"))));
  out.push_back(format("Online of received in the period: {}", percent(ratios.at("online"))));
  out.push_back(
      format("Paid online of received with something to pay: {}", percent(ratios.at("payment"))));
  const Json& rounding = report.at("rounding");
  out.push_back(
      text_of(rounding, "rule") == "truncate"
          ? format("Ratios are cut after {} decimals, not rounded", text_of(rounding, "decimals"))
          : format("Ratios are rounded half up to {} decimals", text_of(rounding, "decimals")));
  if (report.contains("reasons_known") && !report.at("reasons_known").get<bool>())
    out.emplace_back(tr("No record says why a dossier is late; counted is by whom it is held."));
  return out;
}

std::vector<std::string> arrival_notes(const Json& report) {
  std::vector<std::string> out;
  const Json& arrival = report.at("arrival");
  for (const Json& agency : list_of(arrival, "agencies"))
    if (agency.value("doubtful", false))
      out.push_back(format("Dates of {} ({}) are doubtful: its clock was ahead when they came",
                           text_of(agency, "name"), text_of(agency, "agency")));
  if (number_of(arrival, "behind") == 0) return out;
  out.push_back(format("Data may be missing of {} agencies:", text_of(arrival, "behind")));
  for (const Json& agency : list_of(arrival, "agencies")) {
    if (!agency.value("behind", false)) continue;
    const std::string until = text_of(agency, "until");
    const std::string how = text_of(agency, "known_by");
    const char* known = how == "caught-up"       ? tr("it has told us that nothing was left then")
                        : how == "newest-change" ? tr("its newest change that is here")
                                                 : tr("nothing of it is here");
    out.push_back("  " + text_of(agency, "name") + " (" + text_of(agency, "agency") +
                  "): " + (until.empty() ? "" : format("up to {}, ", show_time(until))) + known);
  }
  return out;
}

std::string csv(std::string text) {
  if (text.find_first_of("\",\n\r") == std::string::npos) return text;
  for (std::size_t at = text.find('"'); at != std::string::npos; at = text.find('"', at + 2))
    text.insert(at, 1, '"');
  return "\"" + text + "\"";
}

std::string html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

template <class Visit>
void for_each_row(const Json& report, const Visit& visit) {
  std::size_t number = 0;
  for (const Json& row : list_of(report, "rows"))
    visit(number_of(row, "level") <= 1 ? std::to_string(++number) : std::string(), row);
}

}  // namespace

void print_report_text(const Json& report) {
  print_line(text_of(report, "form_name") + "  " + title(report));
  print_line(text_of(report, "agency_name") + " (" + text_of(report, "agency") + "), " +
             period(report));
  std::vector<std::string> heads{tr("No."), tr("Field, unit")};
  std::vector<std::string> numbers{"(1)", "(2)"};
  for (std::size_t i = 0; i < heads_of_columns().size(); ++i) {
    heads.emplace_back(tr(heads_of_columns()[i]));
    numbers.push_back("(" + std::to_string(kFirst + i) + ")");
  }
  Table table(heads);
  for (std::size_t i = 0; i < heads.size(); ++i)
    if (i != 1) table.right(i);
  table.add(numbers);
  const auto add = [&table](const std::string& number, const std::string& name,
                            const Json& figures) {
    std::vector<std::string> cells{number, name};
    for (std::size_t i = 0; i < heads_of_columns().size(); ++i)
      cells.push_back(column(figures, kFirst + i));
    table.add(std::move(cells));
  };
  for_each_row(report, [&](const std::string& number, const Json& row) {
    add(number, row_title(row), row);
  });
  add("", tr("Total"), report.at("total"));
  table.print();
  for (const std::string& note : notes(report)) print_line(note);
  for (const std::string& note : arrival_notes(report)) print_line(note);
}

std::string report_csv(const Json& report) {
  std::string out;
  std::string head = csv(tr("No.")) + "," + csv(tr("Field, unit"));
  for (std::size_t i = 0; i < heads_of_columns().size(); ++i)
    head += "," + csv("(" + std::to_string(kFirst + i) + ") " + tr(heads_of_columns()[i]));
  out = head + "\n";
  const auto line = [&out](const std::string& number, const std::string& name,
                           const Json& figures) {
    std::string text = number + "," + csv(name);
    for (std::size_t i = 0; i < heads_of_columns().size(); ++i)
      text += "," + column(figures, kFirst + i);
    out += text + "\n";
  };
  for_each_row(report, [&](const std::string& number, const Json& row) {
    line(number, row_title(row), row);
  });
  line("", tr("Total"), report.at("total"));
  return out;
}

void print_report_html(const Json& report) {
  const std::string name = html(text_of(report, "form_name"));
  print_line("<!DOCTYPE html>\n<html lang=\"" + language() +
             "\"><head><meta charset=\"utf-8\"><title>" + name +
             "</title><style>body{font-family:serif}table{border-collapse:collapse}"
             "td,th{border:1px solid;padding:2px 6px}td{text-align:right}"
             "td.name{text-align:left;white-space:pre}</style></head><body>");
  print_line("<p>" + name + "</p><h1>" + html(title(report)) + "</h1><p>" +
             html(text_of(report, "agency_name") + " (" + text_of(report, "agency") + "), " +
                  period(report)) +
             "</p><table><thead><tr><th rowspan=\"2\">" + html(tr("No.")) +
             "</th><th rowspan=\"2\">" + html(tr("Field, unit")) + "</th><th colspan=\"4\">" +
             html(tr("Received")) + "</th><th colspan=\"4\">" + html(tr("Resolved")) +
             "</th><th colspan=\"3\">" + html(tr("Running")) + "</th></tr><tr>");
  for (const char* head : heads_of_columns()) print_line("<th>" + html(tr(head)) + "</th>");
  print_line("</tr><tr><th>(1)</th><th>(2)</th>");
  for (std::size_t i = 0; i < heads_of_columns().size(); ++i)
    print_line("<th>(" + std::to_string(kFirst + i) + ")</th>");
  print_line("</tr></thead><tbody>");
  const auto line = [](const std::string& number, const std::string& title_text,
                       const Json& figures) {
    std::string text =
        "<tr><td>" + number + "</td><td class=\"name\">" + html(title_text) + "</td>";
    for (std::size_t i = 0; i < heads_of_columns().size(); ++i)
      text += "<td>" + column(figures, kFirst + i) + "</td>";
    print_line(text + "</tr>");
  };
  for_each_row(report, [&](const std::string& number, const Json& row) {
    line(number, row_title(row), row);
  });
  line("", tr("Total"), report.at("total"));
  print_line("</tbody></table>");
  for (const std::string& note : notes(report)) print_line("<p>" + html(note) + "</p>");
  for (const std::string& note : arrival_notes(report)) print_line("<p>" + html(note) + "</p>");
  print_line("</body></html>");
}

}  // namespace lienthong::tools
