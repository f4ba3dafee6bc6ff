#include "tools/lienthong/live_screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

constexpr std::size_t kRowsDefault = 24, kColumnsDefault = 80;
constexpr std::size_t kGapMax = 4;  // unchanged cells that are cheaper to send than to jump over
constexpr std::string_view kBegin = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kFinish = "\x1b[0m\x1b[?25h\x1b[?1049l";

const char* code_of(Style style) {
  switch (style) {
    case Style::kPlain: return "\x1b[m";
    case Style::kBold: return "\x1b[0;1m";
    case Style::kInverse: return "\x1b[0;7m";
    case Style::kDim: return "\x1b[0;2m";
  }
  return "\x1b[m";
}

// C0, DEL, and C1 as UTF-8: what a terminal would obey.
bool is_control(std::string_view text) {
  const auto byte_at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  return byte_at(0) < 0x20 || byte_at(0) == 0x7f ||
         (byte_at(0) == 0xc2 && text.size() > 1 && byte_at(1) < 0xa0);
}

// One column of text: a code point with the combining marks after it, or one that is obeyed.
std::string_view first_column(std::string_view text) {
  if (is_control(text)) return text.substr(0, text.front() == '\xc2' ? 2 : 1);
  std::size_t end = prefix_of(text, 1);
  for (std::size_t at = 1; at < end; ++at)
    if (is_control(text.substr(at))) end = at;
  return text.substr(0, end);
}

termios& before() {
  static termios settings{};
  return settings;
}

extern "C" void restore_and_end(int signal) {
  (void)!::write(STDOUT_FILENO, kFinish.data(), kFinish.size());
  (void)::tcsetattr(STDIN_FILENO, TCSANOW, &before());
  ::_exit(128 + signal);
}

int read_byte(int wait_millis) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  if (::poll(&input, 1, wait_millis) <= 0) return 0;  // also when the size has changed
  unsigned char byte = 0;
  const ssize_t size = ::read(STDIN_FILENO, &byte, 1);
  if (size == 1) return byte;
  return size == 0 || errno != EINTR ? Terminal::kEnd : 0;
}

}  // namespace

Screen::Screen(std::size_t rows, std::size_t columns)
    : rows_(rows), columns_(columns), next_(rows * columns), shown_(rows * columns) {}

void Screen::clear() { next_.assign(rows_ * columns_, Cell()); }

std::size_t Screen::put(std::size_t row, std::size_t column, std::string_view text, Style style) {
  while (!text.empty() && row < rows_ && column < columns_) {
    const std::string_view one = first_column(text);
    text.remove_prefix(one.size());
    next_[row * columns_ + column++] = {is_control(one) ? "?" : std::string(one), style};
  }
  return column;
}

void Screen::forget() { known_ = false; }

void Screen::flush_row(std::size_t row, std::string& out) {
  const auto differs = [&](std::size_t column) {
    return next_[row * columns_ + column] != shown_[row * columns_ + column];
  };
  std::size_t blank_from = columns_;  // from here on the new row is blank
  while (blank_from > 0 && next_[row * columns_ + blank_from - 1] == Cell()) --blank_from;
  std::size_t at = 0;
  while (at < columns_) {
    if (!differs(at)) {
      ++at;
      continue;
    }
    out += "\x1b[" + std::to_string(row + 1) + ";" + std::to_string(at + 1) + "H";
    for (std::size_t gap = 0; at < columns_ && gap <= kGapMax; ++at) {
      if (at >= blank_from) {
        if (style_ != Style::kPlain) out += code_of(style_ = Style::kPlain);
        out += "\x1b[K";
        return;
      }
      gap = differs(at) ? 0 : gap + 1;
      if (gap > kGapMax) break;
      const Cell& cell = next_[row * columns_ + at];
      if (cell.style != style_) out += code_of(style_ = cell.style);
      out += cell.text;
    }
  }
}

std::string Screen::flush() {
  std::string out;
  if (!known_) {
    out = "\x1b[m\x1b[2J";
    style_ = Style::kPlain;
    shown_.assign(rows_ * columns_, Cell());
    known_ = true;
  }
  for (std::size_t row = 0; row < rows_; ++row) flush_row(row, out);
  shown_ = next_;
  return out;
}

Terminal::Terminal() {
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0 ||
      ::tcgetattr(STDIN_FILENO, &before()) != 0)
    throw Failure(kUsage, tr("this needs a terminal"));
  termios raw = before();
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  (void)::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, restore_and_end);
  struct sigaction ignored {};
  ignored.sa_handler = [](int) {};  // wakes poll()
  (void)::sigaction(SIGWINCH, &ignored, nullptr);
  send(kBegin);
}

Terminal::~Terminal() {
  send(kFinish);
  (void)::tcsetattr(STDIN_FILENO, TCSANOW, &before());
}

void Terminal::size(std::size_t& rows, std::size_t& columns) {
  winsize found{};
  const bool told = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &found) == 0 && found.ws_row > 0;
  rows = told ? found.ws_row : kRowsDefault;
  columns = told && found.ws_col > 0 ? found.ws_col : kColumnsDefault;
}

void Terminal::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
}

int Terminal::key(int wait_millis) {
  constexpr int kEscape = 27, kRestMillis = 50;
  const int first = read_byte(wait_millis);
  if (first != kEscape) return first;
  const int second = read_byte(kRestMillis);
  if (second != '[' && second != 'O') return kEscape;
  const int third = read_byte(kRestMillis);
  return third == 'A' ? kUp : third == 'B' ? kDown : 0;
}

std::vector<std::string> captured(const std::function<void()>& print) {
  struct Restored {  // also when `print` throws
    explicit Restored(std::streambuf* other) : ours(std::cout.rdbuf(other)) {}
    ~Restored() { std::cout.rdbuf(ours); }
    Restored(const Restored&) = delete;
    Restored& operator=(const Restored&) = delete;
    std::streambuf* ours;
  };
  std::ostringstream text;
  {
    const Restored restored(text.rdbuf());
    print();
  }
  std::vector<std::string> lines;
  std::istringstream in(text.str());
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace lienthong::tools
