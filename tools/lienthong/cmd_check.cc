// check, damage: what monitoring asks, and what is known of damage.
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

constexpr int kUnknown = 3;  // monitoring convention

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

}  // namespace lienthong::tools
