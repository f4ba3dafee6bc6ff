#include "tools/lienthong/installed.h"

#include <grp.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/text.h"

extern char** environ;

namespace lienthong::tools {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kFolderMode = 0750;
constexpr auto kStartPatience = std::chrono::seconds(15);
constexpr auto kStartPause = std::chrono::milliseconds(200);

[[noreturn]] void fail(const std::string& what) {
  throw Failure(kFailed,
                what + ": " + std::system_category().message(errno));  // of the call before
}

// As a service manager is there to be asked, sd_booted(3).
bool has_systemd() { return fs::is_directory("/run/systemd/system"); }

// The exit code of systemctl with those words; -1: it could not be run.
int systemctl(const char* first, const char* second, const char* third) {
  const char* words[] = {"systemctl", first, second, third, nullptr};
  pid_t child = 0;
  // posix_spawnp takes the words as they are and does not change them.
  if (::posix_spawnp(&child, words[0], nullptr, nullptr, const_cast<char* const*>(words),
                     environ) != 0)
    return -1;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool answers_in_time(const Client& client) {
  const auto end = std::chrono::steady_clock::now() + kStartPatience;
  for (;;) {
    try {
      client.get("/v1/status");
      return true;
    } catch (const Failure& failure) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(kStartPause);
    }
  }
}

}  // namespace

AsAgent::AsAgent(bool wanted) : user_(::geteuid()), group_(::getegid()) {
  if (!wanted) return;
  const passwd* account = ::getpwnam(kInstalledAccount);
  if (account == nullptr)
    throw Failure(kFailed, tr("there is no account lienthong on this machine: install the package "
                              "lienthong-agent, or name a folder with --data"));
  if (user_ == account->pw_uid) return;
  if (user_ != 0)
    throw Failure(kFailed, tr("setting up this machine's office is for root: give the same command "
                              "with sudo, or name a folder of your own with --data"));
  if (::mkdir(kInstalledData, kFolderMode) == 0) {
    if (::chown(kInstalledData, account->pw_uid, account->pw_gid) != 0) fail(kInstalledData);
  } else if (errno != EEXIST) {
    fail(kInstalledData);
  }
  // The name first, while it is still allowed.
  if (::initgroups(kInstalledAccount, account->pw_gid) != 0 || ::setegid(account->pw_gid) != 0 ||
      ::seteuid(account->pw_uid) != 0)
    fail(kInstalledAccount);
  changed_ = true;
}

AsAgent::~AsAgent() {
  if (!changed_) return;
  if (::seteuid(user_) != 0 || ::setegid(group_) != 0) ::_exit(kFailed);
  ::setgroups(0, nullptr);
}

Started start_installed(const Client& client) {
  Started out;
  std::error_code problem;
  const fs::path link = kInstalledConfig;
  fs::create_directories(link.parent_path(), problem);
  if (fs::is_symlink(link) && !fs::exists(link)) fs::remove(link, problem);
  if (!fs::exists(link)) fs::create_symlink(fs::path(kInstalledData) / "agent.toml", link, problem);
  if (!has_systemd()) {
    out.said =
        format("no systemd runs here; start the agent: runuser -u {} -- lienthongd --config {}",
               kInstalledAccount, kInstalledConfig);
    return out;
  }
  if (systemctl("--quiet", "enable", kInstalledUnit) == 0 &&
      systemctl("--quiet", "restart", kInstalledUnit) == 0)
    out.answers = answers_in_time(client);
  out.said = out.answers ? tr("The agent runs, and starts with the machine.")
                         : tr("The agent has not started: see systemctl status lienthongd and "
                              "journalctl -u lienthongd.");
  return out;
}

}  // namespace lienthong::tools
