// The agent of this machine as its package runs it: where its folder and socket are, under which
// account, by which unit. `init` and `enroll` set up there unless another folder is named.
#pragma once

#include <sys/types.h>

#include <string>

#include "tools/lienthong/client.h"

namespace lienthong::tools {

inline constexpr const char* kInstalledData = "/var/lib/lienthong";
inline constexpr const char* kInstalledSocket = "/run/lienthong/agent.sock";
inline constexpr const char* kInstalledSettings = "/etc/lienthong/setup.toml";
inline constexpr const char* kInstalledConfig =
    "/etc/lienthong/agent.toml";  // points to the folder
inline constexpr const char* kInstalledUnit = "lienthongd.service";
inline constexpr const char* kInstalledAccount = "lienthong";

// While it lives, what this process does it does as the agent's account, so that all it makes
// belongs to that account. One at a time.
class AsAgent {
 public:
  // `wanted` false: nothing changes. Makes the folder with its owner. Throws Failure kFailed: there
  // is no such account, or this is neither root nor the account itself; with what to do.
  explicit AsAgent(bool wanted);
  ~AsAgent();
  AsAgent(const AsAgent&) = delete;
  AsAgent& operator=(const AsAgent&) = delete;

 private:
  uid_t user_ = 0;
  gid_t group_ = 0;
  bool changed_ = false;
};

// After a set-up there: /etc/lienthong/agent.toml points to the configuration, the unit is enabled
// and started, and the agent has answered. `said`: what there is to say of it, in the reader's
// language; an agent that does not start is said too, and is no failure of the set-up.
struct Started {
  bool answers = false;
  std::string said;
};
Started start_installed(const Client& client);

}  // namespace lienthong::tools
