#include "tools/lienthong/screen.h"

#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <thread>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

constexpr std::size_t kColumnsMin = 40;  // a narrower bound than that is none

struct KnownScreen {
  bool terminal = false, colour = false;
  std::size_t columns = 0;
};

KnownScreen& known_screen() {
  static KnownScreen known;
  return known;
}

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

// The words of PAGER; empty: none is wanted.
std::string pager_command() {
  if (std::getenv("PAGER") == nullptr) return "less -FRX";
  const std::string_view wanted = variable("PAGER");
  return wanted == "cat" ? std::string() : std::string(wanted);
}

}  // namespace

void look_at_screen() {
  KnownScreen& known = known_screen();
  known.terminal = isatty(STDOUT_FILENO) != 0;
  known.colour = known.terminal && variable("NO_COLOR").empty() && variable("TERM") != "dumb";
  winsize size{};
  if (known.terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) known.columns = size.ws_col;
  const std::string_view said = variable("COLUMNS");
  std::size_t columns = 0;
  const auto [end, failed] = std::from_chars(said.data(), said.data() + said.size(), columns);
  if (failed == std::errc() && end == said.data() + said.size()) known.columns = columns;
  if (known.columns < kColumnsMin) known.columns = 0;
}

std::size_t screen_columns() { return known_screen().columns; }
bool is_terminal() { return known_screen().terminal; }

std::string painted(std::string_view text, Paint paint) {
  if (!known_screen().colour || paint == Paint::kNone || text.empty()) return std::string(text);
  const char* begin = "\x1b[31m";
  if (paint == Paint::kBold) begin = "\x1b[1m";
  if (paint == Paint::kGood) begin = "\x1b[32m";
  return begin + std::string(text) + "\x1b[0m";
}

Pager::Pager() {
  const std::string command = pager_command();
  int ends[2];
  if (!known_screen().terminal || command.empty() || pipe(ends) != 0) return;
  child_ = fork();
  if (child_ == 0) {
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    close(ends[1]);
    execl("/bin/sh", "sh", "-c", (command + " 2>/dev/null || cat").c_str(), nullptr);
    _exit(127);
  }
  close(ends[0]);
  if (child_ > 0) {
    std::signal(SIGPIPE, SIG_IGN);  // whoever has seen enough ends the pager first
    dup2(ends[1], STDOUT_FILENO);
  }
  close(ends[1]);
}

Pager::~Pager() {
  if (child_ <= 0) return;
  std::cout.flush();
  close(STDOUT_FILENO);
  waitpid(child_, nullptr, 0);
}

void Watch::add_to(CLI::App& verb) {
  verb.add_option("--watch", every, tr("again and again, each so long, such as 2s"))
      ->expected(0, 1)
      ->default_str("2s");
}

int Watch::run(bool json, const std::function<int()>& look) const {
  if (every.empty()) return look();
  const auto pause = std::max(parse_duration(every), std::chrono::seconds(1));
  for (;;) {
    if (!json && is_terminal()) std::cout << "\x1b[H\x1b[2J";
    if (!json) {
      const std::time_t now = std::time(nullptr);
      std::tm local{};
      localtime_r(&now, &local);
      char clock[32];
      std::strftime(clock, sizeof clock, "%H:%M:%S", &local);
      print_line(format("every {}: {}", show_age(pause.count()), clock));
    }
    try {
      (void)look();
    } catch (const Failure& failure) {
      if (failure.code() == kUsage) throw;
      print_error(std::string("lienthong: ") + failure.what());
    }
    std::cout.flush();
    if (!std::cout) return kFailed;
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace lienthong::tools
