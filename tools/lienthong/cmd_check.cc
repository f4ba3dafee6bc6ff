// check, damage, doctor: finding out what is wrong.
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

constexpr int kUnknown = 3;                             // monitoring convention
constexpr std::uint64_t kFreeBytesMin = 200'000'000;    // below: warn
constexpr std::time_t kBuildYearStart = 1'672'531'200;  // 2023-01-01: no office clock is older

int check(const Shell& shell) {
  static constexpr const char* kStates[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
  Json answer;
  try {
    answer = shell.client().get("/v1/check");
  } catch (const Failure& failure) {
    if (shell.json) {
      print_json({{"state", kUnknown}, {"messages", Json::array()}, {"error", failure.what()}});
    } else {
      print_line(std::string("LIENTHONG UNKNOWN: ") + failure.what());
    }
    return kUnknown;
  }
  const std::int64_t state = number_of(answer, "state");
  const int code = state >= 0 && state < kUnknown ? static_cast<int>(state) : kUnknown;
  if (shell.json) {
    print_json(answer);
    return code;
  }
  const char* text_name = language() == "vi" ? "text_vi" : "text_en";
  std::string line = std::string("LIENTHONG ") + kStates[code];
  const char* mark = ": ";
  for (const Json& message : list_of(answer, "messages")) {
    line += mark + text_of(message, text_name);
    mark = "; ";
  }
  print_line(line);
  return code;
}

std::string count_or_unknown(const Json& damage, const char* name) {
  const auto found = damage.find(name);
  return found == damage.end() || found->is_null() ? tr("not known")
                                                   : std::to_string(number_of(damage, name));
}

void print_damage(const Json& damage) {
  if (!damage.is_object()) {
    print_line(tr("The database was never found damaged."));
    return;
  }
  const auto numbers = [&damage](const char* first, const char* last) {
    return number_of(damage, last) == 0
               ? std::string()
               : format(" (numbers {} to {})", number_of(damage, first), number_of(damage, last));
  };
  Table table({"", ""});
  table.add({tr("found damaged"), show_time(text_of(damage, "at"))});
  for (const Json& finding : list_of(damage, "findings"))
    table.add({tr("what was found"), finding.get<std::string>()});
  table.add({tr("the damaged one is kept as"), text_of(damage, "kept_as")});
  table.add({tr("changes that could be read"), count_or_unknown(damage, "updates_kept")});
  table.add({tr("acknowledged writes missing"),
             count_or_unknown(damage, "writes_missing") + numbers("first_write", "last_write")});
  table.add({tr("changes missing"),
             count_or_unknown(damage, "updates_missing") + numbers("first_update", "last_update")});
  table.add(
      {tr("entries of the registry missing"), count_or_unknown(damage, "statements_missing")});
  table.add({tr("scans with a part missing"), count_or_unknown(damage, "scans_missing")});
  const std::string seen = text_of(damage, "seen_at");
  table.add(
      {tr("seen"), seen.empty() ? tr("by nobody yet: lienthong damage seen") : show_time(seen)});
  table.print("  ");
}

int damage(const Shell& shell, bool seen) {
  const Json answer =
      seen ? shell.client().post("/v1/damage/seen") : shell.client().get("/v1/damage");
  if (shell.json)
    print_json(answer);
  else
    print_damage(answer.value("damage", Json()));
  return kDone;
}

enum class Level { kOk, kWarn, kBad };

// Collects what the doctor finds; each finding with what to do about it.
class Findings {
 public:
  void add(Level level, std::string what, std::string remedy = {}) {
    static constexpr const char* kNames[] = {"ok", "warn", "bad"};
    list_.push_back({{"level", kNames[static_cast<int>(level)]},
                     {"text", std::move(what)},
                     {"remedy", std::move(remedy)}});
    if (level > worst_) worst_ = level;
  }
  Level worst() const { return worst_; }
  const Json& list() const { return list_; }

 private:
  Json list_ = Json::array();
  Level worst_ = Level::kOk;
};

void look_at_socket(const std::string& path, Findings& findings) {
  struct stat entry {};
  if (stat(path.c_str(), &entry) != 0) {
    findings.add(Level::kBad, format("socket {}: {}", path, std::strerror(errno)),
                 errno == EACCES ? tr("join the group lienthong, or run this as root")
                                 : tr("start the agent: systemctl start lienthongd"));
  } else if (!S_ISSOCK(entry.st_mode)) {
    findings.add(Level::kBad, format("{} is not a socket", path), tr("name another with --socket"));
  } else {
    findings.add(Level::kOk, format("socket {}", path));
  }
}

void look_at_disk(const std::string& path, Findings& findings) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  struct statvfs disk {};
  if (statvfs(folder.c_str(), &disk) != 0) return;
  const std::uint64_t free_bytes = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  const std::string shown = show_bytes(static_cast<std::int64_t>(free_bytes));
  if (free_bytes < kFreeBytesMin) {
    findings.add(Level::kWarn, format("disk of {}: {} free", folder, shown),
                 tr("make room; a full disk makes the agent read-only"));
  } else {
    findings.add(Level::kOk, format("disk of {}: {} free", folder, shown));
  }
}

void look_at_clock(Findings& findings) {
  if (std::time(nullptr) < kBuildYearStart) {
    findings.add(Level::kWarn, tr("the clock is years behind"),
                 tr("set the clock; deadlines would be wrong"));
  } else {
    findings.add(Level::kOk, tr("the clock is plausible"));
  }
}

void look_at_links(const Json& status, Findings& findings) {
  for (const Json& neighbour : list_of(status, "neighbours")) {
    const std::string agency = text_of(neighbour, "agency");
    if (text_of(neighbour, "state") == "connected") {
      findings.add(Level::kOk, format("link to {}", agency));
      continue;
    }
    findings.add(
        Level::kWarn,
        format("no link to {} ({}), last contact {}", agency, text_of(neighbour, "address"),
               show_time(text_of(neighbour, "last_contact"))),
        tr("work goes on; check the network, then: lienthong sync now, lienthong peers"));
  }
}

void look_at_agent(const Json& status, Findings& findings) {
  findings.add(Level::kOk, format("agent {} answers, version {}", text_of(status, "agency"),
                                  text_of(status, "version")));
  if (number_of(status, "refused") > 0) {
    findings.add(Level::kWarn, format("{} updates were refused", number_of(status, "refused")),
                 tr("see: lienthong quarantine"));
  }
  if (status.value("restored", false)) {
    findings.add(Level::kWarn, tr("this machine was restored from an older copy"),
                 tr("keep it connected until a neighbour has given back what is missing"));
  }
  if (status.value("clock_doubtful", false)) {
    findings.add(Level::kWarn, tr("the clock differs from the neighbours'"),
                 tr("set the clock; deadlines would be wrong"));
  }
  look_at_links(status, findings);
}

int doctor(const Shell& shell) {
  Findings findings;
  look_at_socket(shell.socket, findings);
  look_at_disk(shell.socket, findings);
  look_at_clock(findings);
  try {
    look_at_agent(shell.client().get("/v1/status"), findings);
  } catch (const Failure& failure) {
    findings.add(Level::kBad, failure.what(), tr("see its log: journalctl -u lienthongd"));
  }
  if (shell.json) {
    print_json(findings.list());
  } else {
    for (const Json& finding : findings.list()) {
      const std::string level = text_of(finding, "level");
      const std::string remedy = text_of(finding, "remedy");
      print_line((level == "ok" ? "✓ " : level == "warn" ? "! " : "✗ ") + text_of(finding, "text"));
      if (!remedy.empty()) print_line("    → " + remedy);
    }
  }
  return findings.worst() == Level::kBad ? kFailed : kDone;
}

}  // namespace

void add_check(CLI::App& app, Shell& shell) {
  add_verb(app, "check", "for monitoring: exit 0 OK, 1 warning, 2 critical, 3 unknown",
           "lienthong check")
      ->callback([&shell] { shell.run = [&shell] { return check(shell); }; });
}

void add_damage(CLI::App& app, Shell& shell) {
  CLI::App* verb =
      add_verb(app, "damage", "what is known of damage to the database", "lienthong damage");
  CLI::App* seen = add_verb(*verb, "seen", "you know what is missing: check is critical no more",
                            "lienthong damage seen");
  verb->require_subcommand(0, 1);
  verb->callback([&shell, seen] {
    const bool asked = seen->parsed();
    shell.run = [&shell, asked] { return damage(shell, asked); };
  });
}

void add_doctor(CLI::App& app, Shell& shell) {
  add_verb(app, "doctor", "look at socket, disk, clock and links, and say what to do",
           "lienthong doctor")
      ->callback([&shell] { shell.run = [&shell] { return doctor(shell); }; });
}

}  // namespace lienthong::tools
