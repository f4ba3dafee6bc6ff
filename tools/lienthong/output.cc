#include "tools/lienthong/output.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
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

}  // namespace

void Table::print(std::string_view indent) const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], columns(row[i]));
    }
  }
  const bool headless = std::ranges::all_of(rows_.front(), &std::string::empty);
  for (std::size_t r = headless ? 1 : 0; r < rows_.size(); ++r) {
    std::string line(indent);
    for (std::size_t i = 0; i < rows_[r].size() && i < widths.size(); ++i) {
      const std::string pad(widths[i] - columns(rows_[r][i]), ' ');
      line += align_[i] == Align::kRight ? pad + rows_[r][i] : rows_[r][i] + pad;
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    print_line(line);
  }
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
