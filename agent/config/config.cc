#include "agent/config/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <optional>
#include <sstream>

#include "agent/config/calendar_file.h"
#include "agent/net/address.h"

namespace lienthong::agent {
namespace {

std::string quote(std::string_view text) { return "\"" + std::string(text) + "\""; }

const char* type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return "a text";
    case toml::node_type::integer: return "a whole number";
    case toml::node_type::floating_point: return "a fraction";
    case toml::node_type::boolean: return "true or false";
    case toml::node_type::date: return "a date";
    case toml::node_type::time: return "a time";
    case toml::node_type::date_time: return "a date with time";
    case toml::node_type::none: break;
  }
  return "nothing";
}

// Levenshtein; the names are short.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

class Reader {
 public:
  explicit Reader(ConfigReading& reading) : reading_(reading) {}

  void mistake(const toml::node& node, std::string text) {
    mistake(node.source().begin.line, std::move(text));
  }
  void mistake(std::size_t line, std::string text) {
    reading_.mistakes.push_back(ConfigMistake{line, std::move(text)});
  }

  void known_keys(const toml::table& table, std::string_view where,
                  std::initializer_list<std::string_view> keys) {
    for (const auto& [key, node] : table) {
      const std::string_view given = key.str();
      if (std::find(keys.begin(), keys.end(), given) != keys.end()) continue;
      const auto nearest = std::min_element(keys.begin(), keys.end(),
                                            [given](std::string_view a, std::string_view b) {
                                              return distance(a, given) < distance(b, given);
                                            });
      std::string text = quote(given) + ": unknown key" + std::string(where);
      if (distance(*nearest, given) <= 3) {
        text += "; did you mean " + quote(*nearest) + "?";
      } else {
        text += "; expected one of";
        for (const auto& name : keys)
          text += (name == *keys.begin() ? " " : ", ") + std::string(name);
      }
      mistake(key.source().begin.line, std::move(text));
    }
  }

  const toml::node* text(const toml::table& table, std::string_view key, std::string& out) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return nullptr;
    if (const auto value = node->value_exact<std::string>()) {
      out = *value;
      return node;
    }
    mistake(*node, quote(key) + ": found " + type_name(*node) + ", expected a text in quotes");
    return nullptr;
  }

  void number(const toml::table& table, std::string_view key, std::int64_t least, std::int64_t most,
              const std::function<void(std::int64_t)>& set) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return;
    const auto value = node->value_exact<std::int64_t>();
    const std::string range =
        "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
    if (!value) {
      mistake(*node, quote(key) + ": found " + type_name(*node) + ", expected " + range);
    } else if (*value < least || *value > most) {
      mistake(*node, quote(key) + ": found " + std::to_string(*value) + ", expected " + range);
    } else {
      set(*value);
    }
  }

  // A list of "host:port"; `out` keeps the good ones.
  const toml::array* addresses(const toml::table& table, std::string_view key,
                               std::vector<std::string>& out) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return nullptr;
    const toml::array* list = node->as_array();
    if (list == nullptr) {
      mistake(*node, quote(key) + ": found " + type_name(*node) +
                         ", expected a list of addresses such as [\"10.20.0.1:7410\"]");
      return nullptr;
    }
    for (const auto& item : *list) {
      const auto value = item.value_exact<std::string>();
      if (!value) {
        mistake(item, quote(key) + ": found " + type_name(item) + ", expected \"host:port\"");
      } else if (auto parsed = parse_address(*value); !parsed) {
        mistake(item, quote(key) + ": " + parsed.error().detail());
      } else {
        out.push_back(*value);
      }
    }
    return list;
  }

  const toml::table* section(const toml::table& root, std::string_view key) {
    const toml::node* node = root.get(key);
    if (node == nullptr) return nullptr;
    if (const toml::table* table = node->as_table()) return table;
    mistake(*node, quote(key) + ": found " + type_name(*node) + ", expected a section [" +
                       std::string(key) + "]");
    return nullptr;
  }

 private:
  ConfigReading& reading_;
};

void read_api(Reader& reader, const toml::table& table, ApiConfig& api) {
  reader.known_keys(table, " in [api]", {"socket", "listen", "token_file"});
  std::string path;
  if (const auto* node = reader.text(table, "socket", path)) {
    if (path.empty() || path.size() > kSocketPathMax) {
      reader.mistake(*node, "\"socket\": found a path of " + std::to_string(path.size()) +
                                " bytes, expected 1 to 107 (the kernel's limit)");
    }
    api.socket = path;
  }
  std::string token_file;
  if (reader.text(table, "token_file", token_file)) api.token_file = token_file;
  const auto* node = reader.text(table, "listen", api.listen);
  if (node == nullptr || api.listen.empty()) return;
  const auto address = parse_address(api.listen);
  if (!address) {
    reader.mistake(*node, "\"listen\": " + address.error().detail());
  } else if (address->host != "localhost" && address->host != "::1" &&
             !address->host.starts_with("127.")) {
    reader.mistake(*node, "\"listen\": found " + quote(api.listen) +
                              ", expected a loopback address such as \"127.0.0.1:7411\"");
  }
  if (api.token_file.empty()) {
    reader.mistake(*node,
                   "\"listen\": the API on TCP needs \"token_file\", a file with the token "
                   "that callers must show");
  }
}

void read_neighbour(Reader& reader, const toml::table& table, std::vector<NeighbourConfig>& out) {
  reader.known_keys(table, " in [[neighbour]]", {"agency", "addresses"});
  NeighbourConfig neighbour;
  if (const auto* node = reader.text(table, "agency", neighbour.agency)) {
    const bool twice = std::any_of(out.begin(), out.end(), [&](const NeighbourConfig& other) {
      return other.agency == neighbour.agency;
    });
    if (neighbour.agency.empty())
      reader.mistake(*node, "\"agency\": found an empty text, expected a code");
    if (twice) reader.mistake(*node, "\"agency\": " + quote(neighbour.agency) + " is listed twice");
  } else if (!table.contains("agency")) {
    reader.mistake(table, "[[neighbour]]: \"agency\" is missing, expected the agency's code");
  }
  const auto* list = reader.addresses(table, "addresses", neighbour.addresses);
  if (list != nullptr && list->empty()) {
    reader.mistake(*list,
                   "\"addresses\": found an empty list, expected at least one \"host:port\"");
  } else if (!table.contains("addresses")) {
    reader.mistake(table,
                   "[[neighbour]]: \"addresses\" is missing, expected a list of \"host:port\"");
  }
  out.push_back(std::move(neighbour));
}

void read_neighbours(Reader& reader, const toml::table& root, std::vector<NeighbourConfig>& out) {
  const toml::node* node = root.get("neighbour");
  if (node == nullptr) return;
  const toml::array* list = node->as_array();
  if (list == nullptr) {
    reader.mistake(*node, std::string("\"neighbour\": found ") + type_name(*node) +
                              ", expected sections [[neighbour]] with double brackets");
    return;
  }
  for (const auto& item : *list) {
    if (const toml::table* table = item.as_table()) {
      read_neighbour(reader, *table, out);
    } else {
      reader.mistake(item, std::string("\"neighbour\": found ") + type_name(item) +
                               ", expected a section [[neighbour]]");
    }
  }
}

// At least the cap where people wait, which was read before.
void read_backoff_idle(Reader& reader, const toml::table& table, LinkConfig& link) {
  link.backoff_idle_max = std::max(link.backoff_idle_max, link.backoff_max);
  reader.number(table, "backoff_idle_max_seconds", link.backoff_max.count(), 3600,
                [&](std::int64_t v) { link.backoff_idle_max = std::chrono::seconds(v); });
}

void read_link(Reader& reader, const toml::table& table, LinkConfig& link) {
  reader.known_keys(table, " in [link]",
                    {"budget_mb_per_day", "blob_hours", "congestion", "heartbeat_seconds",
                     "dead_after_seconds", "backoff_max_seconds", "backoff_idle_max_seconds",
                     "handshakes_max", "dials_per_second", "dials_burst"});
  const auto seconds = [&](std::string_view key, int least, int most, std::chrono::seconds& out) {
    reader.number(table, key, least, most, [&](std::int64_t v) { out = std::chrono::seconds(v); });
  };
  const auto count = [&](std::string_view key, int least, int most, std::uint64_t& out) {
    reader.number(table, key, least, most,
                  [&](std::int64_t v) { out = static_cast<std::uint64_t>(v); });
  };
  count("budget_mb_per_day", 0, 1'000'000, link.budget_mb_per_day);
  seconds("heartbeat_seconds", 5, 3600, link.heartbeat);
  seconds("dead_after_seconds", 5, 600, link.dead_after);
  seconds("backoff_max_seconds", 1, 3600, link.backoff_max);
  count("handshakes_max", 1, 4096, link.handshakes_max);
  count("dials_per_second", 1, 1000, link.dials_per_second);
  count("dials_burst", 1, 10'000, link.dials_burst);
  read_backoff_idle(reader, table, link);
  std::string hours;
  if (const auto* node = reader.text(table, "blob_hours", hours)) {
    if (const auto parsed = parse_hours(hours)) {
      link.blob_hours = *parsed;
    } else {
      reader.mistake(*node, "\"blob_hours\": found " + quote(hours) +
                                ", expected hours such as \"18:00-06:00\"");
    }
  }
  std::string congestion;
  if (const auto* node = reader.text(table, "congestion", congestion)) {
    if (const auto parsed = parse_congestion(congestion)) {
      link.congestion = *parsed;
    } else {
      reader.mistake(
          *node, "\"congestion\": found " + quote(congestion) + ", expected auto, bbr or cubic");
    }
  }
}

void read_office(Reader& reader, const toml::table& table, OfficeConfig& office) {
  reader.known_keys(table, " in [office]", {"calendar", "needs"});
  std::string needs;
  if (const auto* said = reader.text(table, "needs", needs)) {
    office.needs_who = needs == "who" || needs == "both";
    office.needs_what = needs == "what" || needs == "both";
    if (!office.needs_who && !office.needs_what && needs != "any")
      reader.mistake(*said, "\"needs\": found " + quote(needs) +
                                ", expected any, who, what or both: what a new dossier has to say");
  }
  std::string file;
  const auto* node = reader.text(table, "calendar", file);
  if (node != nullptr && !file.empty() && !std::filesystem::path(file).is_absolute())
    reader.mistake(*node, "\"calendar\": found " + quote(file) +
                              ", expected an absolute path, or nothing for the one built in");
  office.calendar = file;
}

void read_store(Reader& reader, const toml::table& table, StoreConfig& store) {
  reader.known_keys(table, " in [store]", {"scrub_days"});
  reader.number(table, "scrub_days", 0, 3650,
                [&](std::int64_t v) { store.scrub_days = static_cast<std::uint64_t>(v); });
}

void read_mirror(Reader& reader, const toml::table& table, MirrorSettings& mirror) {
  reader.known_keys(table, " in [mirror]", {"folder", "key", "every_minutes", "keep"});
  const auto path = [&](std::string_view key, std::string& out) {
    const auto* node = reader.text(table, key, out);
    if (node != nullptr && !std::filesystem::path(out).is_absolute())
      reader.mistake(*node, quote(key) + ": found " + quote(out) + ", expected an absolute path");
    if (!table.contains(key))
      reader.mistake(table, "[mirror]: " + quote(key) + " is missing, expected an absolute path");
  };
  path("folder", mirror.folder);
  path("key", mirror.key);
  reader.number(table, "every_minutes", 1, 10'080, [&](std::int64_t v) { mirror.minutes = v; });
  reader.number(table, "keep", 1, 10'000, [&](std::int64_t v) { mirror.keep = v; });
}

// Users and groups in lists of roles; what everybody else may.
void read_roles(Reader& reader, const toml::table& table, RoleRules& roles) {
  reader.known_keys(table, " in [roles]", {"look", "desk", "decide", "administer", "others"});
  const auto names = [&](std::string_view key, const auto& take) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return;
    const toml::array* list = node->as_array();
    if (list == nullptr)
      return reader.mistake(*node, quote(key) + ": found " + type_name(*node) +
                                       ", expected a list of texts in quotes");
    for (const auto& item : *list) {
      const auto value = item.value_exact<std::string>();
      if (!value || !take(*value))
        reader.mistake(item, quote(key) + ": found " + (value ? quote(*value) : type_name(item)) +
                                 (key == "others" ? ", expected look, desk, decide or administer"
                                                  : ", expected \"user:NAME\" or \"group:NAME\""));
    }
  };
  for (const Role role : kRoles)
    names(to_string(role), [&](const std::string& who) {
      const bool good = (who.starts_with("user:") && who.size() > 5) ||
                        (who.starts_with("group:") && who.size() > 6);
      if (good) roles.rules.push_back({who, role});
      return good;
    });
  if (!table.contains("others")) return;
  roles.others = Roles();
  names("others", [&](const std::string& name) {
    const auto role = role_named(name);
    if (role) roles.others.add(*role);
    return role.has_value();
  });
}

void read_log(Reader& reader, const toml::table& table, std::string& level) {
  reader.known_keys(table, " in [log]", {"level"});
  const auto* node = reader.text(table, "level", level);
  static constexpr std::string_view kLevels[] = {"error", "warn", "info", "debug"};
  if (node != nullptr &&
      std::find(std::begin(kLevels), std::end(kLevels), level) == std::end(kLevels)) {
    reader.mistake(*node,
                   "\"level\": found " + quote(level) + ", expected error, warn, info or debug");
  }
}

void read_root(Reader& reader, const toml::table& root, Config& config) {
  reader.known_keys(root, "",
                    {"data_dir", "listen", "advertise", "api", "neighbour", "link", "office",
                     "store", "mirror", "roles", "log"});
  std::string data_dir;
  if (const auto* node = reader.text(root, "data_dir", data_dir)) {
    if (!std::filesystem::path(data_dir).is_absolute()) {
      reader.mistake(*node,
                     "\"data_dir\": found " + quote(data_dir) + ", expected an absolute path");
    }
    config.data_dir = data_dir;
    config.api.socket = config.data_dir / "agent.sock";
    const std::size_t size = config.api.socket.string().size();
    if (size > kSocketPathMax && !root["api"]["socket"])
      reader.mistake(*node, "\"data_dir\": the path of its socket has " + std::to_string(size) +
                                " bytes, expected at most 107 (the kernel's limit); shorten it or "
                                "set \"socket\" in [api]");
  } else if (!root.contains("data_dir")) {
    reader.mistake(0, "\"data_dir\" is missing, expected the folder of this node's data");
  }
  reader.addresses(root, "listen", config.listen);
  reader.addresses(root, "advertise", config.advertise);
  if (const auto* table = reader.section(root, "api")) read_api(reader, *table, config.api);
  read_neighbours(reader, root, config.neighbours);
  if (const auto* table = reader.section(root, "link")) read_link(reader, *table, config.link);
  if (const auto* table = reader.section(root, "office"))
    read_office(reader, *table, config.office);
  if (const auto* table = reader.section(root, "store")) read_store(reader, *table, config.store);
  if (const auto* table = reader.section(root, "mirror"))
    read_mirror(reader, *table, config.mirror);
  if (const auto* table = reader.section(root, "roles")) read_roles(reader, *table, config.roles);
  if (const auto* table = reader.section(root, "log")) read_log(reader, *table, config.log_level);
}

std::size_t line_of(std::string_view text, std::string_view key) {
  std::size_t line = 1;
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto current = text.substr(0, end);
    while (current.starts_with(' ') || current.starts_with('\t')) current.remove_prefix(1);
    if (current.starts_with(key)) return line;
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
    ++line;
  }
  return 0;
}

void check_places(ConfigReading& reading, std::string_view text) {
  std::error_code ignored;
  const Config& config = reading.config;
  if (!config.data_dir.empty() && !std::filesystem::is_directory(config.data_dir, ignored)) {
    reading.mistakes.push_back(ConfigMistake{
        line_of(text, "data_dir"), "\"data_dir\": there is no folder " +
                                       quote(config.data_dir.string()) +
                                       "; `lienthong init` or `lienthong enroll` makes it"});
  }
  if (!config.mirror.key.empty() && !std::ifstream(config.mirror.key)) {
    reading.mistakes.push_back(ConfigMistake{
        line_of(text, "key"), "\"key\": cannot read " + quote(config.mirror.key) +
                                  "; `lienthong backup key` makes it, with \".pub\" at its end"});
  }
  if (!config.api.token_file.empty() && !std::ifstream(config.api.token_file)) {
    reading.mistakes.push_back(
        ConfigMistake{line_of(text, "token_file"),
                      "\"token_file\": cannot read " + quote(config.api.token_file.string())});
  }
}

void check_calendar(ConfigReading& reading, std::string_view text) {
  const auto calendar = load_calendar(reading.config.office.calendar);
  if (calendar.ok()) return;
  std::istringstream lines(calendar.error().detail());
  for (std::string line; std::getline(lines, line);)
    reading.mistakes.push_back(
        ConfigMistake{line_of(text, "calendar"), "\"calendar\": " + line, true});
}

void sort_mistakes(ConfigReading& reading) {
  std::stable_sort(reading.mistakes.begin(), reading.mistakes.end(),
                   [](const ConfigMistake& a, const ConfigMistake& b) { return a.line < b.line; });
}

}  // namespace

std::string ConfigReading::report(std::string_view file) const {
  std::string out;
  for (const auto& mistake : mistakes) {
    out += file;
    if (mistake.line != 0) out += ":" + std::to_string(mistake.line);
    out += ": " + mistake.text + "\n";
  }
  return out;
}

bool ConfigReading::do_without_calendar() {
  if (mistakes.empty() || !std::ranges::all_of(mistakes, &ConfigMistake::of_calendar)) return false;
  config.office.calendar_problem = mistakes.front().text;
  config.office.calendar.clear();
  mistakes.clear();
  return true;
}

ConfigReading parse_config(std::string_view text) {
  ConfigReading reading;
  Reader reader(reading);
  try {
    const toml::table root = toml::parse(text);
    read_root(reader, root, reading.config);
  } catch (const toml::parse_error& error) {
    reader.mistake(error.source().begin.line, std::string(error.description()));
  }
  sort_mistakes(reading);
  return reading;
}

ConfigReading load_config(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    ConfigReading reading;
    reading.mistakes.push_back(ConfigMistake{0, "cannot read the file"});
    return reading;
  }
  std::ostringstream content;
  content << in.rdbuf();
  const std::string text = content.str();
  ConfigReading reading = parse_config(text);
  check_places(reading, text);
  check_calendar(reading, text);
  sort_mistakes(reading);
  return reading;
}

}  // namespace lienthong::agent
