// The vectors of docs/protocol/vectors.md: a theme's function recomputes them, in the order in
// which they are printed. The page shows the short ones, tests/data/vectors/THEME.txt all of them.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/bytes.h"
#include "protocol/base/ids.h"

namespace lienthong::vectors {

enum class Mark : char {
  kInput = '<',
  kResult = '=',   // follows from the inputs, byte for byte
  kExample = '~',  // one of several that are right: what matters is what it is read as
};

struct Vector {
  std::string name;
  Mark mark = Mark::kResult;
  std::string value;  // as written
  bool operator==(const Vector&) const = default;
};

// Hexadecimal, "" where there are no bytes; a number in decimal after #; a text in quotes.
std::string written(ByteView bytes);
std::string written(std::uint64_t number);
std::string written(std::string_view text);

class Theme {
 public:
  // `printed`: what the theme's file says now, for examples. Empty: they are made anew.
  explicit Theme(std::vector<Vector> printed = {});

  template <class T>
  void input(std::string name, const T& value) {
    add(std::move(name), Mark::kInput, value);
  }
  template <class T>
  void result(std::string name, const T& value) {
    add(std::move(name), Mark::kResult, value);
  }
  // What is printed, where `good` says that it is right, else `ours`, which must be.
  Bytes example(std::string name, ByteView ours, const std::function<bool(ByteView)>& good);

  const std::vector<Vector>& vectors() const { return vectors_; }

 private:
  template <class Tag>
  void add(std::string name, Mark mark, const Id<Tag>& id) {
    put(std::move(name), mark, written(id.view()));
  }
  template <std::size_t N>
  void add(std::string name, Mark mark, const std::array<std::uint8_t, N>& bytes) {
    put(std::move(name), mark, written(ByteView(bytes)));
  }
  void add(std::string name, Mark mark, const Bytes& bytes) {
    put(std::move(name), mark, written(ByteView(bytes)));
  }
  void add(std::string name, Mark mark, ByteView bytes) {
    put(std::move(name), mark, written(bytes));
  }
  void add(std::string name, Mark mark, std::uint64_t number) {
    put(std::move(name), mark, written(number));
  }
  void add(std::string name, Mark mark, std::string_view text) {
    put(std::move(name), mark, written(text));
  }
  void put(std::string name, Mark mark, std::string value);

  std::map<std::string, std::string> printed_;  // examples
  std::vector<Vector> vectors_;
};

// ---- as text ----

// One after another; a value that does not fit its line follows on lines that begin with blanks.
std::string render(const std::vector<Vector>& vectors);
// The same with sizes in place of long values.
std::string render_short(const std::vector<Vector>& vectors);
// Lines that begin with # and empty ones are passed over.
std::vector<Vector> parse(std::string_view text);

// ---- the themes ----

void signatures(Theme& out);
void records(Theme& out);
void messages(Theme& out);
void parts(Theme& out);
void names(Theme& out);
void compression(Theme& out);
void handshakes(Theme& out);
void sessions(Theme& out);
void healing(Theme& out);
void bundles(Theme& out);
void enrolment(Theme& out);
void files(Theme& out);

}  // namespace lienthong::vectors
