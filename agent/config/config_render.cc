#include <sstream>

#include "agent/config/config.h"
#include "agent/engine/log.h"

namespace lienthong::agent {
namespace {

// TOML basic string.
std::string toml_text(std::string_view text) { return in_quotes(text, "\\u00"); }

std::string toml_list(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const auto& item : items) {
    if (out.size() > 1) out += ", ";
    out += toml_text(item);
  }
  return out + "]";
}

void render_link(std::ostream& out, const LinkConfig& link) {
  out << "\n[link]\n"
      << "budget_mb_per_day = " << link.budget_mb_per_day << "            # 0: no limit\n"
      << "blob_hours        = " << toml_text(to_text(link.blob_hours)) << "\n"
      << "congestion        = " << toml_text(to_string(link.congestion))
      << "       # bbr where the kernel has it; or \"bbr\", \"cubic\"\n"
      << "heartbeat_seconds  = " << link.heartbeat.count()
      << "          # 25 behind a NAT that forgets sooner\n"
      << "dead_after_seconds = " << link.dead_after.count()
      << "          # silence with data outstanding\n"
      << "backoff_max_seconds = " << link.backoff_max.count() << "         # where people wait\n"
      << "backoff_idle_max_seconds = " << link.backoff_idle_max.count()
      << "   # where nobody does\n"
      << "handshakes_max = " << link.handshakes_max << "              # inbound, at once\n"
      << "dials_per_second = " << link.dials_per_second
      << "             # inbound, from one address\n"
      << "dials_burst = " << link.dials_burst << "\n";
}

void render_roles(std::ostream& out, const RoleRules& roles) {
  if (roles == RoleRules()) return;
  out << "\n[roles]\n";
  for (const Role role : kRoles) {
    std::vector<std::string> names;
    for (const RoleRule& rule : roles.rules)
      if (rule.role == role) names.push_back(rule.who);
    if (!names.empty()) out << to_string(role) << " = " << toml_list(names) << "\n";
  }
  std::vector<std::string> others;
  for (const Role role : kRoles)
    if (roles.others.has(role)) others.emplace_back(to_string(role));
  out << "others = " << toml_list(others) << "\n";
}

}  // namespace

std::string render_config(const Config& config) {
  std::ostringstream out;
  out << "# Liên Thông, configuration of the agent. A change needs `systemctl reload` (neighbours, "
         "log\n"
         "# level) or `systemctl restart` (everything else).\n"
      << "data_dir = " << toml_text(config.data_dir.string()) << "\n"
      << "listen   = " << toml_list(config.listen) << "\n";
  if (!config.advertise.empty()) out << "advertise = " << toml_list(config.advertise) << "\n";
  out << "\n[api]\nsocket = " << toml_text(config.api.socket.string()) << "\n"
      << "listen = " << toml_text(config.api.listen)
      << "   # loopback TCP, e.g. \"127.0.0.1:7411\"; needs token_file\n";
  if (!config.api.token_file.empty()) {
    out << "token_file = " << toml_text(config.api.token_file.string()) << "\n";
  }
  for (const auto& neighbour : config.neighbours) {
    out << "\n[[neighbour]]\nagency    = " << toml_text(neighbour.agency)
        << "\naddresses = " << toml_list(neighbour.addresses) << "   # in order of preference\n";
  }
  render_link(out, config.link);
  const OfficeConfig& office = config.office;
  const bool needs = office.needs_who || office.needs_what;
  if (!office.calendar.empty() || needs) out << "\n[office]\n";
  if (!office.calendar.empty())
    out << "calendar = " << toml_text(office.calendar.string()) << "   # of working days\n";
  if (needs)
    out << "needs = "
        << toml_text(!office.needs_what ? "who"
                     : office.needs_who ? "both"
                                        : "what")
        << "   # of a new dossier\n";
  if (config.store != StoreConfig())
    out << "\n[store]\nscrub_days = " << config.store.scrub_days
        << "   # everything on the disk is read once in so many\n";
  if (config.mirror != MirrorSettings())
    out << "\n[mirror]\nfolder = " << toml_text(config.mirror.folder)
        << "   # on a second disk or stick\nkey = " << toml_text(config.mirror.key)
        << "\nevery_minutes = " << config.mirror.minutes << "\nkeep = " << config.mirror.keep
        << "\n";
  render_roles(out, config.roles);
  out << "\n[log]\nlevel = " << toml_text(config.log_level) << "\n";
  return out.str();
}

}  // namespace lienthong::agent
