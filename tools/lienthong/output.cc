#include "tools/lienthong/output.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <iostream>
#include <optional>
#include <span>

#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

struct Name {
  std::string_view word;
  const char* text;
};

std::string name_of(std::span<const Name> names, std::string_view word) {
  for (const Name& name : names) {
    if (name.word == word) return tr(name.text);
  }
  return std::string(word);
}

constexpr std::size_t kGap = 2;              // between columns
constexpr std::size_t kCellColumnsMin = 12;  // a text is not cut to less

// In lines of at most so many columns, broken between words where there are any.
std::vector<std::string> broken(std::string_view text, std::size_t width) {
  std::vector<std::string> out;
  while (!text.empty()) {
    std::size_t end = prefix_of(text, width);
    if (end < text.size()) {
      const std::size_t blank = text.substr(0, end + 1).find_last_of(' ');
      if (blank != std::string_view::npos && blank != 0) end = blank;
    }
    if (const std::size_t feed = text.find('\n'); feed < end) end = feed;
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
    while (text.starts_with(' ') || text.starts_with('\n')) text.remove_prefix(1);
  }
  return out;
}

// Seconds since 1970 of RFC 3339; nullopt: it is none.
std::optional<std::int64_t> seconds_of(std::string_view rfc3339) {
  std::tm parts{};
  const std::string text(rfc3339);
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  if (*rest == '.') rest += strspn(rest + 1, "0123456789") + 1;
  std::int64_t offset = 0;
  int hours = 0, minutes = 0;
  if ((*rest == '+' || *rest == '-') && std::sscanf(rest + 1, "%2d:%2d", &hours, &minutes) == 2)
    offset = (*rest == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
  return timegm(&parts) - offset;
}

}  // namespace

std::vector<std::size_t> Table::natural_widths() const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i)
      widths[i] = std::max(widths[i], columns(row[i]));
  return widths;
}

// Brings the widths down to the room; a column of width 0 is left out. How many were.
std::size_t Table::fit(std::vector<std::size_t>& widths, std::size_t room) const {
  const auto taken = [&widths] {
    std::size_t sum = 0;
    for (const std::size_t width : widths) sum += width == 0 ? 0 : width + kGap;
    return sum < kGap ? 0 : sum - kGap;
  };
  std::size_t left_out = 0;
  for (const std::size_t column : spare_) {
    if (taken() <= room) return left_out;
    if (column >= widths.size() || widths[column] == 0) continue;
    widths[column] = 0;
    ++left_out;
  }
  // The widest text loses first; the first column names the row and stays whole.
  while (taken() > room) {
    std::size_t widest = 0;
    for (std::size_t i = 1; i < widths.size(); ++i)
      if (align_[i] == Align::kLeft && (widest == 0 || widths[i] > widths[widest])) widest = i;
    if (widest == 0 || widths[widest] <= kCellColumnsMin) break;
    const std::size_t over = taken() - room;
    widths[widest] -= std::min(over, widths[widest] - kCellColumnsMin);
  }
  return left_out;
}

Paint Table::look_of(std::size_t row, std::size_t column) const {
  if (row == 0) return Paint::kBold;
  for (const auto& [of, look] : looks_)
    if (of == column) return look(rows_[row][column]);
  return Paint::kNone;
}

void Table::print_row(std::size_t row, const std::vector<std::size_t>& widths,
                      std::string_view indent, bool breaks) const {
  std::string line(indent);
  std::size_t blanks = 0, before = indent.size();
  const std::size_t last = widths.size() - 1;
  for (std::size_t i = 0; i < rows_[row].size() && i < widths.size(); ++i) {
    if (widths[i] == 0) continue;
    if (i == last && breaks && columns(rows_[row][i]) > widths[i]) {
      line += std::string(blanks, ' ');
      bool first = true;
      for (const std::string& piece : broken(rows_[row][i], widths[i])) {
        print_line(first ? line + piece : std::string(before, ' ') + piece);
        first = false;
      }
      return;
    }
    const std::string cell = shorten(rows_[row][i], widths[i]);
    const std::size_t pad = widths[i] - std::min(columns(cell), widths[i]);
    const bool right = align_[i] == Align::kRight;
    line += std::string(blanks + (right ? pad : 0), ' ') + painted(cell, look_of(row, i));
    blanks = kGap + (right ? 0 : pad);
    before += widths[i] + kGap;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  print_line(line);
}

void Table::print(std::string_view indent) const {
  std::vector<std::size_t> widths = natural_widths();
  const bool headless = std::ranges::all_of(rows_.front(), &std::string::empty);
  std::size_t left_out = 0;
  if (const std::size_t room = screen_columns(); room > indent.size() + kCellColumnsMin)
    left_out = fit(widths, room - indent.size());
  for (std::size_t r = headless ? 1 : 0; r < rows_.size(); ++r)
    print_row(r, widths, indent, headless);
  if (left_out != 0 && is_terminal() && !headless)
    print_error(format("({} columns left out for the width of the screen; all: --json)", left_out));
}

void print_line(std::string_view text) { std::cout << text << '\n'; }

void print_error(std::string_view text) {
  std::cout.flush();
  std::cerr << text << '\n';
}

void print_json(const Json& document) {
  print_line(document.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string text_of(const Json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return {};
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::int64_t number_of(const Json& object, const char* name) {
  if (!object.is_object()) return 0;
  const auto found = object.find(name);
  return found != object.end() && found->is_number() ? found->get<std::int64_t>() : 0;
}

const Json& list_of(const Json& object, const char* name) {
  static const Json kNone = Json::array();
  if (!object.is_object()) return kNone;
  const auto found = object.find(name);
  return found != object.end() && found->is_array() ? *found : kNone;
}

std::string show_time(std::string_view rfc3339) {
  if (rfc3339.size() < 19) return rfc3339.empty() ? "–" : std::string(rfc3339);
  const auto part = [&](std::size_t from, std::size_t size) {
    return std::string(rfc3339.substr(from, size));
  };
  if (language() == "vi") {
    return part(8, 2) + "/" + part(5, 2) + "/" + part(0, 4) + " " + part(11, 8);
  }
  return part(0, 10) + " " + part(11, 8);
}

std::string show_due(std::string_view rfc3339) {
  const std::string text = show_time(rfc3339);
  return rfc3339.size() < 19 ? text : text.substr(0, text.size() - 3);
}

std::string show_when(std::string_view rfc3339) {
  const auto at = seconds_of(rfc3339);
  if (!at) return show_time(rfc3339);
  const std::int64_t age = static_cast<std::int64_t>(std::time(nullptr)) - *at;
  return show_time(rfc3339) + " (" +
         (age >= 0 ? format("{} ago", show_age(age)) : format("in {}", show_age(-age))) + ")";
}

std::string show_age(std::int64_t seconds) {
  if (seconds < 0) seconds = 0;
  if (seconds < 60) return format("{} s", seconds);
  if (seconds < 3600) return format("{} min", seconds / 60);
  if (seconds < 86400) return format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
  return format("{} d {} h", seconds / 86400, seconds % 86400 / 3600);
}

std::string show_bytes(std::int64_t bytes) {
  if (bytes < 10'000) return fmt::format("{} B", bytes);
  const auto value = static_cast<double>(bytes);
  if (bytes < 10'000'000) return fmt::format("{:.1f} kB", value / 1e3);
  if (bytes < 10'000'000'000) return fmt::format("{:.1f} MB", value / 1e6);
  return fmt::format("{:.1f} GB", value / 1e9);
}

std::string show_id(std::string_view hex) { return std::string(hex.substr(0, 12)); }

std::string channel_name(std::string_view channel) {
  static constexpr Name kNames[] = {
      {"counter", "at the counter"}, {"online", "online"}, {"postal", "by post"}};
  return name_of(kNames, channel);
}

std::string status_name(std::string_view status) {
  static constexpr Name kNames[] = {{"registered", "registered"},
                                    {"accepted", "accepted"},
                                    {"refused", "refused"},
                                    {"processing", "processing"},
                                    {"supplement", "supplement asked"},
                                    {"payment", "payment asked"},
                                    {"withdrawn", "withdrawn"},
                                    {"stopped", "stopped"},
                                    {"done", "done"},
                                    {"returned", "returned"}};
  return name_of(kNames, status);
}

std::string action_name(std::string_view action) {
  static constexpr Name kNames[] = {{"set", "changed"},
                                    {"note", "remark"},
                                    {"recall-request", "asked back"},
                                    {"consult", "asked for an opinion"},
                                    {"reply", "gave an opinion"},
                                    {"share", "shown to another agency"},
                                    {"inspect", "looked at"},
                                    {"erase", "erased"},
                                    {"adopt", "change set aside taken over"},
                                    {"uphold", "branch upheld"},
                                    {"receive", "received"},
                                    {"forward", "passed on"},
                                    {"appraise", "appraised"},
                                    {"apologise", "apologised, new date"},
                                    {"finish", "finished"},
                                    {"return", "returned"},
                                    {"send", "sent"},
                                    {"recalled", "given back as asked"},
                                    {"recount", "date counted anew"}};
  return name_of(kNames, action);
}

std::string link_meaning(const Json& link) {
  if (text_of(link, "link") == "decline" && text_of(link, "action") == "recalled")
    return tr("given back as asked");
  return link_name(text_of(link, "link"));
}

Paint state_look(const std::string& cell) {
  if (cell == tr("connected") || cell == tr("acknowledged")) return Paint::kGood;
  return cell == tr("down") ? Paint::kBad : Paint::kNone;
}

std::string tier_name(std::string_view tier) {
  static constexpr Name kNames[] = {
      {"province", "province"},          {"district", "district"}, {"commune", "commune"},
      {"department", "department"},      {"branch", "branch"},     {"police", "police"},
      {"insurance", "social insurance"}, {"tax", "tax office"}};
  return name_of(kNames, tier);
}

std::string link_name(std::string_view link) {
  static constexpr Name kNames[] = {{"created", "created"},           {"offer", "offered"},
                                    {"accept", "accepted (handoff)"}, {"decline", "declined"},
                                    {"recall", "recalled"},           {"reclaim", "reclaimed"},
                                    {"succeed", "succeeded"}};
  return name_of(kNames, link);
}

std::string state_name(std::string_view state) {
  static constexpr Name kNames[] = {{"connected", "connected"},
                                    {"dialling", "dialling"},
                                    {"down", "down"},
                                    {"acknowledged", "acknowledged"},
                                    {"sent", "sent"},
                                    {"not-sent", "not sent"},
                                    {"open", "open"},
                                    {"accepted", "accepted (handoff)"},
                                    {"declined", "declined"},
                                    {"reclaimed", "taken back"},
                                    {"offered", "offered"},
                                    {"working", "being worked on"},
                                    {"returned", "came back"},
                                    {"finished", "finished"},
                                    {"gathered", "finished and back"},
                                    {"ended", "ended"},
                                    {"answered", "answered"}};
  return name_of(kNames, state);
}

}  // namespace lienthong::tools
