#include "agent/config/examine.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <fstream>

#include "agent/engine/clock.h"
#include "agent/engine/reserve.h"
#include "agent/joining/identity_check.h"
#include "agent/joining/modes.h"

namespace lienthong::agent {
namespace {

namespace fs = std::filesystem;
using texts::Level;
using texts::Reason;
using List = std::vector<texts::Finding>;

constexpr const char* kUnit = "lienthongd.service";
constexpr const char* kAccount = "lienthong";
constexpr const char* kEnrolling = "enrolling";
constexpr std::uint64_t kFreeLow = 200'000'000, kFreeMin = 16ULL << 20;
constexpr std::uint64_t kFilesMin = 100;

void add(List& out, Level level, Reason reason, std::vector<std::string> values = {}) {
  out.push_back({level, reason, std::move(values)});
}

std::string account_name(uid_t id) {
  const passwd* entry = ::getpwuid(id);
  return entry == nullptr ? std::to_string(id) : entry->pw_name;
}

bool is_there(const fs::path& path) {
  std::error_code problem;
  return fs::exists(path, problem);
}

// ---- the folder ----

void look_at_owner(const fs::path& folder, List& out) {
  struct stat top {};
  if (::stat(folder.c_str(), &top) != 0) return;
  uid_t works_as = top.st_uid;
  const passwd* account = ::getpwnam(kAccount);
  if (account != nullptr && folder == "/var/lib/lienthong") works_as = account->pw_uid;
  std::error_code problem;
  fs::recursive_directory_iterator each(folder, fs::directory_options::skip_permission_denied,
                                        problem);
  const auto wrong = [&](const fs::path& path) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0 || found.st_uid == works_as) return false;
    add(out, Level::kCritical, Reason::kWrongOwner,
        {path.string(), account_name(found.st_uid), account_name(works_as)});
    return true;
  };
  if (wrong(folder)) return;
  for (; !problem && each != fs::recursive_directory_iterator(); each.increment(problem))
    if (wrong(each->path())) return;  // the first says enough
}

void look_at_disk(const fs::path& folder, bool agent_runs, List& out) {
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) return;
  if ((disk.f_flag & ST_RDONLY) != 0)
    return add(out, Level::kCritical, Reason::kReadOnly, {folder.string()});
  if (disk.f_files > 0 && disk.f_favail < kFilesMin)
    add(out, Level::kCritical, Reason::kInodesFull, {folder.string()});
  if (agent_runs) return;
  const std::uint64_t free_bytes = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  const std::string megabytes = std::to_string(free_bytes / 1'000'000) + " MB";
  if (free_bytes < kFreeMin)
    add(out, Level::kCritical, Reason::kDiskFull, {megabytes});
  else if (free_bytes < kFreeLow)
    add(out, Level::kWarning, Reason::kDiskLow,
        {folder.string(), std::to_string(free_bytes / 1'000'000)});
}

// What only the agent's own looks would tell, where it does not run.
void look_at_identity(const fs::path& folder, List& out) {
  const auto files = read_identity_files(folder);
  if (!files)
    add(out, Level::kCritical, Reason::kIdentityWrong, {files.error().detail()});
  else if (!files->keys)
    add(out, Level::kCritical, Reason::kIdentityWrong, {files->key_error.detail()});
  else if (!files->card)
    add(out, Level::kWarning, Reason::kIdentityDoubtful, {files->card_error.detail()});
  for (const Wide& wide : too_wide(folder))
    if (wide.allowed != kSecretMode)
      add(out, Level::kWarning, Reason::kOpenToOthers, {wide.path.string()});
  for (const IdentityFinding& secret : check_secrets(folder))
    add(out, Level::kWarning,
        secret.what == IdentityFinding::What::kKeyOpen ? Reason::kKeyOpen : Reason::kRootPaper,
        {secret.path});
}

// Whoever holds the lock of the database; empty: nobody.
std::string holder_of(const fs::path& lock) {
  const int file = ::open(lock.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  struct flock held {};
  held.l_type = F_WRLCK;
  held.l_whence = SEEK_SET;
  const bool told = ::fcntl(file, F_GETLK, &held) == 0;
  ::close(file);
  if (!told || held.l_type == F_UNLCK) return {};
  std::ifstream name_file("/proc/" + std::to_string(held.l_pid) + "/comm");
  std::string name;
  std::getline(name_file, name);
  return std::to_string(held.l_pid) + (name.empty() ? "" : " (" + name + ")");
}

// True: nobody has it, and it looks as if it could be opened.
bool look_at_store(const fs::path& folder, List& out) {
  const fs::path store = folder / kStoreFolder;
  if (!is_there(store)) {
    add(out, Level::kCritical, Reason::kStoreMissing, {store.string()});
    return false;
  }
  if (const std::string holder = holder_of(store / "LOCK"); !holder.empty()) {
    add(out, Level::kCritical, Reason::kStoreInUse, {holder});
    return false;
  }
  std::ifstream current(store / "CURRENT");
  std::string manifest;
  std::getline(current, manifest);
  std::error_code problem;
  const bool named =
      manifest.starts_with("MANIFEST-") && fs::file_size(store / manifest, problem) > 0;
  if (!named || problem)
    add(out, Level::kCritical, Reason::kStoreBroken,
        {(store / (manifest.starts_with("MANIFEST-") ? manifest : "CURRENT")).string()});
  return true;
}

void look_at_remains(const fs::path& folder, List& out) {
  std::error_code problem;
  for (fs::directory_iterator each(folder, problem), end; !problem && each != end;
       each.increment(problem))
    if (each->path().filename().string().starts_with("store.damaged-"))
      add(out, Level::kNote, Reason::kDamagedKept, {each->path().string()});
  if (is_there(folder / kEnrolling))
    add(out, Level::kNote, Reason::kEnrolling, {(folder / kEnrolling).string()});
  if (is_there(folder / kRootKeyFile))
    add(out, Level::kWarning, Reason::kRootKeyHere, {(folder / kRootKeyFile).string()});
  if (is_there(folder / kStoreFolder) && !is_there(folder / kReserveFile))
    add(out, Level::kNote, Reason::kReserveGone, {(folder / kReserveFile).string()});
}

// ---- the machine ----

void look_at_clock(bool agent_runs, List& out) {
  const UnixMillis now = UnixMillis{::time(nullptr)} * 1000;
  if (!agent_runs && now < kReleasedAfter)
    add(out, Level::kWarning, Reason::kClockBeforeRelease,
        {std::to_string(now / 1000), std::to_string(kReleasedAfter / 1000)});
  struct timex kernel {};
  if (::adjtimex(&kernel) == TIME_ERROR || (kernel.status & STA_UNSYNC) != 0)
    add(out, Level::kNote, Reason::kClockFree);
}

void look_at_unit(const fs::path& system, List& out) {
  const auto in = [&system](const char* path) { return fs::path(system.string() + path); };
  const bool installed = is_there(in("/lib/systemd/system") / kUnit) ||
                         is_there(in("/usr/lib/systemd/system") / kUnit);
  std::error_code problem;
  const auto wanted = in("/etc/systemd/system/multi-user.target.wants") / kUnit;
  if (installed && fs::symlink_status(wanted, problem).type() == fs::file_type::not_found)
    add(out, Level::kWarning, Reason::kNotEnabled);
}

void look_at_kernel(const fs::path& system, List& out) {
  std::ifstream file(system.string() + "/proc/sys/net/ipv4/tcp_available_congestion_control");
  std::string name, all;
  while (file >> name) all += " " + name + " ";
  if (!all.empty() && all.find(" bbr ") == std::string::npos)
    add(out, Level::kNote, Reason::kNoBbr);
}

// False: nothing behind it can be looked at.
bool look_into(const fs::path& folder, List& out) {
  std::error_code problem;
  if (!fs::is_directory(folder, problem)) {
    const bool denied = problem == std::errc::permission_denied;
    add(out, denied ? Level::kWarning : Level::kCritical,
        denied ? Reason::kFolderDenied : Reason::kFolderMissing, {folder.string()});
    return false;
  }
  if (::access(folder.c_str(), R_OK | X_OK) == 0) return true;
  add(out, Level::kWarning, Reason::kFolderDenied, {folder.string()});
  return false;
}

}  // namespace

List examine(const Examination& what) {
  List out;
  look_at_clock(what.agent_runs, out);
  look_at_unit(what.system, out);
  if (!what.agent_runs) look_at_kernel(what.system, out);
  std::error_code problem;
  if (!fs::exists(what.config, problem)) {
    const bool denied = problem == std::errc::permission_denied;
    add(out,
        what.agent_runs ? Level::kNote
        : denied        ? Level::kWarning
                        : Level::kCritical,
        denied ? Reason::kFolderDenied : Reason::kConfigMissing, {what.config.string()});
    return out;
  }
  const ConfigReading reading = load_config(what.config);
  for (const ConfigMistake& mistake : reading.mistakes)
    add(out, Level::kCritical, Reason::kConfigWrong,
        {what.config.string() + ":" + std::to_string(mistake.line) + ": " + mistake.text});
  const Config& config = reading.config;
  if (config.data_dir.empty() || !look_into(config.data_dir, out)) return out;
  look_at_owner(config.data_dir, out);
  look_at_disk(config.data_dir, what.agent_runs, out);
  look_at_remains(config.data_dir, out);
  if (what.agent_runs) return out;
  look_at_identity(config.data_dir, out);
  if (look_at_store(config.data_dir, out) && reading.mistakes.empty()) examine_lines(config, out);
  return out;
}

}  // namespace lienthong::agent
