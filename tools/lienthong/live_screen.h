// A screen of text that sends only what has changed, for slow lines. Plain ANSI (ECMA-48) in UTF-8:
// ncurses takes letters from the locale, and servers have none in which Vietnamese can be shown.
// Pure but for Terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lienthong::tools {

enum class Style : std::uint8_t { kPlain, kBold, kInverse, kDim };

class Screen {
 public:
  Screen(std::size_t rows, std::size_t columns);
  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }

  // Begins the next picture: blank.
  void clear();
  // What does not fit is left out; control characters are shown as "?". Gives the column after it.
  std::size_t put(std::size_t row, std::size_t column, std::string_view text,
                  Style style = Style::kPlain);
  // What brings the terminal from the last picture to this one.
  std::string flush();
  // The terminal shows anything now: the next flush() sends all.
  void forget();

 private:
  struct Cell {
    std::string text = " ";
    Style style = Style::kPlain;
    bool operator==(const Cell&) const = default;
  };
  void flush_row(std::size_t row, std::string& out);

  std::size_t rows_, columns_;
  std::vector<Cell> next_, shown_;
  bool known_ = false;
  Style style_ = Style::kPlain;  // of the terminal
};

// The terminal in raw mode on its other screen, from construction to destruction; signals that end
// the program bring it back first. Throws Failure kUsage where there is none.
class Terminal {
 public:
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  static void size(std::size_t& rows, std::size_t& columns);
  static void send(std::string_view bytes);
  // A key within that time: its character, or one of these. 0: none; kEnd: nobody types any more.
  static constexpr int kUp = 1000, kDown = 1001, kEnd = 1002;
  static int key(int wait_millis);
};

// What `print` writes to standard output, by lines.
std::vector<std::string> captured(const std::function<void()>& print);

}  // namespace lienthong::tools
