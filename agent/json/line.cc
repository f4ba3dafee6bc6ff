// Lines of JSON before anybody asks what they mean; operation.h.
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "agent/json/operation.h"
#include "agent/json/text_check.h"

namespace lienthong::agent {

using nlohmann::json;

namespace {

constexpr std::size_t kDepthMax = 16;

}  // namespace

Result<json> parse_line(std::string_view line) {
  if (line.size() > kLineBytesMax)
    return Error(Errc::kTooLarge, "the line has " + std::to_string(line.size()) +
                                      " bytes, at most " + std::to_string(kLineBytesMax) +
                                      " are taken");
  LT_TRY_VOID(check_utf8(line));
  std::vector<std::set<std::string>> names;
  std::string twice;
  bool too_deep = false;
  const json::parser_callback_t watch = [&](int depth, json::parse_event_t event, json& value) {
    if (static_cast<std::size_t>(depth) > kDepthMax) too_deep = true;
    if (event == json::parse_event_t::object_start) names.emplace_back();
    if (event == json::parse_event_t::object_end && !names.empty()) names.pop_back();
    if (event == json::parse_event_t::key && !names.empty() && twice.empty()) {
      const auto& name = value.get_ref<const std::string&>();
      if (!names.back().insert(name).second) twice = name;
    }
    return !too_deep;
  };
  try {
    json parsed = json::parse(line, watch);
    if (too_deep) return Error(Errc::kTooLarge, "nested deeper than " + std::to_string(kDepthMax));
    if (!twice.empty())
      return Error(Errc::kMalformed, "\"" + twice + "\" stands twice in one object");
    if (!parsed.is_object()) return Error(Errc::kMalformed, "a line must be a JSON object");
    return parsed;
  } catch (const json::parse_error& error) {
    return Error(Errc::kMalformed, "broken JSON at byte " + std::to_string(error.byte));
  }
}

std::string derived_key(const json& line, std::size_t occurrence) {
  return "line:" + line.dump() + "#" + std::to_string(occurrence);
}

}  // namespace lienthong::agent
