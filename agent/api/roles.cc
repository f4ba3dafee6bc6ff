// Which role each call needs. docs/operations.md, "Roles".
#include <algorithm>
#include <array>

#include "agent/api/context.h"

namespace lienthong::agent {
namespace {

struct Needed {
  std::string_view name;
  Role role;
};

// Calls that change something, or give something away; those that are not here are to administer.
constexpr std::array kCalls{
    Needed{"/v1/operations", Role::kLook},  // each line by itself, below
    Needed{"/v1/blobs", Role::kDesk},
    Needed{"/v1/blobs/{digest}/fetch", Role::kDesk},
    Needed{"/v1/bundles/export", Role::kDesk},
    Needed{"/v1/bundles/import", Role::kDesk},
    Needed{"/v1/compare", Role::kDesk},
    Needed{"/v1/dossiers/{code}/evidence", Role::kDecide},
    Needed{"/v1/reports/{form}/save", Role::kDesk},
    Needed{"/v1/sync", Role::kDesk},
    Needed{"/v1/verify", Role::kDesk},
};

// What overrules somebody, opens what is closed, or cannot be undone.
constexpr std::array<std::string_view, 5> kDecisions{"erase", "inspect", "reclaim", "succeed",
                                                     "uphold"};

}  // namespace

Role role_for(const ApiRoute& route) {
  if (route.method == "GET") return Role::kLook;
  const auto found = std::ranges::find(kCalls, route.path, &Needed::name);
  return found == kCalls.end() ? Role::kAdminister : found->role;
}

Role role_for_operation(std::string_view op) {
  return std::ranges::find(kDecisions, op) == kDecisions.end() ? Role::kDesk : Role::kDecide;
}

Error lacks_role(const Caller& caller, Role role) {
  return Error(Errc::kNotAllowed, "this needs the role " + std::string(to_string(role)) + "; " +
                                      caller.account + " has: " + caller.roles.text());
}

}  // namespace lienthong::agent
