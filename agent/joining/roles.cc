#include "agent/joining/roles.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>

namespace lienthong::agent {
namespace {

constexpr std::size_t kEntryBytes = 16 * 1024;  // of one line of passwd or group, at most
constexpr int kGroupsMax = 1024;

std::string user_name(uid_t user, gid_t& group) {
  std::vector<char> room(kEntryBytes);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(user, &entry, room.data(), room.size(), &found) != 0 || found == nullptr)
    return {};
  group = entry.pw_gid;
  return entry.pw_name;
}

std::string group_name(gid_t group) {
  std::vector<char> room(kEntryBytes);
  ::group entry{};
  ::group* found = nullptr;
  if (::getgrgid_r(group, &entry, room.data(), room.size(), &found) != 0 || found == nullptr)
    return {};
  return entry.gr_name;
}

std::vector<gid_t> groups_of(const std::string& user, gid_t group) {
  std::vector<gid_t> out{group};
  if (user.empty()) return out;
  int count = kGroupsMax;
  std::vector<gid_t> groups(kGroupsMax);
  if (::getgrouplist(user.c_str(), group, groups.data(), &count) < 0) count = kGroupsMax;
  groups.resize(static_cast<std::size_t>(std::clamp(count, 0, kGroupsMax)));
  out.insert(out.end(), groups.begin(), groups.end());
  return out;
}

}  // namespace

const char* to_string(Role role) {
  switch (role) {
    case Role::kLook: return "look";
    case Role::kDesk: return "desk";
    case Role::kDecide: return "decide";
    case Role::kAdminister: return "administer";
  }
  return "?";
}

std::optional<Role> role_named(std::string_view name) {
  for (const Role role : kRoles)
    if (name == to_string(role)) return role;
  return std::nullopt;
}

std::string Roles::text() const {
  std::string out;
  for (const Role role : kRoles)
    if (has(role)) out += (out.empty() ? "" : ", ") + std::string(to_string(role));
  return out.empty() ? "none" : out;
}

Caller caller_of(const RoleRules& rules, uid_t user, gid_t group) {
  Caller out;
  gid_t own = group;
  const std::string name = user_name(user, own);
  // It is written into closed parts, which are text.
  const bool plain = std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; });
  out.account = name.empty() || !plain ? "uid " + std::to_string(user) : name;
  if (user == 0 || user == ::geteuid()) return out;
  std::vector<std::string> names{"user:" + name};
  for (const gid_t id : groups_of(name, own)) names.push_back("group:" + group_name(id));
  if (own != group) names.push_back("group:" + group_name(group));
  out.roles = Roles();
  for (const RoleRule& rule : rules.rules)
    if (std::ranges::find(names, rule.who) != names.end()) out.roles.add(rule.role);
  if (out.roles.empty()) out.roles = rules.others;
  return out;
}

}  // namespace lienthong::agent
