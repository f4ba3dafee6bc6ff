#include "tools/lienthong/bundle_file.h"

#include <sys/stat.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <fstream>
#include <sstream>

#include "agent/texts/catalogue.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

constexpr const char* kLeftOut = "…";
constexpr const char* kLogLines = "500";
constexpr std::size_t kPlainMax = 80;
constexpr std::size_t kIdDigitsMin = 12;     // of ids and digests
constexpr std::size_t kPersonDigitsMin = 9;  // of phones, identity cards, accounts
constexpr int kErrorsMax = 134;

// A number, time, id, address or code of an office: digits, and letters only as capitals or as
// hexadecimal digits; never two words, and no account. Long runs of digits may be somebody's
// number.
bool is_plain(std::string_view value) {
  if (value.empty() || value.size() > kPlainMax) return false;
  std::size_t digits = 0, run = 0, longest = 0, letters = 0;
  bool hex = true;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    const bool digit = std::isdigit(byte) != 0;
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'f');
    if (!digit && !letter && std::strchr(".:[]-+_%", c) == nullptr) return false;
    run = digit ? run + 1 : 0;
    digits += digit ? 1 : 0;
    letters += letter ? 1 : 0;
    longest = std::max(longest, run);
    hex = hex && std::isxdigit(byte) != 0;
  }
  if (hex && letters > 0 && value.size() >= kIdDigitsMin) return true;
  return digits > 0 && longest < kPersonDigitsMin;
}

// "10.0.0.1:7410: Connection refused" → the words of the system.
std::string system_words(std::string_view text) {
  for (int error = 1; error < kErrorsMax; ++error) {
    const std::string words = std::strerror(error);
    if (text.ends_with(words)) return words;
  }
  return {};
}

std::string kept(std::string_view value) { return is_plain(value) ? std::string(value) : kLeftOut; }

// Names of objects that may be told as they are; the others are looked through by their kind.
Json filtered(const Json& value, std::string_view name) {
  if (value.is_object()) {
    Json out = Json::object();
    for (const auto& [key, member] : value.items()) out[key] = filtered(member, key);
    return out;
  }
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& member : value) out.push_back(filtered(member, name));
    return out;
  }
  if (!value.is_string()) return value;
  static constexpr std::string_view kWords[] = {"state", "level",   "code",   "version", "outcome",
                                                "gate",  "command", "remedy", "cause",   "agency"};
  const std::string text = value.get<std::string>();
  if (std::ranges::find(kWords, name) != std::end(kWords)) return text;
  return is_plain(text) ? text : without_persons(text);
}

Json asked(const Client& client, const char* path) {
  try {
    return filtered(client.get(path), "");
  } catch (const Failure& failure) {
    return without_persons(failure.what());
  }
}

Json log_of(const Client& client) {
  Json out = Json::array();
  try {
    const Json log = client.get("/v1/log", {{"limit", kLogLines}});
    for (const Json& line : list_of(log, "lines"))
      out.push_back(text_of(line, "at") + " " + text_of(line, "level") + " " +
                    log_without_persons(text_of(line, "text")));
  } catch (const Failure& failure) {
    out.push_back(without_persons(failure.what()));
  }
  return out;
}

// Options and numbers; texts only where they are plain, and of accounts nothing.
Json config_lines(const std::string& path) {
  Json out = Json::array();
  std::ifstream file(path);
  bool roles = false;
  for (std::string line; std::getline(file, line);) {
    line = line.substr(0, line.find('#'));
    if (line.starts_with("[")) roles = line.find("roles") != std::string::npos;
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) {
      if (line.starts_with("[")) out.push_back(line);
      continue;
    }
    std::string value;
    std::string word;
    for (const char c : line.substr(equals + 1) + " ") {
      if (std::strchr(" \t\",[]", c) == nullptr || (c != ' ' && !word.empty() && c == ':')) {
        word += c;
        continue;
      }
      if (!word.empty())
        value += " " + (roles ? kLeftOut
                        : word == "true" || word == "false" || word == "auto" || word == "info"
                            ? word
                            : kept(word));
      word.clear();
    }
    out.push_back(line.substr(0, equals) + "=" + value);
  }
  return out;
}

Json machine() {
  Json out = Json::object();
  utsname system{};
  if (::uname(&system) == 0) out["kernel"] = std::string(system.release) + " " + system.machine;
  std::ifstream release("/etc/os-release");
  for (std::string line; std::getline(release, line);)
    if (line.starts_with("PRETTY_NAME=")) out["system"] = line.substr(12);
  std::ifstream memory("/proc/meminfo");
  for (std::string line; std::getline(memory, line);)
    if (line.starts_with("MemTotal:") || line.starts_with("MemAvailable:")) {
      std::istringstream words(line);
      std::string name;
      std::uint64_t kilobytes = 0;
      words >> name >> kilobytes;
      out[name.substr(0, name.size() - 1) + "_kB"] = kilobytes;
    }
  std::ifstream load("/proc/loadavg");
  std::string first;
  if (load >> first) out["load"] = first;
  return out;
}

}  // namespace

std::string without_persons(std::string_view text) {
  if (text.empty()) return {};
  const auto told = texts::tell(texts::Language::kEnglish, text);
  if (told) {
    std::vector<std::string> values;
    for (const std::string& value : told->values) {
      const std::string words = system_words(value);
      values.push_back(is_plain(value) ? value : words.empty() ? kLeftOut : words);
    }
    return texts::fill(told->pattern, values);
  }
  const std::string words = system_words(text);
  return words.empty() ? kept(text) : words;
}

std::string log_without_persons(std::string_view line) {
  std::string out;
  std::size_t at = 0;
  while (at < line.size()) {
    std::size_t end = at;
    bool quoted = false;
    while (end < line.size() && (quoted || line[end] != ' ')) {
      if (line[end] == '\\' && quoted)
        ++end;
      else if (line[end] == '"')
        quoted = !quoted;
      ++end;
    }
    end = std::min(end, line.size());
    const std::string_view word = line.substr(at, end - at);
    at = end + 1;
    const std::size_t equals = word.find('=');
    if (!out.empty()) out += ' ';
    if (equals == std::string_view::npos) {
      out += kept(word);
      continue;
    }
    const std::string_view name = word.substr(0, equals);
    std::string_view value = word.substr(equals + 1);
    out += std::string(name) + "=";
    if (value.starts_with('"') && value.size() >= 2)
      out += "\"" + without_persons(value.substr(1, value.size() - 2)) + "\"";
    else
      out +=
          name == "event" || name == "outcome" || name == "why" ? std::string(value) : kept(value);
  }
  return out;
}

void write_support_bundle(const Client& client, const std::string& path, const std::string& config,
                          const Json& findings) {
  Json seen = Json::array();
  for (const Json& finding : findings) {
    Json one = {{"code", text_of(finding, "code")}, {"level", text_of(finding, "level")}};
    one["values"] = Json::array();
    for (const Json& value : list_of(finding, "values"))
      one["values"].push_back(without_persons(value.get<std::string>()));
    seen.push_back(std::move(one));
  }
  std::string figures;
  try {
    client.download("/metrics", [&figures](const char* bytes, std::size_t size) {
      figures.append(bytes, size);
      return true;
    });
  } catch (const Failure&) {
    figures.clear();
  }
  const Json bundle = {{"version", LT_VERSION},
                       {"findings", seen},
                       {"status", asked(client, "/v1/status")},
                       {"peers", asked(client, "/v1/peers")},
                       {"figures", figures},
                       {"configuration", config_lines(config)},
                       {"log", log_of(client)},
                       {"machine", machine()}};
  const mode_t before = ::umask(0077);
  std::ofstream file(path, std::ios::trunc);
  ::umask(before);
  file << bundle.dump(1, ' ', false, Json::error_handler_t::replace) << '\n';
  file.close();
  if (!file) throw Failure(kFailed, format("cannot write {}: {}", path, std::strerror(errno)));
}

}  // namespace lienthong::tools
