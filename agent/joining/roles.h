// Who may do what at the local API: the kernel says who calls on the socket, a token who calls on
// TCP; the configuration gives them roles. docs/operations.md, "Roles". Any thread.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lienthong::agent {

enum class Role : std::uint8_t { kLook, kDesk, kDecide, kAdminister };
inline constexpr std::array kRoles{Role::kLook, Role::kDesk, Role::kDecide, Role::kAdminister};
const char* to_string(Role role);  // "look", "desk", …
std::optional<Role> role_named(std::string_view name);

// A set of roles. Whoever has any may look.
class Roles {
 public:
  static Roles all() { return Roles(0xf); }
  Roles() = default;
  void add(Role role) { bits_ = static_cast<std::uint8_t>(bits_ | bit(role) | bit(Role::kLook)); }
  void add(const Roles& roles) { bits_ = static_cast<std::uint8_t>(bits_ | roles.bits_); }
  bool has(Role role) const { return (bits_ & bit(role)) != 0; }
  bool empty() const { return bits_ == 0; }
  std::string text() const;  // "look, desk"; "none"
  bool operator==(const Roles&) const = default;

 private:
  explicit Roles(std::uint8_t bits) : bits_(bits) {}
  static std::uint8_t bit(Role role) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(role));
  }
  std::uint8_t bits_ = 0;
};

struct RoleRule {
  std::string who;  // "user:hanh", "group:van-thu"
  Role role{};
  bool operator==(const RoleRule&) const = default;
};
struct RoleRules {
  std::vector<RoleRule> rules;
  Roles others = Roles::all();  // of whoever can open the socket and is named by no rule
  bool operator==(const RoleRules&) const = default;
};

struct Caller {
  std::string account;  // "hanh", "uid 1007", "token 2", "token portal"; UTF-8
  Roles roles = Roles::all();
};

// The account with that user id, by its name and the groups that it is in. The agent's own account
// and root have all roles: they can read the database itself.
Caller caller_of(const RoleRules& rules, uid_t user, gid_t group);

}  // namespace lienthong::agent
